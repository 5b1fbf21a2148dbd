//! Writes an export's files. What they hold is gathered to files of a bounded size, in memory, compressed as it comes.

use super::{Export, FilterText, Format, Images};
use crate::contents;
use crate::jobs::{self, Failure, Tools};
use crate::past::{Change, Past};
use crate::schema::Table;
use crate::value::{AttributeValue, Item, ion, item_size, json};
use crate::write::key_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use fogbank_model::{AccountId, Timestamp};
use fogbank_store::Snapshot;
use md5::{Digest, Md5};
use serde_json::{Value, json as object};
use std::io::Write as _;

/// Bytes of text that one file holds, about.
const FILE_BYTES: usize = 16 << 20;
const GZIP: &str = "application/gzip";
const TEXT: &str = "text/plain";
const JSON: &str = "application/json";

impl Format {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "DYNAMODB_JSON",
            Self::Ion => "ION",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ion => "ion",
        }
    }

    /// A line with an item: `{"Item":…}`.
    fn item(self, item: &Item) -> String {
        match self {
            Self::Json => object!({ "Item": json::item(item) }).to_string(),
            Self::Ion => format!("{} {{Item:{}}}", ion::MARKER, ion::item(item)),
        }
    }

    /// A line with a change, which has several named items.
    fn change(self, parts: &[(&str, &Item)]) -> String {
        match self {
            Self::Json => {
                let parts = parts.iter().map(|(name, item)| ((*name).to_owned(), json::item(item)));
                Value::Object(parts.collect()).to_string()
            }
            Self::Ion => {
                let parts: Vec<String> =
                    parts.iter().map(|(name, item)| format!("{name}:{}", ion::item(item))).collect();
                format!("{} {{Record:{{{}}}}}", ion::MARKER, parts.join(","))
            }
        }
    }
}

impl Images {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "NEW_IMAGE",
            Self::NewAndOld => "NEW_AND_OLD_IMAGES",
        }
    }
}

/// A file that is being gathered.
struct Gathering {
    packed: GzEncoder<Vec<u8>>,
    plain: usize,
    lines: u64,
}

impl Gathering {
    fn new() -> Self {
        Self { packed: GzEncoder::new(Vec::new(), Compression::fast()), plain: 0, lines: 0 }
    }
}

struct Writer<'a> {
    tools: &'a Tools,
    account: AccountId,
    bucket: String,
    /// What the keys of the files beside the data begin with.
    folder: String,
    /// What the keys of the data begin with. Those of changes are all in one place, so that a reader finds the next ones there too.
    data: String,
    format: Format,
    file: Gathering,
    /// The manifest's lines: one for each file.
    files: String,
    lines: u64,
    bytes: u64,
}

impl<'a> Writer<'a> {
    fn of(export: &Export, tools: &'a Tools) -> Self {
        let folder = format!("{}/{}", export.root(), export.id);
        let data = if export.order.period.is_some() { export.root() } else { folder.clone() };
        Self {
            tools,
            account: export.table.account.clone(),
            bucket: export.order.bucket.clone(),
            folder,
            data: format!("{data}/data"),
            format: export.order.format,
            file: Gathering::new(),
            files: String::new(),
            lines: 0,
            bytes: 0,
        }
    }

    fn item(&mut self, item: &Item) -> Result<(), Failure> {
        self.line(self.format.item(item), item_size(item))
    }

    /// A line for an item that has changed, with its key, the time, and what it was and is ("Incremental export output" in the Developer Guide).
    fn change(&mut self, table: &Table, images: Images, change: &Change) -> Result<(), Failure> {
        let Some(known) = change.new.as_ref().or(change.old.as_ref()) else { return Ok(()) };
        let keys = key_of(&table.keys, known);
        let micros = AttributeValue::N((change.last.0 * 1000).into());
        let metadata = Item::from([("WriteTimestampMicros".to_owned(), micros)]);
        let old = change.old.as_ref().filter(|_| images == Images::NewAndOld);
        let images = [("OldImage", old), ("NewImage", change.new.as_ref())];
        let images = images.into_iter().filter_map(|(name, image)| Some((name, image?)));
        let parts: Vec<_> = [("Metadata", &metadata), ("Keys", &keys)].into_iter().chain(images).collect();
        let bytes = parts.iter().map(|(_, item)| item_size(item)).sum();
        self.line(self.format.change(&parts), bytes)
    }

