//! What a target is given: the event, a part of it, a constant, or a text made from parts of it.

use crate::event::Event;
use crate::model::{InputTransformer, Target};
use crate::path::Path;
use serde_json::Value;
use std::collections::BTreeMap;

/// Variables that rules bring, which no path may name.
pub(crate) const RESERVED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// What templates can say of the rule and of the moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub rule_arn: &'a str,
    pub rule_name: &'a str,
    /// When the event came in, as ISO 8601.
    pub ingested: &'a str,
}

/// The text for `target`; an error says why none can be made.
pub(crate) fn payload(target: &Target, event: &Event, about: About<'_>) -> Result<String, String> {
    if let Some(input) = &target.input {
        return Ok(input.clone());
    }
    if let Some(path) = &target.input_path {
        let found = Path::parse(path).and_then(|path| path.find(&event.value));
        return Ok(found.map_or_else(|| "{}".into(), |value| value.to_string()));
    }
    match &target.input_transformer {
        Some(transformer) => transform(transformer, event, about),
        None => Ok(event.text.clone()),
    }
}

fn transform(transformer: &InputTransformer, event: &Event, about: About<'_>) -> Result<String, String> {
    let found = |path: &String| Path::parse(path).and_then(|path| path.find(&event.value));
    let paths = transformer.input_paths_map.iter().map(|(name, path)| (name.as_str(), found(path)));
    let mut values: BTreeMap<&str, Option<Value>> = paths.collect();
    for name in RESERVED.iter().filter(|name| transformer.input_template.contains(**name)) {
        values.insert(name, Some(reserved(name, event, about)));
    }
    let text = render(&transformer.input_template, &values);
    let is_structure = text.trim_start().starts_with(['{', '[']);
    match serde_json::from_str::<Value>(&text) {
        Err(error) if is_structure => Err(format!("The transformed input is not valid JSON: {error}")),
        _ => Ok(text),
    }
}

fn reserved(name: &str, event: &Event, about: About<'_>) -> Value {
    match name {
        "aws.events.rule-arn" => about.rule_arn.into(),
        "aws.events.rule-name" => about.rule_name.into(),
        "aws.events.event.ingestion-time" => about.ingested.into(),
        "aws.events.event" => {
            let mut head = event.value.clone();
            head.as_object_mut().into_iter().for_each(|members| drop(members.shift_remove("detail")));
            head
        }
        _ => event.value.clone(),
    }
}

/// Puts values in the places of their variables. Inside of a JSON string a value's text is put, elsewhere its JSON; in a template that is
/// neither JSON nor strings, its text.
fn render(template: &str, values: &BTreeMap<&str, Option<Value>>) -> String {
    let trimmed = template.trim();
    let is_json =
        trimmed.starts_with(['{', '[', '"']) || (placeholder(trimmed).is_some_and(|(_, rest)| rest.is_empty()));
    let (mut text, mut rest) = (String::with_capacity(template.len()), template);
    let (mut in_string, mut escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = placeholder(rest)
            && let Some(value) = values.get(name)
        {
            text.push_str(&match (value, in_string, is_json) {
                (None, true, _) | (None, _, false) => String::new(),
                (None, false, true) => "\"\"".into(),
                (Some(value), true, _) => inside_string(value),
                (Some(Value::String(plain)), false, false) => plain.clone(),
                (Some(value), false, _) => value.to_string(),
            });
            rest = after;
            continue;
        }
        (in_string, escaped) = match c {
            _ if escaped => (in_string, false),
            '\\' => (in_string, true),
            '"' => (!in_string, false),
            _ => (in_string, false),
        };
        text.push(c);
        rest = &rest[c.len_utf8()..];
    }
    text
}

/// A value within a JSON string, without the quotes around it.
fn inside_string(value: &Value) -> String {
    let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let quoted = Value::from(plain).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The variable that `text` begins with, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (!name.is_empty() && name.chars().all(plain)).then_some((name, rest))
}

/// The variables that a template names.
pub(crate) fn variables(template: &str) -> Vec<&str> {
    let starts = template.match_indices('<').filter_map(|(at, _)| placeholder(&template[at..]));
    starts.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn transformed(template: &str) -> Result<String, String> {
        let value = json!({
            "id": "1", "source": "s",
            "detail": {"text": "a \"b\"", "number": 7, "list": [1, "x"], "map": {"k": "v"}, "yes": true},
        });
        let event = Event { text: value.to_string(), value, passed: Vec::new() };
        let paths = ["text", "number", "list", "map", "yes", "none"];
        let paths = paths.map(|name| (name.to_owned(), format!("$.detail.{name}"))).into();
        let transformer = InputTransformer { input_paths_map: paths, input_template: template.into() };
        transform(&transformer, &event, About { rule_arn: "arn", rule_name: "name", ingested: "now" })
    }

    #[test]
    fn values_take_their_variables_places() {
        let cases = [
            (r#""<number> of <text>""#, r#""7 of a \"b\"""#),
            (r#"{"t": <text>, "n": <number>}"#, r#"{"t": "a \"b\"", "n": 7}"#),
            (r#"{"t": "is <text>"}"#, r#"{"t": "is a \"b\""}"#),
            (r#"{"l": <list>, "m": <map>, "y": <yes>}"#, r#"{"l": [1,"x"], "m": {"k":"v"}, "y": true}"#),
            (r#"{"l": "<list>"}"#, r#"{"l": "[1,\"x\"]"}"#),
            (r#"{"none": <none>, "in": "<none>!"}"#, r#"{"none": "", "in": "!"}"#),
            ("<text>", r#""a \"b\"""#),
            ("<map>", r#"{"k":"v"}"#),
            (
                r#"{"rule": <aws.events.rule-arn>, "at": "<aws.events.event.ingestion-time>"}"#,
                r#"{"rule": "arn", "at": "now"}"#,
            ),
            (r#"{"e": <aws.events.event>}"#, r#"{"e": {"id":"1","source":"s"}}"#),
            (r#""<unknown> \"<number>\"""#, r#""<unknown> \"7\"""#),
            ("\"one <number>\"\n\"two <yes>\"", "\"one 7\"\n\"two true\""),
            ("plain <text>", "plain a \"b\""),
        ];
        for (template, expected) in cases {
            assert_eq!(transformed(template).as_deref(), Ok(expected), "{template}");
        }
        assert!(transformed(r#"{"a": <number> x}"#).is_err());
    }

    #[test]
    fn a_templates_variables_are_known() {
        assert_eq!(variables("<a> and \"<b.c>\" but not < d> nor <>"), ["a", "b.c"]);
    }
}
