//! `AWS::SNS::Topic` and `AWS::SNS::Subscription`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine,
};
use fogbank_model::RequestContext;
use fogbank_wire::Fault;
use serde_json::{Map, Value, json};

/// Attributes of a topic that are properties of the same name, and what each goes back to when the template drops it.
const TOPIC: [(&str, &str); 7] = [
    ("ArchivePolicy", ""),
    ("ContentBasedDeduplication", "false"),
    ("DisplayName", ""),
    ("FifoThroughputScope", "Topic"),
    ("KmsMasterKeyId", ""),
    ("SignatureVersion", "1"),
    ("TracingConfig", "PassThrough"),
];

/// Attributes of a subscription that are properties of the same name. A filter's scope is set before the filter.
const SUBSCRIPTION: [&str; 7] = [
    "RawMessageDelivery",
    "FilterPolicyScope",
    "FilterPolicy",
    "RedrivePolicy",
    "DeliveryPolicy",
    "SubscriptionRoleArn",
    "ReplayPolicy",
];

const TAGS: Tagging = Tagging::usual("sns", "ResourceArn", tags::list);

/// An endpoint in a topic's own list.
const ENDPOINT: &[Property] =
    &[Property::required("Endpoint", Shape::Text), Property::required("Protocol", Shape::Text)];

fn text(properties: &Properties, name: &str) -> String {
    properties.get(name).map(plain).unwrap_or_default()
}

/// A property as the text that SNS takes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A topic.
pub struct SnsTopic;

fn arn(context: &RequestContext, properties: &Properties) -> String {
    context.arn("sns", &text(properties, "TopicName")).to_string()
}

/// The endpoints that the topic's own property subscribes.
fn inline(properties: &Properties) -> Vec<(String, String)> {
    let items = properties.get("Subscription").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let member = |item: &Value, name: &str| item.get(name).map(plain).unwrap_or_default();
    items.iter().map(|item| (member(item, "Protocol"), member(item, "Endpoint"))).collect()
}

/// The subscription of an endpoint, if there is one that is confirmed.
async fn subscription_of(call: &Call<'_>, topic: &str, endpoint: &(String, String)) -> Result<Option<String>, Fault> {
    let mut input = json!({"TopicArn": topic});
    loop {
        let page = call.run("sns", "ListSubscriptionsByTopic", &input).await?;
        let found = page["Subscriptions"].as_array().map_or(&[][..], Vec::as_slice);
        let same = |one: &&Value| one["Protocol"] == endpoint.0 && one["Endpoint"] == endpoint.1;
        if let Some(one) = found.iter().find(same) {
            return Ok(one["SubscriptionArn"].as_str().filter(|arn| arn.starts_with("arn:")).map(str::to_owned));
        }
        match page.get("NextToken").filter(|token| token.is_string()) {
            Some(token) => input["NextToken"] = token.clone(),
            None => return Ok(None),
        }
    }
}

async fn unsubscribe(call: &Call<'_>, topic: &str, endpoint: &(String, String)) -> Result<(), Fault> {
    match subscription_of(call, topic, endpoint).await {
        Ok(Some(arn)) => gone_is_fine(call.run("sns", "Unsubscribe", json!({"SubscriptionArn": arn})).await),
        Ok(None) => Ok(()),
        Err(fault) => gone_is_fine(Err(fault)),
    }
}

