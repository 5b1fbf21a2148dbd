//! Templates that lie in a bucket: `TemplateURL`.

use crate::Deploy;
use crate::cloudformation::faults::invalid;
use crate::cloudformation::shapes::TemplateInput;
use fogbank_model::{ObjectError, ObjectName, RequestContext};
use fogbank_wire::Fault;
use percent_encoding::percent_decode_str;
use std::io::Read as _;

/// CloudFormation's limit on a template in a bucket, in bytes.
const MAX_BYTES: u64 = 1_000_000;

impl TemplateInput {
    /// The same, with the template itself in place of its address.
    pub async fn read(mut self, deploy: &Deploy, context: &RequestContext) -> Result<Self, Fault> {
        let Some(url) = self.template_url.take() else { return Ok(self) };
        if self.template_body.is_some() {
            return Err(invalid("Both TemplateURL and TemplateBody cannot be specified."));
        }
        let object =
            object_at(&url, &context.endpoint).ok_or_else(|| invalid("TemplateURL must be a supported URL."))?;
        let (objects, account) = (deploy.objects.clone(), context.account.clone());
        let read = tokio::task::spawn_blocking(move || {
            let reader = objects.open(&account, &object).map_err(unreadable)?;
            let mut text = Vec::new();
            reader.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(Fault::internal)?;
            if text.len() as u64 > MAX_BYTES {
                return Err(invalid(format!("Template may not exceed {MAX_BYTES} bytes in size.")));
            }
            String::from_utf8(text).map_err(|_| invalid("Template format error: the template is not UTF-8."))
        });
        self.template_body = Some(read.await.map_err(Fault::internal)??);
        Ok(self)
    }
}

fn unreadable(error: ObjectError) -> Fault {
    if error.code == "InternalError" {
        return Fault::internal(error);
    }
    let more = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
    invalid(format!("S3 error: {}\n{more}", error.message))
}

/// The object that `url` names: by S3's own hosts, or by those under which the platform is reached, `endpoint` among them.
fn object_at(url: &str, endpoint: &str) -> Option<ObjectName> {
    let (_, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let (authority, rest) = rest.split_once('/')?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
    let path = decoded(path)?;
    let (bucket, key) = match bucket_in(authority, endpoint)? {
        Some(bucket) => (bucket.to_owned(), path),
        None => path.split_once('/').map(|(bucket, key)| (bucket.to_owned(), key.to_owned()))?,
    };
    let version = query.split('&').find_map(|pair| decoded(pair.strip_prefix("versionId=")?));
    (!bucket.is_empty() && !key.is_empty()).then_some(ObjectName { bucket, key, version })
}

/// The bucket that a host names; an inner `None` if the path names it, an outer one if the host is not one of S3's.
fn bucket_in<'a>(authority: &'a str, endpoint: &str) -> Option<Option<&'a str>> {
    if endpoint.split_once("://").is_some_and(|(_, own)| own == authority) {
        return Some(None);
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    if host.parse::<std::net::IpAddr>().is_ok() || host == "localhost" {
        return Some(None);
    }
    let domain = host.strip_suffix(".localhost").or_else(|| host.split_once(".amazonaws.com").map(|(name, _)| name))?;
    let is_s3 = |label: &str| label == "s3" || label.starts_with("s3-");
    if is_s3(domain.split('.').next().unwrap_or_default()) {
        return Some(None);
    }
    // A bucket's name may hold dots and more than one label that looks like S3's.
    let mut from = domain
        .match_indices('.')
        .map(|(dot, _)| dot)
        .filter(|dot| is_s3(domain.get(dot + 1..).and_then(|rest| rest.split('.').next()).unwrap_or_default()));
    match from.next_back() {
        Some(dot) => Some(domain.get(..dot)),
        None => host.ends_with(".localhost").then_some(Some(domain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_objects_address_names_it() {
        for url in [
            "https://s3.amazonaws.com/b.c/d/t.json",
            "https://s3.eu-west-1.amazonaws.com/b.c/d/t.json",
            "https://s3-eu-west-1.amazonaws.com/b.c/d/t.json",
            "https://b.c.s3.amazonaws.com/d/t.json",
            "https://b.c.s3.eu-west-1.amazonaws.com/d/t.json",
            "http://b.c.s3.localhost:4566/d/t.json",
            "http://b.c.localhost:4566/d%2Ft.json",
            "http://localhost:4566/b.c/d/t.json",
            "http://127.0.0.1:4566/b.c/d/t.json",
            "http://fog.example:80/b.c/d/t.json",
        ] {
            let found = object_at(url, "http://fog.example:80");
            let found = found.map(|object| (object.bucket, object.key, object.version));
            assert_eq!(found, Some(("b.c".into(), "d/t.json".into(), None)), "{url}");
        }
        let found = object_at("https://b.s3.amazonaws.com/t?versionId=7&x=1", "http://h").unwrap();
        assert_eq!(found.version.as_deref(), Some("7"));
    }

    #[test]
    fn what_is_not_s3s_is_no_address() {
        for url in [
            "https://example.com/b/t",
            "s3://b/t",
            "https://s3.amazonaws.com/b",
            "t.json",
            "https://b.s3.amazonaws.com/",
        ] {
            assert!(object_at(url, "http://h").is_none(), "{url}");
        }
    }
}
