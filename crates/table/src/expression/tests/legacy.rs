use super::{item, text};
use crate::expression::legacy::{
    AttributeUpdate, Expectation, check_length, check_unmixed, condition, expected, key_condition, projection, update,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn expectations(json: Json) -> BTreeMap<String, Expectation> {
    serde_json::from_value(json).unwrap()
}

fn updates(json: Json) -> BTreeMap<String, AttributeUpdate> {
    serde_json::from_value(json).unwrap()
}

fn compared(operator: &str, values: Json) -> Json {
    json!({"a": {"ComparisonOperator": operator, "AttributeValueList": values}})
}

#[test]
fn expectations_are_conditions() {
    let whole = item(json!({"a": {"S": "abc"}, "n": {"N": "3"}, "ss": {"SS": ["x"]}}));
    let cases = [
        (json!({"a": {"Value": {"S": "abc"}}}), true),
        (json!({"a": {"Value": {"S": "x"}, "Exists": true}}), false),
        (json!({"a": {"Exists": false}}), false),
        (json!({"b": {"Exists": false}}), true),
        (compared("NOT_NULL", json!([])), true),
        (compared("NULL", json!([])), false),
        (compared("EQ", json!([{"S": "abc"}])), true),
        (compared("NE", json!([{"S": "abc"}])), false),
        (compared("LT", json!([{"S": "b"}])), true),
        (compared("GE", json!([{"N": "1"}])), false),
        (compared("IN", json!([{"S": "x"}, {"S": "y"}, {"S": "z"}, {"S": "abc"}])), true),
        (compared("BETWEEN", json!([{"S": "a"}, {"S": "b"}])), true),
        (compared("BEGINS_WITH", json!([{"S": "ab"}])), true),
        (compared("CONTAINS", json!([{"S": "c"}])), true),
        (compared("NOT_CONTAINS", json!([{"S": "c"}])), false),
        (json!({"b": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "c"}]}}), false),
        (json!({"ss": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "x"}]}}), true),
        (json!({"a": {"Value": {"S": "abc"}}, "n": {"Value": {"N": "4"}}}), false),
    ];
    for (expected, holds) in cases {
        let read = condition(Some(expectations(expected.clone())), None).unwrap().unwrap();
        assert_eq!(read.holds(&whole), holds, "{expected}");
    }
    let either = expectations(json!({"a": {"Value": {"S": "abc"}}, "n": {"Value": {"N": "4"}}}));
    assert!(condition(Some(either), Some("OR")).unwrap().unwrap().holds(&whole));
    assert_eq!(condition(None, None), Ok(None));
}

