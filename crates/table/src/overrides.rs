//! What a table that is restored has otherwise than its source ("Restoring a table" in the Developer Guide).

use crate::billing::{self, Whose};
use crate::create::IndexDraft;
use crate::schema::{Adjusted, Encryption, Index, IndexKind, OnDemand, Projection, Table, Throughput};
use crate::{Error, on_demand};
use fogbank_model::Timestamp;

/// What is other in a table that is restored.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `PROVISIONED` or `PAY_PER_REQUEST`.
    pub billing: Option<String>,
    /// Capacity units.
    pub throughput: Option<Throughput>,
    /// The most request units.
    pub on_demand: Option<OnDemand>,
    /// The local indexes that it has.
    pub local: Option<Vec<IndexDraft>>,
    /// The global indexes that it has, and what they are to take.
    pub global: Option<Vec<IndexDraft>>,
    /// Encryption.
    pub encryption: Option<Option<Encryption>>,
}

/// What is restored has indexes of its source only, and is billed in one way.
pub(crate) fn check(table: &Table, other: &Overrides) -> Result<(), Error> {
    match (other.billing.as_deref(), other.throughput) {
        (Some("PAY_PER_REQUEST"), Some(_)) => return Err(billing::neither_unit()),
        (Some("PROVISIONED"), None) if table.is_on_demand() => return Err(billing::both_units()),
        _ => {}
    }
    let is_on_demand = other.is_on_demand(table);
    on_demand::check(other.on_demand, is_on_demand, Whose::Table)?;
    for (kind, drafts) in [(IndexKind::Local, &other.local), (IndexKind::Global, &other.global)] {
        for draft in drafts.iter().flatten() {
            let index = table.index(&draft.name).filter(|index| index.kind == kind);
            let Some(index) = index else {
                return Err(Error::parameter(format!(
                    "The source has no index to be restored of the name {}",
                    draft.name
                )));
            };
            if !is_as_in(draft, index) {
                return Err(Error::parameter(format!(
                    "The key and the projection of the index {} are not those of the source's index",
                    draft.name
                )));
            }
            billing::check_override(draft, is_on_demand)?;
        }
    }
    Ok(())
}

/// Whether `draft` says of key and projection what `index` has; what is not said is no difference.
fn is_as_in(draft: &IndexDraft, index: &Index) -> bool {
    let projection = match &index.projection {
        Projection::All => "ALL",
        Projection::KeysOnly => "KEYS_ONLY",
        Projection::Include(_) => "INCLUDE",
    };
    let names = draft.keys.iter().map(|(name, _)| name.as_str());
    let has_keys = draft.keys.is_empty() || names.eq(index.keys.attributes().map(|one| one.name.as_str()));
    has_keys && draft.projection.as_deref().is_none_or(|given| given == projection)
}

impl Overrides {
    /// Whether `table`, restored, is billed by request.
    fn is_on_demand(&self, table: &Table) -> bool {
        match self.billing.as_deref() {
            Some(mode) => mode == "PAY_PER_REQUEST",
            None => table.is_on_demand() && self.throughput.is_none(),
        }
    }

    /// What the restored table has of `index`, if it has it at all.
    fn index(&self, index: Index, is_on_demand: bool) -> Option<Index> {
        let drafts = if index.kind == IndexKind::Local { &self.local } else { &self.global };
        let draft = drafts.as_ref().map(|all| all.iter().find(|draft| draft.name == index.name));
        let draft = match draft {
            Some(draft) => Some(draft?),
            None => None,
        };
        let throughput = draft.and_then(|draft| draft.throughput).unwrap_or(index.throughput);
        let on_demand = draft.and_then(|draft| draft.on_demand).or(index.on_demand);
        Some(Index {
            throughput: if is_on_demand { Throughput::default() } else { throughput },
            on_demand: on_demand.filter(|_| is_on_demand),
            adjusted: Adjusted::default(),
            ..index
        })
    }
}

/// Settings that a restored table does not have: stream, expiry, tags, policy, protection, history ("Restoring a table").
pub(crate) fn overridden(table: Table, other: &Overrides, now: Timestamp) -> Table {
    let is_on_demand = other.is_on_demand(&table);
    let throughput = if is_on_demand { Throughput::default() } else { other.throughput.unwrap_or(table.throughput) };
    let indexes: Vec<Index> = table.indexes.into_iter().filter_map(|index| other.index(index, is_on_demand)).collect();
    let is_used = |name: &str| table.keys.has(name) || indexes.iter().any(|index| index.keys.has(name));
    Table {
        attributes: table.attributes.into_iter().filter(|one| is_used(&one.name)).collect(),
        indexes,
        throughput,
        adjusted: Adjusted::default(),
        on_demand_since: is_on_demand.then_some(now),
        last_on_demand: is_on_demand.then_some(now),
        on_demand: other.on_demand.or(table.on_demand).filter(|_| is_on_demand),
        shows_billing: is_on_demand || table.shows_billing,
        stream: None,
        last_stream: None,
        expiry: None,
        history: None,
        encryption: other.encryption.clone().unwrap_or(table.encryption),
        is_protected: false,
        tags: Default::default(),
        stream_tags: Default::default(),
        policy: None,
        stream_policy: None,
        destinations: Default::default(),
        global_since: None,
        scaling: Default::default(),
        class_since: None,
        insights_of: Default::default(),
        ..table
    }
}
