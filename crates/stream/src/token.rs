//! Shard iterators and pages' tokens: signed with a key of the store, so that they hold across restarts and cannot be made up, or used in
//! another account or region.

use crate::Error;
use crate::model::{StreamKey, TOKEN_MS};
use crate::place::Place;
use crate::shards::Filter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The key that they are signed with.
pub(crate) type Secret = [u8; 32];

/// AWS's iterators begin with zeros.
const LEAD: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
/// Bytes of the signature that are kept.
const SIGNATURE: usize = 16;
/// The longest token that is looked at.
const LONGEST: usize = 1024;

/// What an iterator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Iterator {
    /// The stream's id.
    pub stream: u64,
    /// The stream's name.
    pub name: String,
    /// The shard's number.
    pub shard: u64,
    /// Where the next read begins.
    pub place: Place,
    /// When it was made.
    pub made: Timestamp,
}

impl Iterator {
    pub fn encode(&self, key: &StreamKey, secret: &Secret) -> String {
        let parts = [
            &self.stream.to_be_bytes()[..],
            &self.shard.to_be_bytes(),
            &self.place.to_bytes(),
            &self.made.0.to_be_bytes(),
            self.name.as_bytes(),
        ];
        seal(b"iterator", &parts.concat(), key, secret)
    }

    /// Reads an iterator that this platform made in the account and region of `key`, whose name does not matter.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is none, [`Error::ExpiredIterator`] after five minutes.
    pub fn decode(text: &str, key: &StreamKey, secret: &Secret, now: Timestamp) -> Result<Self, Error> {
        let read = || {
            let bytes = unseal(b"iterator", text, key, secret)?;
            let (stream, rest) = bytes.split_first_chunk::<8>()?;
            let (shard, rest) = rest.split_first_chunk::<8>()?;
            let (place, rest) = rest.split_first_chunk::<16>()?;
            let (made, name) = rest.split_first_chunk::<8>()?;
            Some(Self {
                stream: u64::from_be_bytes(*stream),
                name: String::from_utf8(name.to_vec()).ok()?,
                shard: u64::from_be_bytes(*shard),
                place: Place::from_bytes(*place),
                made: Timestamp(i64::from_be_bytes(*made)),
            })
        };
        let iterator = read().ok_or_else(|| Error::invalid("Invalid ShardIterator."))?;
        if now.0.saturating_sub(iterator.made.0) > TOKEN_MS {
            return Err(Error::ExpiredIterator(format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the future than \
                 the tolerated delay of {TOKEN_MS} milliseconds.",
                in_words(iterator.made),
                in_words(now)
            )));
        }
        Ok(iterator)
    }
}

/// `Thu Nov 27 20:44:04 UTC 2014`
fn in_words(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}

/// Where a list's next page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// Which list it is of.
    pub list: String,
    /// The stream's name, for lists of what a stream has.
    pub stream: String,
    /// The last of the page before.
    pub after: String,
    /// Which shards it has.
    #[serde(default)]
    pub filter: PageFilter,
    /// When it was made, in milliseconds.
    pub made: i64,
}

/// A [`Filter`] as tokens hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum PageFilter {
    #[default]
    All,
    After(u64),
    At(i64),
    From(i64),
    Open,
}

impl From<Filter> for PageFilter {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::All => Self::All,
            Filter::After(number) => Self::After(number),
            Filter::At(at) => Self::At(at.0),
            Filter::From(at) => Self::From(at.0),
            Filter::Open => Self::Open,
        }
    }
}

impl From<PageFilter> for Filter {
    fn from(filter: PageFilter) -> Self {
        match filter {
            PageFilter::All => Self::All,
            PageFilter::After(number) => Self::After(number),
            PageFilter::At(at) => Self::At(Timestamp(at)),
            PageFilter::From(at) => Self::From(Timestamp(at)),
            PageFilter::Open => Self::Open,
        }
    }
}

impl Page {
    pub fn encode(&self, key: &StreamKey, secret: &Secret) -> String {
        seal(b"page", &serde_json::to_vec(self).unwrap_or_default(), key, secret)
    }

    /// Reads a token of `list` that this platform made in the account and region of `key`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is none, [`Error::ExpiredToken`] after five minutes.
    pub fn decode(text: &str, list: &str, key: &StreamKey, secret: &Secret, now: Timestamp) -> Result<Self, Error> {
        let page: Option<Self> =
            unseal(b"page", text, key, secret).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let page = page.filter(|page| page.list == list).ok_or_else(|| Error::invalid("Invalid NextToken."))?;
        if now.0.saturating_sub(page.made) > TOKEN_MS {
            return Err(Error::ExpiredToken("The pagination token passed to the operation is expired.".into()));
        }
        Ok(page)
    }
}

fn seal(kind: &[u8], content: &[u8], key: &StreamKey, secret: &Secret) -> String {
    let signature = mac(kind, content, key, secret).finalize().into_bytes();
    BASE64.encode([&LEAD[..], &signature[..SIGNATURE], content].concat())
}

fn unseal(kind: &[u8], text: &str, key: &StreamKey, secret: &Secret) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
    let rest = bytes.strip_prefix(&LEAD)?;
    let (signature, content) = rest.split_at_checked(SIGNATURE)?;
    mac(kind, content, key, secret).verify_truncated_left(signature).ok()?;
    Some(content.to_vec())
}

fn mac(kind: &[u8], content: &[u8], key: &StreamKey, secret: &Secret) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    for part in [kind, key.account.as_str().as_bytes(), key.region.as_str().as_bytes()] {
        mac.update(part);
        mac.update(&[0]);
    }
    mac.update(content);
    mac
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_for_the_account_is_an_iterator_and_not_for_long() {
        let key = |account: &str| StreamKey {
            account: account.parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: String::new(),
        };
        let (own, other) = (key("000000000000"), key("111111111111"));
        let place = Place { ms: 5, count: 6 };
        let iterator = Iterator { stream: 7, name: "n".repeat(128), shard: 8, place, made: Timestamp(0) };
        let text = iterator.encode(&own, &[1; 32]);
        assert!(text.starts_with("AAAAAAAAAA") && text.len() <= 512, "{text}");
        assert_eq!(Iterator::decode(&text, &own, &[1; 32], Timestamp(300_000)), Ok(iterator));
        let invalid = Err(Error::invalid("Invalid ShardIterator."));
        assert_eq!(Iterator::decode(&text, &own, &[2; 32], Timestamp(0)), invalid);
        assert_eq!(Iterator::decode(&text, &other, &[1; 32], Timestamp(0)), invalid);
        let expired = Iterator::decode(&text, &own, &[1; 32], Timestamp(300_001)).unwrap_err().to_string();
        assert!(expired.contains("created at time Thu Jan 01 00:00:00 UTC 1970"), "{expired}");
        let mut bytes = BASE64.decode(&text).unwrap();
        bytes[40] ^= 1;
        for text in [BASE64.encode(bytes), String::new(), "fake".into(), "ü".repeat(300), "A".repeat(500)] {
            assert_eq!(Iterator::decode(&text, &own, &[1; 32], Timestamp(0)), invalid, "{text}");
        }
    }
}
