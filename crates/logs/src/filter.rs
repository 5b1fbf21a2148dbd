//! `FilterLogEvents`: the events of many streams of a group in one order, those that match a pattern.

use crate::get::Chunks;
use crate::groups::must_exist;
use crate::model::{BYTES, EVENT_OVERHEAD, EVENTS, GroupKey, LogEvent, Position, Stream};
use crate::pattern::Pattern;
use crate::{Error, Logs, keys};
use fogbank_store::{Read, Snapshot};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Bound;

/// Events read from a stream at a time.
const CHUNK: usize = 200;
/// Events looked at for one page. A page may come out empty, with a token to go on.
const LOOKED_AT: usize = 200_000;

/// Which events to find.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only streams whose names begin with this.
    pub prefix: Option<String>,
    /// Only these streams.
    pub streams: Option<Vec<String>>,
    /// From this time on, in milliseconds.
    pub start: Option<i64>,
    /// Until this time, which is included.
    pub end: Option<i64>,
    /// What the message must match.
    pub pattern: Pattern,
    /// Where the page before ended.
    pub after: Option<(Position, String)>,
    /// The most events wanted; 10,000 unless fewer.
    pub limit: Option<usize>,
}

/// A page of events with their streams' names, and where the next page begins.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of their times.
    pub events: Vec<(String, LogEvent)>,
    /// Present if there may be more.
    pub after: Option<(Position, String)>,
}

impl Logs {
    /// Events of a group.
    ///
    /// # Errors
    /// [`Error::NoGroup`]; [`Error::NoStream`] for one that is named and not there.
    pub async fn find(&self, group: &GroupKey, filter: Filter) -> Result<Found, Error> {
        if filter.prefix.is_some() && filter.streams.is_some() {
            return Err(Error::invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters."));
        }
        let group = group.clone();
        self.look(move |read| find(read, &group, &filter)).await
    }
}

/// One stream being read.
struct Source<'a> {
    name: String,
    ahead: VecDeque<LogEvent>,
    chunks: Chunks<'a>,
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<LogEvent>, Error> {
        if self.ahead.is_empty() {
            self.ahead.extend(self.chunks.next(CHUNK)?.into_iter().flatten());
        }
        Ok(self.ahead.pop_front())
    }
}

fn find(read: &Snapshot, group: &GroupKey, filter: &Filter) -> Result<Found, Error> {
    must_exist(read, group)?;
    let (start, end) = (time(filter.start, 0), time(filter.end, u64::MAX));
    let streams = streams(read, group, filter, start, end)?;
    let last = Position { time: end, number: u64::MAX };
    let ends: Vec<Bound<Vec<u8>>> =
        streams.iter().map(|name| Bound::Included(keys::event(group, name, last))).collect();
    let mut sources = Vec::new();
    // What comes next of each stream, the earliest on top.
    let mut next = BinaryHeap::new();
    for (name, to) in streams.into_iter().zip(&ends) {
        let from = begin(group, &name, start, filter.after.as_ref());
        let mut source = Source { name, ahead: VecDeque::new(), chunks: Chunks { read, from, to } };
        if let Some(event) = source.next()? {
            next.push(Reverse((event.position.time, sources.len(), event.position.number)));
            source.ahead.push_front(event);
        }
        sources.push(source);
    }
    let limit = filter.limit.unwrap_or(EVENTS).clamp(1, EVENTS);
    let (mut found, mut bytes, mut looked_at) = (Found::default(), 0, 0);
    let mut at = None;
    while let Some(Reverse((_, index, _))) = next.pop() {
        let Some(source) = sources.get_mut(index) else { break };
        let Some(event) = source.next()? else { continue };
        if found.events.len() == limit || bytes > BYTES || looked_at == LOOKED_AT {
            found.after = at;
            break;
        }
        looked_at += 1;
        at = Some((event.position, source.name.clone()));
        if filter.pattern.matches(&event.message) {
            bytes += event.message.len() + EVENT_OVERHEAD;
            found.events.push((source.name.clone(), event));
        }
        if let Some(following) = source.next()? {
            next.push(Reverse((following.position.time, index, following.position.number)));
            source.ahead.push_front(following);
        }
    }
    Ok(found)
}

fn time(at: Option<i64>, otherwise: u64) -> u64 {
    at.map_or(otherwise, |at| u64::try_from(at).unwrap_or(0))
}

/// The names of the streams that may hold something, in order.
fn streams(read: &Snapshot, group: &GroupKey, filter: &Filter, start: u64, end: u64) -> Result<Vec<String>, Error> {
    let within = keys::in_group(group);
    if let Some(named) = &filter.streams {
        for name in named {
            read.get(keys::STREAM, &keys::stream(group, name))?.map(drop).ok_or(Error::NoStream)?;
        }
        let mut named = named.clone();
        named.sort();
        named.dedup();
        return Ok(named);
    }
    let prefix = [&within, filter.prefix.as_deref().unwrap_or_default().as_bytes()].concat();
    let all = read.load_prefix::<Stream>(keys::STREAM, &prefix)?.into_iter();
    let overlaps = |stream: &Stream| match (stream.first_event, stream.last_event) {
        (Some(first), Some(last)) => time(Some(last.0), 0) >= start && time(Some(first.0), 0) <= end,
        _ => false,
    };
    let named = all.filter(|(_, stream)| overlaps(stream));
    Ok(named.map(|(key, _)| String::from_utf8_lossy(&key[within.len()..]).into_owned()).collect())
}

/// Events of one time are in the order of their streams' names, so streams before the last one shown are past that time.
fn begin(group: &GroupKey, name: &str, start: u64, after: Option<&(Position, String)>) -> Bound<Vec<u8>> {
    let Some((last, stream)) = after.filter(|(last, _)| last.time >= start) else {
        return Bound::Included(keys::event(group, name, Position { time: start, number: 0 }));
    };
    let (time, after_all) = (last.time, u64::MAX);
    match name.cmp(stream) {
        std::cmp::Ordering::Less => Bound::Excluded(keys::event(group, name, Position { time, number: after_all })),
        std::cmp::Ordering::Equal => Bound::Excluded(keys::event(group, name, *last)),
        std::cmp::Ordering::Greater => Bound::Included(keys::event(group, name, Position { time, number: 0 })),
    }
}
