#![allow(clippy::unwrap_used)]

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

/// A server that answers with the length of the body, and waits for `go` at `/slow`.
struct Server {
    address: std::net::SocketAddr,
    arrived: Arc<Notify>,
    go: Arc<Notify>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn server(limit: usize) -> Server {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at_handler, may_go) = (arrived.clone(), go.clone());
    let handler: HttpHandler = Arc::new(move |request, _| {
        let (arrived, go) = (at_handler.clone(), may_go.clone());
        Box::pin(async move {
            if request.uri().path() == "/slow" {
                arrived.notify_one();
                go.notified().await;
            }
            Response::new(Body::Full(format!("{} bytes", request.body().len()).into()))
        })
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let site = Site::new(limit, handler);
    let ended = tokio::spawn(listen(listener, site, None, async move { drop(stopped.await) }));
    Server { address, arrived, go, stop, ended }
}

async fn send(server: &Server, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

/// Everything until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_connection_serves_request_after_request() {
    let server = server(100).await;
    let one = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc";
    let last = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let answer = rest(send(&server, &[one.as_slice(), last].concat()).await).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.contains("3 bytes") && answer.contains("0 bytes"), "{answer}");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_announced_or_not() {
    let server = server(10).await;
    let announced = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n";
    let answer = rest(send(&server, announced).await).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("Request must be smaller than 10 bytes"),
        "{answer}"
    );
    let chunked =
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n";
    let answer = rest(send(&server, chunked).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let fits = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n4\r\nghij\r\n0\r\n\r\n";
    let answer = rest(send(&server, fits).await).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("10 bytes"), "{answer}");
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on_or_not() {
    let server = server(10).await;
    let mut stream = send(
        &server,
        b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n",
    )
    .await;
    let mut interim = [0u8; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ab").await.unwrap();
    assert!(rest(stream).await.ends_with("2 bytes"));
    let refused =
        send(&server, b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n").await;
    assert!(rest(refused).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_listener_ends() {
    let server = server(100).await;
    let idle = send(&server, b"").await;
    let stream = send(&server, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.arrived.notified().await;
    server.stop.send(()).unwrap();
    // An idle connection is closed at once.
    assert_eq!(rest(idle).await, "");
    assert!(!server.ended.is_finished());
    server.go.notify_one();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("0 bytes"), "{answer}");
    server.ended.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

/// A client that speaks HTTP/2 on a connection of its own.
async fn version_2(server: &Server) -> hyper::client::conn::http2::SendRequest<http_body_util::Full<Bytes>> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let (client, connection) = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

fn post(body: &'static [u8]) -> Request<http_body_util::Full<Bytes>> {
    Request::post("http://x/").body(http_body_util::Full::new(Bytes::from_static(body))).unwrap()
}

#[tokio::test]
async fn a_client_may_speak_http_2_at_once() {
    let server = server(10).await;
    let mut client = version_2(&server).await;
    let slow = client.send_request(Request::get("http://x/slow").body(Default::default()).unwrap());
    let slow = tokio::spawn(slow);
    server.arrived.notified().await;
    // Another one does not wait for it.
    let answer = client.send_request(post(b"abc")).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "3 bytes");
    let refused = client.send_request(post(b"more than ten")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let headers = (0..200).fold(Request::get("http://x/"), |request, n| request.header(format!("h-{n}"), "v"));
    let refused = client.send_request(headers.body(Default::default()).unwrap()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    server.stop.send(()).unwrap();
    server.go.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    server.ended.await.unwrap();
}

#[tokio::test]
async fn a_preface_may_come_in_pieces_and_what_only_begins_like_one_is_http_1() {
    let server = server(10).await;
    let mut stream = send(&server, b"PR").await;
    stream.write_all(b"OPFIND / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(stream).await.starts_with("HTTP/1.1 200 "));
    let mut stream = send(&server, b"PRI * HTTP/2.0\r\n").await;
    stream.write_all(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut settings = [0u8; 4];
    stream.read_exact(&mut settings).await.unwrap();
    assert_eq!(settings[3], 4, "a settings frame");
}
