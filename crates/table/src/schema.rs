//! What a table is: its keys, its indexes and its settings ("Core components of Amazon DynamoDB" in the DynamoDB Developer Guide).

use crate::load::Loading;
pub use crate::on_demand::OnDemand;
use crate::scaling::Scaling;
use crate::value::{AttributeValue, Item};
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod settings;
pub use settings::{Destination, Expiry, History, Insights};

/// Where a table lives and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableKey {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The name.
    pub name: String,
}

impl TableKey {
    /// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`
    pub fn arn(&self) -> Arn {
        self.resource_arn("")
    }

    /// The ARN of what belongs to the table, such as `/stream/LABEL`.
    pub fn resource_arn(&self, below: &str) -> Arn {
        Arn::new("dynamodb", &self.region, &self.account, &format!("table/{}{below}", self.name))
    }

    /// The table that `arn` names, or that what it names belongs to.
    pub fn of(arn: &str) -> Option<Self> {
        let arn: Arn = arn.parse().ok()?;
        let name = arn.resource().strip_prefix("table/")?.split('/').next()?.to_owned();
        let is_named = arn.service() == "dynamodb" && !name.is_empty();
        is_named.then_some(Self { account: arn.account().parse().ok()?, region: arn.region().parse().ok()?, name })
    }
}

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    /// A string.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
}

impl KeyType {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }
}

/// An attribute that is part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: KeyType,
}

impl KeyAttribute {
    /// Its value in `item`, if that can be a key's: it is there and has the right type.
    pub fn of<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        item.get(&self.name).filter(|value| value.type_name() == self.kind.as_str())
    }
}

/// A partition key or a sort key. One attribute is written as it was when there could be no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// Its first attribute, and but for global indexes its only one.
    #[serde(flatten)]
    pub first: KeyAttribute,
    /// Those after it, in the order in which they sort.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<KeyAttribute>,
}

impl KeyPart {
    /// All its attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> + Clone {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether `name` is one of them.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The bytes of what `item` has of it.
    pub fn size_in(&self, item: &Item) -> usize {
        self.attributes().filter_map(|attribute| item.get(&attribute.name)).map(AttributeValue::size).sum()
    }
}

/// The key of a table or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    /// The partition key.
    pub hash: KeyPart,
    /// The sort key, if there is one.
    pub range: Option<KeyPart>,
}

impl KeySchema {
    /// The attributes: the partition key's, then the sort key's.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> + Clone {
        self.hash.attributes().chain(self.ranges())
    }

    /// The attributes of the sort key.
    pub fn ranges(&self) -> impl Iterator<Item = &KeyAttribute> + Clone {
        self.range.iter().flat_map(KeyPart::attributes)
    }

    /// The names of all attributes, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.attributes().map(|attribute| attribute.name.as_str())
    }

    /// Whether `name` is part of it.
    pub fn has(&self, name: &str) -> bool {
        self.hash.has(name) || self.range.as_ref().is_some_and(|range| range.has(name))
    }
}

/// Which attributes an index shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    /// All.
    All,
    /// Those of its own key and of the table's.
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

/// Whether an index has the table's partition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexKind {
    /// It has, and can be read consistently.
    Local,
    /// It has a key of its own, and comes and goes on its own.
    Global,
}

/// Where an index or a table's expiry is between its making and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Items that were there before are being entered; the key of the last one that was.
    Filling(Vec<u8>),
    /// It holds all it should.
    Active,
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Where its entries are in the store.
    pub place: u64,
    /// Whose partition key it has.
    pub kind: IndexKind,
    /// Its key.
    pub keys: KeySchema,
    /// What it shows.
    pub projection: Projection,
    /// What it is said to take.
    pub throughput: Throughput,
    /// The most request units, if it is billed by request.
    pub on_demand: Option<OnDemand>,
    /// What it was able to take at once, if that may be more than its units, or was asked for.
    #[serde(default)]
    pub warm: Option<Throughput>,
    /// When its capacity was changed.
    #[serde(default)]
    pub adjusted: Adjusted,
    /// Whether it is whole.
    pub phase: Phase,
}

/// Capacity units a second, as they were provisioned; zero on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Throughput {
    /// Reads.
    pub read: i64,
    /// Writes.
    pub write: i64,
}

