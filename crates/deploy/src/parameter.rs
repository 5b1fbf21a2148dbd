//! A template's parameters: declared types and rules against the values given for a deployment.

use crate::problem::Problem;
use crate::tree::{Key, Kind, Node};
use std::collections::BTreeMap;

/// How the types begin of parameters whose values are names in the Parameter Store.
const STORED: &str = "AWS::SSM::Parameter::Value<";

/// The parameters whose values are in the Parameter Store, and the names that they have there.
pub fn stored(declared: &[(Key, Node)], given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let name = |(key, declaration): &(Key, Node)| {
        declaration.get("Type").and_then(Node::as_text).filter(|kind| kind.starts_with(STORED))?;
        let default = || declaration.get("Default").and_then(Node::as_text).map(str::to_owned);
        Some((key.text.clone(), given.get(&key.text).cloned().or_else(default)?))
    };
    declared.iter().filter_map(name).collect()
}

/// Binds every declared parameter to its given or default value, or to the one that has that name in `store`.
///
/// # Errors
/// Every missing value, every value that breaks its declaration, every given value that is not declared.
pub fn bind(
    declared: &[(Key, Node)],
    given: &BTreeMap<String, String>,
    store: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, Node>, Vec<Problem>> {
    let mut bound = BTreeMap::new();
    let mut problems = Vec::new();
    for (key, declaration) in declared {
        match bind_one(key, declaration, given.get(&key.text), store) {
            Ok(node) => drop(bound.insert(key.text.clone(), node)),
            Err(problem) => problems.push(problem),
        }
    }
    for name in given.keys().filter(|name| !declared.iter().any(|(key, _)| key.text == **name)) {
        let at = declared.first().map(|(key, _)| key.at).unwrap_or_default();
        problems.push(Problem::at(
            at,
            format!("a value is given for the parameter '{name}', which the template does not declare"),
        ));
    }
    if problems.is_empty() { Ok(bound) } else { Err(problems) }
}

fn bind_one(
    key: &Key,
    declaration: &Node,
    given: Option<&String>,
    store: &dyn Fn(&str) -> Option<String>,
) -> Result<Node, Problem> {
    declaration.expect_map(&format!("the parameter {}", key.text))?;
    let kind = declaration
        .get("Type")
        .ok_or_else(|| Problem::at(key.at, format!("the parameter {} has no Type", key.text)))?;
    let kind = kind.expect_text("Type")?;
    let inner = kind.strip_prefix(STORED).and_then(|inner| inner.strip_suffix('>'));
    let (kind, is_stored) = inner.map_or((kind, false), |inner| (inner, true));
    let known = kind == "AWS::SSM::Parameter::Name"
        || matches!(kind, "String" | "Number" | "CommaDelimitedList" | "List<Number>" | "List<String>");
    if !known && !kind.starts_with("AWS::EC2::") && !kind.starts_with("List<AWS::EC2::") {
        return Err(Problem::at(key.at, format!("the parameter type {kind} is not supported yet")));
    }
    let default = declaration.get("Default").filter(|node| !matches!(node.kind, Kind::Null));
    let text = match (given, default) {
        (Some(text), _) => text.as_str(),
        (None, Some(node)) => node.expect_text("Default")?,
        (None, None) => {
            let text =
                format!("the parameter {0} needs a value: give one with --parameter {0}=…, or a Default", key.text);
            return Err(Problem::at(key.at, text));
        }
    };
    let found;
    let text = if is_stored {
        found = store(text).ok_or_else(|| Problem::at(key.at, format!("there is no stored parameter {text}")))?;
        found.as_str()
    } else {
        text
    };
    let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
    if !is_list {
        check(key, kind, declaration, text)?;
        return Ok(Node::text(key.at, text));
    }
    let items: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() };
    let element = if kind == "List<Number>" { "Number" } else { "String" };
    items.iter().try_for_each(|item| check(key, element, declaration, item))?;
    Ok(Node::list(key.at, items.into_iter().map(|item| Node::text(key.at, item)).collect()))
}

