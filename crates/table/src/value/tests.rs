use super::{AttributeValue, Item, ValueError, decode_item, encode_item, item_from_wire, item_size};
use bytes::Bytes;
use fogbank_wire::{Value, to_value};

fn wire(kind: &str, content: Value) -> Value {
    Value::Map(vec![(kind.into(), content)])
}

fn texts(all: &[&str]) -> Value {
    Value::List(all.iter().map(|text| Value::from(*text)).collect())
}

fn blobs(all: &[&'static [u8]]) -> Value {
    Value::List(all.iter().map(|bytes| Bytes::from_static(bytes).into()).collect())
}

/// A value with every type in it, as the wire has it.
fn everything() -> Value {
    let list = Value::List(vec![wire("N", "-1.5".into()), wire("M", Value::Map(Vec::new())), wire("S", "".into())]);
    Value::Map(vec![
        ("b".into(), wire("B", Bytes::from_static(b"\0\xff").into())),
        ("bs".into(), wire("BS", blobs(&[b"a", b"b"]))),
        ("false".into(), wire("BOOL", false.into())),
        ("l".into(), wire("L", list)),
        ("ns".into(), wire("NS", texts(&["-2", "1", "30"]))),
        ("null".into(), wire("NULL", true.into())),
        ("ss".into(), wire("SS", texts(&["", "x"]))),
        ("true".into(), wire("BOOL", true.into())),
    ])
}

#[test]
fn wire_and_store_give_back_what_they_took() {
    let item = item_from_wire(everything()).unwrap();
    assert_eq!(to_value(&item).unwrap(), everything());
    let bytes = encode_item(&item);
    assert_eq!(decode_item(&bytes), Some(item));
    assert_eq!(decode_item(&encode_item(&Item::new())), Some(Item::new()));
}

#[test]
fn damaged_bytes_are_no_item() {
    let bytes = encode_item(&item_from_wire(everything()).unwrap());
    for end in 0..bytes.len() {
        assert_eq!(decode_item(&bytes[..end]), None);
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            // It may be another item, but it must be read without harm.
            let _ = decode_item(&damaged);
        }
    }
    assert_eq!(decode_item(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f]), None);
}

#[test]
fn says_why_a_value_is_none() {
    let two = Value::Map(vec![("S".into(), "a".into()), ("N".into(), "1".into())]);
    let bad_number = "The parameter cannot be converted to a numeric value: x";
    let invalid = "One or more parameter values were invalid: ";
    let cases = [
        (Value::Map(Vec::new()), ValueError::Empty.to_string()),
        (two, ValueError::SeveralTypes.to_string()),
        (wire("NULL", false.into()), format!("{invalid}Null attribute value types must have the value of true")),
        (wire("N", "x".into()), bad_number.into()),
        (wire("NS", texts(&["1", "x"])), bad_number.into()),
        (wire("SS", texts(&[])), format!("{invalid}An string set  may not be empty")),
        (wire("NS", texts(&[])), format!("{invalid}An number set  may not be empty")),
        (wire("BS", texts(&[])), format!("{invalid}Binary sets should not be empty")),
        (wire("SS", texts(&["a", "b", "a"])), format!("{invalid}Input collection [a, b, a] contains duplicates.")),
        (wire("NS", texts(&["1", "1.0"])), "Input collection contains duplicates".into()),
        (
            wire("BS", blobs(&[b"b", b"b"])),
            format!("{invalid}Input collection [Yg==, Yg==]of type BS contains duplicates."),
        ),
        (wire("L", Value::List(vec![wire("N", "x".into())])), bad_number.into()),
    ];
    for (value, text) in cases {
        assert_eq!(AttributeValue::from_wire(value.clone()).unwrap_err().to_string(), text, "{value:?}");
    }
}

#[test]
fn names_have_a_length() {
    let named = |length: usize| Value::Map(vec![("n".repeat(length), wire("S", "".into()))]);
    assert_eq!(item_from_wire(named(0)), Err(ValueError::NameEmpty));
    assert!(item_from_wire(named(65_535)).is_ok());
    assert_eq!(item_from_wire(named(65_536)), Err(ValueError::NameTooLong));
    assert_eq!(AttributeValue::from_wire(wire("M", named(65_536))), Err(ValueError::NameTooLong));
}

#[test]
fn nests_32_levels() {
    let nested = |wraps: usize| (0..wraps).fold(wire("S", "a".into()), |inner, _| wire("L", Value::List(vec![inner])));
    let deepest = AttributeValue::from_wire(nested(31)).unwrap();
    assert_eq!(deepest.depth(), 32);
    let item = Item::from([("a".into(), deepest)]);
    assert_eq!(decode_item(&encode_item(&item)), Some(item));
    assert_eq!(AttributeValue::from_wire(nested(32)), Err(ValueError::TooDeep));
    assert_eq!(AttributeValue::from_wire(nested(64)), Err(ValueError::TooDeep));
}

#[test]
fn counts_bytes() {
    let cases = [
        (wire("S", "aé".into()), 3),
        (wire("N", "123".into()), 3),
        (wire("B", Bytes::from_static(b"abc").into()), 3),
        (wire("BOOL", true.into()), 1),
        (wire("NULL", true.into()), 1),
        (wire("L", Value::List(Vec::new())), 3),
        (wire("L", Value::List(vec![wire("S", "ab".into())])), 6),
        (wire("M", Value::Map(Vec::new())), 3),
        (wire("M", Value::Map(vec![("k".into(), wire("S", "ab".into()))])), 7),
        (wire("SS", texts(&["a", "bc"])), 3),
        (wire("NS", texts(&["1", "234"])), 5),
    ];
    for (value, size) in cases {
        assert_eq!(AttributeValue::from_wire(value.clone()).unwrap().size(), size, "{value:?}");
    }
    assert_eq!(item_size(&Item::from([("näme".into(), "ab".into())])), 7);
}
