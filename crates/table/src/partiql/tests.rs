use super::{Access, Returning, Statement, key_of};
use crate::expression::{Comparator, Condition, ExpressionError, KeyTest};
use crate::value::{AttributeValue, Item, item_from_wire};
use serde_json::{Value as Json, json};

fn item(json: Json) -> Item {
    item_from_wire(serde_json::from_value(json).unwrap()).unwrap()
}

fn parse(text: &str) -> Result<Statement, ExpressionError> {
    let count = text.matches('?').count();
    Statement::parse(text, vec!["parameter".into(); count])
}

fn why(text: &str) -> String {
    parse(text).map_or_else(|error| error.to_string(), |made| format!("no error: {made:?}"))
}

fn condition(text: &str) -> Condition {
    match parse(&format!("SELECT * FROM t WHERE {text}")).unwrap_or_else(|error| panic!("{text}: {error}")) {
        Statement::Select(select) => select.condition.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn selects_are_read() {
    let Ok(Statement::Select(select)) = parse("select a, \"b c\".d[1], e['f'] from \"T-1\".\"i-x\" order by a desc, b")
    else {
        panic!()
    };
    let names: Vec<_> = select.columns.iter().flatten().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "d[1]", "f"]);
    assert_eq!((select.source.table.as_str(), select.source.index.as_deref()), ("T-1", Some("i-x")));
    assert_eq!(select.order.iter().map(|order| order.is_descending).collect::<Vec<_>>(), [true, false]);
    let whole = item(json!({"a": {"S": "x"}, "b c": {"M": {"d": {"L": [{"N": "0"}, {"N": "1"}]}}}, "z": {"S": "z"}}));
    assert_eq!(select.of(&whole), item(json!({"a": {"S": "x"}, "d[1]": {"N": "1"}})));
}

#[test]
fn comments_are_passed_over() {
    let plain = parse("SELECT a FROM t WHERE b = '--' AND c = '/*'");
    assert!(plain.is_ok());
    let text = "-- first\nSELECT a /* all /* of */ FROM t -- of t\n WHERE/**/b = '--' /* and\n*/ AND c = '/*' -- last";
    assert_eq!(parse(text), plain);
    assert_eq!(
        why("SELECT a FROM t /* open"),
        "Statement wasn't well formed, can't be processed: Invalid character: /"
    );
}

#[test]
fn values_are_read() {
    let text = "INSERT INTO \"T\" VALUE {'s': 'it''s', 'n': -1.5e2, 'l': [1, 'a', [true]], 'm': {'k': null, 'e': {}}, 'ss': <<'a', 'b'>>,
                'ns': <<1, 2.0>>, 'p': ?, 'f': FALSE}";
    let expected = item(json!({
        "s": {"S": "it's"}, "n": {"N": "-150"}, "l": {"L": [{"N": "1"}, {"S": "a"}, {"L": [{"BOOL": true}]}]},
        "m": {"M": {"k": {"NULL": true}, "e": {"M": {}}}}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "p": {"S": "parameter"},
        "f": {"BOOL": false},
    }));
    assert_eq!(parse(text), Ok(Statement::Insert { table: "T".into(), item: expected }));
    let whole = Statement::parse("INSERT INTO T VALUE ?", vec![AttributeValue::M(Item::new())]);
    assert_eq!(whole, Ok(Statement::Insert { table: "T".into(), item: Item::new() }));
}

