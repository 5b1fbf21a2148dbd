//! One request from recognition to answer. Called by the AWS listener and the doors over HTTP, and by `deploy` in process.

use crate::answer;
use crate::auth::{Auth, Peer, Principal, Scope, request_context, session_token};
use crate::compression;
use crate::http::{BodyLimit, HttpHandler};
use crate::model::ModelSource;
use crate::recognise::{Recognised, Unrecognised, recognise};
use crate::sigv4::{self, Refused};
use crate::validate;
use crate::{Body, Fault, Input, Output, Protocol, Service, UNSIGNED, Value, request};
use bytes::Bytes;
use fogbank_model::{AccountId, Caller, Clock, Region, RequestContext, RequestId};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// How long a request's body may be, in bytes, where its service names no limit.
pub const DEFAULT_BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Bodies below this are read without asking whose they are.
const UNQUESTIONED_BODY: usize = 256 * 1024;

/// All services behind one address.
pub struct Router {
    sources: Vec<&'static ModelSource>,
    services: HashMap<&'static str, Service>,
    auth: Auth,
    clock: Arc<dyn Clock>,
}

impl Router {
    /// Registers `services`. A service whose model or one of whose operations does not exist is a mistake in the program.
    ///
    /// # Panics
    /// When a service names no embedded model. (Whether its operations exist is checked by [`Self::unmodelled`], in a test,
    /// since that parses the model.)
    pub fn new(services: Vec<Service>, auth: Auth, clock: Arc<dyn Clock>) -> Self {
        let mut sources: Vec<&'static ModelSource> = ModelSource::all().iter().collect();
        let mut table = HashMap::new();
        for service in services {
            match service.source() {
                Some(source) => sources.push(source),
                None => assert!(ModelSource::find(service.model()).is_some(), "there is no model {}", service.model()),
            }
            table.insert(service.model(), service);
        }
        // Registered services come first, so that they win where a path alone is ambiguous.
        sources.sort_by_key(|source| !table.contains_key(source.name));
        Self { sources, services: table, auth, clock }
    }

    /// The operations that work, by service.
    pub fn supported(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let mut all: Vec<_> =
            self.services.values().map(|service| (service.model(), service.operations().collect())).collect();
        all.sort();
        all
    }

