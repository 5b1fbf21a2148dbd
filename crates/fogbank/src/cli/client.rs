//! A small HTTP client for the platform's public API. Requests are signed as any AWS client signs them.

use crate::cli::{Failure, TargetArgs};
use bytes::Bytes;
use fogbank_model::{Clock, SystemClock};
use fogbank_wire::{SigningKey, sign};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Talks to one platform as one caller.
pub struct Client {
    authority: String,
    key: SigningKey,
    region: String,
}

impl Client {
    /// A client of the platform that `target` names, with the credentials of the environment.
    ///
    /// # Errors
    /// The address is not `http://HOST:PORT`.
    pub fn new(target: &TargetArgs) -> Result<Self, Failure> {
        let wrong = || Failure::new(format!("'{}' is no address; expected http://HOST:PORT", target.endpoint));
        let uri: Uri = target.endpoint.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
        let authority = if authority.port().is_some() { authority.to_string() } else { format!("{authority}:80") };
        Ok(Self { authority, key: key_of_environment(), region: target.region.clone() })
    }

    /// The same client with another key.
    pub fn with_key(self, key: SigningKey) -> Self {
        Self { key, ..self }
    }

    /// Sends one request and returns the answer's head and its body, still to be read.
    ///
    /// # Errors
    /// The platform cannot be reached.
    pub async fn send(&self, service: &str, mut request: Request<Bytes>) -> Result<Response<Incoming>, Failure> {
        let unreachable = |why: &dyn std::fmt::Display| {
            Failure::new(format!(
                "cannot reach the platform at http://{}: {why}; start it with `fogbank serve`",
                self.authority
            ))
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("http://{}{path}", self.authority).parse()?;
        sign(&mut request, &self.key, &self.region, service, SystemClock.now())?;
        *request.uri_mut() = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse()?;
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| unreachable(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, Full::new(body));
        sender.send_request(request).await.map_err(|error| unreachable(&error))
    }

    /// Calls an operation of a REST protocol and returns its JSON answer.
    ///
    /// # Errors
    /// The platform cannot be reached, or it answered an error, whose message is returned.
    pub async fn json(&self, service: &str, method: Method, path: &str, body: Bytes) -> Result<Value, Failure> {
        let request =
            Request::builder().method(method).uri(path).header("content-type", "application/json").body(body)?;
        let response = self.send(service, request).await?;
        answer(response).await
    }

    /// Calls an operation of a JSON protocol.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn target(&self, service: &str, target: &str, input: &Value) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target);
        let response = self.send(service, request.body(input.to_string().into())?).await?;
        answer(response).await
    }
}

/// The access key that AWS's own clients would find in the environment; without one, the default account's while signatures are not
/// checked.
fn key_of_environment() -> SigningKey {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    SigningKey {
        access_key_id: variable("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "000000000000".into()),
        secret: variable("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "none".into()),
        session_token: variable("AWS_SESSION_TOKEN"),
    }
}

async fn answer(response: Response<Incoming>) -> Result<Value, Failure> {
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(value);
    }
    Err(Failure::new(error_text(&value).unwrap_or_else(|| format!("the platform answered {status}"))))
}

/// The message of an error document, whatever the protocol calls it.
pub fn error_text(value: &Value) -> Option<String> {
    let message = ["message", "Message", "errorMessage"].iter().find_map(|name| value.get(name)?.as_str());
    message.map(str::to_owned)
}

/// Reads an answer of JSON lines as they come and hands each to `take`.
///
/// # Errors
/// The connection broke, or the platform answered an error instead of lines.
pub async fn lines(response: Response<Incoming>, mut take: impl FnMut(&[u8])) -> Result<(), Failure> {
    if !response.status().is_success() {
        return answer(response).await.map(drop);
    }
    let mut body = response.into_body();
    let mut pending: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        pending.extend_from_slice(&data);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            take(&pending[..end]);
            pending.drain(..=end);
        }
    }
    Ok(())
}
