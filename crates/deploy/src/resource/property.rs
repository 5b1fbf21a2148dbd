//! The properties of a resource type as a table, and the typing of what a template gives for them.

use crate::problem::{Position, Problem};
use crate::resource::Properties;
use crate::tree::{Kind, Node};
use serde_json::{Map, Value};

/// One property of a resource type.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
    /// Whether a change of it means a new resource in the old one's place.
    pub replaces: bool,
}

/// What a property holds.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A string; numbers and booleans are taken by their text.
    Text,
    /// A whole number, also as text.
    Int,
    /// A number, also as text.
    Number,
    /// `true` or `false`, also as text.
    Bool,
    /// A list of strings.
    Texts,
    /// A mapping from names to strings.
    TextMap,
    /// A list of structures.
    Structs(&'static [Property]),
    /// A structure.
    Struct(&'static [Property]),
    /// A document of any form, such as a policy; also as a string of JSON.
    Json,
    /// A list of `{Key, Value}`, kept as a mapping.
    Tags,
    /// A property whose only accepted value is nothing at all, which may be written as an empty text, list or mapping; the text says what to do
    /// instead.
    Unsupported(&'static str),
    /// A property whose only accepted value is this one, which holds without it too; the second text says what to do instead. Tools write
    /// defaults out.
    Only(&'static str, &'static str),
}

impl Property {
    /// An optional property that can be changed in place.
    pub const fn optional(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, required: false, replaces: false }
    }

    /// A property that must be given and can be changed in place.
    pub const fn required(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, required: true, replaces: false }
    }

    /// The same, but a change of it replaces the resource.
    pub const fn replacing(mut self) -> Self {
        self.replaces = true;
        self
    }
}

/// Checks the names and forms of `node` against `table`. Values that are still calls are taken on trust until they are resolved.
pub fn check(node: &Node, table: &[Property], what: &str, at: Position, problems: &mut Vec<Problem>) {
    for (key, value) in node.entries() {
        match table.iter().find(|property| property.name == key.text) {
            Some(property) => check_value(value, property, problems),
            None => {
                let known: Vec<&str> = table.iter().map(|property| property.name).collect();
                let text = format!("{what} has no property '{}'; these are: {}", key.text, known.join(", "));
                problems.push(Problem::at(key.at, text));
            }
        }
    }
    if node.as_call().is_none() {
        for property in table.iter().filter(|property| property.required && node.get(property.name).is_none()) {
            problems.push(Problem::at(at, format!("{what} needs the property {}", property.name)));
        }
    }
}

fn check_value(value: &Node, property: &Property, problems: &mut Vec<Problem>) {
    if value.as_call().is_some() {
        return;
    }
    match (property.shape, &value.kind) {
        (Shape::Struct(table), Kind::Map(_)) => check(value, table, property.name, value.at, problems),
        (Shape::Structs(table), Kind::List(items)) => {
            let plain = items.iter().filter(|item| item.as_call().is_none());
            plain.for_each(|item| check(item, table, property.name, item.at, problems));
        }
        (Shape::Texts | Shape::Tags, Kind::List(_)) | (Shape::TextMap, Kind::Map(_)) => {}
        _ => problems.extend(typed(value, property).err()),
    }
}

/// Types resolved properties by their table.
///
/// # Errors
/// The first value that is not of its property's form.
pub fn typed_all(node: &Node, table: &[Property]) -> Result<Properties, Problem> {
    let mut typed_values = Map::new();
    for (key, value) in node.entries() {
        let Some(property) = table.iter().find(|property| property.name == key.text) else { continue };
        let value = if matches!(value.kind, Kind::Null) { Value::Null } else { typed(value, property)? };
        if !value.is_null() {
            typed_values.insert(key.text.clone(), value);
        }
    }
    Ok(typed_values)
}

