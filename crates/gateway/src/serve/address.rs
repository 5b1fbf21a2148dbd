//! Addressing: from host and path to the name of an API or function URL.

use http::header::HOST;
use http::request::Parts;
use std::borrow::Cow;

/// What a request's address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// An API by id or name.
    Api {
        name: String,
        /// What follows the API's own address; begins with `/`, and is still encoded.
        path: String,
        /// Whether the address can mean nothing but an API.
        certain: bool,
        /// Whether a REST API's only stage may be left out of the path.
        short: bool,
    },
    /// A function URL by its id.
    Url {
        /// The id.
        id: String,
    },
}

/// The host that a request is addressed to, without its port, in lower case.
pub(crate) fn host(head: &Parts) -> Cow<'_, str> {
    let header = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = head.uri.host().or(header).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// The port that a request is addressed to, as far as it says.
pub(crate) fn port(head: &Parts) -> Option<u16> {
    let header = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    head.uri.port_u16().or_else(|| header?.rsplit_once(':')?.1.parse().ok())
}

/// How the hosts end that name something.
const ZONES: [&str; 4] = [".localhost", ".amazonaws.com", ".on.aws", ".localstack.cloud"];

/// What the host names, whatever the path is.
pub(crate) fn by_host(host: &str, path: &str) -> Option<Address> {
    // Every request comes by here; most are for a number or a plain name.
    if !ZONES.iter().any(|zone| host.ends_with(zone)) {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let api =
        |name: &str, certain| Some(Address::Api { name: name.into(), path: path.into(), certain, short: !certain });
    match labels[..] {
        [name, "localhost"] if !name.is_empty() => api(name, false),
        [name, "execute-api", "localhost"]
        | [name, "execute-api", _, "localhost"]
        | [name, "execute-api", _, "amazonaws", "com"]
        | [name, "execute-api", "localhost", "localstack", "cloud"] => api(name, true),
        [id, "lambda-url", _, "localhost"]
        | [id, "lambda-url", _, "amazonaws", "com"]
        | [id, "lambda-url", _, "on", "aws"]
        | [id, "lambda-url", _, "localhost", "localstack", "cloud"] => Some(Address::Url { id: id.into() }),
        _ => None,
    }
}

/// What the path names, on any host.
pub(crate) fn by_path(path: &str) -> Option<Address> {
    if let Some(rest) = path.strip_prefix("/_fogbank/apis/") {
        let (name, path) = first(rest)?;
        return Some(Address::Api { name, path, certain: true, short: true });
    }
    if let Some(rest) = path.strip_prefix("/_aws/execute-api/") {
        let (name, path) = first(rest)?;
        return Some(Address::Api { name, path, certain: true, short: false });
    }
    // The rest of `/restapis/` is the API that manages REST APIs.
    let (name, rest) = first(path.strip_prefix("/restapis/")?)?;
    let (stage, rest) = first(rest.strip_prefix('/')?)?;
    let rest = rest.strip_prefix("/_user_request_").filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
    Some(Address::Api { name, path: format!("/{stage}{rest}"), certain: true, short: false })
}

/// The first part of a path, and the rest from its slash on.
fn first(path: &str) -> Option<(String, String)> {
    let (part, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let rest = if rest.is_empty() { "/" } else { rest };
    (!part.is_empty()).then(|| (part.to_owned(), rest.to_owned()))
}

/// Takes the stage off the front of a path.
pub(crate) fn split_stage(path: &str) -> (String, String) {
    let (stage, rest) = first(path.strip_prefix('/').unwrap_or(path)).unwrap_or_else(|| (String::new(), "/".into()));
    (percent_encoding::percent_decode_str(&stage).decode_utf8_lossy().into_owned(), rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn show(address: Option<Address>) -> String {
        match address {
            None => "-".into(),
            Some(Address::Url { id }) => format!("url {id}"),
            Some(Address::Api { name, path, certain, short }) => {
                format!("{name} {path}{}{}", if certain { " certain" } else { "" }, if short { " short" } else { "" })
            }
        }
    }

    #[test]
    fn a_host_names_an_api_or_a_function_url() {
        let table = [
            ("shop.localhost", "shop /x short"),
            ("shop.execute-api.localhost", "shop /x certain"),
            ("shop.execute-api.eu-west-1.localhost", "shop /x certain"),
            ("shop.execute-api.eu-west-1.amazonaws.com", "shop /x certain"),
            ("shop.execute-api.localhost.localstack.cloud", "shop /x certain"),
            ("abc.lambda-url.eu-west-1.localhost", "url abc"),
            ("abc.lambda-url.eu-west-1.on.aws", "url abc"),
            ("localhost", "-"),
            (".localhost", "-"),
            ("127.0.0.1", "-"),
            ("lambda.eu-west-1.amazonaws.com", "-"),
            ("bucket.s3.localhost", "-"),
        ];
        for (host, expected) in table {
            assert_eq!(show(by_host(host, "/x")), expected, "{host}");
        }
    }

    #[test]
    fn a_path_names_an_api() {
        let table = [
            ("/_fogbank/apis/shop", "shop / certain short"),
            ("/_fogbank/apis/shop/a/b", "shop /a/b certain short"),
            ("/_aws/execute-api/shop/prod/a", "shop /prod/a certain"),
            ("/restapis/abc/prod/_user_request_/a/b", "abc /prod/a/b certain"),
            ("/restapis/abc/prod/_user_request_", "abc /prod certain"),
            ("/restapis/abc/stages/prod", "-"),
            ("/restapis/abc", "-"),
            ("/_fogbank/apis/", "-"),
            ("/2015-03-31/functions", "-"),
        ];
        for (path, expected) in table {
            assert_eq!(show(by_path(path)), expected, "{path}");
        }
    }

    #[test]
    fn the_port_and_the_case_of_a_host_do_not_matter() {
        for (given, expected) in [("Shop.LocalHost:4566", "shop.localhost"), ("shop.localhost", "shop.localhost")] {
            let (head, ()) = http::Request::builder().uri("/").header("host", given).body(()).unwrap().into_parts();
            assert_eq!(host(&head), expected);
        }
    }
}
