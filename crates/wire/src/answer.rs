//! From an operation's output or fault to HTTP, whatever the protocol. The one place that renders errors, and the only one that
//! logs what a client must not learn.

use crate::events::{self, EventBody};
use crate::model::{Kind, Model, ModelSource, Operation, Shape};
use crate::protocol::Protocol;
use crate::xml::text_element;
use crate::{Body, Fault, Output, Value, cbor, json, rest, xml};
use bytes::Bytes;
use fogbank_model::RequestId;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::BodyExt;

/// Renders `output`; a value that does not fit the operation's shape is the service's mistake, and answered as an internal failure.
pub(crate) fn render(
    source: &'static ModelSource,
    operation: &'static Operation,
    protocol: Protocol,
    id: &RequestId,
    output: Output,
) -> Result<Response<Body>, Fault> {
    let model = source.model();
    let (value, stream, events) = match output {
        Output::Value(value) => (value, None, None),
        Output::Stream { value, body } => (value, Some(body), None),
        Output::Events { value, events } => (value, None, Some(events)),
    };
    let value = if value == Value::Null { Value::Map(Vec::new()) } else { value };
    let internal = |why: String| Fault::internal(format!("{} {}: output: {why}", model.name, operation.name));
    let mut headers = HeaderMap::with_capacity(8);
    let mut status = operation.status.unwrap_or(200);
    let body = if let Some(events) = events {
        let kind = HeaderValue::from_static(events::CONTENT_TYPE);
        headers.insert(CONTENT_TYPE, kind);
        let initial = rpc_body(model, operation, protocol, id, &value).map_err(internal)?;
        Body::Boxed(EventBody::new(model, operation, protocol, &initial, events).boxed())
    } else if protocol.is_rest() {
        let made = rest_answer(model, operation, protocol, value, stream, &mut headers).map_err(internal)?;
        status = made.0.unwrap_or(status);
        made.1
    } else {
        status = 200;
        let encoded = rpc_body(model, operation, protocol, id, &value).map_err(internal)?;
        stream.unwrap_or(Body::Full(encoded.into()))
    };
    Ok(finish(model, protocol, id, status, headers, body))
}

fn rpc_body(
    model: &Model,
    operation: &Operation,
    protocol: Protocol,
    id: &RequestId,
    value: &Value,
) -> Result<Vec<u8>, String> {
    let shape = operation.output.map(|number| model.shape(number));
    let mut out = Vec::with_capacity(256);
    match (protocol, shape) {
        (Protocol::Query, shape) => return query_body(model, operation, id, shape, value).map(String::into_bytes),
        (Protocol::RpcCbor | Protocol::OldCbor, None) => cbor::map(0, &mut out),
        (Protocol::OldCbor, Some(shape)) => cbor::encode(model, shape, value, cbor::Epoch::Milliseconds, &mut out)?,
        (Protocol::RpcCbor, Some(shape)) => cbor::encode(model, shape, value, cbor::Epoch::Seconds, &mut out)?,
        (Protocol::Json10 | Protocol::Json11, Some(shape)) => json::encode(model, shape, value, &mut out)?,
        // An operation without output answers without a body.
        _ => {}
    }
    Ok(out)
}

fn query_body(
    model: &Model,
    operation: &Operation,
    id: &RequestId,
    shape: Option<&Shape>,
    value: &Value,
) -> Result<String, String> {
    let mut out = String::with_capacity(512);
    let name = &operation.name;
    out.push_str(&format!("<{name}Response xmlns=\"{}\">", model.xmlns));
    if let Some(shape) = shape {
        let wrapper = operation.result_wrapper.clone().unwrap_or_else(|| format!("{name}Result"));
        out.push_str(&format!("<{wrapper}>"));
        xml::encode_members(model, shape, value, &mut out)?;
        out.push_str(&format!("</{wrapper}>"));
    }
    out.push_str(&format!("<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{name}Response>"));
    Ok(out)
}

