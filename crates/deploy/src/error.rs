//! What can go wrong with a deployment.

use crate::Problem;

/// Why a stack was not changed, or not as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template is wrong; nothing was touched.
    #[error("{}", lines(.0))]
    Template(Vec<Problem>),
    /// A step failed; what had been done was undone as far as `rollback` says.
    #[error("{resource}: {reason} ({rollback})")]
    Failed {
        /// The logical id of the resource that failed.
        resource: String,
        /// What the service answered.
        reason: String,
        /// What became of the rest.
        rollback: String,
    },
    /// Another deployment of the same stack is running.
    #[error("the stack {0} is being changed; wait until that has ended")]
    Busy(String),
    /// There is no such stack.
    #[error("Stack with id {0} does not exist")]
    NotFound(String),
    /// The stack must not be deleted.
    #[error("Stack [{0}] cannot be deleted while TerminationProtection is enabled")]
    Protected(String),
    /// The stack's name is not valid.
    #[error("'{0}' is no stack name: it must begin with a letter and hold at most 128 letters, digits and hyphens")]
    Name(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
