//! The older parameters of requests, which do what expressions do.

use crate::Error;
use crate::expression::{Condition, KeyCondition, Projection, Update};
use fogbank_wire::Value;

/// `Expected` and `ConditionalOperator`.
pub(super) struct Expected {
    pub expected: Option<Value>,
    pub operator: Option<String>,
}

impl Expected {
    pub fn check_unmixed(&self, _expressions: &[(&str, bool)]) -> Result<(), Error> {
        Ok(())
    }

    pub fn condition(self) -> Result<Option<Condition>, Error> {
        drop((self.expected, self.operator));
        Ok(None)
    }
}

/// `AttributeUpdates`.
pub(super) struct Updates {
    pub updates: Option<Value>,
}

impl Updates {
    pub fn check_unmixed(&self, _expected: &Expected, _expressions: &[(&str, bool)]) -> Result<(), Error> {
        Ok(())
    }

    pub fn update(self) -> Result<Update, Error> {
        drop(self.updates);
        Ok(Update::of(Vec::new()).map_err(|problem| Error::validation(problem.to_string()))?)
    }
}

/// The older parameters of `Query` and `Scan`.
pub(super) struct Search {
    pub filter_name: &'static str,
    pub attributes: Option<Vec<String>>,
    pub filter: Option<Value>,
    pub operator: Option<String>,
    pub keys: Option<Value>,
}

impl Search {
    pub fn check_unmixed(&self, _expressions: &[(&str, bool)]) -> Result<(), Error> {
        let _ = (self.filter_name, &self.operator);
        Ok(())
    }

    pub fn key_condition(&self) -> Result<Option<KeyCondition>, Error> {
        let _ = &self.keys;
        Ok(None)
    }

    pub fn condition(&self) -> Result<Option<Condition>, Error> {
        let _ = &self.filter;
        Ok(None)
    }
}

pub(super) fn check_attributes(_attributes: Option<&[String]>, _expressions: &[(&str, bool)]) -> Result<(), Error> {
    Ok(())
}

pub(super) fn projection(_attributes: Option<Vec<String>>) -> Result<Option<Projection>, Error> {
    Ok(None)
}
