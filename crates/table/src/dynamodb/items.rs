//! Handlers for single items.

use super::shapes::items::{Capacity, Changed, CollectionMetrics, GetItem, Got, ReplaceItem, UpdateItem};
use super::{address, reading};
use crate::capacity::{Taken, read_factor};
use crate::expression::{Kind, Update, legacy};
use crate::value::{Item, item_size};
use crate::write::{Action, Write, Written, check_item_size, has_collections};
use crate::{Error, Tables};
use fogbank_model::RequestContext;
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Tables>;

/// What the answer to a write holds beside what it asks for by itself.
struct Asked {
    capacity: Option<String>,
    collections: Option<String>,
}

impl Asked {
    fn answer(&self, name: &str, written: &Written, attributes: Option<Item>) -> Changed {
        Changed {
            attributes,
            consumed_capacity: Capacity::of(name, &written.taken(1.0), self.capacity.as_deref(), false),
            item_collection_metrics: collections(written, self.collections.as_deref()),
        }
    }
}

/// The item collection that a write was to, if it is asked for and the table has such.
fn collections(written: &Written, asked: Option<&str>) -> Option<CollectionMetrics> {
    let is_shown = asked == Some("SIZE") && has_collections(&written.table);
    let hash = &written.table.keys.hash.first.name;
    let value = written.key.get(hash).filter(|_| is_shown)?.clone();
    Some(CollectionMetrics { item_collection_key: [(hash.clone(), value)].into(), size_estimate_range_gb: [0.0, 1.0] })
}

/// The item collections that several writes were to, by the names that their tables were called by.
pub(super) fn all_collections(
    names: &[String],
    written: &[Written],
    asked: Option<&str>,
) -> Option<BTreeMap<String, Vec<CollectionMetrics>>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (name, one) in names.iter().zip(written) {
        if let Some(collections) = collections(one, asked) {
            all.entry(name.clone()).or_default().push(collections);
        }
    }
    Some(all).filter(|all| !all.is_empty())
}

pub(super) fn tells(asked: Option<&str>) -> bool {
    asked == Some("ALL_OLD")
}

fn check_returns(asked: Option<&str>) -> Result<bool, Error> {
    match asked {
        None | Some("NONE") => Ok(false),
        Some("ALL_OLD") => Ok(true),
        Some(_) => Err(Error::validation("ReturnValues can only be ALL_OLD or NONE")),
    }
}

pub(super) async fn put(state: State, context: RequestContext, input: ReplaceItem) -> Result<Changed, Error> {
    replace(state, context, input, |input| Ok(Action::Put(reading::item(std::mem::take(&mut input.item))?))).await
}

pub(super) async fn delete(state: State, context: RequestContext, input: ReplaceItem) -> Result<Changed, Error> {
    replace(state, context, input, |input| Ok(Action::Delete(reading::item(std::mem::take(&mut input.key))?))).await
}

/// Replaces an item whole, by another one or by nothing.
async fn replace(
    state: State,
    context: RequestContext,
    mut input: ReplaceItem,
    action: fn(&mut ReplaceItem) -> Result<Action, Error>,
) -> Result<Changed, Error> {
    let table = address::table(&context, &input.table_name)?;
    let has_condition = input.condition_expression.is_some();
    legacy::check_unmixed(
        &[("Expected", input.expected.is_some()), ("ConditionalOperator", input.conditional_operator.is_some())],
        &[("ConditionExpression", has_condition)],
    )?;
    let (names, values) = (input.expression_attribute_names.take(), input.expression_attribute_values.take());
    reading::check_placeholders((&names, values.as_ref()), has_condition, "ConditionExpression is null")?;
    let action = action(&mut input)?;
    let wants_old = check_returns(input.return_values.as_deref())?;
    if let Action::Put(item) = &action {
        check_item_size(item)?;
    }
    let expected = legacy::expected(input.expected.take(), input.conditional_operator.as_deref())?;
    let mut placeholders = reading::placeholders(names, values)?;
    let condition = reading::condition(Kind::Condition, input.condition_expression.as_deref(), &mut placeholders)?;
    placeholders.check_used()?;
    let tells_on_failure = tells(input.return_values_on_condition_check_failure.as_deref());
    let write = Write { table, action, condition: condition.or(expected), tells_on_failure };
    let written = state.write(write).await?;
    let asked = Asked { capacity: input.return_consumed_capacity, collections: input.return_item_collection_metrics };
    let old = written.old.clone().filter(|_| wants_old);
    Ok(asked.answer(&input.table_name, &written, old))
}

