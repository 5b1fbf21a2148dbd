//! Removes what is declared no longer, what was replaced, and whole stacks.

use super::{Run, Step};
use crate::Error;
use crate::plan::Plan;
use crate::problem::Position;
use crate::resource;
use crate::stack::{self, Record, State};

impl Run<'_> {
    /// Removes what the template no longer declares and what was replaced. What cannot be removed now stays on record, and is
    /// tried again with the next deployment.
    pub(super) async fn clean_up(&mut self, plan: &Plan) -> Result<(), Error> {
        let kept = |record: &Record| plan.order.contains(&record.id);
        let (mut kept, dropped): (Vec<Record>, _) =
            std::mem::take(&mut self.stack.resources).into_iter().partition(kept);
        // What was made later may be needed by what was made earlier and changed since; deletion goes backwards through this order.
        kept.sort_by_key(|record| plan.order.iter().position(|id| *id == record.id));
        self.stack.resources = kept;
        self.stack.garbage.extend::<Vec<Record>>(dropped);
        self.save().await.map_err(store_failed)?;
        self.remove_garbage().await
    }

    async fn remove_garbage(&mut self) -> Result<(), Error> {
        for record in std::mem::take(&mut self.stack.garbage).into_iter().rev() {
            if !record.retain && self.remove(&record).await.is_err() {
                self.stack.garbage.push(record);
            }
        }
        self.stack.garbage.reverse();
        stack::save(self.store, &self.stack).await
    }

    pub(super) async fn remove(&mut self, record: &Record) -> Result<(), String> {
        let Some(kind) = resource::find(&record.kind) else { return Ok(()) };
        let made = match record.state {
            State::Creating => kind.left_over(&record.properties),
            _ => Some(record.made.clone()),
        };
        let Some(made) = made else { return Ok(()) };
        let step = Step {
            id: &record.id,
            kind,
            retain: false,
            retain_replaced: false,
            at: Position::default(),
            only_host: false,
        };
        self.event(&step, "DELETE_IN_PROGRESS", &made, None);
        let removed = kind.delete(&self.call(), &made, &record.properties).await;
        let reason = removed.as_ref().err().map(|fault| fault.message.clone());
        let status = if removed.is_ok() { "DELETE_COMPLETE" } else { "DELETE_FAILED" };
        self.event(&step, status, &made, reason);
        removed.map_err(|fault| format!("{}: {}", record.id, fault.message))
    }

    /// Removes all of the stack's resources, the latest made first, and the stack itself.
    pub(crate) async fn delete(mut self) -> Result<(), Error> {
        self.set_status("DELETE_IN_PROGRESS", None).await?;
        let resources = std::mem::take(&mut self.stack.resources);
        self.stack.garbage.extend(resources);
        stack::save(self.store, &self.stack).await?;
        self.remove_garbage().await?;
        if let Some(left) = self.stack.garbage.first().map(|record| record.id.clone()) {
            self.stack.resources = std::mem::take(&mut self.stack.garbage);
            let reason = "it could not be deleted; the events say why".to_owned();
            self.set_status("DELETE_FAILED", Some(format!("{left}: {reason}"))).await?;
            return Err(Error::Failed { resource: left, reason, rollback: "the stack was kept".into() });
        }
        self.set_status("DELETE_COMPLETE", None).await?;
        stack::forget(self.store, &self.stack, self.clock.now()).await
    }
}

fn store_failed(reason: String) -> Error {
    Error::Store(fogbank_store::Error::Disk(reason))
}
