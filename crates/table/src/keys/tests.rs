use super::*;
use crate::schema::{KeyAttribute, KeyPart, KeyType};
use fogbank_model::{Clock as _, TestClock};

/// Numbers whose bytes are alike at their beginnings, their ends or their signs.
const NUMBERS: [&str; 12] =
    ["0", "1", "-1", "1.01", "10", "100", "-100", "99", "-99.5", "1E125", "-1E-130", "12345678901234567890.5"];

fn attribute(name: usize, kind: KeyType) -> KeyAttribute {
    KeyAttribute { name: name.to_string(), kind }
}

/// A key of attributes of these types, called 0, 1, ...; the first `hashes` are its partition key.
pub(crate) fn schema(kinds: &[KeyType], hashes: usize) -> KeySchema {
    let all: Vec<_> = kinds.iter().enumerate().map(|(name, kind)| attribute(name, *kind)).collect();
    let part = |of: &[KeyAttribute]| {
        of.split_first().map(|(first, others)| KeyPart { first: first.clone(), others: others.into() })
    };
    let (hash, range) = all.split_at(hashes);
    KeySchema { hash: part(hash).unwrap(), range: part(range) }
}

/// A value of which others are the beginning, or which another is.
pub(crate) fn value(kind: KeyType, dice: &TestClock) -> AttributeValue {
    let roll = |sides: usize| (dice.fraction() * sides as f64) as usize;
    let some = |of: &[u8]| (0..=roll(3)).map(|_| of[roll(of.len())]).collect::<Vec<u8>>();
    match kind {
        KeyType::N => AttributeValue::N(NUMBERS[roll(NUMBERS.len())].parse().unwrap()),
        KeyType::S => String::from_utf8(some(&[0, 1, b'a', 0x7f])).unwrap().into(),
        KeyType::B => AttributeValue::B(some(&[0, 1, 0xfe, 0xff]).into()),
    }
}

pub(crate) const KINDS: [KeyType; 3] = [KeyType::S, KeyType::N, KeyType::B];

#[test]
fn keys_sort_as_their_attributes_do() {
    let dice = TestClock::new(Timestamp(0), 7);
    let roll = |sides: usize| (dice.fraction() * sides as f64) as usize;
    for _ in 0..300 {
        let kinds: Vec<KeyType> = (0..=roll(5)).map(|_| KINDS[roll(3)]).collect();
        let keys = schema(&kinds, 1);
        let hash = value(kinds[0], &dice);
        let item = || -> Item {
            let others = kinds.iter().enumerate().skip(1).map(|(name, kind)| (name.to_string(), value(*kind, &dice)));
            std::iter::once(("0".to_owned(), hash.clone())).chain(others).collect()
        };
        let values = |item: &Item| keys.names().map(|name| item[name].clone()).collect::<Vec<_>>();
        let (one, other) = (item(), item());
        let (ItemKey(first), ItemKey(second)) =
            (ItemKey::of(&keys, &one).unwrap(), ItemKey::of(&keys, &other).unwrap());
        assert_eq!(first.cmp(&second), values(&one).cmp(&values(&other)), "{one:?} {other:?}");
        assert!(first == second || !first.starts_with(&second), "{one:?} {other:?}");
    }
}

#[test]
fn attributes_of_a_partition_key_do_not_run_together() {
    let keys = schema(&[KeyType::S, KeyType::S], 2);
    let of =
        |one: &str, two: &str| ItemKey::of(&keys, &Item::from([("0".into(), one.into()), ("1".into(), two.into())]));
    assert_ne!(of("a", "bc"), of("ab", "c"));
    assert_ne!(of("a\0", "b"), of("a", "\0b"));
    assert_eq!(of("a", "b"), of("a", "b"));
}

#[test]
fn what_is_not_whole_has_no_key() {
    let keys = schema(&[KeyType::S, KeyType::N, KeyType::S], 2);
    let whole = Item::from([("0".into(), "a".into()), ("1".into(), 1.into()), ("2".into(), "b".into())]);
    assert!(ItemKey::of(&keys, &whole).is_some());
    for name in ["0", "1", "2"] {
        let mut item = whole.clone();
        item.remove(name);
        assert_eq!(ItemKey::of(&keys, &item), None, "without {name}");
        item.insert(name.into(), AttributeValue::Null);
        assert_eq!(ItemKey::of(&keys, &item), None, "another type of {name}");
    }
}

/// Keys of one attribute each are in stores that there are.
#[test]
fn keys_of_one_attribute_stay_as_they_are() {
    let item = Item::from([("0".into(), "a\0b".into()), ("1".into(), 0.into())]);
    let stored = [&[0x77, 0x46][..], b"a\0\xffb\0\0", &[2]].concat();
    assert_eq!(ItemKey::of(&schema(&[KeyType::S, KeyType::N], 1), &item), Some(ItemKey(stored)));
    let stored = r#"{"hash":{"name":"0","kind":"S"},"range":{"name":"1","kind":"N"}}"#;
    let keys = schema(&[KeyType::S, KeyType::N], 1);
    assert_eq!(serde_json::from_str::<KeySchema>(stored).unwrap(), keys);
    assert_eq!(serde_json::to_string(&keys).unwrap(), stored);
    let plain = schema(&[KeyType::S], 1);
    assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"hash":{"name":"0","kind":"S"},"range":null}"#);
    let several = schema(&[KeyType::S, KeyType::N, KeyType::B], 2);
    let text = serde_json::to_string(&several).unwrap();
    assert_eq!(serde_json::from_str::<KeySchema>(&text).unwrap(), several);
}
