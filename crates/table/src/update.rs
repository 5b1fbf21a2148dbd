//! Changing tables: `UpdateTable`, and settings that have operations of their own.

use crate::billing::{self, Warm};
use crate::create::{self, IndexDraft, check_indexes};
use crate::key_schema::definitions;
use crate::registry::{next_number, save};
use crate::schema::{Encryption, Expiry, IndexKind, OnDemand, Phase, Table, TableKey, Throughput, View};
use crate::{Error, Tables, changes, keys, upkeep};
use fogbank_store::Tx;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is wished of a table; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Attribute definitions: names and types, of all keys that there will be.
    pub attributes: Option<Vec<(String, String)>>,
    /// `PROVISIONED` or `PAY_PER_REQUEST`.
    pub billing: Option<String>,
    /// Capacity units.
    pub throughput: Option<Throughput>,
    /// The most request units.
    pub on_demand: Option<OnDemand>,
    /// What it is to be able to take at once.
    pub warm: Option<Warm>,
    /// What happens to global indexes.
    pub indexes: Vec<IndexWish>,
    /// A change stream switched on, or off.
    pub stream: Option<Option<View>>,
    /// Encryption with a key of KMS, or without.
    pub encryption: Option<Option<Encryption>>,
    /// The table's class.
    pub class: Option<String>,
    /// Whether the table may not be deleted.
    pub is_protected: Option<bool>,
}

/// What happens to a global index.
#[derive(Debug, Clone)]
pub enum IndexWish {
    /// It is made, and filled with what is there.
    Create(IndexDraft),
    /// It takes more or less.
    Update(String, IndexCapacity),
    /// It goes.
    Delete(String),
}

impl IndexWish {
    fn name(&self) -> &str {
        match self {
            Self::Create(draft) => &draft.name,
            Self::Update(name, _) | Self::Delete(name) => name,
        }
    }
}

/// What a global index is to take; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct IndexCapacity {
    /// Capacity units.
    pub throughput: Option<Throughput>,
    /// The most request units.
    pub on_demand: Option<OnDemand>,
    /// What it is to be able to take at once.
    pub warm: Option<Warm>,
}

impl Wish {
    /// Whether AWS has done at once, too, what is wished.
    pub(crate) fn changes_nothing_slow(&self) -> bool {
        Self { is_protected: None, ..self.clone() }.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let capacity = [self.throughput.is_some(), self.on_demand.is_some(), self.warm.is_some()];
        let settings = [self.billing.is_some()].into_iter().chain(capacity);
        let others =
            [self.stream.is_some(), self.encryption.is_some(), self.class.is_some(), self.is_protected.is_some()];
        self.indexes.is_empty() && !settings.chain(others).any(|is_there| is_there)
    }
}

