//! Checks a decoded input against the constraints of its shapes, in AWS's own words.

use crate::model::{Kind, Model, Shape};
use crate::{Fault, Value};
use std::fmt::{self, Write as _};

/// How many violations are collected before the check gives up.
const VIOLATION_LIMIT: usize = 10;

/// One constraint that an input does not satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, as AWS writes it: `functionName`, `tags.1.member.key`.
    pub path: String,
    /// The value.
    pub value: Shown,
    /// What it must satisfy, such as `Member must not be null`.
    pub constraint: String,
}

/// A violation's value, as far as the message may show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// There is none.
    Missing,
    /// It is secret.
    Sensitive,
    /// As AWS prints it.
    Text(String),
}

impl Violation {
    fn sentence(&self) -> String {
        let value = match &self.value {
            Shown::Missing => " null".into(),
            Shown::Sensitive => String::new(),
            Shown::Text(text) => format!(" '{text}'"),
        };
        format!("Value{value} at '{}' failed to satisfy constraint: {}", self.path, self.constraint)
    }

    /// Whether a required member is missing.
    pub fn is_missing(&self) -> bool {
        self.value == Shown::Missing
    }
}

/// AWS's text for several violations at once.
pub fn violations_message(violations: &[Violation]) -> String {
    let sentences: Vec<String> = violations.iter().map(Violation::sentence).collect();
    let errors = if violations.len() == 1 { "error" } else { "errors" };
    format!("{} validation {errors} detected: {}", violations.len(), sentences.join("; "))
}

/// What most services answer to an invalid input.
pub(crate) fn validation_exception(violations: &[Violation]) -> Fault {
    Fault::client("ValidationException", violations_message(violations))
}

/// Every violation in `value`, at most ten.
pub(crate) fn check<'m>(model: &'m Model, shape: &'m Shape, value: &Value) -> Vec<Violation> {
    let mut check = Check { model, found: Vec::new() };
    check.value(shape, value, None);
    check.found
}

struct Check<'m> {
    model: &'m Model,
    found: Vec<Violation>,
}

impl<'m> Check<'m> {
    fn value(&mut self, shape: &'m Shape, value: &Value, place: Option<&Place<'_>>) {
        if self.found.len() >= VIOLATION_LIMIT {
            return;
        }
        let broken = broken_constraints(shape, value);
        for constraint in broken {
            self.add(place, print(shape, value), constraint);
        }
        match (shape.kind, value) {
            (Kind::Structure, Value::Map(_)) => self.structure(shape, value, place),
            (Kind::List, Value::List(items)) => {
                let Some(inner) = shape.value.as_ref().map(|member| self.model.shape(member.shape)) else { return };
                if is_scalar(inner) {
                    if items.iter().any(|item| !broken_constraints(inner, item).is_empty()) {
                        let all = element_constraints(inner);
                        self.add(place, print(shape, value), format!("Member must satisfy constraint: [{all}]"));
                    }
                    return;
                }
                for (at, item) in items.iter().enumerate() {
                    self.value(inner, item, Some(&Place { above: place, step: Step::Item(at + 1) }));
                }
            }
            (Kind::Map, Value::Map(entries)) => self.map(shape, value, entries, place),
            _ => {}
        }
    }

    fn add(&mut self, place: Option<&Place<'_>>, value: Shown, constraint: String) {
        if self.found.len() < VIOLATION_LIMIT {
            let path = place.map_or_else(String::new, ToString::to_string);
            self.found.push(Violation { path, value, constraint });
        }
    }

    fn structure(&mut self, shape: &'m Shape, value: &Value, above: Option<&Place<'_>>) {
        let below = |name| Place { above, step: Step::Member(name) };
        for member in shape.members.iter().filter(|member| member.required) {
            if value.get(&member.name).is_none() {
                self.add(Some(&below(&member.name)), Shown::Missing, "Member must not be null".into());
            }
        }
        let Value::Map(members) = value else { return };
        for (name, value) in members {
            if let Some(member) = shape.member(name) {
                let inner = self.model.shape(member.shape);
                if needs_check(inner) {
                    self.value(inner, value, Some(&below(name)));
                }
            }
        }
    }

    fn map(&mut self, shape: &'m Shape, value: &Value, entries: &[(String, Value)], place: Option<&Place<'_>>) {
        if let Some(keys) = shape.key.as_ref().map(|member| self.model.shape(member.shape))
            && entries.iter().any(|(key, _)| !broken_text(keys, key).is_empty())
        {
            let all = element_constraints(keys);
            self.add(place, print(shape, value), format!("Map keys must satisfy constraint: [{all}]"));
        }
        let Some(inner) = shape.value.as_ref().map(|member| self.model.shape(member.shape)) else { return };
        if is_scalar(inner) {
            if entries.iter().any(|(_, item)| !broken_constraints(inner, item).is_empty()) {
                let all = element_constraints(inner);
                self.add(place, print(shape, value), format!("Map value must satisfy constraint: [{all}]"));
            }
            return;
        }
        // How long a list may be is said of the whole map, and what is in the list of its own place.
        let is_list = inner.kind == Kind::List;
        if is_list && entries.iter().any(|(_, item)| !broken_constraints(inner, item).is_empty()) {
            let all = length_constraints(inner).join(", ");
            self.add(place, print(shape, value), format!("Map value must satisfy constraint: [{all}]"));
            return;
        }
        for (key, item) in entries {
            self.value(inner, item, Some(&Place { above: place, step: Step::Key(key) }));
        }
    }
}

