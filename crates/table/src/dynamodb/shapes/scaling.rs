//! Structures of operations on how capacity is scaled, and on global tables' settings, which have it in them.

use super::tables::{BillingModeSummary, TableClassSummary};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateScaling {
    pub table_name: String,
    pub provisioned_write_capacity_auto_scaling_update: Option<SettingsUpdate>,
    pub global_secondary_index_updates: Vec<IndexWriteScaling>,
    pub replica_updates: Vec<ReplicaScalingUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IndexWriteScaling {
    pub index_name: String,
    pub provisioned_write_capacity_auto_scaling_update: Option<SettingsUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReplicaScalingUpdate {
    pub region_name: String,
    pub replica_global_secondary_index_updates: Vec<IndexReadScaling>,
    pub replica_provisioned_read_capacity_auto_scaling_update: Option<SettingsUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IndexReadScaling {
    pub index_name: String,
    pub provisioned_read_capacity_auto_scaling_update: Option<SettingsUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SettingsUpdate {
    pub minimum_units: Option<i64>,
    pub maximum_units: Option<i64>,
    pub auto_scaling_disabled: bool,
    pub auto_scaling_role_arn: Option<String>,
    pub scaling_policy_update: Option<PolicyShape>,
}

/// A policy, as it is given and as it is shown.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PolicyShape {
    pub policy_name: Option<String>,
    pub target_tracking_scaling_policy_configuration: TargetTracking,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetTracking {
    pub disable_scale_in: Option<bool>,
    pub scale_in_cooldown: Option<i64>,
    pub scale_out_cooldown: Option<i64>,
    pub target_value: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScalingDescribed {
    pub table_auto_scaling_description: ScalingDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScalingDescription {
    pub table_name: String,
    pub table_status: &'static str,
    pub replicas: Vec<ReplicaScaling>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicaScaling {
    pub region_name: String,
    pub replica_status: &'static str,
    pub global_secondary_indexes: Vec<IndexScaling>,
    pub replica_provisioned_read_capacity_auto_scaling_settings: Settings,
    pub replica_provisioned_write_capacity_auto_scaling_settings: Settings,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IndexScaling {
    pub index_name: String,
    pub index_status: &'static str,
    pub provisioned_read_capacity_auto_scaling_settings: Settings,
    pub provisioned_write_capacity_auto_scaling_settings: Settings,
}

/// How one kind of capacity is scaled.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Settings {
    pub minimum_units: Option<i64>,
    pub maximum_units: Option<i64>,
    pub auto_scaling_disabled: Option<bool>,
    pub auto_scaling_role_arn: Option<String>,
    pub scaling_policies: Option<Vec<PolicyShape>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateGlobalSettings {
    pub global_table_name: String,
    pub global_table_billing_mode: Option<String>,
    pub global_table_provisioned_write_capacity_units: Option<i64>,
    pub global_table_provisioned_write_capacity_auto_scaling_settings_update: Option<SettingsUpdate>,
    pub global_table_global_secondary_index_settings_update: Vec<IndexWriteSettings>,
    pub replica_settings_update: Vec<ReplicaSettingsUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IndexWriteSettings {
    pub index_name: String,
    pub provisioned_write_capacity_units: Option<i64>,
    pub provisioned_write_capacity_auto_scaling_settings_update: Option<SettingsUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReplicaSettingsUpdate {
    pub region_name: String,
    pub replica_provisioned_read_capacity_units: Option<i64>,
    pub replica_provisioned_read_capacity_auto_scaling_settings_update: Option<SettingsUpdate>,
    pub replica_global_secondary_index_settings_update: Vec<IndexReadSettings>,
    pub replica_table_class: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IndexReadSettings {
    pub index_name: String,
    pub provisioned_read_capacity_units: Option<i64>,
    pub provisioned_read_capacity_auto_scaling_settings_update: Option<SettingsUpdate>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalSettings {
    pub global_table_name: String,
    pub replica_settings: Vec<ReplicaSettings>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicaSettings {
    pub region_name: String,
    pub replica_status: &'static str,
    pub replica_billing_mode_summary: Option<BillingModeSummary>,
    pub replica_provisioned_read_capacity_units: i64,
    pub replica_provisioned_write_capacity_units: i64,
    pub replica_provisioned_read_capacity_auto_scaling_settings: Settings,
    pub replica_provisioned_write_capacity_auto_scaling_settings: Settings,
    pub replica_global_secondary_index_settings: Option<Vec<IndexSettings>>,
    pub replica_table_class_summary: Option<TableClassSummary>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IndexSettings {
    #[serde(flatten)]
    pub scaling: IndexScaling,
    pub provisioned_read_capacity_units: i64,
    pub provisioned_write_capacity_units: i64,
}
