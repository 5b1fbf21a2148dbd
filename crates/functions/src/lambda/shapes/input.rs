//! What clients send about functions.

use crate::Error;
use crate::configuration::Change;
use crate::source::Source;
use fogbank_model::ObjectName;
use fogbank_wire::Blob;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A member that is read only to be refused.
pub(in crate::lambda) type Anything = serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct FunctionName {
    pub function_name: String,
    pub qualifier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct PackageInput {
    pub zip_file: Option<Blob>,
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub s3_object_version: Option<String>,
    pub image_uri: Option<String>,
    #[serde(rename = "SourceKMSKeyArn")]
    pub source_kms_key_arn: Option<String>,
}

impl PackageInput {
    /// Where the ZIP file is.
    pub fn source(self) -> Result<Source, Error> {
        if self.image_uri.is_some() {
            return Err(Error::unsupported("Code.ImageUri (container images)"));
        }
        if self.source_kms_key_arn.is_some() {
            return Err(Error::unsupported("SourceKMSKeyArn"));
        }
        match (self.zip_file, self.s3_bucket, self.s3_key) {
            (Some(blob), None, None) => Ok(Source::Request(blob.0)),
            (None, Some(bucket), Some(key)) => {
                Ok(Source::Object(ObjectName { bucket, key, version: self.s3_object_version }))
            }
            (Some(_), ..) => {
                Err(Error::invalid("Please do not provide other FunctionCode parameters when providing a ZipFile."))
            }
            (None, ..) => Err(Error::invalid("Please provide a source for function code.")),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct Environment {
    pub variables: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct EphemeralStorage {
    pub size: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct TracingConfig {
    pub mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct LoggingInput {
    pub log_format: Option<String>,
    pub application_log_level: Option<String>,
    pub system_log_level: Option<String>,
    pub log_group: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct SnapStart {
    pub apply_on: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct TargetArn {
    pub target_arn: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct VpcConfig {
    pub subnet_ids: Vec<String>,
    pub security_group_ids: Vec<String>,
}

/// What `CreateFunction` and `UpdateFunctionConfiguration` have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct ConfigurationInput {
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
        refuse(filled(&self.kms_key_arn), "KMSKeyArn")?;
        refuse(self.file_system_configs.is_some_and(|configs| !configs.is_empty()), "FileSystemConfigs")?;
        refuse(self.image_config.is_some(), "ImageConfig")?;
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
            // AWS takes an empty structure for no change.
            snap_start: self.snap_start.and_then(|snap_start| snap_start.apply_on).map(|on| on == "PublishedVersions"),
            dead_letters: self.dead_letter_config.map(|config| config.target_arn.unwrap_or_default()),
            architecture: None,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct CreateFunction {
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
pub(in crate::lambda) struct UpdateFunctionCode {
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
pub(in crate::lambda) struct UpdateFunctionConfiguration {
    pub function_name: String,
    #[serde(flatten)]
    pub configuration: ConfigurationInput,
    pub revision_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct ListFunctions {
    pub master_region: Option<String>,
    pub function_version: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<u32>,
}

/// A page of something that belongs to a function.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct ListOfFunction {
    pub function_name: String,
    pub function_version: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct PublishVersion {
    pub function_name: String,
    pub code_sha256: Option<String>,
    pub description: Option<String>,
    pub revision_id: Option<String>,
    pub publish_to: Option<String>,
}
