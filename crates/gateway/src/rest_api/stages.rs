//! Stages of a REST API.

use super::patch::{self, Op, Patch};
use super::{NewStage, RestApi, Stage, quota};
use crate::Error;
use crate::http_api::{check_variables, within};
use fogbank_model::Timestamp;

impl RestApi {
    pub fn stage(&self, name: &str) -> Result<&Stage, Error> {
        self.stages.get(name).ok_or_else(|| Error::NotFound("Invalid stage identifier specified".into()))
    }

    pub fn create_stage(&mut self, new: &NewStage, deployment: &str, now: Timestamp) -> Result<Stage, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=128).contains(&new.name.len()) || !new.name.bytes().all(plain) {
            return Err(Error::bad("Stage name only allows a-zA-Z0-9_-"));
        }
        within(self.stages.len(), quota::STAGES, "stages")?;
        self.deployment(deployment)?;
        check_variables(&new.variables)?;
        if self.stages.contains_key(&new.name) {
            return Err(Error::Conflict("Stage already exists".into()));
        }
        let stage = Stage {
            name: new.name.clone(),
            deployment: deployment.into(),
            description: new.description.clone(),
            variables: new.variables.clone(),
            tracing: new.tracing,
            tags: new.tags.clone(),
            created: now,
            updated: now,
        };
        self.stages.insert(new.name.clone(), stage.clone());
        Ok(stage)
    }

    pub fn update_stage(&mut self, name: &str, patches: &[Patch], now: Timestamp) -> Result<Stage, Error> {
        let mut stage = self.stage(name)?.clone();
        for change in patches {
            match (change.op, change.words().as_slice()) {
                (Op::Replace, ["deploymentId"]) => {
                    self.deployment(change.text())?;
                    stage.deployment = change.text().into();
                }
                (Op::Replace, ["description"]) => stage.description = patch::some(change.text()),
                (Op::Replace, ["tracingEnabled"]) => stage.tracing = change.truth()?,
                (_, ["variables", name]) => change.entry(&mut stage.variables, name),
                _ => return Err(change.refused()),
            }
        }
        check_variables(&stage.variables)?;
        stage.updated = now;
        self.stages.insert(name.into(), stage.clone());
        Ok(stage)
    }

    pub fn delete_stage(&mut self, name: &str) -> Result<(), Error> {
        self.stage(name)?;
        self.stages.remove(name);
        Ok(())
    }
}
