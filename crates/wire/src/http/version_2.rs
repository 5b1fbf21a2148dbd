//! HTTP/2 without TLS, for clients that know that they may speak it, as SDKs do where an operation's answer is a stream of events. A request is
//! made to look as it would in HTTP/1, so that nothing behind the listener has to know both.

use super::preface::Begun;
use super::{HEADER_BYTES, HEADER_COUNT, HEADER_TIME, Site, answer};
use crate::Body;
use crate::auth::Peer;
use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Requests that one connection may have under way.
const STREAMS: u32 = 128;
/// How often a silent client is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);

/// The requests of one connection: how many have begun, and how many of them are not answered.
#[derive(Default)]
struct Activity {
    begun: AtomicUsize,
    waiting: AtomicUsize,
}

impl Activity {
    /// Resolves when there was no request for a while. An answer that is still being sent is not broken off by that.
    async fn rest(&self) {
        let mut seen = usize::MAX;
        loop {
            tokio::time::sleep(HEADER_TIME).await;
            let begun = self.begun.load(Ordering::Relaxed);
            if begun == seen && self.waiting.load(Ordering::Relaxed) == 0 {
                return;
            }
            seen = begun;
        }
    }
}

/// Serves a connection until the client closes it, it breaks or rests, or `stopped` resolves (then after the requests under way).
pub(super) async fn serve<I>(io: Begun<I>, peer: Peer, site: Site, stopped: impl Future<Output = ()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let counted = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (site, peer, activity) = (site.clone(), peer.clone(), counted.clone());
        async move {
            activity.begun.fetch_add(1, Ordering::Relaxed);
            activity.waiting.fetch_add(1, Ordering::Relaxed);
            let _waiting = Waiting(&activity.waiting);
            Ok::<_, Infallible>(serve_request(request, peer, &site).await)
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = async { tokio::select! { () = stopped => {}, () = activity.rest() => {} } } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!("an HTTP/2 connection ended: {why}");
    }
}

/// A request that is not answered; also where its client has given it up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve_request(request: Request<Incoming>, peer: Peer, site: &Site) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    if head.headers.len() > HEADER_COUNT {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return response;
    }
    as_version_1(&mut head, !body.is_end_stream());
    let mut response = answer(Request::from_parts(head, body), peer, site).await;
    // A stream ends alone.
    response.headers_mut().remove(CONNECTION);
    response
}

/// Puts what HTTP/2 says in other places where HTTP/1 has it.
fn as_version_1(head: &mut Parts, has_body: bool) {
    let authority = head.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let (Some(host), false) = (authority, head.headers.contains_key(HOST)) {
        head.headers.insert(HOST, host);
    }
    let path = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    head.uri = Uri::from(path);
    head.version = Version::HTTP_11;
    // The length is not announced, and there is a body all the same.
    if has_body && !head.headers.contains_key(CONTENT_LENGTH) {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    // RFC 9113, 8.2.3.
    let cookies: Vec<&[u8]> = head.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        head.headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_request_looks_as_in_http_1() {
        let request = Request::builder()
            .version(Version::HTTP_2)
            .uri("http://shop.localhost:4566/a/b?c=d")
            .header("cookie", "a=1")
            .header("cookie", "b=2");
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        as_version_1(&mut head, true);
        assert_eq!((head.uri.to_string().as_str(), head.version), ("/a/b?c=d", Version::HTTP_11));
        assert_eq!(head.headers[HOST], "shop.localhost:4566");
        assert_eq!(head.headers[COOKIE], "a=1; b=2");
        assert_eq!(head.headers[TRANSFER_ENCODING], "chunked");
    }
}
