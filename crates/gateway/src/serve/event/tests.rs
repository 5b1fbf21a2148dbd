#![allow(clippy::unwrap_used)]
//! Both payload formats against whole events.

use super::*;
use fogbank_model::Timestamp;
use http::request::Parts;
use std::collections::BTreeMap;

fn head() -> Parts {
    let request = http::Request::builder()
        .method("POST")
        .uri("/prod/pets/a%20b?tag=x&tag=y%26z&empty=&plus=a+b")
        .header("Host", "shop.localhost:4566")
        .header("User-Agent", "curl/8")
        .header("Content-Type", "application/json; charset=utf-8")
        .header("Cookie", "a=1; b=2")
        .header("X-Twice", "1")
        .header("X-Twice", "2")
        .header("X-Forwarded-For", "198.51.100.7")
        .header("Connection", "keep-alive");
    request.body(()).unwrap().into_parts().0
}

fn check(golden: &str, event: &Bytes) {
    let event: serde_json::Value = serde_json::from_slice(event).unwrap();
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(event, golden, "{event:#}");
}

fn with_request(body: &'static [u8], run: impl FnOnce(&Received<'_>, &Placed<'_>)) {
    let (head, body) = (head(), Bytes::from_static(body));
    let received = Received {
        head: &head,
        body: &body,
        host: "shop.localhost",
        source_ip: "203.0.113.9",
        time: Timestamp(1_583_348_638_390),
        request_id: "JKJaXmPLvHcESHA=",
        extended_id: "JKJaXmPLvHcESHB=",
        trace: "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
    };
    let parameters = [("id".to_owned(), "a b".to_owned())];
    let variables = BTreeMap::from([("color".to_owned(), "blue".to_owned())]);
    let placed = Placed {
        account: "123456789012",
        api: "shop",
        stage: "prod",
        deployment: "dep123",
        route: "POST /pets/{id}",
        resource_id: "res123",
        path: "/pets/a%20b",
        parameters: &parameters,
        variables: &variables,
    };
    run(&received, &placed);
}

#[test]
fn format_2_of_an_http_api() {
    with_request(b"{\"name\":\"Rex\"}", |received, placed| {
        check(include_str!("golden/http_2.json"), &version_2(received, placed, "/prod/pets/a b"));
    });
}

#[test]
fn format_1_of_an_http_api() {
    with_request(b"{\"name\":\"Rex\"}", |received, placed| {
        check(include_str!("golden/http_1.json"), &version_1(received, placed, Flavour::Http, false));
    });
}

#[test]
fn format_1_of_a_rest_api() {
    with_request(b"{\"name\":\"Rex\"}", |received, placed| {
        let placed = Placed { route: "/pets/{id}", ..*placed };
        check(include_str!("golden/rest_1.json"), &version_1(received, &placed, Flavour::Rest, false));
    });
}

#[test]
fn a_body_is_text_where_it_can_be() {
    let table: [(&'static [u8], bool, Option<&str>, bool); 5] = [
        (b"", true, None, false),
        (b"text", false, Some("text"), false),
        (b"text", true, Some("dGV4dA=="), true),
        (b"\xff\xfe", false, Some("//4="), true),
        ("h\u{e9}".as_bytes(), false, Some("h\u{e9}"), false),
    ];
    for (given, binary, text, encoded) in table {
        let given = Bytes::from_static(given);
        assert_eq!(body(&given, binary), (text.map(Cow::Borrowed), encoded), "{given:?}");
    }
}

#[test]
fn only_texts_and_structures_are_text() {
    let table = [
        (Some("text/plain"), true),
        (Some("application/json; charset=utf-8"), true),
        (Some("application/problem+json"), true),
        (Some("application/x-www-form-urlencoded"), false),
        (Some("multipart/form-data; boundary=x"), false),
        (Some("image/png"), false),
        (None, true),
    ];
    for (kind, expected) in table {
        let mut request = http::Request::builder();
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(crate::serve::request::is_text(&head), expected, "{kind:?}");
    }
}
