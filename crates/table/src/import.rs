//! Imports: a new table of what is in a bucket ("DynamoDB data import from Amazon S3" in the Developer Guide).
//!
//! The table is there from the beginning, and being filled. A job reads the bucket's objects into one file of items, which the upkeep then
//! enters (`load.rs`). An import that is interrupted before that begins anew.

mod log;
mod read;
mod zstandard;

use crate::create::{self, Draft};
use crate::jobs::{self, Failure, Kind, Tools};
use crate::load::{Loading, Writer};
use crate::registry::save;
use crate::schema::{Table, TableKey};
use crate::{Error, Tables, keys, update, upkeep};
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use fogbank_store::{Read, Table as Map, Tx};
use log::LeftOut;
use serde::{Deserialize, Serialize};

pub use log::{GROUP, ImportLog};

pub(crate) const IMPORT: Map = Map("dynamodb.import");

/// How an import's objects are to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub bucket: String,
    /// The account that is said to have the bucket.
    #[serde(default)]
    pub owner: Option<String>,
    pub prefix: String,
    #[serde(default)]
    pub format: Format,
    #[serde(default)]
    pub compression: Compression,
}

/// What the objects hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) enum Format {
    /// Items as the wire has them, one in each line.
    #[default]
    Json,
    /// Items as text of Amazon Ion, one in each line.
    Ion,
    /// Values with a comma or something else between them.
    Csv(Csv),
}

/// How the objects are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
    Zstandard,
}

/// How values are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Csv {
    pub delimiter: u8,
    /// The attributes' names, if they are not in the first line.
    pub names: Option<Vec<String>>,
}

/// What an import has done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub bytes: u64,
    pub processed: u64,
    pub imported: u64,
    pub errors: u64,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Import {
    pub id: String,
    pub table: TableKey,
    pub table_id: String,
    pub token: Option<String>,
    pub source: Source,
    /// The request, as it was made.
    pub asked: String,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failure: Option<(String, String)>,
    pub counts: Counts,
}

impl Import {
    /// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/import/ID`
    pub fn arn(&self) -> String {
        self.table.resource_arn(&format!("/import/{}", self.id)).to_string()
    }

    fn key(&self) -> Vec<u8> {
        key(&self.table, &self.id)
    }

    /// `arn:aws:logs:REGION:ACCOUNT:log-group:/aws-dynamodb/imports:*`
    pub fn log_group(&self) -> String {
        Arn::new("logs", &self.table.region, &self.table.account, &format!("log-group:{GROUP}:*")).to_string()
    }
}

fn key(table: &TableKey, id: &str) -> Vec<u8> {
    [keys::table(table).as_slice(), b"\0", id.as_bytes()].concat()
}

fn conflict() -> Error {
    let why = "Import conflict: Duplicate request detected with conflicting parameters";
    Error::Other("ImportConflictException", why.into())
}