async fn subscribe_inline(call: &Call<'_>, topic: &str, wanted: &Properties) -> Result<(), Fault> {
    for (protocol, endpoint) in inline(wanted) {
        let input = json!({"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint});
        call.run("sns", "Subscribe", input).await?;
    }
    Ok(())
}

fn topic_made(call: &Call<'_>, wanted: &Properties) -> Made {
    let arn = arn(call.context, wanted);
    Made::of(arn.as_str()).with("TopicArn", arn).with("TopicName", text(wanted, "TopicName"))
}

impl ResourceType for SnsTopic {
    fn name(&self) -> &'static str {
        "AWS::SNS::Topic"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("TopicName", Shape::Text).replacing(),
                Property::optional("FifoTopic", Shape::Bool).replacing(),
                Property::optional("ArchivePolicy", Shape::Json),
                Property::optional("ContentBasedDeduplication", Shape::Bool),
                Property::optional("DataProtectionPolicy", Shape::Json),
                Property::optional(
                    "DeliveryStatusLogging",
                    Shape::Unsupported("deliveries are not logged yet; remove it"),
                ),
                Property::optional("DisplayName", Shape::Text),
                Property::optional("FifoThroughputScope", Shape::Text),
                Property::optional("KmsMasterKeyId", Shape::Text),
                Property::optional("SignatureVersion", Shape::Text),
                Property::optional("Subscription", Shape::Structs(ENDPOINT)),
                Property::optional("Tags", Shape::Tags),
                Property::optional("TracingConfig", Shape::Text),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        // Five less than SNS takes, for the suffix.
        Some(NameRule { property: "TopicName", max: 251, host: false, unique: true })
    }

    fn name_suffix(&self, wanted: &Properties) -> &'static str {
        if wanted.get("FifoTopic") == Some(&Value::Bool(true)) { ".fifo" } else { "" }
    }

    fn lookup_in(&self, context: &RequestContext, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        wanted.get("TopicName")?;
        Some(("sns", "GetTopicAttributes", json!({"TopicArn": arn(context, wanted)})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let given =
                TOPIC.iter().filter_map(|(name, _)| Some(((*name).to_owned(), plain(wanted.get(*name)?).into())));
            let mut attributes: Map<String, Value> = given.collect();
            if wanted.get("FifoTopic") == Some(&Value::Bool(true)) {
                attributes.insert("FifoTopic".into(), "true".into());
            }
            let mut input = json!({
                "Name": text(wanted, "TopicName"),
                "Attributes": attributes,
                "Tags": tags::list(&tags::of(wanted)),
            });
            if let Some(policy) = wanted.get("DataProtectionPolicy") {
                input["DataProtectionPolicy"] = plain(policy).into();
            }
            call.run("sns", "CreateTopic", input).await?;
            let made = topic_made(call, wanted);
            subscribe_inline(call, &made.physical_id, wanted).await?;
            Ok(made)
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let topic = &made.physical_id;
            for (name, default) in TOPIC.iter().filter(|(name, _)| before.get(*name) != wanted.get(*name)) {
                let value = wanted.get(*name).map_or_else(|| (*default).to_owned(), plain);
                let input = json!({"TopicArn": topic, "AttributeName": name, "AttributeValue": value});
                call.run("sns", "SetTopicAttributes", input).await?;
            }
            if before.get("DataProtectionPolicy") != wanted.get("DataProtectionPolicy") {
                let input = json!({"ResourceArn": topic, "DataProtectionPolicy": text(wanted, "DataProtectionPolicy")});
                call.run("sns", "PutDataProtectionPolicy", input).await?;
            }
            let kept = inline(wanted);
            for endpoint in inline(before).iter().filter(|endpoint| !kept.contains(endpoint)) {
                unsubscribe(call, topic, endpoint).await?;
            }
            subscribe_inline(call, topic, wanted).await?;
            TAGS.change(call, topic.as_str(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run("sns", "DeleteTopic", json!({"TopicArn": arn(call.context, before)})).await)
        })
    }
}

/// A subscription.
pub struct SnsSubscription;

fn endpoint(properties: &Properties) -> (String, String) {
    (text(properties, "Protocol"), text(properties, "Endpoint"))
}

impl ResourceType for SnsSubscription {
    fn name(&self) -> &'static str {
        "AWS::SNS::Subscription"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("Protocol", Shape::Text).replacing(),
                Property::required("TopicArn", Shape::Text).replacing(),
                Property::optional("Endpoint", Shape::Text).replacing(),
                Property::optional("Region", Shape::Text).replacing(),
                Property::optional("DeliveryPolicy", Shape::Json),
                Property::optional("FilterPolicy", Shape::Json),
                Property::optional("FilterPolicyScope", Shape::Text),
                Property::optional("RawMessageDelivery", Shape::Bool),
                Property::optional("RedrivePolicy", Shape::Json),
                Property::optional("ReplayPolicy", Shape::Json),
                Property::optional("SubscriptionRoleArn", Shape::Text),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let given =
                SUBSCRIPTION.iter().filter_map(|name| Some(((*name).to_owned(), plain(wanted.get(*name)?).into())));
            let attributes: Map<String, Value> = given.collect();
            let input = json!({
                "TopicArn": text(wanted, "TopicArn"),
                "Protocol": text(wanted, "Protocol"),
                "Endpoint": text(wanted, "Endpoint"),
                "Attributes": attributes,
                "ReturnSubscriptionArn": true,
            });
            let output = call.run("sns", "Subscribe", input).await?;
            let arn = &output["SubscriptionArn"];
            Ok(Made::of(arn.as_str().unwrap_or_default()).with("Arn", arn.clone()))
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let set = async |name: &str, value: String| {
                let input =
                    json!({"SubscriptionArn": made.physical_id, "AttributeName": name, "AttributeValue": value});
                call.run("sns", "SetSubscriptionAttributes", input).await
            };
            let is_rescoped = before.get("FilterPolicyScope") != wanted.get("FilterPolicyScope");
            if is_rescoped && before.contains_key("FilterPolicy") {
                // The old filter need not be one in the new scope.
                set("FilterPolicy", String::new()).await?;
            }
            for name in SUBSCRIPTION {
                let is_changed = before.get(name) != wanted.get(name);
                if is_changed || is_rescoped && name == "FilterPolicy" {
                    set(name, text(wanted, name)).await?;
                }
            }
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            if made.physical_id.is_empty() {
                return unsubscribe(call, &text(before, "TopicArn"), &endpoint(before)).await;
            }
            let input = json!({"SubscriptionArn": made.physical_id});
            gone_is_fine(call.run("sns", "Unsubscribe", input).await)
        })
    }

    /// Whichever one the endpoint has.
    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}
