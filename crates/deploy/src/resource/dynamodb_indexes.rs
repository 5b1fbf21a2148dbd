//! The global indexes of `AWS::DynamoDB::Table`.

use super::dynamodb::{SERVICE, name_of, ready};
use crate::resource::{Call, Properties};
use fogbank_wire::Fault;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An index without what the operations do not take.
pub(super) fn index(declared: &Value) -> Value {
    let mut index = declared.clone();
    if let Value::Object(members) = &mut index {
        members.remove("ContributorInsightsSpecification");
        members.remove("WarmThroughput");
    }
    index
}

/// Whether a table or an index that is there takes these units, or is not asked for any.
pub(super) fn are_same_units(units: Option<&Value>, there: &Value) -> bool {
    let is_same = |name: &str| units.is_none_or(|units| units[name] == there["ProvisionedThroughput"][name]);
    is_same("ReadCapacityUnits") && is_same("WriteCapacityUnits")
}

pub(super) fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// What an index shows; the order in which attributes are named does not matter.
fn projection(index: &Value) -> (&Value, BTreeSet<String>) {
    let shown = &index["Projection"];
    let named = list(shown.get("NonKeyAttributes"));
    (&shown["ProjectionType"], named.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What each index that is there is to take from when its table is billed by units: what the template says of it, or as much as the
/// table where it is about to go.
pub(super) fn index_units(now: &Value, wanted: &Properties) -> Vec<Value> {
    let declared = list(wanted.get("GlobalSecondaryIndexes"));
    let update = |there: &Value| {
        let name = &there["IndexName"];
        let own = declared.iter().find(|index| index["IndexName"] == *name).map(index);
        let units = own.and_then(|own| own.get("ProvisionedThroughput").cloned());
        let units = units.or_else(|| wanted.get("ProvisionedThroughput").cloned());
        json!({"Update": {"IndexName": name, "ProvisionedThroughput": units}})
    };
    list(now.get("GlobalSecondaryIndexes")).iter().map(update).collect()
}

/// Brings global indexes in line, one after another as the API takes them: what is no longer wanted or is another goes, what is missing
/// comes.
pub(super) async fn indexes(call: &Call<'_>, now: &Value, wanted: &Properties) -> Result<(), Fault> {
    let name = name_of(wanted);
    let (there, declared) = (list(now.get("GlobalSecondaryIndexes")), list(wanted.get("GlobalSecondaryIndexes")));
    let declared: Vec<Value> = declared.iter().map(index).collect();
    let is_alike = |left: &Value, right: &Value| {
        left["IndexName"] == right["IndexName"]
            && left["KeySchema"] == right["KeySchema"]
            && projection(left) == projection(right)
    };
    for index in there.iter().filter(|index| !declared.iter().any(|wanted| is_alike(index, wanted))) {
        let update = json!([{"Delete": {"IndexName": index["IndexName"]}}]);
        call.run(SERVICE, "UpdateTable", json!({"TableName": name, "GlobalSecondaryIndexUpdates": update})).await?;
    }
    for index in declared {
        let update = match there.iter().find(|old| is_alike(old, &index)) {
            None => json!([{"Create": index}]),
            Some(old) => {
                let units = index.get("ProvisionedThroughput");
                if are_same_units(units, old) {
                    continue;
                }
                json!([{"Update": {"IndexName": index["IndexName"], "ProvisionedThroughput": units}}])
            }
        };
        let input = json!({
            "TableName": name,
            "AttributeDefinitions": wanted.get("AttributeDefinitions"),
            "GlobalSecondaryIndexUpdates": update,
        });
        call.run(SERVICE, "UpdateTable", input).await?;
        ready(call, &name).await?;
    }
    Ok(())
}