/// The status code, if a member is bound to it, and the body.
fn rest_answer(
    model: &Model,
    operation: &Operation,
    protocol: Protocol,
    mut value: Value,
    stream: Option<Body>,
    headers: &mut HeaderMap,
) -> Result<(Option<u16>, Body), String> {
    let Some(shape) = operation.output.map(|number| model.shape(number)) else {
        return Ok((None, stream.unwrap_or_else(Body::empty)));
    };
    let status = rest::encode_bindings(model, shape, &value, headers)?;
    let (body, kind) = match shape.payload_member() {
        Some(member) => {
            let inner = model.shape(member.shape);
            let payload = value.take(&member.name);
            let kind = payload_type(inner, protocol);
            match (stream, payload) {
                (Some(stream), _) => (stream, kind),
                (None, None | Some(Value::Null)) => (Body::empty(), kind),
                (None, Some(Value::Blob(bytes))) => (Body::Full(bytes), kind),
                (None, Some(Value::Text(text))) => (Body::Full(text.into()), kind),
                (None, Some(structure)) => {
                    let name = member.wire_or(&inner.name);
                    (structure_body(model, inner, protocol, &structure, name, member.xmlns.as_deref())?, kind)
                }
            }
        }
        None if stream.is_some() => (stream.unwrap_or_else(Body::empty), protocol.content_type()),
        None => {
            if let Value::Map(members) = &mut value {
                members.retain(|(name, _)| {
                    shape.member(name).is_none_or(|member| member.location == crate::model::Location::Body)
                });
            }
            let has_body = shape.members.iter().any(|member| member.location == crate::model::Location::Body);
            let name = shape.wire.as_deref().unwrap_or(&shape.name);
            match has_body || protocol == Protocol::RestJson {
                true => (
                    structure_body(model, shape, protocol, &value, name, shape.xmlns.as_deref())?,
                    protocol.content_type(),
                ),
                false => (Body::empty(), protocol.content_type()),
            }
        }
    };
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok((status, body))
}

fn payload_type(shape: &Shape, protocol: Protocol) -> &'static str {
    match shape.kind {
        _ if shape.event_stream => "application/vnd.amazon.eventstream",
        // REST-JSON services, Lambda's Invoke first of all, call whatever they answer JSON unless a member says otherwise.
        Kind::Blob if protocol != Protocol::RestJson => "application/octet-stream",
        Kind::String => "text/plain",
        _ => protocol.content_type(),
    }
}

fn structure_body(
    model: &Model,
    shape: &Shape,
    protocol: Protocol,
    value: &Value,
    name: &str,
    xmlns: Option<&str>,
) -> Result<Body, String> {
    if protocol == Protocol::RestJson {
        let mut out = Vec::with_capacity(512);
        json::encode(model, shape, value, &mut out)?;
        return Ok(Body::Full(out.into()));
    }
    let xmlns = xmlns.or(Some(model.xmlns.as_str())).filter(|uri| !uri.is_empty());
    let attributes = xmlns.map_or_else(String::new, |uri| format!(" xmlns=\"{uri}\""));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml::encode(model, shape, value, name, &attributes, false, &mut out)?;
    Ok(Body::Full(out.into()))
}

