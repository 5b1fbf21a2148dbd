//! Making tables. The rules are those of `CreateTable` in the API reference, and "Service, account, and table quotas".

use crate::billing::{self, Whose};
use crate::changes;
use crate::key_schema::{check_used, definitions, key_schema};
use crate::registry::{self, next_number, save};
use crate::schema::{
    Adjusted, Encryption, Index, IndexKind, KeyAttribute, KeySchema, OnDemand, Phase, Projection, Table, TableKey,
    Throughput, View,
};
use crate::warm::{self, Warm};
use crate::{Error, Tables, quota, tags};
use fogbank_store::Tx;
use std::collections::{BTreeMap, BTreeSet};

const LOCAL_INDEXES: usize = 5;
const GLOBAL_INDEXES: usize = 20;
/// Attributes that all indexes with `INCLUDE` name together.
const INCLUDED: usize = 100;
/// Tables of an account in a region.
const TABLES: usize = 2500;

/// A table as it is wished for, in the API's own words. Enumerations are checked by the wire.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Attribute definitions: names and types.
    pub attributes: Vec<(String, String)>,
    /// The key's elements: names and roles.
    pub keys: Vec<(String, String)>,
    /// Local secondary indexes, if the list is given.
    pub local: Option<Vec<IndexDraft>>,
    /// Global secondary indexes, if the list is given.
    pub global: Option<Vec<IndexDraft>>,
    /// `PROVISIONED` or `PAY_PER_REQUEST`.
    pub billing: Option<String>,
    /// Capacity units.
    pub throughput: Option<Throughput>,
    /// The most request units.
    pub on_demand: Option<OnDemand>,
    /// What it is to be able to take at once.
    pub warm: Option<Warm>,
    /// What a change stream shows, if there is to be one.
    pub stream: Option<View>,
    /// Encryption with a key of KMS.
    pub encryption: Option<Encryption>,
    /// The table's class.
    pub class: Option<String>,
    /// Whether the table may not be deleted.
    pub is_protected: bool,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// A resource policy.
    pub policy: Option<String>,
}

/// An index as it is wished for.
#[derive(Debug, Clone, Default)]
pub struct IndexDraft {
    /// Its name.
    pub name: String,
    /// The key's elements: names and roles.
    pub keys: Vec<(String, String)>,
    /// The projection's type.
    pub projection: Option<String>,
    /// Attributes that are not part of a key.
    pub included: Option<Vec<String>>,
    /// Capacity units, for a global index.
    pub throughput: Option<Throughput>,
    /// The most request units, for a global index.
    pub on_demand: Option<OnDemand>,
    /// What it is to be able to take at once, for a global index.
    pub warm: Option<Warm>,
}

impl Tables {
    /// Makes a table.
    ///
    /// # Errors
    /// [`Error::InUse`] if there is one of that name, [`Error::Validation`], [`Error::LimitExceeded`].
    pub async fn create(&self, key: TableKey, draft: Draft) -> Result<(), Error> {
        check_name(&key.name)?;
        let plan = plan(&draft)?;
        quota::check_draft(&key.region, &draft)?;
        let id = self.clock.uuid();
        let registry = self.registry.clone();
        let change = move |tx: &mut Tx<'_>| {
            if let Some(there) = registry.look_up(tx, &key)? {
                return Err(match there.loading {
                    Some(_) => Error::being_made(&key.name),
                    None => Error::InUse(format!("Table already exists: {}", key.name)),
                });
            }
            if registry::count(tx, &key.account, &key.region)? >= TABLES {
                return Err(Error::LimitExceeded(format!(
                    "Subscriber limit exceeded: There is a limit of {TABLES} tables per subscriber"
                )));
            }
            let mut table = plan.table(tx, id.clone(), &draft)?;
            if let Some(view) = draft.stream {
                let stream = changes::begin(tx, &key, &table, view)?;
                table.last_stream = Some(stream.label.clone());
                table.stream = Some(stream);
            }
            save(tx, &key, &table)
        };
        self.store.transact(change).await
    }
}

/// The keys and indexes of a draft, checked.
pub(crate) struct Plan {
    attributes: Vec<KeyAttribute>,
    keys: KeySchema,
    indexes: Vec<Index>,
    warm: Option<Throughput>,
}

impl Plan {
    pub fn table(&self, tx: &mut Tx<'_>, id: String, draft: &Draft) -> Result<Table, Error> {
        let is_on_demand = is_on_demand(draft);
        let mut indexes = self.indexes.clone();
        for index in &mut indexes {
            index.place = next_number(tx)?;
        }
        Ok(Table {
            id,
            place: next_number(tx)?,
            created: tx.now(),
            attributes: self.attributes.clone(),
            keys: self.keys.clone(),
            indexes,
            throughput: draft.throughput.unwrap_or_default(),
            on_demand_since: is_on_demand.then(|| tx.now()),
            last_on_demand: is_on_demand.then(|| tx.now()),
            shows_billing: is_on_demand,
            on_demand: draft.on_demand.filter(OnDemand::is_given),
            warm: self.warm,
            adjusted: Adjusted::default(),
            stream: None,
            last_stream: None,
            expiry: None,
            history: None,
            encryption: draft.encryption.clone(),
            class: draft.class.clone(),
            class_since: None,
            is_protected: draft.is_protected,
            tags: draft.tags.iter().cloned().collect(),
            stream_tags: BTreeMap::new(),
            policy: draft.policy.clone().map(|policy| (policy, tx.now().0.to_string())),
            stream_policy: None,
            restored: None,
            loading: None,
            destinations: BTreeMap::new(),
            global_since: None,
            scaling: BTreeMap::new(),
            insights_of: BTreeMap::new(),
        })
    }
}

