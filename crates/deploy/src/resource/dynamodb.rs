//! `AWS::DynamoDB::Table`.

use super::dynamodb_indexes::{are_same_units, index, index_units, indexes, list};
use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const SERVICE: &str = "dynamodb";
const TAGS: Tagging = Tagging::usual(SERVICE, "ResourceArn", tags::list);
pub(super) const NAME: NameRule = NameRule { property: "TableName", max: 255, host: false, unique: true };
/// How often a table is looked at that is not ready, and how often at most: an index of a large table takes its time.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const LOOKS: usize = 20 * 60 * 15;

const UNITS: &[Property] =
    &[Property::required("ReadCapacityUnits", Shape::Int), Property::required("WriteCapacityUnits", Shape::Int)];
pub(super) const KEYS: &[Property] =
    &[Property::required("AttributeName", Shape::Text), Property::required("KeyType", Shape::Text)];
const SHOWN: &[Property] =
    &[Property::optional("ProjectionType", Shape::Text), Property::optional("NonKeyAttributes", Shape::Texts)];
pub(super) const GLOBAL_INDEX: &[Property] = &[
    Property::required("IndexName", Shape::Text),
    Property::required("KeySchema", Shape::Structs(KEYS)),
    Property::required("Projection", Shape::Struct(SHOWN)),
    Property::optional("ProvisionedThroughput", Shape::Struct(UNITS)),
    Property::optional("OnDemandThroughput", Shape::Struct(ON_DEMAND)),
    Property::optional("ContributorInsightsSpecification", Shape::Json),
    Property::optional("WarmThroughput", Shape::Json),
];
pub(super) const LOCAL_INDEX: &[Property] = &[
    Property::required("IndexName", Shape::Text),
    Property::required("KeySchema", Shape::Structs(KEYS)),
    Property::required("Projection", Shape::Struct(SHOWN)),
];
const ON_DEMAND: &[Property] =
    &[Property::optional("MaxReadRequestUnits", Shape::Int), Property::optional("MaxWriteRequestUnits", Shape::Int)];
pub(super) const ATTRIBUTES: &[Property] =
    &[Property::required("AttributeName", Shape::Text), Property::required("AttributeType", Shape::Text)];
pub(super) const EXPIRY: &[Property] =
    &[Property::required("Enabled", Shape::Bool), Property::optional("AttributeName", Shape::Text)];
pub(super) const HISTORY: &[Property] = &[
    Property::required("PointInTimeRecoveryEnabled", Shape::Bool),
    Property::optional("RecoveryPeriodInDays", Shape::Int),
];
pub(super) const STREAM: &[Property] =
    &[Property::optional("StreamViewType", Shape::Text), Property::optional("ResourcePolicy", Shape::Json)];
pub(super) const ENCRYPTION: &[Property] = &[
    Property::required("SSEEnabled", Shape::Bool),
    Property::optional("SSEType", Shape::Text),
    Property::optional("KMSMasterKeyId", Shape::Text),
];

/// A table.
pub struct DynamoTable;

pub(super) fn name_of(properties: &Properties) -> Value {
    properties.get("TableName").cloned().unwrap_or_default()
}

/// The members of `CreateTable` that are properties, some under other names.
fn create_input(wanted: &Properties) -> Value {
    let same = [
        "TableName",
        "AttributeDefinitions",
        "KeySchema",
        "LocalSecondaryIndexes",
        "BillingMode",
        "ProvisionedThroughput",
        "OnDemandThroughput",
        "TableClass",
        "DeletionProtectionEnabled",
    ];
    let given = same.iter().filter_map(|name| Some(((*name).to_owned(), wanted.get(*name)?.clone())));
    let mut input: Properties = given.collect();
    if let Some(indexes) = wanted.get("GlobalSecondaryIndexes").and_then(Value::as_array) {
        input.insert("GlobalSecondaryIndexes".into(), indexes.iter().map(index).collect());
    }
    if let Some(stream) = stream(wanted) {
        input.insert("StreamSpecification".into(), stream);
    }
    if let Some(encryption) = encryption(wanted) {
        input.insert("SSESpecification".into(), encryption);
    }
    input.insert("Tags".into(), tags::list(&tags::of(wanted)));
    Value::Object(input)
}

fn stream(properties: &Properties) -> Option<Value> {
    let view = properties.get("StreamSpecification")?.get("StreamViewType")?;
    Some(json!({"StreamEnabled": true, "StreamViewType": view}))
}

fn encryption(properties: &Properties) -> Option<Value> {
    let given = properties.get("SSESpecification")?;
    Some(
        json!({"Enabled": given["SSEEnabled"], "SSEType": given.get("SSEType"), "KMSMasterKeyId": given.get("KMSMasterKeyId")}),
    )
}