    /// All operations that AWS's model of `service` has; `None` if there is no such model.
    pub fn modelled(&self, service: &str) -> Option<Vec<&'static str>> {
        let source = self.sources.iter().find(|source| source.name == service)?;
        Some(source.operation_names())
    }

    /// Registered operations that no model has: a misspelt name in a service's table. For a test.
    pub fn unmodelled(&self) -> Vec<(&'static str, &'static str)> {
        let mut missing = Vec::new();
        for (service, operations) in self.supported() {
            let modelled = self.modelled(service).unwrap_or_default();
            let unknown = operations.into_iter().filter(|operation| !modelled.contains(operation));
            missing.extend(unknown.map(|operation| (service, operation)));
        }
        missing
    }

    /// This router as what a listener serves.
    pub fn into_site(self: Arc<Self>) -> (HttpHandler, BodyLimit) {
        let limits = self.clone();
        let handler: HttpHandler = Arc::new(move |request, peer| {
            let router = self.clone();
            Box::pin(async move { router.handle(request, peer).await })
        });
        (handler, Arc::new(move |head| limits.body_limit(head)))
    }

    /// How long the body of the request that begins with `head` may be, in bytes.
    pub fn body_limit(&self, head: &Parts) -> usize {
        let length = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        // Without either header there is no body (RFC 9112, 6.3), so a plain GET costs no look into the models.
        let is_bodiless = length.is_none() && !head.headers.contains_key(TRANSFER_ENCODING);
        if is_bodiless || length.is_some_and(|length| length <= UNQUESTIONED_BODY) {
            return UNQUESTIONED_BODY;
        }
        let scope = Scope::of(&head.headers, head.uri.query());
        let signing = scope.as_ref().map(Scope::service);
        let call = recognise(&self.sources, head, &Bytes::new(), signing).ok();
        let limit = call.and_then(|call| self.services.get(call.source.name)?.limit_of(&call.operation.name));
        limit.unwrap_or(DEFAULT_BODY_LIMIT)
    }

    /// Whether the request that begins with `head` is one for an API, as far as that can be said without its body.
    pub fn recognises(&self, head: &Parts) -> bool {
        let scope = Scope::of(&head.headers, head.uri.query());
        let signing = scope.as_ref().map(Scope::service);
        !matches!(recognise(&self.sources, head, &Bytes::new(), signing), Err(Unrecognised::NotAws))
    }

    /// Answers one HTTP request.
    pub async fn handle(&self, request: Request<Bytes>, peer: Peer) -> Response<Body> {
        let started = Instant::now();
        let id = RequestId(self.clock.uuid().into());
        let (head, body) = request.into_parts();
        let scope = Scope::of(&head.headers, head.uri.query());
        let signing = scope.as_ref().map(Scope::service);
        let call = match recognise(&self.sources, &head, &body, signing) {
            Ok(call) => call,
            Err(unrecognised) => return refuse(unrecognised, &head, &id),
        };
        let (source, operation, protocol) = (call.source, call.operation, call.protocol);
        let is_checksummed = self.services.get(source.name).is_some_and(Service::is_checksummed);
        let is_packed = is_checksummed && compression::accepts_gzip(&head.headers);
        let answered = match self.run(call, head, body, scope, peer, &id).await {
            Ok(output) => answer::render(source, operation, protocol, &id, output),
            Err(fault) => Err(fault),
        };
        let (mut response, code) = match answered {
            Ok(response) => (response, None),
            Err(fault) => (answer::render_fault(source, Some(operation), protocol, &id, &fault), Some(fault.code)),
        };
        if is_packed {
            compression::compress(&mut response).await;
        }
        // The checksum is that of what is sent.
        if is_checksummed && let Body::Full(body) = response.body() {
            let checksum = HeaderValue::from(crc32fast::hash(body));
            response.headers_mut().insert("x-amz-crc32", checksum);
        }
        let (status, micros) = (response.status().as_u16(), started.elapsed().as_micros() as u64);
        let code = code.as_deref().unwrap_or_default();
        tracing::debug!(request_id = %id, service = source.name, operation = operation.name, status, code, micros);
        response
    }

    async fn run(
        &self,
        call: Recognised,
        head: Parts,
        body: Bytes,
        scope: Option<Scope>,
        peer: Peer,
        id: &RequestId,
    ) -> Result<Output, Fault> {
        let (principal, body) = self.authenticate(&call, &head, body, scope.as_ref(), &peer)?;
        let (source, operation, protocol) = (call.source, call.operation, call.protocol);
        let known = self.services.get(source.name);
        let Some((service, handler)) = known.and_then(|service| Some((service, service.handler(&operation.name)?)))
        else {
            return Err(not_implemented(source, &operation.name));
        };
        let read = request::decode(&call, &head.headers, body);
        let mut value = read.map_err(|malformed| service.unread(&malformed))?;
        if let (Protocol::Query, Some(member)) = (protocol, service.address_member()) {
            request::add_address(&mut value, member, &head);
        }
        self.check(source, &operation.name, Some(protocol), &value)?;
        let context = request_context(&head, principal, &peer, id.clone());
        handler(Input { context, value }).await
    }

    /// Whom the request acts for, and its body without the framing that a signature may have put into it.
    fn authenticate(
        &self,
        call: &Recognised,
        head: &Parts,
        body: Bytes,
        scope: Option<&Scope>,
        peer: &Peer,
    ) -> Result<(Principal, Bytes), Fault> {
        let refused = |why| refusal(&why, call.protocol, call.source);
        let service = self.services.get(call.source.name);
        let is_free = || service.is_some_and(|service| service.needs_no_signature(&call.operation.name));
        if scope.is_none() && peer.door.is_none() && is_free() {
            let caller = Caller::Service(UNSIGNED);
            let (account, region) = (AccountId::default_account(), Region::default_region());
            return Ok((Principal { account, region, caller }, body));
        }
        if let (Auth::On(keys), None) = (&self.auth, &peer.door) {
            let now = self.clock.now();
            let verified = sigv4::verify(head, &body, call.source.signing, keys.as_ref(), now).map_err(refused)?;
            let region = scope.and_then(|scope| scope.region().parse().ok()).unwrap_or_else(Region::default_region);
            let principal = Principal { account: verified.owner.account, region, caller: verified.owner.caller };
            return Ok((principal, verified.unchunked.unwrap_or(body)));
        }
        let token = session_token(&head.headers, &call.parameters);
        let principal = self.auth.claimed(scope, token, peer);
        match sigv4::is_chunked(&head.headers) {
            true => Ok((principal, sigv4::decode_chunked(&head.headers, &body, None).map_err(refused)?)),
            false => Ok((principal, body)),
        }
    }

    fn check(
        &self,
        source: &'static ModelSource,
        operation: &str,
        protocol: Option<Protocol>,
        value: &Value,
    ) -> Result<(), Fault> {
        let model = source.model();
        let shape = model.operation(operation).and_then(|operation| request::input_shape(model, operation));
        let mut violations = shape.map(|shape| validate::check(model, shape, value)).unwrap_or_default();
        let service = self.services.get(source.name);
        violations.retain(|violation| !service.is_some_and(|service| service.does_tolerate(violation)));
        if violations.is_empty() {
            return Ok(());
        }
        let own = service.and_then(Service::invalid);
        let mut fault = own.unwrap_or(validate::validation_exception)(&violations);
        if own.is_none() && protocol == Some(Protocol::Query) {
            fault.code = "ValidationError".into();
        }
        Err(fault)
    }

    /// Calls an operation in process, with the same checks as over HTTP.
    pub async fn call(
        &self,
        service: &str,
        operation: &str,
        context: RequestContext,
        input: Value,
    ) -> Result<Value, Fault> {
        let known = self.services.get(service);
        let source = self.sources.iter().copied().find(|source| source.name == service);
        let source = source.ok_or_else(|| Fault::internal(format!("there is no service {service}")))?;
        let handler = known.and_then(|service| service.handler(operation));
        let handler = handler.ok_or_else(|| not_implemented(source, operation))?;
        self.check(source, operation, None, &input)?;
        match handler(Input { context, value: input }).await? {
            Output::Value(value) | Output::Stream { value, .. } | Output::Events { value, .. } => Ok(value),
        }
    }
}

