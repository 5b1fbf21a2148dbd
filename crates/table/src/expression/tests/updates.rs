use super::{item, text, usual};
use crate::expression::Update;
use serde_json::{Value as Json, json};

#[test]
fn wrong_updates_say_why() {
    let cases = [
        ("", "The expression can not be empty;"),
        ("INVALID SYNTAX HERE", r##"Syntax error; token: "INVALID", near: "INVALID SYNTAX""##),
        ("SET", r##"Syntax error; token: "<EOF>", near: "SET""##),
        ("SET a", r##"Syntax error; token: "<EOF>", near: "a""##),
        ("SET a = :s,", r##"Syntax error; token: "<EOF>", near: ",""##),
        ("SET a = :s b = :s", r##"Syntax error; token: "b", near: ":s b =""##),
        ("SET a-b = :s", r##"Syntax error; token: "-", near: "a-b""##),
        ("SET a = :n + :n + :n", r##"Syntax error; token: "+", near: ":n + :n""##),
        ("SET :s = a", r##"Syntax error; token: ":s", near: "SET :s =""##),
        ("SET 0a = :s", r##"Syntax error; token: "0", near: "SET 0a""##),
        ("ADD a b", r##"Syntax error; token: "b", near: "a b""##),
        ("ADD hits : incr", r##"Syntax error; token: ":", near: "hits : incr""##),
        ("REMOVE a = :s", r##"Syntax error; token: "=", near: "a = :s""##),
        ("SET a = ((:n + :n))", "The expression has redundant parentheses;"),
        ("SET a = :s SET b = :s", "The \"SET\" section can only be used once in an update expression;"),
        ("SET name = :s", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
        ("REMOVE #b", "An expression attribute name used in the document path is not defined; attribute name: #b"),
        ("SET a = foo(:s)", "Invalid function name; function: foo"),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
        (
            "SET a = :n + :s",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET a = list_append(a, :s)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
        ),
        (
            "SET a = if_not_exists(:s, :s)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = if_not_exists(a)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
        ),
        (
            "ADD a :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "DELETE a :n",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
        ),
        (
            "SET a = :s, a.b = :s",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
        ),
        (
            "SET a.b[1] = :s REMOVE a.b[1]",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b, [1]], path two: [a, b, [1]]",
        ),
        (
            "REMOVE a.b.c, a",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b, c], path two: [a]",
        ),
        (
            "SET a.b = :s, a[1] = :s",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
        ),
    ];
    for (update, why) in cases {
        assert_eq!(text(Update::parse(update, &mut usual())), format!("Invalid UpdateExpression: {why}"), "{update}");
    }
}

fn before() -> Json {
    json!({
        "pk": {"S": "k"}, "n": {"N": "5"}, "s": {"S": "x"}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
        "m": {"M": {"x": {"N": "1"}, "y": {"L": [{"S": "p"}]}}}, "ss": {"SS": ["a", "c"]}, "ns": {"NS": ["1"]},
    })
}

/// Each case: an update, and what is different then; null is what is gone.
#[test]
fn updates_change_items() {
    let cases = [
        ("SET a = :s, n = n + :n", json!({"a": {"S": "abc"}, "n": {"N": "6"}})),
        ("SET n = :n - n", json!({"n": {"N": "-4"}})),
        ("SET a = s, s = n", json!({"a": {"S": "x"}, "s": {"N": "5"}})),
        ("SET a = if_not_exists(a, :n), n = if_not_exists(n, :n)", json!({"a": {"N": "1"}})),
        ("SET a = if_not_exists(a, :n) + :m", json!({"a": {"N": "6"}})),
        ("SET a = (:n + :m)", json!({"a": {"N": "6"}})),
        ("SET a = if_not_exists(a, if_not_exists(b, n))", json!({"a": {"N": "5"}})),
        ("SET a = list_append(if_not_exists(a, :l), :l)", json!({"a": {"L": [{"N": "9"}, {"N": "9"}]}})),
        ("SET m.x = :s", json!({"m": {"M": {"x": {"S": "abc"}, "y": {"L": [{"S": "p"}]}}}})),
        ("SET m.z = :n REMOVE m.y[0]", json!({"m": {"M": {"x": {"N": "1"}, "y": {"L": []}, "z": {"N": "1"}}}})),
        ("SET l[1] = :s", json!({"l": {"L": [{"N": "0"}, {"S": "abc"}, {"N": "2"}]}})),
        ("SET l[9] = :m, l[7] = :n", json!({"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "1"}, {"N": "5"}]}})),
        ("REMOVE l[0], l[2]", json!({"l": {"L": [{"N": "1"}]}})),
        ("REMOVE l[3] SET l[8] = :n", json!({"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "1"}]}})),
        ("SET l[0] = :n REMOVE l[1]", json!({"l": {"L": [{"N": "1"}, {"N": "2"}]}})),
        ("REMOVE s, absent, m.absent, l[77]", json!({"s": null})),
        ("ADD n :m, a :n", json!({"n": {"N": "10"}, "a": {"N": "1"}})),
        (
            "ADD ss :ss, ns :ns, fresh :ss",
            json!({"ss": {"SS": ["a", "b", "c"]}, "ns": {"NS": ["1", "2"]}, "fresh": {"SS": ["a", "b"]}}),
        ),
        ("ADD m.x :m", json!({"m": {"M": {"x": {"N": "6"}, "y": {"L": [{"S": "p"}]}}}})),
        ("DELETE ss :ss", json!({"ss": {"SS": ["c"]}})),
        ("DELETE ns :ns, absent :ss", json!({"ns": null})),
        ("set #name = :s remove n add a :n", json!({"name": {"S": "abc"}, "n": null, "a": {"N": "1"}})),
    ];
    for (update, different) in cases {
        let mut expected = before();
        for (name, value) in different.as_object().unwrap() {
            expected[name] = value.clone();
        }
        expected.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let made = Update::parse(update, &mut usual()).unwrap().apply(&item(before())).unwrap();
        assert_eq!(made.item, item(expected), "{update}");
    }
}

#[test]
fn updates_that_items_do_not_allow_say_why() {
    let invalid = "The document path provided in the update expression is invalid for update";
    let wrong = "An operand in the update expression has an incorrect data type";
    let none = "The provided expression refers to an attribute that does not exist in the item";
    let cases = [
        ("SET absent.x = :n", invalid),
        ("SET s.x = :n", invalid),
        ("SET l.x = :n", invalid),
        ("SET m[0] = :n", invalid),
        ("SET l[9].x = :n", invalid),
        ("REMOVE absent.x", invalid),
        ("REMOVE s[0]", invalid),
        ("ADD absent.x :n", invalid),
        ("SET a = s + :n", wrong),
        ("SET a = list_append(s, :l)", wrong),
        ("ADD s :n", wrong),
        ("ADD ss :ns", wrong),
        ("DELETE n :ss", wrong),
        ("SET a = absent", none),
        ("SET a = absent + :n", none),
        ("SET a = list_append(absent, :l)", none),
    ];
    for (update, why) in cases {
        assert_eq!(text(Update::parse(update, &mut usual()).unwrap().apply(&item(before()))), why, "{update}");
    }
}

#[test]
fn what_changed_is_told() {
    let made = |update: &str| {
        let old = item(before());
        let updated = Update::parse(update, &mut usual()).unwrap().apply(&old).unwrap();
        (updated.old, updated.new)
    };
    assert_eq!(
        made("SET n = :n, a = :s REMOVE s"),
        (item(json!({"n": {"N": "5"}, "s": {"S": "x"}})), item(json!({"n": {"N": "1"}, "a": {"S": "abc"}})),)
    );
    assert_eq!(
        made("SET m.x = :s, l[1] = :s"),
        (
            item(json!({"m": {"M": {"x": {"N": "1"}}}, "l": {"L": [{"N": "1"}]}})),
            item(json!({"m": {"M": {"x": {"S": "abc"}}}, "l": {"L": [{"S": "abc"}]}})),
        )
    );
    assert_eq!(made("SET l[50] = :s"), (item(json!({})), item(json!({}))));
    assert_eq!(
        made("SET l[2] = :s REMOVE l[0], n DELETE ns :ns"),
        (
            item(json!({"l": {"L": [{"N": "0"}, {"N": "2"}]}, "n": {"N": "5"}, "ns": {"NS": ["1"]}})),
            item(json!({"l": {"L": [{"S": "abc"}]}}))
        )
    );
}

#[test]
fn results_must_be_items() {
    let number = |value: &str| item(json!({"n": {"N": value}}));
    let add = |value: &str| text(Update::parse("ADD n :n", &mut usual()).unwrap().apply(&number(value)));
    assert_eq!(add("1E50"), "Attempting to store more than 38 significant digits in a Number");
    let update = Update::parse("SET n = n + n", &mut usual()).unwrap();
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    assert_eq!(text(update.apply(&number("9E125"))), overflow);
    let large = item(json!({"s": {"S": "x".repeat(300_000)}}));
    let double = Update::parse("SET t = s", &mut usual()).unwrap();
    assert_eq!(text(double.apply(&large)), "Item size to update has exceeded the maximum allowed size");
    let appended = (0..100).fold("l".to_owned(), |inner, _| format!("list_append(l, {inner})"));
    let append = Update::parse(&format!("SET z = {appended}"), &mut usual()).unwrap();
    let list = item(json!({"l": {"L": vec![json!({"N": "1"}); 100_000]}}));
    assert_eq!(text(append.apply(&list)), "Item size to update has exceeded the maximum allowed size");
    let nested = (0..30).fold(json!({"S": "x"}), |inner, _| json!({"M": {"a": inner}}));
    let path = vec!["a"; 30].join(".");
    let deeper = Update::parse(&format!("SET {path} = :map"), &mut usual()).unwrap();
    assert!(deeper.apply(&item(json!({"a": nested}))).is_ok());
    let nested = (0..31).fold(json!({"S": "x"}), |inner, _| json!({"M": {"a": inner}}));
    let deeper = Update::parse(&format!("SET {path}.a.a = :map"), &mut usual()).unwrap();
    assert!(
        text(deeper.apply(&item(json!({"a": nested})))).starts_with("Nesting Levels have exceeded supported limits")
    );
}
