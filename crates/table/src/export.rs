//! Exports: a table as it was, or what changed of it, as files in a bucket ("DynamoDB data export to Amazon S3" in the Developer Guide).

mod filter;
mod write;

pub(crate) use filter::FilterText;

use crate::jobs::{self, Failure, Kind, Tools};
use crate::schema::{History, TableKey};
use crate::{Error, Tables, keys};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Table as Map, Tx};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) const EXPORT: Map = Map("dynamodb.export");
/// How long the time may be whose changes are exported.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What the changes of any time are billed as, at least.
const LEAST_BILLED: u64 = 10_000_000;

/// How items are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Format {
    /// As the wire has them.
    #[default]
    Json,
    /// As text of Amazon Ion.
    Ion,
}

/// What is written of an item that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Images {
    /// What it is at the end.
    New,
    /// What it was at the beginning, too.
    NewAndOld,
}

/// The time whose changes are exported: with its beginning, without its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Period {
    pub from: Timestamp,
    /// Now, if nothing is said.
    pub to: Option<Timestamp>,
    pub images: Images,
}

/// What an export was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The state that is exported; now, if nothing is said.
    pub at: Option<Timestamp>,
    /// The changes that are exported in the place of a state.
    #[serde(default)]
    pub period: Option<Period>,
    #[serde(default)]
    pub format: Format,
    /// Which items are exported; all, if nothing is said.
    #[serde(default)]
    pub filter: Option<FilterText>,
    pub token: Option<String>,
    pub bucket: String,
    pub owner: Option<String>,
    pub prefix: Option<String>,
    pub encryption: Option<String>,
    pub encryption_key: Option<String>,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Export {
    pub id: String,
    pub table: TableKey,
    pub table_id: String,
    pub order: Order,
    /// The state that is exported, or the end of the time whose changes are.
    pub at: Timestamp,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// Why it has failed: a code and a message.
    pub failure: Option<(String, String)>,
    pub items: u64,
    pub bytes: u64,
    /// The key of the file that names the others, once it is there.
    pub manifest: Option<String>,
}

impl Export {
    /// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/export/ID`
    pub fn arn(&self) -> String {
        self.table.resource_arn(&format!("/export/{}", self.id)).to_string()
    }

    fn key(&self) -> Vec<u8> {
        key(&self.table, &self.id)
    }

    /// The bytes that AWS would bill.
    pub fn billed(&self) -> u64 {
        let least = if self.order.period.is_some() { LEAST_BILLED } else { 0 };
        self.bytes.max(least)
    }

    /// The prefix of the files of all exports that have the same one.
    fn root(&self) -> String {
        let prefix = self.order.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map(|prefix| format!("{}/", prefix.trim_end_matches('/'))).unwrap_or_default();
        format!("{prefix}AWSDynamoDB")
    }
}

fn key(table: &TableKey, id: &str) -> Vec<u8> {
    [keys::table(table).as_slice(), b"\0", id.as_bytes()].concat()
}

fn conflict() -> Error {
    let why = "Export conflict: Duplicate request detected with conflicting parameters";
    Error::Other("ExportConflictException", why.into())
}

fn invalid_time(why: String) -> Error {
    Error::Other("InvalidExportTimeException", why)
}

/// The moment whose state is exported.
fn moment(
    of: &TableKey,
    history: Option<&History>,
    asked: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let history = history.ok_or_else(|| {
        let why = format!("Point in time recovery is not enabled for table '{}'", of.name);
        Error::Other("PointInTimeRecoveryUnavailableException", why)
    })?;
    history.moment(asked.unwrap_or(now), now).ok_or_else(|| invalid_time("Export Time is invalid".into()))
}

