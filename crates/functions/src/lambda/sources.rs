//! Handlers for event source mappings.

use super::functions::{named, reachable};
use super::shapes::{
    Destination, FailureDestination, Filter, FilterCriteria, ListMappings, ListMappingsOutput, MappingInput,
    MappingOutput, ScalingConfig, StreamMembers,
};
use crate::list::PageRequest;
use crate::model::{FunctionKey, Scope};
use crate::sources::{Mapping, MappingChange, Sources, Start, StreamKind, StreamSettings, StreamWish, Wish, calls};
use crate::{Error, Functions};
use fogbank_model::{Arn, RequestContext, Timestamp};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

const REPORTS_ITEMS: &str = "ReportBatchItemFailures";

fn scope(context: &RequestContext) -> Scope {
    Scope { account: context.account.clone(), region: context.region.clone() }
}

/// What the request wishes of a mapping of `source`, or an error that names what cannot be done.
fn wish(input: &MappingInput, source: &Arn) -> Result<Wish, Error> {
    for (is_asked, what) in [
        (input.self_managed_event_source.is_some(), "SelfManagedEventSource"),
        (input.provisioned_poller_config.is_some(), "ProvisionedPollerConfig"),
        (input.kms_key_arn.is_some(), "KMSKeyArn"),
        (input.metrics_config.is_some(), "MetricsConfig"),
        (input.logging_config.is_some(), "LoggingConfig"),
    ] {
        if is_asked {
            return Err(Error::unsupported(what));
        }
    }
    let pattern = |filter: &Filter| filter.pattern.clone().unwrap_or_default();
    let patterns = |criteria: &FilterCriteria| criteria.filters.iter().map(pattern).collect();
    Ok(Wish {
        enabled: input.enabled,
        batch: input.batch_size,
        window_s: input.maximum_batching_window_in_seconds,
        filters: input.filter_criteria.as_ref().map(patterns),
        reports_items: input.function_response_types.as_ref().map(|types| types.iter().any(|one| one == REPORTS_ITEMS)),
        concurrency: input.scaling_config.map(|scaling| scaling.maximum_concurrency),
        tags: input.tags.clone(),
        stream: stream_wish(input, source)?,
    })
}

/// What only streams, or only queues, may be asked for.
fn stream_wish(input: &MappingInput, source: &Arn) -> Result<StreamWish, Error> {
    let kind = StreamKind::of(source);
    let name = match kind {
        None => "SQS",
        Some(StreamKind::Kinesis) => "Kinesis",
        Some(StreamKind::DynamoDb) => "DynamoDB",
    };
    let end = |end: &Option<Destination>| end.as_ref().map(|end| end.destination.clone().unwrap_or_default());
    let on_failure = input.destination_config.as_ref().and_then(|config| end(&config.on_failure));
    let on_success = input.destination_config.as_ref().and_then(|config| end(&config.on_success));
    let is_named = |target: &Option<String>| target.as_ref().is_some_and(|target| !target.is_empty());
    let is_queue = kind.is_none();
    for (is_refused, what) in [
        (is_queue && input.parallelization_factor.is_some(), "ParallelizationFactor"),
        (is_queue && input.starting_position.is_some(), "StartingPosition"),
        (is_queue && input.starting_position_timestamp.is_some(), "StartingPositionTimestamp"),
        (is_queue && input.bisect_batch_on_function_error.is_some(), "BisectBatchOnFunctionError"),
        (is_queue && input.maximum_record_age_in_seconds.is_some(), "MaximumRecordAgeInSeconds"),
        (is_queue && input.maximum_retry_attempts.is_some(), "MaximumRetryAttempts"),
        (is_queue && input.tumbling_window_in_seconds.is_some(), "TumblingWindowInSeconds"),
        (is_queue && is_named(&on_failure), "DestinationConfig"),
        (is_named(&on_success), "DestinationConfig"),
        (!is_queue && input.scaling_config.is_some(), "ScalingConfig"),
        (input.topics.is_some(), "Topics"),
        (input.queues.is_some(), "Queues"),
        (input.source_access_configurations.is_some(), "SourceAccessConfigurations"),
        (input.amazon_managed_kafka_event_source_config.is_some(), "AmazonManagedKafkaEventSourceConfig"),
        (input.self_managed_kafka_event_source_config.is_some(), "SelfManagedKafkaEventSourceConfig"),
        (input.document_db_event_source_config.is_some(), "DocumentDBEventSourceConfig"),
    ] {
        if is_refused {
            let text = format!("{what} is not a valid parameter for {name} event source mappings.");
            return Err(Error::invalid(text));
        }
    }
    Ok(StreamWish {
        start: start(input, kind)?,
        parallel: input.parallelization_factor,
        bisects: input.bisect_batch_on_function_error,
        retries: input.maximum_retry_attempts,
        age_s: input.maximum_record_age_in_seconds,
        tumbling_s: input.tumbling_window_in_seconds,
        on_failure,
    })
}

/// Where a stream's mapping is to begin.
fn start(input: &MappingInput, kind: Option<StreamKind>) -> Result<Option<Start>, Error> {
    let at = input.starting_position_timestamp.map(|at| Start::At(Timestamp(at)));
    match input.starting_position.as_deref() {
        Some("AT_TIMESTAMP") if kind == Some(StreamKind::DynamoDb) => {
            Err(Error::invalid("Unsupported starting position for arn type: AT_TIMESTAMP is for Kinesis streams only."))
        }
        Some("AT_TIMESTAMP") => at.map(Some).ok_or_else(|| Error::invalid("Need to specify a timestamp")),
        _ if at.is_some() => {
            Err(Error::invalid("StartingPositionTimestamp is only allowed if StartingPosition is AT_TIMESTAMP"))
        }
        Some("LATEST") => Ok(Some(Start::Latest)),
        Some(_) => Ok(Some(Start::TrimHorizon)),
        None => Ok(None),
    }
}

