//! Resource policies: what is refused of a document, and the one form in which all ways of writing the same are kept and compared. They are
//! not evaluated.

use crate::Error;
use fogbank_model::matches_wildcard;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const BYTES: usize = 20 * 1024;
const CHANGE: &str = "dynamodb:PutResourcePolicy";
/// What can be done with streams only.
const OF_STREAMS: [&str; 3] = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
/// The elements of a statement, in the order in which they are shown.
const ELEMENTS: [&str; 8] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource"];
const CONDITION: &str = "Condition";
/// The language of a document that does not say which.
const OLDEST: &str = "2008-10-17";

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::parameter(format!("Invalid policy document: {why}"))
}

/// A policy's document, checked, and written in the one form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy(Map<String, Value>);

impl Policy {
    /// Reads the policy of a table, or of one of its streams.
    pub fn read(text: &str, is_of_stream: bool) -> Result<Self, Error> {
        if text.len() > BYTES {
            return Err(Error::parameter(format!("Maximum policy size of {BYTES} bytes exceeded")));
        }
        let document = match serde_json::from_str(text) {
            Ok(Value::Object(document)) => document,
            Ok(Value::Null) => return Err(invalid("This text appears not to be a policy")),
            _ => return Err(invalid("This policy contains invalid Json")),
        };
        let unread = || invalid(format!("Syntax error at position {}", end_of(text)));
        let statements = match document.get("Statement") {
            Some(Value::Array(all)) => all.clone(),
            Some(one @ Value::Object(_)) => vec![one.clone()],
            _ => return Err(unread()),
        };
        if statements.is_empty() {
            return Err(invalid("Could not parse the policy: Statement is empty!"));
        }
        let statements: Result<Vec<_>, Error> =
            statements.iter().map(|one| statement(one.as_object().ok_or_else(unread)?, unread)).collect();
        let statements = statements?;
        check(&statements, is_of_stream)?;
        let kept =
            ["Version", "Id"].into_iter().filter_map(|name| Some((name.to_owned(), document.get(name)?.clone())));
        let mut read: Map<String, Value> = kept.collect();
        read.insert("Statement".into(), statements.into_iter().map(Value::Object).collect());
        Ok(Self(read))
    }

    /// As it is kept and compared. A document that does not name its version is another one than one that does.
    pub fn text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Whether nobody of `account` could change it any more.
    pub fn shuts_out(&self, account: &str) -> bool {
        let statements = self.0.get("Statement").and_then(Value::as_array);
        let is_all = |name: &str| name == "*" || name == root(account);
        let shuts = |one: &Value| {
            let is_denial = one["Effect"] == "Deny" && one.get(CONDITION).is_none();
            is_denial && principals(&one["Principal"]).any(is_all) && texts(&one["Action"]).any(means_change)
        };
        statements.is_some_and(|all| all.iter().any(shuts))
    }
}

/// Whether an action, which may have wildcards, is the one that changes policies. Small letters and capitals are the same.
fn means_change(action: &str) -> bool {
    matches_wildcard(&action.to_ascii_lowercase(), &CHANGE.to_ascii_lowercase())
}

/// What `GetResourcePolicy` shows of a policy that is kept as `text`.
pub(crate) fn shown(text: &str) -> String {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(document) if !document.contains_key("Version") => {
            let version = ("Version".to_owned(), Value::from(OLDEST));
            Value::Object(std::iter::once(version).chain(document).collect()).to_string()
        }
        _ => text.to_owned(),
    }
}

/// The line and the column behind a text's last letter.
fn end_of(text: &str) -> String {
    let last = text.rsplit('\n').next().unwrap_or_default();
    format!("({},{})", text.matches('\n').count() + 1, last.chars().count() + 1)
}

