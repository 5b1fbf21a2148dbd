//! Handlers for transactions.

use super::items::{all_collections, tells};
use super::shapes::items::{
    Capacity, ItemResponse, TransactGet, TransactGot, TransactPart, TransactWrite, TransactWriteItem, Transacted,
};
use super::{address, reading};
use crate::expression::{Kind, Update};
use crate::transact::{FACTOR, Token, taken_of};
use crate::write::{Action, Write};
use crate::{Error, Tables};
use fogbank_model::RequestContext;
use sha2::{Digest, Sha256};
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
    let again: Vec<_> = if token.is_some() { writes.clone() } else { Vec::new() };
    let asked = input.return_consumed_capacity.as_deref();
    let Some(written) = state.transact(writes, token).await? else {
        let consumed_capacity = Capacity::of_all(names.iter().zip(state.reread(&again)?), asked, true);
        return Ok(Transacted { consumed_capacity, item_collection_metrics: None });
    };
    Ok(Transacted {
        consumed_capacity: Capacity::of_all(names.iter().zip(written.iter().map(|one| one.taken(FACTOR))), asked, true),
        item_collection_metrics: all_collections(&names, &written, input.return_item_collection_metrics.as_deref()),
    })
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
    let (names, values) = (part.expression_attribute_names, part.expression_attribute_values);
    reading::check_placeholders((&names, values.as_ref()), has_expression, missing)?;
    let item = reading::item(if kind == "Put" { part.item } else { part.key })?;
    let mut placeholders = reading::placeholders(names, values)?;
    let update = part.update_expression.as_deref().map(|text| Update::parse(text, &mut placeholders)).transpose()?;
    let condition = reading::condition(Kind::Condition, part.condition_expression.as_deref(), &mut placeholders)?;
    placeholders.check_used()?;
    let action = match (kind, update) {
        ("Put", _) => Action::Put(item),
        ("Delete", _) => Action::Delete(item),
        ("Update", Some(update)) => Action::Update(item, update),
        _ => Action::Check(item),
    };
    Ok((action, condition))
}

pub(super) async fn get(state: State, context: RequestContext, input: TransactGet) -> Result<TransactGot, Error> {
    let (mut names, mut wanted, mut projections) = (Vec::new(), Vec::new(), Vec::new());
    for item in input.transact_items {
        let part = item.get;
        let (its_names, has_expression) = (part.expression_attribute_names, part.projection_expression.is_some());
        reading::check_placeholders((&its_names, None), has_expression, "ProjectionExpression is null")?;
        wanted.push((address::table(&context, &part.table_name)?, reading::item(part.key)?));
        let mut placeholders = reading::placeholders(its_names, None)?;
        projections.push(reading::projection(part.projection_expression.as_deref(), &mut placeholders)?);
        placeholders.check_used()?;
        names.push(part.table_name);
    }
    let found = state.get_together(&wanted)?;
    let taken = names.iter().zip(found.iter().map(taken_of));
    let consumed_capacity = Capacity::of_all(taken, input.return_consumed_capacity.as_deref(), true);
    let shown = found.into_iter().zip(&projections).map(|((_, item), projection)| ItemResponse {
        item: item.map(|item| reading::projected(item, projection.as_ref())),
    });
    Ok(TransactGot { responses: shown.collect(), consumed_capacity })
}
