//! Handlers for layers.

use super::code_sha256;
use super::functions::{reachable, scope};
use super::shapes::{
    Empty, LayerArn, LayerContent, LayerName, LayerOutput, LayerPermissionInput, LayerPermissionOutput, LayerSummary,
    LayerVersionName, LayerVersionSummary, ListLayerVersionsOutput, ListLayers, ListLayersOutput, PolicyOutput,
    PublishLayer,
};
use crate::layer::NewLayer;
use crate::list::PageRequest;
use crate::model::{LayerKey, LayerVersion, Scope};
use crate::permission::Permission;
use crate::{Error, Functions};
use fogbank_model::{Arn, RequestContext};
use fogbank_wire::Fault;
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Functions>;

/// A layer may be named by its name or its ARN.
fn layer_name(context: &RequestContext, text: &str) -> Result<(Scope, String), Fault> {
    if !text.starts_with("arn:") {
        return Ok((scope(context), text.to_owned()));
    }
    let wrong = || Error::invalid(format!("'{text}' is not a layer's ARN"));
    let arn: Arn = text.parse().map_err(|_| wrong())?;
    let name = arn.resource().strip_prefix("layer:").filter(|name| !name.contains(':')).ok_or_else(wrong)?;
    let account = arn.account().parse().map_err(|_| wrong())?;
    let region = arn.region().parse().map_err(|_| wrong())?;
    let owner = Scope { account, region };
    reachable(context, &owner, text)?;
    Ok((owner, name.to_owned()))
}

fn layer_key(context: &RequestContext, name: &str, version: u64) -> Result<LayerKey, Fault> {
    let (scope, name) = layer_name(context, name)?;
    Ok(LayerKey { scope, name, version })
}

fn shown(state: &State, context: &RequestContext, key: &LayerKey, layer: &LayerVersion) -> LayerOutput {
    LayerOutput {
        content: LayerContent {
            location: state.code_url(&context.endpoint, &layer.code.sha256),
            code_sha256: code_sha256(&layer.code),
            code_size: layer.code.zipped,
        },
        layer_arn: key.scope.arn(&format!("layer:{}", key.name)).into(),
        layer_version_arn: key.arn().into(),
        description: layer.description.clone(),
        created_date: layer.created.to_lambda_text(),
        version: key.version,
        compatible_architectures: layer.architectures.clone(),
        compatible_runtimes: layer.runtimes.clone(),
        license_info: layer.license.clone(),
    }
}

fn summary(key: &LayerKey, layer: &LayerVersion) -> LayerVersionSummary {
    LayerVersionSummary {
        layer_version_arn: key.arn().into(),
        version: key.version,
        description: layer.description.clone(),
        created_date: layer.created.to_lambda_text(),
        compatible_architectures: layer.architectures.clone(),
        compatible_runtimes: layer.runtimes.clone(),
        license_info: layer.license.clone(),
    }
}

fn fits(input: &ListLayers, layer: &LayerVersion) -> bool {
    let holds = |list: &[String], wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| list.contains(wanted));
    holds(&layer.runtimes, &input.compatible_runtime) && holds(&layer.architectures, &input.compatible_architecture)
}

pub(super) async fn publish(state: State, context: RequestContext, input: PublishLayer) -> Result<LayerOutput, Fault> {
    let (scope, name) = layer_name(&context, &input.layer_name)?;
    if scope != super::functions::scope(&context) {
        return Err(Error::invalid("A layer is published in the account and region of the request.").into());
    }
    let new = NewLayer {
        scope,
        name,
        package: state.fetch(&context.account, input.content.source()?).await?,
        description: input.description.unwrap_or_default(),
        license: input.license_info,
        runtimes: input.compatible_runtimes,
        architectures: input.compatible_architectures,
    };
    let (key, layer) = state.publish_layer(new).await?;
    Ok(shown(&state, &context, &key, &layer))
}

pub(super) async fn get(state: State, context: RequestContext, input: LayerVersionName) -> Result<LayerOutput, Fault> {
    let key = layer_key(&context, &input.layer_name, input.version_number)?;
    Ok(shown(&state, &context, &key, &*state.layer(&key)?))
}

