//! Handlers for rules and their targets.

use super::buses::own;
use super::shapes::{Empty, Part, Tag, tags};
use crate::model::{DEFAULT, Rule, RuleKey, Target};
use crate::page::Wanted;
use crate::route::SERVICE;
use crate::rules::RuleSettings;
use crate::{Buses, Error};
use fogbank_delivery::Origin;
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Buses>;

fn key(context: &RequestContext, name: &str, bus: Option<&str>) -> Result<RuleKey, Error> {
    Ok(RuleKey { bus: own(context, bus)?, name: name.to_owned() })
}

/// Who a rule's schedule acts for.
fn origin(context: &RequestContext) -> Origin {
    Origin { trace: None, ..Origin::of(context, SERVICE, None) }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PutRule {
    name: String,
    schedule_expression: Option<String>,
    event_pattern: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    tags: Vec<Tag>,
    event_bus_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleArn {
    rule_arn: String,
}

pub(super) async fn put(state: State, context: RequestContext, input: PutRule) -> Result<RuleArn, Error> {
    let key = key(&context, &input.name, input.event_bus_name.as_deref())?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let settings = RuleSettings {
        pattern: some(input.event_pattern),
        schedule: some(input.schedule_expression),
        state: input.state,
        description: some(input.description),
        role: input.role_arn,
        tags: tags(input.tags),
    };
    state.put_rule(&key, settings, origin(&context)).await?;
    Ok(RuleArn { rule_arn: key.arn().to_string() })
}

/// A request that names nothing but a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfRule {
    name: String,
    event_bus_name: Option<String>,
}

impl OfRule {
    fn key(&self, context: &RequestContext) -> Result<RuleKey, Error> {
        key(context, &self.name, self.event_bus_name.as_deref())
    }
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfRule) -> Result<Empty, Error> {
    state.delete_rule(&input.key(&context)?).await?;
    Ok(Empty {})
}

pub(super) async fn enable(state: State, context: RequestContext, input: OfRule) -> Result<Empty, Error> {
    state.enable(&input.key(&context)?, true, origin(&context)).await?;
    Ok(Empty {})
}

pub(super) async fn disable(state: State, context: RequestContext, input: OfRule) -> Result<Empty, Error> {
    state.enable(&input.key(&context)?, false, origin(&context)).await?;
    Ok(Empty {})
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    name: String,
    arn: String,
    event_pattern: Option<String>,
    schedule_expression: Option<String>,
    state: String,
    description: Option<String>,
    role_arn: Option<String>,
    event_bus_name: String,
    created_by: Option<String>,
}

impl Described {
    fn of(key: &RuleKey, rule: Rule) -> Self {
        Self {
            name: key.name.clone(),
            arn: key.arn().to_string(),
            event_pattern: rule.pattern,
            schedule_expression: rule.schedule,
            state: rule.state,
            description: rule.description,
            role_arn: rule.role,
            event_bus_name: key.bus.name.clone(),
            created_by: None,
        }
    }
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfRule) -> Result<Described, Error> {
    let key = input.key(&context)?;
    let created_by = Some(context.account.as_str().to_owned());
    Ok(Described { created_by, ..Described::of(&key, state.rule(&key)?) })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListRules {
    event_bus_name: Option<String>,
    target_arn: Option<String>,
    #[serde(flatten)]
    part: Part,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rules {
    rules: Vec<Described>,
    next_token: Option<String>,
}

pub(super) async fn list(state: State, context: RequestContext, input: ListRules) -> Result<Rules, Error> {
    let bus = own(&context, input.event_bus_name.as_deref())?;
    let page = state.list_rules(&bus, &input.part.wanted(), None)?;
    let each = page.items.into_iter().map(|(name, rule)| Described::of(&RuleKey { bus: bus.clone(), name }, rule));
    Ok(Rules { rules: each.collect(), next_token: page.token })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Names {
    rule_names: Vec<String>,
    next_token: Option<String>,
}

pub(super) async fn list_names(state: State, context: RequestContext, input: ListRules) -> Result<Names, Error> {
    let bus = own(&context, Some(input.event_bus_name.as_deref().unwrap_or(DEFAULT)))?;
    let page = state.list_rules(&bus, &input.part.wanted(), input.target_arn.as_deref())?;
    Ok(Names { rule_names: page.items.into_iter().map(|(name, _)| name).collect(), next_token: page.token })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfTargets {
    rule: String,
    event_bus_name: Option<String>,
    targets: Vec<Target>,
    ids: Vec<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

impl OfTargets {
    fn key(&self, context: &RequestContext) -> Result<RuleKey, Error> {
        key(context, &self.rule, self.event_bus_name.as_deref())
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failures {
    failed_entry_count: usize,
    failed_entries: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    target_id: String,
    error_code: &'static str,
    error_message: String,
}

impl Failures {
    fn of(failed_entries: Vec<Failure>) -> Self {
        Self { failed_entry_count: failed_entries.len(), failed_entries }
    }
}

pub(super) async fn put_targets(state: State, context: RequestContext, input: OfTargets) -> Result<Failures, Error> {
    state.put_targets(&input.key(&context)?, input.targets).await?;
    Ok(Failures::of(Vec::new()))
}

pub(super) async fn remove_targets(state: State, context: RequestContext, input: OfTargets) -> Result<Failures, Error> {
    let key = input.key(&context)?;
    let missing = state.remove_targets(&key, input.ids).await?;
    let failure = |target_id: String| {
        let error_message = format!("Rule {} does not have a target with the Id {target_id}.", key.name);
        Failure { target_id, error_code: "ResourceNotFoundException", error_message }
    };
    Ok(Failures::of(missing.into_iter().map(failure).collect()))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Targets {
    targets: Vec<Target>,
    next_token: Option<String>,
}

pub(super) async fn list_targets(state: State, context: RequestContext, input: OfTargets) -> Result<Targets, Error> {
    let key = input.key(&context)?;
    let wanted = Wanted { prefix: String::new(), limit: input.limit, token: input.next_token };
    let page = state.list_targets(&key, &wanted)?;
    Ok(Targets { targets: page.items, next_token: page.token })
}
