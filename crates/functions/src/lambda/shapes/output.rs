//! How functions are shown.

use crate::lambda::code_sha256;
use crate::model::{Function, Readiness, Version};
use crate::report;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct FunctionConfiguration {
    function_name: String,
    function_arn: String,
    runtime: String,
    role: String,
    handler: String,
    code_size: u64,
    description: String,
    timeout: u32,
    memory_size: u32,
    last_modified: String,
    code_sha256: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<EnvironmentOutput>,
    tracing_config: Mode,
    revision_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<UsedLayer>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason_code: Option<String>,
    last_update_status: &'static str,
    package_type: &'static str,
    architectures: [String; 1],
    ephemeral_storage: Size,
    snap_start: SnapStartOutput,
    runtime_version_config: RuntimeVersionConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
    logging_config: LoggingOutput,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EnvironmentOutput {
    variables: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Mode {
    mode: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    target_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    size: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UsedLayer {
    arn: String,
    code_size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SnapStartOutput {
    apply_on: &'static str,
    optimization_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RuntimeVersionConfig {
    runtime_version_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingOutput {
    log_format: &'static str,
    log_group: String,
}

impl FunctionConfiguration {
    /// Describes `version`, under a qualified ARN if the client named a version or alias, or it is a published one.
    pub fn of(function: &Function, version: &Version, qualifier: Option<&str>) -> Self {
        let configuration = &version.configuration;
        let number = version.number.map(|number| number.to_string());
        let function_arn = match qualifier.map(str::to_owned).or(number) {
            Some(qualifier) => function.key.qualified_arn(qualifier),
            None => function.key.arn(),
        };
        let variables = configuration.environment.clone();
        let layers = configuration.layers.iter();
        let (state, why) = match &version.readiness {
            Readiness::Active | Readiness::Optimized => ("Active", None),
            Readiness::Pending => ("Pending", Some(("The function is being created.", "Creating"))),
            Readiness::Failed { code, reason } => ("Failed", Some((&**reason, &**code))),
        };
        let (state_reason, state_reason_code) = why.map(|(reason, code)| (reason.into(), code.into())).unzip();
        let dead_letters = configuration.dead_letters.as_ref().map(ToString::to_string);
        Self {
            function_name: function.key.name.to_string(),
            function_arn: function_arn.into(),
            runtime: configuration.runtime.clone(),
            role: configuration.role.to_string(),
            handler: configuration.handler.clone(),
            code_size: version.code.zipped,
            description: configuration.description.clone(),
            timeout: configuration.timeout_s,
            memory_size: configuration.memory_mb,
            last_modified: version.modified.to_lambda_text(),
            code_sha256: code_sha256(&version.code),
            version: version.label(),
            environment: (!variables.is_empty()).then_some(EnvironmentOutput { variables }),
            tracing_config: Mode { mode: configuration.tracing.clone() },
            revision_id: version.revision.clone(),
            layers: layers
                .map(|layer| UsedLayer { arn: layer.arn.to_string(), code_size: layer.code.zipped })
                .collect(),
            state,
            state_reason,
            state_reason_code,
            last_update_status: "Successful",
            package_type: "Zip",
            architectures: [configuration.architecture.clone()],
            ephemeral_storage: Size { size: configuration.tmp_mb },
            snap_start: SnapStartOutput {
                apply_on: if configuration.snap_start { "PublishedVersions" } else { "None" },
                optimization_status: if version.readiness == Readiness::Optimized { "On" } else { "Off" },
            },
            runtime_version_config: RuntimeVersionConfig {
                runtime_version_arn: report::runtime_version_arn(&configuration.runtime, &function.key.scope.region),
            },
            dead_letter_config: dead_letters.map(|target_arn| DeadLetterConfig { target_arn }),
            logging_config: LoggingOutput { log_format: "Text", log_group: configuration.log_group.clone() },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct GetFunctionOutput {
    pub configuration: FunctionConfiguration,
    pub code: CodeLocation,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Reserved>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct CodeLocation {
    pub repository_type: &'static str,
    pub location: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct Reserved {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved_concurrent_executions: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct ListFunctionsOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub functions: Vec<FunctionConfiguration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct ListVersionsOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub versions: Vec<FunctionConfiguration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct Deleted {
    pub status_code: u16,
}
