//! Answers as S3 gives them: error documents with everything that belongs in them, and the ids of the request.

use super::faults::DETAILS;
use super::{host_id, request_id};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fogbank_model::RequestId;
use fogbank_wire::{Body, Fault};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use quick_xml::escape::{escape, unescape};
use s3s::{S3Error, S3Result};
use std::io;

/// Texts of errors that `s3s` finds and has no words for.
const TEXTS: [(&str, &str); 20] = [
    ("AccessDenied", "Access Denied"),
    ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"),
    ("ExpiredToken", "The provided token has expired."),
    ("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"),
    ("InternalError", "We encountered an internal error. Please try again."),
    ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    ("InvalidArgument", "Invalid Argument"),
    ("InvalidBucketName", "The specified bucket is not valid."),
    ("InvalidDigest", "The Content-MD5 you specified was invalid."),
    ("InvalidPolicyDocument", "The content of the form does not meet the conditions specified in the policy document."),
    ("InvalidURI", "Couldn't parse the specified URI."),
    ("KeyTooLongError", "Your key is too long"),
    ("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."),
    ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"),
    ("MaxMessageLengthExceeded", "Your request was too big."),
    ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    ("MissingContentLength", "You must provide the Content-Length HTTP header."),
    ("NotImplemented", "A header you provided implies functionality that is not implemented"),
    ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
    (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    ),
];

/// Texts of `s3s`'s own that S3 has others for.
const REPLACED: [&str; 2] = ["RequestTimeTooSkewed", "SignatureDoesNotMatch"];

/// Makes the answer of `s3s` that of the platform.
pub(super) fn complete(
    answered: S3Result<http::Response<s3s::Body>>,
    method: &Method,
    resource: &str,
    id: &RequestId,
) -> Response<Body> {
    let answered = answered.or_else(S3Error::to_http_response);
    let Ok(response) = answered else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    let (mut head, body) = response.into_parts();
    if head.status.is_success() || head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED {
        let body = match body.bytes() {
            Some(whole) if method == Method::HEAD => Body::Full(whole.slice(..0)),
            Some(whole) => Body::Full(whole),
            None => Body::Boxed(body.map_err(io::Error::other).boxed()),
        };
        return Response::from_parts(head, body);
    }
    let details = head.headers.remove(DETAILS);
    head.headers.remove(CONTENT_LENGTH);
    let is_bare = method == Method::HEAD || head.status == StatusCode::NOT_MODIFIED;
    let document = body.bytes().unwrap_or_default();
    let document = String::from_utf8_lossy(&document);
    let refused = element(&document, "Message").as_deref().and_then(form_refusal);
    let document = match refused {
        Some(message) => {
            head.status = StatusCode::FORBIDDEN;
            format!("<Code>AccessDenied</Code><Message>{}</Message>", escape(message.as_str()))
        }
        None => document.into_owned(),
    };
    let body = match is_bare {
        true => {
            head.headers.remove(CONTENT_TYPE);
            Bytes::new()
        }
        false => {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            error_document(&document, details.as_ref(), resource, id).into()
        }
    };
    Response::from_parts(head, Body::Full(body))
}

/// What S3 says where `s3s` finds that a form does not fit its policy.
fn form_refusal(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('\'').collect();
    match quoted.as_slice() {
        ["Policy condition ", operator, " for field ", field, _, expected, ..] => Some(format!(
            "Invalid according to Policy: Policy Condition failed: [\"{operator}\", \"${field}\", \"{expected}\"]"
        )),
        _ if message.starts_with("Each form field that you specify") => {
            let field = message.split('"').nth(1).unwrap_or_default();
            Some(format!("Invalid according to Policy: Extra input fields: {field}"))
        }
        _ => None,
    }
}

/// Writes an error document anew, with the elements that `s3s` does not know.
fn error_document(document: &str, details: Option<&HeaderValue>, resource: &str, id: &RequestId) -> String {
    let code = element(document, "Code").unwrap_or_else(|| "InternalError".into());
    let own = TEXTS.iter().find(|(known, _)| *known == code).map(|(_, text)| (*text).to_owned());
    let said = element(document, "Message").filter(|_| details.is_some() || !REPLACED.contains(&code.as_str()));
    let message = said.or(own).unwrap_or_default();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>",
        escape(code.as_str()),
        escape(message.as_str())
    );
    let decoded = details.and_then(|value| BASE64.decode(value.as_bytes()).ok());
    let further: Vec<(String, String)> =
        decoded.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    if further.is_empty() && code != "AccessDenied" {
        text.push_str(&format!("<Resource>{}</Resource>", escape(resource)));
    }
    for (name, value) in further {
        text.push_str(&format!("<{name}>{}</{name}>", escape(value.as_str())));
    }
    text.push_str(&format!("<RequestId>{}</RequestId><HostId>{}</HostId></Error>", request_id(id), host_id(id)));
    text
}

/// The fault that an answer tells of, if it does.
pub(super) fn fault(response: &Response<Body>) -> Option<Fault> {
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return None;
    }
    let document = match response.body() {
        Body::Full(document) => String::from_utf8_lossy(document),
        _ => Default::default(),
    };
    let code = element(&document, "Code").unwrap_or_else(|| response.status().as_str().to_owned());
    let message = element(&document, "Message").unwrap_or_default();
    Some(Fault::client(code, message).with_status(response.status().as_u16()))
}

/// The text of an element that occurs once.
fn element(document: &str, name: &str) -> Option<String> {
    let start = document.find(&format!("<{name}>"))? + name.len() + 2;
    let end = document.find(&format!("</{name}>"))?;
    unescape(document.get(start..end)?).ok().map(|text| text.into_owned())
}

/// Adds what every answer carries.
pub(super) fn name(response: &mut Response<Body>, id: &RequestId) {
    let headers = response.headers_mut();
    for (name, value) in [("x-amz-request-id", request_id(id)), ("x-amz-id-2", host_id(id))] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(http::header::SERVER, HeaderValue::from_static("AmazonS3"));
}
