use super::{text, usual};
use crate::expression::{Comparator, KeyCondition, KeyTest};

#[test]
fn wrong_conditions_on_keys_say_why() {
    let cases = [
        ("", "The expression can not be empty;"),
        ("a-b", r##"Syntax error; token: "-", near: "a-b""##),
        ("a = :s OR b = :s", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT a = :s", "Invalid operator used in KeyConditionExpression: NOT"),
        ("a IN (:s)", "Invalid operator used in KeyConditionExpression: IN"),
        ("a <> :s", "Invalid operator used in KeyConditionExpression: <>"),
        ("contains(a, :s)", "Invalid operator used in KeyConditionExpression: contains"),
        ("attribute_exists(a)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("size(a) = :n", "Invalid operator used in KeyConditionExpression: size"),
        ("a = :s AND b > :n AND b < :m", "KeyConditionExpressions must only contain one condition per key"),
        ("a.b = :s", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("a = b", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
        (":s = :t", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        (
            ":n BETWEEN a AND :m",
            "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
        ),
        (
            "begins_with(a, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        ("name = :s", "Attribute name is a reserved keyword; reserved keyword: name"),
    ];
    for (condition, why) in cases {
        let found = text(KeyCondition::parse(condition, &mut usual()));
        // What is wrong with it as a condition on keys is said without the beginning that all expressions have.
        let is_of_keys = why.contains("KeyConditionExpression");
        let beginning = if is_of_keys { "" } else { "Invalid KeyConditionExpression: " };
        assert_eq!(found, format!("{beginning}{why}"), "{condition}");
    }
}

#[test]
fn keys_are_found_in_any_order() {
    for condition in ["a = :s AND b > :n", "(b > :n) AND (#a = :s)", "(:s = a and :n < b)"] {
        let read = KeyCondition::parse(condition, &mut usual()).unwrap();
        assert_eq!(read.check(["a"].into_iter(), ["b"].into_iter()), Ok(()), "{condition}");
        assert_eq!(read.value("a"), Some(&"abc".into()), "{condition}");
        assert_eq!(read.test("b"), Some(&KeyTest::Compare(Comparator::Greater, 1.into())), "{condition}");
    }
    let read = KeyCondition::parse("begins_with(b, :t) AND a = :s", &mut usual()).unwrap();
    assert_eq!(read.test("b"), Some(&KeyTest::BeginsWith("b".into())));
    let read = KeyCondition::parse("a = :s AND b BETWEEN :n AND :m", &mut usual()).unwrap();
    let test = read.test("b").unwrap();
    assert_eq!(*test, KeyTest::Between(1.into(), 5.into()));
    assert_eq!(test.values().collect::<Vec<_>>(), [&1.into(), &5.into()]);
    assert!(test.holds(&5.into()) && !test.holds(&6.into()) && !test.holds(&"b".into()));
    assert!(KeyTest::BeginsWith("b".into()).holds(&"bc".into()));
}

#[test]
fn keys_must_be_the_tables() {
    let found = |condition: &str, hash: &[&str], range: &[&str]| {
        let read = KeyCondition::parse(condition, &mut usual()).unwrap();
        text(read.check(hash.iter().copied(), range.iter().copied()))
    };
    let fine = "no error: ()";
    let unsupported = "Query key condition not supported";
    let missed = |name: &str| format!("Query condition missed key schema element: {name}");
    assert_eq!(found("b = :s", &["a"], &["b"]), missed("a"));
    assert_eq!(found("a = :s AND c = :s", &["a"], &["b"]), missed("b"));
    assert_eq!(found("a > :s", &["a"], &["b"]), unsupported);
    assert_eq!(found("a = :s AND b = :s", &["a"], &[]), unsupported);
    assert_eq!(found("a = :s AND b = :s AND c = :s", &["a"], &["b"]), unsupported);
    assert_eq!(found("a = :s", &["a"], &[]), fine);
    // Every hash key has one value.
    let hashes: &[&str] = &["a", "b"];
    assert_eq!(found("b = :s AND a = :s", hashes, &[]), fine);
    assert_eq!(found("a = :s", hashes, &["r"]), missed("b"));
    assert_eq!(found("a = :s AND r = :s", hashes, &["r"]), missed("b"));
    assert_eq!(found("a = :s AND b > :s", hashes, &[]), unsupported);
    // Range keys are asked for from the first one on, and only the last may have several values.
    let ranges: &[&str] = &["r", "t", "u"];
    for fitting in ["r = :s", "r > :s", "t > :s AND r = :s", "r = :s AND t = :s AND begins_with(u, :s)"] {
        assert_eq!(found(&format!("{fitting} AND a = :s"), &["a"], ranges), fine, "{fitting}");
    }
    for wrong in
        ["t = :s", "r = :s AND u = :s", "r > :s AND t = :s", "begins_with(r, :s) AND t = :s", "r < :s AND t < :s"]
    {
        assert_eq!(found(&format!("a = :s AND {wrong}"), &["a"], ranges), unsupported, "{wrong}");
    }
    assert_eq!(found("a = :s AND c = :s", &["a"], ranges), missed("r"));
    assert_eq!(found("a = :s AND r = :s AND c = :s", &["a"], ranges), missed("t"));
}
