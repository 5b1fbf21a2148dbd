//! Event invoke configurations: how asynchronous calls are retried, and for how long.

use crate::asynchronous::function_of;
use crate::model::{EventInvoke, Function, FunctionKey};
use crate::permission::part;
use crate::registry::Turn;
use crate::{Error, Functions};
use fogbank_model::{Arn, Qualifier};
use std::sync::Arc;

/// What is to be set.
#[derive(Debug, Default, Clone)]
pub struct EventInvokeChange {
    /// Retries, 0 to 2.
    pub retries: Option<u32>,
    /// Seconds, 60 to 21600.
    pub age_s: Option<u32>,
    /// The ARN that is told of calls that succeed; empty for none.
    pub on_success: Option<String>,
    /// The ARN that is told of calls that are given up; empty for none.
    pub on_failure: Option<String>,
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
        let own = |target: &Option<String>| target.as_deref().map(|target| read_destination(key, target)).transpose();
        let (on_success, on_failure) = (own(&change.on_success)?, own(&change.on_failure)?);
        let edit = |function: &mut Function, turn: &Turn| {
            function.version(qualifier)?;
            let before = if keep { Some(find(function, qualifier)?) } else { None };
            let config = EventInvoke {
                retries: change.retries.or(before.and_then(|before| before.retries)),
                age_s: change.age_s.or(before.and_then(|before| before.age_s)),
                on_success: on_success.clone().unwrap_or_else(|| before.and_then(|before| before.on_success.clone())),
                on_failure: on_failure.clone().unwrap_or_else(|| before.and_then(|before| before.on_failure.clone())),
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

/// Reads a destination of `key`'s calls; no text at all takes it away.
fn read_destination(key: &FunctionKey, target: &str) -> Result<Option<Arn>, Error> {
    if target.is_empty() {
        return Ok(None);
    }
    let wrong = || Error::invalid(format!("The destination ARN {target} is invalid."));
    let arn: Arn = target.parse().map_err(|_| wrong())?;
    match arn.service() {
        "lambda" if function_of(&arn).is_some_and(|function| FunctionKey::of(&function) == *key) => {
            Err(Error::invalid("You can't specify the function as a destination for itself."))
        }
        "sqs" | "sns" if arn.resource().ends_with(".fifo") => Err(Error::invalid(format!(
            "The destination ARN {target} is invalid: FIFO queues and topics are not supported."
        ))),
        "lambda" | "sqs" | "sns" | "events" => Ok(Some(arn)),
        _ => Err(wrong()),
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
