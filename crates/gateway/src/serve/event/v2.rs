//! Payload format 2.0 ("Create AWS Lambda proxy integrations for HTTP APIs"): absent members are left out.

use super::body;
use crate::serve::request::{Placed, Received, is_text};
use http::header::COOKIE;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'r> {
    version: &'static str,
    route_key: &'r str,
    raw_path: &'r str,
    raw_query_string: &'r str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'r str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: Context<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'r, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'r str, &'r str>,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: &'r BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'r> {
    account_id: &'r str,
    api_id: &'r str,
    domain_name: &'r str,
    domain_prefix: &'r str,
    http: Http<'r>,
    request_id: &'r str,
    route_key: &'r str,
    stage: &'r str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'r> {
    method: &'r str,
    path: &'r str,
    protocol: String,
    source_ip: &'r str,
    user_agent: Cow<'r, str>,
}

impl<'r> Event<'r> {
    pub fn of(received: &'r Received<'r>, placed: &'r Placed<'r>, path: &'r str) -> Self {
        let mut headers = received.headers();
        let cookies = headers.remove(COOKIE.as_str()).unwrap_or_default();
        let cookies =
            cookies.iter().flat_map(|line| line.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty());
        let cookies = cookies.map(str::to_owned).collect();
        let mut query: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in received.query() {
            let joined = query.entry(name);
            joined.and_modify(|text| *text = format!("{text},{value}")).or_insert(value);
        }
        let (body, is_base64_encoded) = body(received.body, !is_text(received.head));
        Self {
            version: "2.0",
            route_key: placed.route,
            raw_path: path,
            raw_query_string: received.head.uri.query().unwrap_or_default(),
            cookies,
            headers: headers.into_iter().map(|(name, values)| (name, values.join(","))).collect(),
            query_string_parameters: query,
            request_context: Context {
                account_id: placed.account,
                api_id: placed.api,
                domain_name: received.host,
                domain_prefix: received.domain_prefix(),
                http: Http {
                    method: received.head.method.as_str(),
                    path,
                    protocol: received.protocol(),
                    source_ip: received.source_ip,
                    user_agent: received.user_agent(),
                },
                request_id: received.request_id,
                route_key: placed.route,
                stage: placed.stage,
                time: received.time_text(),
                time_epoch: received.time.0,
            },
            body,
            path_parameters: placed.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            is_base64_encoded,
            stage_variables: placed.variables,
        }
    }
}