#[test]
fn conditions_hold_or_not() {
    let whole = item(json!({
        "a": {"S": "abc"}, "n": {"N": "3"}, "l": {"L": [{"S": "x"}]}, "m": {"M": {"k": {"N": "1"}}}, "nil": {"NULL": true}, "my key": {"N": "7"},
    }));
    let holding = [
        "a = 'abc'",
        "a != 'x' AND a <> 'y'",
        "NOT a = 'x'",
        "n BETWEEN 1 AND 3",
        "n NOT BETWEEN 4 AND 5",
        "n IN [1, 3]",
        "n IN (2, 3)",
        "n NOT IN [1]",
        "b IS MISSING",
        "a IS NOT MISSING",
        "nil IS NULL",
        "a IS NOT NULL",
        "b = MISSING",
        "a <> MISSING",
        "begins_with(a, 'ab')",
        "BEGINS_WITH(\"a\", 'ab')",
        "contains(l, 'x')",
        "attribute_type(a, 'S')",
        "size(a) = n",
        "SIZE(l) >= 1",
        "m.k = 1",
        "l[0] = 'x'",
        "\"my key\" > 6",
        "(a = 'x' OR n > 2) AND NOT (n > 5 OR b = 1)",
        "a = 'x' OR a = 'y' OR n = 3",
        "-1 < n",
    ];
    for text in holding {
        assert!(condition(text).holds(&whole), "{text}");
        assert!(!condition(&format!("NOT ({text})")).holds(&whole), "{text}");
    }
}

#[test]
fn updates_change_items() {
    let before = item(json!({
        "pk": {"S": "k"}, "n": {"N": "1"}, "l": {"L": [{"N": "0"}, {"N": "1"}]}, "ss": {"SS": ["a", "b"]}, "m": {"M": {}}, "s": {"S": "x"},
    }));
    let text = "UPDATE \"T\" SET n = n + 2 SET m.k = {'a': [1]}, l = list_append(l, [?]) SET ss = set_add(ss, <<'c'>>) REMOVE s \
                WHERE pk = 'k' AND n = 1 RETURNING ALL NEW *";
    let Ok(Statement::Update { table, update, condition, returning }) = parse(text) else { panic!("{}", why(text)) };
    assert_eq!((table.as_str(), returning), ("T", Returning::AllNew));
    let after = item(json!({
        "pk": {"S": "k"}, "n": {"N": "3"}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"S": "parameter"}]}, "ss": {"SS": ["a", "b", "c"]},
        "m": {"M": {"k": {"M": {"a": {"L": [{"N": "1"}]}}}}},
    }));
    assert_eq!(update.apply(&before).unwrap().item, after);
    let (key, rest) = key_of(condition, ["pk"]).unwrap();
    assert_eq!(key, item(json!({"pk": {"S": "k"}})));
    assert!(rest.unwrap().holds(&before));
    let text = "UPDATE T SET ss = set_delete(ss, <<'a'>>) REMOVE l[0] WHERE pk = 'k' RETURNING MODIFIED OLD *";
    let Ok(Statement::Update { update, .. }) = parse(text) else { panic!("{}", why(text)) };
    let updated = update.apply(&before).unwrap();
    assert_eq!(updated.old, item(json!({"l": {"L": [{"N": "0"}]}, "ss": {"SS": ["a", "b"]}})));
}

#[test]
fn other_statements_are_read() {
    let delete = parse("DELETE FROM T WHERE pk = ? AND sk = 2 RETURNING ALL OLD *");
    let Ok(Statement::Delete { condition, returning: Returning::AllOld, .. }) = delete else { panic!("{delete:?}") };
    let (key, rest) = key_of(condition, ["pk", "sk"]).unwrap();
    assert_eq!((key, rest), (item(json!({"pk": {"S": "parameter"}, "sk": {"N": "2"}})), None));
    let exists = parse("EXISTS(SELECT * FROM \"Music\" WHERE \"Artist\" = 'x' AND \"SongTitle\" = 'y')");
    assert!(matches!(exists, Ok(Statement::Exists(_))));
    assert_eq!(exists.unwrap().table(), "Music");
}

