//! Changes items. Every operand is read from the item as it was; indexes of lists are those that the lists had.

use super::{Action, SetValue, Update};
use crate::expression::error::ExpressionError;
use crate::expression::path::{Path, Step};
use crate::expression::projection::Projection;
use crate::value::{AttributeValue, ITEM_SIZE_LIMIT, Item, NESTING_LIMIT, ValueError, item_size};
use std::collections::BTreeSet;

/// What an update made of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The item now.
    pub item: Item,
    /// What was changed, as it was: `UPDATED_OLD`.
    pub old: Item,
    /// What was changed, as it is: `UPDATED_NEW`. What was removed is not in it, nor are elements put behind a list's end.
    pub new: Item,
}

impl Update {
    /// What the update makes of `item`, which has at least its key.
    ///
    /// # Errors
    /// Where an operand is missing or of the wrong type, a path leads nowhere, or the result would be no item.
    pub fn apply(&self, item: &Item) -> Result<Updated, ExpressionError> {
        let mut changes = Vec::new();
        let mut room = ITEM_SIZE_LIMIT;
        for action in &self.actions {
            let change = action.change(item).map_err(|error| self.in_own_words(error))?;
            if let Change::Put(value) = &change {
                // All that is put will be in the item, so that this need not wait until memory is full of it.
                room = room.checked_sub(value.size()).ok_or(ExpressionError::ItemTooLarge)?;
            }
            changes.push((action.path(), change));
        }
        // Elements that are put behind a list's end come in the order of their indexes; removing goes backwards, so that an element's
        // index is still what it was.
        changes.sort_by_key(|(path, _)| *path);
        let mut made = item.clone();
        let mut in_place = Vec::new();
        for (path, change) in &mut changes {
            let Change::Put(value) = change else { continue };
            if put(&mut made, path, std::mem::replace(value, AttributeValue::Null))? {
                in_place.push((*path).clone());
            }
        }
        let new = Projection::of_paths(in_place)?.of(&made);
        for (path, _) in changes.iter().rev().filter(|(_, change)| *change == Change::Remove) {
            remove(&mut made, path, path.find(item).is_some())?;
        }
        check_limits(&made, self.attributes())?;
        let old = Projection::of_paths(changes.iter().map(|(path, _)| (*path).clone()).collect())?.of(item);
        Ok(Updated { item: made, old, new })
    }
}

impl Update {
    fn in_own_words(&self, error: ExpressionError) -> ExpressionError {
        match error {
            ExpressionError::WrongType if self.is_legacy => {
                ExpressionError::Legacy("Type mismatch for attribute to update")
            }
            other => other,
        }
    }
}

fn check_limits<'n>(item: &Item, mut changed: impl Iterator<Item = &'n str>) -> Result<(), ExpressionError> {
    if changed.any(|name| item.get(name).is_some_and(|value| value.depth() > NESTING_LIMIT)) {
        return Err(ValueError::TooDeep.into());
    }
    match item_size(item) > ITEM_SIZE_LIMIT {
        true => Err(ExpressionError::ItemTooLarge),
        false => Ok(()),
    }
}

/// What becomes of what is at a path.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Keep,
    Put(AttributeValue),
    Remove,
}

impl Action {
    fn change(&self, item: &Item) -> Result<Change, ExpressionError> {
        match self {
            Self::Set(_, value) => value.of(item).map(Change::Put),
            Self::Remove(_) => Ok(Change::Remove),
            Self::Add(path, value) => match path.find(item) {
                Some(old) => add(old, value).map(Change::Put),
                None => Ok(Change::Put(value.clone())),
            },
            Self::Delete(path, value) => match path.find(item) {
                Some(old) => Ok(delete(old, value)?.map_or(Change::Remove, Change::Put)),
                None => Ok(Change::Keep),
            },
        }
    }
}

impl SetValue {
    fn of(&self, item: &Item) -> Result<AttributeValue, ExpressionError> {
        match self {
            Self::Path(path) => path.find(item).cloned().ok_or(ExpressionError::NoAttribute),
            Self::Value(value) => Ok(value.clone()),
            Self::Plus(left, right) => match (left.of(item)?, right.of(item)?) {
                (AttributeValue::N(left), AttributeValue::N(right)) => Ok(left.checked_add(right)?.into()),
                _ => Err(ExpressionError::WrongType),
            },
            Self::Minus(left, right) => match (left.of(item)?, right.of(item)?) {
                (AttributeValue::N(left), AttributeValue::N(right)) => Ok(left.checked_sub(right)?.into()),
                _ => Err(ExpressionError::WrongType),
            },
            Self::IfNotExists(path, other) => match path.find(item) {
                Some(value) => Ok(value.clone()),
                None => other.of(item),
            },
            Self::ListAppend(first, second) => match (first.of(item)?, second.of(item)?) {
                (AttributeValue::L(first), AttributeValue::L(second)) => append(first, second),
                _ => Err(ExpressionError::WrongType),
            },
        }
    }
}

