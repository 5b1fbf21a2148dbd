//! Iterators: where in a stream a reader is, as a text that only we read.

use crate::Error;
use crate::changes::StreamKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::Timestamp;
use std::time::Duration;

/// How long an iterator can be used.
const VALID: Duration = Duration::from_secs(15 * 60);

/// Where a reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub stream: StreamKey,
    /// The next record is the first one after this sequence number.
    pub after: u64,
    pub made: Timestamp,
}

impl Cursor {
    pub fn to_text(&self) -> String {
        let arn = self.stream.arn();
        format!("{arn}|1|{}", BASE64.encode(format!("{} {} {arn}", self.after, self.made.0)))
    }

    /// Reads what [`Cursor::to_text`] wrote.
    pub fn read(text: &str, now: Timestamp) -> Result<Self, Error> {
        let cursor = Self::parse(text).ok_or_else(|| Error::validation("Invalid ShardIterator"))?;
        if now > cursor.made.plus(VALID) {
            return Err(Error::ExpiredIterator("The shard iterator has expired and can no longer be used".into()));
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let (arn, encoded) = text.split_once("|1|")?;
        let inner = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
        let mut parts = inner.splitn(3, ' ');
        let (after, made) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        (parts.next()? == arn).then_some(())?;
        Some(Self { stream: StreamKey::of(arn)?, after, made: Timestamp(made) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_iterator_is_read_back_until_it_expires_and_nothing_else_is() {
        let stream =
            StreamKey::of("arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000").unwrap();
        let cursor = Cursor { stream, after: 7, made: Timestamp(1000) };
        let text = cursor.to_text();
        assert_eq!(Cursor::read(&text, Timestamp(2000)).unwrap(), cursor);
        assert!(matches!(Cursor::read(&text, Timestamp(901_001)), Err(Error::ExpiredIterator(_))));
        let other = text.replacen("table/t", "table/u", 1);
        for wrong in ["", "x", "a|1|b", &text[..text.len() - 8], &other] {
            assert!(matches!(Cursor::read(wrong, Timestamp(2000)), Err(Error::Validation(_))), "{wrong}");
        }
    }
}
