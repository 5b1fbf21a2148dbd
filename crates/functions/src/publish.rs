//! `PublishVersion`.

use crate::model::{Function, FunctionKey, Readiness, Version};
use crate::registry::Turn;
use crate::update::check_revision;
use crate::{Error, Functions};
use std::sync::Arc;

/// What is published, and on which conditions.
#[derive(Debug, Default)]
pub struct NewVersion {
    /// Replaces the description of `$LATEST`.
    pub description: Option<String>,
    /// The base64 digest that the code must have.
    pub code_sha256: Option<String>,
    /// The revision that `$LATEST` must have.
    pub revision: Option<String>,
}

impl Functions {
    /// Freezes `$LATEST` under the next number. If nothing changed since the last time, returns the version made then.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Precondition`], [`Error::InvalidParameter`] if the code is another one.
    pub async fn publish(&self, key: &FunctionKey, new: NewVersion) -> Result<(Arc<Function>, Arc<Version>), Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            check_revision(&function.latest, new.revision.as_deref())?;
            let actual = crate::lambda::code_sha256(&function.latest.code);
            if new.code_sha256.as_ref().is_some_and(|expected| *expected != actual) {
                return Err(Error::invalid(format!(
                    "CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({actual}). Please try again with the CodeSHA256 in \
                     $LATEST.",
                    new.code_sha256.as_deref().unwrap_or_default()
                )));
            }
            Ok(publish(function, new.description, turn))
        };
        let (number, function) = self.registry.edit(key, edit).await?;
        let version = function.versions.get(&number).unwrap_or(&function.latest).clone();
        Ok((function, version))
    }
}

/// Publishes into the copy of a function that is being changed, and returns the version's number.
pub(crate) fn publish(function: &mut Function, description: Option<String>, turn: &Turn) -> u64 {
    let mut configuration = function.latest.configuration.clone();
    configuration.description = description.unwrap_or(configuration.description);
    let last = function.versions.get(&function.settings.published);
    let unchanged = |last: &&Arc<Version>| {
        let mut described = last.configuration.clone();
        described.description.clone_from(&configuration.description);
        last.code == function.latest.code && described == configuration
    };
    if let Some(number) = last.filter(unchanged).and_then(|last| last.number) {
        return number;
    }
    let number = function.settings.published + 1;
    let readiness = if configuration.snap_start { Readiness::Pending } else { Readiness::Active };
    let version = Version {
        number: Some(number),
        configuration,
        code: function.latest.code.clone(),
        modified: turn.now,
        revision: turn.clock.uuid(),
        readiness,
        deployment: Default::default(),
    };
    function.settings.published = number;
    function.versions.insert(number, Arc::new(version));
    number
}
