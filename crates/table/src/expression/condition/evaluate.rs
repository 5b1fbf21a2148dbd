//! Whether a condition holds for an item. Values of two types are never equal, and never one before the other.

use super::{Comparator, Condition, Operand};
use crate::number::Number;
use crate::value::{AttributeValue, Item};
use memchr::memmem;
use std::borrow::Cow;
use std::cmp::Ordering;

impl Condition {
    /// Whether the condition holds for `item`; an item that is not there is one without attributes.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::And(left, right) => left.holds(item) && right.holds(item),
            Self::Or(left, right) => left.holds(item) || right.holds(item),
            Self::Not(inner) => !inner.holds(item),
            Self::Compare(comparator, left, right) => comparator.holds(left.value(item), right.value(item)),
            Self::Between(value, low, high) => {
                let value = value.value(item);
                Comparator::GreaterOrEqual.holds(value.clone(), low.value(item))
                    && Comparator::LessOrEqual.holds(value, high.value(item))
            }
            Self::In(value, all) => {
                let value = value.value(item);
                value.is_some() && all.iter().any(|one| one.value(item) == value)
            }
            Self::Exists(path) => path.find(item).is_some(),
            Self::NotExists(path) => path.find(item).is_none(),
            Self::HasType(path, name) => path.find(item).is_some_and(|value| value.type_name() == name),
            Self::BeginsWith(value, start) => both(value.value(item), start.value(item), begins_with),
            Self::Contains(whole, part) => both(whole.value(item), part.value(item), contains),
        }
    }
}

type Found<'v> = Option<Cow<'v, AttributeValue>>;

fn both(left: Found<'_>, right: Found<'_>, test: fn(&AttributeValue, &AttributeValue) -> bool) -> bool {
    left.zip(right).is_some_and(|(left, right)| test(&left, &right))
}

impl Operand {
    /// The value that the operand has for `item`, if any.
    fn value<'v>(&'v self, item: &'v Item) -> Found<'v> {
        match self {
            Self::Path(path) => path.find(item).map(Cow::Borrowed),
            Self::Value(value) => Some(Cow::Borrowed(value)),
            Self::Size(inner) => {
                let length = i64::try_from(length(&*inner.value(item)?)?).ok()?;
                Some(Cow::Owned(AttributeValue::N(Number::from(length))))
            }
        }
    }
}

/// What `size` says of a value.
fn length(value: &AttributeValue) -> Option<usize> {
    match value {
        AttributeValue::S(text) => Some(text.encode_utf16().count()),
        AttributeValue::B(bytes) => Some(bytes.len()),
        AttributeValue::M(map) => Some(map.len()),
        AttributeValue::L(list) => Some(list.len()),
        AttributeValue::SS(set) => Some(set.len()),
        AttributeValue::NS(set) => Some(set.len()),
        AttributeValue::BS(set) => Some(set.len()),
        AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => None,
    }
}

impl Comparator {
    /// Whether two values compare like this.
    pub(crate) fn holds_for(self, left: &AttributeValue, right: &AttributeValue) -> bool {
        self.holds(Some(Cow::Borrowed(left)), Some(Cow::Borrowed(right)))
    }

    /// Whether two values, which may not be there, compare like this.
    fn holds(self, left: Found<'_>, right: Found<'_>) -> bool {
        let ordered = |expected: fn(Ordering) -> bool| match (&left, &right) {
            (Some(left), Some(right)) => order(left, right).is_some_and(expected),
            _ => false,
        };
        match self {
            Self::Equal => left.is_some() && left == right,
            Self::NotEqual => left.is_none() || left != right,
            Self::Less => ordered(Ordering::is_lt),
            Self::LessOrEqual => ordered(Ordering::is_le),
            Self::Greater => ordered(Ordering::is_gt),
            Self::GreaterOrEqual => ordered(Ordering::is_ge),
        }
    }
}

/// Which of two values of one type that has an order comes first.
pub(crate) fn order(left: &AttributeValue, right: &AttributeValue) -> Option<Ordering> {
    match (left, right) {
        (AttributeValue::S(left), AttributeValue::S(right)) => Some(left.cmp(right)),
        (AttributeValue::N(left), AttributeValue::N(right)) => Some(left.cmp(right)),
        (AttributeValue::B(left), AttributeValue::B(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

pub(crate) fn begins_with(value: &AttributeValue, start: &AttributeValue) -> bool {
    match (value, start) {
        (AttributeValue::S(text), AttributeValue::S(start)) => text.starts_with(start.as_str()),
        (AttributeValue::B(bytes), AttributeValue::B(start)) => bytes.starts_with(start),
        _ => false,
    }
}

fn contains(whole: &AttributeValue, part: &AttributeValue) -> bool {
    match (whole, part) {
        (AttributeValue::S(text), AttributeValue::S(part)) => text.contains(part.as_str()),
        (AttributeValue::B(bytes), AttributeValue::B(part)) => memmem::find(bytes, part).is_some(),
        (AttributeValue::SS(set), AttributeValue::S(one)) => set.contains(one),
        (AttributeValue::NS(set), AttributeValue::N(one)) => set.contains(one),
        (AttributeValue::BS(set), AttributeValue::B(one)) => set.contains(one),
        (AttributeValue::L(list), one) => list.contains(one),
        _ => false,
    }
}
