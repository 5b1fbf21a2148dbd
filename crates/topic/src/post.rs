//! One request to an HTTP endpoint.

use crate::outbox::Post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fogbank_model::Arn;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long an endpoint may take for its answer, as on AWS.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How SNS calls itself.
const AGENT: &str = "Amazon Simple Notification Service Agent";

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoint has it.
    Taken,
    /// The endpoint will never take it.
    Refused(String),
    /// It is worth another try.
    Failed(String),
}

/// Sends `post` of the topic's subscription.
pub(crate) async fn send(tls: &Tls, post: &Post, topic: &Arn, subscription: &Arn) -> Outcome {
    let Ok(uri) = post.url.parse::<Uri>() else { return Outcome::Refused("the endpoint is no URL".into()) };
    let request = match request(post, &uri, topic, subscription) {
        Ok(request) => request,
        Err(why) => return Outcome::Refused(why.to_string()),
    };
    match tokio::time::timeout(TIMEOUT, exchange(tls, &uri, request)).await {
        Ok(Ok(status)) => judge(status),
        Ok(Err(why)) => Outcome::Failed(why.to_string()),
        Err(_) => Outcome::Failed(format!("the endpoint did not answer within {} seconds", TIMEOUT.as_secs())),
    }
}

/// As AWS: a client error is final, but for one that says to come later.
fn judge(status: StatusCode) -> Outcome {
    let why = format!("the endpoint answered {status}");
    match status {
        status if status.is_success() => Outcome::Taken,
        StatusCode::TOO_MANY_REQUESTS => Outcome::Failed(why),
        status if status.is_client_error() => Outcome::Refused(why),
        _ => Outcome::Failed(why),
    }
}

fn request(post: &Post, uri: &Uri, topic: &Arn, subscription: &Arn) -> Result<Request<Full<Bytes>>, http::Error> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let mut request = Request::post(path)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, HeaderValue::from_str(&post.content_type)?)
        .header("x-amz-sns-message-type", &post.kind)
        .header("x-amz-sns-message-id", &post.id)
        .header("x-amz-sns-topic-arn", topic.as_str());
    if post.kind != "SubscriptionConfirmation" {
        request = request.header("x-amz-sns-subscription-arn", subscription.as_str());
    }
    if post.raw {
        request = request.header("x-amz-sns-rawdelivery", "true");
    }
    if let Some(user) = user {
        let plain: Vec<u8> = percent_decode_str(user).collect();
        request = request.header(AUTHORIZATION, format!("Basic {}", BASE64.encode(plain)));
    }
    request.body(Full::new(Bytes::from(post.body.clone())))
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(tls: &Tls, uri: &Uri, request: Request<Full<Bytes>>) -> Result<StatusCode, Failure> {
    let host = uri.host().ok_or("the endpoint has no host")?.trim_matches(['[', ']']);
    let is_tls = uri.scheme_str() == Some("https");
    // Every name below localhost is this machine (RFC 6761), whether or not the resolver knows.
    let address = if host.ends_with(".localhost") { "localhost" } else { host };
    let stream = TcpStream::connect((address, uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }))).await?;
    if is_tls {
        let name = ServerName::try_from(host.to_owned())?;
        return ask(tls.connector()?.connect(name, stream).await?, request).await;
    }
    ask(stream, request).await
}

async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    // The answer's body is of no use, however long it is.
    connection.abort();
    Ok(answer?.status())
}

/// Encrypts connections, trusting whom the machine trusts. What that is, is read when it is first needed.
#[derive(Default)]
pub(crate) struct Tls(OnceLock<TlsConnector>);

impl Tls {
    fn connector(&self) -> Result<&TlsConnector, Failure> {
        if let Some(ready) = self.0.get() {
            return Ok(ready);
        }
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a certificate of the machine's is not trusted");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err("the machine trusts no certificate (is there no ca-certificates package?)".into());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        Ok(self.0.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_client_errors_are_final() {
        for (status, again) in
            [(500, true), (503, true), (429, true), (301, true), (400, false), (404, false), (403, false)]
        {
            let outcome = judge(StatusCode::from_u16(status).unwrap());
            assert_eq!(matches!(outcome, Outcome::Failed(_)), again, "{status}");
        }
        assert_eq!(judge(StatusCode::NO_CONTENT), Outcome::Taken);
    }
}