    /// A line, and the bytes of the items in it.
    fn line(&mut self, mut line: String, bytes: usize) -> Result<(), Failure> {
        line.push('\n');
        self.file.packed.write_all(line.as_bytes())?;
        self.file.plain += line.len();
        self.file.lines += 1;
        self.lines += 1;
        self.bytes += bytes as u64;
        if self.file.plain >= FILE_BYTES { self.end_file() } else { Ok(()) }
    }

    fn end_file(&mut self) -> Result<(), Failure> {
        let file = std::mem::replace(&mut self.file, Gathering::new());
        if file.lines == 0 {
            return Ok(());
        }
        let name: String = self.tools.clock.uuid().chars().filter(char::is_ascii_alphanumeric).take(26).collect();
        let key = format!("{}/{name}.{}.gz", self.data, self.format.extension());
        let body = file.packed.finish()?;
        let digest = BASE64.encode(Md5::digest(&body));
        let etag = self.put(&key, body, GZIP)?;
        let line = object!({"itemCount": file.lines, "md5Checksum": digest, "etag": etag, "dataFileS3Key": key});
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

/// Writes all files of an export, the one that names the others last.
pub(super) fn write(tools: &Tools, export: &mut Export) -> Result<(), Failure> {
    jobs::check_owner(&export.table.account, export.order.owner.as_deref())?;
    let mut writer = Writer::of(export, tools);
    writer.put(&format!("{}/_started", writer.folder), Vec::new(), TEXT)?;
    tools.store.read(|snapshot| write_data(snapshot, tools, export, &mut writer))?;
    writer.end_file()?;
    let files = std::mem::take(&mut writer.files);
    let files = writer.put_checked("manifest-files", files)?;
    (export.items, export.bytes) = (writer.lines, writer.bytes);
    let summary = summary(export, tools.clock.now(), files);
    export.manifest = Some(writer.put_checked("manifest-summary", summary.to_string())?);
    Ok(())
}

fn summary(export: &Export, ended: Timestamp, files: String) -> Value {
    let mut summary = object!({
        "version": "2020-06-30",
        "exportArn": export.arn(),
        "startTime": export.started.to_iso_text(),
        "endTime": ended.to_iso_text(),
        "tableArn": export.table.arn().to_string(),
        "tableId": export.table_id,
        "s3Bucket": export.order.bucket,
        "s3Prefix": export.order.prefix,
        "s3SseAlgorithm": export.order.encryption.as_deref().unwrap_or("AES256"),
        "s3SseKmsKeyId": export.order.encryption_key,
        "manifestFilesS3Key": files,
        "billedSizeBytes": export.billed(),
        "itemCount": export.items,
        "outputFormat": export.order.format.name(),
        "exportType": "FULL_EXPORT",
    });
    match &export.order.period {
        None => summary["exportTime"] = export.at.to_iso_text().into(),
        Some(period) => {
            summary["version"] = "2023-08-01".into();
            summary["exportFromTime"] = period.from.to_iso_text().into();
            summary["exportToTime"] = export.at.to_iso_text().into();
            summary["outputView"] = period.images.name().into();
            summary["exportType"] = "INCREMENTAL_EXPORT".into();
        }
    }
    summary
}

fn write_data(snapshot: &Snapshot, tools: &Tools, export: &Export, writer: &mut Writer<'_>) -> Result<(), Failure> {
    let table = tools.registry.look_up(snapshot, &export.table)?.filter(|table| table.id == export.table_id);
    let gone = |message: &str| Failure { code: "TableNotFound", message: message.to_owned() };
    let table = table.ok_or_else(|| gone("The table was deleted"))?;
    // What clients say is to the second.
    let first = export.order.period.as_ref().map_or(export.at, |period| Timestamp(period.from.0 + 999));
    let history = table.history.as_ref().filter(|history| history.since <= first);
    let history = history.ok_or_else(|| gone("Point in time recovery was disabled"))?;
    let filter = export.order.filter.as_ref().map(FilterText::read).transpose()?;
    let scratch = tools.store.root().join("dynamodb").join(format!("{}-past", export.id));
    let past = Past { snapshot, table: &table, history, scratch: &scratch };
    match &export.order.period {
        None => past.items(export.at, |_, item| {
            let item = contents::decode(item)?;
            let item = if let Some(filter) = &filter { filter.of(item) } else { Some(item) };
            item.map_or(Ok(()), |item| writer.item(&item))
        }),
        Some(period) => past.changes((period.from, export.at), |change| writer.change(&table, period.images, &change)),
    }
}
