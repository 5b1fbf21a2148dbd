//! Function URLs.

use super::*;
use crate::{Cors, UrlAuth};
use fogbank_model::{FunctionRef, ReplyStream, StreamEnd};
use tokio::sync::{mpsc, oneshot};

const HOST: &str = "abc.lambda-url.us-east-1.localhost:4566";

fn url(auth: UrlAuth, streams: bool) -> FunctionUrl {
    FunctionUrl { function: FunctionRef::parse(ECHO, &context("000000000000")).unwrap(), auth, cors: None, streams }
}

fn house_with(url: FunctionUrl) -> House {
    let house = house();
    house.urls.0.lock().unwrap().insert("abc".into(), url);
    house
}

#[tokio::test]
async fn a_function_url_hands_everything_to_its_function() {
    let house = house_with(url(UrlAuth::None, false));
    let event = house.event("GET", HOST, "/a%20b?x=1").await;
    assert_eq!((&event["rawPath"], &event["routeKey"]), (&json!("/a%20b"), &json!("$default")));
    assert_eq!(
        (&event["requestContext"]["apiId"], &event["requestContext"]["accountId"]),
        (&json!("abc"), &json!("anonymous"))
    );
    assert_eq!(house.get("other.lambda-url.us-east-1.on.aws", "/").await, r#"403 {"Message":"Forbidden"}"#);
    house.behave(|_| Ok(Reply { error: Some("Unhandled"), ..reply("{}") }));
    assert_eq!(house.get(HOST, "/").await, "502 Internal Server Error");
}

#[tokio::test]
async fn iam_asks_for_a_signature() {
    let house = house_with(url(UrlAuth::Iam, false));
    assert_eq!(house.get(HOST, "/").await, r#"403 {"Message":"Forbidden"}"#);
    let signed = |account: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={account}/20260504/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
        )
    };
    let own = signed("000000000000");
    let (status, body, _) = house.send("GET", HOST, "/", &[("authorization", &own)], "").await.unwrap();
    assert_eq!(status, 200);
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["requestContext"]["accountId"], "000000000000");
    let other = signed("111111111111");
    let (status, ..) = house.send("GET", HOST, "/", &[("authorization", &other)], "").await.unwrap();
    assert_eq!(status, 403, "another account has no say");
}

#[tokio::test]
async fn with_signatures_checked_a_forged_one_does_not_do() {
    let house = house_with(url(UrlAuth::Iam, false));
    let auth = Auth::On(Arc::new(NoKeys));
    let strict =
        Gateway::open(house.store.clone(), house.clock.clone(), auth, house.echo.clone(), house.urls.clone()).unwrap();
    let signed = "AWS4-HMAC-SHA256 Credential=111111111111/20260504/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0";
    let request = Request::builder().uri("/").header("host", HOST).header("authorization", signed);
    let (head, body) = request.body(Bytes::new()).unwrap().into_parts();
    let target = strict.serves(&head).unwrap();
    let answer = strict.serve(target, Request::from_parts(head, body), Peer::default()).await;
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn a_url_with_cors_answers_preflights() {
    let cors = Cors { allow_origins: Some(vec!["*".into()]), ..Cors::default() };
    let house = house_with(FunctionUrl { cors: Some(cors), ..url(UrlAuth::Iam, false) });
    let asked = [("origin", "https://a.example"), ("access-control-request-method", "GET")];
    let (status, _, headers) = house.send("OPTIONS", HOST, "/", &asked, "").await.unwrap();
    assert_eq!((status, headers["access-control-allow-origin"].to_str().unwrap()), (200, "*"));
}

/// A reply that streams `pieces` after `first`.
fn streamed(first: &'static [u8], pieces: &[&'static [u8]], content_type: Option<&str>) -> Reply {
    let (to, chunks) = mpsc::channel(16);
    let (done, end) = oneshot::channel();
    for piece in pieces {
        to.try_send(Bytes::from_static(piece)).unwrap();
    }
    done.send(StreamEnd::Complete).unwrap();
    let content_type = content_type.map(str::to_owned);
    Reply { stream: Some(ReplyStream { chunks, end }), content_type, ..reply(first) }
}

const PRELUDE: &str = "application/vnd.awslambda.http-integration-response";

#[tokio::test]
async fn a_streamed_answer_begins_with_its_prelude() {
    let house = house_with(url(UrlAuth::None, true));
    // The prelude and its end may be cut anywhere.
    let cuts: [(&'static [u8], &'static [&'static [u8]]); 2] = [
        (b"{\"statusCode\":201,\"headers\":{\"x-a\":\"1\"},\"cookies\":[\"c=1\"]}\0\0\0\0\0\0\0\0one", &[b" two"]),
        (
            b"{\"statusCode\":201,\"headers\":{\"x-a\":\"1\"}",
            &[b",\"cookies\":[\"c=1\"]}\0\0\0", b"\0\0\0\0\0on", b"e two"],
        ),
    ];
    for (first, pieces) in cuts {
        house.behave(move |call| {
            assert!(call.accepts_stream);
            Ok(streamed(first, pieces, Some(PRELUDE)))
        });
        let (status, body, headers) = house.send("GET", HOST, "/", &[], "").await.unwrap();
        assert_eq!((status, body.as_str()), (201, "one two"));
        assert_eq!((headers["x-a"].to_str().unwrap(), headers["set-cookie"].to_str().unwrap()), ("1", "c=1"));
    }
    house.behave(|_| Ok(streamed(b"plain", &[b" text"], Some("text/plain"))));
    let (_, body, headers) = house.send("GET", HOST, "/", &[], "").await.unwrap();
    assert_eq!((body.as_str(), headers["content-type"].to_str().unwrap()), ("plain text", "text/plain"));
}

#[tokio::test]
async fn a_prelude_that_never_ends_is_a_failure() {
    let house = house_with(url(UrlAuth::None, true));
    house.behave(|_| Ok(streamed(b"{\"statusCode\":", &[b"200}"], Some(PRELUDE))));
    assert_eq!(house.get(HOST, "/").await, "502 Internal Server Error");
}
