//! The small settings: recursion detection, and what an account may use and does use.

use crate::model::{Function, FunctionKey, Scope};
use crate::registry::Turn;
use crate::{Error, Functions};
use std::collections::BTreeMap;

/// An account's limits and use in a region, for `GetAccountSettings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountUse {
    /// Calls at once, all functions together.
    pub concurrency: u32,
    /// What reservations leave of that.
    pub unreserved: u32,
    /// Bytes of all packages, zipped.
    pub code_bytes: u64,
    /// Functions.
    pub functions: u64,
}

impl Functions {
    /// What an account may use and does use.
    pub fn account_use(&self, scope: &Scope) -> AccountUse {
        let snapshot = self.snapshot();
        let mut packages: BTreeMap<&str, u64> = BTreeMap::new();
        let mut functions = 0;
        let mut reserved = 0;
        for function in snapshot.functions_of(scope) {
            functions += 1;
            reserved += function.settings.reserved.unwrap_or(0);
            packages.extend(function.packages().map(|code| (code.sha256.as_str(), code.zipped)));
        }
        packages.extend(snapshot.layers_of(scope).map(|(_, layer)| (layer.code.sha256.as_str(), layer.code.zipped)));
        let concurrency = self.config.concurrency;
        let unreserved = concurrency.saturating_sub(reserved);
        AccountUse { concurrency, unreserved, code_bytes: packages.values().sum(), functions }
    }

    /// Sets `RecursiveLoop`: `Terminate` or `Allow`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_recursive_loop(&self, key: &FunctionKey, setting: &str) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            function.settings.recursive_loop = Some(setting.to_owned());
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }
}
