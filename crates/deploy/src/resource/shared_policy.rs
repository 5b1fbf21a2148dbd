//! Types that are nothing but one policy for one or more resources: `AWS::SQS::QueuePolicy` and `AWS::SNS::TopicPolicy`.

use crate::resource::{Call, Deleting, Made, Making, Properties, Property, ResourceType, Shape, gone_is_fine};
use fogbank_wire::Fault;
use serde_json::{Value, json};

/// One such type.
pub struct SharedPolicy {
    name: &'static str,
    properties: &'static [Property],
    /// The property that lists the resources, by what the operation knows them by.
    targets: &'static str,
    /// What a resource's name follows in that.
    separator: char,
    service: &'static str,
    operation: &'static str,
    /// The operation's input for a resource and a policy; no text at all takes the policy away.
    input: fn(&str, &str) -> Value,
}

/// `AWS::SQS::QueuePolicy`.
pub const QUEUE_POLICY: SharedPolicy = SharedPolicy {
    name: "AWS::SQS::QueuePolicy",
    properties: &[Property::required("PolicyDocument", Shape::Json), Property::required("Queues", Shape::Texts)],
    targets: "Queues",
    separator: '/',
    service: "sqs",
    operation: "SetQueueAttributes",
    input: |queue, policy| json!({"QueueUrl": queue, "Attributes": {"Policy": policy}}),
};

/// `AWS::SNS::TopicPolicy`.
pub const TOPIC_POLICY: SharedPolicy = SharedPolicy {
    name: "AWS::SNS::TopicPolicy",
    properties: &[Property::required("PolicyDocument", Shape::Json), Property::required("Topics", Shape::Texts)],
    targets: "Topics",
    separator: ':',
    service: "sns",
    operation: "SetTopicAttributes",
    input: |topic, policy| json!({"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy}),
};

impl SharedPolicy {
    fn targets<'a>(&self, properties: &'a Properties) -> Vec<&'a str> {
        let items = properties.get(self.targets).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).collect()
    }

    async fn set(&self, call: &Call<'_>, target: &str, policy: &str) -> Result<Value, Fault> {
        call.run(self.service, self.operation, (self.input)(target, policy)).await
    }
}

impl ResourceType for SharedPolicy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn properties(&self) -> &'static [Property] {
        self.properties
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let document = wanted.get("PolicyDocument").map(Value::to_string).unwrap_or_default();
            let targets = self.targets(wanted);
            for target in &targets {
                self.set(call, target, &document).await?;
            }
            let name = targets.first().and_then(|target| target.rsplit(self.separator).next()).unwrap_or_default();
            Ok(Made::of(format!("{name}-policy")))
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
            let kept = self.targets(wanted);
            for target in self.targets(before).into_iter().filter(|target| !kept.contains(target)) {
                gone_is_fine(self.set(call, target, "").await)?;
            }
            self.create(call, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            for target in self.targets(before) {
                gone_is_fine(self.set(call, target, "").await)?;
            }
            Ok(())
        })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}
