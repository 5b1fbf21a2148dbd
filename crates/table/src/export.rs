//! Exports: a table as it was, as files in a bucket ("DynamoDB data export to Amazon S3" in the Developer Guide).
//!
//! Items are gathered to files of a bounded size, in memory, compressed as they come.

use crate::jobs::{self, Failure, Kind, Tools};
use crate::schema::{Table, TableKey};
use crate::value::{Item, item_size, json};
use crate::{Error, Tables, contents, history, keys, load};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Snapshot, Table as Map, Tx};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::json as object;
use std::io::Write as _;

pub(crate) const EXPORT: Map = Map("dynamodb.export");
/// Bytes of JSON that one file holds, about.
const FILE_BYTES: usize = 16 << 20;
const GZIP: &str = "application/gzip";
const TEXT: &str = "text/plain";
const JSON: &str = "application/json";

/// What an export was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The state that is exported; now, if nothing is said.
    pub at: Option<Timestamp>,
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

    /// The prefix of all its files.
    fn folder(&self) -> String {
        let prefix = self.order.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map(|prefix| format!("{}/", prefix.trim_end_matches('/'))).unwrap_or_default();
        format!("{prefix}AWSDynamoDB/{}", self.id)
    }
}

fn key(table: &TableKey, id: &str) -> Vec<u8> {
    [keys::table(table).as_slice(), b"\0", id.as_bytes()].concat()
}

fn conflict() -> Error {
    let why = "Export conflict: Duplicate request detected with conflicting parameters";
    Error::Other("ExportConflictException", why.into())
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
            let history = table.history.as_ref().ok_or_else(|| {
                Error::Other(
                    "PointInTimeRecoveryUnavailableException",
                    format!("Point in time recovery is not enabled for table '{}'", of.name),
                )
            })?;
            let at = history
                .moment(order.at.unwrap_or(tx.now()), tx.now())
                .ok_or_else(|| Error::Other("InvalidExportTimeException", "Export Time is invalid".into()))?;
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
        match write(tools, &mut export) {
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

/// A file of items that is being gathered.
struct Gathering {
    packed: GzEncoder<Vec<u8>>,
    plain: usize,
    items: u64,
}

impl Gathering {
    fn new() -> Self {
        Self { packed: GzEncoder::new(Vec::new(), Compression::fast()), plain: 0, items: 0 }
    }
}

struct Writer<'a> {
    tools: &'a Tools,
    account: AccountId,
    bucket: String,
    folder: String,
    file: Gathering,
    /// The manifest's lines: one for each file.
    files: String,
    items: u64,
    bytes: u64,
}

impl Writer<'_> {
    fn item(&mut self, item: &Item) -> Result<(), Failure> {
        let mut line = object!({"Item": json::item(item)}).to_string();
        line.push('\n');
        self.file.packed.write_all(line.as_bytes())?;
        self.file.plain += line.len();
        self.file.items += 1;
        self.items += 1;
        self.bytes += item_size(item) as u64;
        if self.file.plain >= FILE_BYTES { self.end_file() } else { Ok(()) }
    }

    fn end_file(&mut self) -> Result<(), Failure> {
        let file = std::mem::replace(&mut self.file, Gathering::new());
        if file.items == 0 {
            return Ok(());
        }
        let name: String = self.tools.clock.uuid().chars().filter(char::is_ascii_alphanumeric).take(26).collect();
        let key = format!("{}/data/{name}.json.gz", self.folder);
        let body = file.packed.finish()?;
        let digest = BASE64.encode(Md5::digest(&body));
        let etag = self.put(&key, body, GZIP)?;
        let line = object!({"itemCount": file.items, "md5Checksum": digest, "etag": etag, "dataFileS3Key": key});
        self.files.push_str(&line.to_string());
        self.files.push('\n');
        Ok(())
    }

    fn put(&self, key: &str, body: Vec<u8>, content_type: &'static str) -> Result<String, Failure> {
        Ok(self.tools.put(&self.account, (&self.bucket, key), body, content_type)?)
    }

    /// A file beside the data, and its digest.
    fn put_checked(&self, name: &str, body: String) -> Result<String, Failure> {
        let digest = BASE64.encode(Md5::digest(body.as_bytes()));
        let key = format!("{}/{name}.json", self.folder);
        self.put(&key, body.into_bytes(), JSON)?;
        self.put(&format!("{}/{name}.md5", self.folder), digest.into_bytes(), TEXT)?;
        Ok(key)
    }
}

fn write(tools: &Tools, export: &mut Export) -> Result<(), Failure> {
    jobs::check_owner(&export.table.account, export.order.owner.as_deref())?;
    let mut writer = Writer {
        tools,
        account: export.table.account.clone(),
        bucket: export.order.bucket.clone(),
        folder: export.folder(),
        file: Gathering::new(),
        files: String::new(),
        items: 0,
        bytes: 0,
    };
    writer.put(&format!("{}/_started", writer.folder), Vec::new(), TEXT)?;
    tools.store.read(|snapshot| write_items(snapshot, tools, export, &mut writer))?;
    writer.end_file()?;
    let files = std::mem::take(&mut writer.files);
    let files = writer.put_checked("manifest-files", files)?;
    (export.items, export.bytes) = (writer.items, writer.bytes);
    let summary = object!({
        "version": "2020-06-30",
        "exportArn": export.arn(),
        "startTime": export.started.to_iso_text(),
        "endTime": tools.clock.now().to_iso_text(),
        "tableArn": export.table.arn().to_string(),
        "tableId": export.table_id,
        "exportTime": export.at.to_iso_text(),
        "s3Bucket": export.order.bucket,
        "s3Prefix": export.order.prefix,
        "s3SseAlgorithm": export.order.encryption.as_deref().unwrap_or("AES256"),
        "s3SseKmsKeyId": export.order.encryption_key,
        "manifestFilesS3Key": files,
        "billedSizeBytes": export.bytes,
        "itemCount": export.items,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    });
    export.manifest = Some(writer.put_checked("manifest-summary", summary.to_string())?);
    Ok(())
}

fn write_items(snapshot: &Snapshot, tools: &Tools, export: &Export, writer: &mut Writer<'_>) -> Result<(), Failure> {
    let table = tools.registry.look_up(snapshot, &export.table)?.filter(|table| table.id == export.table_id);
    let gone = |message: &str| Failure { code: "TableNotFound", message: message.to_owned() };
    let table = table.ok_or_else(|| gone("The table was deleted"))?;
    let table: &Table = &table;
    let history = table.history.as_ref().filter(|history| history.since <= export.at);
    let history = history.ok_or_else(|| gone("Point in time recovery was disabled"))?;
    let before = history::changed_since(snapshot, history, export.at)?;
    for entry in load::items(snapshot, table)? {
        let (key, item) = entry?;
        if !before.contains_key(&key) {
            writer.item(&contents::decode(&item)?)?;
        }
    }
    before.values().flatten().try_for_each(|item| writer.item(item))
}
