//! Aliases: names for versions, with a share for a second one.

use crate::model::{Alias, Function, FunctionKey};
use crate::registry::Turn;
use crate::{Error, Functions, provisioned};
use fogbank_model::Qualifier;
use std::sync::Arc;

/// What an alias is to be; what is absent stays as it is.
#[derive(Debug, Default)]
pub struct AliasChange {
    /// The version it points to.
    pub version: Option<Qualifier>,
    /// Free text.
    pub description: Option<String>,
    /// Another version and its share of the calls; `Some(None)` ends the sharing.
    pub shift: Option<Option<(u64, f64)>>,
    /// The revision that the client has seen.
    pub revision: Option<String>,
}

impl Functions {
    /// Makes an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the function or the version, [`Error::Conflict`], [`Error::InvalidParameter`].
    pub async fn create_alias(&self, key: &FunctionKey, name: &str, change: AliasChange) -> Result<Arc<Alias>, Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            if function.aliases.contains_key(name) {
                let arn = function.key.qualified_arn(name);
                return Err(Error::Conflict(format!("Alias already exists: {arn}")));
            }
            let version = change.version.clone().unwrap_or(Qualifier::Latest);
            let (name, description, revision) = (name.to_owned(), String::new(), String::new());
            set(function, Alias { name, version, description, shift: None, revision }, change, turn)
        };
        Ok(self.registry.edit(key, edit).await?.0)
    }

    /// Changes an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Precondition`], [`Error::InvalidParameter`].
    pub async fn update_alias(&self, key: &FunctionKey, name: &str, change: AliasChange) -> Result<Arc<Alias>, Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            let alias = Alias::clone(function.alias(name)?);
            if change.revision.as_ref().is_some_and(|revision| *revision != alias.revision) {
                return Err(Error::revision());
            }
            set(function, alias, change, turn)
        };
        Ok(self.registry.edit(key, edit).await?.0)
    }

    /// Deletes an alias and what belongs to it. One that is not there is deleted already.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the function.
    pub async fn delete_alias(&self, key: &FunctionKey, name: &str) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            function.aliases.remove(name);
            function.policies.remove(name);
            function.urls.remove(name);
            function.event_invokes.remove(name);
            function.provisioned.remove(name);
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }
}

fn set(function: &mut Function, mut alias: Alias, change: AliasChange, turn: &Turn) -> Result<Arc<Alias>, Error> {
    alias.version = change.version.unwrap_or(alias.version);
    alias.description = change.description.unwrap_or(alias.description);
    alias.shift = change.shift.unwrap_or(alias.shift);
    alias.revision = turn.clock.uuid();
    if let Qualifier::Alias(_) = alias.version {
        return Err(Error::invalid("An alias must point to a version, not to another alias."));
    }
    let version = function.version(Some(&alias.version))?;
    if function.provisioned.contains_key(&alias.name) {
        provisioned::check_version(version)?;
    }
    if let Some((other, share)) = alias.shift {
        check_shift(function, &alias, other, share)?;
    }
    let alias = Arc::new(alias);
    function.aliases.insert(alias.name.clone(), alias.clone());
    Ok(alias)
}

fn check_shift(function: &Function, alias: &Alias, other: u64, share: f64) -> Result<(), Error> {
    if alias.version == Qualifier::Latest {
        return Err(Error::invalid("$LATEST is not supported for an alias pointing to more than 1 version"));
    }
    if alias.version == Qualifier::Version(other) {
        return Err(Error::invalid(format!(
            "Invalid function version {other}. Function version {other} is already included in routing configuration."
        )));
    }
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::invalid("The weight of an additional version must lie between 0.0 and 1.0."));
    }
    function.version(Some(&Qualifier::Version(other))).map(drop)
}