fn shown(state: &Functions, mapping: &Mapping, status: &'static str) -> MappingOutput {
    let filters = || mapping.filters.iter().map(|text| Filter { pattern: Some(text.clone()) }).collect();
    let result = state.sources().result(mapping);
    MappingOutput {
        uuid: mapping.id.clone(),
        event_source_mapping_arn: mapping.arn().to_string(),
        event_source_arn: mapping.source.to_string(),
        function_arn: mapping.function_arn().to_string(),
        stream: mapping.stream.as_ref().map(shown_stream),
        batch_size: mapping.batch,
        maximum_batching_window_in_seconds: mapping.window_s,
        filter_criteria: (!mapping.filters.is_empty()).then(|| FilterCriteria { filters: filters() }),
        function_response_types: if mapping.reports_items { vec![REPORTS_ITEMS] } else { Vec::new() },
        scaling_config: mapping.concurrency.map(|most| ScalingConfig { maximum_concurrency: Some(most) }),
        last_modified: mapping.modified.0,
        last_processing_result: match &mapping.stream {
            Some(_) => Some(result.unwrap_or_else(|| "No records processed".into())),
            None => result,
        },
        state: status,
        state_transition_reason: if mapping.stream.is_some() { "User action" } else { "USER_INITIATED" },
    }
}

fn shown_stream(stream: &StreamSettings) -> StreamMembers {
    let (starting_position, starting_position_timestamp) = match stream.start {
        Start::TrimHorizon => ("TRIM_HORIZON", None),
        Start::Latest => ("LATEST", None),
        Start::At(at) => ("AT_TIMESTAMP", Some(at.0)),
    };
    StreamMembers {
        starting_position,
        starting_position_timestamp,
        parallelization_factor: stream.parallel,
        bisect_batch_on_function_error: stream.bisects,
        maximum_retry_attempts: stream.retries.map_or(-1, i64::from),
        maximum_record_age_in_seconds: stream.age_s.map_or(-1, i64::from),
        tumbling_window_in_seconds: stream.tumbling_s,
        destination_config: FailureDestination {
            on_failure: Destination { destination: stream.on_failure.as_ref().map(ToString::to_string) },
        },
    }
}

fn standing(mapping: &Mapping) -> &'static str {
    if mapping.enabled { "Enabled" } else { "Disabled" }
}

pub(super) async fn create(state: State, context: RequestContext, input: MappingInput) -> Result<MappingOutput, Fault> {
    let source = input.event_source_arn.as_deref().filter(|arn| !arn.is_empty());
    let source: Arn = source
        .and_then(|arn| arn.parse().ok())
        .ok_or_else(|| Error::invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs."))?;
    let function = named(&context, input.function_name.as_deref().unwrap_or_default(), None)?;
    let owner = (source.account().parse(), source.region().parse());
    if let (Ok(account), Ok(region)) = owner {
        reachable(&context, &Scope { account, region }, source.as_str())?;
    }
    Sources::check_kind(&source)?;
    let mapping = state.sources().create(&source, &function, wish(&input, &source)?).await?;
    Ok(shown(&state, &mapping, "Creating"))
}

pub(super) async fn get(state: State, context: RequestContext, input: MappingInput) -> Result<MappingOutput, Fault> {
    let mapping = state.sources().get(&scope(&context), &input.uuid)?;
    Ok(shown(&state, &mapping, standing(&mapping)))
}

pub(super) async fn update(state: State, context: RequestContext, input: MappingInput) -> Result<MappingOutput, Fault> {
    let function = input.function_name.as_deref().map(|name| named(&context, name, None)).transpose()?;
    let before = state.sources().get(&scope(&context), &input.uuid)?;
    let change = MappingChange { function, wish: wish(&input, &before.source)? };
    let mapping = state.sources().update(&scope(&context), &input.uuid, change).await?;
    let status = match (before.enabled, mapping.enabled) {
        (false, true) => "Enabling",
        (true, false) => "Disabling",
        _ => "Updating",
    };
    Ok(shown(&state, &mapping, status))
}

pub(super) async fn delete(state: State, context: RequestContext, input: MappingInput) -> Result<MappingOutput, Fault> {
    let mapping = state.sources().delete(&scope(&context), &input.uuid).await?;
    Ok(shown(&state, &mapping, "Deleting"))
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListMappings,
) -> Result<ListMappingsOutput, Fault> {
    let function = input.function_name.as_deref().map(|name| named(&context, name, None)).transpose()?;
    let key = function.as_ref().map(FunctionKey::of);
    let mut all = state.sources().list(&scope(&context))?;
    all.retain(|mapping| key.as_ref().is_none_or(|key| calls(mapping, key)));
    all.retain(|mapping| input.event_source_arn.as_deref().is_none_or(|arn| arn == mapping.source.as_str()));
    let request = PageRequest { marker: input.marker, max: input.max_items };
    let page = request.cut(all.iter(), |mapping| mapping.id.clone())?;
    let shown = page.items.into_iter().map(|mapping| shown(&state, mapping, standing(mapping)));
    Ok(ListMappingsOutput { event_source_mappings: shown.collect(), next_marker: page.marker })
}
