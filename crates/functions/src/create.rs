//! `CreateFunction`.

use crate::configuration::{self, Change};
use crate::model::{Code, Function, FunctionKey, Version};
use crate::tag::check_tags;
use crate::{Error, Functions, publish};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A function to be made.
#[derive(Debug)]
pub struct NewFunction {
    /// Its name.
    pub key: FunctionKey,
    /// Its configuration; runtime, handler and role must be there.
    pub configuration: Change,
    /// Its code, a ZIP file.
    pub package: Bytes,
    /// Whether version 1 is published at once.
    pub publish: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Functions {
    /// Makes a function. Returns it with the version that was made: `$LATEST`, or 1 if it was to be published.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is one of that name; [`Error::InvalidParameter`], [`Error::TooLarge`] for its parts.
    pub async fn create(&self, new: NewFunction) -> Result<(Arc<Function>, Arc<Version>), Error> {
        let check_free = |snapshot: &crate::Snapshot| match snapshot.function(&new.key) {
            Ok(_) => Err(Error::Conflict(format!("Function already exist: {}", new.key.name))),
            Err(_) => Ok(()),
        };
        check_free(&self.snapshot())?;
        check_tags(&new.tags)?;
        let change = &new.configuration;
        let (Some(runtime), Some(handler), Some(role)) = (&change.runtime, &change.handler, &change.role) else {
            return Err(Error::invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            ));
        };
        let fresh = configuration::defaults(new.key.name.as_str(), configuration::read_role(role)?);
        // Checked before the package is unpacked, which takes longer; and once more below, when it counts.
        change.clone().apply(&mut fresh.clone(), &self.snapshot(), &*self.runtime)?;
        let (code, _hold) = self.packages.add(new.package).await?;
        self.runtime.prepare(runtime).await;
        self.check_code(runtime, handler, &code).await?;
        let turn = self.registry.turn().await;
        check_free(&turn.snapshot)?;
        let mut configuration = fresh;
        change.clone().apply(&mut configuration, &turn.snapshot, &*self.runtime)?;
        configuration::check_total_size(&configuration, code.unzipped)?;
        let latest = Version {
            number: None,
            configuration,
            code,
            modified: turn.now,
            revision: turn.clock.uuid(),
            readiness: Default::default(),
            deployment: Default::default(),
        };
        let mut function = self.registry.draft(new.key.clone(), latest);
        function.settings.tags = new.tags;
        let published = new.publish.then(|| publish::publish(&mut function, None, &turn));
        let function = self.registry.commit(turn, None, Some(function)).await?;
        let function = function.ok_or_else(|| Error::Disk("the function was lost".into()))?;
        let expected = &function.latest.configuration;
        self.runtime.expect(&expected.runtime, expected.memory_mb);
        let version = published.and_then(|number| function.versions.get(&number)).unwrap_or(&function.latest).clone();
        Ok((function, version))
    }

    /// Lets the runtime look at `code`, which somebody holds.
    pub(crate) async fn check_code(&self, runtime: &str, handler: &str, code: &Code) -> Result<(), Error> {
        let hold = self.packages.hold(&code.sha256);
        let directory = self.packages.ensure(&hold).await?;
        self.runtime.accept(runtime, handler, &directory).await.map_err(Error::invalid)
    }

    /// Checks a package and takes it in, for a function that exists.
    pub(crate) async fn take_in(&self, package: Bytes) -> Result<(Code, crate::code::Hold), Error> {
        self.packages.add(package).await
    }
}
