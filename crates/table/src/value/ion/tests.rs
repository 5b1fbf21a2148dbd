use super::{item, read_item};
use crate::value::{AttributeValue, Item};
use std::collections::BTreeSet;

fn line(item: &str) -> String {
    format!("$ion_1_0 {{Item:{item}}}")
}

fn only(value: AttributeValue) -> Item {
    Item::from([("v".to_owned(), value)])
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.parse().unwrap())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[test]
fn an_item_is_written_as_the_guide_shows_it() {
    let book = Item::from([
        ("Authors".to_owned(), AttributeValue::SS(["Author1", "Author2"].map(str::to_owned).into())),
        ("Dimensions".to_owned(), text("8.5 x 11.0 x 1.5")),
        ("Id".to_owned(), number("103")),
        ("InPublication".to_owned(), AttributeValue::Bool(false)),
        ("PageCount".to_owned(), number("600")),
        ("Price".to_owned(), number("2E3")),
    ]);
    let shown = "{Authors:$dynamodb_SS::[\"Author1\",\"Author2\"],Dimensions:\"8.5 x 11.0 x 1.5\",Id:103.,InPublication:false,PageCount:6d2,Price:2d3}";
    assert_eq!(item(&book), shown);
    assert_eq!(read_item(&line(shown)), Some(book));
}

#[test]
fn what_is_written_is_read_again() {
    let names = ["a", "$", "$1", "null", "true", "with space", "it's", "grüße", "\u{1}\n\t\\\"'", "😀", "a::b", "nan"];
    let numbers =
        ["0", "-1", "1.5", "-0.001", "1E-130", "9.9999999999999999999999999999999999999E125", "100", "-12000"];
    let mut all = Item::new();
    for (place, name) in names.iter().enumerate() {
        let nested = Item::from([((*name).to_owned(), AttributeValue::L(vec![text(name), AttributeValue::Null]))]);
        all.insert((*name).to_owned(), if place % 2 == 0 { AttributeValue::M(nested) } else { text(name) });
    }
    for text in numbers {
        all.insert(format!("n{text}"), number(text));
    }
    all.insert("NS".into(), AttributeValue::NS(numbers.iter().map(|text| text.parse().unwrap()).collect()));
    all.insert("SS".into(), AttributeValue::SS(names.iter().map(|name| (*name).to_owned()).collect()));
    all.insert("B".into(), AttributeValue::B((0..=255).collect::<Vec<u8>>().into()));
    all.insert("BS".into(), AttributeValue::BS(BTreeSet::from([vec![0].into(), Vec::new().into()])));
    assert_eq!(read_item(&line(&item(&all))), Some(all));
}

#[test]
fn other_ways_to_say_the_same_are_read() {
    let same = [
        ("1_000", number("1000")),
        ("15d-1", number("1.5")),
        ("1.5D+1", number("15")),
        ("null.string", AttributeValue::Null),
        ("'''a''' /* and */ '''b'''", text("ab")),
        (r#""\x41\u00e9\U0001F600\ud83d\ude00\/\0""#, text("Aé😀😀/\0")),
        ("{{ aG\n k= }}", AttributeValue::B("hi".into())),
        ("[1, // one\n]", AttributeValue::L(vec![number("1")])),
        ("'$dynamodb_NS' :: [ 1 , 2d0 ,]", AttributeValue::NS(["1", "2"].map(|text| text.parse().unwrap()).into())),
        ("{'a b':1,\"c\":2,}", AttributeValue::M(Item::from([("a b".into(), number("1")), ("c".into(), number("2"))]))),
    ];
    for (shown, value) in same {
        assert_eq!(read_item(&line(&format!("{{v:{shown}}}"))), Some(only(value)), "{shown}");
    }
    assert_eq!(read_item("{\"Item\":{\"v\":true}} // no marker\n"), Some(only(AttributeValue::Bool(true))));
}

#[test]
fn what_is_no_item_is_refused() {
    let values = [
        "",
        "1e0",
        "+1",
        "1.2.3",
        "1d",
        "0x10",
        "2020-01-01",
        "2020T",
        "12:30",
        "nan",
        "symbol",
        "'symbol'",
        "other::[1]",
        "$dynamodb_SS::[]",
        "$dynamodb_SS::[1]",
        "$dynamodb_NS::[\"1\"]",
        "$dynamodb_SS::[\"a\",\"a\"]",
        "{{x}}",
        "{{\"text\"}}",
        "(1 2)",
        "[1 2]",
        "[1",
        "{a 1}",
        "{a:1",
        "\"",
        "\"\\q\"",
        "\"\\ud800\"",
        "\"\\uD8\"",
        "'''a",
        "1E5",
        "1d126",
        "1d999999999999",
        "- 1",
        "$1",
        "$dynamodb_SS",
        "/* ",
        "\"\\u+041\"",
    ];
    for shown in values {
        assert_eq!(read_item(&line(&format!("{{v:{shown}}}"))), None, "{shown}");
    }
    for whole in [
        "",
        "$ion_1_0",
        "{}",
        "{Item:1}",
        "{item:{}}",
        "{Item:{v:1}} {Item:{v:1}}",
        "[{Item:{v:1}}]",
        "$ion_1_1 {Item:{v:1}}",
    ] {
        assert_eq!(read_item(whole), None, "{whole}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| line(&format!("{{v:{}{}}}", "[".repeat(levels), "]".repeat(levels)));
    assert!(read_item(&nested(32)).is_some());
    for levels in [33, 34, 1_000_000] {
        assert_eq!(read_item(&nested(levels)), None);
        assert_eq!(read_item(&line(&"{a:".repeat(levels))), None);
    }
}

#[test]
fn no_beginning_and_no_change_of_a_line_does_harm() {
    let whole = line("{a:$dynamodb_SS::[\"x\\u00e9\"],b:{{aGk=}},'c d':[1.5,6d2,null.int],e:{f:'''g'''},h:true}");
    assert!(read_item(&whole).is_some());
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        assert_eq!(read_item(&whole[..end]), None);
    }
    for at in 0..whole.len() {
        for byte in b"\"'{}[]:,\\/*$09.d" {
            let mut changed = whole.clone().into_bytes();
            changed[at] = *byte;
            // It may be another item, but it must be read without harm.
            drop(String::from_utf8(changed).map(|changed| read_item(&changed)));
        }
    }
}
