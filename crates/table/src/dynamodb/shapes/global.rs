//! Structures of operations on global tables.

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Replica {
    pub region_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MakeGlobal {
    pub global_table_name: String,
    pub replication_group: Vec<Replica>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OfGlobal {
    pub global_table_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalDescribed {
    pub global_table_description: GlobalDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalDescription {
    pub replication_group: Vec<ReplicaShown>,
    pub global_table_arn: String,
    pub creation_date_time: i64,
    pub global_table_status: &'static str,
    pub global_table_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicaShown {
    pub region_name: String,
    pub replica_status: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListGlobals {
    pub exclusive_start_global_table_name: Option<String>,
    pub limit: Option<usize>,
    pub region_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalList {
    pub global_tables: Vec<GlobalTable>,
    pub last_evaluated_global_table_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalTable {
    pub global_table_name: String,
    pub replication_group: Vec<Replica>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateGlobal {
    pub global_table_name: String,
    pub replica_updates: Vec<ReplicaUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReplicaUpdate {
    pub create: Option<Replica>,
    pub delete: Option<Replica>,
}