/// Adds what every answer carries.
fn finish(
    model: &Model,
    protocol: Protocol,
    id: &RequestId,
    status: u16,
    mut headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(protocol.content_type()));
    }
    // "No content" has none: bytes after its head would be read as the next answer's.
    let body = if status == 204 { Body::empty() } else { body };
    // A UUID is a header's value.
    let id = HeaderValue::from_str(&id.0).unwrap_or(HeaderValue::from_static("-"));
    if model.bare_errors {
        headers.insert(HeaderName::from_static("x-amz-id-2"), id.clone());
        headers.insert(HeaderName::from_static("x-amz-request-id"), id);
    } else {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if protocol == Protocol::RpcCbor {
        headers.insert(HeaderName::from_static("smithy-protocol"), HeaderValue::from_static("rpc-v2-cbor"));
    }
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// Renders a fault, and logs its internal part.
pub(crate) fn render_fault(
    source: &ModelSource,
    operation: Option<&Operation>,
    protocol: Protocol,
    id: &RequestId,
    fault: &Fault,
) -> Response<Body> {
    let model = source.model();
    if let Some(why) = &fault.internal {
        let name = operation.map_or("?", |operation| &operation.name);
        tracing::error!(request_id = %id, service = model.name, operation = name, "{why}");
    }
    let error = FaultOnWire::new(model, operation, fault);
    let mut headers = HeaderMap::with_capacity(8);
    let body = match protocol {
        Protocol::Json10 | Protocol::Json11 => {
            error.query_error_header(&mut headers);
            error.json(Some(error.qualified_type(model, protocol)))
        }
        Protocol::RestJson => {
            if let Ok(code) = HeaderValue::from_str(error.name) {
                headers.insert(HeaderName::from_static("x-amzn-errortype"), code);
            }
            error.rest_json(&mut headers)
        }
        Protocol::OldCbor | Protocol::RpcCbor => {
            error.query_error_header(&mut headers);
            error.cbor(protocol)
        }
        Protocol::Query => error.query_xml(id),
        Protocol::RestXml if model.bare_errors => error.bare_xml(id),
        Protocol::RestXml => error.query_xml(id),
    };
    finish(model, protocol, id, error.status, headers, Body::Full(body))
}

/// Errors of no model whose messages services of JSON 1.0 tell with a capital.
const CAPITAL: [&str; 2] = ["AccessDeniedException", "SerializationException"];

/// A fault together with the shape that the model has for it.
struct FaultOnWire<'a> {
    model: &'a Model,
    shape: Option<&'a Shape>,
    fault: &'a Fault,
    /// The shape's name, or the code of an error that is not modelled.
    name: &'a str,
    /// What the query protocol calls it.
    code: &'a str,
    status: u16,
}

impl<'a> FaultOnWire<'a> {
    fn new(model: &'a Model, operation: Option<&'a Operation>, fault: &'a Fault) -> Self {
        let shape = model.error(operation, &fault.code);
        let code = shape.and_then(|shape| shape.error_code.as_deref()).unwrap_or(&fault.code);
        let name = shape.map_or(fault.code.as_ref(), |shape| &shape.name);
        // 400 is what a fault has unless its maker chose another.
        let modelled = shape.and_then(|shape| shape.error_status).filter(|_| fault.status == 400);
        Self { model, shape, fault, name, code, status: modelled.unwrap_or(fault.status) }
    }

    fn is_sender(&self) -> bool {
        self.status < 500
    }

