//! Checking and applying what a client wants a function's configuration to be.

use crate::limits::within;
use crate::model::{Configuration, LayerKey, LayerUse};
use crate::registry::Snapshot;
use crate::runtime::{Resolution, Runtime, WASM};
use crate::{Error, limits, snapstart};
use fogbank_model::Arn;
use std::collections::BTreeMap;

/// Every identifier that Lambda has had, and [`WASM`]; those that no host can serve are refused by [`Runtime::resolve`].
const RUNTIMES: &[&str] = &[
    "nodejs",
    "nodejs4.3",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "nodejs26.x",
    "java8",
    "java8.al2",
    "java8.al2023",
    "java11",
    "java11.al2023",
    "java17",
    "java17.al2023",
    "java21",
    "java25",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "dotnet8",
    "dotnet10",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
    "provided",
    "provided.al2",
    "provided.al2023",
    WASM,
];

/// Variables that the platform sets itself: "Defined runtime environment variables" in the Lambda Developer Guide.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// What is to be set; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The runtime's identifier.
    pub runtime: Option<String>,
    /// The handler.
    pub handler: Option<String>,
    /// The role's ARN.
    pub role: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Seconds.
    pub timeout_s: Option<u32>,
    /// MiB.
    pub memory_mb: Option<u32>,
    /// MiB.
    pub tmp_mb: Option<u32>,
    /// All variables; they replace the ones before.
    pub environment: Option<BTreeMap<String, String>>,
    /// `Active` or `PassThrough`.
    pub tracing: Option<String>,
    /// ARNs of layer versions; they replace the ones before.
    pub layers: Option<Vec<String>>,
    /// The log group.
    pub log_group: Option<String>,
    /// Whether published versions start from a snapshot.
    pub snap_start: Option<bool>,
    /// The ARN of a queue or topic for the events of failed asynchronous calls; empty for none.
    pub dead_letters: Option<String>,
    /// The only architecture that the client accepts.
    pub architecture: Option<String>,
}

/// What this machine is, in Lambda's words.
pub(crate) fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// What a new function has where the client says nothing.
pub(crate) fn defaults(name: &str, role: Arn) -> Configuration {
    Configuration {
        runtime: String::new(),
        handler: String::new(),
        role,
        description: String::new(),
        timeout_s: 3,
        memory_mb: limits::MEMORY_MB.0,
        tmp_mb: limits::TMP_MB.0,
        environment: BTreeMap::new(),
        tracing: "PassThrough".into(),
        layers: Vec::new(),
        architecture: host_architecture().into(),
        log_group: format!("/aws/lambda/{name}"),
        snap_start: false,
        dead_letters: None,
    }
}

impl Change {
    /// Checks every part and sets it.
    pub(crate) fn apply(self, to: &mut Configuration, snapshot: &Snapshot, runtime: &dyn Runtime) -> Result<(), Error> {
        if let Some(identifier) = self.runtime {
            check_runtime(&identifier, runtime)?;
            to.runtime = identifier;
        }
        if let Some(handler) = self.handler {
            to.handler = handler;
        }
        if let Some(role) = self.role {
            to.role = read_role(&role)?;
        }
        if let Some(seconds) = self.timeout_s {
            within("timeout", seconds, limits::TIMEOUT_S)?;
            to.timeout_s = seconds;
        }
        if let Some(memory_mb) = self.memory_mb {
            within("memorySize", memory_mb, limits::MEMORY_MB)?;
            to.memory_mb = memory_mb;
        }
        if let Some(tmp_mb) = self.tmp_mb {
            within("ephemeralStorage.size", tmp_mb, limits::TMP_MB)?;
            to.tmp_mb = tmp_mb;
        }
        if let Some(environment) = self.environment {
            check_environment(&environment)?;
            to.environment = environment;
        }
        if let Some(layers) = self.layers {
            to.layers = find_layers(&layers, snapshot)?;
        }
        if let Some(architecture) = self.architecture {
            check_architecture(&architecture)?;
        }
        if let Some(target) = self.dead_letters {
            to.dead_letters = read_dead_letters(&target)?;
        }
        to.snap_start = self.snap_start.unwrap_or(to.snap_start);
        snapstart::check(to)?;
        if to.runtime == WASM && !to.layers.is_empty() {
            return Err(Error::invalid(
                "Functions with the runtime wasm have no layers: link what they need into the component.",
            ));
        }
        to.description = self.description.unwrap_or_else(|| std::mem::take(&mut to.description));
        to.tracing = self.tracing.unwrap_or_else(|| std::mem::take(&mut to.tracing));
        to.log_group = self.log_group.unwrap_or_else(|| std::mem::take(&mut to.log_group));
        Ok(())
    }
}

