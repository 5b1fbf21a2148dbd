//! Which items an export takes, and what of them.

use crate::Error;
use crate::expression::{Condition, KeyCondition, Kind, Projection, Substitutions};
use crate::value::{Item, json};
use fogbank_wire::to_value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A `FilterSpecification`, as it was given: kept until the export is made, and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FilterText {
    pub keys: Option<String>,
    pub condition: Option<String>,
    pub projection: Option<String>,
    pub names: Option<BTreeMap<String, String>>,
    /// Attribute values as JSON, by their placeholders.
    pub values: Option<serde_json::Value>,
}

/// What was made of it.
pub(crate) struct Filter {
    pub keys: Option<KeyCondition>,
    pub condition: Option<Condition>,
    projection: Option<Projection>,
}

impl FilterText {
    /// The values by their placeholders.
    pub fn values(&self) -> Option<Item> {
        self.values.as_ref().and_then(json::read_item)
    }

    /// Reads the expressions.
    ///
    /// # Errors
    /// [`Error::Validation`].
    pub fn read(&self) -> Result<Filter, Error> {
        let values = self.values().map(|values| to_value(&values)).transpose();
        let values = values.map_err(|error| Error::Store(error.to_string()))?;
        let mut placeholders = Substitutions::new(self.names.clone(), values)?;
        let keys = self.keys.as_deref().map(|text| KeyCondition::parse(text, &mut placeholders)).transpose()?;
        let condition = self.condition.as_deref();
        let condition = condition.map(|text| Condition::parse(Kind::Filter, text, &mut placeholders)).transpose()?;
        let projection =
            self.projection.as_deref().map(|text| Projection::parse(text, &mut placeholders)).transpose()?;
        placeholders.check_used()?;
        Ok(Filter { keys, condition, projection })
    }
}

impl Filter {
    /// What is exported of an item, if it is.
    pub fn of(&self, item: Item) -> Option<Item> {
        let tests = self.keys.iter().flat_map(KeyCondition::tests);
        let has_keys = tests.into_iter().all(|(name, test)| item.get(name).is_some_and(|value| test.holds(value)));
        let passes = has_keys && self.condition.as_ref().is_none_or(|condition| condition.holds(&item));
        passes.then(|| self.projection.as_ref().map_or_else(|| item.clone(), |projection| projection.of(&item)))
    }
}
