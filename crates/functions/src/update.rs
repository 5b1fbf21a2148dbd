//! `UpdateFunctionCode` and `UpdateFunctionConfiguration`. Both make a new `$LATEST`; instances of the one before finish their calls.

use crate::configuration::{self, Change};
use crate::model::{Function, FunctionKey, Version};
use crate::registry::Turn;
use crate::{Error, Functions, publish};
use bytes::Bytes;
use std::sync::Arc;

/// New code for a function.
#[derive(Debug)]
pub struct NewCode {
    /// The ZIP file.
    pub package: Bytes,
    /// The only architecture that the client accepts.
    pub architecture: Option<String>,
    /// Whether a version is published as well.
    pub publish: bool,
    /// Whether to check only, and change nothing.
    pub dry_run: bool,
    /// The revision that the client has seen, if it must be the current one.
    pub revision: Option<String>,
}

impl Functions {
    /// Replaces the code of `$LATEST`. Returns the version that was made.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Precondition`], [`Error::InvalidParameter`], [`Error::TooLarge`].
    pub async fn update_code(&self, key: &FunctionKey, new: NewCode) -> Result<(Arc<Function>, Arc<Version>), Error> {
        let before = self.function(key)?;
        check_revision(&before.latest, new.revision.as_deref())?;
        new.architecture.as_deref().map(configuration::check_architecture).transpose()?;
        let (code, _hold) = self.take_in(new.package).await?;
        let configuration = &before.latest.configuration;
        self.check_code(&configuration.runtime, &configuration.handler, &code).await?;
        if new.dry_run {
            configuration::check_total_size(&before.latest.configuration, code.unzipped)?;
            let would_be = Version { code, ..Version::clone(&before.latest) };
            return Ok((before, Arc::new(would_be)));
        }
        let edit = |function: &mut Function, turn: &Turn| {
            check_revision(&function.latest, new.revision.as_deref())?;
            configuration::check_total_size(&function.latest.configuration, code.unzipped)?;
            renew(function, turn, |latest| latest.code = code);
            Ok(new.publish.then(|| publish::publish(function, None, turn)))
        };
        let (published, function) = self.registry.edit(key, edit).await?;
        let version = published.and_then(|number| function.versions.get(&number)).unwrap_or(&function.latest).clone();
        Ok((function, version))
    }

    /// Changes the configuration of `$LATEST`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Precondition`], [`Error::InvalidParameter`].
    pub async fn update_configuration(
        &self,
        key: &FunctionKey,
        change: Change,
        revision: Option<&str>,
    ) -> Result<Arc<Function>, Error> {
        if let Some(runtime) = &change.runtime {
            self.runtime.prepare(runtime).await;
        }
        if change.runtime.is_some() || change.handler.is_some() {
            let latest = self.function(key)?.latest.clone();
            let configuration = &latest.configuration;
            let runtime = change.runtime.as_ref().unwrap_or(&configuration.runtime);
            let handler = change.handler.as_ref().unwrap_or(&configuration.handler);
            self.check_code(runtime, handler, &latest.code).await?;
        }
        let edit = |function: &mut Function, turn: &Turn| {
            check_revision(&function.latest, revision)?;
            let mut configuration = function.latest.configuration.clone();
            change.apply(&mut configuration, &turn.snapshot, &*self.runtime)?;
            configuration::check_total_size(&configuration, function.latest.code.unzipped)?;
            renew(function, turn, |latest| latest.configuration = configuration);
            Ok(())
        };
        let function = self.registry.edit(key, edit).await?.1;
        let expected = &function.latest.configuration;
        self.runtime.expect(&expected.runtime, expected.memory_mb);
        Ok(function)
    }
}

/// Makes `$LATEST` a new one, with instances of its own.
fn renew(function: &mut Function, turn: &Turn, change: impl FnOnce(&mut Version)) {
    let mut latest = Version::clone(&function.latest);
    change(&mut latest);
    latest.modified = turn.now;
    latest.revision = turn.clock.uuid();
    latest.deployment = Default::default();
    function.latest = Arc::new(latest);
}

pub(crate) fn check_revision(version: &Version, revision: Option<&str>) -> Result<(), Error> {
    match revision {
        Some(revision) if revision != version.revision => Err(Error::revision()),
        _ => Ok(()),
    }
}
