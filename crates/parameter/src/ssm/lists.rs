//! Handlers for lists, which come in pages: a token is the last name of the page before, or the last version.

use super::parameters::key;
use super::shapes::{Described, Filter, ListInput, Named, Page, ParameterView};
use crate::{Error, Parameter, Parameters};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Parameters>;

/// Entries of a page where nothing else is asked for, and at most.
const BY_PATH: usize = 10;
const DESCRIBED: usize = 50;

pub(super) async fn by_path(
    state: State,
    context: RequestContext,
    input: ListInput,
) -> Result<Page<ParameterView>, Error> {
    if !input.path.starts_with('/') {
        let text = "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".";
        return Err(Error::Invalid(text.into()));
    }
    let filters = read_filters(&input.parameter_filters)?;
    let wanted = |parameter: &Parameter| {
        is_below(parameter, &input.path, input.recursive) && filters.iter().all(|filter| filter(parameter))
    };
    let (found, next_token) = page(&state, &context, &input, BY_PATH, wanted)?;
    let view = |parameter: Parameter| {
        let name = parameter.key.name.clone();
        ParameterView::of(&parameter.key, parameter.newest, &name)
    };
    Ok(Page { parameters: found.into_iter().map(view).collect(), next_token })
}

pub(super) async fn describe(
    state: State,
    context: RequestContext,
    input: ListInput,
) -> Result<Page<Described>, Error> {
    let filters = read_filters(if input.filters.is_empty() { &input.parameter_filters } else { &input.filters })?;
    let wanted = |parameter: &Parameter| filters.iter().all(|filter| filter(parameter));
    let (found, next_token) = page(&state, &context, &input, DESCRIBED, wanted)?;
    let described = |parameter: Parameter| Described::of(&parameter.key, parameter.newest);
    Ok(Page { parameters: found.into_iter().map(described).collect(), next_token })
}

pub(super) async fn history(state: State, context: RequestContext, input: Named) -> Result<Page<Described>, Error> {
    let key = key(&context, input.name);
    let after: u64 = match &input.next_token {
        Some(token) => token.parse().map_err(|_| Error::InvalidToken)?,
        None => 0,
    };
    let mut versions = state.history(&key)?;
    versions.retain(|version| version.number > after);
    let limit = input.max_results.unwrap_or(DESCRIBED).min(DESCRIBED);
    let is_more = versions.len() > limit;
    versions.truncate(limit);
    let next_token = versions.last().filter(|_| is_more).map(|version| version.number.to_string());
    let past = |version| Described::past(&key, version);
    Ok(Page { parameters: versions.into_iter().map(past).collect(), next_token })
}

fn page(
    state: &State,
    context: &RequestContext,
    input: &ListInput,
    most: usize,
    wanted: impl Fn(&Parameter) -> bool,
) -> Result<(Vec<Parameter>, Option<String>), Error> {
    let limit = input.max_results.unwrap_or(most).min(most);
    let owner = (&context.account, &context.region);
    let mut found = state.list(owner, input.next_token.as_deref(), limit + 1, wanted)?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| is_more).map(|last| last.key.name.clone());
    Ok((found, next_token))
}

/// Whether a parameter is on the level below `path`, or on any.
fn is_below(parameter: &Parameter, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let below = parameter.key.name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|rest| recursive || !rest.contains('/'))
}

type Wanted<'f> = Box<dyn Fn(&Parameter) -> bool + 'f>;

fn read_filters(filters: &[Filter]) -> Result<Vec<Wanted<'_>>, Error> {
    filters.iter().map(read_filter).collect()
}

fn read_filter(filter: &Filter) -> Result<Wanted<'_>, Error> {
    let any = |test: fn(&str, &str) -> bool, read: fn(&Parameter) -> &str| -> Wanted<'_> {
        Box::new(move |parameter| filter.values.iter().any(|value| test(read(parameter), value)))
    };
    let equals: fn(&str, &str) -> bool = |text, value| text == value;
    let option = filter.option.as_deref();
    match (filter.key.as_str(), option) {
        // A name may be given with its slash or without.
        ("Name", None | Some("Equals")) => {
            Ok(any(|name, value| name.trim_start_matches('/') == value.trim_start_matches('/'), name))
        }
        ("Name", Some("BeginsWith")) => {
            Ok(any(|name, value| name.trim_start_matches('/').starts_with(value.trim_start_matches('/')), name))
        }
        ("Name", Some("Contains")) => Ok(any(|name, value| name.contains(value), name)),
        ("Type", None | Some("Equals")) => Ok(any(equals, |parameter| &parameter.newest.kind)),
        ("Tier", None | Some("Equals")) => Ok(any(equals, |parameter| &parameter.newest.tier)),
        ("DataType", None | Some("Equals")) => Ok(any(equals, |parameter| &parameter.newest.data_type)),
        ("Path", None | Some("OneLevel" | "Recursive")) => {
            let recursive = option == Some("Recursive");
            Ok(Box::new(move |parameter| filter.values.iter().any(|path| is_below(parameter, path, recursive))))
        }
        (key, None | Some("Equals")) if key.starts_with("tag:") => {
            let tag = key.trim_start_matches("tag:");
            let has = move |parameter: &Parameter| {
                let value = parameter.tags.get(tag);
                value.is_some_and(|value| filter.values.is_empty() || filter.values.contains(value))
            };
            Ok(Box::new(has))
        }
        (key, _) => Err(Error::InvalidFilter(format!("The filter key {key} is not valid with this option."))),
    }
}

fn name(parameter: &Parameter) -> &str {
    &parameter.key.name
}
