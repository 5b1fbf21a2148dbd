//! The way back, when a step has failed.

use super::{Failure, Run};
use crate::Error;
use crate::resource;
use crate::stack::{self, Record, State};

/// How to take a finished step back.
pub(super) enum Undo {
    /// Remove what was made.
    Remove(String),
    /// Change it back to what it was.
    Restore(Box<Record>),
    /// Remove the new one; the old one is still there. It goes back to its place in the order.
    Reinstate(Box<Record>, usize),
}

impl Run<'_> {
    /// Takes the finished steps back, the latest first, and says how that went.
    pub(super) async fn roll_back(&mut self, verb: &str, failure: Failure) -> Result<Error, Error> {
        let prefix = if verb == "CREATE" { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
        self.set_status(&format!("{prefix}_IN_PROGRESS"), Some(format!("{}: {}", failure.id, failure.reason))).await?;
        let mut left = Vec::new();
        while let Some(undo) = self.done.pop() {
            if let Err(reason) = self.undo(undo).await {
                left.push(reason);
            }
            stack::save(self.store, &self.stack).await?;
        }
        self.given.clone().put_into(&mut self.stack);
        let (status, rollback) = if left.is_empty() {
            (format!("{prefix}_COMPLETE"), "everything else was put back as it was".to_owned())
        } else {
            (format!("{prefix}_FAILED"), format!("not everything could be put back: {}", left.join("; ")))
        };
        self.set_status(&status, Some(format!("{}: {}", failure.id, failure.reason))).await?;
        Ok(Error::Failed { resource: failure.id, reason: failure.reason, rollback })
    }

    async fn undo(&mut self, undo: Undo) -> Result<(), String> {
        match undo {
            Undo::Remove(id) => {
                let Some(record) = self.stack.take_record(&id) else { return Ok(()) };
                self.stack.garbage.push(record.clone());
                self.save().await?;
                self.remove(&record).await?;
                self.stack.garbage.retain(|kept| (&kept.id, &kept.made) != (&record.id, &record.made));
                Ok(())
            }
            Undo::Restore(old) => {
                let Some(kind) = resource::find(&old.kind) else { return Ok(()) };
                let Some(record) = self.stack.record_mut(&old.id) else { return Ok(()) };
                let before = record.clone();
                if record.state == State::Ready {
                    record.state = State::Updating(old.properties.clone());
                }
                self.save().await?;
                let restored = self.change(kind, &before, &old.properties).await;
                if let (Ok(_), Some(record)) = (&restored, self.stack.record_mut(&old.id)) {
                    *record = Record { state: State::Ready, ..*old };
                }
                restored.map(drop).map_err(|fault| fault.message)
            }
            Undo::Reinstate(old, place) => {
                self.stack.garbage.retain(|record| (&record.id, &record.made) != (&old.id, &old.made));
                self.stack.resources.insert(place.min(self.stack.resources.len()), *old);
                Ok(())
            }
        }
    }
}
