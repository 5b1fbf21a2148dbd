//! Functions that take requests as they are.

use super::*;
use crate::UrlAuth;
use fogbank_model::FunctionRef;
use std::sync::atomic::Ordering;

/// Answers 418 with a description of the request and its body.
fn describe(invocation: &Invocation) -> Result<Reply, InvokeError> {
    let head = invocation.head.as_ref().unwrap();
    let response = Response::builder().status(418).header("x-target", format!("{} {}", head.method, head.uri));
    let twice: Vec<&str> = head.headers.get_all("x-twice").iter().map(|value| value.to_str().unwrap()).collect();
    let way = head.headers["x-forwarded-for"].clone();
    let response = response
        .header("x-seen", twice.join("+"))
        .header("x-way", way)
        .header("x-te", head.headers.contains_key("te").to_string());
    let (head, ()) = response.header("connection", "close").body(()).unwrap().into_parts();
    Ok(Reply { head: Some(Box::new(head)), ..reply(invocation.payload.clone()) })
}

fn house_that_passes_on() -> House {
    let house = house();
    house.echo.speaks_http.store(true, Ordering::SeqCst);
    house.behave(describe);
    house
}

async fn sent(house: &House, host: &str, path: &str) -> (u16, String, String) {
    let headers = [("x-twice", "1"), ("x-twice", "2"), ("te", "trailers"), ("x-forwarded-for", "192.0.2.1")];
    let (status, body, headers) = house.send("PUT", host, path, &headers, "as it is").await.unwrap();
    assert_eq!((&headers["x-seen"], &headers["x-te"]), (&"1+2".parse().unwrap(), &"false".parse().unwrap()));
    assert_eq!(headers["x-way"], "192.0.2.1, 203.0.113.9");
    assert!(!headers.contains_key("connection"), "that is the gateway's");
    (status, body, headers["x-target"].to_str().unwrap().into())
}

#[tokio::test]
async fn every_kind_of_address_passes_the_request_on_and_the_response_back() {
    let house = house_that_passes_on();
    house.http_api(&["ANY /pets/{id}"]).await;
    let function = FunctionRef::parse(ECHO, &context("000000000000")).unwrap();
    let url = FunctionUrl { function, auth: UrlAuth::None, cors: None, streams: false };
    house.urls.0.lock().unwrap().insert("abc".into(), url);
    let answer = |target: &str| (418, "as it is".to_owned(), format!("PUT {target}"));
    assert_eq!(sent(&house, "shop.localhost", "/pets/a%2Fb?x=%20&y").await, answer("/pets/a%2Fb?x=%20&y"));
    assert_eq!(sent(&house, "localhost", "/_fogbank/apis/shop/pets/7").await, answer("/pets/7"));
    assert_eq!(sent(&house, "abc.lambda-url.us-east-1.on.aws", "/a//b?").await, answer("/a//b?"));
    let (status, ..) = house.send("GET", "shop.localhost", "/none", &[], "").await.unwrap();
    assert_eq!(status, 404, "routes decide as ever");
}

#[tokio::test]
async fn a_function_that_fails_is_the_gateways_own_answer() {
    let house = house_that_passes_on();
    house.http_api(&["$default"]).await;
    house.behave(|_| Ok(Reply { error: Some("Unhandled"), ..reply("{}") }));
    assert_eq!(house.get("shop.localhost", "/").await, r#"500 {"message":"Internal Server Error"}"#);
    // An update has put a function of another kind in its place meanwhile.
    house.behave(|_| Ok(reply("{}")));
    assert_eq!(house.get("shop.localhost", "/").await, r#"500 {"message":"Internal Server Error"}"#);
}
