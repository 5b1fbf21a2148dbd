//! The bucket in a host name: `BUCKET.s3.localhost`, `BUCKET.s3.eu-west-1.amazonaws.com`, and where a request is signed for S3 also
//! `BUCKET.localhost`.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// What hosts of the platform and of AWS end with.
const BASES: [&str; 3] = ["localhost.localstack.cloud", "localhost", "amazonaws.com"];

/// What a host name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host<'h> {
    /// The bucket.
    pub bucket: Option<&'h str>,
    /// Whether it names S3.
    pub names_s3: bool,
}

/// Reads a host, with or without its port.
pub(super) fn parse(host: &str) -> Host<'_> {
    let nothing = Host { bucket: None, names_s3: false };
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(host, _)| host);
    let Some(rest) = BASES.iter().find_map(|base| host.strip_suffix(base)?.strip_suffix('.')) else { return nothing };
    let labels: Vec<&str> = rest.split('.').collect();
    // A bucket's name may hold dots, and even be called s3; the last label of that name is the service's.
    let is_service =
        |label: &str| label == "s3" || label.strip_prefix("s3-").is_some_and(|region| region.contains('-'));
    let Some(at) = labels.iter().rposition(|label| is_service(label)).filter(|at| labels.len() - at <= 3) else {
        return Host { bucket: Some(rest).filter(|rest| !rest.is_empty()), names_s3: false };
    };
    let length = labels.iter().take(at).map(|label| label.len() + 1).sum::<usize>();
    let bucket = rest.get(..length.saturating_sub(1)).filter(|bucket| !bucket.is_empty());
    Host { bucket, names_s3: true }
}

/// Tells `s3s` the bucket that was found already.
pub(super) struct Known(pub Option<String>);

impl S3Host for Known {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let known = VirtualHost::new(host);
        Ok(match &self.0 {
            Some(bucket) => known.with_bucket(bucket.as_str()),
            None => known,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets() {
        let cases = [
            ("s3.localhost:4566", None, true),
            ("b.s3.localhost:4566", Some("b"), true),
            ("my.b.s3.localhost", Some("my.b"), true),
            ("b.s3.eu-west-1.localhost:4566", Some("b"), true),
            ("s3.eu-west-1.amazonaws.com", None, true),
            ("b.s3-eu-west-1.amazonaws.com", Some("b"), true),
            ("b.localhost:4566", Some("b"), false),
            ("localhost:4566", None, false),
            ("127.0.0.1:4566", None, false),
            ("fogbank:4566", None, false),
        ];
        for (host, bucket, names_s3) in cases {
            assert_eq!(parse(host), Host { bucket, names_s3 }, "{host}");
        }
    }
}
