//! Handlers for exports and imports.

use super::shapes::transfers::{
    ExportDescribed, ExportDescription, ExportList, ExportSummary, ExportTable, FilterSpecification, ImportDescribed,
    ImportDescription, ImportList, ImportSummary, ImportTable, IncrementalExport, ListTransfers, OfExport, OfImport,
    ShownFilter,
};
use super::shapes::unsupported::NO_VECTORS;
use super::{address, reading, searches, tables};
use crate::export::{Export, FilterText, Format, Images, Order, Period};
use crate::import::{self, Compression, Csv, Import, Source};
use crate::schema::TableKey;
use crate::value::json;
use crate::{Draft, Error, Tables, query};
use fogbank_model::{RequestContext, Timestamp};
use std::sync::Arc;

type State = Arc<Tables>;

/// Exports or imports that one page has, unless it is said.
const PAGE: usize = 10;
const ION: &str = "ION";
const CSV: &str = "CSV";

pub(super) async fn export(
    state: State,
    context: RequestContext,
    mut input: ExportTable,
) -> Result<ExportDescribed, Error> {
    let table = exported(&context, &input.table_arn)?;
    if input.encryption_key.is_some() && input.encryption.as_deref() != Some("KMS") {
        return Err(Error::request("KMS Key Id is not supported for this encryption type"));
    }
    let period = period(&input)?;
    let filter = input.filter_specification.take();
    let filter = filter.map(|given| filter_of(&state, &table, given, period.is_some())).transpose()?;
    let order = Order {
        at: input.export_time.map(Timestamp),
        period,
        filter,
        format: if input.export_format.as_deref() == Some(ION) { Format::Ion } else { Format::Json },
        token: input.client_token,
        bucket: input.bucket,
        owner: input.owner,
        prefix: input.prefix,
        encryption: input.encryption,
        encryption_key: input.encryption_key,
    };
    let begun = state.begin_export(table, order).await.map_err(|error| match error {
        Error::NoTable(_) => Error::NoTable(format!("Table not found: {}", input.table_arn)),
        other => other,
    })?;
    Ok(ExportDescribed { export_description: shown_export(begun) })
}

/// The table that is to be exported.
fn exported(context: &RequestContext, arn: &str) -> Result<TableKey, Error> {
    if arn.is_empty() {
        return Err(Error::validation("Invalid TableArn: Invalid Table ARN"));
    }
    let key = TableKey::of(arn).ok_or_else(|| Error::parameter("tableArn is not a valid ARN"))?;
    if *key.arn().as_str() != *arn {
        return Err(Error::request("Table ARN is invalid."));
    }
    match address::own(context, key)? {
        here if here.region == context.region => Ok(here),
        _ => Err(Error::NoTable(format!("Table not found: {arn}"))),
    }
}

/// The time whose changes are to be exported, if it is an incremental export.
fn period(input: &ExportTable) -> Result<Option<Period>, Error> {
    match (input.export_type.as_deref(), &input.incremental_export_specification) {
        (None | Some("FULL_EXPORT"), None) => Ok(None),
        (None, Some(_)) => Err(Error::request(
            "Export Type expected to be Incremental Export when incremental export specification is provided",
        )),
        (Some("FULL_EXPORT"), Some(_)) => Err(Error::request(
            "When Export Type is Full Export , Incremental Export Specification should not be provided",
        )),
        (Some(_), None) => Err(Error::request(
            "Incremental Export Specification expected when export type is set as Incremental Export",
        )),
        (Some(_), Some(given)) => {
            let missing = || Error::request("ExportFromTime must be provided in IncrementalExportSpecification");
            let from = given.export_from_time.ok_or_else(missing)?;
            let images = match given.export_view_type.as_deref() {
                Some("NEW_IMAGE") => Images::New,
                _ => Images::NewAndOld,
            };
            Ok(Some(Period { from: Timestamp(from), to: given.export_to_time.map(Timestamp), images }))
        }
    }
}

