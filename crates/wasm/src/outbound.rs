//! Requests that a component makes: to the platform's AWS endpoint, as the function's role, and to nothing else.

use crate::context::ENDPOINT;
use crate::output::Log;
use bytes::Bytes;
use fogbank_model::BoxFuture;
use fogbank_runtimes::DoorIdentity;
use http::uri::Scheme;
use http::{HeaderName, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use std::sync::Arc;
use wasmtime_wasi_http::{DEFAULT_FORBIDDEN_HEADERS, Error, RequestOptions, WasiBody, WasiHttpHooks};

/// The largest body of a request to the AWS endpoint, and of its answer, in bytes. Larger than any operation's own limit.
pub const BODY_LIMIT: usize = 80 * 1024 * 1024;

/// The platform's AWS endpoint, as components reach it.
pub trait AwsEndpoint: Send + Sync + 'static {
    /// Answers a request that a function made. Who made it is known from `from`, not from what the request says. The body has at most
    /// [`BODY_LIMIT`] bytes.
    fn answer(&self, request: Request<Bytes>, from: DoorIdentity) -> BoxFuture<'static, Response<Bytes>>;
}

/// So many pieces a component may write ahead of whoever takes them, which saves it a switch for each.
const BUFFERED_PIECES: usize = 4;

/// Headers that belong to connections, and are kept from components.
static FORBIDDEN: [HeaderName; 9] = DEFAULT_FORBIDDEN_HEADERS;

type Ending = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Box<dyn Future<Output = Result<(Response<WasiBody>, Ending), Error>> + Send>;

/// What a component may reach.
pub(crate) struct Outbound {
    pub endpoint: Arc<dyn AwsEndpoint>,
    pub identity: Arc<DoorIdentity>,
    pub log: Arc<Log>,
}

impl WasiHttpHooks for Outbound {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        // The default makes a filter for every header of a request.
        FORBIDDEN.contains(name)
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        BUFFERED_PIECES
    }

    fn send_request(&mut self, request: Request<WasiBody>, _options: Option<RequestOptions>, _sent: Ending) -> Answer {
        let uri = request.uri();
        let is_endpoint = uri.scheme() != Some(&Scheme::HTTPS) && uri.authority().is_some_and(|at| at == ENDPOINT);
        if !is_endpoint {
            let to = uri.authority().map_or("an address without a host", http::uri::Authority::as_str);
            self.log.line(format!(
                "A request to {to} was refused: functions reach nothing but the platform's AWS endpoint, http://{ENDPOINT}"
            ));
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        let (endpoint, identity) = (self.endpoint.clone(), DoorIdentity::clone(&self.identity));
        Box::new(async move {
            let (head, body) = request.into_parts();
            let body = Limited::new(body, BODY_LIMIT).collect().await;
            let body = body.map_err(|_| Error::HttpRequestBodySize(None))?.to_bytes();
            let answer = endpoint.answer(Request::from_parts(head, body), identity).await;
            let answer = answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
            Ok((answer, Box::new(std::future::ready(Ok(()))) as Ending))
        })
    }
}
