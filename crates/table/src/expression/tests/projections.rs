use super::{item, text, usual};
use crate::expression::Projection;
use serde_json::json;

#[test]
fn wrong_projections_say_why() {
    let cases = [
        ("", "The expression can not be empty;"),
        ("a,", r##"Syntax error; token: "<EOF>", near: ",""##),
        ("a b", r##"Syntax error; token: "b", near: "a b""##),
        ("user-id", r##"Syntax error; token: "-", near: "user-id""##),
        ("a.", r##"Syntax error; token: "<EOF>", near: ".""##),
        ("a[:s]", r##"Syntax error; token: ":s", near: "[:s]""##),
        (":s", r##"Syntax error; token: ":s", near: ":s""##),
        ("pk, timestamp", "Attribute name is a reserved keyword; reserved keyword: timestamp"),
        ("#x", "An expression attribute name used in the document path is not defined; attribute name: #x"),
        (
            "a, #a",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            "a.b, a[0]",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]",
        ),
    ];
    for (projection, why) in cases {
        let found = text(Projection::parse(projection, &mut usual()));
        assert_eq!(found, format!("Invalid ProjectionExpression: {why}"), "{projection}");
    }
}

#[test]
fn projections_take_parts() {
    let whole = item(json!({
        "a": {"S": "x"}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"M": {"k": {"N": "2"}, "j": {"N": "3"}}}]},
        "m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"N": "2"}}}}}, "x.y": {"S": "dotted"},
    }));
    let cases = [
        ("a, absent", json!({"a": {"S": "x"}})),
        ("l[2].k, l[0], l[9]", json!({"l": {"L": [{"N": "0"}, {"M": {"k": {"N": "2"}}}]}})),
        ("m.y.z, m.x", json!({"m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"N": "2"}}}}}})),
        ("m.absent, a.b, l.x", json!({})),
        ("m[0]", json!({})),
        ("#dot", json!({"x.y": {"S": "dotted"}})),
    ];
    for (projection, part) in cases {
        let read = Projection::parse(projection, &mut usual()).unwrap();
        assert_eq!(read.of(&whole), item(part), "{projection}");
    }
}
