//! Pages of other sites: a browser's question before a request, and the headers that let the page read the answer.

use super::host;
use crate::configuration::{self, kind};
use crate::cors::{Asked, matching};
use crate::{Objects, bucket};
use fogbank_wire::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HOST, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use s3s::dto::{CORSConfiguration, CORSRule};

/// A request's page, and what it asks for.
pub(super) struct Page {
    bucket: String,
    origin: String,
    method: String,
    headers: Vec<String>,
    is_preflight: bool,
}

fn text<'h>(head: &'h Parts, name: &HeaderName) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

impl Page {
    /// `None` for requests that no page makes.
    pub fn of(head: &Parts) -> Option<Self> {
        let origin = text(head, &ORIGIN)?.to_owned();
        let first = head.uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let named = text(head, &HOST).map(host::parse).filter(|host| host.names_s3).and_then(|host| host.bucket);
        let is_preflight = head.method == Method::OPTIONS;
        let method = if is_preflight { text(head, &ACCESS_CONTROL_REQUEST_METHOD)? } else { head.method.as_str() };
        let headers = text(head, &ACCESS_CONTROL_REQUEST_HEADERS).filter(|_| is_preflight).unwrap_or_default();
        let headers = headers.split(',').map(|name| name.trim().to_ascii_lowercase());
        Some(Self {
            bucket: named.unwrap_or(first).to_owned(),
            origin,
            method: method.to_owned(),
            headers: headers.filter(|name| !name.is_empty()).collect(),
            is_preflight,
        })
    }

    fn rules(&self, objects: &Objects) -> Option<Vec<CORSRule>> {
        let found = objects.look(|state| {
            let Some(bucket) = bucket::lookup(state, &self.bucket)? else { return Ok(None) };
            Ok(configuration::get::<CORSConfiguration>(state, &bucket, kind::CORS)?)
        });
        found.ok().flatten().map(|configured| configured.cors_rules)
    }

    fn rule(&self, objects: &Objects) -> Option<CORSRule> {
        let rules = self.rules(objects)?;
        let asked = Asked { origin: &self.origin, method: &self.method, headers: self.headers.clone() };
        matching(&rules, &asked).cloned()
    }
}

/// The rule of its bucket that lets a request's page in.
pub(super) fn rule_for(objects: &Objects, head: &Parts) -> Option<CORSRule> {
    Page::of(head)?.rule(objects)
}

/// Answers the question before a request. The headers come from [`allow`].
pub(super) fn answer(objects: &Objects, head: &Parts) -> Response<Body> {
    let refuse = |status, code: &str, message: &str, further: &str| {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{further}</Error>"
        );
        let mut response = Response::new(Body::Full(text.into()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    };
    let insufficient = "Insufficient information. Origin request header needed.";
    if text(head, &ORIGIN).is_none() {
        return refuse(StatusCode::BAD_REQUEST, "BadRequest", insufficient, "");
    }
    let Some(page) = Page::of(head) else {
        let message = "Invalid Access-Control-Request-Method: null";
        return refuse(StatusCode::BAD_REQUEST, "BadRequest", message, "");
    };
    match (page.rules(objects), page.rule(objects)) {
        (_, Some(_)) => Response::new(Body::empty()),
        (rules, None) => {
            let message = match rules {
                Some(_) => {
                    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
                }
                None => "CORSResponse: CORS is not enabled for this bucket.",
            };
            let further = format!(
                "<Method>{}</Method><ResourceType>BUCKET</ResourceType>",
                quick_xml::escape::escape(page.method.as_str())
            );
            refuse(StatusCode::FORBIDDEN, "AccessForbidden", message, &further)
        }
    }
}

/// Adds the headers that let the page have the answer, if a rule does.
pub(super) fn allow(objects: &Objects, page: &Page, headers: &mut HeaderMap) {
    let Some(rule) = page.rule(objects) else { return };
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    let is_any = rule.allowed_origins.iter().any(|origin| origin == "*");
    set(ACCESS_CONTROL_ALLOW_ORIGIN, if is_any { "*".into() } else { page.origin.clone() });
    if !is_any {
        set(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".into());
    }
    set(ACCESS_CONTROL_ALLOW_METHODS, rule.allowed_methods.join(", "));
    if page.is_preflight && !page.headers.is_empty() {
        set(ACCESS_CONTROL_ALLOW_HEADERS, page.headers.join(", "));
    }
    if let Some(exposed) = rule.expose_headers.filter(|exposed| !exposed.is_empty()) {
        set(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.join(", "));
    }
    if let Some(age) = rule.max_age_seconds {
        set(ACCESS_CONTROL_MAX_AGE, age.to_string());
    }
    set(VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method".into());
}
