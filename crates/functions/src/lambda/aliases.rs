//! Handlers for aliases.

use super::faults;
use super::functions::unqualified;
use super::shapes::{AliasInput, AliasName, AliasOutput, Empty, ListAliasesOutput, ListOfFunction, RoutingConfig};
use crate::alias::AliasChange;
use crate::list::PageRequest;
use crate::model::{Alias, Function};
use crate::{Error, Functions};
use fogbank_model::{Qualifier, RequestContext};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

/// Checks a new alias's name. The shapes' pattern looks ahead to rule out numbers, which would hide the version of that number, and
/// the table's patterns cannot look ahead.
fn check_name(name: &str) -> Result<(), Fault> {
    if matches!(Qualifier::parse(name), Ok(Qualifier::Alias(_))) {
        return Ok(());
    }
    let message = format!(
        "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression \
         pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    );
    Err(Fault::client("ValidationException", message))
}

fn change(input: &AliasInput) -> Result<AliasChange, Fault> {
    let version = input.function_version.as_deref().map(Qualifier::parse).transpose().map_err(faults::invalid_name)?;
    Ok(AliasChange {
        version,
        description: input.description.clone(),
        shift: input.routing_config.as_ref().map(shift).transpose()?,
        revision: input.revision_id.clone(),
    })
}

fn shift(routing: &RoutingConfig) -> Result<Option<(u64, f64)>, Error> {
    let mut weights = routing.additional_version_weights.iter();
    let (first, second) = (weights.next(), weights.next());
    match (first, second) {
        (None, _) => Ok(None),
        (Some((version, weight)), None) => {
            let number = version.parse().map_err(|_| Error::invalid(format!("Invalid function version {version}.")))?;
            Ok(Some((number, *weight)))
        }
        (Some(_), Some(_)) => {
            Err(Error::invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"))
        }
    }
}

fn shown(function: &Function, alias: &Alias) -> AliasOutput {
    let weights = alias.shift.iter().map(|(version, share)| (version.to_string(), *share)).collect();
    AliasOutput {
        alias_arn: function.key.qualified_arn(&alias.name).into(),
        name: alias.name.clone(),
        function_version: alias.version.to_string(),
        description: alias.description.clone(),
        routing_config: alias.shift.map(|_| RoutingConfig { additional_version_weights: weights }),
        revision_id: alias.revision.clone(),
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: AliasInput) -> Result<AliasOutput, Fault> {
    check_name(&input.name)?;
    let key = unqualified(&context, &input.function_name)?;
    let alias = state.create_alias(&key, &input.name, change(&input)?).await?;
    Ok(shown(&*state.function(&key)?, &alias))
}

pub(super) async fn update(state: State, context: RequestContext, input: AliasInput) -> Result<AliasOutput, Fault> {
    let key = unqualified(&context, &input.function_name)?;
    let alias = state.update_alias(&key, &input.name, change(&input)?).await?;
    Ok(shown(&*state.function(&key)?, &alias))
}

pub(super) async fn get(state: State, context: RequestContext, input: AliasName) -> Result<AliasOutput, Fault> {
    let function = state.function(&unqualified(&context, &input.function_name)?)?;
    Ok(shown(&function, &**function.alias(&input.name)?))
}

pub(super) async fn delete(state: State, context: RequestContext, input: AliasName) -> Result<Empty, Fault> {
    state.delete_alias(&unqualified(&context, &input.function_name)?, &input.name).await?;
    Ok(Empty {})
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListOfFunction,
) -> Result<ListAliasesOutput, Fault> {
    let function = state.function(&unqualified(&context, &input.function_name)?)?;
    let pointing = |alias: &&Arc<Alias>| {
        let version = alias.version.to_string();
        input.function_version.as_ref().is_none_or(|wanted| {
            *wanted == version || alias.shift.is_some_and(|(other, _)| other.to_string() == *wanted)
        })
    };
    let request = PageRequest { marker: input.marker.clone(), max: input.max_items };
    let page = request.cut(function.aliases.values().filter(pointing), |alias| alias.name.clone())?;
    let aliases = page.items.into_iter().map(|alias| shown(&function, alias)).collect();
    Ok(ListAliasesOutput { next_marker: page.marker, aliases })
}
