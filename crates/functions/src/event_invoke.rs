//! Event invoke configurations: how asynchronous calls are retried, and for how long.

use crate::model::{EventInvoke, Function, FunctionKey};
use crate::permission::part;
use crate::registry::Turn;
use crate::{Error, Functions};
use fogbank_model::Qualifier;
use std::sync::Arc;

/// What is to be set.
#[derive(Debug, Default, Clone, Copy)]
pub struct EventInvokeChange {
    /// Retries, 0 to 2.
    pub retries: Option<u32>,
    /// Seconds, 60 to 21600.
    pub age_s: Option<u32>,
}

impl Functions {
    /// Sets the configuration of a function, a version or an alias. With `keep`, what `change` leaves out stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the function, or with `keep` for the configuration.
    pub async fn set_event_invoke(
        &self,
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
        change: EventInvokeChange,
        keep: bool,
    ) -> Result<Arc<EventInvoke>, Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            function.version(qualifier)?;
            let before = if keep { Some(find(function, qualifier)?) } else { None };
            let config = EventInvoke {
                retries: change.retries.or(before.and_then(|before| before.retries)),
                age_s: change.age_s.or(before.and_then(|before| before.age_s)),
                modified: turn.now,
            };
            let config = Arc::new(config);
            function.event_invokes.insert(part(qualifier), config.clone());
            Ok(config)
        };
        Ok(self.registry.edit(key, edit).await?.0)
    }

    /// Removes a configuration.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_event_invoke(&self, key: &FunctionKey, qualifier: Option<&Qualifier>) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            find(function, qualifier)?;
            function.event_invokes.remove(&part(qualifier));
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }
}

/// The configuration of a function, a version or an alias.
pub(crate) fn find<'a>(function: &'a Function, qualifier: Option<&Qualifier>) -> Result<&'a Arc<EventInvoke>, Error> {
    let none = || {
        let arn = function.key.qualified_arn(part(qualifier));
        Error::NotFound(format!("The function {arn} doesn't have an EventInvokeConfig"))
    };
    function.event_invokes.get(&part(qualifier)).ok_or_else(none)
}
