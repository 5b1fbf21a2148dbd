//! Handlers for queries and scans.

use super::shapes::items::{Capacity, Found, SearchInput};
use super::{address, reading};
use crate::capacity::{Taken, read_factor};
use crate::contents;
use crate::expression::{Condition, KeyCondition, Kind, Projection, legacy};
use crate::query::{Reach, Search};
use crate::schema::{Index, IndexKind, KeySchema, Projection as Shown, Table, TableKey};
use crate::value::{Item, item_size};
use crate::{Error, Tables};
use fogbank_model::RequestContext;
use fogbank_wire::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Tables>;

/// What is shown of the items that are found.
struct Show {
    select: Option<String>,
    projection: Option<Projection>,
    /// The parameter that the projection comes from.
    parameter: &'static str,
    is_consistent: bool,
    capacity: Option<String>,
}

impl Show {
    /// Whether `Select` goes with the other parameters.
    fn check(&self, verb: &str, has_index: bool) -> Result<(), Error> {
        let parameter = self.parameter;
        match (self.select.as_deref(), self.projection.is_some()) {
            (Some("SPECIFIC_ATTRIBUTES"), false) => Err(Error::validation(
                "One or more parameter values were invalid: Must specify the AttributesToGet or ProjectionExpression when choosing to get \
                 SPECIFIC_ATTRIBUTES",
            )),
            (Some("ALL_PROJECTED_ATTRIBUTES"), _) if !has_index => Err(Error::validation(format!(
                "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when {verb} using an IndexName"
            ))),
            (Some("COUNT"), true) => {
                Err(Error::validation(format!("Cannot specify the {parameter} when choosing to get only the Count")))
            }
            (Some(select @ ("ALL_ATTRIBUTES" | "ALL_PROJECTED_ATTRIBUTES")), true) => {
                Err(Error::validation(format!("Cannot specify the {parameter} when choosing to get {select}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the index can show what is wanted.
    fn check_index(&self, table: &Table, index: Option<&Index>) -> Result<(), Error> {
        let Some(index) = index.filter(|index| index.kind == IndexKind::Global) else { return Ok(()) };
        if self.is_consistent {
            return Err(Error::validation("Consistent reads are not supported on global secondary indexes"));
        }
        if self.select.as_deref() == Some("ALL_ATTRIBUTES") && index.projection != Shown::All {
            return Err(Error::parameter(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its projection type is not ALL",
                index.name
            )));
        }
        let wanted = self.projection.iter().flat_map(Projection::paths);
        contents::check_projects(table, index, wanted.map(|path| path.name.as_str()))
    }

    /// Whether a local index does not show all that is wanted, so that the items themselves are read.
    fn fetches(&self, table: &Table, index: &Index) -> bool {
        let wanted = self.projection.iter().flat_map(Projection::paths);
        let is_beyond = wanted.into_iter().any(|path| !contents::is_shown(table, index, &path.name));
        let is_all = self.select.as_deref() == Some("ALL_ATTRIBUTES") && index.projection != Shown::All;
        index.kind == IndexKind::Local && (is_beyond || is_all)
    }

    /// An item as it is shown.
    fn item(&self, table: &Table, index: Option<&Index>, item: Item) -> Item {
        if let Some(projection) = &self.projection {
            return projection.of(&item);
        }
        match index {
            Some(index) if self.select.as_deref() != Some("ALL_ATTRIBUTES") => contents::project(table, index, item),
            _ => item,
        }
    }

    fn answer(
        self,
        state: &Tables,
        name: &str,
        search: &Search,
        check: impl FnOnce(&KeySchema) -> Result<(), Error>,
    ) -> Result<Found, Error> {
        let (table, page) = state.search(search, |table, index| {
            self.check_index(table, index)?;
            check(index.map_or(&table.keys, |index| &index.keys))
        })?;
        let index = search.index.as_deref().and_then(|name| table.index(name));
        let factor = read_factor(self.is_consistent);
        let mut taken = Taken::reading(&table, search.index.as_deref(), page.bytes, factor);
        if index.is_some_and(|index| self.fetches(&table, index)) {
            page.items.iter().for_each(|item| taken.add_fetched(item_size(item), factor));
        }
        let count = page.items.len();
        let is_counted = self.select.as_deref() == Some("COUNT");
        let items = page.items.into_iter().map(|item| self.item(&table, index, item));
        Ok(Found {
            items: (!is_counted).then(|| items.collect()),
            count,
            scanned_count: page.scanned,
            last_evaluated_key: page.last,
            consumed_capacity: Capacity::of(name, &taken, self.capacity.as_deref(), false),
        })
    }
}

pub(super) async fn query(state: State, context: RequestContext, mut input: SearchInput) -> Result<Found, Error> {
    let table = address::table(&context, &input.table_name)?;
    let older = input.key_conditions.as_ref().map(BTreeMap::len);
    let mut asked = Asked::read(&mut input, "FilterExpression and KeyConditionExpression are null")?;
    let condition = asked.condition.take().ok_or_else(|| {
        Error::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    })?;
    let filter_name = if input.filter_expression.is_some() { "Filter Expression" } else { "QueryFilter" };
    let reach = Reach::Partition { condition, is_forward: input.scan_index_forward.unwrap_or(true) };
    let (show, search) = asked.search(table, reach, &mut input, "Querying")?;
    let check = |keys: &KeySchema| {
        older.map_or(Ok(()), |length| legacy::check_length(length, keys.names().count()))?;
        check_filter(filter_name, search.filter.as_ref(), keys)
    };
    show.answer(&state, &input.table_name, &search, check)
}

/// A query's filter sees what its key condition has found; keys are for the latter.
pub(super) fn check_filter(parameter: &str, filter: Option<&Condition>, keys: &KeySchema) -> Result<(), Error> {
    let Some(filter) = filter else { return Ok(()) };
    match filter.paths().into_iter().find(|path| keys.has(&path.name)) {
        Some(path) => Err(Error::validation(format!(
            "{parameter} can only contain non-primary key attributes: Primary key attribute: {}",
            path.name
        ))),
        None => Ok(()),
    }
}

pub(super) async fn scan(state: State, context: RequestContext, mut input: SearchInput) -> Result<Found, Error> {
    let table = address::table(&context, &input.table_name)?;
    let segment = segment(input.segment, input.total_segments)?;
    let asked = Asked::read(&mut input, "FilterExpression is null")?;
    let (show, search) = asked.search(table, Reach::Everything { segment }, &mut input, "Scanning")?;
    show.answer(&state, &input.table_name, &search, |_| Ok(()))
}

/// What a query or a scan asks for, in expressions or older parameters.
struct Asked {
    condition: Option<KeyCondition>,
    filter: Option<Condition>,
    projection: Option<Projection>,
    after: Option<Item>,
}

impl Asked {
    /// Reads it. `missing` says what is not there that values could be for.
    fn read(input: &mut SearchInput, missing: &'static str) -> Result<Self, Error> {
        check_parameters(input, missing)?;
        let older = input.query_filter.take().or(input.scan_filter.take());
        let older_filter = legacy::condition(older, input.conditional_operator.as_deref())?;
        let after = input.exclusive_start_key.take().map(starting_key).transpose()?;
        let attributes = input.attributes_to_get.take().map(legacy::projection).transpose()?;
        let older_condition = input.key_conditions.take().map(legacy::key_condition).transpose()?;
        let (names, values) = (input.expression_attribute_names.take(), input.expression_attribute_values.take());
        let mut placeholders = reading::placeholders(names, values)?;
        let condition = input.key_condition_expression.as_deref();
        let condition = condition.map(|text| KeyCondition::parse(text, &mut placeholders)).transpose()?;
        let filter = reading::condition(Kind::Filter, input.filter_expression.as_deref(), &mut placeholders)?;
        let projection = reading::projection(input.projection_expression.as_deref(), &mut placeholders)?;
        placeholders.check_used()?;
        let (condition, filter) = (condition.or(older_condition), filter.or(older_filter));
        Ok(Self { condition, filter, projection: projection.or(attributes), after })
    }

    fn search(
        self,
        table: TableKey,
        reach: Reach,
        input: &mut SearchInput,
        verb: &str,
    ) -> Result<(Show, Search), Error> {
        let is_expression = input.projection_expression.is_some();
        let show = Show {
            select: input.select.take(),
            parameter: if is_expression { "ProjectionExpression" } else { "AttributesToGet" },
            projection: self.projection,
            is_consistent: input.consistent_read,
            capacity: input.return_consumed_capacity.take(),
        };
        show.check(verb, input.index_name.is_some())?;
        let (index, limit) = (input.index_name.take(), input.limit);
        Ok((show, Search { table, index, reach, after: self.after, filter: self.filter, limit }))
    }
}

/// Whether what is there goes together.
fn check_parameters(input: &SearchInput, missing: &'static str) -> Result<(), Error> {
    let expressions = [
        ("ProjectionExpression", input.projection_expression.is_some()),
        ("FilterExpression", input.filter_expression.is_some()),
        ("KeyConditionExpression", input.key_condition_expression.is_some()),
    ];
    let older = [
        ("AttributesToGet", input.attributes_to_get.is_some()),
        ("QueryFilter", input.query_filter.is_some()),
        ("ScanFilter", input.scan_filter.is_some()),
        ("ConditionalOperator", input.conditional_operator.is_some()),
        ("KeyConditions", input.key_conditions.is_some()),
    ];
    legacy::check_unmixed(&older, &expressions)?;
    let has_expression = expressions.iter().any(|(_, is_there)| *is_there);
    let (names, values) = (&input.expression_attribute_names, input.expression_attribute_values.as_ref());
    let takes_values = input.filter_expression.is_some() || input.key_condition_expression.is_some();
    reading::check_placeholders((names, None), has_expression, missing)?;
    reading::check_placeholders((&None, values), takes_values, missing)
}

/// The key that a page begins after.
fn starting_key(value: Value) -> Result<Item, Error> {
    reading::item(value).map_err(|error| Error::validation(format!("The provided starting key is invalid: {error}")))
}

fn segment(segment: Option<u64>, total: Option<u64>) -> Result<Option<(u64, u64)>, Error> {
    match (segment, total) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        )),
        (None, Some(_)) => Err(Error::validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        )),
        (Some(segment), Some(total)) if segment >= total => Err(Error::validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than \
             TotalSegments: {total}"
        ))),
        (Some(segment), Some(total)) => Ok(Some((segment, total))),
    }
}
