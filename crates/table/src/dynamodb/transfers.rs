//! Handlers for exports and imports.

use super::shapes::transfers::{
    ExportDescribed, ExportDescription, ExportList, ExportSummary, ExportTable, ImportDescribed, ImportDescription,
    ImportList, ImportSummary, ImportTable, ListTransfers, OfExport, OfImport,
};
use super::shapes::unsupported::NO_VECTORS;
use super::{address, tables};
use crate::export::{Export, Order};
use crate::import::{Csv, Import, Source};
use crate::{Draft, Error, Tables};
use fogbank_model::{RequestContext, Timestamp};
use std::sync::Arc;

type State = Arc<Tables>;

/// Exports or imports that one page has at most.
const PAGE: usize = 25;
const JSON: &str = "DYNAMODB_JSON";
const WHOLE: &str = "exports are of whole tables";

pub(super) async fn export(
    state: State,
    context: RequestContext,
    input: ExportTable,
) -> Result<ExportDescribed, Error> {
    let table = address::resource(&context, &input.table_arn)?;
    if input.export_format.as_deref().is_some_and(|format| format != JSON) {
        return Err(Error::validation("ExportFormat ION is not supported: exports are in DYNAMODB_JSON"));
    }
    if input.export_type.as_deref() == Some("INCREMENTAL_EXPORT") {
        return Err(Error::validation(format!("ExportType INCREMENTAL_EXPORT is not supported: {WHOLE}")));
    }
    input.incremental_export_specification.refuse("IncrementalExportSpecification", WHOLE)?;
    input.filter_specification.refuse("FilterSpecification", WHOLE)?;
    let order = Order {
        at: input.export_time.map(Timestamp),
        token: input.client_token,
        bucket: input.bucket,
        owner: input.owner,
        prefix: input.prefix,
        encryption: input.encryption,
        encryption_key: input.encryption_key,
    };
    Ok(ExportDescribed { export_description: shown_export(state.begin_export(table, order).await?) })
}

fn export_status(export: &Export) -> &'static str {
    match (&export.ended, &export.failure) {
        (None, _) => "IN_PROGRESS",
        (Some(_), None) => "COMPLETED",
        (Some(_), Some(_)) => "FAILED",
    }
}

fn shown_export(export: Export) -> ExportDescription {
    let is_done = export.manifest.is_some();
    let (failure_code, failure_message) = export.failure.clone().unzip();
    ExportDescription {
        export_arn: export.arn(),
        export_status: export_status(&export),
        start_time: export.started.0,
        end_time: export.ended.map(|at| at.0),
        table_arn: export.table.arn().to_string(),
        table_id: export.table_id,
        export_time: export.at.0,
        client_token: export.order.token,
        bucket: export.order.bucket,
        owner: export.order.owner,
        prefix: export.order.prefix,
        encryption: export.order.encryption.unwrap_or_else(|| "AES256".into()),
        encryption_key: export.order.encryption_key,
        failure_code,
        failure_message,
        export_format: JSON,
        billed_size_bytes: is_done.then_some(export.bytes),
        item_count: is_done.then_some(export.items),
        export_type: "FULL_EXPORT",
        export_manifest: export.manifest,
    }
}

pub(super) async fn describe_export(
    state: State,
    context: RequestContext,
    input: OfExport,
) -> Result<ExportDescribed, Error> {
    let export = state.export(&input.export_arn)?;
    if export.table.account != context.account || export.table.region != context.region {
        return Err(Error::Other("ExportNotFoundException", format!("Export not found: {}", input.export_arn)));
    }
    Ok(ExportDescribed { export_description: shown_export(export) })
}

/// A page of `all`, in the order of `arn`, and where the next one begins.
fn page<T>(
    mut all: Vec<T>,
    asked: &ListTransfers,
    arn: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Error> {
    let limit = asked.max_results.or(asked.page_size).unwrap_or(PAGE).min(PAGE);
    let after = asked.next_token.as_deref().map(read_token).transpose()?;
    all.retain(|one| after.as_ref().is_none_or(|after| arn(one) > *after));
    all.sort_by_key(&arn);
    let is_more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| is_more).map(|last| token(&arn(last)));
    Ok((all, next))
}

/// The bytes of a token: the model has it in hexadecimal, in groups of eight bytes, seven of them at least.
pub(super) fn token(arn: &str) -> String {
    let length = arn.len().max(56).next_multiple_of(8);
    let bytes = arn.bytes().chain(std::iter::repeat(0)).take(length);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// What [`token`] wrote.
pub(super) fn read_token(token: &str) -> Result<String, Error> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = token.as_bytes().chunks(2).map(byte).collect();
    let arn = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let arn = arn.ok_or_else(|| Error::validation("Invalid NextToken"))?;
    Ok(arn.trim_end_matches('\0').to_owned())
}