pub(super) async fn get_by_arn(state: State, context: RequestContext, input: LayerArn) -> Result<LayerOutput, Fault> {
    let key = LayerKey::parse(&input.arn)?;
    reachable(&context, &key.scope, &input.arn)?;
    Ok(shown(&state, &context, &key, &*state.layer(&key)?))
}

pub(super) async fn delete(state: State, context: RequestContext, input: LayerVersionName) -> Result<Empty, Fault> {
    state.delete_layer(layer_key(&context, &input.layer_name, input.version_number)?).await?;
    Ok(Empty {})
}

pub(super) async fn list(state: State, context: RequestContext, input: ListLayers) -> Result<ListLayersOutput, Fault> {
    let (scope, snapshot) = (scope(&context), state.snapshot());
    let mut latest: BTreeMap<&str, (&LayerKey, &Arc<LayerVersion>)> = BTreeMap::new();
    // In the order of numbers, so that the latest stays.
    latest.extend(
        snapshot
            .layers_of(&scope)
            .filter(|(_, layer)| fits(&input, layer))
            .map(|(key, layer)| (&*key.name, (key, layer))),
    );
    let request = PageRequest { marker: input.marker.clone(), max: input.max_items };
    let page = request.cut(latest.into_iter(), |(name, _)| (*name).to_owned())?;
    let layers = page.items.into_iter().map(|(name, (key, layer))| LayerSummary {
        layer_name: name.to_owned(),
        layer_arn: scope.arn(&format!("layer:{name}")).into(),
        latest_matching_version: summary(key, layer),
    });
    Ok(ListLayersOutput { next_marker: page.marker, layers: layers.collect() })
}

pub(super) async fn list_versions(
    state: State,
    context: RequestContext,
    input: LayerName,
) -> Result<ListLayerVersionsOutput, Fault> {
    let (scope, name) = layer_name(&context, &input.layer_name)?;
    let (snapshot, filter) = (state.snapshot(), input.filter);
    let mut versions: Vec<_> =
        snapshot.layers_of(&scope).filter(|(key, layer)| key.name == name && fits(&filter, layer)).collect();
    // The newest first.
    versions.reverse();
    let request = PageRequest { marker: filter.marker.clone(), max: filter.max_items };
    let page = request.cut(versions.into_iter(), |(key, _)| format!("{:020}", u64::MAX - key.version))?;
    let layer_versions = page.items.into_iter().map(|(key, layer)| summary(key, layer)).collect();
    Ok(ListLayerVersionsOutput { next_marker: page.marker, layer_versions })
}

pub(super) async fn add_permission(
    state: State,
    context: RequestContext,
    input: LayerPermissionInput,
) -> Result<LayerPermissionOutput, Fault> {
    let key = layer_key(&context, &input.layer_name, input.version_number)?;
    let permission = Permission {
        statement_id: input.statement_id,
        action: input.action.unwrap_or_default(),
        principal: input.principal.unwrap_or_default(),
        organization: input.organization_id,
        ..Permission::default()
    };
    let (statement, revision_id) = state.add_layer_permission(key, permission, input.revision_id.as_deref()).await?;
    Ok(LayerPermissionOutput { statement, revision_id })
}

pub(super) async fn remove_permission(
    state: State,
    context: RequestContext,
    input: LayerPermissionInput,
) -> Result<Empty, Fault> {
    let key = layer_key(&context, &input.layer_name, input.version_number)?;
    state.remove_layer_permission(key, &input.statement_id, input.revision_id.as_deref()).await?;
    Ok(Empty {})
}

pub(super) async fn get_policy(
    state: State,
    context: RequestContext,
    input: LayerVersionName,
) -> Result<PolicyOutput, Fault> {
    let policy = state.layer_policy(&layer_key(&context, &input.layer_name, input.version_number)?)?;
    Ok(PolicyOutput { policy: policy.document(), revision_id: policy.revision })
}
