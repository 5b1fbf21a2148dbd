//! The rules and archives of a bus, parsed and indexed, kept in memory.
//!
//! Every change of a bus's rules or archives writes a new stamp beside them, in the same transaction. A set in memory is used only where the store
//! has its stamp; a stamp is never given twice, not even to a closure that runs again, so equal stamps mean equal rules.

use crate::archive::Archive;
use crate::model::{BusKey, Rule, RuleKey, Target};
use crate::{Buses, keys};
use fogbank_expressions::Pattern;
use fogbank_store::{Error, Read, Tx};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// A bus's enabled rules that have a pattern, and its archives.
pub(crate) struct RuleSet {
    stamp: Vec<u8>,
    rules: Vec<Matching>,
    /// Rules by the texts that `source` must be, and those that leave it open, by their places in `rules`.
    by_source: HashMap<String, Vec<usize>>,
    any_source: Vec<usize>,
    pub(crate) archives: Vec<Keeping>,
}

/// A rule that events are held against.
pub(crate) struct Matching {
    pub key: RuleKey,
    pub targets: Vec<Target>,
    pattern: Pattern,
}

/// An archive that events are held against.
pub(crate) struct Keeping {
    pub place: String,
    /// `None` keeps all.
    pub pattern: Option<Pattern>,
}

impl RuleSet {
    /// The rules that `event` is for, in the order of their names.
    pub(crate) fn matching(&self, event: &Value) -> Vec<&Matching> {
        let source = event["source"].as_str().unwrap_or_default();
        let mut candidates = self.any_source.clone();
        candidates.extend(self.by_source.get(source).into_iter().flatten());
        candidates.sort_unstable();
        candidates.dedup();
        let rules = candidates.iter().filter_map(|at| self.rules.get(*at));
        rules.filter(|rule| rule.pattern.matches(event)).collect()
    }

    fn read(tx: &Tx<'_>, bus: &BusKey, stamp: Vec<u8>) -> Result<Self, Error> {
        let mut set =
            Self { stamp, rules: Vec::new(), by_source: HashMap::new(), any_source: Vec::new(), archives: Vec::new() };
        for (key, rule) in tx.load_prefix::<Rule>(keys::RULE, &keys::rules(bus))? {
            let pattern = rule.pattern.as_deref().filter(|_| rule.is_enabled()).map(Pattern::parse);
            let (Some(Ok(pattern)), Some(name)) = (pattern, keys::name_of(&key)) else { continue };
            set.add(RuleKey { bus: bus.clone(), name: name.to_owned() }, rule.targets, pattern);
        }
        let scope = keys::scope(&bus.account, &bus.region);
        let arn = bus.arn();
        for (_, archive) in tx.load_prefix::<Archive>(keys::ARCHIVE, &scope)? {
            if archive.source == arn {
                let pattern = archive.pattern.as_deref().and_then(|text| Pattern::parse(text).ok());
                set.archives.push(Keeping { place: archive.place, pattern });
            }
        }
        Ok(set)
    }

    fn add(&mut self, key: RuleKey, targets: Vec<Target>, pattern: Pattern) {
        let at = self.rules.len();
        match pattern.texts_of("source") {
            Some(sources) => {
                for source in sources {
                    self.by_source.entry(source.to_owned()).or_default().push(at);
                }
            }
            None => self.any_source.push(at),
        }
        self.rules.push(Matching { key, targets, pattern });
    }
}

impl Buses {
    /// The rules of `bus` as this transaction sees them.
    pub(crate) fn rules_in(&self, tx: &Tx<'_>, bus: &BusKey) -> Result<Arc<RuleSet>, Error> {
        let stamp = tx.get(keys::STAMP, &keys::bus(bus))?.unwrap_or_default();
        let kept = self.rule_sets.lock().unwrap_or_else(PoisonError::into_inner).get(bus).cloned();
        if let Some(set) = kept.filter(|set| set.stamp == stamp) {
            return Ok(set);
        }
        let set = Arc::new(RuleSet::read(tx, bus, stamp)?);
        self.rule_sets.lock().unwrap_or_else(PoisonError::into_inner).insert(bus.clone(), set.clone());
        Ok(set)
    }

    /// Says that this transaction changes the rules or archives of `bus`.
    pub(crate) fn stamp(&self, tx: &mut Tx<'_>, bus: &BusKey) {
        let number = self.stamps.fetch_add(1, Ordering::Relaxed);
        tx.put(keys::STAMP, &keys::bus(bus), [self.epoch.as_slice(), &number.to_be_bytes()].concat());
    }

    /// Drops what is kept of a bus that is gone.
    pub(crate) fn forget_rules(&self, bus: &BusKey) {
        self.rule_sets.lock().unwrap_or_else(PoisonError::into_inner).remove(bus);
    }
}
