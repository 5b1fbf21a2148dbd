//! The DynamoDB API: one line per operation. The only place that knows how tables look on the wire.

mod address;
mod backups;
mod batches;
mod describe;
mod destinations;
mod faults;
mod global;
mod insights;
mod items;
mod policies;
mod reading;
mod scaling;
mod searches;
mod settings;
mod shapes;
mod statements;
mod tables;
mod transactions;
mod transfers;

pub(crate) use shapes::tables::KeySchemaElement;

use crate::Tables;
use fogbank_wire::Service;
use std::sync::Arc;

/// DynamoDB's operations on `tables`, for the shape table `dynamodb`.
pub fn service(tables: Arc<Tables>) -> Service {
    let state = &tables;
    Service::new("dynamodb")
        .checksummed()
        .on_invalid(faults::invalid)
        .on_too_deep(faults::too_deep)
        .tolerates(faults::is_checked_later)
        .operation("CreateTable", state, tables::create)
        .operation("DescribeTable", state, tables::describe)
        .operation("UpdateTable", state, tables::update)
        .operation("DeleteTable", state, tables::delete)
        .operation("ListTables", state, tables::list)
        .operation("PutItem", state, items::put)
        .operation("GetItem", state, items::get)
        .operation("DeleteItem", state, items::delete)
        .operation("UpdateItem", state, items::update)
        .operation("BatchGetItem", state, batches::get)
        .operation("BatchWriteItem", state, batches::write)
        .operation("Query", state, searches::query)
        .operation("Scan", state, searches::scan)
        .operation("TransactGetItems", state, transactions::get)
        .operation("TransactWriteItems", state, transactions::write)
        .operation("ExecuteStatement", state, statements::execute)
        .operation("BatchExecuteStatement", state, statements::batch)
        .operation("ExecuteTransaction", state, statements::transaction)
        .operation("DescribeTimeToLive", state, settings::describe_expiry)
        .operation("UpdateTimeToLive", state, settings::update_expiry)
        .operation("TagResource", state, settings::tag)
        .operation("UntagResource", state, settings::untag)
        .operation("ListTagsOfResource", state, settings::list_tags)
        .operation("DescribeLimits", state, settings::limits)
        .operation("DescribeEndpoints", state, settings::endpoints)
        .operation("DescribeContinuousBackups", state, settings::describe_history)
        .operation("UpdateContinuousBackups", state, settings::update_history)
        .operation("CreateBackup", state, backups::create)
        .operation("DescribeBackup", state, backups::describe)
        .operation("ListBackups", state, backups::list)
        .operation("DeleteBackup", state, backups::delete)
        .operation("RestoreTableFromBackup", state, backups::restore)
        .operation("RestoreTableToPointInTime", state, backups::restore_past)
        .operation("ExportTableToPointInTime", state, transfers::export)
        .operation("DescribeExport", state, transfers::describe_export)
        .operation("ListExports", state, transfers::list_exports)
        .operation("ImportTable", state, transfers::import)
        .operation("DescribeImport", state, transfers::describe_import)
        .operation("ListImports", state, transfers::list_imports)
        .operation("CreateGlobalTable", state, global::create)
        .operation("DescribeGlobalTable", state, global::describe)
        .operation("ListGlobalTables", state, global::list)
        .operation("UpdateGlobalTable", state, global::update)
        .operation("DescribeGlobalTableSettings", state, scaling::describe_settings)
        .operation("UpdateGlobalTableSettings", state, scaling::update_settings)
        .operation("DescribeTableReplicaAutoScaling", state, scaling::describe)
        .operation("UpdateTableReplicaAutoScaling", state, scaling::update)
        .operation("PutResourcePolicy", state, policies::put)
        .operation("GetResourcePolicy", state, policies::get)
        .operation("DeleteResourcePolicy", state, policies::delete)
        .operation("EnableKinesisStreamingDestination", state, destinations::enable)
        .operation("DisableKinesisStreamingDestination", state, destinations::disable)
        .operation("UpdateKinesisStreamingDestination", state, destinations::update)
        .operation("DescribeKinesisStreamingDestination", state, destinations::describe)
        .operation("DescribeContributorInsights", state, insights::describe)
        .operation("UpdateContributorInsights", state, insights::update)
        .operation("ListContributorInsights", state, insights::list)
}
