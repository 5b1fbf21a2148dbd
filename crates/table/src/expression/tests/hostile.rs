//! Texts that nobody writes: reading them must cost little and never fail badly.

use super::{item, usual};
use crate::expression::{Condition, ExpressionError, KeyCondition, Kind, Projection, Update};
use serde_json::json;

fn read_as_anything(text: &str) {
    let item = item(json!({"a": {"N": "1"}, "b": {"L": [{"S": "x"}]}, "c": {"M": {"a": {"SS": ["x"]}}}}));
    if let Ok(condition) = Condition::parse(Kind::Filter, text, &mut usual()) {
        condition.holds(&item);
    }
    if let Ok(update) = Update::parse(text, &mut usual()) {
        let _ = update.apply(&item);
    }
    if let Ok(projection) = Projection::parse(text, &mut usual()) {
        projection.of(&item);
    }
    let _ = KeyCondition::parse(text, &mut usual());
}

#[test]
fn depth_costs_no_stack() {
    let units =
        ["(", "NOT ", "size(", "contains(a,", "a.", "a[", "a=:s AND ", "a=:s OR(", "NOT(", "a BETWEEN ", "a IN("];
    for unit in units.into_iter().chain(["((a)", "a[\"]"]) {
        let repeated = unit.repeat(4096 / unit.len());
        read_as_anything(&repeated);
        read_as_anything(&format!("{}a=:s", &repeated[..4000]));
    }
    for unit in ["(", "if_not_exists(a,", "list_append(", "a+", "(a+(", "SET a=", "a=(", "a=if_not_exists(a,("] {
        read_as_anything(&format!("SET a={}", unit.repeat(4000 / unit.len())));
    }
    let parentheses = |count: usize| format!("{}a=:s{}", "(".repeat(count), ")".repeat(count));
    read_as_anything(&parentheses(2040));
    let nested = (0..290).fold("a=:s".to_owned(), |inner, _| format!("(NOT {inner})"));
    assert!(Condition::parse(Kind::Filter, &nested, &mut usual()).is_ok());
    let nested = (0..200).fold(":n".to_owned(), |inner, _| format!("if_not_exists(a,{inner})"));
    assert!(Update::parse(&format!("SET z={nested}"), &mut usual()).is_ok());
}

/// A small generator, so that a failure repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn any_text_is_read_or_refused() {
    let tokens = "a b c.a b[0] #a :n :s :ss :l = <> < >= + - ( ) ( ) , . [ ] 0 AND OR NOT BETWEEN IN SET REMOVE ADD DELETE size( contains( \
                  begins_with( attribute_type( attribute_exists( if_not_exists( list_append( name \u{1f600} ' \0";
    let tokens: Vec<&str> = tokens.split_whitespace().collect();
    let mut random = Random(11);
    for _ in 0..6_000 {
        let count = random.below(14);
        let text: Vec<&str> = (0..count).map(|_| tokens[random.below(tokens.len())]).collect();
        read_as_anything(&text.join(" "));
    }
    for _ in 0..2_000 {
        let count = random.below(40);
        let bytes: Vec<u8> = (0..count).map(|_| random.below(256) as u8).collect();
        read_as_anything(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn copies_of_a_large_attribute_are_not_made_once_they_cannot_be_an_item() {
    let large = item(json!({"b": {"S": "x".repeat(300_000)}}));
    let copies: Vec<String> = (0..200).map(|number| format!("a{number}=b")).collect();
    // What comes behind them is not looked at any more.
    let update = Update::parse(&format!("SET {},z=b+:n", copies.join(",")), &mut usual()).unwrap();
    assert_eq!(update.apply(&large), Err(ExpressionError::ItemTooLarge));
}
