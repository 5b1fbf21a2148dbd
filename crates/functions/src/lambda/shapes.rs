//! Lambda's structures, with its member names.

use super::code_sha256;
use crate::configuration::Change;
use crate::model::{Cors, Function, Version};
use crate::{Error, report};
use bytes::Bytes;
use fogbank_wire::Blob;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A member that is read only to be refused.
pub(super) type Anything = serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FunctionName {
    pub function_name: String,
    pub qualifier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PackageInput {
    pub zip_file: Option<Blob>,
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub image_uri: Option<String>,
    #[serde(rename = "SourceKMSKeyArn")]
    pub source_kms_key_arn: Option<String>,
}

impl PackageInput {
    /// The ZIP file, if the code comes as one.
    pub fn zip(self) -> Result<Bytes, Error> {
        if self.image_uri.is_some() {
            return Err(Error::unsupported("Code.ImageUri (container images)"));
        }
        if self.source_kms_key_arn.is_some() {
            return Err(Error::unsupported("SourceKMSKeyArn"));
        }
        if self.s3_bucket.is_some() || self.s3_key.is_some() {
            let message =
                "Code from S3 (S3Bucket, S3Key) is not supported by Fogbank yet. Send the package as ZipFile.";
            return Err(Error::invalid(message));
        }
        self.zip_file.map(|blob| blob.0).ok_or_else(|| Error::invalid("Please provide a source for function code."))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Environment {
    pub variables: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EphemeralStorage {
    pub size: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TracingConfig {
    pub mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LoggingInput {
    pub log_format: Option<String>,
    pub application_log_level: Option<String>,
    pub system_log_level: Option<String>,
    pub log_group: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SnapStart {
    pub apply_on: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TargetArn {
    pub target_arn: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VpcConfig {
    pub subnet_ids: Vec<String>,
    pub security_group_ids: Vec<String>,
}

/// What `CreateFunction` and `UpdateFunctionConfiguration` have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ConfigurationInput {
    pub runtime: Option<String>,
    pub role: Option<String>,
    pub handler: Option<String>,
    pub description: Option<String>,
    pub timeout: Option<u32>,
    pub memory_size: Option<u32>,
    pub vpc_config: Option<VpcConfig>,
    pub dead_letter_config: Option<TargetArn>,
    pub environment: Option<Environment>,
    #[serde(rename = "KMSKeyArn")]
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfig>,
    pub layers: Option<Vec<String>>,
    pub file_system_configs: Option<Vec<Anything>>,
    pub image_config: Option<Anything>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStart>,
    pub logging_config: Option<LoggingInput>,
    pub tenancy_config: Option<Anything>,
    pub capacity_provider_config: Option<Anything>,
    pub durable_config: Option<Anything>,
    pub runtime_config: Option<Anything>,
    pub accelerator_config: Option<Anything>,
}

impl ConfigurationInput {
    /// The change that is asked for, or an error that names what of it cannot be done.
    pub fn change(self) -> Result<Change, Error> {
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let refuse = |asked: bool, what: &str| if asked { Err(Error::unsupported(what)) } else { Ok(()) };
        let vpc = self
            .vpc_config
            .as_ref()
            .is_some_and(|vpc| !(vpc.subnet_ids.is_empty() && vpc.security_group_ids.is_empty()));
        refuse(vpc, "VpcConfig")?;
        let dead_letters = self.dead_letter_config.as_ref().is_some_and(|config| filled(&config.target_arn));
        refuse(dead_letters, "DeadLetterConfig")?;
        refuse(filled(&self.kms_key_arn), "KMSKeyArn")?;
        refuse(self.file_system_configs.is_some_and(|configs| !configs.is_empty()), "FileSystemConfigs")?;
        refuse(self.image_config.is_some(), "ImageConfig")?;
        let snap_start = self.snap_start.and_then(|snap_start| snap_start.apply_on);
        refuse(snap_start.is_some_and(|apply_on| apply_on != "None"), "SnapStart with ApplyOn PublishedVersions")?;
        refuse(self.tenancy_config.is_some(), "TenancyConfig")?;
        refuse(self.capacity_provider_config.is_some(), "CapacityProviderConfig")?;
        refuse(self.durable_config.is_some(), "DurableConfig")?;
        refuse(self.runtime_config.is_some(), "RuntimeConfig")?;
        refuse(self.accelerator_config.is_some(), "AcceleratorConfig")?;
        let logging = self.logging_config.unwrap_or_default();
        refuse(
            logging.log_format.as_ref().is_some_and(|format| format != "Text"),
            "LoggingConfig with LogFormat JSON",
        )?;
        if logging.application_log_level.is_some() || logging.system_log_level.is_some() {
            return Err(Error::invalid(
                "Log levels can only be set with LogFormat JSON, which is not supported by Fogbank yet.",
            ));
        }
        Ok(Change {
            runtime: self.runtime,
            handler: self.handler,
            role: self.role,
            description: self.description,
            timeout_s: self.timeout,
            memory_mb: self.memory_size,
            tmp_mb: self.ephemeral_storage.and_then(|storage| storage.size),
            environment: self.environment.map(|environment| environment.variables),
            tracing: self.tracing_config.and_then(|tracing| tracing.mode),
            layers: self.layers,
            log_group: logging.log_group,
            architecture: None,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateFunction {
    pub function_name: String,
    pub code: PackageInput,
    #[serde(flatten)]
    pub configuration: ConfigurationInput,
    #[serde(default)]
    pub publish: bool,
    pub publish_to: Option<String>,
    pub package_type: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    pub code_signing_config_arn: Option<String>,
    #[serde(default)]
    pub architectures: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateFunctionCode {
    pub function_name: String,
    #[serde(flatten)]
    pub code: PackageInput,
    #[serde(default)]
    pub architectures: Vec<String>,
    #[serde(default)]
    pub publish: bool,
    pub publish_to: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
    pub revision_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateFunctionConfiguration {
    pub function_name: String,
    #[serde(flatten)]
    pub configuration: ConfigurationInput,
    pub revision_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListFunctions {
    pub master_region: Option<String>,
    pub function_version: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<u32>,
}

/// A page of something that belongs to a function.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListOfFunction {
    pub function_name: String,
    pub function_version: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PublishVersion {
    pub function_name: String,
    pub code_sha256: Option<String>,
    pub description: Option<String>,
    pub revision_id: Option<String>,
    pub publish_to: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionConfiguration {
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
    last_update_status: &'static str,
    package_type: &'static str,
    architectures: [String; 1],
    ephemeral_storage: Size,
    snap_start: SnapStartOutput,
    runtime_version_config: RuntimeVersionConfig,
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
            // Code is unpacked before a function or a change of it is accepted, so there is nothing left to wait for.
            state: "Active",
            last_update_status: "Successful",
            package_type: "Zip",
            architectures: [configuration.architecture.clone()],
            ephemeral_storage: Size { size: configuration.tmp_mb },
            snap_start: SnapStartOutput { apply_on: "None", optimization_status: "Off" },
            runtime_version_config: RuntimeVersionConfig {
                runtime_version_arn: report::runtime_version_arn(&configuration.runtime, &function.key.scope.region),
            },
            logging_config: LoggingOutput { log_format: "Text", log_group: configuration.log_group.clone() },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetFunctionOutput {
    pub configuration: FunctionConfiguration,
    pub code: CodeLocation,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Reserved>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CodeLocation {
    pub repository_type: &'static str,
    pub location: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reserved {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved_concurrent_executions: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListFunctionsOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub functions: Vec<FunctionConfiguration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListVersionsOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub versions: Vec<FunctionConfiguration>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutConcurrency {
    pub function_name: String,
    pub reserved_concurrent_executions: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Deleted {
    pub status_code: u16,
}

/// A structure without members.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Empty {}

/// A page, and the filters of layers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListLayers {
    pub compatible_architecture: Option<String>,
    pub compatible_runtime: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AliasInput {
    pub function_name: String,
    pub name: String,
    pub function_version: Option<String>,
    pub description: Option<String>,
    pub routing_config: Option<RoutingConfig>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AliasName {
    pub function_name: String,
    pub name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RoutingConfig {
    pub additional_version_weights: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AliasOutput {
    pub alias_arn: String,
    pub name: String,
    pub function_version: String,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_config: Option<RoutingConfig>,
    pub revision_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListAliasesOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub aliases: Vec<AliasOutput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PublishLayer {
    pub layer_name: String,
    pub description: Option<String>,
    pub content: PackageInput,
    pub compatible_architectures: Vec<String>,
    pub compatible_runtimes: Vec<String>,
    pub license_info: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LayerVersionName {
    pub layer_name: String,
    pub version_number: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LayerArn {
    pub arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LayerName {
    pub layer_name: String,
    #[serde(flatten)]
    pub filter: ListLayers,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LayerContent {
    pub location: String,
    pub code_sha256: String,
    pub code_size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LayerOutput {
    pub content: LayerContent,
    pub layer_arn: String,
    pub layer_version_arn: String,
    pub description: String,
    pub created_date: String,
    pub version: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compatible_architectures: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compatible_runtimes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_info: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LayerVersionSummary {
    pub layer_version_arn: String,
    pub description: String,
    pub created_date: String,
    pub version: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compatible_architectures: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compatible_runtimes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_info: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LayerSummary {
    pub layer_name: String,
    pub layer_arn: String,
    pub latest_matching_version: LayerVersionSummary,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListLayersOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub layers: Vec<LayerSummary>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListLayerVersionsOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub layer_versions: Vec<LayerVersionSummary>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LayerPermissionInput {
    pub layer_name: String,
    pub version_number: u64,
    pub statement_id: String,
    pub action: Option<String>,
    pub principal: Option<String>,
    pub organization_id: Option<String>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LayerPermissionOutput {
    pub statement: String,
    pub revision_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PermissionInput {
    pub function_name: String,
    pub statement_id: String,
    pub action: String,
    pub principal: String,
    pub source_arn: Option<String>,
    pub function_url_auth_type: Option<String>,
    pub invoked_via_function_url: Option<bool>,
    pub source_account: Option<String>,
    pub event_source_token: Option<String>,
    pub qualifier: Option<String>,
    pub revision_id: Option<String>,
    #[serde(rename = "PrincipalOrgID")]
    pub principal_org_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StatementOutput {
    pub statement: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyOutput {
    pub policy: String,
    pub revision_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UrlInput {
    pub function_name: String,
    pub qualifier: Option<String>,
    pub auth_type: Option<String>,
    pub cors: Option<Cors>,
    pub invoke_mode: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UrlOutput {
    pub function_url: String,
    pub function_arn: String,
    pub auth_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    pub creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified_time: Option<String>,
    pub invoke_mode: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListUrlsOutput {
    pub function_url_configs: Vec<UrlOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EventInvokeInput {
    pub function_name: String,
    pub qualifier: Option<String>,
    pub maximum_retry_attempts: Option<u32>,
    pub maximum_event_age_in_seconds: Option<u32>,
    pub destination_config: Option<DestinationConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DestinationConfig {
    pub on_success: Option<Destination>,
    pub on_failure: Option<Destination>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Destination {
    pub destination: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventInvokeOutput {
    /// Milliseconds.
    pub last_modified: i64,
    pub function_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_retry_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_event_age_in_seconds: Option<u32>,
    pub destination_config: NoDestinations,
}

/// AWS shows both ends also where none is set.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NoDestinations {
    on_success: Nothing,
    on_failure: Nothing,
}

#[derive(Debug, Default, Serialize)]
struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListEventInvokesOutput {
    pub function_event_invoke_configs: Vec<EventInvokeOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TagInput {
    pub resource: String,
    pub tags: BTreeMap<String, String>,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccountSettings {
    pub account_limit: AccountLimit,
    pub account_usage: AccountUsage,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccountLimit {
    pub total_code_size: u64,
    pub code_size_unzipped: u64,
    pub code_size_zipped: u64,
    pub concurrent_executions: u32,
    pub unreserved_concurrent_executions: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccountUsage {
    pub total_code_size: u64,
    pub function_count: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PutRecursion {
    pub function_name: String,
    pub recursive_loop: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Recursion {
    pub recursive_loop: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PutRuntimeManagement {
    pub function_name: String,
    pub qualifier: Option<String>,
    pub update_runtime_on: String,
    pub runtime_version_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuntimeManagement {
    pub update_runtime_on: &'static str,
    pub function_arn: String,
    pub runtime_version_arn: String,
}
