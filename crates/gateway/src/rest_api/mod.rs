//! REST APIs (API Gateway v1): their records, and what changes them. An API with all its resources is one record; what a stage
//! serves is a copy made when it was deployed, kept apart.

mod apis;
mod deployments;
mod integrations;
mod methods;
mod openapi;
mod patch;
mod resources;
mod stages;

pub(crate) use apis::{NewApi, get, list, update};
pub(crate) use deployments::{NewStage, deploy};
pub(crate) use integrations::{NewIntegration, NewIntegrationResponse};
pub(crate) use methods::NewMethod;
pub(crate) use openapi::{Mode, import};
pub(crate) use patch::Patch;

use fogbank_model::{AccountId, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// API Gateway's quotas for REST APIs ("Quotas for configuring and running a REST API").
pub(crate) mod quota {
    /// Resources of an API.
    pub const RESOURCES: usize = 300;
    /// Stages of an API.
    pub const STAGES: usize = 10;
    /// Milliseconds that an integration may take.
    pub const TIMEOUT_MS: std::ops::RangeInclusive<i64> = 50..=29_000;
    /// Bytes of an imported document.
    pub const DOCUMENT: usize = 6 << 20;
}

/// A REST API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RestApi {
    pub id: String,
    pub name: String,
    pub account: AccountId,
    pub region: Region,
    pub created: Timestamp,
    pub description: Option<String>,
    pub version: Option<String>,
    pub binary_media_types: Vec<String>,
    /// `EDGE`, `REGIONAL` or `PRIVATE`; shown, since every endpoint is this platform.
    pub endpoint_types: Vec<String>,
    /// Whether it answers nobody (`disableExecuteApiEndpoint`).
    pub closed: bool,
    pub tags: BTreeMap<String, String>,
    pub resources: BTreeMap<String, Resource>,
    pub stages: BTreeMap<String, Stage>,
    pub deployments: BTreeMap<String, Deployment>,
}

/// A node of the tree of paths.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub id: String,
    /// `None` for the root.
    pub parent: Option<String>,
    /// The last part of the path; empty for the root.
    pub part: String,
    /// From the root: `/`, `/pets`, `/pets/{id}`.
    pub path: String,
    /// By HTTP method; `ANY` takes those that are not named.
    pub methods: BTreeMap<String, Method>,
}

/// A method of a resource.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Method {
    pub operation_name: Option<String>,
    /// `method.request.…` to whether it is required; without a request validator only documentation, as in API Gateway.
    pub request_parameters: BTreeMap<String, bool>,
    /// Content types to names of models; documentation too.
    pub request_models: BTreeMap<String, String>,
    pub responses: BTreeMap<String, MethodResponse>,
    pub integration: Option<Integration>,
}

/// A response that a method declares.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MethodResponse {
    pub parameters: BTreeMap<String, bool>,
    pub models: BTreeMap<String, String>,
}

/// What stands behind a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A function gets the request and makes the answer.
    AwsProxy,
    /// The gateway answers by itself.
    Mock,
}

/// A method's integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Integration {
    pub kind: Kind,
    pub http_method: Option<String>,
    pub uri: Option<String>,
    pub passthrough: String,
    pub content_handling: Option<String>,
    pub timeout_ms: i64,
    pub request_templates: BTreeMap<String, String>,
    pub responses: BTreeMap<String, IntegrationResponse>,
}

/// How an integration's answer becomes the method's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IntegrationResponse {
    pub selection_pattern: Option<String>,
    /// `method.response.header.NAME` to `'a static value'`.
    pub parameters: BTreeMap<String, String>,
    /// Content types to static texts.
    pub templates: BTreeMap<String, String>,
}

/// A stage: a deployment with a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub name: String,
    pub deployment: String,
    pub description: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub tracing: bool,
    pub tags: BTreeMap<String, String>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// That there was a deployment; what it holds is [`Deployed`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub id: String,
    pub description: Option<String>,
    pub created: Timestamp,
}

/// What a deployment holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Deployed {
    pub binary_media_types: Vec<String>,
    pub methods: Vec<DeployedMethod>,
}

/// A method as it was deployed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeployedMethod {
    pub resource: String,
    pub path: String,
    pub method: String,
    pub integration: Integration,
}
