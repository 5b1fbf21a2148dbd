//! Provisioned concurrency: instances of a version that are there before calls come. Set on a version or an alias; an alias's follow it
//! to the versions it points to, in the shares that it gives them.
//!
//! Rules: "Configuring provisioned concurrency for a function" in the AWS Lambda Developer Guide.

use crate::instances::{Deployed, Instances};
use crate::model::{Alias, Function, FunctionKey, ProvisionedConcurrency, Version};
use crate::registry::Turn;
use crate::{Error, Functions, limits};
use fogbank_model::Qualifier;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A setting, and how far its instances have come.
#[derive(Debug, Clone)]
pub struct Provisioned {
    /// What was set.
    pub config: Arc<ProvisionedConcurrency>,
    /// Instances that have started.
    pub ready: u32,
    /// Whether all are there.
    pub status: Status,
}

/// Whether all provisioned instances are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Some are still being started.
    InProgress,
    /// All are there.
    Ready,
    /// Some could not be started; the word says why. They are tried again every minute, and when there is memory.
    Failed(&'static str),
}

impl Functions {
    /// Sets how many instances of a version or alias are to be there. They are started in the background.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the function, version or alias; [`Error::InvalidParameter`] for `$LATEST`, and if too little would be
    /// left for others; [`Error::Conflict`] if the alias's version, or the version's alias, has some already.
    pub async fn provision(&self, key: &FunctionKey, qualifier: &Qualifier, count: u32) -> Result<Provisioned, Error> {
        let total = self.config.concurrency;
        let edit = |function: &mut Function, turn: &Turn| {
            check_target(function, qualifier)?;
            let others = turn.snapshot.claimed(&key.scope) - function.claim();
            let config = Arc::new(ProvisionedConcurrency { count, modified: turn.now });
            function.provisioned.insert(qualifier.to_string(), config);
            check_count(function, count, total, others)
        };
        let function = self.registry.edit(key, edit).await?.1;
        self.provisioned(&function, qualifier)
    }

    /// How far the instances of a version or alias have come.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the version or alias, [`Error::NotProvisioned`].
    pub fn provisioned(&self, function: &Function, qualifier: &Qualifier) -> Result<Provisioned, Error> {
        function.version(Some(qualifier))?;
        let config = function.provisioned.get(&qualifier.to_string()).ok_or(Error::NotProvisioned)?;
        let mut ready = 0;
        let mut why = None;
        for (number, wanted) in shares(function, qualifier, config.count) {
            let Some(version) = function.versions.get(&number) else { continue };
            let (state, reason) = self.instances.provided(version.deployment);
            ready += state.ready.min(wanted);
            if state.failed {
                why = why.or(reason).or(Some("INTERNAL_ERROR"));
            }
            if state.short {
                why = why.or(Some("INSUFFICIENT_MEMORY"));
            }
        }
        let status = match why {
            _ if ready >= config.count => Status::Ready,
            Some(why) => Status::Failed(why),
            None => Status::InProgress,
        };
        Ok(Provisioned { config: config.clone(), ready, status })
    }

    /// Takes the setting of a version or alias back. One that is not there is taken back already.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the function, version or alias.
    pub async fn unprovision(&self, key: &FunctionKey, qualifier: &Qualifier) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            function.version(Some(qualifier))?;
            function.provisioned.remove(&qualifier.to_string());
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }
}

impl Function {
    /// What the function's provisioned instances are, together.
    pub fn provisioned_total(&self) -> u32 {
        self.provisioned.values().fold(0, |sum, config| sum.saturating_add(config.count))
    }

    /// What it keeps of the account's concurrency for itself: its reservation, else what is provisioned.
    pub fn claim(&self) -> u32 {
        self.settings.reserved.unwrap_or_else(|| self.provisioned_total())
    }
}

