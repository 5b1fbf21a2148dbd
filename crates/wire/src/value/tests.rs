#![allow(clippy::unwrap_used)]

use super::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Typed {
    name: String,
    size: u64,
    wide: Option<i128>,
    ratio: Option<f64>,
    absent: Option<String>,
    code: Blob,
    kind: Kind,
    wrapped: Wrapped,
    tags: BTreeMap<String, i32>,
    items: Vec<Kind>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Zip,
    #[serde(rename = "container-image")]
    Image,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(bool);

#[test]
fn a_structure_becomes_a_value_and_comes_back() {
    let typed = Typed {
        name: "orders".into(),
        size: 7,
        wide: Some(-1),
        ratio: Some(0.5),
        absent: None,
        code: Blob(Bytes::from_static(b"\x00\xff")),
        kind: Kind::Image,
        wrapped: Wrapped(true),
        tags: BTreeMap::from([("a".into(), 1)]),
        items: vec![Kind::Zip],
    };
    let value = to_value(&typed).unwrap();
    assert_eq!(value.get("Absent"), None);
    assert_eq!(value.get("Kind"), Some(&Value::from("container-image")));
    assert_eq!(value.get("Code"), Some(&Value::Blob(Bytes::from_static(b"\x00\xff"))));
    assert_eq!(value.get("Wrapped"), Some(&Value::Bool(true)));
    assert_eq!(from_value::<Typed>(value).unwrap(), typed);
}

#[test]
fn an_unshared_blob_is_moved() {
    let bytes = Bytes::from(vec![1u8; 4096]);
    let address = bytes.as_ptr();
    let blob: Blob = from_value(Value::Blob(bytes)).unwrap();
    assert_eq!(blob.0.as_ptr(), address);
}

#[test]
fn an_integer_that_does_not_fit_is_refused_not_cut() {
    assert!(to_value(&u64::MAX).is_err());
    assert!(from_value::<u8>(Value::Int(256)).is_err());
    assert!(from_value::<u64>(Value::Int(-1)).is_err());
}

#[test]
fn a_typed_structure_can_hold_a_value() {
    #[derive(Deserialize)]
    struct Holder {
        held: Value,
    }
    let inner = Value::Map(vec![
        ("a".into(), Value::List(vec![Value::Null, true.into(), 5.into(), Value::Float(0.5), "text".into()])),
        ("b".into(), Bytes::from_static(b"\xff").into()),
    ]);
    let holder: Holder = from_value(Value::Map(vec![("held".into(), inner.clone())])).unwrap();
    assert_eq!(holder.held, inner);
}