impl Tables {
    /// Changes a table as `wish` says. Answers what it was and what it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`], [`Error::LimitExceeded`].
    pub async fn update(&self, key: TableKey, wish: Wish) -> Result<(Table, Table), Error> {
        if wish.is_empty() {
            return Err(Error::validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
                 SSESpecification or ReplicaUpdates is required",
            ));
        }
        let change = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
            let before = table.clone();
            apply(tx, key, table, &wish)?;
            Ok((before, table.clone()))
        };
        self.alter(key, change).await
    }

    /// Changes a table's record with `change`.
    pub(crate) async fn alter<T: Send + 'static>(
        &self,
        key: TableKey,
        change: impl Fn(&mut Tx<'_>, &TableKey, &mut Table) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let registry = self.registry.clone();
        let alter = move |tx: &mut Tx<'_>| {
            let table = registry.look_up(tx, &key)?.ok_or_else(|| Error::no_table(&key.name))?;
            let mut table = Arc::unwrap_or_clone(table);
            let before = table.clone();
            let answer = change(tx, &key, &mut table)?;
            if table != before {
                save(tx, &key, &table)?;
            }
            Ok(answer)
        };
        self.store.transact(alter).await
    }

    /// Says when items expire, or that they do not.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] if it is so already.
    pub async fn set_expiry(&self, key: TableKey, attribute: String, is_on: bool) -> Result<(), Error> {
        let change = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| match (&table.expiry, is_on) {
            (None, false) => Err(Error::validation("TimeToLive is already disabled")),
            (Some(expiry), _) if expiry.attribute != attribute => Err(Error::validation(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                expiry.attribute
            ))),
            (Some(_), true) => Err(Error::validation("TimeToLive is already enabled")),
            (Some(expiry), false) => {
                upkeep::leave(tx, expiry.place);
                table.expiry = None;
                Ok(())
            }
            (None, true) => {
                let place = next_number(tx)?;
                table.expiry = Some(Expiry { place, attribute: attribute.clone(), phase: Phase::Filling(Vec::new()) });
                upkeep::fill_later(tx, key);
                Ok(())
            }
        };
        self.alter(key, change).await
    }

    /// Deletes a table, with all that is in it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] if it is protected.
    pub async fn delete(&self, key: TableKey) -> Result<Arc<Table>, Error> {
        let registry = self.registry.clone();
        let delete = move |tx: &mut Tx<'_>| {
            let table = registry.look_up(tx, &key)?.ok_or_else(|| Error::no_table(&key.name))?;
            if table.is_protected {
                return Err(Error::validation(
                    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
                ));
            }
            remove(tx, &key, &table)?;
            Ok(table)
        };
        self.store.transact(delete).await
    }

    /// A table, with its entries and bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn describe(&self, key: &TableKey) -> Result<Arc<Table>, Error> {
        self.store.read(|snapshot| self.registry.look_up(snapshot, key)?.ok_or_else(|| Error::no_table(&key.name)))
    }

    /// How many entries are below a table's or an index's `place`, and their bytes.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn counted(&self, place: u64) -> Result<(u64, u64), Error> {
        self.store.read(|snapshot| crate::contents::counted(snapshot, place))
    }
}

/// Removes a table, with all that is in it.
pub(crate) fn remove(tx: &mut Tx<'_>, key: &TableKey, table: &Table) -> Result<(), Error> {
    if let Some(stream) = &table.stream {
        changes::end(tx, key, stream)?;
    }
    tx.delete(keys::TABLE, &keys::table(key));
    let indexes = table.indexes.iter().map(|index| index.place);
    let others = [table.expiry.as_ref().map(|one| one.place), table.history.as_ref().map(|one| one.place)];
    let places = std::iter::once(table.place).chain(indexes).chain(others.into_iter().flatten());
    places.for_each(|place| upkeep::leave(tx, place));
    Ok(())
}

/// Changes `table` as `wish` says.
pub(crate) fn apply(tx: &mut Tx<'_>, key: &TableKey, table: &mut Table, wish: &Wish) -> Result<(), Error> {
    billing::change(table, wish, tx.now())?;
    set_stream(tx, key, table, wish)?;
    if let Some(encryption) = &wish.encryption {
        if encryption.is_none() && table.encryption.is_none() {
            return Err(Error::parameter("Table is already encrypted by default"));
        }
        table.encryption.clone_from(encryption);
    }
    if let Some(class) = &wish.class {
        table.class = Some(class.clone());
        table.class_since = Some(tx.now());
    }
    if let Some(is_protected) = wish.is_protected {
        table.is_protected = is_protected;
    }
    set_indexes(tx, key, table, wish)
}

fn set_stream(tx: &mut Tx<'_>, key: &TableKey, table: &mut Table, wish: &Wish) -> Result<(), Error> {
    match (wish.stream, table.stream.take()) {
        (None, stream) => {
            table.stream = stream;
            Ok(())
        }
        (Some(Some(_)), Some(_)) => {
            Err(Error::validation(format!("Table already has an enabled stream: TableName: {}", key.name)))
        }
        (Some(None), None) => {
            Err(Error::validation(format!("Table has no stream to disable: TableName: {}", key.name)))
        }
        (Some(None), Some(stream)) => changes::end(tx, key, &stream),
        (Some(Some(view)), None) => {
            let stream = changes::begin(tx, key, table, view)?;
            table.last_stream = Some(stream.label.clone());
            table.stream = Some(stream);
            Ok(())
        }
    }
}