#[test]
fn wrong_expectations_say_why() {
    let invalid = |why: &str| format!("One or more parameter values were invalid: {why}");
    let of_a = |why: &str| invalid(&format!("{why} for Attribute: a"));
    let cases = [
        (json!({"a": {}}), of_a("Value must be provided when Exists is null")),
        (json!({"a": {"Exists": true}}), of_a("Value must be provided when Exists is set to true")),
        (json!({"a": {"Exists": false, "Value": {"S": ""}}}), of_a("Value cannot be used when Exists is set to false")),
        (
            json!({"a": {"AttributeValueList": []}}),
            of_a("AttributeValueList can only be used with a ComparisonOperator"),
        ),
        (
            json!({"a": {"Exists": true, "ComparisonOperator": "NULL"}}),
            of_a("Exists and ComparisonOperator cannot be used together"),
        ),
        (compared("EQ", json!([])), invalid("Invalid number of argument(s) for the EQ ComparisonOperator")),
        (
            compared("NULL", json!([{"S": ""}])),
            invalid("Invalid number of argument(s) for the NULL ComparisonOperator"),
        ),
        (compared("IN", json!([])), invalid("Invalid number of argument(s) for the IN ComparisonOperator")),
        (
            compared("BETWEEN", json!([{"S": ""}])),
            invalid("Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        ),
        (
            compared("LT", json!([{"BOOL": true}])),
            invalid("ComparisonOperator LT is not valid for BOOL AttributeValue type"),
        ),
        (
            compared("BEGINS_WITH", json!([{"N": "1"}])),
            invalid("ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
        ),
        (
            compared("BETWEEN", json!([{"S": "b"}, {"S": "a"}])),
            invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
        ),
        (compared("EQ", json!([{"N": "x"}])), "The parameter cannot be converted to a numeric value: x".into()),
    ];
    for (expected, why) in cases {
        assert_eq!(text(condition(Some(expectations(expected.clone())), None)), why, "{expected}");
    }
    let one = Some(expectations(compared("NOT_NULL", json!([]))));
    assert_eq!(text(condition(None, Some("AND"))), "ConditionalOperator cannot be used without Filter or Expected");
    let two = "ConditionalOperator can only be used when Filter or Expected has two or more elements";
    assert_eq!(text(condition(one, Some("AND"))), two);
}

#[test]
fn what_is_expected_is_compared_with_something() {
    let found = |json: Json| expected(Some(expectations(json)), None);
    let why = "One or more parameter values were invalid: Value or AttributeValueList must be used with ComparisonOperator: EQ for \
               Attribute: a";
    assert_eq!(text(found(json!({"a": {"ComparisonOperator": "EQ"}}))), why);
    assert!(found(json!({"a": {"ComparisonOperator": "EQ", "Value": {"S": "x"}}})).is_ok());
    assert!(found(json!({"a": {"ComparisonOperator": "NOT_NULL"}})).is_ok());
}

#[test]
fn conditions_on_keys_are_read() {
    let read = key_condition(expectations(compared("EQ", json!([{"S": "x"}])))).unwrap();
    assert_eq!(read.value("a"), Some(&"x".into()));
    let found = |json: Json| text(key_condition(expectations(json)));
    assert_eq!(found(json!({})), "Conditions can be of length 1 or 2 only");
    let length = |length, keys| text(check_length(length, keys));
    assert_eq!((length(2, 1).as_str(), length(4, 4).as_str()), ("no error: ()", "no error: ()"));
    assert_eq!((length(3, 2), length(5, 4)), (found(json!({})), found(json!({}))));
    let not_indexable = "Attempted conditional constraint is not an indexable operation";
    assert_eq!(found(compared("NE", json!([{"S": "x"}]))), not_indexable);
    assert_eq!(found(compared("CONTAINS", json!([{"S": "x"}]))), not_indexable);
}

#[test]
fn attribute_updates_are_updates() {
    let before = item(json!({"n": {"N": "1"}, "ss": {"SS": ["a", "b"]}, "s": {"S": "x"}, "l": {"L": []}}));
    let changes = json!({
        "n": {"Action": "ADD", "Value": {"N": "2"}}, "ss": {"Action": "DELETE", "Value": {"SS": ["a"]}}, "s": {"Action": "DELETE"},
        "new": {"Value": {"S": "y"}}, "l": {"Action": "ADD", "Value": {"L": [{"S": "z"}]}},
    });
    let after = item(json!({"n": {"N": "3"}, "ss": {"SS": ["b"]}, "new": {"S": "y"}, "l": {"L": [{"S": "z"}]}}));
    assert_eq!(update(updates(changes)).unwrap().apply(&before).unwrap().item, after);
    let mismatch = update(updates(json!({"s": {"Action": "ADD", "Value": {"N": "2"}}}))).unwrap();
    assert_eq!(text(mismatch.apply(&before)), "Type mismatch for attribute to update");
    let wrong = |json: Json| text(update(updates(json)));
    let invalid = |why: &str| format!("One or more parameter values were invalid: {why}");
    assert_eq!(wrong(json!({"a": {}})), invalid("Only DELETE action is allowed when no attribute value is specified"));
    assert_eq!(
        wrong(json!({"a": {"Action": "ADD", "Value": {"S": ""}}})),
        invalid("ADD action is not supported for the type S")
    );
    let delete = json!({"a": {"Action": "DELETE", "Value": {"S": ""}}});
    assert_eq!(wrong(delete), invalid("DELETE action with value is not supported for the type S"));
}

#[test]
fn other_parameters_are_checked() {
    let twice = text(projection(vec!["a".into(), "b".into(), "a".into()]));
    assert_eq!(twice, "One or more parameter values were invalid: Duplicate value in attribute name: a");
    let mixed = check_unmixed(&[("Expected", true), ("ConditionalOperator", false)], &[("ConditionExpression", true)]);
    let why = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} \
               Expression parameters: {ConditionExpression}";
    assert_eq!(text(mixed), why);
}
