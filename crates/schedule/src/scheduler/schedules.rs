//! Handlers for schedules.

use super::shapes::{
    Empty, ListInput, ListSchedulesOutput, Named, ScheduleArn, ScheduleInput, ScheduleOutput, Summary, TargetSummary,
    Window,
};
use crate::model::{DEFAULT_GROUP, GroupKey, Schedule, ScheduleKey, Target, Wish};
use crate::{Error, Schedules};
use fogbank_delivery::Origin;
use fogbank_model::{Arn, RequestContext, Timestamp};
use serde_json::Value;
use std::sync::Arc;

type State = Arc<Schedules>;

/// Entries of a page where nothing else is asked for; AWS's maximum.
const PAGE: usize = 100;

pub(super) fn key(context: &RequestContext, group: Option<String>, name: String) -> ScheduleKey {
    let group = group.unwrap_or_else(|| DEFAULT_GROUP.into());
    ScheduleKey { account: context.account.clone(), region: context.region.clone(), group, name }
}

fn wish(input: ScheduleInput) -> Result<Wish, Error> {
    let given = input.target;
    let arn = given["Arn"].as_str().unwrap_or_default();
    let arn: Arn = arn.parse().map_err(|_| Error::Invalid(format!("Provided Arn {arn} is not in correct format.")))?;
    let window = &input.flexible_time_window;
    let window_min = match (window.mode.as_str(), window.maximum_window_in_minutes) {
        ("FLEXIBLE", Some(minutes)) => Some(minutes),
        ("FLEXIBLE", None) => {
            return Err(Error::Invalid(
                "MaximumWindowInMinutes must be provided when FlexibleTimeWindow is FLEXIBLE.".into(),
            ));
        }
        (_, Some(_)) => {
            return Err(Error::Invalid(
                "MaximumWindowInMinutes must not be provided when FlexibleTimeWindow is OFF.".into(),
            ));
        }
        (_, None) => None,
    };
    Ok(Wish {
        expression: input.schedule_expression,
        zone: input.schedule_expression_timezone.unwrap_or_else(|| "UTC".into()),
        start: input.start_date.map(Timestamp),
        end: input.end_date.map(Timestamp),
        window_min,
        description: input.description,
        enabled: input.state.as_deref() != Some("DISABLED"),
        kms_key: input.kms_key_arn,
        target: Target { arn, given: with_defaults(given) },
        delete_after: input.action_after_completion.as_deref() == Some("DELETE"),
    })
}

/// AWS shows the retry policy also where none was given.
fn with_defaults(mut target: Value) -> Value {
    let policy = &mut target["RetryPolicy"];
    for (name, default) in [("MaximumEventAgeInSeconds", 86_400), ("MaximumRetryAttempts", 185)] {
        if policy[name].is_null() {
            policy[name] = default.into();
        }
    }
    target
}

pub(super) async fn create(
    state: State,
    context: RequestContext,
    mut input: ScheduleInput,
) -> Result<ScheduleArn, Error> {
    let key = key(&context, input.group_name.take(), std::mem::take(&mut input.name));
    let token = input.client_token.take();
    let origin = Origin::of(&context, "scheduler.amazonaws.com", None);
    state.create(&key, wish(input)?, token, origin).await?;
    Ok(ScheduleArn { schedule_arn: key.arn().into() })
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    mut input: ScheduleInput,
) -> Result<ScheduleArn, Error> {
    let key = key(&context, input.group_name.take(), std::mem::take(&mut input.name));
    state.update(&key, wish(input)?).await?;
    Ok(ScheduleArn { schedule_arn: key.arn().into() })
}

pub(super) async fn get(state: State, context: RequestContext, input: Named) -> Result<ScheduleOutput, Error> {
    let Schedule { key, wish, created, modified, .. } = state.get(&key(&context, input.group_name, input.name))?;
    let mode = if wish.window_min.is_some() { "FLEXIBLE" } else { "OFF" };
    Ok(ScheduleOutput {
        arn: key.arn().into(),
        group_name: key.group,
        name: key.name,
        state: standing(wish.enabled),
        flexible_time_window: Window { mode: mode.into(), maximum_window_in_minutes: wish.window_min },
        schedule_expression: wish.expression,
        schedule_expression_timezone: wish.zone,
        start_date: wish.start.map(|start| start.0),
        end_date: wish.end.map(|end| end.0),
        description: wish.description,
        creation_date: created.0,
        last_modification_date: modified.0,
        kms_key_arn: wish.kms_key,
        target: wish.target.given,
        action_after_completion: if wish.delete_after { "DELETE" } else { "NONE" },
    })
}

fn standing(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}

pub(super) async fn delete(state: State, context: RequestContext, input: Named) -> Result<Empty, Error> {
    state.delete(&key(&context, input.group_name, input.name)).await?;
    Ok(Empty {})
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListInput,
) -> Result<ListSchedulesOutput, Error> {
    if let Some(name) = &input.group_name {
        let key = GroupKey { account: context.account.clone(), region: context.region.clone(), name: name.clone() };
        state.group(&key)?;
    }
    let after = input.next_token.as_deref().map(from_token).transpose()?;
    let wanted = |schedule: &Schedule| {
        input.group_name.as_ref().is_none_or(|group| schedule.key.group == *group)
            && input.name_prefix.as_ref().is_none_or(|prefix| schedule.key.name.starts_with(prefix))
            && input.state.as_deref().is_none_or(|state| state == standing(schedule.wish.enabled))
    };
    let limit = input.max_results.unwrap_or(PAGE).min(PAGE);
    let (found, more) = state.list((&context.account, &context.region), after.as_deref(), limit, wanted)?;
    let next_token = found.last().filter(|_| more).map(|last| to_token(&last.key.encode()));
    let summary = |schedule: Schedule| Summary {
        arn: schedule.key.arn().into(),
        name: schedule.key.name,
        group_name: schedule.key.group,
        state: standing(schedule.wish.enabled),
        creation_date: schedule.created.0,
        last_modification_date: schedule.modified.0,
        target: TargetSummary { arn: schedule.wish.target.arn.into() },
    };
    Ok(ListSchedulesOutput { schedules: found.into_iter().map(summary).collect(), next_token })
}

/// Where a page ended, in hex so that nobody takes it for something to build.
pub(super) fn to_token(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn from_token(token: &str) -> Result<Vec<u8>, Error> {
    let pairs = token.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>().ok_or_else(|| Error::Invalid("Invalid NextToken.".into()))
}