fn typed(value: &Node, property: &Property) -> Result<Value, Problem> {
    let name = property.name;
    let wrong = |expected: &str| {
        let given = value.as_text().map_or_else(|| value.kind.name().to_owned(), |text| format!("'{text}'"));
        Problem::at(value.at, format!("{name} must be {expected}, not {given}"))
    };
    let text = || value.as_text();
    match property.shape {
        Shape::Text => text().map(Value::from).ok_or_else(|| wrong("a string")),
        Shape::Int => {
            text().and_then(|text| text.parse::<i64>().ok()).map(Value::from).ok_or_else(|| wrong("a whole number"))
        }
        Shape::Number => {
            text().and_then(|text| text.parse::<f64>().ok()).map(Value::from).ok_or_else(|| wrong("a number"))
        }
        Shape::Bool => match text() {
            Some("true" | "True" | "TRUE") => Ok(true.into()),
            Some("false" | "False" | "FALSE") => Ok(false.into()),
            _ => Err(wrong("true or false")),
        },
        Shape::Texts => {
            let Kind::List(items) = &value.kind else { return Err(wrong("a list of strings")) };
            items.iter().map(|item| item.expect_text(&format!("an item of {name}")).map(Value::from)).collect()
        }
        Shape::TextMap => {
            let Kind::Map(entries) = &value.kind else { return Err(wrong("a mapping")) };
            let entry = |(key, value): &(crate::tree::Key, Node)| {
                let text = value.expect_text(&format!("'{}' of {name}", key.text))?;
                Ok((key.text.clone(), Value::from(text)))
            };
            entries.iter().map(entry).collect::<Result<Map<_, _>, Problem>>().map(Value::Object)
        }
        Shape::Structs(table) => {
            let Kind::List(items) = &value.kind else { return Err(wrong("a list")) };
            items.iter().map(|item| typed_struct(item, table, name)).collect()
        }
        Shape::Struct(table) => typed_struct(value, table, name),
        Shape::Json => match text().filter(|text| text.trim_start().starts_with(['{', '['])) {
            Some(text) => {
                serde_json::from_str(text).map_err(|error| wrong(&format!("a document, but it is no JSON ({error})")))
            }
            None => Ok(value.to_json()),
        },
        Shape::Tags => typed_tags(value, name),
        Shape::Unsupported(_) if says_nothing(value) => Ok(Value::Null),
        Shape::Only(default, _) if text() == Some(default) => Ok(Value::Null),
        Shape::Only(default, advice) => {
            Err(Problem::at(value.at, format!("{name} other than {default} is not supported yet: {advice}")))
        }
        Shape::Unsupported(advice) => Err(Problem::at(value.at, format!("{name} is not supported yet: {advice}"))),
    }
}

fn says_nothing(value: &Node) -> bool {
    match &value.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        _ => value.as_text() == Some(""),
    }
}

fn typed_struct(value: &Node, table: &'static [Property], name: &str) -> Result<Value, Problem> {
    value.expect_map(name)?;
    let mut problems = Vec::new();
    check(value, table, name, value.at, &mut problems);
    match problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => typed_all(value, table).map(Value::Object),
    }
}

fn typed_tags(value: &Node, name: &str) -> Result<Value, Problem> {
    let mut tags = Map::new();
    for item in value.expect_list(name)? {
        let (Some(key), Some(tag)) = (item.get("Key"), item.get("Value")) else {
            return Err(Problem::at(item.at, format!("an item of {name} needs Key and Value")));
        };
        tags.insert(key.expect_text("a tag's Key")?.to_owned(), tag.expect_text("a tag's Value")?.into());
    }
    Ok(Value::Object(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Property] = &[
        Property::required("Name", Shape::Text),
        Property::optional("Size", Shape::Int),
        Property::optional("On", Shape::Bool),
        Property::optional("Names", Shape::Texts),
        Property::optional("Inner", Shape::Struct(&[Property::required("A", Shape::Text)])),
        Property::optional("Doc", Shape::Json),
        Property::optional("Tags", Shape::Tags),
        Property::optional("No", Shape::Unsupported("use Name")),
        Property::optional("Level", Shape::Only("OFF", "use Name")),
    ];

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(&crate::tree::parse(text).unwrap(), TABLE, "T", Position::default(), &mut problems);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn unknown_missing_and_mistyped_properties_are_all_named() {
        let found = problems("{Nme: x, Size: big, On: maybe, Names: 1, Inner: {B: 1}, No: 1}");
        let expected =
            ["no property 'Nme'", "Size must be a whole number, not 'big'", "On must be true", "Names must be a list"];
        for text in expected.iter().chain(&[
            "no property 'B'",
            "Inner needs the property A",
            "use Name",
            "needs the property Name",
        ]) {
            assert!(found.iter().any(|message| message.contains(text)), "{text}: {found:#?}");
        }
    }

    #[test]
    fn values_get_their_propertys_type_however_they_were_written() {
        let node =
            crate::tree::parse("{Name: 010, Size: '7', On: 'true', Doc: '{\"a\": 1}', Tags: [{Key: k, Value: 1}]}")
                .unwrap();
        let expected = serde_json::json!({"Name": "010", "Size": 7, "On": true, "Doc": {"a": 1}, "Tags": {"k": "1"}});
        assert_eq!(Value::Object(typed_all(&node, TABLE).unwrap()), expected);
    }

    #[test]
    fn what_has_no_effect_is_taken_where_it_would_have_none() {
        for nothing in ["No: ''", "No: []", "No: {}", "Level: OFF"] {
            let node = crate::tree::parse(&format!("{{Name: x, {nothing}}}")).unwrap();
            assert_eq!(typed_all(&node, TABLE).unwrap().len(), 1, "{nothing}");
            assert!(problems(&format!("{{Name: x, {nothing}}}")).is_empty(), "{nothing}");
        }
        assert!(problems("{Name: x, Level: INFO}")[0].contains("Level other than OFF is not supported yet"));
    }

    #[test]
    fn a_value_that_is_still_a_call_is_taken_on_trust() {
        assert!(problems("{Name: !Ref X, Size: !Ref Y, Inner: {A: !Ref Z}}").is_empty());
    }
}
