//! Handlers for functions and their versions.

use super::faults;
use super::shapes::{
    CodeLocation, CreateFunction, Deleted, FunctionConfiguration, FunctionName, GetFunctionOutput, ListFunctions,
    ListFunctionsOutput, ListOfFunction, ListVersionsOutput, PublishVersion, Reserved, UpdateFunctionCode,
    UpdateFunctionConfiguration,
};
use crate::create::NewFunction;
use crate::list::PageRequest;
use crate::model::{Function, FunctionKey, LayerKey, Scope, Version};
use crate::publish::NewVersion;
use crate::update::NewCode;
use crate::{Error, Functions};
use fogbank_model::{FunctionRef, Qualifier, RequestContext};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

/// Reads a function's name, whose qualifier may stand in it or beside it.
pub(super) fn named(context: &RequestContext, name: &str, qualifier: Option<&str>) -> Result<FunctionRef, Fault> {
    let mut function = FunctionRef::parse(name, context).map_err(faults::invalid_name)?;
    if let Some(beside) = qualifier {
        let beside = Qualifier::parse(beside).map_err(faults::invalid_name)?;
        if function.qualifier.as_ref().is_some_and(|inside| *inside != beside) {
            let message = "The derived qualifier from the function name does not match the specified qualifier.";
            return Err(Error::invalid(message).into());
        }
        function.qualifier = Some(beside);
    }
    reachable(context, &Scope { account: function.account.clone(), region: function.region.clone() }, name)?;
    Ok(function)
}

/// Refuses what belongs to another account or region than the request is made in. AWS lets resource policies open functions and layers
/// to other accounts; nothing evaluates them yet, so nothing is open.
pub(super) fn reachable(context: &RequestContext, owner: &Scope, resource: &str) -> Result<(), Fault> {
    if owner.account != context.account {
        return Err(faults::other_account(context, resource));
    }
    if owner.region != context.region {
        let (there, here) = (&owner.region, &context.region);
        let text = format!("Functions from '{there}' are not reachable in this region ('{here}')");
        return Err(Error::NotFound(text).into());
    }
    Ok(())
}

/// Layers are named by ARN, so they may belong to anybody.
fn own_layers(context: &RequestContext, layers: Option<&[String]>) -> Result<(), Fault> {
    for arn in layers.unwrap_or_default() {
        reachable(context, &LayerKey::parse(arn)?.scope, arn)?;
    }
    Ok(())
}

/// Reads the name of a function as a whole.
pub(super) fn unqualified(context: &RequestContext, name: &str) -> Result<FunctionKey, Fault> {
    let function = named(context, name, None)?;
    match &function.qualifier {
        None | Some(Qualifier::Latest) => Ok(FunctionKey::of(&function)),
        Some(_) => Err(Error::invalid(format!(
            "This operation is for a function as a whole; '{name}' names one of its versions."
        ))
        .into()),
    }
}

pub(super) fn scope(context: &RequestContext) -> Scope {
    Scope { account: context.account.clone(), region: context.region.clone() }
}

fn described((function, version): (Arc<Function>, Arc<Version>)) -> FunctionConfiguration {
    FunctionConfiguration::of(&function, &version, None)
}

/// A version, its function, and the qualifier under which the client named it.
type Found = (Arc<Function>, Arc<Version>, Option<String>);

fn found(state: &State, context: &RequestContext, input: &FunctionName) -> Result<Found, Fault> {
    let named = named(context, &input.function_name, input.qualifier.as_deref())?;
    let function = state.function(&FunctionKey::of(&named)).map_err(|error| match error {
        Error::NotFound(_) => Error::NotFound(format!("Function not found: {}", named.arn())),
        other => other,
    })?;
    let version = function.version(named.qualifier.as_ref())?.clone();
    Ok((function, version, named.qualifier.map(|qualifier| qualifier.to_string())))
}

fn only_zip(package_type: Option<&str>) -> Result<(), Error> {
    match package_type {
        None | Some("Zip") => Ok(()),
        Some(_) => Err(Error::unsupported("PackageType Image")),
    }
}

fn one_architecture(architectures: Vec<String>) -> Result<Option<String>, Error> {
    if architectures.len() > 1 {
        return Err(Error::invalid("Architectures must name one architecture."));
    }
    Ok(architectures.into_iter().next())
}

fn no_publish_to(publish_to: Option<&str>) -> Result<(), Error> {
    publish_to.map_or(Ok(()), |_| Err(Error::unsupported("PublishTo")))
}

pub(super) async fn create(
    state: State,
    context: RequestContext,
    input: CreateFunction,
) -> Result<FunctionConfiguration, Fault> {
    only_zip(input.package_type.as_deref())?;
    no_publish_to(input.publish_to.as_deref())?;
    if input.code_signing_config_arn.is_some() {
        return Err(Error::unsupported("CodeSigningConfigArn").into());
    }
    let mut configuration = input.configuration.change()?;
    own_layers(&context, configuration.layers.as_deref())?;
    configuration.architecture = one_architecture(input.architectures)?;
    let new = NewFunction {
        key: unqualified(&context, &input.function_name)?,
        configuration,
        package: state.fetch(&context.account, input.code.source()?).await?,
        publish: input.publish,
        tags: input.tags,
    };
    Ok(described(state.create(new).await?))
}

