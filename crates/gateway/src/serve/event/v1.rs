//! Payload format 1.0, of REST APIs ("Input format of a Lambda function for proxy integration") and of HTTP APIs that ask for it: absent
//! members are null.

use super::body;
use crate::serve::request::{Placed, Received};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whose event it is; the two differ in details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// A REST API's.
    Rest,
    /// An HTTP API's.
    Http,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    resource: &'r str,
    path: Cow<'r, str>,
    http_method: &'r str,
    headers: BTreeMap<String, String>,
    multi_value_headers: BTreeMap<String, Vec<Cow<'r, str>>>,
    #[serde(serialize_with = "null_if_empty")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(serialize_with = "null_if_empty")]
    multi_value_query_string_parameters: BTreeMap<String, Vec<String>>,
    #[serde(serialize_with = "null_if_empty")]
    path_parameters: BTreeMap<&'r str, &'r str>,
    #[serde(serialize_with = "null_if_empty_ref")]
    stage_variables: &'r BTreeMap<String, String>,
    request_context: Context<'r>,
    body: Option<Cow<'r, str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'r> {
    account_id: &'r str,
    api_id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_id: Option<&'r str>,
    domain_name: &'r str,
    domain_prefix: &'r str,
    extended_request_id: &'r str,
    http_method: &'r str,
    identity: Identity<'r>,
    path: String,
    protocol: String,
    request_id: &'r str,
    request_time: String,
    request_time_epoch: i64,
    resource_id: &'r str,
    resource_path: &'r str,
    stage: &'r str,
}

/// Nobody is identified yet, so all but the network's own facts is null.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Identity<'r> {
    access_key: Option<()>,
    account_id: Option<()>,
    caller: Option<()>,
    cognito_authentication_provider: Option<()>,
    cognito_authentication_type: Option<()>,
    cognito_identity_id: Option<()>,
    cognito_identity_pool_id: Option<()>,
    principal_org_id: Option<()>,
    source_ip: &'r str,
    user: Option<()>,
    user_agent: Cow<'r, str>,
    user_arn: Option<()>,
}

fn null_if_empty<K: Serialize, V: Serialize, S: Serializer>(map: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error> {
    Some(map).filter(|map| !map.is_empty()).serialize(to)
}

fn null_if_empty_ref<S: Serializer>(map: &&BTreeMap<String, String>, to: S) -> Result<S::Ok, S::Error> {
    null_if_empty(map, to)
}

/// `content-type` as `Content-Type`: HTTP/1.1 clients mostly send them so, and functions written for REST APIs look for them so.
fn title_case(name: &str) -> String {
    let mut upper = true;
    let letter = |c: char| {
        let shown = if upper { c.to_ascii_uppercase() } else { c };
        upper = c == '-';
        shown
    };
    name.chars().map(letter).collect()
}

impl<'r> Event<'r> {
    pub fn of(received: &'r Received<'r>, placed: &'r Placed<'r>, flavour: Flavour, binary: bool) -> Self {
        let many = received.headers().into_iter().map(|(name, values)| (title_case(name), values));
        let multi_value_headers: BTreeMap<String, Vec<Cow<'r, str>>> = many.collect();
        let last = |(name, values): (&String, &Vec<Cow<'r, str>>)| {
            (name.clone(), values.last().cloned().unwrap_or_default().into_owned())
        };
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in received.query() {
            query.entry(name).or_default().push(value);
        }
        let last_query =
            |(name, values): (&String, &Vec<String>)| (name.clone(), values.last().cloned().unwrap_or_default());
        let (whole, path, resource) = match flavour {
            Flavour::Rest => (format!("/{}{}", placed.stage, placed.path), Cow::Borrowed(placed.path), placed.route),
            Flavour::Http => {
                let whole = super::super::decoded_path(placed.stage, placed.path);
                let resource = placed.route.split_once(' ').map_or(placed.route, |(_, path)| path);
                (whole.clone(), Cow::Owned(whole), resource)
            }
        };
        let http = flavour == Flavour::Http;
        let (body, is_base64_encoded) = text_body(received, flavour, binary);
        Self {
            version: http.then_some("1.0"),
            resource,
            path,
            http_method: received.head.method.as_str(),
            headers: multi_value_headers.iter().map(last).collect(),
            multi_value_headers,
            query_string_parameters: query.iter().map(last_query).collect(),
            multi_value_query_string_parameters: query,
            path_parameters: placed.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            stage_variables: placed.variables,
            request_context: Context {
                account_id: placed.account,
                api_id: placed.api,
                deployment_id: (!http).then_some(placed.deployment),
                domain_name: received.host,
                domain_prefix: received.domain_prefix(),
                extended_request_id: received.extended_id,
                http_method: received.head.method.as_str(),
                identity: Identity {
                    source_ip: received.source_ip,
                    user_agent: received.user_agent(),
                    ..Identity::default()
                },
                path: whole,
                protocol: received.protocol(),
                request_id: received.request_id,
                request_time: received.time_text(),
                request_time_epoch: received.time.0,
                resource_id: if http { placed.route } else { placed.resource_id },
                resource_path: resource,
                stage: placed.stage,
            },
            body,
            is_base64_encoded,
        }
    }
}

/// A REST API hands everything that is not of a binary media type over as text, whatever it holds.
fn text_body<'r>(received: &'r Received<'r>, flavour: Flavour, binary: bool) -> (Option<Cow<'r, str>>, bool) {
    match (flavour, binary) {
        (Flavour::Rest, false) if !received.body.is_empty() => (Some(String::from_utf8_lossy(received.body)), false),
        _ => body(received.body, binary),
    }
}
