//! Random values of random shapes of every embedded model, written and read back in each protocol.

use crate::model::{Kind, Location, Member, Model, ModelSource, Shape};
use crate::query::Pairs;
use crate::{Value, cbor, json, query, xml};
use bytes::Bytes;
use fogbank_model::{Clock, TestClock, Timestamp};

/// What a protocol's own form cannot tell apart, so that values do not hold it.
#[derive(Clone, Copy)]
struct Form {
    /// Empty lists and maps vanish where they are flattened, or have no parameter to stand in.
    empty_lists: bool,
}

struct Maker<'m> {
    model: &'m Model,
    clock: TestClock,
    form: Form,
}

impl<'m> Maker<'m> {
    fn below(&self, limit: u64) -> u64 {
        let mut bytes = [0u8; 8];
        self.clock.random(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    }

    fn text(&self) -> String {
        const LETTERS: [&str; 12] = ["a", "Z", "0", " ", "&", "<", "\"", "%", "+", "ü", "世", "🌫"];
        (0..=self.below(12)).map(|_| LETTERS[self.below(12) as usize]).collect()
    }

    fn of(&self, member: &'m Option<Member>, depth: u32) -> Value {
        member.as_ref().map_or(Value::Null, |member| self.value(self.model.shape(member.shape), depth + 1))
    }

    fn value(&self, shape: &'m Shape, depth: u32) -> Value {
        let count = if depth > 4 { 0 } else { self.below(4) };
        match shape.kind {
            Kind::Structure => {
                let chosen =
                    shape.members.iter().filter(|member| member.location == Location::Body && !member.attribute);
                let chosen = chosen.filter(|member| !self.model.shape(member.shape).event_stream);
                let mut members = Vec::new();
                // S3 has a deprecated structure with two members that go by one name.
                let alone =
                    |member: &&Member| shape.members.iter().filter(|other| other.wire() == member.wire()).count() == 1;
                for member in chosen.filter(alone).filter(|_| depth <= 4 && self.below(3) == 0) {
                    let value = self.value(self.model.shape(member.shape), depth + 1);
                    let empty = matches!(&value, Value::List(items) if items.is_empty())
                        || matches!(&value, Value::Map(items) if items.is_empty());
                    if self.form.empty_lists || !empty {
                        members.push((member.name.clone(), value));
                    }
                }
                Value::Map(members)
            }
            Kind::List => Value::List(self.filled(count, || self.of(&shape.value, depth))),
            Kind::Map => {
                let values = self.filled(count, || self.of(&shape.value, depth)).into_iter();
                Value::Map(values.enumerate().map(|(at, value)| (format!("{at}{}", self.text()), value)).collect())
            }
            Kind::String => Value::Text(self.text()),
            Kind::Blob => {
                let mut bytes = vec![0u8; self.below(40) as usize];
                self.clock.random(&mut bytes);
                Value::Blob(Bytes::from(bytes))
            }
            Kind::Boolean => Value::Bool(self.below(2) == 0),
            Kind::Integer => Value::Int(i64::from(self.below(u64::from(u32::MAX)) as u32 as i32)),
            Kind::Long => Value::Int(self.below(u64::MAX) as i64),
            Kind::Float | Kind::Double => Value::Float(self.clock.fraction() * 1e12 - 5e11),
            // Whole seconds: RFC 822 has no others.
            Kind::Timestamp => Value::Int(self.below(4_000_000_000) as i64 * 1000),
            Kind::Document => Value::Map(vec![("free".into(), Value::List(vec![Value::Int(1), Value::Bool(true)]))]),
        }
    }

    /// Items that are not empty themselves, where the form has no place for those.
    fn filled(&self, count: u64, make: impl Fn() -> Value) -> Vec<Value> {
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Map(items) => items.is_empty(),
            Value::List(items) => items.is_empty(),
            _ => false,
        };
        (0..count).map(|_| make()).filter(|value| self.form.empty_lists || !empty(value)).collect()
    }
}

