//! Handlers for transactions.

use super::items::{collections, tells};
use super::shapes::items::{
    Capacity, ItemResponse, TransactGet, TransactGot, TransactPart, TransactWrite, TransactWriteItem, Transacted,
};
use super::{address, reading};
use crate::capacity::Taken;
use crate::expression::{Kind, Update};
use crate::transact::{FACTOR, Token, does_write};
use crate::value::item_size;
use crate::write::{Action, Write};
use crate::{Error, Tables};
use fogbank_model::RequestContext;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Tables>;

pub(super) async fn write(state: State, context: RequestContext, input: TransactWrite) -> Result<Transacted, Error> {
    let token = input.client_request_token.map(|token| Token {
        account: context.account.clone(),
        region: context.region.clone(),
        token,
        digest: Sha256::digest(format!("{:?}", input.transact_items)).into(),
    });
    let (mut names, mut writes) = (Vec::new(), Vec::new());
    for item in input.transact_items {
        let (name, write) = read_part(&context, item)?;
        names.push(name);
        writes.push(write);
    }
    let kinds: Vec<bool> = writes.iter().map(|write| does_write(&write.action)).collect();
    let again: Vec<_> = if token.is_some() { writes.clone() } else { Vec::new() };
    let Some(written) = state.transact(writes, token).await? else {
        let taken = state.reread(&again)?;
        let mut by_name: BTreeMap<&str, Taken> = BTreeMap::new();
        names.iter().zip(&taken).for_each(|(name, taken)| by_name.entry(name).or_default().add(taken));
        let consumed_capacity = capacities(by_name, input.return_consumed_capacity.as_deref());
        return Ok(Transacted { consumed_capacity, item_collection_metrics: None });
    };
    let (mut taken, mut metrics): (BTreeMap<&str, Taken>, BTreeMap<String, Vec<_>>) = Default::default();
    for ((name, one), does_write) in names.iter().zip(&written).zip(kinds) {
        let units = match does_write {
            true => Taken::writing(&one.table, &one.effort, FACTOR),
            // A check costs what a write of the item would.
            false => Taken { is_write: true, ..Taken::reading(&one.table, None, 0, FACTOR) },
        };
        taken.entry(name).or_default().add(&units);
        let collections = collections(&one.table, &one.key, input.return_item_collection_metrics.as_deref());
        if let Some(collections) = collections {
            metrics.entry(name.clone()).or_default().push(collections);
        }
    }
    Ok(Transacted {
        consumed_capacity: capacities(taken, input.return_consumed_capacity.as_deref()),
        item_collection_metrics: (!metrics.is_empty()).then_some(metrics),
    })
}

pub(super) fn capacities(taken: BTreeMap<&str, Taken>, asked: Option<&str>) -> Option<Vec<Capacity>> {
    let all = taken.into_iter().filter_map(|(name, taken)| Capacity::of(name, &taken, asked, true));
    let all: Vec<_> = all.collect();
    (!all.is_empty()).then_some(all)
}

fn read_part(context: &RequestContext, item: TransactWriteItem) -> Result<(String, Write), Error> {
    let parts =
        [("ConditionCheck", item.condition_check), ("Put", item.put), ("Delete", item.delete), ("Update", item.update)];
    let mut given = parts.into_iter().filter_map(|(kind, part)| Some((kind, part?)));
    let (kind, part) = match (given.next(), given.next()) {
        (Some(only), None) => only,
        (None, _) => {
            return Err(Error::validation(
                "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
            ));
        }
        _ => return Err(Error::validation("TransactItems can only contain one of Check, Put, Update or Delete")),
    };
    let table = address::table(context, &part.table_name)?;
    let name = part.table_name.clone();
    let tells_on_failure = tells(part.return_values_on_condition_check_failure.as_deref());
    let (action, condition) = read_action(kind, part)?;
    Ok((name, Write { table, action, condition, tells_on_failure }))
}

fn read_action(kind: &str, part: TransactPart) -> Result<(Action, Option<crate::expression::Condition>), Error> {
    let has_expression = part.condition_expression.is_some() || part.update_expression.is_some();
    let missing = match kind {
        "Update" => "UpdateExpression and ConditionExpression are null",
        _ => "ConditionExpression is null",
    };
    let mut placeholders = reading::placeholders(
        part.expression_attribute_names,
        part.expression_attribute_values,
        has_expression,
        missing,
    )?;
    let update = part.update_expression.as_deref().map(|text| Update::parse(text, &mut placeholders)).transpose()?;
    let condition = reading::condition(Kind::Condition, part.condition_expression.as_deref(), &mut placeholders)?;
    placeholders.check_used()?;
    let action = match (kind, update) {
        ("Put", _) => Action::Put(reading::item(part.item)?),
        ("Delete", _) => Action::Delete(reading::item(part.key)?),
        ("Update", Some(update)) => Action::Update(reading::item(part.key)?, update),
        _ => Action::Check(reading::item(part.key)?),
    };
    Ok((action, condition))
}

pub(super) async fn get(state: State, context: RequestContext, input: TransactGet) -> Result<TransactGot, Error> {
    let (mut names, mut wanted, mut projections) = (Vec::new(), Vec::new(), Vec::new());
    for item in input.transact_items {
        let part = item.get;
        let has_expression = part.projection_expression.is_some();
        let mut placeholders = reading::placeholders(
            part.expression_attribute_names,
            None,
            has_expression,
            "ProjectionExpression is null",
        )?;
        projections.push(reading::projection(part.projection_expression.as_deref(), &mut placeholders)?);
        placeholders.check_used()?;
        wanted.push((address::table(&context, &part.table_name)?, reading::item(part.key)?));
        names.push(part.table_name);
    }
    let found = state.get_together(&wanted)?;
    let mut taken: BTreeMap<&str, Taken> = BTreeMap::new();
    for (name, (table, item)) in names.iter().zip(&found) {
        let bytes = item.as_ref().map_or(0, item_size);
        taken.entry(name).or_default().add(&Taken::reading(table, None, bytes, FACTOR));
    }
    let consumed_capacity = capacities(taken, input.return_consumed_capacity.as_deref());
    let shown = found.into_iter().zip(&projections).map(|((_, item), projection)| ItemResponse {
        item: item.map(|item| reading::projected(item, projection.as_ref())),
    });
    Ok(TransactGot { responses: shown.collect(), consumed_capacity })
}
