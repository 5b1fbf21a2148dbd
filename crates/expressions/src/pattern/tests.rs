use super::*;
use serde_json::json;

fn matches(pattern: Value, event: Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap().matches(&event)
}

#[test]
fn values_match_by_their_kind() {
    let cases = [
        (json!(["x"]), json!("x"), true),
        (json!(["x"]), json!("X"), false),
        (json!([null]), json!(null), true),
        (json!([true]), json!(true), true),
        (json!([true]), json!("true"), false),
        (json!([300]), json!(300.0), true),
        (json!([300]), json!("300"), false),
        (json!(["a", "b"]), json!(["c", "b"]), true),
        (json!([{"prefix": "ab"}]), json!("abc"), true),
        (json!([{"prefix": {"equals-ignore-case": "AB"}}]), json!("abc"), true),
        (json!([{"suffix": ".png"}]), json!("x.png"), true),
        (json!([{"suffix": {"equals-ignore-case": ".PNG"}}]), json!("x.png"), true),
        (json!([{"equals-ignore-case": "Ab"}]), json!("aB"), true),
        (json!([{"anything-but": "x"}]), json!("x"), false),
        (json!([{"anything-but": "x"}]), json!(null), true),
        (json!([{"anything-but": ["x", "y"]}]), json!(["x", "z"]), true),
        (json!([{"anything-but": [1, 2]}]), json!(2.0), false),
        (json!([{"anything-but": {"prefix": ["a", "b"]}}]), json!("bc"), false),
        (json!([{"anything-but": {"wildcard": "*/x/*"}}]), json!("a/y/b"), true),
        (json!([{"anything-but": {"equals-ignore-case": ["A", "b"]}}]), json!("B"), false),
        (json!([{"numeric": [">", 0, "<=", 5]}]), json!(5), true),
        (json!([{"numeric": [">", 0, "<=", 5]}]), json!(0), false),
        (json!([{"numeric": ["=", 0.1]}]), json!(1e-1), true),
        (json!([{"numeric": ["<", 9007199254740993_i64]}]), json!(9007199254740992_i64), true),
        (json!([{"cidr": "10.0.0.0/24"}]), json!("10.0.0.255"), true),
        (json!([{"cidr": "10.0.0.0/24"}]), json!("10.0.1.0"), false),
        (json!([{"cidr": "2001:db8::/32"}]), json!("2001:db8:1::1"), true),
        (json!([{"exists": true}]), json!(null), true),
        (json!([{"exists": false}]), json!(1), false),
        (json!([{"exists": false}]), json!([]), true),
        (json!([{"exists": true}]), json!({"b": 1}), false),
        (json!([{"wildcard": "a*c*e"}]), json!("abcde"), true),
        (json!([{"wildcard": "a*a"}]), json!("a"), false),
        (json!([{"wildcard": "a\\*"}]), json!("a*"), true),
        (json!([{"wildcard": "a\\*"}]), json!("ab"), false),
    ];
    for (pattern, value, expected) in cases {
        assert_eq!(matches(json!({"a": pattern}), json!({"a": value})), expected, "{pattern} {value}");
    }
}

#[test]
fn what_is_not_there_matches_only_absence() {
    assert!(matches(json!({"a": {"b": [{"exists": false}]}}), json!({})));
    assert!(!matches(json!({"a": [{"anything-but": "x"}]}), json!({})));
    assert!(matches(json!({"a": ["x", {"exists": false}]}), json!({})));
}

#[test]
fn one_element_of_an_array_satisfies_all_that_is_below_it() {
    let pattern = json!({"a": {"b": [1], "c": [2]}});
    assert!(matches(pattern.clone(), json!({"a": [{"b": 1, "c": 2}, {"b": 3}]})));
    assert!(!matches(pattern, json!({"a": [{"b": 1}, {"c": 2}]})));
}

#[test]
fn one_of_the_alternatives_matches() {
    let pattern = json!({"s": ["x"], "$or": [{"a": [1]}, {"b": {"$or": [{"c": [2]}, {"d": [3]}]}}]});
    assert!(matches(pattern.clone(), json!({"s": "x", "a": 1})));
    assert!(matches(pattern.clone(), json!({"s": "x", "b": {"d": 3}})));
    assert!(!matches(pattern.clone(), json!({"s": "x", "b": {"d": 4}})));
    assert!(!matches(pattern, json!({"s": "y", "a": 1})));
}

#[test]
fn bad_patterns_say_why() {
    let cases = [
        ("[]", "Filter is not an object"),
        ("", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a": "x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a": []}"#, "Empty arrays are not allowed"),
        (r#"{"a": [["x"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a": [{"like": "x"}]}"#, "Unrecognized match type like"),
        (r#"{"a": [{"numeric": ["<", "x"]}]}"#, "Value of < must be numeric"),
        (r#"{"a": [{"numeric": [">", 5, "<", 3]}]}"#, "Bottom must be less than top"),
        (r#"{"a": [{"exists": "x"}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a": [{"wildcard": "a**b"}]}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"$or": [{"a": [1]}]}"#, "There must have at least 2 Objects in $or relationship."),
    ];
    for (text, reason) in cases {
        assert_eq!(
            Pattern::parse(text).unwrap_err().to_string(),
            format!("Event pattern is not valid. Reason: {reason}")
        );
    }
}

#[test]
fn a_hostile_wildcard_costs_no_more_than_a_walk_over_the_text() {
    let pattern = json!({"a": [{"wildcard": "*a".repeat(2000) + "*b"}]});
    assert!(!matches(pattern, json!({"a": "a".repeat(200_000)})));
}

#[test]
fn the_texts_of_a_field_are_known_where_it_lists_nothing_else() {
    let parse = |value: Value| Pattern::parse(&value.to_string()).unwrap();
    assert_eq!(parse(json!({"source": ["a", "b"]})).texts_of("source"), Some(vec!["a", "b"]));
    assert_eq!(parse(json!({"source": ["a", {"prefix": "b"}]})).texts_of("source"), None);
    assert_eq!(parse(json!({"detail": {"x": [1]}})).texts_of("source"), None);
}