pub(super) async fn get(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<GetFunctionOutput, Fault> {
    let (function, version, qualifier) = found(&state, &context, &input)?;
    let reserved = function.settings.reserved;
    let location = state.code_url(&context.endpoint, &version.code.sha256);
    Ok(GetFunctionOutput {
        configuration: FunctionConfiguration::of(&function, &version, qualifier.as_deref()),
        code: CodeLocation { repository_type: "S3", location },
        tags: function.settings.tags.clone(),
        concurrency: reserved.map(|_| Reserved { reserved_concurrent_executions: reserved }),
    })
}

pub(super) async fn get_configuration(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<FunctionConfiguration, Fault> {
    let (function, version, qualifier) = found(&state, &context, &input)?;
    Ok(FunctionConfiguration::of(&function, &version, qualifier.as_deref()))
}

pub(super) async fn update_code(
    state: State,
    context: RequestContext,
    input: UpdateFunctionCode,
) -> Result<FunctionConfiguration, Fault> {
    no_publish_to(input.publish_to.as_deref())?;
    let key = unqualified(&context, &input.function_name)?;
    let new = NewCode {
        package: state.fetch(&context.account, input.code.source()?).await?,
        architecture: one_architecture(input.architectures)?,
        publish: input.publish,
        dry_run: input.dry_run,
        revision: input.revision_id,
    };
    Ok(described(state.update_code(&key, new).await?))
}

pub(super) async fn update_configuration(
    state: State,
    context: RequestContext,
    input: UpdateFunctionConfiguration,
) -> Result<FunctionConfiguration, Fault> {
    let key = unqualified(&context, &input.function_name)?;
    let change = input.configuration.change()?;
    own_layers(&context, change.layers.as_deref())?;
    let function = state.update_configuration(&key, change, input.revision_id.as_deref()).await?;
    Ok(FunctionConfiguration::of(&function, &function.latest, None))
}

pub(super) async fn delete(state: State, context: RequestContext, input: FunctionName) -> Result<Deleted, Fault> {
    let named = named(&context, &input.function_name, input.qualifier.as_deref())?;
    state.delete(&FunctionKey::of(&named), named.qualifier.as_ref()).await?;
    // As AWS answers, though its model says 200.
    Ok(Deleted { status_code: 204 })
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListFunctions,
) -> Result<ListFunctionsOutput, Fault> {
    let (scope, snapshot) = (scope(&context), state.snapshot());
    let all_versions = input.function_version.is_some();
    let here = input.master_region.as_deref().is_none_or(|region| region == "ALL" || region == scope.region.as_str());
    let functions = snapshot.functions_of(&scope).filter(|_| here);
    let versions = functions.flat_map(|function| {
        let shown = function.all_versions().take(if all_versions { usize::MAX } else { 1 });
        shown.map(move |version| (function, version))
    });
    let key = |(function, version): &(&Arc<Function>, &Arc<Version>)| {
        format!("{}\0{:020}", function.key.name, version.number.unwrap_or(0))
    };
    let page = PageRequest { marker: input.marker, max: input.max_items }.cut(versions, key)?;
    // Lists of all versions show `$LATEST` under its qualified ARN.
    let show = |(function, version): (&Arc<Function>, &Arc<Version>)| {
        FunctionConfiguration::of(function, version, all_versions.then(|| version.label()).as_deref())
    };
    Ok(ListFunctionsOutput { next_marker: page.marker, functions: page.items.into_iter().map(show).collect() })
}

pub(super) async fn publish(
    state: State,
    context: RequestContext,
    input: PublishVersion,
) -> Result<FunctionConfiguration, Fault> {
    no_publish_to(input.publish_to.as_deref())?;
    let key = unqualified(&context, &input.function_name)?;
    let new =
        NewVersion { description: input.description, code_sha256: input.code_sha256, revision: input.revision_id };
    Ok(described(state.publish(&key, new).await?))
}

pub(super) async fn list_versions(
    state: State,
    context: RequestContext,
    input: ListOfFunction,
) -> Result<ListVersionsOutput, Fault> {
    let function = state.function(&unqualified(&context, &input.function_name)?)?;
    let request = PageRequest { marker: input.marker, max: input.max_items };
    let key = |version: &&Arc<Version>| format!("{:020}", version.number.unwrap_or(0));
    let page = request.cut(function.all_versions(), key)?;
    let show = |version: &Arc<Version>| FunctionConfiguration::of(&function, version, Some(&version.label()));
    Ok(ListVersionsOutput { next_marker: page.marker, versions: page.items.into_iter().map(show).collect() })
}
