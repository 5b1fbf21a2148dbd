//! Parameters of a template that name what is in the Parameter Store, and whose values are taken from there at every deployment.

use crate::plan::Request;
use crate::problem::{Position, Problem};
use crate::template::Template;
use crate::tree::{Key, Node};
use crate::{Deploy, Error, parameter, tree};
use fogbank_model::RequestContext;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Names of one request.
const NAMES: usize = 10;

impl Deploy {
    /// The values that `request` takes from the Parameter Store, by the names they have there. A template that cannot be read takes none: why, is
    /// said by whoever reads it next.
    ///
    /// # Errors
    /// [`Error::Template`] if there is no such parameter.
    pub(crate) async fn stored(
        &self,
        context: &RequestContext,
        request: &Request,
    ) -> Result<BTreeMap<String, String>, Error> {
        let template = tree::parse(&request.template).ok().and_then(|root| Template::read(&root).ok());
        let Some(template) = template else { return Ok(BTreeMap::new()) };
        let stored = parameter::stored(&template.parameters, &request.parameters);
        let names: Vec<String> = stored.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let mut values = BTreeMap::new();
        for names in names.chunks(NAMES) {
            values.extend(self.look_up(context, names).await?);
        }
        let missing = |(key, _): &(Key, Node)| {
            let name = stored.get(&key.text).filter(|name| !values.contains_key(*name))?;
            let text = format!("Unable to fetch parameters [{name}] from parameter store for this account.");
            Some(Problem::at(key.at, text))
        };
        let problems: Vec<Problem> = template.parameters.iter().filter_map(missing).collect();
        if problems.is_empty() { Ok(values) } else { Err(Error::Template(problems)) }
    }

    async fn look_up(&self, context: &RequestContext, names: &[String]) -> Result<BTreeMap<String, String>, Error> {
        let failed = |why: String| Error::Template(vec![Problem::at(Position::default(), why)]);
        let input = fogbank_wire::to_value(&json!({"Names": names})).map_err(|error| failed(error.to_string()))?;
        let answer = self.api.call("ssm", "GetParameters", context.clone(), input).await;
        let found: Value = fogbank_wire::from_value(answer.map_err(|fault| failed(fault.message))?)
            .map_err(|error| failed(error.to_string()))?;
        // Each under both of the names that it can be asked for.
        let entries = |found: &Value| {
            let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            [text("Name"), text("ARN")].map(|name| (name + &text("Selector"), text("Value")))
        };
        Ok(found["Parameters"].as_array().into_iter().flatten().flat_map(entries).collect())
    }
}
