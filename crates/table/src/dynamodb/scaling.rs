//! Handlers for how capacity is scaled, and for global tables' settings, which have it in them.
//!
//! A table is its own only replica. What is set is kept and shown; nothing is scaled, because capacity is not enforced.

use super::address;
use super::describe::{billing_mode, class, index_status};
use super::global::{find, no_global, no_replica};
use super::shapes::global::OfGlobal;
use super::shapes::scaling::{
    GlobalSettings, IndexScaling, IndexSettings, PolicyShape, ReplicaScaling, ReplicaSettings, ScalingDescribed,
    ScalingDescription, Settings, SettingsUpdate, TargetTracking, UpdateGlobalSettings, UpdateScaling,
};
use super::shapes::tables::OfTable;
use crate::scaling::{self, AutoScaling, Kind, Policy, ScalingChange};
use crate::schema::{Index, IndexKind, Table, TableKey, Throughput};
use crate::update::{IndexCapacity, apply};
use crate::{Error, IndexWish, Tables, Wish};
use fogbank_model::RequestContext;
use fogbank_store::Tx;
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Tables>;

impl SettingsUpdate {
    fn change(self, index: Option<&str>, kind: Kind) -> ScalingChange {
        ScalingChange {
            index: index.map(str::to_owned),
            kind,
            is_off: self.auto_scaling_disabled,
            least: self.minimum_units,
            most: self.maximum_units,
            role: self.auto_scaling_role_arn,
            policy: self.scaling_policy_update.map(policy),
        }
    }
}

fn policy(given: PolicyShape) -> Policy {
    let tracking = given.target_tracking_scaling_policy_configuration;
    Policy {
        name: given.policy_name,
        target: tracking.target_value,
        scale_in_s: tracking.scale_in_cooldown,
        scale_out_s: tracking.scale_out_cooldown,
        is_growing_only: tracking.disable_scale_in,
    }
}

/// What a request says of scaling, in the order in which it says it.
#[derive(Default)]
struct Changes(Vec<ScalingChange>);

impl Changes {
    fn add(&mut self, index: Option<&str>, kind: Kind, update: Option<SettingsUpdate>) {
        self.0.extend(update.map(|update| update.change(index, kind)));
    }

    fn apply(&self, table: &mut Table, missing: fn(&str) -> Error) -> Result<(), Error> {
        for change in &self.0 {
            if let Some(name) = change.index.as_deref() {
                table.global_index(name).ok_or_else(|| missing(name))?;
            }
            scaling::change(table, change)?;
        }
        Ok(())
    }
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: UpdateScaling,
) -> Result<ScalingDescribed, Error> {
    let key = address::table(&context, &input.table_name)?;
    let mut changes = Changes::default();
    changes.add(None, Kind::Write, input.provisioned_write_capacity_auto_scaling_update);
    for index in input.global_secondary_index_updates {
        changes.add(Some(&index.index_name), Kind::Write, index.provisioned_write_capacity_auto_scaling_update);
    }
    for replica in input.replica_updates {
        if replica.region_name != key.region.as_str() {
            return Err(Error::NotFound(format!(
                "Requested resource not found: Replica in region {} of table {}",
                replica.region_name, key.name
            )));
        }
        changes.add(None, Kind::Read, replica.replica_provisioned_read_capacity_auto_scaling_update);
        for index in replica.replica_global_secondary_index_updates {
            changes.add(Some(&index.index_name), Kind::Read, index.provisioned_read_capacity_auto_scaling_update);
        }
    }
    let missing = |name: &str| Error::NotFound(format!("Requested resource not found: Index: {name} not found"));
    let change = move |_: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        changes.apply(table, missing)?;
        Ok(description(key, table))
    };
    Ok(ScalingDescribed { table_auto_scaling_description: state.alter(key, change).await? })
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfTable) -> Result<ScalingDescribed, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.describe(&key)?;
    Ok(ScalingDescribed { table_auto_scaling_description: description(&key, &table) })
}

