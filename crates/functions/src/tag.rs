//! Tags of functions.

use crate::model::{Function, FunctionKey, check_tags};
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
