//! `AWS::DynamoDB::Table`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};
use std::time::Duration;

const SERVICE: &str = "dynamodb";
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

fn name_of(properties: &Properties) -> Value {
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

/// An index without what the operations do not take.
fn index(declared: &Value) -> Value {
    let mut index = declared.clone();
    if let Value::Object(members) = &mut index {
        members.remove("ContributorInsightsSpecification");
        members.remove("WarmThroughput");
    }
    index
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
async fn ready(call: &Call<'_>, name: &Value) -> Result<Made, Fault> {
    for _ in 0..LOOKS {
        let table = described(call, name).await?;
        if table["TableStatus"] == "ACTIVE" {
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
    if differs("BillingMode") || differs("ProvisionedThroughput") {
        let mode = wanted.get("BillingMode").cloned().unwrap_or_else(|| "PROVISIONED".into());
        let units = wanted.get("ProvisionedThroughput").cloned();
        let is_changed = now["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST" && mode == "PROVISIONED";
        let indexes = if is_changed { index_units(&now, wanted) } else { Vec::new() };
        let change =
            json!({"BillingMode": mode, "ProvisionedThroughput": units, "GlobalSecondaryIndexUpdates": indexes});
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
    if differs("SSESpecification") && (encryption(wanted).is_some() || now.get("SSEDescription").is_some()) {
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

/// What each index that is there is to take from when its table is billed by units: what the template says of it, or as much as the
/// table where it is about to go.
fn index_units(now: &Value, wanted: &Properties) -> Vec<Value> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
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
async fn indexes(call: &Call<'_>, now: &Value, wanted: &Properties) -> Result<(), Fault> {
    let name = name_of(wanted);
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (there, declared) = (list(now.get("GlobalSecondaryIndexes")), list(wanted.get("GlobalSecondaryIndexes")));
    let declared: Vec<Value> = declared.iter().map(index).collect();
    let is_alike = |left: &Value, right: &Value| {
        left["IndexName"] == right["IndexName"]
            && left["KeySchema"] == right["KeySchema"]
            && left["Projection"] == right["Projection"]
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
                let is_same = |name: &str| units.is_none_or(|units| units[name] == old["ProvisionedThroughput"][name]);
                if is_same("ReadCapacityUnits") && is_same("WriteCapacityUnits") {
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

pub(super) async fn remove(call: &Call<'_>, made: &Made) -> Result<(), Fault> {
    gone_is_fine(call.run(SERVICE, "DeleteTable", json!({"TableName": made.physical_id})).await)
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