/// Tells `instances` how many of each version of `function` are to be there. `before` is what held until now.
pub(crate) fn provide(instances: &Instances, function: &Arc<Function>, before: Option<&Function>) {
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    for (qualifier, config) in &function.provisioned {
        let Ok(qualifier) = Qualifier::parse(qualifier) else { continue };
        for (number, share) in shares(function, &qualifier, config.count) {
            let count = counts.entry(number).or_default();
            *count = count.saturating_add(share);
        }
    }
    let touched = |version: &&Arc<Version>| !version.number.is_some_and(|number| counts.contains_key(&number));
    if before.is_some_and(|before| !before.provisioned.is_empty()) {
        for version in function.versions.values().filter(touched) {
            instances.provide(&Deployed { function: function.clone(), version: version.clone() }, 0);
        }
    }
    for (number, count) in counts {
        if let Some(version) = function.versions.get(&number) {
            instances.provide(&Deployed { function: function.clone(), version: version.clone() }, count);
        }
    }
}

/// How many of `count` instances each version gets.
fn shares(function: &Function, qualifier: &Qualifier, count: u32) -> Vec<(u64, u32)> {
    match qualifier {
        Qualifier::Latest => Vec::new(),
        Qualifier::Version(number) => vec![(*number, count)],
        Qualifier::Alias(name) => function.aliases.get(name).map_or_else(Vec::new, |alias| alias_shares(alias, count)),
    }
}

fn alias_shares(alias: &Alias, count: u32) -> Vec<(u64, u32)> {
    let Qualifier::Version(main) = alias.version else { return Vec::new() };
    // Rounded up, so that a version with a small share has an instance too.
    let other = alias.shift.map(|(other, share)| (other, ((f64::from(count) * share).ceil() as u32).min(count)));
    let moved = other.map_or(0, |(_, moved)| moved);
    std::iter::once((main, count - moved)).chain(other).collect()
}

fn check_target(function: &Function, qualifier: &Qualifier) -> Result<(), Error> {
    let has = |qualifier: &Qualifier| function.provisioned.contains_key(&qualifier.to_string());
    let version = match qualifier {
        Qualifier::Latest => &function.latest,
        Qualifier::Version(number) => {
            let pointing = |(name, alias): (&String, &Arc<Alias>)| {
                let names = alias.version == *qualifier || alias.shift.is_some_and(|(other, _)| other == *number);
                names && has(&Qualifier::Alias(name.clone()))
            };
            if function.aliases.iter().any(pointing) {
                let text = "Version is pointed by a Provisioned Concurrency alias";
                return Err(Error::Conflict(text.into()));
            }
            function.version(Some(qualifier))?
        }
        Qualifier::Alias(name) => {
            let alias = function.alias(name)?;
            if alias.shift.is_some() {
                return Err(Error::invalid("Alias with weights can not be used with Provisioned Concurrency"));
            }
            if has(&alias.version) {
                let text =
                    "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version";
                return Err(Error::Conflict(text.into()));
            }
            function.version(Some(qualifier))?
        }
    };
    check_version(version)
}

/// Checks that a version may have provisioned instances.
pub(crate) fn check_version(version: &Version) -> Result<(), Error> {
    if version.number.is_none() {
        let text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
        return Err(Error::invalid(text));
    }
    if version.configuration.snap_start {
        return Err(Error::invalid("Provisioned Concurrency is not supported for SnapStart enabled functions."));
    }
    Ok(())
}

/// Checks the settings of a function after a change, `others` being what other functions keep for themselves.
fn check_count(function: &Function, count: u32, total: u32, others: u32) -> Result<(), Error> {
    let unreserved = total.saturating_sub(others);
    match function.settings.reserved {
        Some(reserved) if function.provisioned_total() > reserved => Err(Error::invalid(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
        )),
        Some(_) => Ok(()),
        None if count > unreserved => Err(Error::invalid(format!(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{unreserved}]."
        ))),
        None if unreserved - count < limits::UNRESERVED_MINIMUM
            || unreserved.saturating_sub(function.provisioned_total()) < limits::UNRESERVED_MINIMUM =>
        {
            Err(Error::invalid(format!(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of \
                 [{}].",
                limits::UNRESERVED_MINIMUM
            )))
        }
        None => Ok(()),
    }
}
