//! Mapping: from what a function returned to an HTTP answer.

use super::request::HOP_BY_HOP;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fogbank_wire::Body;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, HeaderName, SERVER, SET_COOKIE, UPGRADE, VIA,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

/// The function's answer is not one that a proxy integration accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub &'static str);

/// Names that REST APIs do not take from a function, but hand on with `x-amzn-remapped-` before them.
const REMAPPED: [HeaderName; 8] =
    [AUTHORIZATION, CONNECTION, CONTENT_LENGTH, DATE, HOST, SERVER, VIA, WWW_AUTHENTICATE];

/// An answer in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Draft {
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::Full(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Payload format 2.0: a structure with `statusCode`, or any JSON, which becomes the body. `default_type` is the content type of
/// structures that name none.
pub(crate) fn version_2(payload: &Bytes, default_type: &'static str) -> Result<Draft, Malformed> {
    let answer: Value = serde_json::from_slice(payload).map_err(|_| Malformed("it is not JSON"))?;
    match answer {
        Value::Object(answer) if answer.contains_key("statusCode") => {
            let mut draft = structured(&answer, true)?;
            for cookie in list(&answer, "cookies") {
                let cookie = scalar(cookie).and_then(|text| HeaderValue::try_from(text).ok());
                draft.headers.append(SET_COOKIE, cookie.ok_or(Malformed("a cookie is no text"))?);
            }
            finish(&mut draft.headers, default_type);
            Ok(draft)
        }
        Value::String(text) => Ok(inferred(text.into())),
        _ => Ok(inferred(payload.clone())),
    }
}

fn inferred(body: Bytes) -> Draft {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Draft { status: StatusCode::OK, headers, body }
}

/// Payload format 1.0 as an HTTP API reads it.
pub(crate) fn version_1(payload: &Bytes) -> Result<Draft, Malformed> {
    let answer: Value = serde_json::from_slice(payload).map_err(|_| Malformed("it is not JSON"))?;
    let answer = answer.as_object().ok_or(Malformed("it is no object"))?;
    let mut draft = structured(answer, true)?;
    multi_value(answer, &mut draft.headers)?;
    finish(&mut draft.headers, "text/plain;charset=UTF-8");
    Ok(draft)
}

/// Payload format 1.0 as a REST API reads it: other members than its own are refused, and base64 is only decoded for a client that takes
/// the API's binary media types.
pub(crate) fn rest(payload: &Bytes, decode: bool) -> Result<Draft, Malformed> {
    const KNOWN: [&str; 5] = ["isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"];
    let answer: Value = serde_json::from_slice(payload).map_err(|_| Malformed("it is not JSON"))?;
    let answer = answer.as_object().ok_or(Malformed("it is no object"))?;
    if answer.keys().any(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Malformed("it has members that a proxy response does not have"));
    }
    let mut draft = structured(answer, decode)?;
    multi_value(answer, &mut draft.headers)?;
    remap(&mut draft.headers);
    finish(&mut draft.headers, "application/json");
    Ok(draft)
}

/// The members that all forms have. A missing status is 200.
fn structured(answer: &Map<String, Value>, decode: bool) -> Result<Draft, Malformed> {
    let status = match answer.get("statusCode") {
        None => StatusCode::OK,
        Some(code) => status(code).ok_or(Malformed("statusCode is no HTTP status from 200 to 599"))?,
    };
    let mut headers = HeaderMap::new();
    match answer.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(given)) => {
            for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                put(&mut headers, name, value, false)?;
            }
        }
        Some(_) => return Err(Malformed("headers is no object")),
    }
    let encoded = matches!(answer.get("isBase64Encoded"), Some(Value::Bool(true)));
    let body = match answer.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if encoded && decode => {
            STANDARD.decode(text).map_err(|_| Malformed("body is not base64"))?.into()
        }
        Some(Value::String(text)) => text.clone().into(),
        Some(_) => return Err(Malformed("body is no text")),
    };
    Ok(Draft { status, headers, body })
}

fn status(code: &Value) -> Option<StatusCode> {
    let code = crate::openapi::number(code).and_then(|code| u16::try_from(code).ok())?;
    StatusCode::from_u16(code).ok().filter(|_| (200..600).contains(&code))
}

fn list<'a>(answer: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &Value, append: bool) -> Result<(), Malformed> {
    let name = HeaderName::try_from(name).map_err(|_| Malformed("a header's name is not valid"))?;
    let value = scalar(value).and_then(|text| HeaderValue::try_from(text).ok());
    let value = value.ok_or(Malformed("a header's value is not valid"))?;
    match append {
        true => drop(headers.append(name, value)),
        false => drop(headers.insert(name, value)),
    }
    Ok(())
}

/// Of a header in both, the values of `multiValueHeaders` count, and the other's if it is not among them.
fn multi_value(answer: &Map<String, Value>, headers: &mut HeaderMap) -> Result<(), Malformed> {
    let given = match answer.get("multiValueHeaders") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(Malformed("multiValueHeaders is no object")),
    };
    for (name, values) in given {
        let values = values.as_array().ok_or(Malformed("a member of multiValueHeaders is no list"))?;
        let single = HeaderName::try_from(name.as_str()).ok().and_then(|name| headers.remove(name));
        for value in values {
            put(headers, name, value, true)?;
        }
        let kept = single.and_then(|value| value.to_str().ok().map(str::to_owned));
        if let Some(kept) = kept.filter(|kept| !values.iter().any(|value| value.as_str() == Some(kept))) {
            put(headers, name, &Value::String(kept), true)?;
        }
    }
    Ok(())
}

fn remap(headers: &mut HeaderMap) {
    for name in &REMAPPED {
        let values: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
        headers.remove(name);
        let remapped = HeaderName::try_from(format!("x-amzn-remapped-{name}"));
        for (value, name) in values.into_iter().zip(remapped.iter().cycle()) {
            headers.append(name, value);
        }
    }
}

/// Drops what the connection decides, and gives a content type where there is none.
fn finish(headers: &mut HeaderMap, default_type: &'static str) {
    for name in HOP_BY_HOP.iter().chain(&[CONTENT_LENGTH, UPGRADE]) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(default_type));
    }
}

/// The answer of a function that speaks HTTP.
pub(crate) fn passed_on(head: http::response::Parts, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Full(body));
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    for name in HOP_BY_HOP.iter().chain(&[CONTENT_LENGTH, UPGRADE]) {
        response.headers_mut().remove(name);
    }
    response
}

/// The head of a streamed answer (`application/vnd.awslambda.http-integration-response`), from its prelude.
pub(crate) fn prelude(text: &[u8]) -> Result<Draft, Malformed> {
    let prelude: Value = serde_json::from_slice(text).map_err(|_| Malformed("the prelude is not JSON"))?;
    let mut prelude = match prelude {
        Value::Object(prelude) => prelude,
        _ => return Err(Malformed("the prelude is no object")),
    };
    prelude.remove("body");
    let mut draft = structured(&prelude, false)?;
    multi_value(&prelude, &mut draft.headers)?;
    for cookie in list(&prelude, "cookies") {
        let cookie = scalar(cookie).and_then(|text| HeaderValue::try_from(text).ok());
        draft.headers.append(SET_COOKIE, cookie.ok_or(Malformed("a cookie is no text"))?);
    }
    finish(&mut draft.headers, "application/octet-stream");
    Ok(draft)
}

#[cfg(test)]
mod tests;