impl Tables {
    /// Makes the table `draft`, and begins to fill it; answers the import before if `token` is its.
    pub(crate) async fn begin_import(
        &self,
        of: TableKey,
        draft: Draft,
        source: Source,
        asked: String,
        token: Option<String>,
    ) -> Result<Import, Error> {
        create::check_name(&of.name)?;
        let plan = create::plan(&draft)?;
        let id = format!("{:014}-{}", self.clock.now().0, &self.clock.uuid()[..8]);
        let table_id = self.clock.uuid();
        let begin = move |tx: &mut Tx<'_>| {
            if let Some(token) = &token {
                // Tokens are of an account; what is asked otherwise of the same table does not count.
                let before = tx.load_prefix::<Import>(IMPORT, &keys::scope(&of.account, &of.region))?;
                let is_same =
                    |one: &Import| one.token.as_ref() == Some(token) && jobs::is_remembered(one.started, tx.now());
                match before.into_iter().map(|(_, one)| one).find(is_same) {
                    Some(same) if same.table == of => return Ok(same),
                    Some(_) => return Err(conflict()),
                    None => {}
                }
            }
            if tx.get(keys::TABLE, &keys::table(&of))?.is_some() {
                return Err(Error::InUse(format!("Table already exists: {}", of.name)));
            }
            let mut table = plan.table(tx, table_id.clone(), &draft)?;
            table.loading = Some(Loading { file: id.clone(), offset: 0, is_shared: false });
            save(tx, &of, &table)?;
            let import = Import {
                id: id.clone(),
                table: of.clone(),
                table_id: table_id.clone(),
                token: token.clone(),
                source: source.clone(),
                asked: asked.clone(),
                started: tx.now(),
                ended: None,
                failure: None,
                counts: Counts::default(),
            };
            tx.save(IMPORT, &import.key(), &import)?;
            jobs::begin(tx, Kind::Import, &import.key());
            Ok(import)
        };
        self.store.transact(begin).await
    }

    /// The import that `arn` names, if there is one.
    pub(crate) fn import(&self, arn: &str) -> Result<Option<Import>, Error> {
        let Some((table, id)) = arn.split_once("/import/").and_then(|(of, id)| Some((TableKey::of(of)?, id))) else {
            return Ok(None);
        };
        self.store.read(|snapshot| Ok(snapshot.load(IMPORT, &key(&table, id))?))
    }

    /// The imports of an account in a region.
    pub(crate) fn imports(&self, account: &AccountId, region: &Region) -> Result<Vec<Import>, Error> {
        let scope = keys::scope(account, region);
        let found = self.store.read::<_, Error>(|snapshot| Ok(snapshot.load_prefix::<Import>(IMPORT, &scope)?))?;
        Ok(found.into_iter().map(|(_, import)| import).collect())
    }

    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`: an import goes on until its table is filled.
    pub(crate) fn import_status(&self, import: &Import) -> Result<&'static str, Error> {
        if import.failure.is_some() {
            return Ok("FAILED");
        }
        Ok(match (self.is_under_way(import)?, import.counts.errors) {
            (true, _) => "IN_PROGRESS",
            (false, 0) => "COMPLETED",
            (false, _) => "FAILED",
        })
    }

    fn is_under_way(&self, import: &Import) -> Result<bool, Error> {
        let table = self.store.read(|snapshot| self.registry.look_up(snapshot, &import.table))?;
        let is_filling = table.is_some_and(|table| table.id == import.table_id && table.loading.is_some());
        Ok(import.failure.is_none() && (import.ended.is_none() || is_filling))
    }

    /// Why an import has failed. One that left anything out has, too, though its table has all the rest.
    pub(crate) fn import_failure(&self, import: &Import) -> Result<Option<(String, String)>, Error> {
        let is_partial = import.failure.is_none() && import.counts.errors > 0 && !self.is_under_way(import)?;
        let partial = || {
            let message = "Some of the items failed validation checks and were not imported. Please check CloudWatch error logs for \
                           more details.";
            ("ItemValidationError".to_owned(), message.to_owned())
        };
        Ok(if is_partial { Some(partial()) } else { import.failure.clone() })
    }
}

/// Does an import, up to the file of its items.
pub(crate) fn run(tools: &Tools, record: &[u8]) -> Result<(), Error> {
    let import: Option<Import> = tools.store.read::<_, Error>(|snapshot| Ok(snapshot.load(IMPORT, record)?))?;
    let done = import.map(|mut import| {
        if let Err(Failure { code, message }) = gather(tools, &mut import) {
            import.failure = Some((code.to_owned(), message));
            // What of it cannot be removed now is removed at the next start.
            drop(std::fs::remove_file(tools.store.root().join("dynamodb").join(&import.id)));
        }
        import
    });
    let (record, registry) = (record.to_vec(), tools.registry.clone());
    let end = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        jobs::end(tx, Kind::Import, &record);
        let Some(mut import) = done.clone() else { return Ok(()) };
        import.ended = Some(tx.now());
        let table = registry.look_up(tx, &import.table)?.filter(|table| table.id == import.table_id);
        match (&table, &import.failure) {
            (Some(_), None) => upkeep::fill_later(tx, &import.table),
            // Nobody has ever seen anything in it.
            (Some(table), Some(_)) => update::remove(tx, &import.table, table)?,
            (None, None) => {
                import.failure = Some(("TableNotFound".into(), "The table was deleted while it was imported".into()));
            }
            (None, Some(_)) => {}
        }
        Ok(tx.save(IMPORT, &record, &import)?)
    };
    tools.runtime.block_on(tools.store.transact(end))
}

/// Says what was left out. An import is what it is, whether that can be said or not.
fn tell(tools: &Tools, import: &Import, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let (TableKey { account, region, .. }, stream) = (&import.table, format!("{}/error", import.id));
    if let Err(error) = tools.runtime.block_on(tools.log.append(account, region, &stream, lines)) {
        tracing::warn!(%error, import = import.id, "what an import left out could not be logged");
    }
}

/// Reads all objects into the file that the table is filled from.
fn gather(tools: &Tools, import: &mut Import) -> Result<(), Failure> {
    let table = tools.store.read(|snapshot| tools.registry.look_up(snapshot, &import.table))?;
    let table = table.filter(|table| table.id == import.table_id);
    let gone = || Failure { code: "TableNotFound", message: "The table was deleted while it was imported".into() };
    let table: &Table = &*table.ok_or_else(gone)?;
    let path = tools.store.root().join("dynamodb").join(&import.id);
    let mut writer = Writer::create(&path)?;
    let Source { bucket, prefix, .. } = import.source.clone();
    let account = import.table.account.clone();
    jobs::check_owner(&account, import.source.owner.as_deref())?;
    let (mut after, mut left_out): (Option<String>, _) = (None, LeftOut::of(import));
    import.counts = Counts::default();
    loop {
        let page = tools.buckets.list(&account, &bucket, &prefix, after.as_deref(), 500)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (key, size) in page.into_iter().filter(|(_, size)| *size > 0) {
            let body = tools.buckets.open(&account, &bucket, &key)?;
            let (writer, counts, left_out) = (&mut writer, &mut import.counts, &mut left_out);
            read::Entering { table, writer, counts, left_out }.object(&key, body, &import.source)?;
            import.counts.bytes += size;
        }
    }
    tell(tools, import, left_out.into_lines());
    Ok(writer.finish(&path)?)
}
