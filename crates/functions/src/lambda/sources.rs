//! Handlers for event source mappings.

use super::functions::{named, reachable};
use super::shapes::{
    Filter, FilterCriteria, ListMappings, ListMappingsOutput, MappingInput, MappingOutput, ScalingConfig,
};
use crate::list::PageRequest;
use crate::model::{FunctionKey, Scope};
use crate::sources::{Mapping, MappingChange, Sources, Wish, calls};
use crate::{Error, Functions};
use fogbank_model::{Arn, RequestContext};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

const REPORTS_ITEMS: &str = "ReportBatchItemFailures";

fn scope(context: &RequestContext) -> Scope {
    Scope { account: context.account.clone(), region: context.region.clone() }
}

/// What the request wishes of a mapping, or an error that names what cannot be done.
fn wish(input: &MappingInput) -> Result<Wish, Error> {
    let refuse = |asked: bool, what: &str| {
        let text = format!("{what} is not a valid parameter for SQS event source mappings.");
        if asked { Err(Error::invalid(text)) } else { Ok(()) }
    };
    refuse(input.parallelization_factor.is_some(), "ParallelizationFactor")?;
    refuse(input.starting_position.is_some(), "StartingPosition")?;
    refuse(input.bisect_batch_on_function_error.is_some(), "BisectBatchOnFunctionError")?;
    refuse(input.maximum_record_age_in_seconds.is_some(), "MaximumRecordAgeInSeconds")?;
    refuse(input.maximum_retry_attempts.is_some(), "MaximumRetryAttempts")?;
    refuse(input.tumbling_window_in_seconds.is_some(), "TumblingWindowInSeconds")?;
    refuse(input.topics.is_some(), "Topics")?;
    refuse(input.queues.is_some(), "Queues")?;
    let destinations = input.destination_config.as_ref();
    let has_destination = destinations.is_some_and(|config| {
        [&config.on_failure, &config.on_success]
            .iter()
            .any(|end| end.as_ref().is_some_and(|end| end.destination.is_some()))
    });
    refuse(has_destination, "DestinationConfig")?;
    for (asked, what) in [
        (input.self_managed_event_source.is_some(), "SelfManagedEventSource"),
        (input.provisioned_poller_config.is_some(), "ProvisionedPollerConfig"),
        (input.kms_key_arn.is_some(), "KMSKeyArn"),
    ] {
        if asked {
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
    })
}

fn shown(state: &Functions, mapping: &Mapping, status: &'static str) -> MappingOutput {
    let filters = || mapping.filters.iter().map(|text| Filter { pattern: Some(text.clone()) }).collect();
    MappingOutput {
        uuid: mapping.id.clone(),
        event_source_mapping_arn: mapping.arn().to_string(),
        event_source_arn: mapping.source.to_string(),
        function_arn: mapping.function_arn().to_string(),
        batch_size: mapping.batch,
        maximum_batching_window_in_seconds: mapping.window_s,
        filter_criteria: (!mapping.filters.is_empty()).then(|| FilterCriteria { filters: filters() }),
        function_response_types: if mapping.reports_items { vec![REPORTS_ITEMS] } else { Vec::new() },
        scaling_config: mapping.concurrency.map(|most| ScalingConfig { maximum_concurrency: Some(most) }),
        last_modified: mapping.modified.0,
        last_processing_result: state.sources().problem(mapping),
        state: status,
        state_transition_reason: "USER_INITIATED",
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
    let mapping = state.sources().create(&source, &function, wish(&input)?).await?;
    Ok(shown(&state, &mapping, "Creating"))
}

pub(super) async fn get(state: State, context: RequestContext, input: MappingInput) -> Result<MappingOutput, Fault> {
    let mapping = state.sources().get(&scope(&context), &input.uuid)?;
    Ok(shown(&state, &mapping, standing(&mapping)))
}

pub(super) async fn update(state: State, context: RequestContext, input: MappingInput) -> Result<MappingOutput, Fault> {
    let function = input.function_name.as_deref().map(|name| named(&context, name, None)).transpose()?;
    let change = MappingChange { function, wish: wish(&input)? };
    let before = state.sources().get(&scope(&context), &input.uuid)?;
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
