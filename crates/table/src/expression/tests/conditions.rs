use super::{item, text, usual};
use crate::expression::{Condition, Kind};
use crate::value::AttributeValue;
use serde_json::json;

#[test]
fn wrong_conditions_say_why() {
    let cases = [
        ("", "The expression can not be empty;"),
        (" \n", "The expression can not be empty;"),
        ("a-b", r##"Syntax error; token: "-", near: "a-b""##),
        ("a", r##"Syntax error; token: "<EOF>", near: "a""##),
        ("a =", r##"Syntax error; token: "<EOF>", near: "=""##),
        ("= :s", r##"Syntax error; token: "=", near: "= :s""##),
        ("a = = b", r##"Syntax error; token: "=", near: "= = b""##),
        ("a = :s AND", r##"Syntax error; token: "<EOF>", near: "AND""##),
        ("a AND b", r##"Syntax error; token: "AND", near: "a AND b""##),
        ("a = b = c", r##"Syntax error; token: "=", near: "b = c""##),
        ("(a = :s", r##"Syntax error; token: "<EOF>", near: ":s""##),
        ("a = :s)", r##"Syntax error; token: ")", near: ":s)""##),
        ("tenant:abc123-x", r##"Syntax error; token: ":abc123", near: "tenant:abc123-""##),
        ("#a attribute_exists :s", r##"Syntax error; token: "attribute_exists", near: "#a attribute_exists :s""##),
        ("contains()", r##"Syntax error; token: ")", near: "()""##),
        ("a = : b", r##"Syntax error; token: ":", near: "= : b""##),
        ("a IN ()", r##"Syntax error; token: ")", near: "()""##),
        ("a BETWEEN :n OR :m", r##"Syntax error; token: "OR", near: ":n OR :m""##),
        ("a[b] = :s", r##"Syntax error; token: "b", near: "[b]""##),
        ("a = 'x'", r##"Syntax error; token: "'", near: "= 'x""##),
        ("a = \u{e9}", "Syntax error; token: \"\u{e9}\", near: \"= \u{e9}\""),
        ("NOT (a)", r##"Syntax error; token: "<EOF>", near: ")""##),
        ("(NOT a) = :s", r##"Syntax error; token: ")", near: "a) =""##),
        ("((a = :s))", "The expression has redundant parentheses;"),
        ("a = ((:s))", "The expression has redundant parentheses;"),
        ("name = :s", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a.Name = :s", "Attribute name is a reserved keyword; reserved keyword: Name"),
        ("#b = :s", "An expression attribute name used in the document path is not defined; attribute name: #b"),
        ("a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
        ("a = :x AND", r##"Syntax error; token: "<EOF>", near: "AND""##),
        ("foo(a)", "Invalid function name; function: foo"),
        ("SIZE(a) = :n", "Invalid function name; function: SIZE"),
        ("if_not_exists(a, :s)", "The function is not allowed in a condition expression; function: if_not_exists"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "contains(a, :s) = :s",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        ("a = contains(a, :s)", "The function is not allowed to be used this way in an expression; function: contains"),
        (
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
        ),
        (
            "attribute_exists(:s)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        ("a < :bool", "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"),
        (
            "begins_with(a, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "size(:n) = :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "attribute_type(a, :n)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
        ),
        (
            "attribute_type(a, :foo)",
            "Invalid attribute type name found; type: FOO, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "a.b[1] = a.b[1]",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a, b, [1]]",
        ),
        (
            "contains(#a, a)",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [a]",
        ),
        (
            "a BETWEEN :m AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "a BETWEEN :n AND :s",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:abc}",
        ),
        ("a[99999999999] = :s", "List index is not within the allowable range; index: [99999999999]"),
    ];
    for (condition, why) in cases {
        let found = text(Condition::parse(Kind::Condition, condition, &mut usual()));
        assert_eq!(found, format!("Invalid ConditionExpression: {why}"), "{condition}");
    }
}

#[test]
fn limits_are_those_of_aws() {
    let found = |condition: &str| text(Condition::parse(Kind::Filter, condition, &mut usual()));
    let invalid = |why: &str| format!("Invalid FilterExpression: {why}");
    let long = format!("a = {}", "b".repeat(4093));
    assert_eq!(found(&long), invalid("Expression size has exceeded the maximum allowed size; expression size: 4097"));
    let values = vec![":s"; 101].join(",");
    let many = "The IN operator is provided with too many operands; number of operands: 101";
    assert_eq!(found(&format!("a IN ({values})")), invalid(many));
    let joined = |count: usize| vec!["a=:s"; count].join(" AND ");
    assert_eq!(found(&joined(151)), invalid("The expression contains too many operators; operator count: 301"));
    assert!(found(&joined(150)).starts_with("no error"));
    let deep = vec!["a"; 33].join(".");
    assert_eq!(
        found(&format!("{deep} = :s")),
        invalid("The document path has too many nesting elements; nesting levels: 33")
    );
}

#[test]
fn conditions_hold_or_not() {
    let item = item(json!({
        "a": {"S": "abc"}, "n": {"N": "3"}, "l": {"L": [{"S": "abc"}, {"N": "1.0"}]}, "m": {"M": {"x": {"N": "1"}, "x.y": {"N": "2"}}},
        "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["1.0", "2"]}, "name": {"BOOL": true}, "nothing": {"NULL": true}, "x.y": {"N": "7"},
        "emoji": {"S": "\u{1f600}"},
    }));
    let holding = [
        "a = :s",
        "NOT a <> :s",
        "a <> :n",
        "absent <> :s",
        "NOT absent = :s",
        "NOT absent < :s",
        "NOT absent >= :s",
        "n > :n AND n < :m",
        "n BETWEEN :n AND :m",
        ":n BETWEEN :n AND n",
        "NOT n BETWEEN :m AND absent",
        "a IN (:t, :s)",
        "NOT a IN (:t, :n)",
        "NOT n < :s",
        "NOT n > :s",
        "attribute_exists(m.x)",
        "attribute_not_exists(m.y)",
        "attribute_exists(l[1])",
        "attribute_not_exists(l[2])",
        "attribute_not_exists(a[0])",
        "attribute_not_exists(a.b)",
        "attribute_type(a, :type)",
        "NOT attribute_type(n, :type)",
        "begins_with(a, :s) OR a = :t",
        "begins_with(:s, a)",
        "NOT begins_with(n, :t)",
        "contains(a, :t)",
        "contains(ss, :t)",
        "contains(l, :n)",
        "contains(l, :s)",
        "contains(ns, :n)",
        "NOT contains(n, :n)",
        "NOT contains(ss, :n)",
        "contains(:ss, :t)",
        "size(a) = n",
        "size(l) > :n",
        "NOT size(n) = :n",
        "size(absent) <> :n",
        "size(emoji) > :n",
        "ss = :ss",
        "ns = :ns",
        "l <> :l",
        "m <> :map",
        "m.x = :n",
        "m.#dot <> :n",
        "#dot > :n",
        "#name = :bool",
        "nothing = :null",
        "a = :t OR a = :s AND n > :n",
        "NOT (a = :s AND n < :n)",
        "NOT a = :t AND NOT n = :n",
        "(a = :s) AND (n > :n)",
        "( ( size ( a )) > m.x ) AND ( n > :n )",
        "not a = :t and (n > :n or n < :n)",
        "NOT NOT a = :s",
        "attribute_exists(a) AND (attribute_not_exists(b) OR b = :s)",
    ];
    for condition in holding {
        let read = Condition::parse(Kind::Condition, condition, &mut usual()).unwrap();
        assert!(read.holds(&item), "{condition}");
        assert!(!Condition::Not(Box::new(read)).holds(&item), "{condition}");
    }
}

#[test]
fn bytes_are_compared_as_bytes() {
    use crate::expression::{Comparator, Operand, Path};
    let bytes = |bytes: &'static [u8]| AttributeValue::B(bytes::Bytes::from_static(bytes));
    let item = crate::value::Item::from([("b".into(), bytes(b"\x01\xff"))]);
    let path = || Operand::Path(Path::of("b"));
    assert!(Condition::Compare(Comparator::Greater, path(), Operand::Value(bytes(b"\x01\x02\x03"))).holds(&item));
    assert!(Condition::BeginsWith(path(), Operand::Value(bytes(b"\x01"))).holds(&item));
    assert!(Condition::Contains(path(), Operand::Value(bytes(b"\xff"))).holds(&item));
    assert!(!Condition::Contains(path(), Operand::Value(bytes(b"\x02"))).holds(&item));
}