/// The filter of an export, if its expressions can be read and can be asked of the table.
fn filter_of(
    state: &Tables,
    table: &TableKey,
    given: FilterSpecification,
    is_incremental: bool,
) -> Result<FilterText, Error> {
    let wrong = |error: Error| match error {
        Error::Validation(why) => Error::request(format!("Invalid FilterSpecification: {why}")),
        other => other,
    };
    let FilterSpecification { filter_expression, projection_expression, key_condition_expression, .. } = given;
    let expressions = [&filter_expression, &projection_expression, &key_condition_expression];
    if expressions.into_iter().all(Option::is_none) {
        return Err(wrong(Error::validation("The specification can not be empty")));
    }
    if is_incremental {
        return Err(Error::validation("FilterSpecification is not supported: incremental exports are of all items"));
    }
    let values = given.expression_attribute_values.map(reading::item).transpose().map_err(wrong)?;
    let text = FilterText {
        keys: key_condition_expression,
        condition: filter_expression,
        projection: projection_expression,
        names: given.expression_attribute_names,
        values: values.as_ref().map(json::item),
    };
    let filter = text.read().map_err(wrong)?;
    // A table that is not there is told of by whoever begins the export.
    if let (Some(keys), Ok(table)) = (&filter.keys, state.describe(table)) {
        query::check_condition(None, &table.keys, keys).map_err(wrong)?;
        searches::check_filter("Filter Expression", filter.condition.as_ref(), &table.keys).map_err(wrong)?;
    }
    Ok(text)
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
    let billed = export.billed();
    let filter = export.order.filter.as_ref().map(|filter| ShownFilter {
        filter_expression: filter.condition.clone(),
        projection_expression: filter.projection.clone(),
        key_condition_expression: filter.keys.clone(),
        expression_attribute_names: filter.names.clone(),
        expression_attribute_values: filter.values(),
    });
    let period = export.order.period.as_ref();
    ExportDescription {
        export_arn: export.arn(),
        export_status: export_status(&export),
        start_time: export.started.0,
        end_time: export.ended.map(|at| at.0),
        table_arn: export.table.arn().to_string(),
        table_id: export.table_id,
        export_time: period.is_none().then_some(export.at.0),
        export_type: period.is_some().then_some("INCREMENTAL_EXPORT"),
        incremental_export_specification: period.map(|period| IncrementalExport {
            export_from_time: Some(period.from.0),
            export_to_time: Some(export.at.0),
            export_view_type: Some(period.images.name().to_owned()),
        }),
        client_token: export.order.token,
        bucket: export.order.bucket,
        owner: export.order.owner,
        prefix: export.order.prefix,
        encryption: export.order.encryption.unwrap_or_else(|| "AES256".into()),
        encryption_key: export.order.encryption_key,
        failure_code,
        failure_message,
        export_format: export.order.format.name(),
        filter_specification: filter,
        billed_size_bytes: is_done.then_some(billed),
        item_count: is_done.then_some(export.items),
        export_manifest: export.manifest,
    }
}

pub(super) async fn describe_export(
    state: State,
    context: RequestContext,
    input: OfExport,
) -> Result<ExportDescribed, Error> {
    let arn = &input.export_arn;
    let missing = |why: &str| Error::Other("ExportNotFoundException", format!("Export not found: {why}"));
    let table = transferred(arn, "/export/").ok_or_else(|| Error::validation("Invalid Export ARN"))?;
    if address::own(&context, table)?.region != context.region {
        return Err(missing("Invalid export arn"));
    }
    let export = state.export(arn)?.ok_or_else(|| missing(&format!("Export not found: {arn}")))?;
    Ok(ExportDescribed { export_description: shown_export(export) })
}

/// The table of the export or the import that `arn` names.
fn transferred(arn: &str, kind: &str) -> Option<TableKey> {
    TableKey::of(arn).filter(|_| arn.split_once(kind).is_some_and(|(_, id)| !id.is_empty()))
}

