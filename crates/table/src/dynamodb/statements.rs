//! Handlers for statements of PartiQL.

use super::address;
use super::items::tells;
use super::shapes::items::{Capacity, ItemResponse};
use super::shapes::statements::{
    BatchError, BatchExecute, BatchExecuted, BatchResponse, ExecuteStatement, ExecuteTransaction, Executed,
    OneStatement, TransactionExecuted,
};
use crate::capacity::{Taken, read_factor};
use crate::partiql::{Returning, Select, Statement};
use crate::schema::TableKey;
use crate::statements::{Position, Reading, TRANSACTION, item_of, returned, write_of};
use crate::transact::{FACTOR, Token, taken_of};
use crate::value::{AttributeValue, Item, decode_item, encode_item, item_size};
use crate::write::Write;
use crate::{Error, Tables};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fogbank_model::RequestContext;
use fogbank_wire::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

type State = Arc<Tables>;

fn read(text: &str, parameters: Vec<Value>) -> Result<Statement, Error> {
    let values: Result<Vec<_>, _> = parameters.into_iter().map(AttributeValue::from_wire).collect();
    Ok(Statement::parse(text, values?)?)
}

pub(super) async fn execute(state: State, context: RequestContext, input: ExecuteStatement) -> Result<Executed, Error> {
    let mark = mark(&input.statement, &input.parameters);
    let from = input.next_token.as_deref().map(|token| position(token, mark)).transpose()?.unwrap_or_default();
    let statement = read(&input.statement, input.parameters)?;
    let name = statement.table().to_owned();
    let key = address::table(&context, &name)?;
    let asked = input.return_consumed_capacity.as_deref();
    let select = match statement {
        Statement::Select(select) => select,
        Statement::Exists(_) => {
            return Err(Error::validation("Unsupported operation: EXISTS is only supported in ExecuteTransaction"));
        }
        change => {
            let table = state.table_of(&key)?;
            let tells = tells(input.return_values_on_condition_check_failure.as_deref());
            let Some((write, returning)) = write_of(change, key, &table, tells)? else {
                return Err(Error::validation("Unsupported operation"));
            };
            let written = state.write(write).await?;
            return Ok(Executed {
                items: returned(returning, &written),
                next_token: None,
                consumed_capacity: Capacity::of(&name, &written.taken(1.0), asked, false),
                last_evaluated_key: None,
            });
        }
    };
    let how = Reading { is_consistent: input.consistent_read, limit: input.limit, from };
    let found = state.select(&key, &select, &how)?;
    Ok(Executed {
        items: found.items,
        next_token: found.next.as_ref().map(|next| token(next, mark)),
        consumed_capacity: Capacity::of(&name, &found.taken, asked, false),
        last_evaluated_key: found.next.and_then(|next| next.after),
    })
}

/// Which statement a token belongs to.
fn mark(text: &str, parameters: &[Value]) -> [u8; 8] {
    let digest = Sha256::digest(format!("{text}\0{parameters:?}"));
    digest.first_chunk::<8>().copied().unwrap_or_default()
}

fn token(next: &Position, mark: [u8; 8]) -> String {
    let partition = u32::try_from(next.partition).unwrap_or(u32::MAX).to_be_bytes();
    let after = next.after.as_ref().map(encode_item).unwrap_or_default();
    BASE64.encode([&mark[..], &partition, &after].concat())
}

/// What [`token`] wrote.
fn position(token: &str, mark: [u8; 8]) -> Result<Position, Error> {
    let read = || {
        let bytes = BASE64.decode(token).ok()?;
        let (of, rest) = bytes.split_first_chunk::<8>()?;
        let (partition, after) = rest.split_first_chunk::<4>()?;
        let after = if after.is_empty() { None } else { Some(decode_item(after)?) };
        Some((*of, Position { partition: u32::from_be_bytes(*partition) as usize, after }))
    };
    match read() {
        Some((of, position)) if of == mark => Ok(position),
        Some(_) => Err(Error::validation("NextToken does not match request")),
        None => Err(Error::validation("Invalid NextToken")),
    }
}

/// A statement of a batch, ready to be executed.
enum Ready {
    Read(TableKey, Select, bool),
    Write(Write, Returning),
}

/// What became of one statement of a batch: what it answers, and what it took.
type Answer = Result<(Option<Item>, Taken), Error>;

