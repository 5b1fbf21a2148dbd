//! Keys in the store. Parts are joined with a zero byte, which no name holds; numbers are big-endian, so that they sort.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `functions.function` | account, region, name | head: settings and `$LATEST` |
//! | `functions.version` | function, number | [`crate::model::Version`] |
//! | `functions.alias` | function, name | [`crate::model::Alias`] |
//! | `functions.policy`, `functions.url`, `functions.event_invoke`, `functions.provisioned` | function, qualifier | as named |
//! | `functions.idle_times` | function | [`crate::keep_alive::History`] |
//! | `functions.source` | account, region, id | [`crate::sources::Mapping`] |
//! | `functions.checkpoint` | account, region, id of the mapping, shard | `crate::sources::stream::Checkpoint` |
//! | `functions.layer` | account, region, name, number | [`crate::model::LayerVersion`] |
//! | `functions.layer_number` | account, region, name | the number given last |
//! | `functions.usage` | hour, account, region, name, version | [`crate::meter::Usage`] |

use crate::model::{FunctionKey, LayerKey, Scope};
use fogbank_model::FunctionName;
use fogbank_store::Table;

pub(crate) const FUNCTION: Table = Table("functions.function");
pub(crate) const VERSION: Table = Table("functions.version");
pub(crate) const ALIAS: Table = Table("functions.alias");
pub(crate) const POLICY: Table = Table("functions.policy");
pub(crate) const URL: Table = Table("functions.url");
pub(crate) const EVENT_INVOKE: Table = Table("functions.event_invoke");
pub(crate) const PROVISIONED: Table = Table("functions.provisioned");
pub(crate) const IDLE_TIMES: Table = Table("functions.idle_times");
pub(crate) const LAYER: Table = Table("functions.layer");
pub(crate) const LAYER_NUMBER: Table = Table("functions.layer_number");
pub(crate) const USAGE: Table = Table("functions.usage");
pub(crate) const SOURCE: Table = Table("functions.source");
pub(crate) const CHECKPOINT: Table = Table("functions.checkpoint");
/// The work queue of asynchronous calls.
pub(crate) const ASYNC_QUEUE: &str = "functions.async";

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&0)
}

/// The last part of a key under a function.
pub(crate) trait Part: Sized {
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Option<Self>;
}

impl Part for u64 {
    fn encode(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Part for String {
    fn encode(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

pub(crate) fn function(key: &FunctionKey) -> Vec<u8> {
    let (account, region) = (key.scope.account.as_str(), key.scope.region.as_str());
    join(&[account.as_bytes(), region.as_bytes(), key.name.as_str().as_bytes()])
}

pub(crate) fn part<P: Part>(key: &FunctionKey, part: &P) -> Vec<u8> {
    join(&[&function(key), &part.encode()])
}

pub(crate) fn layer_name(scope: &Scope, name: &str) -> Vec<u8> {
    join(&[scope.account.as_str().as_bytes(), scope.region.as_str().as_bytes(), name.as_bytes()])
}

pub(crate) fn layer(key: &LayerKey) -> Vec<u8> {
    join(&[&layer_name(&key.scope, &key.name), &key.version.to_be_bytes()])
}

/// With no id: the beginning of the keys of a scope's mappings.
pub(crate) fn source(scope: &Scope, id: &str) -> Vec<u8> {
    join(&[scope.account.as_str().as_bytes(), scope.region.as_str().as_bytes(), id.as_bytes()])
}

/// With no shard: the beginning of the keys of a mapping's checkpoints.
pub(crate) fn checkpoint(scope: &Scope, mapping: &str, shard: &str) -> Vec<u8> {
    join(&[&source(scope, mapping), shard.as_bytes()])
}

pub(crate) fn usage(hour: i64, key: &FunctionKey, version: &str) -> Vec<u8> {
    join(&[&hour.to_be_bytes(), &function(key), version.as_bytes()])
}

/// Reads account, region and name off the front of a key, and returns what follows.
pub(crate) fn split_function(bytes: &[u8]) -> Option<(FunctionKey, &[u8])> {
    let (scope, name, rest) = split_named(bytes)?;
    Some((FunctionKey { scope, name: FunctionName::new(name).ok()? }, rest))
}

/// The same for a name that is no function's.
pub(crate) fn split_named(bytes: &[u8]) -> Option<(Scope, &str, &[u8])> {
    let mut parts = bytes.splitn(4, |byte| *byte == 0);
    let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let (account, region, name) = (text()?.parse().ok()?, text()?.parse().ok()?, text()?);
    Some((Scope { account, region }, name, parts.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn orders() -> FunctionKey {
        let scope = Scope { account: "123456789012".parse().unwrap(), region: "eu-west-1".parse().unwrap() };
        FunctionKey { scope, name: FunctionName::new("orders").unwrap() }
    }

    #[test]
    fn keys_have_these_bytes() {
        assert_eq!(function(&orders()), b"123456789012\0eu-west-1\0orders");
        assert_eq!(part(&orders(), &7u64), b"123456789012\0eu-west-1\0orders\0\0\0\0\0\0\0\0\x07");
        assert_eq!(part(&orders(), &"live".to_owned()), b"123456789012\0eu-west-1\0orders\0live");
    }

    #[test]
    fn a_key_is_read_back_in_its_parts() {
        let key = part(&orders(), &256u64);
        let (function, rest) = split_function(&key).unwrap();
        assert_eq!((function, u64::decode(rest)), (orders(), Some(256)));
    }
}
