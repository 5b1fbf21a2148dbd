//! Calls that no launch was made for yet. Functions take turns, so that a burst of one holds up no other; within a function the first
//! come are served first.

use super::{CallId, DeploymentId, FunctionId};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

#[derive(Debug, Default)]
pub(super) struct Queue {
    calls: BTreeMap<CallId, (FunctionId, DeploymentId)>,
    of: HashMap<FunctionId, BTreeSet<CallId>>,
    /// The functions in `of`, the next one first.
    turns: VecDeque<FunctionId>,
}

impl Queue {
    pub fn push(&mut self, call: CallId, function: FunctionId, deployment: DeploymentId) {
        self.calls.insert(call, (function, deployment));
        let of = self.of.entry(function).or_default();
        if of.is_empty() {
            self.turns.push_back(function);
        }
        of.insert(call);
    }

    /// The call whose turn it is.
    pub fn first(&self) -> Option<CallId> {
        self.of.get(self.turns.front()?)?.first().copied()
    }

    /// A launch was made for the call whose turn it was: the next function's turn comes.
    pub fn served(&mut self, call: CallId) {
        let function = self.calls.get(&call).map(|(function, _)| *function);
        self.remove(call);
        if self.turns.front().copied() == function
            && let Some(function) = self.turns.pop_front()
        {
            self.turns.push_back(function);
        }
    }

    pub fn remove(&mut self, call: CallId) {
        let Some((function, _)) = self.calls.remove(&call) else { return };
        if let Some(of) = self.of.get_mut(&function) {
            of.remove(&call);
            if of.is_empty() {
                self.of.remove(&function);
                self.turns.retain(|other| *other != function);
            }
        }
    }

    /// The first of a deployment.
    pub fn first_of(&self, function: FunctionId, deployment: DeploymentId) -> Option<CallId> {
        let of = self.of.get(&function)?;
        of.iter().find(|call| self.calls.get(call).is_some_and(|(_, its)| *its == deployment)).copied()
    }

    pub fn calls(&self) -> impl Iterator<Item = CallId> {
        self.calls.keys().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}
