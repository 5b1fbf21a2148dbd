//! How records become calls: filtered, and cut so that each event stays within the size of a call.

use crate::limits;
use fogbank_expressions::Pattern;
use serde_json::Value;

/// Bytes of an event beside its records.
const FRAME_BYTES: usize = 64;

/// A record as it stands in the event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// What the function reports it by.
    pub id: String,
    /// What its source knows it by.
    pub handle: String,
    /// Its JSON text.
    pub json: String,
}

/// Whether a record passes: one of the patterns matches, or there are none.
pub(super) fn passes(patterns: &[Pattern], record: &Value) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(record))
}

/// Cuts records into batches whose events are no larger than a call takes, in order. A record that is too large alone is a batch of its own.
pub(super) fn cut(records: Vec<Record>) -> Vec<Vec<Record>> {
    let mut batches: Vec<Vec<Record>> = Vec::new();
    let mut room = 0;
    for record in records {
        let size = record.json.len() + 1;
        match batches.last_mut().filter(|_| size <= room) {
            Some(batch) => batch.push(record),
            None => {
                room = limits::SYNC_PAYLOAD_BYTES - FRAME_BYTES;
                batches.push(vec![record]);
            }
        }
        room = room.saturating_sub(size);
    }
    batches
}

/// `{"Records":[…]}`
pub(super) fn event(batch: &[Record]) -> String {
    let records: Vec<&str> = batch.iter().map(|record| record.json.as_str()).collect();
    format!("{{\"Records\":[{}]}}", records.join(","))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(id: usize, bytes: usize) -> Record {
        Record { id: id.to_string(), handle: String::new(), json: format!("\"{}\"", "x".repeat(bytes)) }
    }

    #[test]
    fn events_stay_within_a_calls_size_and_in_order() {
        let records: Vec<Record> = (0..20).map(|id| record(id, 1_000_000)).collect();
        let batches = cut(records);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6, 6, 2]);
        assert!(batches.iter().all(|batch| event(batch).len() <= limits::SYNC_PAYLOAD_BYTES));
        let ids: Vec<String> = batches.into_iter().flatten().map(|record| record.id).collect();
        assert_eq!(ids, (0..20).map(|id| id.to_string()).collect::<Vec<_>>());
        assert_eq!(cut(vec![record(0, 7_000_000), record(1, 1)]).len(), 2);
    }

    #[test]
    fn an_event_is_json() {
        assert_eq!(event(&[record(0, 1), record(1, 2)]), r#"{"Records":["x","xx"]}"#);
        assert_eq!(event(&[]), r#"{"Records":[]}"#);
    }

    #[test]
    fn one_matching_filter_is_enough() {
        let patterns = [r#"{"body":{"a":[1]}}"#, r#"{"body":{"b":[1]}}"#].map(|text| Pattern::parse(text).unwrap());
        assert!(passes(&[], &json!({})));
        assert!(passes(&patterns, &json!({"body": {"b": 1}})));
        assert!(!passes(&patterns, &json!({"body": {"b": 2}})));
        assert!(!passes(&patterns, &json!({"body": "text"})));
    }
}
