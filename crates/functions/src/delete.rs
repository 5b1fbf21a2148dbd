//! `DeleteFunction`: a whole function, or one published version. Calls under way finish; no new ones are taken.

use crate::model::{Function, FunctionKey};
use crate::{Error, Functions};
use fogbank_model::Qualifier;

impl Functions {
    /// Deletes the function with all that belongs to it, or only the version that `qualifier` names.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidParameter`] for `$LATEST` or an alias; [`Error::Conflict`] if an alias needs the version.
    pub async fn delete(&self, key: &FunctionKey, qualifier: Option<&Qualifier>) -> Result<(), Error> {
        match qualifier {
            None => {
                let turn = self.registry.turn().await;
                let old = turn.snapshot.function(key)?.clone();
                self.registry.commit(turn, Some(old), None).await.map(drop)
            }
            Some(Qualifier::Version(number)) => {
                let edit = |function: &mut Function, _: &crate::registry::Turn| remove_version(function, *number);
                self.registry.edit(key, edit).await.map(drop)
            }
            Some(Qualifier::Latest) => {
                Err(Error::invalid("$LATEST version cannot be deleted without deleting the function."))
            }
            Some(Qualifier::Alias(_)) => {
                Err(Error::invalid("Deletion of aliases is not currently supported. Call DeleteAlias instead."))
            }
        }
    }
}

fn remove_version(function: &mut Function, number: u64) -> Result<(), Error> {
    let used_by = function.aliases.values().filter(|alias| {
        alias.version == Qualifier::Version(number) || alias.shift.is_some_and(|(other, _)| other == number)
    });
    let used_by: Vec<String> = used_by.map(|alias| function.key.qualified_arn(&alias.name).to_string()).collect();
    if !used_by.is_empty() {
        return Err(Error::Conflict(format!("Version {number} is being used by the following aliases: {used_by:?}")));
    }
    if function.versions.remove(&number).is_none() {
        return Err(Error::NotFound(format!("Function not found: {}", function.key.qualified_arn(number))));
    }
    let own = number.to_string();
    function.policies.remove(&own);
    function.event_invokes.remove(&own);
    function.provisioned.remove(&own);
    Ok(())
}
