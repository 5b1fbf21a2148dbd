//! `AWS::DynamoDB::GlobalTable`, with the one replica that the platform has.

use crate::resource::dynamodb::{
    ATTRIBUTES, DynamoTable, ENCRYPTION, EXPIRY, GLOBAL_INDEX, HISTORY, KEYS, LOCAL_INDEX, NAME, STREAM, change, make,
    remove,
};
use crate::resource::{Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape};
use fogbank_wire::Fault;
use serde_json::{Value, json};

const ONE_REGION: &str = "the platform has one region's tables only: declare one replica";

/// A table that could have replicas.
pub struct DynamoGlobalTable;

const REPLICA: &[Property] = &[
    Property::required("Region", Shape::Text),
    Property::optional("ContributorInsightsSpecification", Shape::Json),
    Property::optional("DeletionProtectionEnabled", Shape::Bool),
    Property::optional("GlobalSecondaryIndexes", Shape::Json),
    Property::optional("PointInTimeRecoverySpecification", Shape::Struct(HISTORY)),
    Property::optional("ReadProvisionedThroughputSettings", Shape::Json),
    Property::optional("ResourcePolicy", Shape::Json),
    Property::optional("SSESpecification", Shape::Json),
    Property::optional("TableClass", Shape::Text),
    Property::optional("Tags", Shape::Tags),
];

/// The plain table that a global table with one replica is. Auto scaling has no effect here, and begins with its least capacity.
fn plain(global: &Properties) -> Result<Properties, Fault> {
    let replicas = global.get("Replicas").and_then(Value::as_array).cloned().unwrap_or_default();
    let [Value::Object(replica)] = replicas.as_slice() else {
        return Err(Fault::client("ValidationException", ONE_REGION));
    };
    let mut table = global.clone();
    table.remove("Replicas");
    let settings = table.remove("WriteProvisionedThroughputSettings");
    for name in
        ["Tags", "PointInTimeRecoverySpecification", "TableClass", "DeletionProtectionEnabled", "ResourcePolicy"]
    {
        table.extend(replica.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    if table.get("BillingMode").is_none_or(|mode| mode == "PROVISIONED") {
        let least = |settings: Option<&Value>, kind: &str| {
            let scaling = settings.and_then(|settings| settings.get(kind)?.get("MinCapacity").cloned());
            let fixed = settings.and_then(|settings| settings.get("ReadCapacityUnits").cloned());
            scaling.or(fixed).unwrap_or_else(|| 1.into())
        };
        let units = json!({
            "ReadCapacityUnits": least(replica.get("ReadProvisionedThroughputSettings"), "ReadCapacityAutoScalingSettings"),
            "WriteCapacityUnits": least(settings.as_ref(), "WriteCapacityAutoScalingSettings"),
        });
        table.insert("ProvisionedThroughput".into(), units);
    }
    Ok(table)
}

impl ResourceType for DynamoGlobalTable {
    fn name(&self) -> &'static str {
        "AWS::DynamoDB::GlobalTable"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("TableName", Shape::Text).replacing(),
                Property::required("AttributeDefinitions", Shape::Structs(ATTRIBUTES)),
                Property::required("KeySchema", Shape::Structs(KEYS)).replacing(),
                Property::required("Replicas", Shape::Structs(REPLICA)),
                Property::optional("LocalSecondaryIndexes", Shape::Structs(LOCAL_INDEX)).replacing(),
                Property::optional("GlobalSecondaryIndexes", Shape::Structs(GLOBAL_INDEX)),
                Property::optional("BillingMode", Shape::Text),
                Property::optional("WriteProvisionedThroughputSettings", Shape::Json),
                Property::optional("StreamSpecification", Shape::Struct(STREAM)),
                Property::optional("TimeToLiveSpecification", Shape::Struct(EXPIRY)),
                Property::optional("SSESpecification", Shape::Struct(ENCRYPTION)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NAME)
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        DynamoTable.lookup(wanted)
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move { make(call, &plain(wanted)?).await })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        _: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move { change(call, &plain(before)?, &plain(wanted)?).await })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(remove(call, made))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn properties(value: Value) -> Properties {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_global_table_with_one_replica_is_a_table() {
        let global = properties(json!({
            "TableName": "t",
            "Replicas": [{"Region": "eu-west-1", "Tags": {"a": "b"}}],
            "WriteProvisionedThroughputSettings": {"WriteCapacityAutoScalingSettings": {"MinCapacity": 4, "MaxCapacity": 9}},
        }));
        let table = plain(&global).unwrap();
        assert_eq!(table["ProvisionedThroughput"], json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 4}));
        assert_eq!((table["Tags"].clone(), table.get("Replicas")), (json!({"a": "b"}), None));
        let two = properties(json!({"Replicas": [{"Region": "a"}, {"Region": "b"}]}));
        assert!(plain(&two).unwrap_err().message.contains("one replica"));
    }
}