fn check(key: &Key, kind: &str, declaration: &Node, value: &str) -> Result<(), Problem> {
    let name = &key.text;
    let explain = |text: String| {
        let constraint = declaration.get("ConstraintDescription").and_then(Node::as_text);
        let text = constraint.map_or(text, |constraint| format!("the parameter {name} failed: {constraint}"));
        Problem::at(key.at, text)
    };
    let limit = |rule: &str| declaration.get(rule).and_then(Node::as_text).and_then(|text| text.parse::<f64>().ok());
    if kind == "Number" {
        let number: f64 =
            value.parse().map_err(|_| explain(format!("the parameter {name} must be a number, not '{value}'")))?;
        if limit("MinValue").is_some_and(|least| number < least) || limit("MaxValue").is_some_and(|most| number > most)
        {
            return Err(explain(format!("the parameter {name} is outside its MinValue and MaxValue")));
        }
    }
    let length = value.chars().count() as f64;
    if limit("MinLength").is_some_and(|least| length < least) || limit("MaxLength").is_some_and(|most| length > most) {
        return Err(explain(format!("the parameter {name} is outside its MinLength and MaxLength")));
    }
    if let Some(allowed) = declaration.get("AllowedValues") {
        let allowed: Vec<&str> = allowed.items().iter().filter_map(Node::as_text).collect();
        if !allowed.contains(&value) {
            return Err(explain(format!("the parameter {name} must be one of: {}", allowed.join(", "))));
        }
    }
    if let Some(pattern) = declaration.get("AllowedPattern").and_then(Node::as_text) {
        let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"));
        let whole = whole.map_err(|error| explain(format!("AllowedPattern of {name} is not a pattern: {error}")))?;
        if !whole.is_match(value) {
            return Err(explain(format!("the parameter {name} must match the pattern {pattern}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind_text(declared: &str, given: &[(&str, &str)]) -> Result<BTreeMap<String, Node>, Vec<Problem>> {
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let store = |name: &str| (name == "/stored").then(|| "1,2".to_owned());
        bind(crate::tree::parse(declared).unwrap().entries(), &given, &store)
    }

    #[test]
    fn a_value_that_breaks_its_declaration_is_refused() {
        for (declared, value, reason) in [
            ("P: {Type: Number}", "x", "must be a number"),
            ("P: {Type: Number, MaxValue: 5}", "6", "MinValue and MaxValue"),
            ("P: {Type: String, MinLength: 3}", "ab", "MinLength"),
            ("P: {Type: String, AllowedValues: [a, b]}", "c", "one of: a, b"),
            ("P: {Type: String, AllowedPattern: '[a-z]+'}", "a1", "match the pattern"),
            ("P: {Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: only letters}", "a1", "only letters"),
            ("P: {Type: 'List<Number>'}", "1,x", "must be a number"),
            ("P: {Type: Strange}", "1", "not supported"),
        ] {
            let problems = bind_text(declared, &[("P", value)]).unwrap_err();
            assert!(problems[0].message.contains(reason), "{declared}: {problems:?}");
        }
    }

    #[test]
    fn missing_and_undeclared_values_are_reported_together() {
        let problems = bind_text("P: {Type: String}\nQ: {Type: String, Default: x}", &[("R", "1")]).unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].message.contains("--parameter P="));
        assert!(problems[1].message.contains("'R'"));
    }

    #[test]
    fn what_is_stored_is_looked_up_by_its_name() {
        let declared = "P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /stored}\nL: {Type: 'AWS::SSM::Parameter::Value<List<String>>'}\nN: {Type: 'AWS::SSM::Parameter::Name'}";
        let bound = bind_text(declared, &[("L", "/stored"), ("N", "/stored")]).unwrap();
        assert_eq!((bound["P"].as_text(), bound["N"].as_text()), (Some("1,2"), Some("/stored")));
        assert_eq!(bound["L"].to_json(), serde_json::json!(["1", "2"]));
        let problems = bind_text(declared, &[("L", "/gone"), ("N", "/stored")]).unwrap_err();
        assert!(problems[0].message.contains("no stored parameter /gone"), "{problems:?}");
    }

    #[test]
    fn a_default_keeps_its_raw_text() {
        let bound =
            bind_text("P: {Type: String, Default: 010}\nL: {Type: CommaDelimitedList, Default: 'a, b'}", &[]).unwrap();
        assert_eq!(bound["P"].as_text(), Some("010"));
        assert_eq!(bound["L"].to_json(), serde_json::json!(["a", "b"]));
    }
}