pub(super) async fn list_exports(
    state: State,
    context: RequestContext,
    input: ListTransfers,
) -> Result<ExportList, Error> {
    let table = input.table_arn.as_deref().map(|arn| address::resource(&context, arn)).transpose()?;
    let mut all = state.exports(&context.account, &context.region)?;
    all.retain(|export| table.as_ref().is_none_or(|table| export.table == *table));
    let (found, next_token) = page(all, &input, Export::arn)?;
    let summary = |export: &Export| ExportSummary {
        export_arn: export.arn(),
        export_status: export_status(export),
        export_type: "FULL_EXPORT",
    };
    Ok(ExportList { export_summaries: found.iter().map(summary).collect(), next_token })
}

pub(super) async fn import(
    state: State,
    context: RequestContext,
    input: ImportTable,
) -> Result<ImportDescribed, Error> {
    let parameters = input.table_creation_parameters.clone();
    let key = address::table(&context, &parameters.table_name)?;
    let source = source(&input)?;
    parameters.vector_indexes.refuse("VectorIndexes", NO_VECTORS)?;
    let draft = Draft {
        attributes: parameters.attribute_definitions.into_iter().map(tables::definition).collect(),
        keys: parameters.key_schema.into_iter().map(|one| (one.attribute_name, one.key_type)).collect(),
        global: parameters.global_secondary_indexes.map(|all| all.into_iter().map(Into::into).collect()),
        billing: parameters.billing_mode,
        throughput: parameters.provisioned_throughput.map(Into::into),
        on_demand: parameters.on_demand_throughput.map(Into::into),
        encryption: parameters.encryption.map(|given| tables::encryption(&context, given)).transpose()?.flatten(),
        ..Draft::default()
    };
    let asked = serde_json::to_string(&input).map_err(|error| Error::Store(error.to_string()))?;
    let import = state.begin_import(key, draft, source, asked, input.client_token).await?;
    Ok(ImportDescribed { import_table_description: shown_import(&state, &import)? })
}

fn source(input: &ImportTable) -> Result<Source, Error> {
    let options = input.input_format_options.as_ref().and_then(|options| options.csv.clone());
    let csv = match (input.input_format.as_str(), options) {
        ("CSV", options) => {
            let options = options.unwrap_or_default();
            let delimiter = options.delimiter.as_deref().and_then(|text| text.bytes().next()).unwrap_or(b',');
            Some(Csv { delimiter, names: options.header_list })
        }
        (JSON, None) => None,
        (JSON, Some(_)) => {
            return Err(Error::validation("InputFormatOptions can only be specified for InputFormat CSV"));
        }
        (other, _) => {
            return Err(Error::validation(format!(
                "InputFormat {other} is not supported: imports are of DYNAMODB_JSON or CSV"
            )));
        }
    };
    let is_compressed = match input.input_compression_type.as_deref() {
        None | Some("NONE") => false,
        Some("GZIP") => true,
        Some(other) => {
            return Err(Error::validation(format!(
                "InputCompressionType {other} is not supported: imports are of GZIP or NONE"
            )));
        }
    };
    let prefix = input.source.prefix.clone().unwrap_or_default();
    Ok(Source { bucket: input.source.bucket.clone(), prefix, csv, is_compressed })
}

fn shown_import(state: &Tables, import: &Import) -> Result<ImportDescription, Error> {
    let asked: ImportTable = serde_json::from_str(&import.asked).map_err(|error| Error::Store(error.to_string()))?;
    let (failure_code, failure_message) = import.failure.clone().unzip();
    let counts = import.counts;
    Ok(ImportDescription {
        asked,
        import_arn: import.arn(),
        import_status: state.import_status(import)?,
        table_arn: import.table.arn().to_string(),
        table_id: import.table_id.clone(),
        error_count: counts.errors,
        start_time: import.started.0,
        end_time: import.ended.map(|at| at.0),
        processed_size_bytes: counts.bytes,
        processed_item_count: counts.processed,
        imported_item_count: counts.imported,
        failure_code,
        failure_message,
    })
}

pub(super) async fn describe_import(
    state: State,
    context: RequestContext,
    input: OfImport,
) -> Result<ImportDescribed, Error> {
    let import = state.import(&input.import_arn)?;
    if import.table.account != context.account || import.table.region != context.region {
        return Err(Error::Other("ImportNotFoundException", format!("Import not found: {}", input.import_arn)));
    }
    Ok(ImportDescribed { import_table_description: shown_import(&state, &import)? })
}

pub(super) async fn list_imports(
    state: State,
    context: RequestContext,
    input: ListTransfers,
) -> Result<ImportList, Error> {
    let table = input.table_arn.as_deref().map(|arn| address::resource(&context, arn)).transpose()?;
    let mut all = state.imports(&context.account, &context.region)?;
    all.retain(|import| table.as_ref().is_none_or(|table| import.table == *table));
    let (found, next_token) = page(all, &input, Import::arn)?;
    let summary = |import: &Import| -> Result<ImportSummary, Error> {
        let shown = shown_import(&state, import)?;
        Ok(ImportSummary {
            import_arn: shown.import_arn,
            import_status: shown.import_status,
            table_arn: shown.table_arn,
            source: shown.asked.source,
            input_format: shown.asked.input_format,
            start_time: shown.start_time,
            end_time: shown.end_time,
        })
    };
    let summaries: Result<Vec<_>, Error> = found.iter().map(summary).collect();
    Ok(ImportList { import_summary_list: summaries?, next_token })
}