/// Two lists in one. It is refused here if it is too large for any item: lists can be appended to each other many times.
fn append(mut first: Vec<AttributeValue>, second: Vec<AttributeValue>) -> Result<AttributeValue, ExpressionError> {
    first.extend(second);
    let list = AttributeValue::L(first);
    match list.size() > ITEM_SIZE_LIMIT {
        true => Err(ExpressionError::ItemTooLarge),
        false => Ok(list),
    }
}

/// The sum of numbers, or all elements of two sets.
fn add(old: &AttributeValue, value: &AttributeValue) -> Result<AttributeValue, ExpressionError> {
    match (old, value) {
        (AttributeValue::N(old), AttributeValue::N(value)) => Ok(old.checked_add(*value)?.into()),
        (AttributeValue::SS(old), AttributeValue::SS(more)) => Ok(AttributeValue::SS(old | more)),
        (AttributeValue::NS(old), AttributeValue::NS(more)) => Ok(AttributeValue::NS(old | more)),
        (AttributeValue::BS(old), AttributeValue::BS(more)) => Ok(AttributeValue::BS(old | more)),
        // Only `AttributeUpdates` can add lists.
        (AttributeValue::L(old), AttributeValue::L(more)) => Ok(AttributeValue::L([&old[..], more].concat())),
        _ => Err(ExpressionError::WrongType),
    }
}

/// The elements that are only in the first of two sets, if there are any.
fn delete(old: &AttributeValue, value: &AttributeValue) -> Result<Option<AttributeValue>, ExpressionError> {
    fn left<T>(set: BTreeSet<T>) -> Option<BTreeSet<T>> {
        (!set.is_empty()).then_some(set)
    }
    match (old, value) {
        (AttributeValue::SS(old), AttributeValue::SS(less)) => Ok(left(old - less).map(AttributeValue::SS)),
        (AttributeValue::NS(old), AttributeValue::NS(less)) => Ok(left(old - less).map(AttributeValue::NS)),
        (AttributeValue::BS(old), AttributeValue::BS(less)) => Ok(left(old - less).map(AttributeValue::BS)),
        _ => Err(ExpressionError::WrongType),
    }
}

/// What the path's last step leads out of; there must be such a thing.
fn parent<'i>(item: &'i mut Item, path: &'i Path) -> Result<(&'i mut AttributeValue, &'i Step), ExpressionError> {
    let invalid = ExpressionError::InvalidPath;
    let (last, before) = path.steps.split_last().ok_or(invalid.clone())?;
    let mut value = item.get_mut(&path.name).ok_or(invalid.clone())?;
    for step in before {
        let next = match (value, step) {
            (AttributeValue::M(map), Step::Key(key)) => map.get_mut(key),
            (AttributeValue::L(list), Step::Index(index)) => list.get_mut(*index),
            _ => None,
        };
        value = next.ok_or(invalid.clone())?;
    }
    Ok((value, last))
}

/// Puts a value at a path, and tells whether it is there now: an element behind a list's end becomes the next one.
fn put(item: &mut Item, path: &Path, value: AttributeValue) -> Result<bool, ExpressionError> {
    if path.steps.is_empty() {
        item.insert(path.name.clone(), value);
        return Ok(true);
    }
    match parent(item, path)? {
        (AttributeValue::M(map), Step::Key(key)) => {
            map.insert(key.clone(), value);
        }
        (AttributeValue::L(list), Step::Index(index)) => match list.get_mut(*index) {
            Some(old) => *old = value,
            None => {
                list.push(value);
                return Ok(false);
            }
        },
        _ => return Err(ExpressionError::InvalidPath),
    }
    Ok(true)
}

/// Removes what was at a path. Where nothing was, there may be something now that another action has put there; it stays.
fn remove(item: &mut Item, path: &Path, was_there: bool) -> Result<(), ExpressionError> {
    if path.steps.is_empty() {
        item.remove(&path.name);
        return Ok(());
    }
    match parent(item, path)? {
        (AttributeValue::M(map), Step::Key(key)) => {
            map.remove(key);
        }
        (AttributeValue::L(list), Step::Index(index)) => {
            if was_there {
                list.remove(*index);
            }
        }
        _ => return Err(ExpressionError::InvalidPath),
    }
    Ok(())
}
