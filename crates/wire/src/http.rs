//! HTTP connections: one piece of code for the AWS listener, the gateway's hosts and the doors of function instances. It bounds what
//! a client may send before anything is parsed, and reads each body whole. A connection speaks HTTP/1, or HTTP/2 if it begins so.

mod eager;
mod preface;
mod version_2;

use crate::Body;
use crate::auth::{Door, Peer};
use bytes::{Bytes, BytesMut};
use eager::Eager;
use fogbank_model::BoxFuture;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use preface::Begun;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Answers one request whose body has been read.
pub type HttpHandler = Arc<dyn Fn(Request<Bytes>, Peer) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Answers one request whose body is read as it comes. The handler bounds the body and the time that it takes.
pub type StreamHandler = Arc<dyn Fn(Request<Arriving>, Peer) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Whether a request that begins like this is one for a [`StreamHandler`].
pub type Takes = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

/// How many bytes the body of a request that begins like this may have.
pub type BodyLimit = Arc<dyn Fn(&Parts) -> usize + Send + Sync>;

/// The most bytes that a request's line and headers may have.
const HEADER_BYTES: usize = 64 * 1024;
/// The most headers that a request may have.
const HEADER_COUNT: usize = 128;
/// How long a client may take to send a request's headers, and how long a kept connection may rest.
const HEADER_TIME: Duration = Duration::from_secs(75);
/// How long a client may pause within a body.
const BODY_PAUSE: Duration = Duration::from_secs(60);
/// How much room is reserved for a body because its length was announced, before any of it came.
const RESERVED_BODY: usize = 1024 * 1024;

/// What is served on a connection.
#[derive(Clone)]
pub struct Site {
    /// Answers the requests.
    pub handler: HttpHandler,
    /// Bounds their bodies.
    pub body_limit: BodyLimit,
    /// What is asked first: requests whose bodies are too large to be held.
    pub streaming: Option<Streaming>,
}

/// The part of a site that reads bodies itself.
#[derive(Clone)]
pub struct Streaming {
    /// Which requests it answers.
    pub takes: Takes,
    /// Answers them.
    pub handler: StreamHandler,
}

impl Site {
    /// A site whose requests all have the same body limit, in bytes.
    pub fn new(body_limit: usize, handler: HttpHandler) -> Self {
        Self { handler, body_limit: Arc::new(move |_| body_limit), streaming: None }
    }
}

/// Accepts connections until `shutdown` resolves, then lets the requests under way finish and returns. A caller that does not want
/// to wait for them drops the future. With `door` every connection acts as that identity.
pub async fn listen(listener: TcpListener, site: Site, door: Option<Door>, shutdown: impl Future<Output = ()>) {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    // Without it small answers wait for the client's acknowledgement; a failure only costs that.
                    let _ = stream.set_nodelay(true);
                    let peer = Peer { ip: Some(address.ip()), door: door.clone() };
                    connections.spawn(serve_connection(stream, peer, site.clone(), stopping.clone()));
                }
                Err(why) => {
                    // Out of descriptors, most likely: connections that end give some back.
                    tracing::warn!("a connection could not be accepted: {why}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    // No receiver means that there is no connection.
    let _ = stop.send(true);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection until the client closes it, it breaks, or `stopping` turns true (then after the requests under way).
pub async fn serve_connection<I>(io: I, peer: Peer, site: Site, mut stopping: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stopped = async move {
        // An error means that the sender is gone, and with it whoever serves.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let mut stopped = std::pin::pin!(stopped);
    let begun = tokio::select! {
        begun = tokio::time::timeout(HEADER_TIME, Begun::begin(io)) => begun,
        () = stopped.as_mut() => return,
    };
    match begun {
        Ok(Some(io)) if io.is_version_2() => Box::pin(version_2::serve(io, peer, site, stopped)).await,
        Ok(Some(io)) => serve_version_1(io, peer, site, stopped).await,
        // The client sent nothing, or not for long.
        Ok(None) | Err(_) => {}
    }
}

async fn serve_version_1<I>(io: Begun<I>, peer: Peer, site: Site, stopped: impl Future<Output = ()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (site, peer) = (site.clone(), peer.clone());
        async move { Ok::<_, Infallible>(answer(request, peer, &site).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADER_COUNT)
        .max_buf_size(HEADER_BYTES)
        .half_close(false)
        .serve_connection(TokioIo::new(Eager::new(io)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!("a connection ended: {why}");
    }
}

/// A body that is read while it comes.
pub struct Arriving {
    body: Incoming,
    /// Whether all of it was read.
    ended: Arc<AtomicBool>,
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn answer(request: Request<Incoming>, peer: Peer, site: &Site) -> Response<Body> {
    let (head, body) = request.into_parts();
    if let Some(streaming) = site.streaming.as_ref().filter(|streaming| (streaming.takes)(&head)) {
        let ended = Arc::new(AtomicBool::new(body.is_end_stream()));
        let body = Arriving { body, ended: ended.clone() };
        let mut response = (streaming.handler)(Request::from_parts(head, body), peer).await;
        if !ended.load(Ordering::Acquire) {
            // What is left of the body, or was never sent because of `Expect`, must not be taken for a request or the other way round.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        return response;
    }
    let limit = (site.body_limit)(&head);
    match read_body(body, limit).await {
        Ok(body) => (site.handler)(Request::from_parts(head, body), peer).await,
        Err(refusal) => refusal.response(limit),
    }
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    TooLarge,
    TooSlow,
    Broken,
}

impl Refusal {
    fn response(self, limit: usize) -> Response<Body> {
        let (status, code, text) = match self {
            Self::TooLarge => {
                let text = format!("Request must be smaller than {limit} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", text)
            }
            Self::TooSlow => {
                let text = "The request body did not arrive in time.".into();
                (StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException", text)
            }
            Self::Broken => {
                let text = "The request body could not be read.".into();
                (StatusCode::BAD_REQUEST, "SerializationException", text)
            }
        };
        // The protocol is not known for sure before the body is there; clients of the JSON protocols find the code here.
        let text = format!("{{\"__type\":\"{code}\",\"message\":\"{text}\"}}");
        let mut response = Response::new(Body::Full(text.into()));
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// Reads a body of at most `limit` bytes. One that came in a single piece is not copied.
async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Refusal::TooLarge);
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while !body.is_end_stream() {
        let frame = tokio::time::timeout(BODY_PAUSE, body.frame()).await.map_err(|_| Refusal::TooSlow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(Refusal::TooLarge);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(announced.clamp(first.len() + data.len(), RESERVED_BODY.max(first.len() + data.len())));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

#[cfg(test)]
mod tests;
