//! The paths by which parts of an event are named: `$.detail.items[0].name`, with `*` for every member or element.

use serde_json::Value;

/// A path, ready to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
    All,
}

impl Path {
    /// Reads a path; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = after.split_once(']')?;
                steps.push(bracketed(inside)?);
                rest = after;
                continue;
            }
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            match name {
                "" => return None,
                "*" => steps.push(Step::All),
                name => steps.push(Step::Member(name.to_owned())),
            }
            rest = &after[end..];
        }
        Some(Self(steps))
    }

    /// What it leads to in `value`; behind a `*`, a list of all that is there.
    pub(crate) fn find(&self, value: &Value) -> Option<Value> {
        let mut found = vec![value];
        let mut many = false;
        for step in &self.0 {
            let next: Vec<&Value> = match step {
                Step::Member(name) => found.iter().filter_map(|value| value.get(name)).collect(),
                Step::Element(at) => found.iter().filter_map(|value| value.get(at)).collect(),
                Step::All => {
                    many = true;
                    found.iter().flat_map(|value| children(value)).collect()
                }
            };
            found = next;
        }
        if many {
            Some(Value::Array(found.into_iter().cloned().collect()))
        } else {
            found.first().map(|value| (*value).clone())
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

fn bracketed(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::All);
    }
    let quoted = |mark: char| inside.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    match quoted('\'').or_else(|| quoted('"')) {
        Some(name) => Some(Step::Member(name.to_owned())),
        None => inside.parse().ok().map(Step::Element),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_parts() {
        let event = json!({"detail": {"a": [{"b": 1}, {"b": 2}], "x-y": null, "p/q": "s"}});
        let cases = [
            ("$", Some(event.clone())),
            ("$.detail.a[1].b", Some(json!(2))),
            ("$.detail.a[*].b", Some(json!([1, 2]))),
            ("$.detail['x-y']", Some(Value::Null)),
            ("$.detail.p/q", Some(json!("s"))),
            ("$.detail.none", None),
            ("$.detail.a[7]", None),
        ];
        for (path, expected) in cases {
            assert_eq!(Path::parse(path).unwrap().find(&event), expected, "{path}");
        }
        for path in ["", "detail", "$detail", "$.", "$..a", "$.a[", "$.a[x]"] {
            assert_eq!(Path::parse(path), None, "{path}");
        }
    }
}