/// Members in the order of their names: a reader may find them in another order than they were written in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Map(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(members)
        }
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Sends random values of every structure of the models that `wanted` picks through `pass`.
fn try_all(form: Form, wanted: impl Fn(&ModelSource) -> bool, pass: impl Fn(&Model, &Shape, &Value) -> Value) {
    let mut values = 0;
    for source in ModelSource::all().iter().filter(|source| wanted(source)) {
        let model = source.model();
        let maker = Maker { model, clock: TestClock::new(Timestamp(0), 42), form };
        for shape in model.shapes.iter().filter(|shape| shape.kind == Kind::Structure && !shape.event_stream) {
            for _ in 0..3 {
                let value = maker.value(shape, 0);
                let back = pass(model, shape, &value);
                assert_eq!(sorted(back), sorted(value), "{} {}", source.name, shape.name);
                values += 1;
            }
        }
    }
    assert!(values > 500, "only {values} values were tried");
}

const WHOLE: Form = Form { empty_lists: true };
const BARE: Form = Form { empty_lists: false };

#[test]
fn json_comes_back() {
    try_all(
        WHOLE,
        |source| source.speaks("json") || source.speaks("rest-json"),
        |model, shape, value| {
            let mut out = Vec::new();
            json::encode(model, shape, value, &mut out).unwrap();
            json::decode(model, shape, &out).unwrap()
        },
    );
}

#[test]
fn cbor_comes_back() {
    for epoch in [cbor::Epoch::Seconds, cbor::Epoch::Milliseconds] {
        try_all(
            WHOLE,
            |source| source.speaks("smithy-rpc-v2-cbor") || source.name == "kinesis",
            |model, shape, value| {
                let mut out = Vec::new();
                cbor::encode(model, shape, value, epoch, &mut out).unwrap();
                cbor::decode(model, shape, &out, epoch).unwrap()
            },
        );
    }
}

#[test]
fn xml_comes_back() {
    let wanted = |source: &ModelSource| source.speaks("rest-xml") || source.speaks("query");
    try_all(BARE, wanted, |model, shape, value| {
        let mut out = String::new();
        xml::encode(model, shape, value, "Root", "", false, &mut out).unwrap();
        xml::decode(model, shape, out.as_bytes()).unwrap()
    });
}

#[test]
fn a_form_comes_back() {
    try_all(
        BARE,
        |source| source.speaks("query"),
        |model, shape, value| {
            let mut pairs = Pairs::new();
            write_form(model, shape, value, "", false, &mut pairs);
            query::decode(model, shape, &pairs).unwrap()
        },
    );
}

/// What a client of the query protocol sends.
fn write_form(model: &Model, shape: &Shape, value: &Value, at: &str, flattened: bool, pairs: &mut Pairs) {
    let under = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match (value, shape.kind) {
        (Value::Map(members), Kind::Structure) => {
            for (name, value) in members {
                let member = shape.member(name).unwrap();
                let inner = model.shape(member.shape);
                let flat = member.flattened || inner.flattened;
                let name = match &inner.value {
                    Some(item) if flat && inner.kind == Kind::List => item.tag_or(member.tag()),
                    _ => member.tag(),
                };
                write_form(model, inner, value, &under(name), flat, pairs);
            }
        }
        (Value::Map(entries), _) => {
            let (key, item) = (shape.key.as_ref().unwrap(), shape.value.as_ref().unwrap());
            for (number, (name, value)) in entries.iter().enumerate() {
                let entry =
                    if flattened { under(&format!("{}", number + 1)) } else { under(&format!("entry.{}", number + 1)) };
                pairs.push((format!("{entry}.{}", key.tag_or("key")), name.clone()));
                let place = format!("{entry}.{}", item.tag_or("value"));
                write_form(model, model.shape(item.shape), value, &place, false, pairs);
            }
        }
        (Value::List(items), _) => {
            let item = shape.value.as_ref().unwrap();
            for (number, value) in items.iter().enumerate() {
                let step = if flattened {
                    format!("{}", number + 1)
                } else {
                    format!("{}.{}", item.tag_or("member"), number + 1)
                };
                write_form(model, model.shape(item.shape), value, &under(&step), false, pairs);
            }
        }
        (scalar, _) => {
            let text = crate::scalar::print(shape, scalar, crate::model::TimestampFormat::Iso8601).unwrap();
            pairs.push((at.to_owned(), text.into_owned()));
        }
    }
}