#[test]
fn keys_are_taken_out_of_conditions() {
    let access = |text: &str| Access::of(Some(condition(text)), ["pk"].into_iter(), ["sk"].into_iter());
    let found = access("n = 1 AND sk >= 5 AND pk = 'a' AND sk < 9");
    assert_eq!(found.hashes, [["a".into()]]);
    assert_eq!(found.ranges, [KeyTest::Compare(Comparator::GreaterOrEqual, 5.into())]);
    assert_eq!(found.filter, Some(condition("n = 1 AND sk < 9")));
    assert_eq!(access("pk IN ['b', 'a', 'b']").hashes, [["a".into(), "b".into()]]);
    assert_eq!(access("(pk = 'a' OR 'b' = pk) AND begins_with(sk, 'x')").ranges, [KeyTest::BeginsWith("x".into())]);
    let scanning = [
        "pk > 'a'",
        "pk = 'a' OR n = 1",
        "n = 1",
        "pk.x = 'a'",
        "pk = other",
        "sk = 1",
        "NOT pk = 'a'",
        "pk <> 'a'",
        "pk IN []",
    ];
    for text in scanning {
        let found = access(text);
        assert_eq!((found.hashes, found.ranges, found.filter), (vec![], vec![], Some(condition(text))), "{text}");
    }
    let nothing = Access::of(None, ["pk"].into_iter(), [].into_iter());
    assert_eq!(nothing, Access { hashes: vec![], ranges: vec![], filter: None });
    let no_key = "Where clause does not contain a mandatory equality on all key attributes";
    for text in ["pk = 'a'", "sk = 1", "pk IN ['a'] AND sk = 1", "pk = 'a' OR sk = 1"] {
        let error = key_of(condition(text), ["pk", "sk"]).unwrap_err();
        assert_eq!(error.to_string(), no_key, "{text}");
    }
}

#[test]
fn keys_of_several_attributes_are_taken_out_of_conditions() {
    let access = |text: &str| Access::of(Some(condition(text)), ["a", "b"].into_iter(), ["r", "t"].into_iter());
    let equal = |value: i64| KeyTest::Compare(Comparator::Equal, value.into());
    let found = access("t > 5 AND r = 1 AND b IN ['y', 'x'] AND a = 'a' AND n = 1");
    assert_eq!(found.partitions(), [["a".into(), "x".into()], ["a".into(), "y".into()]]);
    assert_eq!(found.ranges, [equal(1), KeyTest::Compare(Comparator::Greater, 5.into())]);
    assert_eq!(found.filter, Some(condition("n = 1")));
    // What comes behind a gap or a range is looked at in what is found.
    let behind = access("a = 'a' AND b = 'b' AND r > 1 AND t = 2");
    assert_eq!((behind.ranges.len(), behind.filter), (1, Some(condition("t = 2"))));
    let gap = access("a = 'a' AND b = 'b' AND t = 2");
    assert_eq!((gap.ranges.len(), gap.filter), (0, Some(condition("t = 2"))));
    let part = "a = 'a' AND r = 1";
    assert_eq!(access(part), Access { hashes: vec![], ranges: vec![], filter: Some(condition(part)) });
    // They are counted before they are made.
    let values: Vec<String> = (0..50).map(|value| value.to_string()).collect();
    let many = format!("a IN [{0}] AND b IN [{0}]", values.join(", "));
    assert_eq!(access(&many).count(), 2500);
    assert_eq!(access(part).count(), 0);
}

