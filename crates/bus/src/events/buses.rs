//! Handlers for buses, their policies, and tags.

use super::shapes::{Empty, OfName, Part, Tag, tag_list, tags};
use crate::buses::{BusSettings, key};
use crate::model::{Bus, BusKey, DeadLetterConfig};
use crate::permission::Statement;
use crate::{Buses, Error};
use fogbank_model::{Arn, RequestContext, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Buses>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Settings {
    name: Option<String>,
    event_source_name: Option<String>,
    description: Option<String>,
    kms_key_identifier: Option<String>,
    dead_letter_config: Option<DeadLetterConfig>,
    log_config: Option<serde_json::Value>,
    tags: Vec<Tag>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_bus_arn: Option<String>,
    name: Option<String>,
    arn: Option<String>,
    description: Option<String>,
    kms_key_identifier: Option<String>,
    dead_letter_config: Option<DeadLetterConfig>,
    log_config: Option<serde_json::Value>,
    policy: Option<String>,
    creation_time: Option<Timestamp>,
    last_modified_time: Option<Timestamp>,
}

impl Described {
    fn of(key: &BusKey, bus: Bus) -> Self {
        Self {
            event_bus_arn: None,
            name: Some(key.name.clone()),
            arn: Some(key.arn().to_string()),
            description: bus.description,
            kms_key_identifier: bus.kms_key,
            dead_letter_config: bus.dead_letter,
            log_config: bus.log_config,
            policy: bus.policy.map(|policy| policy.to_string()),
            creation_time: bus.created,
            last_modified_time: bus.modified,
        }
    }
}

impl Settings {
    fn split(self) -> BusSettings {
        BusSettings {
            description: self.description,
            kms_key: self.kms_key_identifier,
            dead_letter: self.dead_letter_config,
            log_config: self.log_config,
        }
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: Settings) -> Result<Described, Error> {
    if let Some(source) = &input.event_source_name {
        return Err(Error::NotFound(format!("Event source {source} does not exist.")));
    }
    let key = BusKey::of(&context, input.name.as_deref().unwrap_or_default());
    let tags = tags(input.tags.clone());
    let settings = input.split();
    let (description, kms_key_identifier) = (settings.description.clone(), settings.kms_key.clone());
    let (dead_letter_config, log_config) = (settings.dead_letter.clone(), settings.log_config.clone());
    state.create(&key, settings, tags).await?;
    let event_bus_arn = Some(key.arn().to_string());
    Ok(Described {
        event_bus_arn,
        description,
        kms_key_identifier,
        dead_letter_config,
        log_config,
        ..Described::default()
    })
}

pub(super) async fn update(state: State, context: RequestContext, input: Settings) -> Result<Described, Error> {
    let key = key(&context.account, &context.region, input.name.as_deref())?;
    let bus = state.update(&key, input.split()).await?;
    Ok(Described { policy: None, creation_time: None, last_modified_time: None, ..Described::of(&key, bus) })
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfName) -> Result<Empty, Error> {
    state.delete(&BusKey::of(&context, &input.name)).await?;
    Ok(Empty {})
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Named {
    name: Option<String>,
}

pub(super) async fn describe(state: State, context: RequestContext, input: Named) -> Result<Described, Error> {
    let key = own(&context, input.name.as_deref())?;
    Ok(Described::of(&key, state.bus(&key)?))
}

/// The bus that a request names, which must be of the caller's own account.
pub(super) fn own(context: &RequestContext, text: Option<&str>) -> Result<BusKey, Error> {
    let key = key(&context.account, &context.region, text)?;
    if key.account != context.account || key.region != context.region {
        return Err(Error::no_bus(&key.name));
    }
    Ok(key)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    event_buses: Vec<Described>,
    next_token: Option<String>,
}

pub(super) async fn list(state: State, context: RequestContext, input: Part) -> Result<Listed, Error> {
    let page = state.list(&context.account, &context.region, &input.wanted())?;
    let each = page.items.into_iter().map(|(name, bus)| {
        let bus = Bus { kms_key: None, dead_letter: None, log_config: None, ..bus };
        Described::of(&BusKey::of(&context, &name), bus)
    });
    Ok(Listed { event_buses: each.collect(), next_token: page.token })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    r#type: String,
    key: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PutPermission {
    event_bus_name: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    statement_id: Option<String>,
    condition: Option<Condition>,
    policy: Option<String>,
}

pub(super) async fn put_permission(
    state: State,
    context: RequestContext,
    input: PutPermission,
) -> Result<Empty, Error> {
    let key = own(&context, input.event_bus_name.as_deref())?;
    if let Some(policy) = &input.policy {
        let parts = [&input.action, &input.principal, &input.statement_id];
        if parts.iter().any(|part| part.is_some()) || input.condition.is_some() {
            return Err(Error::invalid(
                "Policy cannot be specified together with Action, Principal, StatementId or Condition.",
            ));
        }
        state.put_policy(&key, policy).await?;
        return Ok(Empty {});
    }
    let condition = input.condition.map(|condition| (condition.r#type, condition.key, condition.value));
    let (action, principal, id) = (input.action, input.principal, input.statement_id);
    state.put_statement(&key, Statement { action, principal, id, condition }).await?;
    Ok(Empty {})
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RemovePermission {
    event_bus_name: Option<String>,
    statement_id: Option<String>,
    remove_all_permissions: bool,
}

pub(super) async fn remove_permission(
    state: State,
    context: RequestContext,
    input: RemovePermission,
) -> Result<Empty, Error> {
    let key = own(&context, input.event_bus_name.as_deref())?;
    state.remove_permission(&key, input.statement_id, input.remove_all_permissions).await?;
    Ok(Empty {})
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tagging {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tags: Vec<Tag>,
    tag_keys: Vec<String>,
}

impl Tagging {
    fn arn(&self, context: &RequestContext) -> Result<Arn, Error> {
        let arn = self.arn.parse::<Arn>().ok().filter(|arn| arn.account() == context.account.as_str());
        arn.ok_or_else(|| Error::bad_arn(&self.arn))
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagList {
    tags: Vec<Tag>,
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: Tagging) -> Result<TagList, Error> {
    Ok(TagList { tags: tag_list(state.tags(&input.arn(&context)?)?) })
}

pub(super) async fn tag(state: State, context: RequestContext, input: Tagging) -> Result<Empty, Error> {
    let arn = input.arn(&context)?;
    state.tag(&arn, tags(input.tags), Vec::new()).await?;
    Ok(Empty {})
}

pub(super) async fn untag(state: State, context: RequestContext, input: Tagging) -> Result<Empty, Error> {
    let arn = input.arn(&context)?;
    state.tag(&arn, tags(Vec::new()), input.tag_keys).await?;
    Ok(Empty {})
}
