//! What is put on record of a deployment under way, and told to who asked for it.

use super::{Run, Step};
use crate::Error;
use crate::resource::Made;
use crate::stack::{self, Event};

impl Run<'_> {
    pub(super) async fn begin(&mut self, step: &Step<'_>, status: &str) -> Result<(), String> {
        self.event(step, status, &Made::default(), None);
        self.save().await
    }

    pub(super) async fn save(&self) -> Result<(), String> {
        stack::save(self.store, &self.stack).await.map_err(|error| error.to_string())
    }

    pub(super) fn event(&mut self, step: &Step<'_>, status: &str, made: &Made, reason: Option<String>) {
        self.report(Event {
            at: self.clock.now(),
            id: step.id.to_owned(),
            kind: step.kind.name().to_owned(),
            physical_id: made.physical_id.clone(),
            status: status.to_owned(),
            reason,
            position: Some(step.at).filter(|at| at.line > 0),
        });
    }

    pub(super) fn report(&mut self, event: Event) {
        (self.progress)(event.clone());
        self.stack.add_event(event);
    }

    pub(super) async fn set_status(&mut self, status: &str, reason: Option<String>) -> Result<(), Error> {
        self.stack.status = status.to_owned();
        self.stack.reason = reason;
        self.report(self.stack.own_event(self.clock.now()));
        stack::save(self.store, &self.stack).await
    }
}