/// The end of `period`, whose changes must all be kept.
fn end_of(period: &Period, history: Option<&History>, now: Timestamp) -> Result<Timestamp, Error> {
    let text = |at: Timestamp| at.to_iso_text().replace(".000Z", "Z");
    if history.and_then(|history| history.moment(period.from, now)).is_none() {
        let why = "Incremental export period from time cannot be less than the table creation time";
        return Err(invalid_time(format!("{why} : {}", text(period.from))));
    }
    let to = period.to.unwrap_or(now);
    if to > now {
        let why = "Incremental export period to time cannot be greater than the current time";
        return Err(invalid_time(format!("{why} : {}", text(to))));
    }
    let differs = |how: &str| {
        let why = "Difference between export period from time and export period to time is";
        Err(invalid_time(format!("{why} {how}")))
    };
    match to.since(period.from) {
        length if length < SHORTEST => differs("less than 15 minutes"),
        length if length > LONGEST => differs("greater than 24 hours"),
        _ => Ok(to),
    }
}

impl Tables {
    /// Begins an export; the same one again if `order` has the token of one before.
    pub(crate) async fn begin_export(&self, of: TableKey, order: Order) -> Result<Export, Error> {
        let id = format!("{:014}-{}", self.clock.now().0, &self.clock.uuid()[..8]);
        let registry = self.registry.clone();
        let begin = move |tx: &mut Tx<'_>| {
            let table = registry.look_up(tx, &of)?;
            let table = table.ok_or_else(|| Error::NoTable(format!("Table not found: {}", of.name)))?;
            if let Some(token) = &order.token {
                // Tokens are of an account, whatever the table.
                let before = tx.load_prefix::<Export>(EXPORT, &keys::scope(&of.account, &of.region))?;
                let is_same = |one: &Export| {
                    one.order.token.as_ref() == Some(token) && jobs::is_remembered(one.started, tx.now())
                };
                match before.into_iter().map(|(_, one)| one).find(is_same) {
                    Some(same) if same.order == order && same.table == of => return Ok(same),
                    Some(_) => return Err(conflict()),
                    None => {}
                }
            }
            let at = match &order.period {
                Some(period) => end_of(period, table.history.as_ref(), tx.now())?,
                None => moment(&of, table.history.as_ref(), order.at, tx.now())?,
            };
            let export = Export {
                id: id.clone(),
                table: of.clone(),
                table_id: table.id.clone(),
                order: order.clone(),
                at,
                started: tx.now(),
                ended: None,
                failure: None,
                items: 0,
                bytes: 0,
                manifest: None,
            };
            tx.save(EXPORT, &export.key(), &export)?;
            jobs::begin(tx, Kind::Export, &export.key());
            Ok(export)
        };
        self.store.transact(begin).await
    }

    /// The export that `arn` names, if there is one.
    pub(crate) fn export(&self, arn: &str) -> Result<Option<Export>, Error> {
        let Some((table, id)) = arn.split_once("/export/").and_then(|(of, id)| Some((TableKey::of(of)?, id))) else {
            return Ok(None);
        };
        self.store.read(|snapshot| Ok(snapshot.load(EXPORT, &key(&table, id))?))
    }

    /// The exports of an account in a region.
    pub(crate) fn exports(&self, account: &AccountId, region: &Region) -> Result<Vec<Export>, Error> {
        let scope = keys::scope(account, region);
        let found = self.store.read::<_, Error>(|snapshot| Ok(snapshot.load_prefix::<Export>(EXPORT, &scope)?))?;
        Ok(found.into_iter().map(|(_, export)| export).collect())
    }
}

/// Does an export to its end.
pub(crate) fn run(tools: &Tools, record: &[u8]) -> Result<(), Error> {
    let export: Option<Export> = tools.store.read::<_, Error>(|snapshot| Ok(snapshot.load(EXPORT, record)?))?;
    let done = export.map(|mut export| {
        match write::write(tools, &mut export) {
            Ok(()) => {}
            Err(Failure { code, message }) => export.failure = Some((code.to_owned(), message)),
        }
        export
    });
    let record = record.to_vec();
    let end = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        jobs::end(tx, Kind::Export, &record);
        if let Some(mut export) = done.clone() {
            export.ended = Some(tx.now());
            tx.save(EXPORT, &record, &export)?;
        }
        Ok(())
    };
    tools.runtime.block_on(tools.store.transact(end))
}
