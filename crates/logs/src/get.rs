//! `GetLogEvents`: the events of one stream, forward and backward.

use crate::groups::must_exist;
use crate::model::{BYTES, EVENT_OVERHEAD, EVENTS, GroupKey, LogEvent, Position};
use crate::{Error, Logs, keys};
use fogbank_store::{Read, Snapshot};
use std::collections::VecDeque;
use std::ops::Bound;

/// Entries read from the store at a time.
const CHUNK: usize = 1000;

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// After this place.
    Forward(Position),
    /// Before this place.
    Backward(Position),
}

impl Token {
    /// `f/TIME NUMBER/s` or `b/…/s`, in hex.
    pub fn encode(self) -> String {
        let (way, at) = match self {
            Self::Forward(at) => ('f', at),
            Self::Backward(at) => ('b', at),
        };
        format!("{way}/{:016x}{:016x}/s", at.time, at.number)
    }

    /// Reads what [`Token::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let invalid = || Error::invalid("The specified nextToken is invalid.");
        let (way, rest) = text.split_once('/').ok_or_else(invalid)?;
        let digits =
            rest.strip_suffix("/s").filter(|digits| digits.len() == 32 && digits.is_ascii()).ok_or_else(invalid)?;
        let number = |digits: &str| u64::from_str_radix(digits, 16).map_err(|_| invalid());
        let at = Position { time: number(&digits[..16])?, number: number(&digits[16..])? };
        match way {
            "f" => Ok(Self::Forward(at)),
            "b" => Ok(Self::Backward(at)),
            _ => Err(invalid()),
        }
    }
}

/// Which events to read.
#[derive(Debug, Default, Clone)]
pub struct EventRange {
    /// From this time on, in milliseconds.
    pub start: Option<i64>,
    /// Before this time.
    pub end: Option<i64>,
    /// Where the page before ended.
    pub token: Option<Token>,
    /// The most events wanted; 10,000 unless fewer.
    pub limit: Option<usize>,
    /// The earliest ones first, instead of the latest page.
    pub from_head: bool,
}

/// A page of events and where to go on in both directions.
#[derive(Debug)]
pub struct Events {
    /// In order.
    pub events: Vec<LogEvent>,
    /// The next page.
    pub forward: Token,
    /// The page before.
    pub backward: Token,
}

impl Logs {
    /// Events of one stream.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::NoStream`].
    pub async fn events(&self, group: &GroupKey, stream: &str, range: EventRange) -> Result<Events, Error> {
        let (group, stream) = (group.clone(), stream.to_owned());
        self.look(move |read| page(read, &group, &stream, &range)).await
    }
}

fn millis(at: Option<i64>, otherwise: u64) -> u64 {
    at.map_or(otherwise, |at| u64::try_from(at).unwrap_or(0))
}

fn page(read: &Snapshot, group: &GroupKey, stream: &str, range: &EventRange) -> Result<Events, Error> {
    must_exist(read, group)?;
    if read.get(keys::STREAM, &keys::stream(group, stream))?.is_none() {
        return Err(Error::NoStream);
    }
    let key = |position| keys::event(group, stream, position);
    let start = Position { time: millis(range.start, 0), number: 0 };
    let end = Position { time: millis(range.end, u64::MAX), number: 0 };
    let (mut from, mut to) = (Bound::Included(key(start)), Bound::Excluded(key(end)));
    match range.token {
        Some(Token::Forward(at)) if at >= start => from = Bound::Excluded(key(at)),
        Some(Token::Backward(at)) if at < end => to = Bound::Excluded(key(at)),
        _ => {}
    }
    let forward = matches!(range.token, Some(Token::Forward(_))) || range.token.is_none() && range.from_head;
    let limit = range.limit.unwrap_or(EVENTS).clamp(1, EVENTS);
    let events = if forward { first(read, from, &to, limit)? } else { last(read, from, &to, limit)? };
    let nowhere = match range.token {
        Some(Token::Forward(at) | Token::Backward(at)) => at,
        // Of an empty range everything is still to come.
        None => Position { time: start.time, number: 0 },
    };
    let forward = Token::Forward(events.last().map_or(nowhere, |event| event.position));
    let backward = Token::Backward(events.first().map_or(nowhere, |event| event.position));
    Ok(Events { events, forward, backward })
}

fn first(read: &Snapshot, from: Bound<Vec<u8>>, to: &Bound<Vec<u8>>, limit: usize) -> Result<Vec<LogEvent>, Error> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    let mut chunks = Chunks { read, from, to };
    while let Some(chunk) = chunks.next(limit.min(CHUNK))? {
        for event in chunk {
            bytes += event.message.len() + EVENT_OVERHEAD;
            if found.len() == limit || bytes > BYTES && !found.is_empty() {
                return Ok(found);
            }
            found.push(event);
        }
    }
    Ok(found)
}

fn last(read: &Snapshot, from: Bound<Vec<u8>>, to: &Bound<Vec<u8>>, limit: usize) -> Result<Vec<LogEvent>, Error> {
    let size = |event: &LogEvent| event.message.len() + EVENT_OVERHEAD;
    let (mut found, mut bytes) = (VecDeque::new(), 0);
    let mut chunks = Chunks { read, from, to };
    while let Some(chunk) = chunks.next(CHUNK)? {
        for event in chunk {
            bytes += size(&event);
            found.push_back(event);
            while found.len() > limit || bytes > BYTES && found.len() > 1 {
                bytes -= found.pop_front().map_or(0, |event| size(&event));
            }
        }
    }
    Ok(found.into())
}

/// A range read piece by piece.
pub(crate) struct Chunks<'a> {
    pub read: &'a Snapshot,
    pub from: Bound<Vec<u8>>,
    pub to: &'a Bound<Vec<u8>>,
}

impl Chunks<'_> {
    /// At most `size` further events; `None` at the end.
    pub fn next(&mut self, size: usize) -> Result<Option<Vec<LogEvent>>, Error> {
        let (from, to) = (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice));
        let entries = self.read.scan(keys::EVENT, from, to, size)?;
        let Some((last, _)) = entries.last() else { return Ok(None) };
        self.from = Bound::Excluded(last.clone());
        Ok(Some(entries.iter().filter_map(|(key, value)| keys::decode_event(key, value)).collect()))
    }
}