/// A refused signature in the words of the protocol.
fn refusal(why: &Refused, protocol: Protocol, source: &ModelSource) -> Fault {
    let s3 = protocol == Protocol::RestXml && source.model().bare_errors;
    let form = protocol == Protocol::Query;
    let (code, query_code, s3_code) = match why {
        Refused::Missing => ("MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"),
        Refused::Incomplete(_) => ("IncompleteSignatureException", "IncompleteSignature", "InvalidRequest"),
        Refused::UnknownKey => ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
        Refused::ExpiredToken => ("ExpiredTokenException", "ExpiredToken", "ExpiredToken"),
        Refused::Time(_) => ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
        Refused::Mismatch => ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
        Refused::Body => ("InvalidSignatureException", "SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"),
    };
    let code = if s3 {
        s3_code
    } else if form {
        query_code
    } else {
        code
    };
    // RPC services in JSON and CBOR answer 400 to all of them.
    let status = if matches!(why, Refused::Incomplete(_)) || !(protocol.is_rest() || form) { 400 } else { 403 };
    Fault::client(code, why.to_string()).with_status(status)
}

fn not_implemented(source: &ModelSource, operation: &str) -> Fault {
    let service = &source.model().id;
    let message = format!("Fogbank does not support the operation {operation} of {service} yet.");
    Fault::client("NotImplemented", message).with_status(501)
}

fn refuse(unrecognised: Unrecognised, head: &Parts, id: &RequestId) -> Response<Body> {
    match unrecognised {
        Unrecognised::NoOperation { source, protocol, name } => {
            tracing::debug!(request_id = %id, service = source.name, name, "unknown operation");
            let fault = match protocol {
                Protocol::Query => {
                    Fault::client("InvalidAction", format!("The action {name} is not valid for this web service."))
                }
                _ if protocol.is_rest() => {
                    Fault::client("UnknownOperationException", format!("No operation answers {name}.")).with_status(404)
                }
                _ => Fault::client("UnknownOperationException", format!("There is no operation {name}.")),
            };
            answer::render_fault(source, None, protocol, id, &fault)
        }
        Unrecognised::NotAws => {
            tracing::debug!(request_id = %id, method = %head.method, path = head.uri.path(), "not an AWS request");
            let text = "This address speaks the AWS APIs, and the request belongs to none that Fogbank knows. \
                        Point an AWS client here with AWS_ENDPOINT_URL.";
            let mut response = Response::new(Body::Full(format!("{{\"message\":\"{text}\"}}").into()));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
    }
}

#[cfg(test)]
mod tests;
