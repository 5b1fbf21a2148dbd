//! Reads items from an object: lines of JSON or Ion, or values with delimiters between them. What is no item of the table is counted and left out.

use super::zstandard::Frames;
use super::{Compression, Counts, Csv, Format, Source};
use crate::jobs::Failure;
use crate::load::Writer;
use crate::schema::{KeyType, Table};
use crate::value::{self, AttributeValue, Item, ion, json};
use crate::write::{Action, check_item, located};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that one item may take in an object: far more than the largest needs, however it is written.
const LARGEST: u64 = 16 << 20;

/// Fails where more than [`LARGEST`] bytes are read for one item, so that no object can take the memory.
struct Bounded<R> {
    inner: R,
    left: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        let left = self.left.load(Ordering::Relaxed).checked_sub(count as u64);
        let left = left.ok_or_else(|| io::Error::other("An item in an object is too large"))?;
        self.left.store(left, Ordering::Relaxed);
        Ok(count)
    }
}

/// Enters the items of an object into `writer`.
pub(super) fn object(
    body: Box<dyn Read + Send>,
    source: &Source,
    table: &Table,
    writer: &mut Writer,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let body: Box<dyn Read> = match source.compression {
        Compression::None => body,
        Compression::Gzip => Box::new(MultiGzDecoder::new(body)),
        Compression::Zstandard => Box::new(Frames::new(body)),
    };
    let left = Arc::new(AtomicU64::new(LARGEST));
    let body = Bounded { inner: body, left: left.clone() };
    let mut enter = |item: Option<Item>| -> Result<(), Failure> {
        left.store(LARGEST, Ordering::Relaxed);
        counts.processed += 1;
        let accepted = item.and_then(|item| {
            let (_, at) = located(table, &Action::Put(item.clone())).ok()?;
            check_item(table, &item).ok()?;
            Some((at, item))
        });
        match accepted {
            Some((at, item)) => {
                writer.put(&at.0, &value::encode_item(&item))?;
                counts.imported += 1;
            }
            None => counts.errors += 1,
        }
        Ok(())
    };
    match &source.format {
        Format::Csv(csv) => values(body, csv, table, &mut enter),
        Format::Json => lines(body, json_item, &mut enter),
        Format::Ion => lines(body, ion_item, &mut enter),
    }
}

/// Whether what was read is not compressed as it was said to be.
fn is_spoilt(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn lines(
    body: impl Read,
    item_of: fn(&[u8]) -> Option<Item>,
    enter: &mut impl FnMut(Option<Item>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut body = BufReader::new(body);
    let mut line = Vec::new();
    loop {
        line.clear();
        match body.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if is_spoilt(&error) => return enter(None),
            Err(error) => return Err(error.into()),
        }
        if !line.trim_ascii().is_empty() {
            enter(item_of(&line))?;
        }
    }
}

/// `{"Item": {…}}`
fn json_item(line: &[u8]) -> Option<Item> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    json::read_item(line.get("Item")?)
}

/// `$ion_1_0 {Item:{…}}`
fn ion_item(line: &[u8]) -> Option<Item> {
    ion::read_item(std::str::from_utf8(line).ok()?)
}

fn values(
    body: impl Read,
    how: &Csv,
    table: &Table,
    enter: &mut impl FnMut(Option<Item>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let is_spoilt = |why: &csv::Error| matches!(why.kind(), csv::ErrorKind::Io(why) if is_spoilt(why));
    let wrong = |why: csv::Error| Failure { code: "InvalidCsv", message: why.to_string() };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(how.delimiter)
        .has_headers(how.names.is_none())
        .flexible(true)
        .from_reader(body);
    let names: Vec<String> = match &how.names {
        Some(names) => names.clone(),
        None => match reader.headers() {
            Ok(names) => names.iter().map(str::to_owned).collect(),
            Err(error) if is_spoilt(&error) => return enter(None),
            Err(error) => return Err(wrong(error)),
        },
    };
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => enter(item_of_record(&names, &record, table))?,
            Err(error) if is_spoilt(&error) => return enter(None),
            Err(error) if error.is_io_error() => return Err(wrong(error)),
            Err(_) => enter(None)?,
        }
    }
}

/// All attributes are strings, except those of keys.
fn item_of_record(names: &[String], record: &csv::StringRecord, table: &Table) -> Option<Item> {
    if record.len() > names.len() {
        return None;
    }
    let attribute = |(name, text): (&String, &str)| {
        let kind = table.attributes.iter().find(|one| one.name == *name).map_or(KeyType::S, |one| one.kind);
        let value = match kind {
            KeyType::S => AttributeValue::S(text.to_owned()),
            KeyType::N => AttributeValue::N(text.parse().ok()?),
            KeyType::B => AttributeValue::B(BASE64.decode(text).ok()?.into()),
        };
        Some((name.clone(), value))
    };
    names.iter().zip(record).map(attribute).collect()
}
