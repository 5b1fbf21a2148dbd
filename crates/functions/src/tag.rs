//! Tags of functions.

use crate::limits;
use crate::model::{Function, FunctionKey};
use crate::registry::Turn;
use crate::{Error, Functions};
use std::collections::BTreeMap;

impl Functions {
    /// Adds tags, over those of the same keys.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidParameter`].
    pub async fn tag(&self, key: &FunctionKey, tags: BTreeMap<String, String>) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            function.settings.tags.extend(tags);
            check_tags(&function.settings.tags)
        };
        self.registry.edit(key, edit).await.map(drop)
    }

    /// Removes tags; those that are not there are removed already.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn untag(&self, key: &FunctionKey, keys: &[String]) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            function.settings.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }
}

/// Checks a set of tags after a change.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > limits::TAGS {
        return Err(Error::invalid(format!("The number of tags exceeds the limit of {}.", limits::TAGS)));
    }
    if let Some(key) = tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(Error::invalid(format!("The tag key '{key}' begins with the reserved prefix aws:.")));
    }
    Ok(())
}