fn description(key: &TableKey, table: &Table) -> ScalingDescription {
    let replica = ReplicaScaling {
        region_name: key.region.to_string(),
        replica_status: "ACTIVE",
        global_secondary_indexes: table
            .indexes_of(IndexKind::Global)
            .map(|index| index_scaling(key, table, index))
            .collect(),
        replica_provisioned_read_capacity_auto_scaling_settings: settings(key, table, None, Kind::Read),
        replica_provisioned_write_capacity_auto_scaling_settings: settings(key, table, None, Kind::Write),
    };
    ScalingDescription { table_name: key.name.clone(), table_status: "ACTIVE", replicas: vec![replica] }
}

fn index_scaling(key: &TableKey, table: &Table, index: &Index) -> IndexScaling {
    IndexScaling {
        index_name: index.name.clone(),
        index_status: index_status(index),
        provisioned_read_capacity_auto_scaling_settings: settings(key, table, Some(&index.name), Kind::Read),
        provisioned_write_capacity_auto_scaling_settings: settings(key, table, Some(&index.name), Kind::Write),
    }
}

/// How one kind of capacity is scaled, of the table or of an index.
fn settings(key: &TableKey, table: &Table, index: Option<&str>, kind: Kind) -> Settings {
    let kept = table.scaling.get(index.unwrap_or_default()).and_then(|scaling| match kind {
        Kind::Read => scaling.read.as_ref(),
        Kind::Write => scaling.write.as_ref(),
    });
    let Some(AutoScaling { least, most, role, policy }) = kept.cloned() else {
        return Settings { auto_scaling_disabled: Some(true), ..Settings::default() };
    };
    let shown = |policy: Policy| PolicyShape {
        policy_name: Some(policy.name.unwrap_or_else(|| policy_name(key, index, kind))),
        target_tracking_scaling_policy_configuration: TargetTracking {
            disable_scale_in: policy.is_growing_only,
            scale_in_cooldown: policy.scale_in_s,
            scale_out_cooldown: policy.scale_out_s,
            target_value: policy.target,
        },
    };
    Settings {
        minimum_units: Some(least),
        maximum_units: Some(most),
        auto_scaling_disabled: Some(false),
        auto_scaling_role_arn: Some(role.unwrap_or_else(|| service_role(key))),
        scaling_policies: Some(policy.into_iter().map(shown).collect()),
    }
}

/// What AWS calls a policy that was given no name.
fn policy_name(key: &TableKey, index: Option<&str>, kind: Kind) -> String {
    let capacity = if kind == Kind::Read { "Read" } else { "Write" };
    let below = index.map(|index| format!("/index/{index}")).unwrap_or_default();
    format!("DynamoDB{capacity}CapacityUtilization:table/{}{below}", key.name)
}

/// The role that scales where none is named.
fn service_role(key: &TableKey) -> String {
    format!(
        "arn:aws:iam::{}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
        key.account
    )
}

/// The capacity units that a request sets; what is absent stays.
#[derive(Default, Clone, Copy)]
struct Units {
    read: Option<i64>,
    write: Option<i64>,
}

impl Units {
    /// What is to change of `now`.
    fn wish(self, now: Throughput) -> Option<Throughput> {
        let wanted = Throughput { read: self.read.unwrap_or(now.read), write: self.write.unwrap_or(now.write) };
        Some(wanted).filter(|wanted| *wanted != now)
    }
}

/// What a request says of a global table's capacity and class.
#[derive(Default)]
struct Asked {
    billing: Option<String>,
    class: Option<String>,
    units: Units,
    indexes: BTreeMap<String, Units>,
}

