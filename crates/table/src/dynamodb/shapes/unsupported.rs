//! Members that the API has and the platform has not: whoever gives one is told so, since it would have no effect.

use crate::Error;
use fogbank_wire::Value;
use serde::Deserialize;

/// What a request gives for such a member.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(transparent)]
pub struct Unsupported(Option<Value>);

impl Unsupported {
    /// Refuses the member, if it is given and says something; `why` is the rest of the sentence.
    pub fn refuse(&self, member: &str, why: &str) -> Result<(), Error> {
        let says_nothing = |given: &Value| match given {
            Value::Null => true,
            Value::List(all) => all.is_empty(),
            _ => false,
        };
        match self.0.as_ref().is_none_or(says_nothing) {
            true => Ok(()),
            false => Err(Error::validation(format!("{member} is not supported: {why}"))),
        }
    }
}

/// Why nothing can be said of replicas and how they agree.
pub const ONE_REGION: &str = "the platform has one region's tables only";
/// Why there are no vector indexes.
pub const NO_VECTORS: &str = "the platform has no indexes of vectors";