fn is_scalar(shape: &Shape) -> bool {
    !matches!(shape.kind, Kind::Structure | Kind::List | Kind::Map | Kind::Document)
}

/// Whether a value of `shape` can be wrong at all.
fn needs_check(shape: &Shape) -> bool {
    let constrained = shape.min.is_some() || shape.max.is_some() || shape.pattern.is_some() || !shape.values.is_empty();
    constrained || matches!(shape.kind, Kind::Structure | Kind::List | Kind::Map)
}

/// Where a value is in the input. It is spelled out only when something is wrong there.
struct Place<'p> {
    above: Option<&'p Place<'p>>,
    step: Step<'p>,
}

enum Step<'p> {
    /// `functionName` for the member `FunctionName`.
    Member(&'p str),
    /// An item of a list, from one on.
    Item(usize),
    /// The value of a map's key.
    Key(&'p str),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        match self.step {
            Step::Member(name) => {
                let mut chars = name.chars();
                chars.next().into_iter().flat_map(char::to_lowercase).try_for_each(|first| f.write_char(first))?;
                f.write_str(chars.as_str())
            }
            Step::Item(number) => write!(f, "{number}.member"),
            Step::Key(key) => write!(f, "{key}.member"),
        }
    }
}

fn broken_constraints(shape: &Shape, value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) if shape.kind == Kind::String => broken_text(shape, text),
        Value::Blob(bytes) => broken_length(shape, bytes.len()),
        Value::List(items) => broken_length(shape, items.len()),
        Value::Map(entries) if shape.kind == Kind::Map => broken_length(shape, entries.len()),
        Value::Int(number) if shape.kind != Kind::Timestamp => broken_range(shape, *number as f64),
        Value::Float(number) => broken_range(shape, *number),
        _ => Vec::new(),
    }
}

fn broken_text(shape: &Shape, text: &str) -> Vec<String> {
    let length = if shape.min.is_some() || shape.max.is_some() { text.chars().count() } else { 0 };
    let mut broken = broken_length(shape, length);
    // A text that is too long is not matched, so that no pattern has to be run over megabytes.
    if broken.is_empty() && shape.regex().is_some_and(|regex| !regex.is_match(text)) {
        broken.push(pattern_text(shape));
    }
    if !shape.values.is_empty() && !shape.values.iter().any(|value| value == text) {
        broken.push(values_text(shape));
    }
    broken
}

fn broken_length(shape: &Shape, length: usize) -> Vec<String> {
    let length = length as f64;
    let mut broken = Vec::new();
    broken.extend(shape.max.filter(|max| length > *max).map(longest));
    broken.extend(shape.min.filter(|min| length < *min).map(shortest));
    broken
}

fn broken_range(shape: &Shape, number: f64) -> Vec<String> {
    let mut broken = Vec::new();
    broken.extend(shape.max.filter(|max| number > *max).map(largest));
    broken.extend(shape.min.filter(|min| number < *min).map(smallest));
    broken
}

fn longest(max: f64) -> String {
    format!("Member must have length less than or equal to {max}")
}

fn shortest(min: f64) -> String {
    format!("Member must have length greater than or equal to {min}")
}

fn largest(max: f64) -> String {
    format!("Member must have value less than or equal to {max}")
}

fn smallest(min: f64) -> String {
    format!("Member must have value greater than or equal to {min}")
}

fn pattern_text(shape: &Shape) -> String {
    format!("Member must satisfy regular expression pattern: {}", shape.pattern.as_deref().unwrap_or_default())
}

fn values_text(shape: &Shape) -> String {
    format!("Member must satisfy enum value set: [{}]", shape.values.join(", "))
}

/// Everything that an element of a list or map must satisfy: AWS lists it all when one of them does not.
fn element_constraints(shape: &Shape) -> String {
    let mut all = length_constraints(shape);
    if shape.pattern.is_some() {
        all.push(pattern_text(shape));
    }
    if !shape.values.is_empty() {
        all.push(values_text(shape));
    }
    all.push("Member must not be null".into());
    all.join(", ")
}

/// How long or how large something of `shape` may be.
fn length_constraints(shape: &Shape) -> Vec<String> {
    let sized = matches!(shape.kind, Kind::String | Kind::Blob | Kind::List);
    let most = shape.max.map(if sized { longest } else { largest });
    let least = shape.min.map(if sized { shortest } else { smallest });
    most.into_iter().chain(least).collect()
}

/// A value as AWS prints it in a message, cut to a readable length.
fn print(shape: &Shape, value: &Value) -> Shown {
    if shape.sensitive {
        return Shown::Sensitive;
    }
    let mut text = String::new();
    print_into(value, &mut text);
    Shown::Text(text)
}

fn print_into(value: &Value, text: &mut String) {
    const LONGEST: usize = 4096;
    if text.len() > LONGEST {
        return;
    }
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) => text.push_str(&number.to_string()),
        Value::Text(content) => text.extend(content.chars().take(LONGEST)),
        Value::Blob(bytes) => text.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len())),
        Value::List(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                print_into(item, text);
            }
            text.push(']');
        }
        Value::Map(entries) => {
            text.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                text.push_str(key);
                text.push('=');
                print_into(item, text);
            }
            text.push('}');
        }
    }
}
