//! Resource types. Each is one file: which properties it takes, and which API operations make, change and remove it. A type
//! calls the same operations that a client would, so a declared resource and a called-for one are the same thing.

mod cdk;
mod crud;
mod dynamodb;
mod dynamodb_global;
mod dynamodb_indexes;
mod event_source_mapping;
mod events;
mod events_rule;
pub(crate) mod http_api;
mod iam;
mod kinesis;
mod lambda_function;
mod lambda_parts;
mod lambda_versions;
mod log_group;
mod property;
mod rest_api;
mod rest_method;
mod rest_stage;
mod s3;
mod s3_inputs;
mod scheduler;
mod shared_policy;
mod sns;
mod sqs;
mod ssm;
mod tags;

pub use crud::Crud;
pub use property::{Property, Shape, check, typed_all};

use fogbank_model::{BoxFuture, RequestContext};
use fogbank_wire::{Fault, Value};
use serde_json::Map;
use std::collections::BTreeMap;

/// A resource's resolved properties, typed as its table says.
pub type Properties = Map<String, serde_json::Value>;

/// How a resource type reaches the services. Implemented over the wire's router, and by a test that records the calls.
pub trait Api: Send + Sync + 'static {
    /// Calls `operation` of `service` (the name of its shape table, such as `lambda`).
    fn call<'a>(
        &'a self,
        service: &'static str,
        operation: &'static str,
        context: RequestContext,
        input: Value,
    ) -> BoxFuture<'a, Result<Value, Fault>>;
}

/// What a resource type's functions are handed.
pub struct Call<'a> {
    /// The services.
    pub api: &'a dyn Api,
    /// In whose name to call them.
    pub context: &'a RequestContext,
    /// Uploaded code packages.
    pub blobs: &'a fogbank_store::Blobs,
}

impl Call<'_> {
    /// Calls an operation with a JSON input.
    ///
    /// # Errors
    /// What the service answered.
    pub async fn run(
        &self,
        service: &'static str,
        operation: &'static str,
        input: impl serde::Serialize,
    ) -> Result<serde_json::Value, Fault> {
        let input = fogbank_wire::to_value(&input).map_err(Fault::internal)?;
        self.send(service, operation, input).await
    }

    /// Calls an operation with an input that holds blobs.
    ///
    /// # Errors
    /// What the service answered.
    pub async fn send(
        &self,
        service: &'static str,
        operation: &'static str,
        input: Value,
    ) -> Result<serde_json::Value, Fault> {
        let output = self.api.call(service, operation, self.context.clone(), input).await?;
        fogbank_wire::from_value(output).map_err(Fault::internal)
    }
}

/// A resource as it stands.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Made {
    /// Its physical id: what `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, serde_json::Value>,
}

impl Made {
    /// One that `Ref` calls `physical_id`, without attributes.
    pub fn of(physical_id: impl Into<String>) -> Self {
        Self { physical_id: physical_id.into(), attributes: BTreeMap::new() }
    }

    /// The same, of which `Fn::GetAtt` gives `value` under `name`.
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }
}

/// The text that is there; none at all if something else is, or nothing.
fn text(value: Option<&serde_json::Value>) -> &str {
    value.and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// What a type's functions return.
pub type Making<'a> = BoxFuture<'a, Result<Made, Fault>>;

/// What a type's removal returns.
pub type Deleting<'a> = BoxFuture<'a, Result<(), Fault>>;

/// A kind of resource that a template can declare.
pub trait ResourceType: Send + Sync {
    /// Such as `AWS::Lambda::Function`.
    fn name(&self) -> &'static str;

    /// The properties it takes. A property that is not listed is refused.
    fn properties(&self) -> &'static [Property];

    /// The property that holds the physical name, if the type has one: it is filled in when the template leaves it out, so that
    /// the name is on record before the resource is made, and an interrupted deployment finds it again.
    fn name_property(&self) -> Option<NameRule> {
        None
    }

    /// What a name that is made up must end with.
    fn name_suffix(&self, wanted: &Properties) -> &'static str {
        let _ = wanted;
        ""
    }

    /// An operation that succeeds only if something of the name in `wanted` is there. Asked before a resource with a name of the
    /// template's own is made: what others made must never be taken for ours.
    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, serde_json::Value)> {
        let _ = wanted;
        None
    }

    /// The same, for a type that names what is looked for by its ARN.
    fn lookup_in(
        &self,
        context: &RequestContext,
        wanted: &Properties,
    ) -> Option<(&'static str, &'static str, serde_json::Value)> {
        let _ = context;
        self.lookup(wanted)
    }

    /// Makes it.
    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a>;

    /// Changes it from `before` to `wanted`. Called again after an interruption, so it must bear repetition. Does nothing for a type of
    /// which every change makes a new one.
    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        let _ = (call, before, wanted);
        Box::pin(async move { Ok(made.clone()) })
    }

    /// Removes it. It is no error if it is gone.
    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a>;

    /// What to remove if creating `wanted` was interrupted before its outcome was known.
    fn left_over(&self, wanted: &Properties) -> Option<Made> {
        let name = wanted.get(self.name_property()?.property)?.as_str()?;
        Some(Made::of(name))
    }
}