fn statement(given: &Map<String, Value>, unread: impl Fn() -> Error) -> Result<Map<String, Value>, Error> {
    for (element, but) in
        [("Effect", "Effect"), ("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")]
    {
        if !given.contains_key(element) && !given.contains_key(but) {
            return Err(invalid(format!("Missing required field {element}")));
        }
    }
    if given.keys().any(|name| !ELEMENTS.contains(&name.as_str()) && name != CONDITION) {
        return Err(unread());
    }
    let mut read = Map::new();
    for name in ELEMENTS {
        let Some(value) = given.get(name) else { continue };
        let value = match name {
            "Effect" => effect(value).ok_or_else(&unread)?,
            "Principal" | "NotPrincipal" => principal(value),
            _ => single(value),
        };
        read.insert(name.into(), value);
    }
    if let Some(condition) = given.get(CONDITION) {
        read.insert(CONDITION.into(), singles_in(condition));
    }
    Ok(read)
}

fn effect(given: &Value) -> Option<Value> {
    let given = given.as_str()?;
    ["Allow", "Deny"].into_iter().find(|effect| effect.eq_ignore_ascii_case(given)).map(Value::from)
}

/// A list of one thing is that thing.
fn single(value: &Value) -> Value {
    match value.as_array().map(Vec::as_slice) {
        Some([one]) => one.clone(),
        _ => value.clone(),
    }
}

fn singles_in(value: &Value) -> Value {
    match value {
        Value::Object(inner) => {
            Value::Object(inner.iter().map(|(name, value)| (name.clone(), singles_in(value))).collect())
        }
        other => single(other),
    }
}

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// Who is meant, once each; an account's number means its root.
fn principal(given: &Value) -> Value {
    let Value::Object(kinds) = given else { return given.clone() };
    let named = |(kind, names): (&String, &Value)| {
        let is_number = |name: &str| name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
        let mut all: Vec<Value> = Vec::new();
        for name in texts(names) {
            let name = Value::from(if kind == "AWS" && is_number(name) { root(name) } else { name.to_owned() });
            if !all.contains(&name) {
                all.push(name);
            }
        }
        (kind.clone(), single(&Value::Array(all)))
    };
    Value::Object(kinds.iter().map(named).collect())
}

/// The texts of a text or of a list of them.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_else(|| std::slice::from_ref(value));
    list.iter().filter_map(Value::as_str)
}

/// The names of principals, of all kinds.
fn principals(value: &Value) -> impl Iterator<Item = &str> {
    texts(value).chain(value.as_object().into_iter().flat_map(|kinds| kinds.values().flat_map(texts)))
}

fn check(statements: &[Map<String, Value>], is_of_stream: bool) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    if !statements.iter().filter_map(|one| one.get("Sid")?.as_str()).all(|sid| seen.insert(sid)) {
        return Err(invalid("The Statement Ids in the policy are not unique"));
    }
    for one in statements {
        check_actions(one, is_of_stream)?;
        check_resources(one, is_of_stream)?;
        let is_for_all =
            one["Effect"] == "Allow" && one.get("Principal").is_some_and(|who| principals(who).any(|name| name == "*"));
        if is_for_all && !one.contains_key(CONDITION) {
            return Err(Error::validation(
                "Resource-based policy grants unbounded access in one or more elements. Please revise the policy to ensure \
                 least-privilege form of access",
            ));
        }
    }
    Ok(())
}

fn check_actions(statement: &Map<String, Value>, is_of_stream: bool) -> Result<(), Error> {
    let is_streams = |action: &str| OF_STREAMS.iter().any(|one| one.eq_ignore_ascii_case(action));
    let actions = statement.get("Action").map(texts).into_iter().flatten();
    let wrong: Vec<String> =
        actions.filter(|action| !is_of_stream && is_streams(action)).map(|action| format!("\"{action}\"")).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(invalid(format!("The following action names are invalid: {}", wrong.join(", ")))),
    }
}

/// A stream's policy speaks of streams, and a table's does not.
fn check_resources(statement: &Map<String, Value>, is_of_stream: bool) -> Result<(), Error> {
    for arn in statement.get("Resource").map(texts).into_iter().flatten().filter(|arn| arn.starts_with("arn:")) {
        let relative = arn.splitn(6, ':').nth(5).unwrap_or_default();
        if relative.contains("/stream/") != is_of_stream {
            return Err(invalid(format!("The relative-id \"{relative}\" is invalid for ARN \"{arn}\"")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