/// A page of `all`, the newest first, and where the next one begins. `kind` is what their ARNs say between the table and the id.
fn page<T>(
    mut all: Vec<T>,
    asked: &ListTransfers,
    kind: &str,
    arn: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Error> {
    // An id begins with the time.
    let place = |arn: &str| arn.split_once(kind).map(|(table, id)| (id.to_owned(), table.to_owned()));
    let after = asked.next_token.as_deref().map(|token| {
        let read = read_token(token).ok().and_then(|arn| place(&arn));
        read.ok_or_else(|| Error::request(format!("Provided nextToken is invalid: {token}")))
    });
    let after = after.transpose()?;
    let limit = asked.max_results.or(asked.page_size).unwrap_or(PAGE);
    all.retain(|one| after.as_ref().is_none_or(|after| place(&arn(one)).is_some_and(|place| place < *after)));
    all.sort_by_cached_key(|one| std::cmp::Reverse(place(&arn(one))));
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
    let mut all = state.exports(&context.account, &context.region)?;
    if let Some(arn) = input.table_arn.as_deref() {
        let key = exported(&context, arn)?;
        // Those of a table of the same name that was deleted are only found by their own ARNs.
        let table = state.describe(&key).ok();
        all.retain(|one| one.table == key && table.as_ref().is_some_and(|table| table.id == one.table_id));
    }
    let (found, next_token) = page(all, &input, "/export/", Export::arn)?;
    let summary = |export: &Export| ExportSummary {
        export_arn: export.arn(),
        export_status: export_status(export),
        export_type: if export.order.period.is_some() { "INCREMENTAL_EXPORT" } else { "FULL_EXPORT" },
    };
    Ok(ExportList { export_summaries: found.iter().map(summary).collect(), next_token })
}

pub(super) async fn import(
    state: State,
    context: RequestContext,
    mut input: ImportTable,
) -> Result<ImportDescribed, Error> {
    let parameters = input.table_creation_parameters.clone();
    let key = address::table(&context, &parameters.table_name)?;
    let source = source(&input)?;
    parameters.vector_indexes.refuse("VectorIndexes", NO_VECTORS)?;
    input.source.owner.get_or_insert_with(|| context.account.to_string());
    input.input_compression_type.get_or_insert_with(|| "NONE".into());
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
    let format = match (input.input_format.as_str(), options) {
        (CSV, options) => {
            let options = options.unwrap_or_default();
            let delimiter = options.delimiter.as_deref().and_then(|text| text.bytes().next()).unwrap_or(b',');
            import::Format::Csv(Csv { delimiter, names: options.header_list })
        }
        (other, Some(_)) => {
            return Err(Error::request(format!("Unsupported InputFormatOptions for the given input format: {other}.")));
        }
        (ION, None) => import::Format::Ion,
        (_, None) => import::Format::Json,
    };
    let compression = match input.input_compression_type.as_deref() {
        Some("GZIP") => Compression::Gzip,
        Some("ZSTD") => Compression::Zstandard,
        _ => Compression::None,
    };
    let prefix = input.source.prefix.clone().unwrap_or_default();
    let (bucket, owner) = (input.source.bucket.clone(), input.source.owner.clone());
    Ok(Source { bucket, owner, prefix, format, compression })
}

fn shown_import(state: &Tables, import: &Import) -> Result<ImportDescription, Error> {
    let asked: ImportTable = serde_json::from_str(&import.asked).map_err(|error| Error::Store(error.to_string()))?;
    let (failure_code, failure_message) = state.import_failure(import)?.unzip();
    let counts = import.counts;
    Ok(ImportDescription {
        asked,
        import_arn: import.arn(),
        log_group: import.log_group(),
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
    let arn = &input.import_arn;
    let missing = || Error::Other("ImportNotFoundException", format!("Import not found: {arn}"));
    let table = transferred(arn, "/import/").ok_or_else(|| Error::validation("Invalid Import ARN"))?;
    if address::own(&context, table)?.region != context.region {
        return Err(missing());
    }
    let import = state.import(arn)?.ok_or_else(missing)?;
    Ok(ImportDescribed { import_table_description: shown_import(&state, &import)? })
}

pub(super) async fn list_imports(
    state: State,
    context: RequestContext,
    input: ListTransfers,
) -> Result<ImportList, Error> {
    let table = input.table_arn.as_deref().map(|arn| exported(&context, arn)).transpose()?;
    let mut all = state.imports(&context.account, &context.region)?;
    all.retain(|import| table.as_ref().is_none_or(|table| import.table == *table));
    let (found, next_token) = page(all, &input, "/import/", Import::arn)?;
    let summary = |import: &Import| -> Result<ImportSummary, Error> {
        let shown = shown_import(&state, import)?;
        Ok(ImportSummary {
            import_arn: shown.import_arn,
            log_group: shown.log_group,
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
