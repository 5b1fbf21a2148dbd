//! What a call of an API destination looks like: address, headers and body from the destination, the connection, the target and the event.

use crate::connection::Connection;
use crate::destination::Destination;
use crate::model::Target;
use crate::path::Path;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stays as it is in paths and queries.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the event and the target bring.
pub(super) struct Parts<'a> {
    pub target: &'a Target,
    pub body: &'a str,
    pub event: &'a Value,
}

impl Parts<'_> {
    /// A parameter's value: what is there in the event, where it is a path.
    fn value(&self, given: &str) -> String {
        if !given.starts_with("$.") {
            return given.to_owned();
        }
        let found = Path::parse(given).and_then(|path| path.find(self.event));
        match found {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

/// The request; an error says what of it cannot be sent.
pub(super) fn build(
    parts: &Parts<'_>,
    destination: &Destination,
    connection: &Connection,
    token: Option<&str>,
) -> Result<Request<Full<Bytes>>, String> {
    let own = parts.target.http_parameters.clone().unwrap_or_default();
    let shared = &connection.parameters["InvocationHttpParameters"];
    let mut uri = address(parts, &destination.endpoint, &own.path_parameter_values);
    let mut query: Vec<(String, String)> =
        own.query_string_parameters.iter().map(|(name, value)| (name.clone(), parts.value(value))).collect();
    merge(&mut query, pairs(&shared["QueryStringParameters"]), str::eq);
    for (at, (name, value)) in query.iter().enumerate() {
        uri.push(if at == 0 && !uri.contains('?') { '?' } else { '&' });
        uri.push_str(&format!("{}={}", utf8_percent_encode(name, PLAIN), utf8_percent_encode(value, PLAIN)));
    }
    let mut headers: Vec<(String, String)> =
        own.header_parameters.iter().map(|(name, value)| (name.clone(), parts.value(value))).collect();
    merge(&mut headers, pairs(&shared["HeaderParameters"]), str::eq_ignore_ascii_case);
    merge(&mut headers, authorization(connection, token), str::eq_ignore_ascii_case);
    let body = with_members(parts.body, &pairs(&shared["BodyParameters"]));
    let mut request = Request::builder()
        .method(destination.method.as_str())
        .uri(uri)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::USER_AGENT, "Amazon/EventBridge/ApiDestinations")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(|_| format!("{name} is not the name of a header."))?;
        let value = HeaderValue::from_str(&value).map_err(|_| format!("The header {name} has an invalid value."))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// The endpoint with its `*`s filled in, in order.
fn address(parts: &Parts<'_>, endpoint: &str, values: &[String]) -> String {
    let mut values = values.iter();
    let mut address = String::with_capacity(endpoint.len());
    for c in endpoint.chars() {
        match (c, (c == '*').then(|| values.next()).flatten()) {
            (_, Some(value)) => address.extend(utf8_percent_encode(&parts.value(value), PLAIN)),
            (c, None) => address.push(c),
        }
    }
    address
}

/// `[{"Key": …, "Value": …}]` as pairs.
pub(super) fn pairs(list: &Value) -> Vec<(String, String)> {
    let pair =
        |item: &Value| Some((item["Key"].as_str()?.to_owned(), item["Value"].as_str().unwrap_or_default().to_owned()));
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(pair).collect()
}

/// Puts `stronger` in the places of those of the same names.
fn merge(all: &mut Vec<(String, String)>, stronger: Vec<(String, String)>, same: fn(&str, &str) -> bool) {
    all.retain(|(name, _)| !stronger.iter().any(|(other, _)| same(name, other)));
    all.extend(stronger);
}

fn authorization(connection: &Connection, token: Option<&str>) -> Vec<(String, String)> {
    let text = |kind: &str, member: &str| connection.parameters[kind][member].as_str().unwrap_or_default().to_owned();
    match connection.kind.as_str() {
        "BASIC" => {
            let kind = "BasicAuthParameters";
            let both = BASE64.encode(format!("{}:{}", text(kind, "Username"), text(kind, "Password")));
            vec![("Authorization".into(), format!("Basic {both}"))]
        }
        "API_KEY" => vec![(text("ApiKeyAuthParameters", "ApiKeyName"), text("ApiKeyAuthParameters", "ApiKeyValue"))],
        _ => token.map(|token| ("Authorization".into(), format!("Bearer {token}"))).into_iter().collect(),
    }
}

/// The body with the connection's members, if it is a JSON object.
fn with_members(body: &str, members: &[(String, String)]) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(mut object)) if !members.is_empty() => {
            object.extend(members.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
            Value::Object(object).to_string()
        }
        _ => body.to_owned(),
    }
}
