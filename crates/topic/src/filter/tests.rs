use super::*;

fn text(kind: &str, value: &str) -> MessageAttribute {
    MessageAttribute { data_type: kind.into(), value: AttributeValue::Text(value.into()) }
}

fn attributes(policy: &str, attributes: &[(&str, &str, &str)]) -> bool {
    let attributes = attributes.iter().map(|(name, kind, value)| ((*name).to_owned(), text(kind, value))).collect();
    FilterPolicy::parse(policy, Scope::Attributes).unwrap().accepts(&attributes, "")
}

fn body(policy: &str, body: &str) -> bool {
    FilterPolicy::parse(policy, Scope::Body).unwrap().accepts(&BTreeMap::new(), body)
}

#[test]
fn patterns_match_attributes() {
    let cases = [
        (r#"{"a": ["x"]}"#, "String", "x", true),
        (r#"{"a": ["x"]}"#, "String", "X", false),
        (r#"{"a": ["x", "y"]}"#, "String", "y", true),
        (r#"{"a": [1]}"#, "Number", "1.0", true),
        (r#"{"a": [1]}"#, "String", "1", false),
        (r#"{"a": ["1"]}"#, "Number", "1", false),
        (r#"{"a": [{"prefix": "ab"}]}"#, "String", "abc", true),
        (r#"{"a": [{"prefix": "ab"}]}"#, "String", "bab", false),
        (r#"{"a": [{"prefix": {"equals-ignore-case": "AB"}}]}"#, "String", "abc", true),
        (r#"{"a": [{"suffix": "bc"}]}"#, "String", "abc", true),
        (r#"{"a": [{"equals-ignore-case": "AbC"}]}"#, "String", "aBc", true),
        (r#"{"a": [{"wildcard": "a*c"}]}"#, "String", "abbc", true),
        (r#"{"a": [{"wildcard": "*.png"}]}"#, "String", "a.png.txt", false),
        (r#"{"a": [{"wildcard": "a\\*c"}]}"#, "String", "abc", false),
        (r#"{"a": [{"wildcard": "a\\*c"}]}"#, "String", "a*c", true),
        (r#"{"a": [{"anything-but": "x"}]}"#, "String", "y", true),
        (r#"{"a": [{"anything-but": ["x", "y"]}]}"#, "String", "y", false),
        (r#"{"a": [{"anything-but": [1, 2]}]}"#, "Number", "3", true),
        (r#"{"a": [{"anything-but": {"prefix": "x"}}]}"#, "String", "xy", false),
        (r#"{"a": [{"anything-but": {"suffix": ["x", "y"]}}]}"#, "String", "az", true),
        (r#"{"a": [{"anything-but": {"wildcard": "x*z"}}]}"#, "String", "xyz", false),
        (r#"{"a": [{"numeric": ["=", 5]}]}"#, "Number", "5.0", true),
        (r#"{"a": [{"numeric": [">", 0, "<=", 5]}]}"#, "Number", "5", true),
        (r#"{"a": [{"numeric": [">", 0, "<=", 5]}]}"#, "Number", "0", false),
        (r#"{"a": [{"numeric": ["<", 5]}]}"#, "String", "4", false),
        (r#"{"a": [{"exists": true}]}"#, "String", "x", true),
        (r#"{"a": [{"exists": false}]}"#, "String", "x", false),
        (r#"{"b": [{"exists": false}]}"#, "String", "x", true),
        (r#"{"a": [{"cidr": "10.0.0.0/24"}]}"#, "String", "10.0.0.255", true),
        (r#"{"a": [{"cidr": "10.0.0.0/24"}]}"#, "String", "10.0.1.0", false),
        (r#"{"a": [{"cidr": "0.0.0.0/0"}]}"#, "String", "1.2.3.4", true),
        (r#"{"a": ["x"]}"#, "String.Array", r#"["y", "x"]"#, true),
        (r#"{"a": [true]}"#, "String.Array", "[true]", true),
        (r#"{"a": [null]}"#, "String.Array", "[null]", true),
        (r#"{"a": ["x"], "b": ["y"]}"#, "String", "x", false),
        (r#"{"$or": [{"a": ["x"]}, {"b": ["y"]}]}"#, "String", "x", true),
        (r#"{"$or": [{"a": ["z"]}, {"b": ["y"]}]}"#, "String", "x", false),
        ("{}", "String", "x", true),
    ];
    for (policy, kind, value, expected) in cases {
        assert_eq!(attributes(policy, &[("a", kind, value)]), expected, "{policy} {kind} {value}");
    }
    assert!(!attributes(r#"{"a": [{"exists": false}]}"#, &[]));
    assert!(!attributes(r#"{"a": [{"anything-but": "x"}]}"#, &[("b", "String", "y")]));
}

#[test]
fn patterns_match_bodies() {
    let cases = [
        (r#"{"a": ["x"]}"#, r#"{"a": "x"}"#, true),
        (r#"{"a": ["x"]}"#, r#"{"a": ["y", "x"]}"#, true),
        (r#"{"a": [null]}"#, r#"{"a": null}"#, true),
        (r#"{"a": [true]}"#, r#"{"a": true}"#, true),
        (r#"{"a": {"b": [{"numeric": [">", 3]}]}}"#, r#"{"a": {"b": 4}}"#, true),
        (r#"{"a": {"b": [1], "c": [2]}}"#, r#"{"a": [{"b": 1, "c": 3}, {"b": 2, "c": 2}]}"#, false),
        (r#"{"a": {"b": [1], "c": [2]}}"#, r#"{"a": [{"b": 1, "c": 3}, {"b": 1, "c": 2}]}"#, true),
        (r#"{"a": {"b": [{"exists": false}]}}"#, r#"{"a": {"c": 1}}"#, true),
        (r#"{"a": {"b": [{"exists": true}]}}"#, r#"{"c": 1}"#, false),
        (r#"{"a": ["x"], "$or": [{"b": [1]}, {"c": {"d": [2]}}]}"#, r#"{"a": "x", "c": {"d": 2}}"#, true),
        (r#"{"a": ["x"], "$or": [{"b": [1]}, {"c": [2]}]}"#, r#"{"a": "x", "c": 3}"#, false),
        (r#"{"a": ["x"]}"#, "no JSON", false),
        (r#"{"a": ["x"]}"#, "[1]", false),
    ];
    for (policy, message, expected) in cases {
        assert_eq!(body(policy, message), expected, "{policy} {message}");
    }
}

#[test]
fn what_is_no_policy_is_refused() {
    let cases = [
        ("x", "failed to parse JSON"),
        ("[]", "Filter is not an object"),
        (r#"{"a": "x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a": []}"#, "Empty arrays are not allowed"),
        (r#"{"a": [["x"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a": [{"begins": "x"}]}"#, "Unrecognized match type begins"),
        (r#"{"a": [{"prefix": 1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a": [{"exists": "x"}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a": [{"numeric": 1}]}"#, "Value of numeric must be an array."),
        (r#"{"a": [{"numeric": ["<", "x"]}]}"#, "Value of < must be numeric"),
        (r#"{"a": [{"numeric": ["<>", 1]}]}"#, "Unrecognized numeric range operator: <>"),
        (r#"{"a": [{"numeric": ["<", 1, ">", 2]}]}"#, "Bad numeric range operator: >"),
        (r#"{"a": [{"numeric": [">", 2, "<", 1]}]}"#, "Bottom must be less than top"),
        (r#"{"a": [{"numeric": [">", 2000000000]}]}"#, "between -1.0E9 and 1.0E9"),
        (r#"{"a": [{"cidr": "10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a": [{"wildcard": "a**b"}]}"#, "Consecutive wildcard characters"),
        (r#"{"a": [{"anything-but": ["x", 1]}]}"#, "mixed type is not supported"),
        (r#"{"a": [{"anything-but": {"exists": true}}]}"#, "Unsupported anything-but pattern: exists"),
        (r#"{"a": {"b": ["x"]}}"#, "does not support nested filter policy"),
        (r#"{"a": [1], "b": [1], "c": [1], "d": [1], "e": [1], "f": [1]}"#, "can not have more than 5 keys"),
    ];
    for (policy, expected) in cases {
        let error = FilterPolicy::parse(policy, Scope::Attributes).unwrap_err();
        assert!(error.contains(expected), "{policy}: {error}");
    }
    let many = |count: u32| serde_json::to_string(&(0..count).collect::<Vec<_>>()).unwrap();
    let policy = |one: u32, other: u32| format!(r#"{{"a": {}, "b": {}}}"#, many(one), many(other));
    assert!(FilterPolicy::parse(&policy(15, 10), Scope::Attributes).is_ok());
    let error = FilterPolicy::parse(&policy(16, 10), Scope::Attributes).unwrap_err();
    assert_eq!(error, "Filter policy is too complex");
    let nested = r#"{"key_a": {"key_b": {"key_c": [1, 2, 3, 4]}}, "key_d": {"key_e": [1, 2, 3]}, "key_f": [1, 2, 3]}"#;
    assert!(FilterPolicy::parse(nested, Scope::Body).is_err(), "4 x 3 by 3 x 2 by 3 is 216");
}

#[test]
fn a_policy_too_complex_to_count_is_refused() {
    let many = serde_json::json!(vec![1; 20_000]);
    let mut deep = serde_json::json!({"a": many, "b": many, "c": many, "d": many});
    for _ in 0..25 {
        deep = serde_json::json!({"x": deep});
    }
    let text = serde_json::json!({"$or": [deep, {"e": [1]}]}).to_string();
    assert_eq!(FilterPolicy::parse(&text, Scope::Body), Err("Filter policy is too complex".into()));
}
