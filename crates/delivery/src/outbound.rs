//! HTTP calls of what is outside of the platform: subscribers' endpoints and API destinations.

use crate::{Claims, Signer};
use bytes::Bytes;
use fogbank_model::Timestamp;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiFuture, GaiResolver, Name};
use hyper_util::rt::TokioExecutor;
use std::io;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// Bytes of an answer that are read at most.
const LARGEST: usize = 64 * 1024;
/// Who sent the message, as the platform authenticated them.
const SENDER: &str = "x-fogbank-sender";
/// The platform's signature for that.
const SIGNATURE: &str = "x-fogbank-signature";

/// Calls endpoints, keeping connections for the next call. Follows no redirections.
pub struct Outbound {
    /// Made for the first call: the machine's certificates take time and memory, and most platforms call nobody.
    client: OnceLock<HttpClient>,
    signer: Arc<Signer>,
}

type HttpClient = Client<HttpsConnector<HttpConnector<Names>>, Full<Bytes>>;

/// Whose message a call carries.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The sender's ARN.
    pub arn: &'a str,
    /// The message's id.
    pub id: &'a str,
    /// When it was sent.
    pub sent: Timestamp,
}

impl Outbound {
    /// A caller whose messages `signer` signs.
    pub fn new(signer: Arc<Signer>) -> Self {
        Self { client: OnceLock::new(), signer }
    }

    /// Sends a request and reads the answer within `timeout`; of a body that is too large only status and headers. With a `sender` the request says, signed,
    /// whose message its body is.
    ///
    /// # Errors
    /// What happened, for people. Never the request, which may hold secrets.
    pub async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        sender: Option<Sender<'_>>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, String> {
        if let Some(sender) = sender {
            self.sign(&mut request, sender).await;
        }
        let exchange = async {
            let response = self.client.get_or_init(client).request(request).await.map_err(|error| describe(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            Ok(Response::from_parts(head, body.map(|body| body.to_bytes()).unwrap_or_default()))
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("the endpoint did not answer within {} seconds", timeout.as_secs())),
        }
    }

    async fn sign(&self, request: &mut Request<Full<Bytes>>, sender: Sender<'_>) {
        let target = request.uri().to_string();
        let claims = Claims { sender: sender.arn, target: &target, id: sender.id, sent: sender.sent };
        // Whole as it is, the body is there at once.
        let body = request.body().clone().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let signature = self.signer.sign(&claims, &body);
        for (name, value) in [(SENDER, sender.arn), (SIGNATURE, signature.as_str())] {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(name, value);
            }
        }
    }
}

/// Certificates are checked against those that the machine trusts; where it has none, against Mozilla's list, which is built in.
fn client() -> HttpClient {
    let mut http = HttpConnector::new_with_resolver(Names(GaiResolver::new()));
    http.enforce_http(false);
    let builder = match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(builder) => builder,
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    let connector = builder.https_or_http().enable_http1().wrap_connector(http);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// The error and what led to it: hyper's own text names only the first.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Finds addresses. Every name below `localhost` is this machine (RFC 6761), whether or not the system's resolver knows.
#[derive(Clone)]
struct Names(GaiResolver);

impl Service<Name> for Names {
    type Response = GaiAddrs;
    type Error = io::Error;
    type Future = GaiFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> GaiFuture {
        let is_local = name.as_str().ends_with(".localhost");
        let local = is_local.then(|| "localhost".parse().ok()).flatten();
        self.0.call(local.unwrap_or(name))
    }
}