pub(super) async fn update(state: State, context: RequestContext, input: UpdateItem) -> Result<Changed, Error> {
    let table = address::table(&context, &input.table_name)?;
    let expressions = [
        ("UpdateExpression", input.update_expression.is_some()),
        ("ConditionExpression", input.condition_expression.is_some()),
    ];
    let older = [
        ("AttributeUpdates", input.attribute_updates.is_some()),
        ("Expected", input.expected.is_some()),
        ("ConditionalOperator", input.conditional_operator.is_some()),
    ];
    legacy::check_unmixed(&older, &expressions)?;
    let has_expression = expressions.iter().any(|(_, is_there)| *is_there);
    let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
    let missing = "UpdateExpression and ConditionExpression are null";
    reading::check_placeholders((&names, values.as_ref()), has_expression, missing)?;
    let key = reading::item(input.key)?;
    let attribute_updates = legacy::update(input.attribute_updates.unwrap_or_default())?;
    let expected = legacy::expected(input.expected, input.conditional_operator.as_deref())?;
    let mut placeholders = reading::placeholders(names, values)?;
    let update = input.update_expression.as_deref().map(|text| Update::parse(text, &mut placeholders)).transpose()?;
    let condition = reading::condition(Kind::Condition, input.condition_expression.as_deref(), &mut placeholders)?;
    placeholders.check_used()?;
    let write = Write {
        table,
        action: Action::Update(key, update.unwrap_or(attribute_updates)),
        condition: condition.or(expected),
        tells_on_failure: tells(input.return_values_on_condition_check_failure.as_deref()),
    };
    let written = state.write(write).await?;
    let asked = Asked { capacity: input.return_consumed_capacity, collections: input.return_item_collection_metrics };
    let attributes = shown(&written, input.return_values.as_deref());
    Ok(asked.answer(&input.table_name, &written, attributes))
}

/// What `ReturnValues` asks for of an update; nothing if there is nothing to show.
fn shown(written: &Written, asked: Option<&str>) -> Option<Item> {
    let updated = written.updated.as_ref();
    let part = match asked {
        Some("ALL_OLD") => return written.old.clone(),
        Some("ALL_NEW") => return written.new.clone(),
        Some("UPDATED_OLD") => updated.map(|updated| &updated.old),
        Some("UPDATED_NEW") => updated.map(|updated| &updated.new),
        _ => None,
    };
    part.filter(|part| !part.is_empty()).cloned()
}

pub(super) async fn get(state: State, context: RequestContext, input: GetItem) -> Result<Got, Error> {
    let table = address::table(&context, &input.table_name)?;
    legacy::check_unmixed(
        &[("AttributesToGet", input.attributes_to_get.is_some())],
        &[("ProjectionExpression", input.projection_expression.is_some())],
    )?;
    let (names, has_expression) = (input.expression_attribute_names, input.projection_expression.is_some());
    reading::check_placeholders((&names, None), has_expression, "ProjectionExpression is null")?;
    let key = reading::item(input.key)?;
    let attributes = input.attributes_to_get.map(legacy::projection).transpose()?;
    let mut placeholders = reading::placeholders(names, None)?;
    let projection = reading::projection(input.projection_expression.as_deref(), &mut placeholders)?;
    placeholders.check_used()?;
    let projection = projection.or(attributes);
    let (table, item) = state.store.read(|snapshot| state.get(snapshot, &table, &key))?;
    let bytes = item.as_ref().map_or(0, item_size);
    let taken = Taken::reading(&table, None, bytes, read_factor(input.consistent_read));
    Ok(Got {
        item: item.map(|item| reading::projected(item, projection.as_ref())),
        consumed_capacity: Capacity::of(&input.table_name, &taken, input.return_consumed_capacity.as_deref(), false),
    })
}
