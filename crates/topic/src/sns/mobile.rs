//! Handlers for mobile applications and their devices.

use super::address::{read_token, token};
use super::shapes::{Attributes, Empty, List};
use crate::mobile::{ApplicationKey, DeviceKey};
use crate::{Error, Texts, Topics};
use fogbank_model::{Arn, RequestContext};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Topics>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Input {
    name: String,
    platform: String,
    platform_application_arn: String,
    endpoint_arn: String,
    token: String,
    custom_user_data: Option<String>,
    attributes: Texts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Application {
    platform_application_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Texts>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Applications {
    platform_applications: Vec<Application>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Device {
    endpoint_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Texts>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Devices {
    endpoints: Vec<Device>,
}

fn application(context: &RequestContext, text: &str) -> Result<ApplicationKey, Error> {
    let key = text.parse::<Arn>().ok().and_then(|arn| ApplicationKey::of(&arn));
    let own = key.filter(|key| key.0.account == context.account && key.0.region == context.region);
    own.ok_or_else(|| Error::invalid("PlatformApplicationArn"))
}

fn device(context: &RequestContext, text: &str) -> Result<DeviceKey, Error> {
    let key = text.parse::<Arn>().ok().and_then(|arn| DeviceKey::of(&arn));
    let own = key.filter(|key| key.0.account == context.account && key.0.region == context.region);
    own.ok_or_else(|| Error::invalid("EndpointArn"))
}

pub(super) async fn create_application(
    state: State,
    context: RequestContext,
    input: Input,
) -> Result<Application, Error> {
    let scope = (&context.account, &context.region);
    let key = state.create_application(scope, &input.platform, &input.name, input.attributes).await?;
    Ok(Application { platform_application_arn: key.arn().to_string(), attributes: None })
}

pub(super) async fn delete_application(state: State, context: RequestContext, input: Input) -> Result<Empty, Error> {
    state.delete_application(&application(&context, &input.platform_application_arn)?).await?;
    Ok(Empty {})
}

pub(super) async fn get_application(state: State, context: RequestContext, input: Input) -> Result<Attributes, Error> {
    let key = application(&context, &input.platform_application_arn)?;
    Ok(Attributes { attributes: state.application(&key)? })
}

pub(super) async fn set_application(state: State, context: RequestContext, input: Input) -> Result<Empty, Error> {
    let key = application(&context, &input.platform_application_arn)?;
    state.set_application(&key, input.attributes).await?;
    Ok(Empty {})
}

pub(super) async fn list_applications(
    state: State,
    context: RequestContext,
    input: List,
) -> Result<Applications, Error> {
    let after = read_token(input.next_token)?;
    let (found, next) = state.applications((&context.account, &context.region), after.as_deref())?;
    let shown = found.iter().map(|key| {
        let attributes = Some(state.application(key)?);
        Ok(Application { platform_application_arn: key.arn().to_string(), attributes })
    });
    Ok(Applications { platform_applications: shown.collect::<Result<_, Error>>()?, next_token: token(next) })
}

pub(super) async fn create_device(state: State, context: RequestContext, input: Input) -> Result<Device, Error> {
    let key = application(&context, &input.platform_application_arn)?;
    let key = state.create_device(&key, input.token, input.custom_user_data, input.attributes).await?;
    Ok(Device { endpoint_arn: key.arn().to_string(), attributes: None })
}

pub(super) async fn delete_device(state: State, context: RequestContext, input: Input) -> Result<Empty, Error> {
    state.delete_device(&device(&context, &input.endpoint_arn)?).await?;
    Ok(Empty {})
}

pub(super) async fn get_device(state: State, context: RequestContext, input: Input) -> Result<Attributes, Error> {
    let key = device(&context, &input.endpoint_arn)?;
    Ok(Attributes { attributes: state.device(&key)? })
}

pub(super) async fn set_device(state: State, context: RequestContext, input: Input) -> Result<Empty, Error> {
    state.set_device(&device(&context, &input.endpoint_arn)?, input.attributes).await?;
    Ok(Empty {})
}

pub(super) async fn list_devices(state: State, context: RequestContext, input: List) -> Result<Devices, Error> {
    let key = application(&context, &input.platform_application_arn)?;
    let devices = state.devices(&key)?.into_iter();
    let shown = devices.map(|(key, all)| Device { endpoint_arn: key.arn().to_string(), attributes: Some(all) });
    Ok(Devices { endpoints: shown.collect() })
}
