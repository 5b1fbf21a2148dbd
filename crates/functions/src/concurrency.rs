//! Reserved concurrency: a share of the account's concurrency that is a function's own, and its limit.

use crate::model::{Function, FunctionKey};
use crate::registry::Turn;
use crate::{Error, Functions, limits};

impl Functions {
    /// Reserves `reserved` calls at once for a function; 0 stops it, `None` takes the reservation back.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidParameter`] if too little would be left for the others.
    pub async fn reserve(&self, key: &FunctionKey, reserved: Option<u32>) -> Result<(), Error> {
        let total = self.config.concurrency;
        let edit = |function: &mut Function, turn: &Turn| {
            let others = turn.snapshot.claimed(&key.scope) - function.claim();
            let left = total.checked_sub(others).and_then(|left| left.checked_sub(reserved.unwrap_or(0)));
            if left.is_none_or(|left| left < limits::UNRESERVED_MINIMUM)
                && reserved.is_some_and(|reserved| reserved > 0)
            {
                return Err(Error::invalid(format!(
                    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its \
                     minimum value of [{}].",
                    limits::UNRESERVED_MINIMUM
                )));
            }
            let provisioned = function.provisioned_total();
            if let Some(reserved) = reserved.filter(|reserved| *reserved < provisioned) {
                return Err(Error::invalid(format!(
                    "ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned concurrency \
                     [{provisioned}]."
                )));
            }
            function.settings.reserved = reserved;
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }
}
