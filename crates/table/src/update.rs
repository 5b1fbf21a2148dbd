//! Changing tables: `UpdateTable`, and settings that have operations of their own.

use crate::create::{self, IndexDraft, check_indexes, check_late_count};
use crate::key_schema::definitions;
use crate::registry::{next_number, save};
use crate::schema::{
    Encryption, Expiry, Index, IndexKind, KeyAttribute, OnDemand, Phase, Table, TableKey, Throughput, View,
};
use crate::warm::Warm;
use crate::{Error, Tables, admission, billing, changes, contents, deleted, keys, quota, upkeep};
use fogbank_store::Tx;
use std::sync::Arc;

/// What is wished of a table; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Attribute definitions: names and types. They only matter to an index that is made.
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
    /// Whether that key is named by its ARN: then it must be another than it is.
    pub names_key_arn: bool,
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
    /// Whether an index is made or deleted, and not only to take something else.
    pub(crate) fn is_move(&self) -> bool {
        !matches!(self, Self::Update(..))
    }

    pub(crate) fn name(&self) -> &str {
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
    /// Whether a table that is changed so is `UPDATING` for a while on AWS.
    pub(crate) fn is_slow(&self) -> bool {
        self.billing.is_some()
            || self.throughput.is_some()
            || self.stream.is_some()
            || self.class.is_some()
            || self.indexes.iter().any(IndexWish::is_move)
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
        admission::check(&wish)?;
        let change = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
            if table.loading.is_some() {
                return Err(Error::being_made(&key.name));
            }
            let before = table.clone();
            apply(tx, key, table, &wish)?;
            quota::check_wish(&key.region, &wish)?;
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
                let is_empty = contents::counted(tx, table.place)?.0 == 0;
                let phase = if is_empty { Phase::Active } else { Phase::Filling(Vec::new()) };
                table.expiry = Some(Expiry { place, attribute: attribute.clone(), phase });
                if !is_empty {
                    upkeep::fill_later(tx, key);
                }
                Ok(())
            }
        };
        self.alter(key, change).await
    }

    /// Deletes a table, with all that is in it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] if it is protected, [`Error::InUse`] while an index of it is filled.
    pub async fn delete(&self, key: TableKey) -> Result<Arc<Table>, Error> {
        let registry = self.registry.clone();
        let delete = move |tx: &mut Tx<'_>| {
            let table = registry.look_up(tx, &key)?.ok_or_else(|| Error::no_table(&key.name))?;
            if table.is_protected {
                return Err(Error::validation(
                    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
                ));
            }
            if table.indexes.iter().any(|index| matches!(index.phase, Phase::Filling(_))) {
                return Err(Error::InUse(
                    "Attempt to change a resource which is still in use: Cannot delete table while indexes are being created, updated, or \
                     deleted."
                        .into(),
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
        self.store.read(|snapshot| contents::counted(snapshot, place))
    }
}

/// Removes a table, with all that is in it; its items once they are in a backup, if it had its changes kept.
pub(crate) fn remove(tx: &mut Tx<'_>, key: &TableKey, table: &Table) -> Result<(), Error> {
    if let Some(stream) = &table.stream {
        changes::end(tx, key, stream)?;
    }
    tx.delete(keys::TABLE, &keys::table(key));
    let indexes = table.indexes.iter().map(|index| index.place);
    let others = [table.expiry.as_ref().map(|one| one.place), table.history.as_ref().map(|one| one.place)];
    let items = (!deleted::keep(tx, key, table)?).then_some(table.place);
    let places = items.into_iter().chain(indexes).chain(others.into_iter().flatten());
    places.for_each(|place| upkeep::leave(tx, place));
    Ok(())
}

/// Changes `table` as `wish` says.
pub(crate) fn apply(tx: &mut Tx<'_>, key: &TableKey, table: &mut Table, wish: &Wish) -> Result<(), Error> {
    let was_on_demand = table.is_on_demand();
    billing::change(table, wish, tx.now())?;
    set_stream(tx, key, table, wish)?;
    if let Some(encryption) = &wish.encryption {
        set_encryption(table, encryption, wish.names_key_arn)?;
    }
    if let Some(class) = wish.class.as_ref().filter(|class| **class != table.class()) {
        table.class = Some(class.clone());
        table.class_since = Some(tx.now());
    }
    if let Some(is_protected) = wish.is_protected {
        table.is_protected = is_protected;
    }
    set_indexes(tx, key, table, wish, was_on_demand)
}

fn set_encryption(table: &mut Table, wanted: &Option<Encryption>, is_by_arn: bool) -> Result<(), Error> {
    let is_same = *wanted == table.encryption;
    match wanted {
        None if is_same => return Err(Error::parameter("Table is already encrypted by default")),
        Some(_) if is_same && is_by_arn => {
            return Err(Error::parameter(
                "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key",
            ));
        }
        _ => table.encryption.clone_from(wanted),
    }
    Ok(())
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

fn set_indexes(
    tx: &mut Tx<'_>,
    key: &TableKey,
    table: &mut Table,
    wish: &Wish,
    was_on_demand: bool,
) -> Result<(), Error> {
    let moved: Vec<&IndexWish> = wish.indexes.iter().filter(|one| one.is_move()).collect();
    let is_filling = |index: &Index| matches!(index.phase, Phase::Filling(_));
    let is_busy = |one: &IndexWish| table.indexes.iter().any(|index| is_filling(index) && index.name != one.name());
    if moved.len() > 1 || moved.iter().any(|one| is_busy(one)) {
        return Err(Error::LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table".into(),
        ));
    }
    for one in &wish.indexes {
        match one {
            IndexWish::Create(draft) => add_index(tx, key, table, draft, wish.attributes.as_deref())?,
            IndexWish::Update(name, capacity) => {
                let billing = (table.is_on_demand(), was_on_demand != table.is_on_demand());
                let at = global_index(key, table, name, "update")?;
                billing::change_index(&mut table.indexes[at], capacity, billing, tx.now())?;
            }
            IndexWish::Delete(name) => {
                let at = global_index(key, table, name, "delete")?;
                upkeep::leave(tx, table.indexes.remove(at).place);
                table.scaling.remove(name);
                table.insights_of.remove(name);
            }
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    // Definitions that no key uses any more go with their index. Ones that no key uses yet are passed over, not refused:
    // clients that make several indexes one after the other name the definitions of all with each.
    let used = |name: &str| table.keys.has(name) || table.indexes.iter().any(|index| index.keys.has(name));
    table.attributes = std::mem::take(&mut table.attributes).into_iter().filter(|one| used(&one.name)).collect();
    check_indexes(&table.indexes)?;
    check_late_count(&table.indexes)
}

/// Where the global index called `name` is among the table's indexes.
fn global_index(key: &TableKey, table: &Table, name: &str, verb: &str) -> Result<usize, Error> {
    let at = table.indexes.iter().position(|index| index.name == name);
    let missing = || Error::NotFound(format!("Requested resource not found: Index {name} for table {}", key.name));
    let at = at.ok_or_else(missing)?;
    match table.indexes[at].kind {
        IndexKind::Global => Ok(at),
        IndexKind::Local => {
            Err(Error::validation(format!("Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")))
        }
    }
}

/// Adds an index. Of `given` definitions only those are looked at that the table does not have.
fn add_index(
    tx: &mut Tx<'_>,
    key: &TableKey,
    table: &mut Table,
    draft: &IndexDraft,
    given: Option<&[(String, String)]>,
) -> Result<(), Error> {
    if table.index(&draft.name).is_some() {
        return Err(Error::validation("Attempting to create an index which already exists"));
    }
    let not_given = || Error::parameter(format!("AttributeDefinitions is not specified for index: {}", draft.name));
    let given = given.ok_or_else(not_given)?;
    let is_new = |one: &KeyAttribute| !table.attributes.iter().any(|old| old.name == one.name);
    let new: Vec<KeyAttribute> = definitions(given)?.into_iter().filter(is_new).collect();
    table.attributes.extend(new);
    billing::check_late_index(draft, table.is_on_demand())?;
    let mut index = create::index(draft, IndexKind::Global, &table.attributes, given)?;
    index.place = next_number(tx)?;
    index.phase = Phase::Filling(Vec::new());
    table.indexes.push(index);
    upkeep::fill_later(tx, key);
    Ok(())
}