impl Asked {
    /// The same as what `UpdateTable` does.
    fn wish(&self, table: &Table) -> Result<Wish, Error> {
        let mut indexes = Vec::new();
        for (name, units) in &self.indexes {
            let index = table.global_index(name).ok_or_else(|| no_index(name))?;
            if let Some(throughput) = units.wish(index.throughput) {
                let capacity = IndexCapacity { throughput: Some(throughput), ..IndexCapacity::default() };
                indexes.push(IndexWish::Update(name.clone(), capacity));
            }
        }
        Ok(Wish {
            billing: self.billing.clone(),
            throughput: self.units.wish(table.throughput),
            class: self.class.clone(),
            indexes,
            ..Wish::default()
        })
    }
}

fn no_index(name: &str) -> Error {
    Error::Other("IndexNotFoundException", format!("Index not found: {name}"))
}

pub(super) async fn update_settings(
    state: State,
    context: RequestContext,
    input: UpdateGlobalSettings,
) -> Result<GlobalSettings, Error> {
    let (key, _) = find(&state, &context, &input.global_table_name)?;
    let mut asked = Asked { billing: input.global_table_billing_mode, ..Asked::default() };
    let mut changes = Changes::default();
    asked.units.write = input.global_table_provisioned_write_capacity_units;
    changes.add(None, Kind::Write, input.global_table_provisioned_write_capacity_auto_scaling_settings_update);
    for index in input.global_table_global_secondary_index_settings_update {
        let name = index.index_name;
        changes.add(Some(&name), Kind::Write, index.provisioned_write_capacity_auto_scaling_settings_update);
        asked.indexes.entry(name).or_default().write = index.provisioned_write_capacity_units;
    }
    for replica in input.replica_settings_update {
        if replica.region_name != key.region.as_str() {
            return Err(no_replica(&replica.region_name, &key.name));
        }
        asked.units.read = replica.replica_provisioned_read_capacity_units;
        asked.class = replica.replica_table_class;
        changes.add(None, Kind::Read, replica.replica_provisioned_read_capacity_auto_scaling_settings_update);
        for index in replica.replica_global_secondary_index_settings_update {
            let name = index.index_name;
            changes.add(Some(&name), Kind::Read, index.provisioned_read_capacity_auto_scaling_settings_update);
            asked.indexes.entry(name).or_default().read = index.provisioned_read_capacity_units;
        }
    }
    let change = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        if table.global_since.is_none() {
            return Err(no_global(&key.name));
        }
        let wish = asked.wish(table)?;
        if !wish.is_empty() {
            apply(tx, key, table, &wish)?;
        }
        changes.apply(table, no_index)?;
        Ok(global_settings(key, table))
    };
    state.alter(key, change).await
}

pub(super) async fn describe_settings(
    state: State,
    context: RequestContext,
    input: OfGlobal,
) -> Result<GlobalSettings, Error> {
    let (key, table) = find(&state, &context, &input.global_table_name)?;
    Ok(global_settings(&key, &table))
}

fn global_settings(key: &TableKey, table: &Table) -> GlobalSettings {
    let index = |index: &Index| IndexSettings {
        scaling: index_scaling(key, table, index),
        provisioned_read_capacity_units: index.throughput.read,
        provisioned_write_capacity_units: index.throughput.write,
    };
    let indexes: Vec<_> = table.indexes_of(IndexKind::Global).map(index).collect();
    let replica = ReplicaSettings {
        region_name: key.region.to_string(),
        replica_status: "ACTIVE",
        replica_billing_mode_summary: billing_mode(table, false),
        replica_provisioned_read_capacity_units: table.throughput.read,
        replica_provisioned_write_capacity_units: table.throughput.write,
        replica_provisioned_read_capacity_auto_scaling_settings: settings(key, table, None, Kind::Read),
        replica_provisioned_write_capacity_auto_scaling_settings: settings(key, table, None, Kind::Write),
        replica_global_secondary_index_settings: (!indexes.is_empty()).then_some(indexes),
        replica_table_class_summary: class(table),
    };
    GlobalSettings { global_table_name: key.name.clone(), replica_settings: vec![replica] }
}
