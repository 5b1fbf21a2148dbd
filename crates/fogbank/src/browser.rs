//! Keeps web pages out of a platform that does not check signatures. Loopback keeps other machines away, but not the pages that a browser
//! on this machine shows: they can post to any address, and by rebinding a name of theirs to 127.0.0.1 even read answers.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use std::net::IpAddr;

/// Name endings that a page from the internet cannot have pointed here: AWS's own, and those that never resolve in public.
const TRUSTED: [&str; 5] = [".localhost", ".amazonaws.com", ".localhost.localstack.cloud", ".internal", ".local"];

/// Why a request is taken for that of a foreign page; `None` if it is not.
pub fn foreign_page(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site") == Some("cross-site") {
        return Some("it was sent by a page of another site");
    }
    let origin = text(ORIGIN.as_str()).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    if origin.is_some_and(|origin| !is_here(host_of(origin))) {
        return Some("its Origin is a page that does not come from this machine");
    }
    if text(HOST.as_str()).is_some_and(|host| !is_trusted(host_of(host))) {
        return Some("its Host is no address, no local name and no name of AWS");
    }
    None
}

/// A host without its port.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    }
}

/// Whether a page from `host` is one of this machine's own.
fn is_here(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    address.is_ok_and(|address| address.is_loopback()) || host == "localhost" || host.ends_with(".localhost")
}

/// Whether nobody on the internet can have made `host` point here.
fn is_trusted(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.parse::<IpAddr>().is_ok() || !host.contains('.') || TRUSTED.iter().any(|ending| host.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        pairs.iter().for_each(|(name, value)| drop(headers.insert(*name, value.parse().unwrap())));
        foreign_page(&headers).is_some()
    }

    #[test]
    fn clients_and_local_pages_pass() {
        assert!(!is_foreign(&[]));
        for host in [
            "127.0.0.1:4566",
            "localhost:4566",
            "[::1]:4566",
            "s3.localhost:4566",
            "lambda.us-east-1.amazonaws.com",
            "fogbank:4566",
        ] {
            assert!(!is_foreign(&[("host", host)]), "{host}");
        }
        assert!(!is_foreign(&[
            ("host", "localhost:4566"),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "same-site")
        ]));
    }

    #[test]
    fn pages_of_the_internet_do_not() {
        assert!(is_foreign(&[("origin", "https://evil.example")]));
        assert!(is_foreign(&[("origin", "null")]));
        assert!(is_foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(is_foreign(&[("host", "rebound.evil.example:4566")]));
        assert!(is_foreign(&[("host", "localhost.evil.example")]));
        assert!(is_foreign(&[("origin", "https://127.0.0.1.evil.example")]));
    }
}
