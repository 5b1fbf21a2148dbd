//! Handlers for text messages, none of which is ever sent.

use super::shapes::Empty;
use crate::sms::{self, Phone};
use crate::{Error, Texts, Topics};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Topics>;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    attributes: Texts,
}

/// Which settings are asked for; all, if none is named.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    attributes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Number {
    #[serde(rename = "phoneNumber", alias = "PhoneNumber")]
    number: String,
    #[serde(rename = "OneTimePassword")]
    password: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptedOut {
    is_opted_out: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AllOptedOut {
    phone_numbers: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Numbers {
    phone_numbers: Vec<SandboxNumber>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SandboxNumber {
    phone_number: String,
    status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    is_in_sandbox: bool,
}

pub(super) async fn get_attributes(state: State, context: RequestContext, input: Asked) -> Result<Settings, Error> {
    let mut attributes = state.sms_attributes((&context.account, &context.region))?;
    attributes.retain(|name, _| input.attributes.is_empty() || input.attributes.contains(name));
    Ok(Settings { attributes })
}

pub(super) async fn set_attributes(state: State, context: RequestContext, input: Settings) -> Result<Empty, Error> {
    state.set_sms_attributes((&context.account, &context.region), input.attributes).await?;
    Ok(Empty {})
}

/// Nobody was ever sent a text, so nobody has opted out of them.
pub(super) async fn is_opted_out(_: State, _: RequestContext, input: Number) -> Result<OptedOut, Error> {
    if !sms::is_number(&input.number) {
        return Err(Error::because("PhoneNumber", format!("input incorrectly formatted: {}", input.number)));
    }
    Ok(OptedOut { is_opted_out: false })
}

pub(super) async fn list_opted_out(_: State, _: RequestContext, _: Empty) -> Result<AllOptedOut, Error> {
    Ok(AllOptedOut { phone_numbers: Vec::new() })
}

pub(super) async fn opt_in(_: State, _: RequestContext, input: Number) -> Result<Empty, Error> {
    match sms::is_number(&input.number) {
        true => Ok(Empty {}),
        false => Err(Error::because("PhoneNumber", format!("input incorrectly formatted: {}", input.number))),
    }
}

pub(super) async fn list_origination_numbers(_: State, _: RequestContext, _: Empty) -> Result<Numbers, Error> {
    Ok(Numbers { phone_numbers: Vec::new() })
}

pub(super) async fn create_number(state: State, context: RequestContext, input: Number) -> Result<Empty, Error> {
    let scope = (&context.account, &context.region);
    state.set_phone(scope, &input.number, Some(Phone { verified: false })).await?;
    Ok(Empty {})
}

pub(super) async fn delete_number(state: State, context: RequestContext, input: Number) -> Result<Empty, Error> {
    state.set_phone((&context.account, &context.region), &input.number, None).await?;
    Ok(Empty {})
}

/// Since no password was sent, none is the right one.
pub(super) async fn verify_number(state: State, context: RequestContext, input: Number) -> Result<Empty, Error> {
    let phones = state.phones((&context.account, &context.region))?;
    if !phones.iter().any(|(number, _)| *number == input.number) {
        return Err(Error::NoPhone(format!("Phone number {} does not exist", input.number)));
    }
    tracing::debug!(digits = input.password.len(), "no password was ever sent, so none is right");
    Err(Error::NotVerified("Verification of the phone number failed: this platform sends no texts".into()))
}

pub(super) async fn list_numbers(state: State, context: RequestContext, _: Empty) -> Result<Numbers, Error> {
    let phones = state.phones((&context.account, &context.region))?.into_iter();
    let shown = phones.map(|(phone_number, phone)| SandboxNumber {
        phone_number,
        status: if phone.verified { "Verified" } else { "Pending" },
    });
    Ok(Numbers { phone_numbers: shown.collect() })
}

pub(super) async fn status(_: State, _: RequestContext, _: Empty) -> Result<Status, Error> {
    Ok(Status { is_in_sandbox: true })
}
