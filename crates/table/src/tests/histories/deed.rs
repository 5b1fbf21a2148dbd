//! Writes, what the model makes of them, and how the service is asked for them.

use super::*;
use crate::expression::{Condition, Kind, Substitutions, Update};
use fogbank_wire::to_value;

/// A write as the model knows it.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub key: Item,
    pub what: What,
    pub only_if: Only,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Put(Item),
    Insert(Item),
    Delete,
    Check,
    Count,
    Set(&'static str, AttributeValue),
    Remove(&'static [&'static str]),
}

#[derive(Debug, Clone)]
pub(super) enum Only {
    Always,
    Absent,
    Present,
    Below(i64),
}

impl Only {
    fn holds(&self, item: Option<&Item>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => item.is_none(),
            Self::Present => item.is_some(),
            Self::Below(bound) => item
                .and_then(|item| item.get("v"))
                .is_some_and(|value| matches!(value, AttributeValue::N(number) if *number < Number::from(*bound))),
        }
    }
}

/// What the model has after `deed`, or `None` if it is refused.
pub(super) fn after(deed: &Deed, before: Option<&Item>) -> Option<Option<Item>> {
    if !deed.only_if.holds(before) {
        return None;
    }
    let mut item = before.cloned().unwrap_or_else(|| deed.key.clone());
    Some(match &deed.what {
        What::Put(new) => Some(new.clone()),
        What::Insert(_) if before.is_some() => return None,
        What::Insert(new) => Some(new.clone()),
        What::Delete => None,
        What::Check => before.cloned(),
        What::Count => {
            let count = match item.get("v") {
                Some(AttributeValue::N(number)) => number.truncated().unwrap(),
                _ => 0,
            };
            item.insert("v".into(), (count + 1).into());
            Some(item)
        }
        What::Set(name, value) => {
            item.insert((*name).into(), value.clone());
            Some(item)
        }
        What::Remove(names) => {
            names.iter().for_each(|name| drop(item.remove(*name)));
            // What is not there cannot have anything taken away.
            before.is_some().then_some(item)
        }
    })
}

pub(super) fn write(table: &TableKey, deed: &Deed) -> Write {
    let read = |text: &str, values: Item| {
        let values = (!values.is_empty()).then(|| to_value(&values).unwrap());
        let mut placeholders = Substitutions::new(None, values).unwrap();
        Update::parse(text, &mut placeholders).unwrap()
    };
    let condition = match &deed.only_if {
        Only::Always => None,
        Only::Absent => Some(("attribute_not_exists(pk)", None)),
        Only::Present => Some(("attribute_exists(pk)", None)),
        Only::Below(bound) => Some(("v < :bound", Some((*bound).into()))),
    };
    let condition = condition.map(|(text, bound): (&str, Option<AttributeValue>)| {
        let values = bound.map(|bound| to_value(&Item::from([(":bound".to_owned(), bound)])).unwrap());
        Condition::parse(Kind::Condition, text, &mut Substitutions::new(None, values).unwrap()).unwrap()
    });
    let key = deed.key.clone();
    let action = match &deed.what {
        What::Put(item) => Action::Put(item.clone()),
        What::Insert(item) => Action::Insert(item.clone()),
        What::Delete => Action::Delete(key),
        What::Check => Action::Check(key),
        What::Count => Action::Update(key, read("ADD v :one", Item::from([(":one".to_owned(), 1.into())]))),
        What::Set(name, value) => {
            Action::Update(key, read(&format!("SET {name} = :new"), Item::from([(":new".to_owned(), value.clone())])))
        }
        What::Remove(names) => Action::Update(key, read(&format!("REMOVE {}", names.join(", ")), Item::new())),
    };
    Write { table: table.clone(), action, condition, tells_on_failure: false }
}
