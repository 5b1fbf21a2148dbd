//! Requests as a client of a REST API makes them, from the same tables: for operations that are called within the process but answered by
//! something that reads HTTP.

use crate::model::{Kind, Location, ModelSource, TimestampFormat};
use crate::{Fault, Value, rest, scalar, xml};
use bytes::Bytes;
use http::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The HTTP request that calls `operation` of `service`, which speaks REST with XML, with `input`. It has neither host nor signature.
///
/// # Errors
/// If the tables have no such operation, or the input does not fit its shape: a mistake of the caller.
pub fn rest_request(service: &str, operation: &str, input: &Value) -> Result<Request<Bytes>, Fault> {
    let source = ModelSource::find(service).ok_or_else(|| Fault::internal(format!("there is no service {service}")))?;
    encode(source, operation, input).map_err(Fault::internal)
}

fn encode(source: &'static ModelSource, name: &str, input: &Value) -> Result<Request<Bytes>, String> {
    let model = source.model();
    let operation = model.operation(name).ok_or_else(|| format!("there is no operation {name}"))?;
    let shape = operation.input.map(|number| model.shape(number));
    let Value::Map(given) = input else { return Err(format!("the input of {name} is a structure")) };
    let (mut uri, mut query) = (operation.uri.clone(), Vec::new());
    let (mut in_headers, mut body) = (Vec::new(), Vec::new());
    for (key, value) in given.iter().filter(|(_, value)| *value != Value::Null) {
        let member = shape.and_then(|shape| shape.member(key)).ok_or_else(|| format!("{name} has no member {key}"))?;
        let inner = model.shape(member.shape);
        let text = || {
            let text = scalar::print(inner, value, TimestampFormat::Iso8601);
            text.ok_or_else(|| format!("the member {key} of {name} is no text"))
        };
        match member.location {
            Location::Uri => {
                let text = text()?;
                let whole = utf8_percent_encode(&text, PLAIN).to_string();
                let greedy = whole.replace("%2F", "/");
                uri = uri.replace(&format!("{{{}}}", member.wire()), &whole);
                uri = uri.replace(&format!("{{{}+}}", member.wire()), &greedy);
            }
            Location::Query => {
                query.push(format!("{}={}", member.wire(), utf8_percent_encode(&text()?, PLAIN)));
            }
            Location::Header | Location::HeaderPrefix => in_headers.push((key.clone(), value.clone())),
            Location::Body if inner.kind == Kind::Structure => {
                let mut document = String::new();
                xml::encode(model, inner, value, member.wire(), "", false, &mut document)?;
                body = document.into_bytes();
            }
            Location::Body => body = text()?.into_owned().into_bytes(),
            Location::StatusCode => {}
        }
    }
    if !query.is_empty() {
        uri = format!("{uri}{}{}", if uri.contains('?') { '&' } else { '?' }, query.join("&"));
    }
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = operation.method.parse().map_err(|_| format!("{name} has no method"))?;
    *request.uri_mut() = uri.parse().map_err(|_| format!("{name} has no address"))?;
    if let Some(shape) = shape {
        rest::encode_bindings(model, shape, &Value::Map(in_headers), request.headers_mut())?;
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn members_go_where_the_table_says() {
        let input = Value::Map(vec![
            ("Bucket".into(), text("b")),
            ("Key".into(), text("a/b c")),
            ("VersionId".into(), text("v 1")),
            ("CacheControl".into(), Value::Null),
        ]);
        let request = rest_request("s3", "DeleteObject", &input).unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("DELETE", "/b/a/b%20c?versionId=v%201")
        );
        let status = Value::Map(vec![("Status".into(), text("Enabled"))]);
        let input = Value::Map(vec![("Bucket".into(), text("b")), ("VersioningConfiguration".into(), status)]);
        let request = rest_request("s3", "PutBucketVersioning", &input).unwrap();
        assert_eq!(request.uri(), "/b?versioning");
        assert_eq!(&request.body()[..], b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    }
}
