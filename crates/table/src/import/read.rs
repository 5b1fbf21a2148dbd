//! Reads items from an object: lines of JSON or Ion, or values with delimiters between them. What is no item of the table is counted and left out.

use super::log::LeftOut;
use super::zstandard::Frames;
use super::{Compression, Counts, Csv, Format, Source};
use crate::Error;
use crate::jobs::Failure;
use crate::load::Writer;
use crate::schema::{KeyType, Table};
use crate::value::{self, AttributeValue, Item, ValueError, ion, json};
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

/// Where the items of an object go, and what becomes of them.
pub(super) struct Entering<'a> {
    pub table: &'a Table,
    pub writer: &'a mut Writer,
    pub counts: &'a mut Counts,
    pub left_out: &'a mut LeftOut,
}

impl Entering<'_> {
    /// Enters the items of the object `key`.
    pub fn object(&mut self, key: &str, body: Box<dyn Read + Send>, source: &Source) -> Result<(), Failure> {
        let body: Box<dyn Read> = match source.compression {
            Compression::None => body,
            Compression::Gzip => Box::new(MultiGzDecoder::new(body)),
            Compression::Zstandard => Box::new(Frames::new(body)),
        };
        let left = Arc::new(AtomicU64::new(LARGEST));
        let body = Bounded { inner: body, left: left.clone() };
        let (table, mut index) = (self.table, 0);
        let mut enter = |item: Result<Item, Error>| {
            left.store(LARGEST, Ordering::Relaxed);
            index += 1;
            self.item(item, (key, index - 1))
        };
        match &source.format {
            Format::Csv(csv) => values(body, csv, table, &mut enter),
            Format::Json => lines(body, json_item, &mut enter),
            Format::Ion => lines(body, ion_item, &mut enter),
        }
    }

    fn item(&mut self, item: Result<Item, Error>, (key, index): (&str, u64)) -> Result<(), Failure> {
        self.counts.processed += 1;
        let accepted = item.and_then(|item| {
            let (_, at) = located(self.table, &Action::Put(item.clone()))?;
            check_item(self.table, &item)?;
            Ok((at, item))
        });
        match accepted {
            Ok((at, item)) => {
                self.writer.put(&at.0, &value::encode_item(&item))?;
                self.counts.imported += 1;
            }
            Err(why) => {
                self.left_out.note(key, index, &why);
                self.counts.errors += 1;
            }
        }
        Ok(())
    }
}

/// What is said of what is no item at all.
fn unreadable(what: &str) -> Error {
    Error::validation(what)
}

fn spoilt() -> Error {
    unreadable("The object is not compressed as it was said to be, or it is damaged")
}

/// Whether what was read is not compressed as it was said to be.
fn is_spoilt(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn lines(
    body: impl Read,
    item_of: fn(&[u8]) -> Result<Item, Error>,
    enter: &mut impl FnMut(Result<Item, Error>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut body = BufReader::new(body);
    let mut line = Vec::new();
    loop {
        line.clear();
        match body.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if is_spoilt(&error) => return enter(Err(spoilt())),
            Err(error) => return Err(error.into()),
        }
        if !line.trim_ascii().is_empty() {
            enter(item_of(&line))?;
        }
    }
}

/// `{"Item": {…}}`
fn json_item(line: &[u8]) -> Result<Item, Error> {
    let line: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    let item = line.as_ref().and_then(|line| json::read_item(line.get("Item")?));
    item.ok_or_else(|| unreadable("The line is no item in DynamoDB JSON"))
}

/// `$ion_1_0 {Item:{…}}`
fn ion_item(line: &[u8]) -> Result<Item, Error> {
    let item = std::str::from_utf8(line).ok().and_then(ion::read_item);
    item.ok_or_else(|| unreadable("The line is no item in Ion"))
}

fn values(
    body: impl Read,
    how: &Csv,
    table: &Table,
    enter: &mut impl FnMut(Result<Item, Error>) -> Result<(), Failure>,
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
            Err(error) if is_spoilt(&error) => return enter(Err(spoilt())),
            Err(error) => return Err(wrong(error)),
        },
    };
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => enter(item_of_record(&names, &record, table))?,
            Err(error) if is_spoilt(&error) => return enter(Err(spoilt())),
            Err(error) if error.is_io_error() => return Err(wrong(error)),
            Err(error) => enter(Err(unreadable(&error.to_string())))?,
        }
    }
}

/// All attributes are strings, except those of keys.
fn item_of_record(names: &[String], record: &csv::StringRecord, table: &Table) -> Result<Item, Error> {
    if record.len() > names.len() {
        return Err(unreadable("The line has more values than there are names"));
    }
    let attribute = |(name, text): (&String, &str)| {
        let kind = table.attributes.iter().find(|one| one.name == *name).map_or(KeyType::S, |one| one.kind);
        let value = match kind {
            KeyType::S => AttributeValue::S(text.to_owned()),
            KeyType::N => AttributeValue::N(text.parse().map_err(ValueError::from)?),
            KeyType::B => {
                let bytes = BASE64.decode(text).map_err(|_| unreadable(&format!("{name} is not in Base64")))?;
                AttributeValue::B(bytes.into())
            }
        };
        Ok((name.clone(), value))
    };
    names.iter().zip(record).map(attribute).collect()
}