    /// The members of the error's structure: message first, under the name that the shape gives it.
    fn members(&self) -> Vec<(String, Value)> {
        let members = self.shape.map_or(&[][..], |shape| &shape.members);
        let message = members.iter().find(|member| member.name.eq_ignore_ascii_case("message"));
        let message = message.map_or("message", |member| member.wire());
        let mut members = vec![(message.to_owned(), Value::from(self.fault.message.as_str()))];
        members.extend(self.fault.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let typed = self.shape.is_some_and(|shape| shape.member("Type").is_some());
        if typed && self.fault.members.iter().all(|(name, _)| *name != "Type") {
            members.insert(0, ("Type".into(), Value::from(if self.is_sender() { "User" } else { "Service" })));
        }
        members
    }

    fn qualified_type(&self, model: &Model, protocol: Protocol) -> String {
        match (self.shape, protocol) {
            (Some(_), _) if !model.error_namespace.is_empty() => format!("{}#{}", model.error_namespace, self.name),
            (None, Protocol::Json10) if self.name == "ValidationException" => {
                format!("com.amazon.coral.validate#{}", self.name)
            }
            (None, Protocol::Json10) => format!("com.amazon.coral.service#{}", self.name),
            _ => self.name.to_owned(),
        }
    }

    /// Services that once spoke the query protocol tell its error code in a header.
    fn query_error_header(&self, headers: &mut HeaderMap) {
        if self.model.query_compatible {
            let kind = if self.is_sender() { "Sender" } else { "Receiver" };
            if let Ok(text) = HeaderValue::from_str(&format!("{};{kind}", self.code)) {
                headers.insert(HeaderName::from_static("x-amzn-query-error"), text);
            }
        }
    }

    /// One member in JSON, by its shape where the model has one.
    fn json_member(&self, name: &str, value: &Value, out: &mut Vec<u8>) {
        let member = self.shape.and_then(|shape| shape.member(name));
        json::string(member.map_or(name, |member| member.wire()), out);
        out.push(b':');
        let start = out.len();
        let written = member.map(|member| json::encode(self.model, self.model.shape(member.shape), value, out));
        if !matches!(written, Some(Ok(()))) {
            out.truncate(start);
            json::string(value.as_str().unwrap_or_default(), out);
        }
    }

    fn json(&self, qualified: Option<String>) -> Bytes {
        let mut out = vec![b'{'];
        let is_coral = qualified.as_ref().is_some_and(|qualified| qualified.starts_with("com.amazon.coral"));
        if let Some(qualified) = qualified {
            out.extend_from_slice(b"\"__type\":");
            json::string(&qualified, &mut out);
        }
        for (name, value) in self.members() {
            if out.len() > 1 {
                out.push(b',');
            }
            let is_capital = is_coral && name == "message" && CAPITAL.contains(&self.name);
            self.json_member(if is_capital { "Message" } else { &name }, &value, &mut out);
        }
        out.push(b'}');
        out.into()
    }

    /// As [`Self::json`], with the members that the shape binds to headers in the headers.
    fn rest_json(&self, headers: &mut HeaderMap) -> Bytes {
        if let Some(shape) = self.shape {
            let members = Value::Map(self.members());
            // A member that cannot be a header is a mistake of the service, and less than the error that it accompanies.
            let _ = rest::encode_bindings(self.model, shape, &members, headers);
        }
        self.json(None)
    }

    fn cbor(&self, protocol: Protocol) -> Bytes {
        let members = self.members();
        let mut out = Vec::with_capacity(128);
        cbor::map(members.len() + 1, &mut out);
        cbor::string("__type", &mut out);
        cbor::string(&self.qualified_type(self.model, protocol), &mut out);
        for (name, value) in &members {
            let member = self.shape.and_then(|shape| shape.member(name));
            cbor::string(member.map_or(name, |member| &member.name), &mut out);
            let start = out.len();
            let epoch = if protocol == Protocol::OldCbor { cbor::Epoch::Milliseconds } else { cbor::Epoch::Seconds };
            let written = member.map(|m| cbor::encode(self.model, self.model.shape(m.shape), value, epoch, &mut out));
            if !matches!(written, Some(Ok(()))) {
                out.truncate(start);
                cbor::string(value.as_str().unwrap_or_default(), &mut out);
            }
        }
        out.into()
    }

    fn xml_members(&self, out: &mut String) {
        for (name, value) in &self.fault.members {
            let Some(member) = self.shape.and_then(|shape| shape.member(name)) else { continue };
            // As in `rest_json`: the error itself matters more.
            let _ = xml::encode(self.model, self.model.shape(member.shape), value, member.wire(), "", false, out);
        }
    }

    fn query_xml(&self, id: &RequestId) -> Bytes {
        let mut out = format!("<ErrorResponse xmlns=\"{}\"><Error>", self.model.xmlns);
        text_element("Type", "", if self.is_sender() { "Sender" } else { "Receiver" }, &mut out);
        text_element("Code", "", self.code, &mut out);
        text_element("Message", "", &self.fault.message, &mut out);
        self.xml_members(&mut out);
        out.push_str(&format!("</Error><RequestId>{id}</RequestId></ErrorResponse>"));
        out.into()
    }

    fn bare_xml(&self, id: &RequestId) -> Bytes {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        text_element("Code", "", self.code, &mut out);
        text_element("Message", "", &self.fault.message, &mut out);
        self.xml_members(&mut out);
        out.push_str(&format!("<RequestId>{id}</RequestId><HostId>{id}</HostId></Error>"));
        out.into()
    }
}
