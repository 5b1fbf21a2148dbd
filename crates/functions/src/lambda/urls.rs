//! Handlers for function URLs.

use super::functions::named;
use super::shapes::{Empty, FunctionName, ListOfFunction, ListUrlsOutput, UrlInput, UrlOutput};
use crate::list::PageRequest;
use crate::model::{Function, FunctionKey, FunctionUrl};
use crate::url::{UrlChange, find};
use crate::{Error, Functions};
use fogbank_model::{FunctionRef, Qualifier, RequestContext};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

/// A URL belongs to a function or an alias, never to a published version.
fn owner(context: &RequestContext, name: &str, qualifier: Option<&str>) -> Result<FunctionRef, Fault> {
    let function = named(context, name, qualifier)?;
    match function.qualifier {
        Some(Qualifier::Version(_)) => {
            Err(Error::invalid("A function URL belongs to a function or an alias, not to a version.").into())
        }
        _ => Ok(function),
    }
}

/// `http://ID.lambda-url.REGION.localhost:PORT/`, on the port that the client reached the platform at.
fn address(context: &RequestContext, url: &FunctionUrl) -> String {
    let (scheme, authority) = context.endpoint.split_once("://").unwrap_or(("http", &context.endpoint));
    let port = authority.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}.lambda-url.{}.localhost{port}/", url.id, context.region)
}

fn shown(context: &RequestContext, function: &Function, url: &FunctionUrl, created: bool) -> UrlOutput {
    let arn = match &url.qualifier {
        Qualifier::Latest => function.key.arn(),
        qualifier => function.key.qualified_arn(qualifier),
    };
    UrlOutput {
        function_url: address(context, url),
        function_arn: arn.into(),
        auth_type: url.auth_type.clone(),
        cors: url.cors.clone(),
        creation_time: iso(url.created),
        last_modified_time: (!created).then(|| iso(url.modified)),
        invoke_mode: url.invoke_mode.clone(),
    }
}

/// `2026-05-04T10:20:30.123Z`
fn iso(at: fogbank_model::Timestamp) -> String {
    at.to_lambda_text().replace("+0000", "Z")
}

fn change(input: &UrlInput) -> UrlChange {
    let (auth_type, cors) = (input.auth_type.clone(), input.cors.clone());
    UrlChange { auth_type, cors, invoke_mode: input.invoke_mode.clone() }
}

pub(super) async fn create(state: State, context: RequestContext, input: UrlInput) -> Result<UrlOutput, Fault> {
    let owner = owner(&context, &input.function_name, input.qualifier.as_deref())?;
    let key = FunctionKey::of(&owner);
    let url = state.create_url(&key, owner.qualifier.as_ref(), change(&input)).await?;
    Ok(shown(&context, &*state.function(&key)?, &url, true))
}

pub(super) async fn update(state: State, context: RequestContext, input: UrlInput) -> Result<UrlOutput, Fault> {
    let owner = owner(&context, &input.function_name, input.qualifier.as_deref())?;
    let key = FunctionKey::of(&owner);
    let url = state.update_url(&key, owner.qualifier.as_ref(), change(&input)).await?;
    Ok(shown(&context, &*state.function(&key)?, &url, false))
}

pub(super) async fn get(state: State, context: RequestContext, input: FunctionName) -> Result<UrlOutput, Fault> {
    let owner = owner(&context, &input.function_name, input.qualifier.as_deref())?;
    let function = state.function(&FunctionKey::of(&owner))?;
    Ok(shown(&context, &function, &**find(&function, owner.qualifier.as_ref())?, false))
}

pub(super) async fn delete(state: State, context: RequestContext, input: FunctionName) -> Result<Empty, Fault> {
    let owner = owner(&context, &input.function_name, input.qualifier.as_deref())?;
    state.delete_url(&FunctionKey::of(&owner), owner.qualifier.as_ref()).await?;
    Ok(Empty {})
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListOfFunction,
) -> Result<ListUrlsOutput, Fault> {
    let function = state.function(&FunctionKey::of(&owner(&context, &input.function_name, None)?))?;
    let request = PageRequest { marker: input.marker, max: input.max_items };
    let page = request.cut(function.urls.values(), |url| url.qualifier.to_string())?;
    let urls = page.items.into_iter().map(|url| shown(&context, &function, url, false)).collect();
    Ok(ListUrlsOutput { function_url_configs: urls, next_marker: page.marker })
}