pub(crate) fn is_on_demand(draft: &Draft) -> bool {
    draft.billing.as_deref() == Some("PAY_PER_REQUEST")
}

pub(crate) const TABLE_NAME_LENGTH: &str =
    "TableName must be at least 3 characters long and at most 255 characters long";

/// A table's or an index's name: 3 to 255 letters, digits, `_`, `-` and `.`.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !(3..=255).contains(&name.len()) {
        return Err(Error::validation(TABLE_NAME_LENGTH));
    }
    if !name.bytes().all(is_allowed) {
        return Err(Error::validation(format!(
            "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [a-zA-Z0-9_.-]+"
        )));
    }
    Ok(())
}

/// Checks what a table is to be.
pub(crate) fn plan(draft: &Draft) -> Result<Plan, Error> {
    billing::check(draft)?;
    let attributes = definitions(&draft.attributes)?;
    let keys = key_schema(&draft.keys, false, &attributes, &draft.attributes)?;
    for (what, given) in [("Local", &draft.local), ("Global", &draft.global)] {
        if given.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::parameter(format!("List of {what}SecondaryIndexes is empty")));
        }
    }
    check_used(&attributes, &keys, draft)?;
    let mut indexes = Vec::new();
    if let Some(local) = &draft.local {
        if keys.range.is_none() {
            return Err(Error::parameter(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
            ));
        }
        if local.len() > LOCAL_INDEXES {
            return Err(Error::parameter(format!(
                "Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES}"
            )));
        }
        for one in local {
            let index = self::index(one, IndexKind::Local, &attributes, &draft.attributes)?;
            check_local(&index, &keys)?;
            indexes.push(index);
        }
    }
    if let Some(global) = &draft.global {
        check_global_count(global.len())?;
        for one in global {
            billing::check_index(one, is_on_demand(draft))?;
            indexes.push(self::index(one, IndexKind::Global, &attributes, &draft.attributes)?);
        }
    }
    check_indexes(&indexes)?;
    tags::check_given(&draft.tags)?;
    tags::check_all(&draft.tags.iter().cloned().collect())?;
    let warm = warm::begin(draft.throughput.unwrap_or_default(), draft.warm, Whose::Table)?;
    Ok(Plan { attributes, keys, indexes, warm })
}

/// Reads an index; it has no place yet.
pub(crate) fn index(
    draft: &IndexDraft,
    kind: IndexKind,
    attributes: &[KeyAttribute],
    given: &[(String, String)],
) -> Result<Index, Error> {
    let keys = key_schema(&draft.keys, kind == IndexKind::Global, attributes, given)?;
    let projection = projection(draft)?;
    let name = draft.name.clone();
    let (throughput, on_demand) = (draft.throughput.unwrap_or_default(), draft.on_demand.filter(OnDemand::is_given));
    let warm = warm::begin(throughput, draft.warm, Whose::Index(&name))?;
    let (adjusted, phase) = (Adjusted::default(), Phase::Active);
    Ok(Index { name, place: 0, kind, keys, projection, throughput, on_demand, warm, adjusted, phase })
}

fn projection(draft: &IndexDraft) -> Result<Projection, Error> {
    let included = draft.included.clone();
    match (draft.projection.as_deref(), included) {
        (None, _) => Err(Error::parameter("Unknown ProjectionType: null")),
        (Some("INCLUDE"), None) => {
            Err(Error::parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"))
        }
        (Some("INCLUDE"), Some(names)) => {
            let mut seen = BTreeSet::new();
            match names.iter().find(|name| !seen.insert(*name)) {
                Some(twice) => Err(Error::parameter(format!("Duplicate element in NonKeyAttributes: {twice}"))),
                None => Ok(Projection::Include(names)),
            }
        }
        (Some(kind), Some(_)) => {
            Err(Error::parameter(format!("ProjectionType is {kind}, but NonKeyAttributes is specified")))
        }
        (Some("KEYS_ONLY"), None) => Ok(Projection::KeysOnly),
        (Some(_), None) => Ok(Projection::All),
    }
}

fn check_local(index: &Index, keys: &KeySchema) -> Result<(), Error> {
    if index.keys.range.is_none() {
        return Err(Error::parameter(format!("Index KeySchema does not have a range key for index: {}", index.name)));
    }
    if index.keys.hash != keys.hash {
        return Err(Error::parameter(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: {}. index hash key: {}, table \
             hash key: {}",
            index.name, index.keys.hash.first.name, keys.hash.first.name
        )));
    }
    Ok(())
}

fn check_global_count(count: usize) -> Result<(), Error> {
    match count > GLOBAL_INDEXES {
        true => {
            Err(Error::parameter(format!("GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES}")))
        }
        false => Ok(()),
    }
}

/// The same of a table that is there, where AWS says it otherwise.
pub(crate) fn check_late_count(indexes: &[Index]) -> Result<(), Error> {
    match indexes.iter().filter(|index| index.kind == IndexKind::Global).count() > GLOBAL_INDEXES {
        true => Err(Error::LimitExceeded(format!(
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of {GLOBAL_INDEXES}"
        ))),
        false => Ok(()),
    }
}

/// What holds for all indexes together.
pub(crate) fn check_indexes(indexes: &[Index]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for index in indexes {
        if !seen.insert(&index.name) {
            return Err(Error::parameter(format!("Duplicate index name: {}", index.name)));
        }
    }
    let included = indexes.iter().map(|index| match &index.projection {
        Projection::Include(names) => names.len(),
        _ => 0,
    });
    let included: usize = included.sum();
    if included > INCLUDED {
        return Err(Error::parameter(format!(
            "Number of NonKeyAttributes of all indexes, {included}, exceeds the limit of {INCLUDED}"
        )));
    }
    Ok(())
}
