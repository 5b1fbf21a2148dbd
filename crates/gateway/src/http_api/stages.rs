//! Stages of an HTTP API.

use super::{HttpApi, Stage, quota, within};
use crate::Error;
use fogbank_model::Timestamp;
use std::collections::BTreeMap;

/// What a request says about a stage; what it leaves out stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct StageChange {
    pub auto_deploy: Option<bool>,
    pub deployment: Option<String>,
    pub description: Option<String>,
    pub variables: Option<BTreeMap<String, String>>,
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match name == "$default" || ((1..=128).contains(&name.len()) && name.bytes().all(plain)) {
        true => Ok(()),
        false => Err(Error::bad("Stage name only allows a-zA-Z0-9_- and at most 128 characters, or $default.")),
    }
}

/// Refuses stage variables that API Gateway refuses.
pub(crate) fn check_variables(variables: &BTreeMap<String, String>) -> Result<(), Error> {
    let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let value = |text: &str| {
        text.len() <= 512 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&b))
    };
    match variables.iter().find(|(key, text)| !name(key) || !value(text)) {
        None => Ok(()),
        Some((key, _)) => Err(Error::bad(format!(
            "The stage variable '{key}' is not valid: names have letters, digits and underscores; values have letters, digits and \
             -._~:/?#&=, and at most 512 characters."
        ))),
    }
}

impl HttpApi {
    pub fn stage(&self, name: &str) -> Result<&Stage, Error> {
        self.stages.get(name).ok_or_else(|| Error::NotFound(format!("Invalid stage identifier specified {name}")))
    }

    fn apply_stage(&self, stage: &mut Stage, change: &StageChange) -> Result<(), Error> {
        stage.auto_deploy = change.auto_deploy.unwrap_or(stage.auto_deploy);
        if let Some(id) = &change.deployment {
            if stage.auto_deploy {
                return Err(Error::bad("Deployment ID cannot be set on a stage with AutoDeploy enabled."));
            }
            self.deployment(id)?;
            stage.deployment = Some(id.clone());
        }
        if let Some(variables) = &change.variables {
            check_variables(variables)?;
            stage.variables.clone_from(variables);
        }
        stage.description = change.description.clone().or_else(|| stage.description.take());
        Ok(())
    }

    pub fn create_stage(
        &mut self,
        name: &str,
        change: &StageChange,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        check_name(name)?;
        within(self.stages.len(), quota::STAGES, "stages")?;
        if self.stages.contains_key(name) {
            return Err(Error::Conflict(format!("Stage already exists: {name}")));
        }
        let mut stage = Stage {
            name: name.into(),
            auto_deploy: false,
            deployment: None,
            description: None,
            variables: BTreeMap::new(),
            tags,
            created: now,
            updated: now,
            managed: false,
        };
        self.apply_stage(&mut stage, change)?;
        self.stages.insert(name.into(), stage);
        Ok(())
    }

    pub fn update_stage(&mut self, name: &str, change: &StageChange, now: Timestamp) -> Result<(), Error> {
        let mut stage = self.stage(name)?.clone();
        self.apply_stage(&mut stage, change)?;
        stage.updated = now;
        self.stages.insert(name.into(), stage);
        Ok(())
    }

    pub fn delete_stage(&mut self, name: &str) -> Result<(), Error> {
        self.stage(name)?;
        self.stages.remove(name);
        Ok(())
    }
}
