//! Handlers for batches.

use super::items::all_collections;
use super::shapes::items::{
    BatchGet, BatchGot, BatchWrite, BatchWritten, Capacity, KeysAndAttributes, Unprocessed, WriteRequest,
};
use super::{address, reading};
use crate::capacity::{Taken, read_factor};
use crate::expression::legacy;
use crate::schema::TableKey;
use crate::value::{Item, item_size};
use crate::write::{Action, Write, check_item_size, located};
use crate::{Error, Tables};
use fogbank_model::RequestContext;
use fogbank_store::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type State = Arc<Tables>;

/// Items that one `BatchGetItem` reads at most.
const READS: usize = 100;
/// Items that one `BatchWriteItem` writes at most.
const WRITES: usize = 25;
/// Bytes that one `BatchGetItem` answers at most; what is beyond is left for the next.
const BYTES: usize = 16 << 20;

pub(super) async fn get(state: State, context: RequestContext, input: BatchGet) -> Result<BatchGot, Error> {
    if input.request_items.values().map(|one| one.keys.len()).sum::<usize>() > READS {
        return Err(Error::validation("Too many items requested for the BatchGetItem call"));
    }
    let mut got = BatchGot {
        consumed_capacity: input.return_consumed_capacity.as_ref().map(|_| Vec::new()),
        ..BatchGot::default()
    };
    let mut wanted = Vec::new();
    for (name, keys) in input.request_items {
        wanted.push(Wanted::read(&context, name, keys)?);
    }
    state.store.read(|snapshot| {
        let mut room = BYTES;
        for one in wanted {
            let name = one.name.clone();
            let (items, left, taken) = one.get(&state, snapshot, &mut room)?;
            got.responses.insert(name.clone(), items);
            if let Some(all) = &mut got.consumed_capacity {
                all.extend(Capacity::of(&name, &taken, input.return_consumed_capacity.as_deref(), false));
            }
            got.unprocessed_keys.extend(left.map(|left| (name, left)));
        }
        Ok::<_, Error>(())
    })?;
    got.consumed_capacity = got.consumed_capacity.filter(|all| !all.is_empty());
    Ok(got)
}

/// What is wanted of one table.
struct Wanted {
    name: String,
    table: TableKey,
    keys: Vec<Item>,
    projection: Option<crate::expression::Projection>,
    is_consistent: bool,
    /// As it was asked for, in case that something is left.
    asked: (Option<Vec<String>>, Option<String>, super::shapes::items::Names),
}

impl Wanted {
    fn read(context: &RequestContext, name: String, input: KeysAndAttributes) -> Result<Self, Error> {
        let table = address::table(context, &name)?;
        legacy::check_unmixed(
            &[("AttributesToGet", input.attributes_to_get.is_some())],
            &[("ProjectionExpression", input.projection_expression.is_some())],
        )?;
        let asked = (
            input.attributes_to_get.clone(),
            input.projection_expression.clone(),
            input.expression_attribute_names.clone(),
        );
        let (names, has_expression) = (input.expression_attribute_names, input.projection_expression.is_some());
        reading::check_placeholders((&names, None), has_expression, "ProjectionExpression is null")?;
        let keys = input.keys.into_iter().map(reading::item).collect::<Result<Vec<_>, Error>>()?;
        if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
            return Err(Error::validation("Provided list of item keys contains duplicates"));
        }
        let attributes = input.attributes_to_get.map(legacy::projection).transpose()?;
        let mut placeholders = reading::placeholders(names, None)?;
        let projection = reading::projection(input.projection_expression.as_deref(), &mut placeholders)?;
        placeholders.check_used()?;
        let projection = projection.or(attributes);
        Ok(Self { name, table, keys, projection, is_consistent: input.consistent_read, asked })
    }

    fn get(
        self,
        state: &Tables,
        snapshot: &Snapshot,
        room: &mut usize,
    ) -> Result<(Vec<Item>, Option<Unprocessed>, Taken), Error> {
        let (mut items, mut left, mut taken) = (Vec::new(), Vec::new(), Taken::default());
        for key in self.keys {
            let (table, item) = state.get(snapshot, &self.table, &key)?;
            let bytes = item.as_ref().map_or(0, item_size);
            if bytes > *room {
                left.push(key);
                continue;
            }
            *room -= bytes;
            taken.add(&Taken::reading(&table, None, bytes, read_factor(self.is_consistent)));
            items.extend(item.map(|item| reading::projected(item, self.projection.as_ref())));
        }
        let (attributes_to_get, projection_expression, expression_attribute_names) = self.asked;
        let left = (!left.is_empty()).then_some(Unprocessed {
            keys: left,
            attributes_to_get,
            consistent_read: self.is_consistent,
            projection_expression,
            expression_attribute_names,
        });
        Ok((items, left, taken))
    }
}

pub(super) async fn write(state: State, context: RequestContext, input: BatchWrite) -> Result<BatchWritten, Error> {
    if input.request_items.values().map(Vec::len).sum::<usize>() > WRITES {
        return Err(Error::validation("Too many items requested for the BatchWriteItem call"));
    }
    let (mut names, mut writes) = (Vec::new(), Vec::new());
    for (name, requests) in input.request_items {
        let table = address::table(&context, &name)?;
        if requests.is_empty() {
            return Err(Error::validation("The batch write request list for a table cannot be null or empty"));
        }
        for request in requests {
            names.push(name.clone());
            let action = action(request)?;
            writes.push(Write { table: table.clone(), action, condition: None, tells_on_failure: false });
        }
    }
    check_distinct(&state, &writes)?;
    let written = state.write_all(writes).await?;
    let taken = names.iter().zip(written.iter().map(|one| one.taken(1.0)));
    Ok(BatchWritten {
        unprocessed_items: BTreeMap::new(),
        item_collection_metrics: all_collections(&names, &written, input.return_item_collection_metrics.as_deref()),
        consumed_capacity: Capacity::of_all(taken, input.return_consumed_capacity.as_deref(), false),
    })
}

fn action(request: WriteRequest) -> Result<Action, Error> {
    match (request.put_request, request.delete_request) {
        (Some(put), None) => {
            let item = reading::item(put.item)?;
            check_item_size(&item)?;
            Ok(Action::Put(item))
        }
        (None, Some(delete)) => Ok(Action::Delete(reading::item(delete.key)?)),
        (None, None) => Err(Error::validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        )),
        (Some(_), Some(_)) => Err(Error::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        )),
    }
}

fn check_distinct(state: &Tables, writes: &[Write]) -> Result<(), Error> {
    state.store.read(|snapshot| {
        let mut places = BTreeSet::new();
        for write in writes {
            let table = state.registry.find(snapshot, &write.table)?;
            let (_, at) = located(&table, &write.action)?;
            if !places.insert((table.place, at)) {
                return Err(Error::validation("Provided list of item keys contains duplicates"));
            }
        }
        Ok(())
    })
}