/// When provisioned capacity was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Adjusted {
    /// When it grew last.
    pub increased: Option<Timestamp>,
    /// When it shrank last.
    pub decreased: Option<Timestamp>,
    /// How often it shrank on that day.
    pub decreases: u32,
}

/// What a change stream shows of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// The key.
    KeysOnly,
    /// The item after the change.
    NewImage,
    /// The item before it.
    OldImage,
    /// Both.
    NewAndOldImages,
}

impl View {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }

    /// What the API calls `text`.
    pub fn of(text: &str) -> Option<Self> {
        [Self::KeysOnly, Self::NewImage, Self::OldImage, Self::NewAndOldImages].into_iter().find(|v| v.as_str() == text)
    }
}

/// A table's change stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOf {
    /// Where its records are in the store.
    pub place: u64,
    /// When it was switched on, as its ARN ends: `2026-05-04T10:20:30.123`.
    pub label: String,
    /// What it shows.
    pub view: View,
}

/// Encryption settings, kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// The key's ARN.
    pub key: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// A UUID.
    pub id: String,
    /// Where its items are in the store.
    pub place: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Attributes that are part of any key, as they were given.
    pub attributes: Vec<KeyAttribute>,
    /// Its own key.
    pub keys: KeySchema,
    /// Its indexes, local ones first, as they were given.
    pub indexes: Vec<Index>,
    /// What it is said to take.
    pub throughput: Throughput,
    /// Whether and since when it is billed by request.
    pub on_demand_since: Option<Timestamp>,
    /// When it was last changed to be billed by request, also if it no longer is.
    #[serde(default)]
    pub last_on_demand: Option<Timestamp>,
    /// Whether the billing mode was ever named: it is shown only then.
    pub shows_billing: bool,
    /// The most request units, if it is billed by request.
    pub on_demand: Option<OnDemand>,
    /// What it was able to take at once, if that may be more than its units, or was asked for.
    #[serde(default)]
    pub warm: Option<Throughput>,
    /// When its capacity was changed.
    #[serde(default)]
    pub adjusted: Adjusted,
    /// Its change stream, if that is on.
    pub stream: Option<StreamOf>,
    /// The last change stream's label, also when it is off.
    pub last_stream: Option<String>,
    /// When items expire.
    pub expiry: Option<Expiry>,
    /// What items were before they changed, if that is kept, so that the table can be restored as it was.
    pub history: Option<History>,
    /// Encryption.
    pub encryption: Option<Encryption>,
    /// Its class, if it was named when the table was made, or has changed.
    pub class: Option<String>,
    /// When that changed.
    #[serde(default)]
    pub class_since: Option<Timestamp>,
    /// Whether it may be deleted.
    pub is_protected: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Tags of its streams, by their labels.
    #[serde(default)]
    pub stream_tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The resource policy, and its revision.
    pub policy: Option<(String, String)>,
    /// The stream's resource policy, and its revision.
    pub stream_policy: Option<(String, String)>,
    /// From what it was restored: the backup's ARN if there was one, the table's ARN, as of when.
    pub restored: Option<(Option<String>, String, Timestamp)>,
    /// What it is being filled from, as long as it is; then nobody else can use its items.
    pub loading: Option<Loading>,
    /// Kinesis streams that changes go to, by ARN; also those that they went to once.
    pub destinations: BTreeMap<String, Destination>,
    /// Since when it is a global table, with its own region as the only one.
    pub global_since: Option<Timestamp>,
    /// How capacity is said to be scaled: of its indexes by their names, its own without a name.
    #[serde(default)]
    pub scaling: BTreeMap<String, Scaling>,
    /// The contributor insights that are said to be on: of its indexes by their names, its own without a name.
    #[serde(default)]
    pub insights_of: BTreeMap<String, Insights>,
}

impl Table {
    /// Whether it is billed by request.
    pub fn is_on_demand(&self) -> bool {
        self.on_demand_since.is_some()
    }

    /// Its class: `STANDARD`, if nothing was said.
    pub fn class(&self) -> &str {
        self.class.as_deref().unwrap_or("STANDARD")
    }

    /// The index called `name`.
    pub fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// The global index called `name`.
    pub fn global_index(&self, name: &str) -> Option<&Index> {
        self.index(name).filter(|index| index.kind == IndexKind::Global)
    }

    /// Its indexes of one kind.
    pub fn indexes_of(&self, kind: IndexKind) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(move |index| index.kind == kind)
    }
}
