//! Mock integrations: answers that the gateway makes by itself. Templates are static texts (see [`check_template`]), so the whole
//! answer is known when the API is deployed.

use crate::Error;
use crate::rest_api::{Integration, IntegrationResponse};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use std::collections::BTreeMap;

/// A mock integration's answer.
#[derive(Debug, Clone)]
pub(crate) struct MockAnswer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

/// Refuses templates with anything but static text.
pub(crate) fn check_template(text: &str) -> Result<(), Error> {
    match text.contains(['#', '$']) {
        false => Ok(()),
        true => Err(Error::Unsupported("mapping templates with '#' or '$' yet; use static text.".into())),
    }
}

/// Reads `method.response.header.NAME: 'value'`.
pub(crate) fn header(target: &str, source: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let name = target.strip_prefix("method.response.header.").and_then(|name| HeaderName::try_from(name).ok());
    let name = name.ok_or_else(|| {
        Error::bad(format!("Invalid mapping expression parameter specified: {target}; use method.response.header.NAME"))
    })?;
    let value = source.strip_prefix('\'').and_then(|source| source.strip_suffix('\''));
    let value = value.ok_or_else(|| {
        Error::Unsupported(format!("the mapping expression {source} yet; use a static value in single quotes."))
    })?;
    let value = HeaderValue::try_from(value).map_err(|_| Error::bad(format!("'{value}' is no header value.")))?;
    Ok((name, value))
}

/// The template for JSON, or the only one.
fn template(templates: &BTreeMap<String, String>) -> Option<&str> {
    let json = templates.get("application/json").or_else(|| templates.values().next());
    json.map(String::as_str)
}

/// What the integration answers; `None` if its request template gives no status that one of its responses takes.
pub(crate) fn answer(integration: &Integration) -> Option<MockAnswer> {
    let request: serde_json::Value = serde_json::from_str(template(&integration.request_templates)?).ok()?;
    let status = crate::openapi::number(&request["statusCode"])?.to_string();
    let (code, response) = choose(&integration.responses, &status)?;
    let headers = response.parameters.iter().filter_map(|(target, source)| header(target, source).ok());
    let mut headers: Vec<_> = headers.collect();
    if !headers.iter().any(|(name, _)| name == http::header::CONTENT_TYPE) {
        headers.push((http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
    let body = template(&response.templates).unwrap_or_default().to_owned();
    Some(MockAnswer { status: StatusCode::from_bytes(code.as_bytes()).ok()?, headers, body: body.into() })
}

/// The response whose pattern is the status, or the one without a pattern. Patterns are compared as texts; a `\d{2}` at the end,
/// as API Gateway's console suggests, fits any two digits.
fn choose<'r>(
    responses: &'r BTreeMap<String, IntegrationResponse>,
    status: &str,
) -> Option<(&'r str, &'r IntegrationResponse)> {
    let pattern = |response: &IntegrationResponse| response.selection_pattern.clone().filter(|text| !text.is_empty());
    let fits = |text: String| match text.strip_suffix("\\d{2}") {
        Some(start) => status.len() == start.len() + 2 && status.starts_with(start),
        None => text == status,
    };
    let mut all = responses.iter();
    let exact = all.find(|(_, response)| pattern(response).is_some_and(fits));
    let default = || responses.iter().find(|(_, response)| pattern(response).is_none());
    exact.or_else(default).map(|(code, response)| (code.as_str(), response))
}

/// Refuses patterns that [`choose`] cannot compare.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), Error> {
    let text = pattern.strip_suffix("\\d{2}").unwrap_or(pattern);
    match text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(()),
        false => Err(Error::Unsupported(format!(
            "the selection pattern '{pattern}' yet; use a status such as 200, or one digit and \\d{{2}}."
        ))),
    }
}