pub(super) async fn batch(state: State, context: RequestContext, input: BatchExecute) -> Result<BatchExecuted, Error> {
    let read: Vec<_> =
        input.statements.into_iter().map(|one| (read(&one.statement, one.parameters.clone()), one)).collect();
    let kinds = read.iter().filter_map(|(statement, _)| Some(statement.as_ref().ok()?.is_read()));
    check_alike(kinds, "batch")?;
    let name = |statement: &Result<Statement, Error>| Some(statement.as_ref().ok()?.table().to_owned());
    let names: Vec<Option<String>> = read.iter().map(|(statement, _)| name(statement)).collect();
    let ready = read
        .into_iter()
        .map(|(statement, one)| statement.and_then(|statement| ready(&state, &context, statement, &one)))
        .collect();
    let answers = execute_each(&state, ready).await?;
    let taken =
        names.iter().zip(&answers).filter_map(|(name, answer)| Some((name.as_ref()?, answer.as_ref().ok()?.1.clone())));
    let consumed_capacity = Capacity::of_all(taken, input.return_consumed_capacity.as_deref(), false);
    let responses = names.iter().cloned().zip(answers).map(|(table_name, answer)| match answer {
        Ok((item, _)) => BatchResponse { table_name, item, error: None },
        Err(error) => BatchResponse { table_name, item: None, error: Some(refusal(error)) },
    });
    Ok(BatchExecuted { responses: responses.collect(), consumed_capacity })
}

/// Reads one by one; writes all that can be made in one transaction, in which each fails on its own.
async fn execute_each(state: &Tables, all: Vec<Result<Ready, Error>>) -> Result<Vec<Answer>, Error> {
    let writes = all.iter().filter_map(|one| match one {
        Ok(Ready::Write(write, _)) => Some(write.clone()),
        _ => None,
    });
    let mut made = state.write_each(writes.collect()).await?.into_iter();
    let answer = |one: Result<Ready, Error>| match one? {
        Ready::Read(key, select, is_consistent) => get(state, &key, select, is_consistent),
        Ready::Write(_, returning) => {
            let written = made.next().unwrap_or_else(|| Err(Error::validation("Unsupported operation")))?;
            Ok((returned(returning, &written).pop(), written.taken(1.0)))
        }
    };
    all.into_iter().map(answer).map(store_errors_apart).collect()
}

/// A failure of the store is the whole request's.
fn store_errors_apart(answer: Answer) -> Result<Answer, Error> {
    match answer {
        Err(error @ Error::Store(_)) => Err(error),
        other => Ok(other),
    }
}

/// All statements read, or all write.
fn check_alike(mut kinds: impl Iterator<Item = bool>, what: &str) -> Result<(), Error> {
    let first = kinds.next();
    match kinds.all(|kind| Some(kind) == first) {
        true => Ok(()),
        false => Err(Error::validation(format!(
            "The entire {what} must consist of either read statements or write statements, you cannot mix both in one {what}"
        ))),
    }
}

fn ready(state: &Tables, context: &RequestContext, statement: Statement, one: &OneStatement) -> Result<Ready, Error> {
    let key = address::table(context, statement.table())?;
    let statement = match statement {
        Statement::Select(select) => return Ok(Ready::Read(key, select, one.consistent_read)),
        Statement::Exists(_) => {
            return Err(Error::validation("Unsupported operation: EXISTS is only supported in ExecuteTransaction"));
        }
        change => change,
    };
    let table = state.table_of(&key)?;
    let tells = tells(one.return_values_on_condition_check_failure.as_deref());
    let made = write_of(statement, key, &table, tells)?;
    let (write, returning) = made.ok_or_else(|| Error::validation("Unsupported operation"))?;
    Ok(Ready::Write(write, returning))
}

/// The item that a selection of one is of.
fn get(state: &Tables, key: &TableKey, select: Select, is_consistent: bool) -> Result<(Option<Item>, Taken), Error> {
    let table = state.table_of(key)?;
    let columns = Select { condition: None, ..select.clone() };
    let (item, rest) = item_of(select, &table, "BatchExecuteStatement")?;
    let (table, found) = state.store.read(|snapshot| state.get(snapshot, key, &item))?;
    let bytes = found.as_ref().map_or(0, item_size);
    let taken = Taken::reading(&table, None, bytes, read_factor(is_consistent));
    let found = found.filter(|found| rest.is_none_or(|rest| rest.holds(found)));
    Ok((found.map(|found| columns.of(&found)), taken))
}