/// The answer to an identifier that Lambda never had.
pub(crate) fn unknown_runtime(identifier: &str) -> Error {
    Error::invalid(format!(
        "Value {identifier} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a valid ARN",
        RUNTIMES.join(", ")
    ))
}

fn check_runtime(identifier: &str, runtime: &dyn Runtime) -> Result<(), Error> {
    if !RUNTIMES.contains(&identifier) {
        return Err(unknown_runtime(identifier));
    }
    match runtime.resolve(identifier) {
        Resolution::Exact => Ok(()),
        Resolution::Nearest(what) => {
            tracing::warn!(runtime = identifier, "{what}");
            Ok(())
        }
        Resolution::Missing(remedy) => {
            Err(Error::invalid(format!("The runtime {identifier} is not available on this machine. {remedy}")))
        }
    }
}

pub(crate) fn read_role(role: &str) -> Result<Arn, Error> {
    let wrong = || Error::invalid(format!("'{role}' is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME"));
    let arn: Arn = role.parse().map_err(|_| wrong())?;
    let is_role = arn.service() == "iam" && arn.resource().starts_with("role/") && arn.account().len() == 12;
    if is_role { Ok(arn) } else { Err(wrong()) }
}

/// No text at all takes the setting away.
fn read_dead_letters(target: &str) -> Result<Option<Arn>, Error> {
    if target.is_empty() {
        return Ok(None);
    }
    let arn: Option<Arn> = target.parse().ok();
    match arn.filter(|arn| matches!(arn.service(), "sqs" | "sns")) {
        Some(arn) if !arn.resource().ends_with(".fifo") => Ok(Some(arn)),
        Some(_) => Err(Error::invalid("FIFO queues and topics are not supported as dead-letter targets.")),
        None => Err(Error::invalid(format!("The target {target} is not the ARN of an SQS queue or an SNS topic."))),
    }
}

pub(crate) fn check_architecture(architecture: &str) -> Result<(), Error> {
    let host = host_architecture();
    if architecture == host {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "This machine runs {host} code only; the architecture {architecture} is not available."
    )))
}

/// The values are secrets: no message holds one.
fn check_environment(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let reserved: Vec<&str> = environment.keys().map(String::as_str).filter(|key| RESERVED.contains(key)).collect();
    if !reserved.is_empty() {
        return Err(Error::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains \
             reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    if environment.iter().any(|(key, value)| key.is_empty() || key.contains(['=', '\0']) || value.contains('\0')) {
        return Err(Error::invalid(
            "Names of environment variables must not be empty or hold '=' or zero bytes, nor values zero bytes.",
        ));
    }
    let size = serde_json::to_string(environment).map_or(usize::MAX, |text| text.len());
    if size > limits::ENVIRONMENT_BYTES {
        return Err(Error::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the \
             4KB limit. String measured: {size} bytes"
        )));
    }
    Ok(())
}

fn find_layers(arns: &[String], snapshot: &Snapshot) -> Result<Vec<LayerUse>, Error> {
    if arns.len() > limits::LAYERS {
        return Err(Error::invalid(format!("Cannot reference more than {} layers.", limits::LAYERS)));
    }
    let mut found: Vec<(LayerKey, LayerUse)> = Vec::new();
    for arn in arns {
        let key = LayerKey::parse(arn)?;
        let layer =
            snapshot.layer(&key).ok_or_else(|| Error::invalid(format!("Layer version {arn} does not exist.")))?;
        if found.iter().any(|(other, _)| (&other.scope, &other.name) == (&key.scope, &key.name)) {
            return Err(Error::invalid(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. {arn} is referenced twice."
            )));
        }
        let layer = LayerUse { arn: key.arn(), code: layer.code.clone() };
        found.push((key, layer));
    }
    Ok(found.into_iter().map(|(_, layer)| layer).collect())
}

/// Code and layers share one limit.
pub(crate) fn check_total_size(configuration: &Configuration, unzipped: u64) -> Result<(), Error> {
    let total = unzipped + configuration.layers.iter().map(|layer| layer.code.unzipped).sum::<u64>();
    if total > limits::UNZIPPED_BYTES {
        return Err(Error::invalid(format!(
            "Function code combined with layers exceeds the maximum allowed size of {} bytes. The actual size is {total} bytes.",
            limits::UNZIPPED_BYTES
        )));
    }
    Ok(())
}
