//! Transactions: writes that are all made or none, and reads of one state ("Managing complex workflows with transactions" in the
//! Developer Guide).

use crate::capacity::Taken;
use crate::contents;
use crate::keys::{self, ItemKey};
use crate::schema::{Table, TableKey};
use crate::upkeep::TOKEN_KEPT;
use crate::value::{Item, item_size};
use crate::write::{Write, Written, key_given, located, perform};
use crate::{Error, Reason, Tables};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Tx};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What reading and writing cost in a transaction, beside without.
pub(crate) const FACTOR: f64 = 2.0;
/// The bytes that the items of a transaction have together, at most.
const BYTES: usize = 4 << 20;

/// An item that was looked for, and its table.
pub(crate) type Found = (Arc<Table>, Option<Item>);

/// What makes a transaction that comes again the same one.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub account: AccountId,
    pub region: Region,
    pub token: String,
    /// A digest of the request.
    pub digest: [u8; 32],
}

impl Tables {
    /// Makes all writes, or none. Nothing is answered if the same transaction was made before under its token.
    pub(crate) async fn transact(
        &self,
        writes: Vec<Write>,
        token: Option<Token>,
    ) -> Result<Option<Vec<Written>>, Error> {
        for write in &writes {
            self.keep(&write.table)?;
        }
        let registry = self.registry.clone();
        let all = move |tx: &mut Tx<'_>| {
            if let Some(token) = &token
                && is_known(tx, token)?
            {
                return Ok(None);
            }
            let mut places = BTreeSet::new();
            for write in &writes {
                let table = registry.find(tx, &write.table)?;
                if let Ok((_, at)) = located(&table, &write.action)
                    && !places.insert((table.place, at))
                {
                    return Err(Error::validation(
                        "Transaction request cannot include multiple operations on one item",
                    ));
                }
            }
            let mut written = Vec::with_capacity(writes.len());
            let mut reasons = Vec::with_capacity(writes.len());
            for write in &writes {
                match perform(tx, &registry, write) {
                    Ok(one) => {
                        written.push(one);
                        reasons.push(Reason::default());
                    }
                    Err(error) => reasons.push(reason(error)?),
                }
            }
            if reasons.iter().any(|reason| reason.code.is_some()) {
                return Err(Error::Cancelled(reasons));
            }
            if written.iter().map(|one| one.effort.bytes).sum::<usize>() > BYTES {
                return Err(too_large());
            }
            Ok(Some(written))
        };
        self.store.transact(all).await
    }

    /// What it takes to look again at the items that `writes` were about, which is what a transaction takes that was made before.
    pub(crate) fn reread(&self, writes: &[Write]) -> Result<Vec<Taken>, Error> {
        self.store.read(|snapshot| {
            let read = |write: &Write| {
                let table = self.registry.find_committed(snapshot, &write.table)?;
                let (_, at) = located(&table, &write.action)?;
                let bytes = contents::item(snapshot, &table, &at)?.map_or(0, |item| item_size(&item));
                Ok(Taken::reading(&table, None, bytes, FACTOR))
            };
            writes.iter().map(read).collect()
        })
    }

    /// Items of one committed state, in the order of their keys.
    pub(crate) fn get_together(&self, wanted: &[(TableKey, Item)]) -> Result<Vec<Found>, Error> {
        self.store.read(|snapshot| {
            let mut places = BTreeSet::new();
            let mut found = Vec::with_capacity(wanted.len());
            let mut reasons = Vec::with_capacity(wanted.len());
            for (table, key) in wanted {
                let table = self.registry.find_committed(snapshot, table)?;
                let at: Result<ItemKey, Error> = key_given(&table, key);
                match at {
                    Ok(at) => {
                        if !places.insert((table.place, at.clone())) {
                            return Err(Error::validation(
                                "Transaction request cannot include multiple operations on one item",
                            ));
                        }
                        let item = contents::item(snapshot, &table, &at)?;
                        found.push((table, item));
                        reasons.push(Reason::default());
                    }
                    Err(error) => reasons.push(reason(error)?),
                }
            }
            if reasons.iter().any(|reason| reason.code.is_some()) {
                return Err(Error::Cancelled(reasons));
            }
            let sizes = found.iter().map(|(_, item): &Found| item.as_ref().map_or(0, item_size));
            match sizes.sum::<usize>() > BYTES {
                true => Err(too_large()),
                false => Ok(found),
            }
        })
    }
}

fn too_large() -> Error {
    Error::validation("Collection size of items in the transaction has exceeded the limit of 4 MB")
}

/// Whether the transaction was made before. If not, it is remembered: what follows is kept or forgotten with it.
fn is_known(tx: &mut Tx<'_>, token: &Token) -> Result<bool, Error> {
    let key = keys::token(&token.account, &token.region, &token.token);
    if let Some(bytes) = tx.get(keys::TOKEN, &key)? {
        let (until, digest) = bytes.split_at_checked(8).unwrap_or_default();
        let until = until.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes));
        if until > tx.now().0 {
            return if digest == token.digest { Ok(true) } else { Err(Error::TokenMismatch) };
        }
        // Its end would be taken for the new one's.
        tx.delete(keys::TOKEN_END, &keys::token_end(Timestamp(until), &key));
    }
    let until = tx.now().plus(TOKEN_KEPT);
    tx.put(keys::TOKEN, &key, [&until.0.to_be_bytes()[..], &token.digest].concat());
    tx.put(keys::TOKEN_END, &keys::token_end(until, &key), []);
    Ok(false)
}

/// Why one part stands in the way of its transaction; errors of the whole are errors.
fn reason(error: Error) -> Result<Reason, Error> {
    let message = error.to_string();
    let (code, item) = match error {
        Error::ConditionFailed(item) => ("ConditionalCheckFailed", item),
        Error::Validation(_) => ("ValidationError", None),
        Error::DuplicateItem => ("DuplicateItem", None),
        other => return Err(other),
    };
    Ok(Reason { code: Some(code), message: Some(message), item })
}

/// What finding an item in a transaction took.
pub(crate) fn taken_of((table, item): &Found) -> Taken {
    Taken::reading(table, None, item.as_ref().map_or(0, item_size), FACTOR)
}
