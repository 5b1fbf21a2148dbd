#![allow(clippy::unwrap_used)]
use super::*;

fn show(draft: Result<Draft, Malformed>) -> String {
    let draft = match draft {
        Ok(draft) => draft,
        Err(Malformed(why)) => return format!("malformed: {why}"),
    };
    let mut lines = vec![draft.status.as_u16().to_string()];
    let mut headers: Vec<String> =
        draft.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    lines.extend(headers);
    lines.push(String::from_utf8_lossy(&draft.body).into_owned());
    lines.join(" | ")
}

#[test]
fn format_2_takes_a_structure_or_any_json() {
    let table = [
        (r#"{"hello":"you"}"#, r#"200 | content-type: application/json | {"hello":"you"}"#),
        (r#""hello""#, "200 | content-type: application/json | hello"),
        ("null", "200 | content-type: application/json | null"),
        ("[1, 2]", "200 | content-type: application/json | [1, 2]"),
        (r#"{"statusCode":201,"body":"x"}"#, "201 | content-type: text/plain | x"),
        (r#"{"statusCode":"404"}"#, "404 | content-type: text/plain | "),
        (
            r#"{"statusCode":200,"headers":{"Content-Type":"text/html","X-N":1,"X-B":true,"Connection":"close"},"body":"<p>"}"#,
            "200 | content-type: text/html | x-b: true | x-n: 1 | <p>",
        ),
        (
            r#"{"statusCode":200,"cookies":["a=1; Secure","b=2"],"body":"aGk=","isBase64Encoded":true}"#,
            "200 | content-type: text/plain | set-cookie: a=1; Secure | set-cookie: b=2 | hi",
        ),
        (r#"{"statusCode":99}"#, "malformed: statusCode is no HTTP status from 200 to 599"),
        (r#"{"statusCode":200,"body":{"a":1}}"#, "malformed: body is no text"),
        ("not json", "malformed: it is not JSON"),
    ];
    for (payload, expected) in table {
        assert_eq!(show(version_2(&Bytes::from(payload), "text/plain")), expected, "{payload}");
    }
}

#[test]
fn format_1_joins_headers_and_multi_value_headers() {
    let payload =
        r#"{"statusCode":200,"headers":{"a":"1","b":"2"},"multiValueHeaders":{"a":["3","4"],"b":["2"]},"body":"x"}"#;
    let expected = "200 | a: 1 | a: 3 | a: 4 | b: 2 | content-type: text/plain;charset=UTF-8 | x";
    assert_eq!(show(version_1(&Bytes::from(payload))), expected);
    assert_eq!(show(version_1(&Bytes::from("\"x\""))), "malformed: it is no object");
}

#[test]
fn a_rest_api_is_strict_and_renames_headers() {
    let table = [
        (r#"{"statusCode":200,"body":"x"}"#, "200 | content-type: application/json | x"),
        ("{}", "200 | content-type: application/json | "),
        (r#"{"message":"hi"}"#, "malformed: it has members that a proxy response does not have"),
        ("null", "malformed: it is no object"),
        (r#"{"statusCode":200,"body":{}}"#, "malformed: body is no text"),
        (r#"{"statusCode":"x"}"#, "malformed: statusCode is no HTTP status from 200 to 599"),
        (r#"{"statusCode":101}"#, "malformed: statusCode is no HTTP status from 200 to 599"),
        (
            r#"{"headers":{"Date":"never","Server":"me","Content-Length":"9","Transfer-Encoding":"chunked"}}"#,
            "200 | content-type: application/json | x-amzn-remapped-content-length: 9 | x-amzn-remapped-date: never | \
             x-amzn-remapped-server: me | ",
        ),
    ];
    for (payload, expected) in table {
        assert_eq!(show(rest(&Bytes::from(payload), true)), expected, "{payload}");
    }
}

#[test]
fn base64_stays_as_it_is_for_a_client_that_takes_no_binary() {
    let payload = Bytes::from(r#"{"isBase64Encoded":true,"body":"aGk="}"#);
    assert_eq!(show(rest(&payload, false)), "200 | content-type: application/json | aGk=");
    assert_eq!(show(rest(&payload, true)), "200 | content-type: application/json | hi");
}