fn set_indexes(tx: &mut Tx<'_>, key: &TableKey, table: &mut Table, wish: &Wish) -> Result<(), Error> {
    let mut named = BTreeSet::new();
    if let Some(twice) = wish.indexes.iter().map(IndexWish::name).find(|name| !named.insert(*name)) {
        return Err(Error::parameter(format!(
            "Only one global secondary index update per index is allowed simultaneously. Index: {twice}"
        )));
    }
    let comings_and_goings = wish.indexes.iter().filter(|one| !matches!(one, IndexWish::Update(..))).count();
    let is_busy = table.indexes.iter().any(|index| matches!(index.phase, Phase::Filling(_)));
    if comings_and_goings > 1 || (comings_and_goings == 1 && is_busy) {
        return Err(Error::LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table".into(),
        ));
    }
    let mut given: Vec<(String, String)> =
        table.attributes.iter().map(|one| (one.name.clone(), one.kind.as_str().to_owned())).collect();
    if let Some(attributes) = &wish.attributes {
        let known = definitions(attributes)?;
        for one in &known {
            let is_other = table.attributes.iter().any(|old| old.name == one.name && old.kind != one.kind);
            if is_other {
                return Err(Error::parameter(format!("Attribute {} cannot change its type", one.name)));
            }
        }
        given.retain(|(name, _)| !attributes.iter().any(|(new, _)| new == name));
        given.extend(attributes.iter().cloned());
    }
    for one in &wish.indexes {
        change_index(tx, key, table, one, &given, wish.billing.is_some())?;
    }
    if comings_and_goings == 0 {
        return Ok(());
    }
    // Definitions that no key uses any more go with their index. Ones that no key uses yet are passed over, not refused:
    // clients that make several indexes one after the other name the definitions of all with each.
    let used = |name: &str| table.keys.has(name) || table.indexes.iter().any(|index| index.keys.has(name));
    given.retain(|(name, _)| used(name));
    table.attributes = definitions(&given)?;
    check_indexes(&table.indexes)
}

fn change_index(
    tx: &mut Tx<'_>,
    key: &TableKey,
    table: &mut Table,
    wish: &IndexWish,
    given: &[(String, String)],
    is_billing_new: bool,
) -> Result<(), Error> {
    let missing = || Error::NotFound("Requested resource not found".into());
    match wish {
        IndexWish::Create(draft) => {
            if table.index(&draft.name).is_some() {
                return Err(Error::validation(format!(
                    "Attempting to create an index which already exists: {}",
                    draft.name
                )));
            }
            billing::check_index(draft, table.is_on_demand())?;
            let of = create::Draft { attributes: given.to_vec(), ..create::Draft::default() };
            let mut index = create::index(draft, IndexKind::Global, &definitions(given)?, &of)?;
            index.place = next_number(tx)?;
            index.phase = Phase::Filling(Vec::new());
            table.indexes.push(index);
            upkeep::fill_later(tx, key);
            Ok(())
        }
        IndexWish::Update(name, capacity) => {
            let billing = (table.is_on_demand(), is_billing_new);
            let index = table.indexes.iter_mut().find(|index| index.name == *name && index.kind == IndexKind::Global);
            billing::change_index(index.ok_or_else(missing)?, capacity, billing, tx.now())
        }
        IndexWish::Delete(name) => {
            let place = table.indexes.iter().position(|index| index.name == *name && index.kind == IndexKind::Global);
            let index = table.indexes.remove(place.ok_or_else(missing)?);
            upkeep::leave(tx, index.place);
            table.scaling.remove(name);
            table.insights_of.remove(name);
            Ok(())
        }
    }
}
