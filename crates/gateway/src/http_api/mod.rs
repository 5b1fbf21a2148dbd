//! HTTP APIs (API Gateway v2): their records, and what changes them. An API with all its parts is one record; what a stage serves
//! is a copy made when it was deployed, kept apart.

mod apis;
mod change;
mod deployments;
mod integrations;
mod openapi;
mod routes;
mod stages;

pub(crate) use apis::{NewApi, create, free_id, get, list, update};
pub(crate) use deployments::{deploy, redeploy};
pub(crate) use integrations::IntegrationChange;
pub(crate) use openapi::import;
pub(crate) use stages::{StageChange, check_variables};

use crate::{Cors, Error};
use fogbank_model::{AccountId, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// API Gateway's quotas for HTTP APIs ("Quotas for configuring and running an HTTP API").
pub(crate) mod quota {
    /// Routes of an API, and integrations too.
    pub const ROUTES: usize = 300;
    /// Stages of an API.
    pub const STAGES: usize = 10;
    /// Milliseconds that an integration may take.
    pub const TIMEOUT_MS: std::ops::RangeInclusive<i64> = 50..=30_000;
    /// Bytes of an imported document.
    pub const DOCUMENT: usize = 6 << 20;
}

/// An HTTP API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HttpApi {
    pub id: String,
    pub name: String,
    pub account: AccountId,
    pub region: Region,
    pub created: Timestamp,
    pub description: Option<String>,
    pub version: Option<String>,
    pub cors: Option<Cors>,
    /// Whether it answers nobody (`DisableExecuteApiEndpoint`).
    pub closed: bool,
    pub tags: BTreeMap<String, String>,
    pub routes: BTreeMap<String, Route>,
    pub integrations: BTreeMap<String, Integration>,
    pub stages: BTreeMap<String, Stage>,
    pub deployments: BTreeMap<String, Deployment>,
}

/// A route: what requests it takes, and which integration answers them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Route {
    pub id: String,
    /// `METHOD /path`, or `$default`.
    pub key: String,
    /// `integrations/ID`.
    pub target: Option<String>,
    pub operation_name: Option<String>,
    /// Whether API Gateway made it itself (quick create).
    pub managed: bool,
}

/// The form of the event that a function gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Payload {
    /// As REST APIs have it.
    V1,
    /// As HTTP APIs and function URLs have it.
    V2,
}

impl Payload {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "1.0" => Ok(Self::V1),
            "2.0" => Ok(Self::V2),
            other => Err(Error::bad(format!("Invalid payload format version '{other}': use 1.0 or 2.0."))),
        }
    }
}

/// A Lambda proxy integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Integration {
    pub id: String,
    pub uri: String,
    pub method: Option<String>,
    pub payload: Payload,
    pub timeout_ms: i64,
    pub description: Option<String>,
    pub managed: bool,
}

/// A stage: a deployment with a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub name: String,
    pub auto_deploy: bool,
    pub deployment: Option<String>,
    pub description: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub managed: bool,
}

/// That there was a deployment; what it holds is [`Deployed`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub id: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub auto: bool,
}

/// What a deployment holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deployed {
    /// Route keys with their integrations.
    pub routes: Vec<(String, Option<Integration>)>,
}

impl HttpApi {
    /// What a deployment made now would hold.
    pub fn current(&self) -> Deployed {
        let integration = |route: &Route| {
            let id = route.target.as_deref()?.strip_prefix("integrations/")?;
            self.integrations.get(id).cloned()
        };
        Deployed { routes: self.routes.values().map(|route| (route.key.clone(), integration(route))).collect() }
    }
}

/// Refuses more than `limit` of something.
pub(crate) fn within(count: usize, limit: usize, what: &str) -> Result<(), Error> {
    match count < limit {
        true => Ok(()),
        false => Err(Error::bad(format!("An API can have at most {limit} {what}."))),
    }
}
