//! Tables of cases: a text and its error, or a text, an item and what comes of them.

mod conditions;
mod hostile;
mod keys;
mod legacy;
mod projections;
mod updates;

use super::{ExpressionError, Substitutions};
use crate::value::{Item, item_from_wire};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn item(json: Json) -> Item {
    item_from_wire(serde_json::from_value(json).unwrap()).unwrap()
}

fn substitutions(names: &[(&str, &str)], values: Json) -> Substitutions {
    let names: BTreeMap<String, String> = names.iter().map(|(key, name)| ((*key).into(), (*name).into())).collect();
    let values = serde_json::from_value(values).unwrap();
    Substitutions::new((!names.is_empty()).then_some(names), Some(values)).unwrap()
}

/// Names and values that the cases use.
fn usual() -> Substitutions {
    let values = json!({
        ":s": {"S": "abc"}, ":t": {"S": "b"}, ":n": {"N": "1"}, ":m": {"N": "5"}, ":bool": {"BOOL": true},
        ":null": {"NULL": true}, ":l": {"L": [{"N": "9"}]}, ":map": {"M": {"x": {"N": "1"}}},
        ":ss": {"SS": ["a", "b"]}, ":ns": {"NS": ["1", "2"]}, ":type": {"S": "S"}, ":foo": {"S": "FOO"},
    });
    substitutions(&[("#a", "a"), ("#name", "name"), ("#dot", "x.y")], values)
}

fn text<T: std::fmt::Debug>(result: Result<T, ExpressionError>) -> String {
    result.map_or_else(|error| error.to_string(), |made| format!("no error: {made:?}"))
}

#[test]
fn placeholders_are_checked() {
    let new = |names: Option<&[(&str, &str)]>, values: Option<Json>| {
        let names = names.map(|names| names.iter().map(|(key, name)| ((*key).into(), (*name).into())).collect());
        text(Substitutions::new(names, values.map(|values| serde_json::from_value(values).unwrap())))
    };
    assert_eq!(new(Some(&[]), None), "ExpressionAttributeNames must not be empty");
    assert_eq!(new(None, Some(json!({}))), "ExpressionAttributeValues must not be empty");
    let invalid = "contains invalid key: Syntax error; key:";
    for key in ["a", "#", "#a-b", ":a", "##", ""] {
        assert_eq!(new(Some(&[(key, "a")]), None), format!("ExpressionAttributeNames {invalid} \"{key}\""));
    }
    for key in ["a", ":", ":a b", "#a"] {
        assert_eq!(new(None, Some(json!({key: {"S": ""}}))), format!("ExpressionAttributeValues {invalid} \"{key}\""));
    }
    let wrong = [
        (json!({}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (json!({"N": "x"}), "The parameter cannot be converted to a numeric value: x"),
        (json!({"SS": []}), "One or more parameter values were invalid: An string set  may not be empty"),
    ];
    for (value, why) in wrong {
        let expected = format!("ExpressionAttributeValues contains invalid value: {why} for key :v");
        assert_eq!(new(None, Some(json!({":v": value}))), expected);
    }
}

#[test]
fn what_is_not_used_is_told() {
    let mut all = substitutions(&[("#a", "a"), ("#b", "b")], json!({":c": {"S": ""}, ":d": {"S": ""}}));
    let unused =
        |parameter: &str, keys: &str| format!("Value provided in {parameter} unused in expressions: keys: {{{keys}}}");
    assert_eq!(text(all.check_used()), unused("ExpressionAttributeNames", "#a, #b"));
    super::Projection::parse("#a, #b", &mut all).unwrap();
    assert_eq!(text(all.check_used()), unused("ExpressionAttributeValues", ":c, :d"));
    super::Condition::parse(super::Kind::Filter, "#a = :d", &mut all).unwrap();
    assert_eq!(text(all.check_used()), unused("ExpressionAttributeValues", ":c"));
    super::Update::parse("SET x = :c", &mut all).unwrap();
    assert_eq!(all.check_used(), Ok(()));
}
