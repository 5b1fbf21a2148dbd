//! AWS's published vectors: the Signature Version 4 test suite, and the examples of the IAM and S3 documentation.
#![allow(clippy::unwrap_used)]

use super::verify::verify;
use super::*;
use crate::auth::{Credentials, KeyOwner, LookupError};
use bytes::Bytes;
use fogbank_model::{AccountId, Caller};
use http::Request;

struct Keys;

impl Credentials for Keys {
    fn lookup(&self, id: &str, token: Option<&str>) -> Result<KeyOwner, LookupError> {
        let secret = match (id, token) {
            ("AKIDEXAMPLE", None) => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            ("AKIAIOSFODNN7EXAMPLE", None) => "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            ("ASIAEXAMPLE", Some("token")) => "secret",
            ("ASIAEXPIRED", _) => return Err(LookupError::Expired),
            _ => return Err(LookupError::Invalid),
        };
        Ok(KeyOwner { secret: secret.into(), account: AccountId::default_account(), caller: Caller::Root })
    }
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: Bytes) -> (Parts, Bytes) {
    let request = Request::builder().method(method).uri(uri);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body).unwrap().into_parts()
}

fn at(time: &str) -> fogbank_model::Timestamp {
    parse_time(time).unwrap()
}

/// One vector of the suite: everything signed at the same time for `service` in `us-east-1`.
fn suite(
    method: &str,
    uri: &str,
    more: &[(&str, &str)],
    signed: &str,
    body: &'static str,
    signature: &str,
) -> Result<(), Refused> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed}, Signature={signature}"
    );
    let mut headers = vec![("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
    headers.extend_from_slice(more);
    headers.push(("authorization", &authorization));
    let (head, body) = request(method, uri, &headers, Bytes::from_static(body.as_bytes()));
    verify(&head, &body, "service", &Keys, at("20150830T123600Z")).map(drop)
}

const VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

#[test]
fn the_test_suites_signatures_are_accepted() {
    let plain = "host;x-amz-date";
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let unreserved = format!("/?{unreserved}={unreserved}");
    for (name, method, uri, signature) in [
        ("get-vanilla", "GET", "/", VANILLA),
        ("get-relative", "GET", "/example/..", VANILLA),
        ("get-slash", "GET", "//", VANILLA),
        ("get-slash-dot-slash", "GET", "/./", VANILLA),
        ("post-vanilla", "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "get-vanilla-query-order-key-case",
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-empty-query-key",
            "GET",
            "/?Param1=value1",
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            "get-vanilla-query-unreserved",
            "GET",
            &unreserved,
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            "post-vanilla-query",
            "POST",
            "/?Param1=value1",
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        ),
    ] {
        assert_eq!(suite(method, uri, &[], plain, "", signature), Ok(()), "{name}");
    }
    let trim = [("my-header1", " value1"), ("my-header2", " \"a   b   c\"")];
    let signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736";
    assert_eq!(suite("GET", "/", &trim, "host;my-header1;my-header2;x-amz-date", "", signature), Ok(()));
    let sort = [("my-header1", "value1")];
    let signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c";
    assert_eq!(suite("POST", "/", &sort, "host;my-header1;x-amz-date", "", signature), Ok(()));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    assert_eq!(suite("POST", "/", &form, "content-type;host;x-amz-date", "Param1=value1", signature), Ok(()));
}

#[test]
fn what_differs_from_what_was_signed_is_refused() {
    let plain = "host;x-amz-date";
    assert_eq!(suite("POST", "/", &[], plain, "", VANILLA), Err(Refused::Mismatch));
    assert_eq!(suite("GET", "/x", &[], plain, "", VANILLA), Err(Refused::Mismatch));
    assert_eq!(suite("GET", "/?a=b", &[], plain, "", VANILLA), Err(Refused::Mismatch));
    assert_eq!(suite("GET", "/", &[], plain, "body", VANILLA), Err(Refused::Mismatch));
    assert_eq!(suite("GET", "/", &[], plain, "", &VANILLA[..62]), Err(Refused::Mismatch));
    let target = [("x-amz-target", "Other.Operation")];
    assert!(matches!(suite("GET", "/", &target, plain, "", VANILLA), Err(Refused::Incomplete(_))));
    assert!(matches!(suite("GET", "/", &[], "x-amz-date", "", VANILLA), Err(Refused::Incomplete(_))));
}

#[test]
fn every_part_that_a_header_lacks_is_named() {
    let refused = |header: &str, date: Option<&str>| {
        let mut request = http::Request::get("/").header("authorization", header);
        if let Some(date) = date {
            request = request.header("x-amz-date", date);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        verify(&head, &Bytes::new(), "dynamodb", &Keys, at("20150830T123600Z")).map(drop).unwrap_err().to_string()
    };
    let requires = |name: &str| format!("Authorization header requires '{name}' parameter. ");
    let all = [requires("Credential"), requires("Signature"), requires("SignedHeaders")].concat();
    let date = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    assert_eq!(refused("AWS4-", None), format!("{all}{date}Authorization=AWS4-"));
    let some = "AWS4-HMAC-SHA256 Credential=K/20150830/us-east-1/dynamodb/aws4_request, Signature=00";
    assert_eq!(refused(some, Some("20150830T123600Z")), format!("{}Authorization={some}", requires("SignedHeaders")));
    assert_eq!(refused("Bearer x", None), "Request is missing Authentication Token");
}

/// The IAM documentation's `ListUsers`.
fn list_users() -> (Parts, Bytes) {
    let headers = [
        ("host", "iam.amazonaws.com"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ];
    request("GET", "/?Action=ListUsers&Version=2010-05-08", &headers, Bytes::new())
}

#[test]
fn a_signature_is_valid_for_fifteen_minutes_either_way() {
    let (head, body) = list_users();
    let try_at = |time: &str| verify(&head, &body, "iam", &Keys, at(time)).map(drop);
    assert_eq!(try_at("20150830T123600Z"), Ok(()));
    assert_eq!(try_at("20150830T125100Z"), Ok(()));
    assert_eq!(try_at("20150830T122100Z"), Ok(()));
    let late = try_at("20150830T125101Z").unwrap_err().to_string();
    assert_eq!(
        late,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
    );
    let early = try_at("20150830T122059Z").unwrap_err().to_string();
    assert!(
        early.starts_with("Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z"),
        "{early}"
    );
    assert!(matches!(verify(&head, &body, "sts", &Keys, at("20150830T123600Z")).map(drop), Err(Refused::Time(_))));
}

#[test]
fn a_presigned_request_is_valid_until_it_expires() {
    let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let (head, body) = request("GET", uri, &[("host", "examplebucket.s3.amazonaws.com")], Bytes::new());
    assert!(verify(&head, &body, "s3", &Keys, at("20130524T235959Z")).is_ok());
    assert!(matches!(verify(&head, &body, "s3", &Keys, at("20130525T000001Z")).map(drop), Err(Refused::Time(_))));
    let (head, body) =
        request("GET", &uri.replace("86400", "86401"), &[("host", "examplebucket.s3.amazonaws.com")], body);
    assert_eq!(verify(&head, &body, "s3", &Keys, at("20130524T235959Z")).map(drop), Err(Refused::Mismatch));
}

/// The S3 documentation's chunked upload of 65 KiB of the letter a.
fn chunked(spoil: impl Fn(&mut Vec<u8>)) -> Result<Bytes, Refused> {
    let headers = [
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        ),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ];
    let mut body = Vec::new();
    for (size, signature) in [
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ] {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        body.extend(std::iter::repeat_n(b'a', size));
        body.extend_from_slice(b"\r\n");
    }
    spoil(&mut body);
    let (head, body) = request("PUT", "/examplebucket/chunkObject.txt", &headers, body.into());
    verify(&head, &body, "s3", &Keys, at("20130524T000000Z")).map(|verified| verified.unchunked.unwrap())
}

#[test]
fn a_body_in_signed_chunks_is_put_together() {
    assert_eq!(chunked(|_| {}).unwrap(), Bytes::from(vec![b'a'; 66560]));
    assert_eq!(chunked(|body| body[70000 - 4000] = b'b'), Err(Refused::Mismatch));
    assert!(chunked(|body| body.truncate(1000)).is_err());
    assert!(chunked(|body| body[0] = b'x').is_err());
}

#[test]
fn unsigned_chunks_may_end_with_headers() {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER".parse().unwrap());
    let body = Bytes::from_static(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    assert_eq!(decode_chunked(&headers, &body, None).unwrap(), "hello");
}

#[test]
fn what_we_sign_verifies() {
    let key = SigningKey {
        access_key_id: "ASIAEXAMPLE".into(),
        secret: "secret".into(),
        session_token: Some("token".into()),
    };
    let uri = "http://127.0.0.1:4566/2015-03-31/functions/a%20b/invocations?Qualifier=x%2Fy";
    let mut signed = Request::post(uri).header("user-agent", "fog").body(Bytes::from_static(b"{}")).unwrap();
    let now = at("20260504T101112Z");
    sign(&mut signed, &key, "eu-west-1", "lambda", now).unwrap();
    let (head, body) = signed.into_parts();
    assert!(verify(&head, &body, "lambda", &Keys, now).is_ok());
    assert_eq!(verify(&head, &Bytes::from_static(b"{ }"), "lambda", &Keys, now).map(drop), Err(Refused::Body));
}

#[test]
fn keys_that_are_unknown_or_expired_are_told_apart() {
    let try_key = |id: &str| {
        let key = SigningKey { access_key_id: id.into(), secret: "x".into(), session_token: None };
        let mut signed = Request::get("http://localhost/").body(Bytes::new()).unwrap();
        let now = at("20260504T101112Z");
        sign(&mut signed, &key, "eu-west-1", "lambda", now).unwrap();
        let (head, body) = signed.into_parts();
        verify(&head, &body, "lambda", &Keys, now).map(drop)
    };
    assert_eq!(try_key("AKIANOBODY"), Err(Refused::UnknownKey));
    assert_eq!(try_key("ASIAEXPIRED"), Err(Refused::ExpiredToken));
    assert_eq!(try_key("AKIDEXAMPLE"), Err(Refused::Mismatch));
    let (head, body) = request("GET", "/", &[], Bytes::new());
    assert_eq!(verify(&head, &body, "lambda", &Keys, at("20260504T101112Z")).map(drop), Err(Refused::Missing));
}
