//! Members of a request that nothing here acts on: refused by name, unless they say no more than their absence.

use crate::{Error, openapi};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The members of an input that its structure does not name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Others(BTreeMap<String, Value>);

impl Others {
    /// Refuses the members, except those that have exactly the value that is API Gateway's default.
    pub fn refuse(&self, defaults: &[(&str, &str)]) -> Result<(), Error> {
        let default = |name: &str, value: &Value| {
            defaults.iter().any(|(known, only)| *known == name && (*only == "*" || value.as_str() == Some(only)))
        };
        let asked = self.0.iter().find(|(name, value)| !openapi::is_nothing(value) && !default(name, value));
        match asked {
            None => Ok(()),
            Some((name, _)) => Err(Error::Unsupported(format!("{name} with this value yet; leave it out."))),
        }
    }
}
