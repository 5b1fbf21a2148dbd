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

const IF_ON_DEMAND: &str = "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST";

/// An index of the source that a restored table has, with what is said of it.
type Kept<'a> = (&'a Index, Option<&'a IndexDraft>);

/// The indexes of what is restored: it has its source's only, and is billed in one way.
fn check<'a>(table: &'a Table, other: &'a Overrides) -> Result<Vec<Kept<'a>>, Error> {
    let was_on_demand = table.is_on_demand();
    match (other.billing.as_deref(), other.throughput) {
        (Some("PAY_PER_REQUEST"), Some(_)) => return Err(Error::request(IF_ON_DEMAND)),
        (Some("PROVISIONED"), None) if was_on_demand => {
            return Err(Error::request(
                "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
            ));
        }
        (None, Some(_)) if was_on_demand => {
            return Err(Error::request("Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED"));
        }
        _ => {}
    }
    let is_on_demand = other.is_on_demand(table);
    if other.on_demand.is_some() && !is_on_demand {
        return Err(Error::request(
            "Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST",
        ));
    }
    let is_out_of_range =
        |_| Error::request("Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range");
    on_demand::check(other.on_demand, is_on_demand, Whose::Table).map_err(is_out_of_range)?;
    let indexes = other.indexes(table)?;
    for (index, draft) in &indexes {
        let (name, units) = (draft.map_or(&index.name, |draft| &draft.name), draft.and_then(|draft| draft.throughput));
        let lacks_units = index.kind == IndexKind::Global && was_on_demand && !is_on_demand;
        match units {
            Some(_) if is_on_demand => return Err(Error::request(format!("{IF_ON_DEMAND} for index {name}"))),
            None if lacks_units => {
                return Err(Error::request(format!("Must specify provisioned throughput for index {name}")));
            }
            _ => draft.map_or(Ok(()), |draft| billing::check_override(draft, is_on_demand))?,
        }
    }
    Ok(indexes)
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
        self.billing.as_deref().map_or(table.is_on_demand(), |mode| mode == "PAY_PER_REQUEST")
    }

    /// The source's indexes that the restored table has, each with what is said of it. They are told by their keys and projections; their
    /// names may be others.
    fn indexes<'a>(&'a self, table: &'a Table) -> Result<Vec<Kept<'a>>, Error> {
        let mut found = Vec::new();
        for (kind, drafts) in [(IndexKind::Local, &self.local), (IndexKind::Global, &self.global)] {
            let mut left: Vec<&Index> = table.indexes_of(kind).collect();
            let Some(drafts) = drafts else {
                found.extend(left.into_iter().map(|index| (index, None)));
                continue;
            };
            for draft in drafts {
                let is_it = |index: &&Index| is_as_in(draft, index);
                let same = left.iter().position(|index| index.name == draft.name && is_it(index));
                let at = same.or_else(|| left.iter().position(is_it)).ok_or_else(|| {
                    Error::request(format!(
                        "Index {} does not match a secondary index that existed in the source table and cannot be created during the \
                         restore operation",
                        draft.name
                    ))
                })?;
                found.push((left.remove(at), Some(draft)));
            }
        }
        Ok(found)
    }
}

/// An index of the restored table.
fn restored(index: &Index, draft: Option<&IndexDraft>, is_on_demand: bool) -> Index {
    let throughput = draft.and_then(|draft| draft.throughput).unwrap_or(index.throughput);
    let on_demand = draft.and_then(|draft| draft.on_demand).or(index.on_demand);
    Index {
        name: draft.map_or(&index.name, |draft| &draft.name).clone(),
        throughput: if is_on_demand { Throughput::default() } else { throughput },
        on_demand: on_demand.filter(|_| is_on_demand),
        adjusted: Adjusted::default(),
        ..index.clone()
    }
}

/// `table` as it is restored. Settings that it does not have then: stream, expiry, tags, policy, protection, history, class ("Restoring a
/// table").
pub(crate) fn overridden(table: Table, other: &Overrides, now: Timestamp) -> Result<Table, Error> {
    let is_on_demand = other.is_on_demand(&table);
    let throughput = if is_on_demand { Throughput::default() } else { other.throughput.unwrap_or(table.throughput) };
    let indexes = check(&table, other)?.into_iter();
    let indexes: Vec<Index> = indexes.map(|(index, draft)| restored(index, draft, is_on_demand)).collect();
    let is_used = |name: &str| table.keys.has(name) || indexes.iter().any(|index| index.keys.has(name));
    Ok(Table {
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
        class: None,
        class_since: None,
        insights_of: Default::default(),
        ..table
    })
}