/// `BatchStatementError`, which has codes of its own.
fn refusal(error: Error) -> BatchError {
    let message = error.to_string();
    let (code, item) = match error {
        Error::ConditionFailed(item) => ("ConditionalCheckFailed", item),
        Error::DuplicateItem => ("DuplicateItem", None),
        Error::NotFound(_) | Error::NoTable(_) => ("ResourceNotFound", None),
        Error::Store(_) => ("InternalServerError", None),
        Error::Other("AccessDeniedException", _) => ("AccessDenied", None),
        _ => ("ValidationError", None),
    };
    BatchError { code, message, item }
}

pub(super) async fn transaction(
    state: State,
    context: RequestContext,
    input: ExecuteTransaction,
) -> Result<TransactionExecuted, Error> {
    let token = input.client_request_token.map(|token| Token {
        account: context.account.clone(),
        region: context.region.clone(),
        token,
        digest: Sha256::digest(format!("{:?}", input.transact_statements)).into(),
    });
    let mut statements = Vec::with_capacity(input.transact_statements.len());
    for one in input.transact_statements {
        let tells = tells(one.return_values_on_condition_check_failure.as_deref());
        statements.push((read(&one.statement, one.parameters)?, tells));
    }
    check_alike(statements.iter().map(|(statement, _)| statement.is_read()), "transaction")?;
    let asked = input.return_consumed_capacity.as_deref();
    match statements.first() {
        Some((Statement::Select(_), _)) => {
            let selects = statements.into_iter().filter_map(|(statement, _)| match statement {
                Statement::Select(select) => Some(select),
                _ => None,
            });
            get_together(&state, &context, selects.collect(), asked)
        }
        _ => write_together(&state, &context, statements, token, asked).await,
    }
}

fn get_together(
    state: &Tables,
    context: &RequestContext,
    selects: Vec<Select>,
    asked: Option<&str>,
) -> Result<TransactionExecuted, Error> {
    let (mut names, mut wanted, mut rests) = (Vec::new(), Vec::new(), Vec::new());
    for select in selects {
        let key = address::table(context, &select.source.table)?;
        let table = state.table_of(&key)?;
        names.push(select.source.table.clone());
        let columns = Select { condition: None, ..select.clone() };
        let (item, rest) = item_of(select, &table, TRANSACTION)?;
        wanted.push((key, item));
        rests.push((columns, rest));
    }
    let found = state.get_together(&wanted)?;
    let consumed_capacity = Capacity::of_all(names.iter().zip(found.iter().map(taken_of)), asked, true);
    let responses = found.into_iter().zip(rests).map(|((_, item), (columns, rest))| {
        let item = item.filter(|item| rest.is_none_or(|rest| rest.holds(item)));
        ItemResponse { item: item.map(|item| columns.of(&item)) }
    });
    Ok(TransactionExecuted { responses: responses.collect(), consumed_capacity })
}

async fn write_together(
    state: &Tables,
    context: &RequestContext,
    statements: Vec<(Statement, bool)>,
    token: Option<Token>,
    asked: Option<&str>,
) -> Result<TransactionExecuted, Error> {
    let (mut names, mut writes, mut returnings) = (Vec::new(), Vec::new(), Vec::new());
    for (statement, tells) in statements {
        let name = statement.table().to_owned();
        let key = address::table(context, &name)?;
        let table = state.table_of(&key)?;
        let Some((write, returning)) = write_of(statement, key, &table, tells)? else { continue };
        names.push(name);
        writes.push(write);
        returnings.push(returning);
    }
    let Some(written) = state.transact(writes, token).await? else { return Ok(TransactionExecuted::default()) };
    let taken = names.iter().zip(written.iter().map(|one| one.taken(FACTOR)));
    let consumed_capacity = Capacity::of_all(taken, asked, true);
    let responses = returnings.iter().zip(&written).map(|(returning, one)| returned(*returning, one).pop());
    let responses: Vec<_> = responses.map(|item| ItemResponse { item }).collect();
    // A transaction that answers nothing has no responses.
    let is_silent = responses.iter().all(|response| response.item.is_none());
    Ok(TransactionExecuted { responses: if is_silent { Vec::new() } else { responses }, consumed_capacity })
}
