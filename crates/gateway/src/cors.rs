//! Cross-origin resource sharing as HTTP APIs and function URLs configure it: answers to preflight requests, and the headers that
//! answers get. Called by the serving pipeline.

use crate::Error;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};

/// A cross-origin configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cors {
    /// Whether credentials may be sent along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// Request headers that may be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_headers: Option<Vec<String>>,
    /// Methods that may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_methods: Option<Vec<String>>,
    /// Origins that may ask: whole ones, `*`, `http://*` and `https://*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_origins: Option<Vec<String>>,
    /// Response headers that scripts may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expose_headers: Option<Vec<String>>,
    /// For how many seconds a browser may keep a preflight's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
}

/// What a configuration may set; an integration's own are dropped.
const HEADERS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// Whether this is the question of a browser that wants to send another request.
pub(crate) fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Cors {
    /// Refuses what API Gateway refuses.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let any = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| list.iter().any(|item| item == "*"));
        if self.allow_credentials == Some(true) && any(&self.allow_origins) {
            return Err(Error::bad("Invalid CORS configuration: AllowCredentials cannot be used with the origin '*'."));
        }
        if self.max_age.is_some_and(|age| !(-1..=86_400).contains(&age)) {
            return Err(Error::bad("Invalid CORS configuration: MaxAge must be from -1 to 86400."));
        }
        for header in [&self.allow_headers, &self.expose_headers].into_iter().flatten().flatten() {
            if header != "*" && HeaderName::from_bytes(header.as_bytes()).is_err() {
                return Err(Error::bad(format!("Invalid CORS configuration: '{header}' is no header name.")));
            }
        }
        Ok(())
    }

    /// What `Access-Control-Allow-Origin` says to `origin`; `None` if it may not ask.
    fn allowed<'o>(&self, origin: &'o str) -> Option<&'o str> {
        let origins = self.allow_origins.as_deref().unwrap_or_default();
        let fits = |allowed: &String| match allowed.strip_suffix("://*") {
            Some(scheme) => origin.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://")),
            None => allowed.eq_ignore_ascii_case(origin),
        };
        if origins.iter().any(|allowed| allowed == "*") {
            return Some("*");
        }
        origins.iter().any(fits).then_some(origin)
    }

    /// Headers for the answer to a request with the headers `asked`: those of a preflight's answer, or of any other.
    pub(crate) fn headers(&self, asked: &HeaderMap, preflight: bool) -> Vec<(HeaderName, HeaderValue)> {
        let origin = asked.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) else { return Vec::new() };
        let mut headers = vec![(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.to_owned())];
        if allowed != "*" {
            headers.push((VARY, "origin".into()));
        }
        if self.allow_credentials == Some(true) {
            headers.push((ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".into()));
        }
        let mut list = |name, list: &Option<Vec<String>>| {
            let list = list.as_deref().filter(|list| !list.is_empty());
            headers.extend(list.map(|list| (name, list.join(","))));
        };
        if preflight {
            list(ACCESS_CONTROL_ALLOW_METHODS, &self.allow_methods);
            list(ACCESS_CONTROL_ALLOW_HEADERS, &self.allow_headers);
            headers.extend(self.max_age.map(|age| (ACCESS_CONTROL_MAX_AGE, age.to_string())));
        } else {
            list(ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose_headers);
        }
        let value = |(name, text): (HeaderName, String)| HeaderValue::try_from(text).ok().map(|value| (name, value));
        headers.into_iter().filter_map(value).collect()
    }

    /// Puts the headers on an answer, instead of the integration's own.
    pub(crate) fn apply(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        for name in &HEADERS {
            answer.remove(name);
        }
        for (name, value) in self.headers(asked, false) {
            answer.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        let list = |items: &[&str]| Some(items.iter().map(|item| (*item).to_owned()).collect());
        Cors {
            allow_origins: list(origins),
            allow_methods: list(&["GET", "POST"]),
            allow_headers: list(&["content-type", "x-shop"]),
            expose_headers: list(&["x-total"]),
            max_age: Some(300),
            allow_credentials: None,
        }
    }

    fn from(origin: &str) -> HeaderMap {
        HeaderMap::from_iter([(ORIGIN, HeaderValue::from_str(origin).unwrap())])
    }

    #[test]
    fn an_origin_is_allowed_by_itself_by_its_scheme_or_by_a_star() {
        let table: [(&[&str], &str, Option<&str>); 7] = [
            (&["https://shop.example"], "https://shop.example", Some("https://shop.example")),
            (&["https://shop.example"], "https://other.example", None),
            (&["https://shop.example"], "http://shop.example", None),
            (&["https://*"], "https://any.example", Some("https://any.example")),
            (&["https://*"], "http://any.example", None),
            (&["*"], "http://any.example", Some("*")),
            (&[], "http://any.example", None),
        ];
        for (allowed, origin, expected) in table {
            assert_eq!(cors(allowed).allowed(origin), expected, "{allowed:?} {origin}");
        }
    }

    #[test]
    fn a_preflight_is_told_what_may_be_sent_and_another_request_what_may_be_read() {
        let shown = |preflight| -> Vec<String> {
            let headers = cors(&["*"]).headers(&from("http://a.example"), preflight);
            headers.into_iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
        };
        let preflight = [
            "access-control-allow-origin: *",
            "access-control-allow-methods: GET,POST",
            "access-control-allow-headers: content-type,x-shop",
            "access-control-max-age: 300",
        ];
        assert_eq!(shown(true), preflight);
        assert_eq!(shown(false), ["access-control-allow-origin: *", "access-control-expose-headers: x-total"]);
    }

    #[test]
    fn a_stranger_gets_no_headers_and_the_integrations_own_are_dropped() {
        let mut answer = HeaderMap::from_iter([(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))]);
        cors(&["https://shop.example"]).apply(&from("https://evil.example"), &mut answer);
        assert!(answer.is_empty());
    }

    #[test]
    fn credentials_for_everybody_are_refused() {
        let open = Cors { allow_credentials: Some(true), ..cors(&["*"]) };
        assert!(open.check().is_err());
        assert!(Cors { allow_credentials: Some(true), ..cors(&["https://a.example"]) }.check().is_ok());
    }
}
