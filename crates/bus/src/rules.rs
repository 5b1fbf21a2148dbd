//! Making, finding, changing and removing rules.

use crate::buses::find as find_bus;
use crate::model::{BusKey, DEFAULT, RULES, Rule, RuleKey, Tags};
use crate::page::{Page, Wanted, page};
use crate::{Buses, Error, keys, tagging, timer};
use fogbank_delivery::Origin;
use fogbank_expressions::{Pattern, Schedule};
use fogbank_store::{Read, Tx};

/// What a rule is made or changed with.
#[derive(Debug, Clone, Default)]
pub struct RuleSettings {
    /// See [`Rule`].
    pub pattern: Option<String>,
    /// See [`Rule`].
    pub schedule: Option<String>,
    /// See [`Rule`]; `ENABLED` if there is none.
    pub state: Option<String>,
    /// See [`Rule`].
    pub description: Option<String>,
    /// See [`Rule`].
    pub role: Option<String>,
    /// Tags of a rule that is made; those of one that is there are left alone.
    pub tags: Tags,
}

impl Buses {
    /// Makes a rule, or puts all of its settings in the place of those it has. Its targets and tags stay. `origin` is who its schedule acts for.
    ///
    /// # Errors
    /// [`Error::NotFound`] for its bus, [`Error::Pattern`], [`Error::Invalid`], [`Error::Limit`], [`Error::Store`].
    pub async fn put_rule(
        self: &std::sync::Arc<Self>,
        key: &RuleKey,
        settings: RuleSettings,
        origin: Origin,
    ) -> Result<(), Error> {
        check(key, &settings)?;
        tagging::check(&settings.tags)?;
        let (this, key) = (self.clone(), key.clone());
        let put = move |tx: &mut Tx<'_>| this.put_rule_in(tx, &key, &settings, &origin);
        self.store.transact(put).await
    }

    fn put_rule_in(
        &self,
        tx: &mut Tx<'_>,
        key: &RuleKey,
        settings: &RuleSettings,
        origin: &Origin,
    ) -> Result<(), Error> {
        find_bus(tx, &key.bus)?;
        let before: Option<Rule> = tx.load(keys::RULE, &keys::rule(key))?;
        if before.is_none() && tx.scan_prefix(keys::RULE, &keys::rules(&key.bus), RULES)?.len() >= RULES {
            return Err(Error::too_many());
        }
        let settings = settings.clone();
        let (targets, tags, timer) = match &before {
            Some(rule) => (rule.targets.clone(), rule.tags.clone(), rule.timer),
            // Not from 0, because the timers of an earlier rule of the name may be waiting still.
            None => (Vec::new(), settings.tags, self.first_timer()),
        };
        let mut rule = Rule {
            pattern: settings.pattern,
            schedule: settings.schedule,
            state: settings.state.unwrap_or_else(|| "ENABLED".into()),
            description: settings.description,
            role: settings.role,
            targets,
            tags,
            timer,
        };
        timer::arm(tx, key, before.as_ref(), &mut rule, origin)?;
        self.save_rule(tx, key, &rule)
    }

    /// A number far from those of all timers there have been.
    fn first_timer(&self) -> u64 {
        let mut number = [0; 8];
        self.clock.random(&mut number);
        u64::from_be_bytes(number) >> 1
    }

    /// Lets a rule act, or no longer.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn enable(self: &std::sync::Arc<Self>, key: &RuleKey, is_on: bool, origin: Origin) -> Result<(), Error> {
        let (this, key) = (self.clone(), key.clone());
        let enable = move |tx: &mut Tx<'_>| {
            let before = find(tx, &key)?;
            let mut rule = before.clone();
            rule.state = if is_on { "ENABLED" } else { "DISABLED" }.into();
            timer::arm(tx, &key, Some(&before), &mut rule, &origin)?;
            this.save_rule(tx, &key, &rule)
        };
        self.store.transact(enable).await
    }

    /// Removes a rule. It is no error if there is none.
    ///
    /// # Errors
    /// [`Error::NotFound`] for its bus, [`Error::Invalid`] while it has targets, [`Error::Store`].
    pub async fn delete_rule(self: &std::sync::Arc<Self>, key: &RuleKey) -> Result<(), Error> {
        let (this, key) = (self.clone(), key.clone());
        let delete = move |tx: &mut Tx<'_>| {
            find_bus(tx, &key.bus)?;
            let Some(rule) = tx.load::<Rule>(keys::RULE, &keys::rule(&key))? else { return Ok(()) };
            if !rule.targets.is_empty() {
                return Err(Error::invalid("Rule can't be deleted since it has targets."));
            }
            tx.delete(keys::RULE, &keys::rule(&key));
            this.stamp(tx, &key.bus);
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// The rule called `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn rule(&self, key: &RuleKey) -> Result<Rule, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// A page of a bus's rules, all or those that deliver to `target`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the bus, [`Error::Invalid`] for a token that was never given, [`Error::Store`].
    pub fn list_rules(
        &self,
        bus: &BusKey,
        wanted: &Wanted,
        target: Option<&str>,
    ) -> Result<Page<(String, Rule)>, Error> {
        self.bus(bus)?;
        page(&self.store, keys::RULE, &keys::rules(bus), wanted, |_, rule: &Rule| {
            target.is_none_or(|arn| rule.targets.iter().any(|target| target.arn == arn))
        })
    }

    /// Keeps a changed rule.
    pub(crate) fn save_rule(&self, tx: &mut Tx<'_>, key: &RuleKey, rule: &Rule) -> Result<(), Error> {
        self.stamp(tx, &key.bus);
        Ok(tx.save(keys::RULE, &keys::rule(key), rule)?)
    }
}

/// The rule called `key`.
pub(crate) fn find(read: &impl Read, key: &RuleKey) -> Result<Rule, Error> {
    if let Some(rule) = read.load(keys::RULE, &keys::rule(key))? {
        return Ok(rule);
    }
    find_bus(read, &key.bus)?;
    Err(Error::no_rule(&key.name, &key.bus.name))
}

fn check(key: &RuleKey, settings: &RuleSettings) -> Result<(), Error> {
    if let Some(text) = &settings.schedule {
        if key.bus.name != DEFAULT {
            return Err(Error::invalid("ScheduleExpression is supported only on the default event bus."));
        }
        if matches!(Schedule::parse(text), Err(_) | Ok(Schedule::At(_))) {
            return Err(Error::invalid("Parameter ScheduleExpression is not valid."));
        }
    }
    match &settings.pattern {
        Some(text) => drop(Pattern::parse(text)?),
        None if settings.schedule.is_none() => {
            return Err(Error::invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
        }
        None => {}
    }
    Ok(())
}
