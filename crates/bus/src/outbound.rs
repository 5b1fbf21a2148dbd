//! Plain HTTP calls of what is outside of the platform.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// How long a call may take: what EventBridge gives an API destination.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read at most.
const LARGEST: usize = 64 * 1024;

/// Calls endpoints, keeping connections for the next call.
pub(crate) struct Outbound(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Outbound {
    /// Certificates are checked against Mozilla's list, which is built in.
    pub(crate) fn new() -> Self {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        Self(Client::builder(TokioExecutor::new()).build(connector.build()))
    }

    /// Sends a request and reads the answer, of a body too large only the status and headers.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
        let exchange = async {
            let response = self.0.request(request).await.map_err(|error| describe(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            Ok(Response::from_parts(head, body.map(|body| body.to_bytes()).unwrap_or_default()))
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err("The endpoint did not answer within 5 seconds.".into()),
        }
    }
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