/// Gives a resource its stack's tags, beside those that it has itself.
pub fn tag_all(kind: &dyn ResourceType, wanted: &mut Properties, stack: &BTreeMap<String, String>) {
    let takes = |property: &Property| property.name == "Tags" && matches!(property.shape, Shape::Tags | Shape::TextMap);
    if stack.is_empty() || !kind.properties().iter().any(takes) {
        return;
    }
    if let Some(tags) = wanted.entry("Tags").or_insert_with(|| Map::new().into()).as_object_mut() {
        for (key, value) in stack {
            tags.entry(key).or_insert_with(|| value.as_str().into());
        }
    }
}

/// How a name is made up for a resource that was given none.
#[derive(Debug, Clone, Copy)]
pub struct NameRule {
    /// The property that takes it.
    pub property: &'static str,
    /// The longest that the service takes.
    pub max: usize,
    /// Whether the name must be lower-case letters, digits and hyphens, as a host name.
    pub host: bool,
    /// Whether one resource only can have the name. Layer versions share theirs, and stages are named within their API.
    pub unique: bool,
}

/// Takes "there is no such thing" as success: what is to be removed is gone.
///
/// # Errors
/// Any other fault.
pub fn gone_is_fine(result: Result<serde_json::Value, Fault>) -> Result<(), Fault> {
    match result {
        Ok(_) => Ok(()),
        Err(fault) if is_gone(&fault) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Whether a fault says that there is no such thing. The codes are those of the models, as services answer within the process.
fn is_gone(fault: &Fault) -> bool {
    matches!(
        &*fault.code,
        "ResourceNotFoundException"
            | "NoSuchBucket"
            | "NoSuchEntityException"
            | "NotFoundException"
            | "ParameterNotFound"
            | "QueueDoesNotExist"
    )
}

/// Every type that a template can declare.
static TYPES: &[&dyn ResourceType] = &[
    &cdk::CdkMetadata,
    &dynamodb_global::DynamoGlobalTable,
    &dynamodb::DynamoTable,
    &event_source_mapping::EventSourceMapping,
    &events::ARCHIVE,
    &events::BUS,
    &events::BusPolicy,
    &events::CONNECTION,
    &events::DESTINATION,
    &events_rule::EventsRule,
    &http_api::DEPLOYMENT,
    &http_api::HttpApi,
    &http_api::INTEGRATION,
    &http_api::ROUTE,
    &http_api::HttpStage,
    &iam::IamManagedPolicy,
    &iam::IamPolicy,
    &iam::IamRole,
    &kinesis::KinesisPolicy,
    &kinesis::KinesisStream,
    &kinesis::KinesisConsumer,
    &lambda_function::LambdaFunction,
    &lambda_versions::LambdaAlias,
    &lambda_parts::LambdaEventInvokeConfig,
    &lambda_parts::LambdaLayerVersion,
    &lambda_parts::LambdaLayerVersionPermission,
    &lambda_parts::LambdaPermission,
    &lambda_parts::LambdaUrl,
    &lambda_versions::LambdaVersion,
    &log_group::LogGroup,
    &rest_stage::RestDeployment,
    &rest_api::RESOURCE,
    &rest_api::RestApi,
    &rest_method::RestMethod,
    &rest_stage::RestStage,
    &s3::S3Bucket,
    &s3::S3BucketPolicy,
    &scheduler::Schedule,
    &scheduler::ScheduleGroup,
    &sns::SnsSubscription,
    &sns::SnsTopic,
    &shared_policy::TOPIC_POLICY,
    &sqs::SqsQueue,
    &shared_policy::QUEUE_POLICY,
    &ssm::SsmParameter,
];

/// The type called `name`.
pub fn find(name: &str) -> Option<&'static dyn ResourceType> {
    TYPES.iter().copied().find(|kind| kind.name() == name)
}

/// The names of all types, in order.
pub fn supported() -> Vec<&'static str> {
    let mut names: Vec<&str> = TYPES.iter().map(|kind| kind.name()).collect();
    names.sort_unstable();
    names
}