#[test]
fn wrong_statements_say_why() {
    let malformed = |why: &str| format!("Statement wasn't well formed, can't be processed: {why}");
    let cases = [
        ("", malformed("Expected data manipulation")),
        ("DROP TABLE t", malformed("Expected data manipulation")),
        ("SELECT", malformed("Expected identifier")),
        ("SELECT * WHERE a = 1", malformed("Expected FROM")),
        ("SELECT * FROM", malformed("Expected identifier")),
        ("SELECT * FROM WHERE a = 1", malformed("Unexpected keyword")),
        ("SELECT * FROM t WHERE", malformed("Expected identifier")),
        ("SELECT * FROM t WHERE a", malformed("Unexpected end of statement")),
        ("SELECT * FROM t WHERE a = 'x", malformed("Unterminated quote")),
        ("SELECT * FROM t extra", malformed("Unexpected term")),
        ("SELECT * FROM t WHERE (a = 1", malformed("Unexpected end of statement")),
        ("SELECT * FROM t WHERE a = 1 \u{1f600}", malformed("Invalid character: \u{1f600}")),
        ("SELECT * FROM t WHERE foo(a)", "Unsupported function: foo".into()),
        ("INSERT INTO t VALUE", malformed("Expected value")),
        ("INSERT INTO t VALUE {'a' 1}", malformed("Unexpected term")),
        ("INSERT INTO t VALUE {a: 1}", malformed("Expected string as the key of a map")),
        (
            "INSERT INTO t VALUE {'a': <<1, 'x'>>}",
            malformed("A set must hold strings, numbers or binary values of one type"),
        ),
        ("UPDATE t WHERE a = 1", malformed("Expected SET or REMOVE")),
        ("UPDATE t SET a = 1", "Where clause does not contain a mandatory equality on all key attributes".into()),
        ("DELETE FROM t", "Where clause does not contain a mandatory equality on all key attributes".into()),
        ("DELETE FROM t WHERE a = 1 RETURNING ALL NEW *", "Only RETURNING ALL OLD * is supported for a delete".into()),
    ];
    for (text, expected) in cases {
        assert_eq!(why(text), expected, "{text}");
    }
    let counted = "Number of parameters in request and statement don't match.";
    let select = "SELECT * FROM t WHERE a = ? AND b = ?";
    for count in [0, 1, 3] {
        let error = Statement::parse(select, vec![1.into(); count]).unwrap_err();
        assert_eq!(error.to_string(), counted);
    }
}

const STARTS: [&str; 7] = [
    "SELECT * FROM t WHERE ",
    "INSERT INTO t VALUE ",
    "UPDATE t SET a",
    "UPDATE t SET a = ",
    "SELECT ",
    "SELECT * FROM t WHERE a IN ",
    "",
];

#[test]
fn hostile_statements_cost_little() {
    let units =
        ["(", "NOT ", "[", "{'a':", "<<", "size(", "a = 1 AND ", "a = 1 OR ", "a.", ".a", "[0]", "'", "\"", "-", "?,"];
    for unit in units.into_iter().chain(["list_append("]) {
        let many = unit.repeat(8192 / unit.len());
        for start in STARTS {
            let _ = parse(&format!("{start}{many}"));
            let _ = parse(&format!("{start}{many}a = 1 WHERE a = 1"));
            let _ = parse(&format!("{start}{many} = 1 WHERE a = 1"));
        }
    }
    let tokens = "SELECT * FROM t WHERE a = 'x' 1 AND OR NOT ( ) [ ] { } << >> , . : ? IN BETWEEN IS MISSING UPDATE SET REMOVE INSERT INTO \
                  VALUE DELETE RETURNING size( \" ' 1e - \u{e9} EXISTS(";
    let tokens: Vec<&str> = tokens.split_whitespace().collect();
    let mut seed = 5u64;
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % limit
    };
    for _ in 0..10_000 {
        let text: Vec<&str> = (0..below(16)).map(|_| tokens[below(tokens.len())]).collect();
        let _ = parse(&text.join(" "));
        let _ = parse(&format!("SELECT * FROM t WHERE {}", text.join(" ")));
    }
}

#[test]
fn what_dynamodb_does_not_do_is_named() {
    assert_eq!(why("SELECT * FROM t LIMIT 1"), "Unsupported clause: LIMIT at 1:17:5");
    assert_eq!(why("SELECT é FROM t"), "Statement wasn't well formed, can't be processed: Invalid character: é");
    assert_eq!(why("SELECT *\n FROM \"ä\" WHERE a = 1\n group BY a"), "Unsupported clause: GROUP at 3:2:5");
    let several = "Unsupported operation: Inserting multiple items in a single statement is not supported yet, use \"INSERT INTO \
                   tableName VALUE item\" instead";
    for items in ["VALUES {'a': 1}", "VALUE << {'a': 1}, {'a': 2} >>"] {
        assert_eq!(why(&format!("INSERT INTO t {items}")), several);
    }
    let choices = |count: usize| vec!["1"; count].join(", ");
    condition(&format!("a IN ({})", choices(100)));
    assert!(why(&format!("SELECT * FROM t WHERE a IN [{}]", choices(101))).contains("at most 100 values"));
}