async fn described(call: &Call<'_>, name: &Value) -> Result<Value, Fault> {
    Ok(call.run(SERVICE, "DescribeTable", json!({"TableName": name})).await?["Table"].clone())
}

/// Waits until the table and its indexes are as they are to be.
pub(super) async fn ready(call: &Call<'_>, name: &Value) -> Result<Made, Fault> {
    for _ in 0..LOOKS {
        let table = described(call, name).await?;
        // A table is active while an index of it is filled.
        let is_filled = list(table.get("GlobalSecondaryIndexes")).iter().all(|index| index["IndexStatus"] == "ACTIVE");
        if table["TableStatus"] == "ACTIVE" && is_filled {
            let made = Made::of(text(Some(name)))
                .with("Arn", table["TableArn"].clone())
                .with("TableId", table["TableId"].clone());
            let stream = table.get("LatestStreamArn").filter(|_| table.get("StreamSpecification").is_some());
            return Ok(match stream {
                Some(stream) => made.with("StreamArn", stream.clone()),
                None => made,
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Err(Fault::client("InternalFailure", format!("The table {name} did not become active in time")))
}

pub(super) async fn make(call: &Call<'_>, wanted: &Properties) -> Result<Made, Fault> {
    call.run(SERVICE, "CreateTable", create_input(wanted)).await?;
    let made = ready(call, &name_of(wanted)).await?;
    settings(call, &Properties::new(), wanted, &made).await?;
    Ok(made)
}

/// Settings that have operations of their own. Each is looked at first, because a deployment that was interrupted comes here again.
async fn settings(call: &Call<'_>, before: &Properties, wanted: &Properties, made: &Made) -> Result<(), Fault> {
    let name = name_of(wanted);
    if before.get("TimeToLiveSpecification") != wanted.get("TimeToLiveSpecification") {
        expiry(call, &name, wanted.get("TimeToLiveSpecification")).await?;
    }
    let (old, new) = (before.get("PointInTimeRecoverySpecification"), wanted.get("PointInTimeRecoverySpecification"));
    if old != new {
        let specification = new.cloned().unwrap_or_else(|| json!({"PointInTimeRecoveryEnabled": false}));
        let input = json!({"TableName": name, "PointInTimeRecoverySpecification": specification});
        call.run(SERVICE, "UpdateContinuousBackups", input).await?;
    }
    let arn = made.attributes.get("Arn");
    let policy = |properties: &Properties| {
        properties.get("ResourcePolicy").and_then(|policy| policy.get("PolicyDocument").cloned())
    };
    match (policy(before), policy(wanted)) {
        (old, Some(new)) if old.as_ref() != Some(&new) => {
            let text = new.as_str().map_or_else(|| new.to_string(), str::to_owned);
            call.run(SERVICE, "PutResourcePolicy", json!({"ResourceArn": arn, "Policy": text})).await?;
        }
        (Some(_), None) => {
            gone_is_fine(call.run(SERVICE, "DeleteResourcePolicy", json!({"ResourceArn": arn})).await)?;
        }
        _ => {}
    }
    Ok(())
}

async fn expiry(call: &Call<'_>, name: &Value, wanted: Option<&Value>) -> Result<(), Fault> {
    let now = call.run(SERVICE, "DescribeTimeToLive", json!({"TableName": name})).await?;
    let now = &now["TimeToLiveDescription"]["AttributeName"];
    let wanted = wanted.filter(|wanted| wanted["Enabled"] == true).map(|wanted| &wanted["AttributeName"]);
    if Some(now) == wanted {
        return Ok(());
    }
    let set = async |attribute: &Value, enabled: bool| {
        let specification = json!({"Enabled": enabled, "AttributeName": attribute});
        let input = json!({"TableName": name, "TimeToLiveSpecification": specification});
        call.run(SERVICE, "UpdateTimeToLive", input).await.map(drop)
    };
    if now.is_string() {
        set(now, false).await?;
    }
    match wanted {
        Some(attribute) => set(attribute, true).await,
        None => Ok(()),
    }
}

pub(super) async fn change(call: &Call<'_>, before: &Properties, wanted: &Properties) -> Result<Made, Fault> {
    let name = name_of(wanted);
    let differs = |property: &str| before.get(property) != wanted.get(property);
    let update = async |change: Value| {
        let mut input = json!({"TableName": name});
        if let (Value::Object(input), Value::Object(change)) = (&mut input, change) {
            input.extend(change);
        }
        call.run(SERVICE, "UpdateTable", input).await.map(drop)
    };
    let now = described(call, &name).await?;
    let mode = wanted.get("BillingMode").cloned().unwrap_or_else(|| "PROVISIONED".into());
    let was_on_demand = now["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let units = wanted.get("ProvisionedThroughput");
    // What would not change anything is refused.
    let is_billed_so = !was_on_demand && mode == "PROVISIONED" && are_same_units(units, &now);
    if (differs("BillingMode") || differs("ProvisionedThroughput")) && !is_billed_so {
        let mut change = json!({"BillingMode": mode, "ProvisionedThroughput": units});
        let indexes = if was_on_demand && mode == "PROVISIONED" { index_units(&now, wanted) } else { Vec::new() };
        if !indexes.is_empty() {
            change["GlobalSecondaryIndexUpdates"] = indexes.into();
        }
        update(change).await?;
    }
    for property in ["TableClass", "DeletionProtectionEnabled", "OnDemandThroughput"] {
        if let Some(value) = wanted.get(property).filter(|_| differs(property)) {
            update(json!({ property: value })).await?;
        }
    }
    if before.contains_key("DeletionProtectionEnabled") && !wanted.contains_key("DeletionProtectionEnabled") {
        update(json!({"DeletionProtectionEnabled": false})).await?;
    }
    let key = encryption(wanted).and_then(|wanted| wanted.get("KMSMasterKeyId").filter(|key| key.is_string()).cloned());
    let is_encrypted_so = key.is_some() && key.as_ref() == now["SSEDescription"].get("KMSMasterKeyArn");
    let has_encryption = encryption(wanted).is_some() || now.get("SSEDescription").is_some();
    if differs("SSESpecification") && has_encryption && !is_encrypted_so {
        update(json!({"SSESpecification": encryption(wanted).unwrap_or_else(|| json!({"Enabled": false}))})).await?;
    }
    if stream(before) != stream(wanted) {
        if now.get("StreamSpecification").is_some() {
            update(json!({"StreamSpecification": {"StreamEnabled": false}})).await?;
        }
        if let Some(stream) = stream(wanted) {
            update(json!({"StreamSpecification": stream})).await?;
        }
    }
    let now = described(call, &name).await?;
    indexes(call, &now, wanted).await?;
    TAGS.change(call, now["TableArn"].clone(), before, wanted).await?;
    let made = ready(call, &name).await?;
    settings(call, before, wanted, &made).await?;
    Ok(made)
}

pub(super) async fn remove(call: &Call<'_>, made: &Made) -> Result<(), Fault> {
    let name = json!(made.physical_id);
    let delete = async || call.run(SERVICE, "DeleteTable", json!({"TableName": name})).await;
    match delete().await {
        // An index is being filled.
        Err(fault) if fault.code == "ResourceInUseException" => {
            gone_is_fine(ready(call, &name).await.map(|_| Value::Null))?;
            gone_is_fine(delete().await)
        }
        deleted => gone_is_fine(deleted),
    }
}

impl ResourceType for DynamoTable {
    fn name(&self) -> &'static str {
        "AWS::DynamoDB::Table"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("TableName", Shape::Text).replacing(),
                Property::optional("AttributeDefinitions", Shape::Structs(ATTRIBUTES)),
                Property::required("KeySchema", Shape::Structs(KEYS)).replacing(),
                Property::optional("LocalSecondaryIndexes", Shape::Structs(LOCAL_INDEX)).replacing(),
                Property::optional("GlobalSecondaryIndexes", Shape::Structs(GLOBAL_INDEX)),
                Property::optional("BillingMode", Shape::Text),
                Property::optional("ProvisionedThroughput", Shape::Struct(UNITS)),
                Property::optional("OnDemandThroughput", Shape::Struct(ON_DEMAND)),
                Property::optional("StreamSpecification", Shape::Struct(STREAM)),
                Property::optional("TimeToLiveSpecification", Shape::Struct(EXPIRY)),
                Property::optional("PointInTimeRecoverySpecification", Shape::Struct(HISTORY)),
                Property::optional("SSESpecification", Shape::Struct(ENCRYPTION)),
                Property::optional("TableClass", Shape::Text),
                Property::optional("DeletionProtectionEnabled", Shape::Bool),
                Property::optional("ResourcePolicy", Shape::Json),
                Property::optional("ContributorInsightsSpecification", Shape::Json),
                Property::optional("WarmThroughput", Shape::Json),
                Property::optional("Tags", Shape::Tags),
                Property::optional("ImportSourceSpecification", Shape::Unsupported("call ImportTable instead")),
                Property::optional("KinesisStreamSpecification", Shape::Unsupported("use the table's own stream")),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NAME)
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some((SERVICE, "DescribeTable", json!({"TableName": wanted.get("TableName")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(make(call, wanted))
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        _: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(change(call, before, wanted))
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
    fn properties_become_the_operations_members() {
        let wanted = properties(json!({
            "TableName": "t",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            "SSESpecification": {"SSEEnabled": true},
            "Tags": {"a": "b"},
        }));
        let input = create_input(&wanted);
        assert_eq!(input["StreamSpecification"], json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}));
        assert_eq!(input["SSESpecification"]["Enabled"], true);
        assert_eq!(input["Tags"], json!([{"Key": "a", "Value": "b"}]));
    }
}
