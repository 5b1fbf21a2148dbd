//! What a component learns of its function and its call: environment variables, and headers of its request.

use fogbank_functions::runtime::{Event, InstanceSpec};
use fogbank_runtimes::SessionKeys;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// Where the platform's AWS endpoint is, as components see it. Nothing listens there: requests to it are answered by the platform.
pub(crate) const ENDPOINT: &str = "127.0.0.1:4566";
/// Headers that begin so come from the platform alone.
const OWN: &str = "lambda-runtime-";

/// Everything in the environment, the user's variables last but never over a reserved one.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
pub(crate) fn environment(spec: &InstanceSpec, keys: &SessionKeys) -> Vec<(String, String)> {
    let mut all: BTreeMap<&str, String> = BTreeMap::from([
        ("LANG", "en_US.UTF-8".into()),
        ("TZ", ":UTC".into()),
        ("AWS_ENDPOINT_URL", format!("http://{ENDPOINT}")),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
    ]);
    all.extend(spec.environment.iter().map(|(name, value)| (name.as_str(), value.clone())));
    all.extend(fogbank_runtimes::identity(spec, keys));
    all.insert("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", spec.runtime));
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The headers that are the same for every call of an instance.
pub(crate) fn standing_headers(spec: &InstanceSpec) -> Vec<(HeaderName, HeaderValue)> {
    let all = [
        ("lambda-runtime-function-name", spec.name.clone()),
        ("lambda-runtime-function-version", spec.version.clone()),
        ("lambda-runtime-memory-limit-mb", spec.memory_mb.to_string()),
        ("lambda-runtime-log-group-name", spec.log.group.clone()),
        ("lambda-runtime-log-stream-name", spec.log.stream.clone()),
    ];
    let valid = |(name, value): (&'static str, String)| {
        HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value))
    };
    all.into_iter().filter_map(valid).collect()
}

/// Puts the context of one call into its request's headers, in place of what a client may have sent under these names.
pub(crate) fn add_headers(headers: &mut HeaderMap, standing: &[(HeaderName, HeaderValue)], event: &Event) {
    let forged: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(OWN)).cloned().collect();
    forged.iter().for_each(|name| drop(headers.remove(name)));
    headers.reserve(standing.len() + 6);
    headers.extend(standing.iter().cloned());
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-amzn-requestid", &event.request_id);
    put("lambda-runtime-aws-request-id", &event.request_id);
    put("lambda-runtime-deadline-ms", &event.deadline.0.to_string());
    put("lambda-runtime-invoked-function-arn", &event.invoked_arn);
    put("lambda-runtime-trace-id", &event.trace);
    if let Some(context) = &event.client_context {
        put("lambda-runtime-client-context", context);
    }
}
