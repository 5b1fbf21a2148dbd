//! The intrinsic functions. A [`Scope`] holds what names mean; resolving a tree replaces every call by its value.

mod lists;
mod substitution;

use crate::problem::{Position, Problem};
use crate::resource::Made;
use crate::template::Template;
use crate::tree::{Key, Kind, Node};
use std::collections::BTreeMap;

pub(crate) use substitution::{Piece, pieces};

/// What the pseudo parameters mean.
#[derive(Debug, Clone)]
pub struct Pseudo {
    /// `AWS::AccountId`
    pub account: String,
    /// `AWS::Region`
    pub region: String,
    /// `AWS::StackName`
    pub stack_name: String,
    /// `AWS::StackId`
    pub stack_id: String,
}

/// What every name in a template means.
pub struct Scope<'a> {
    /// The template, for its mappings and conditions.
    pub template: &'a Template,
    /// The parameters' values.
    pub parameters: &'a BTreeMap<String, Node>,
    /// The pseudo parameters' values.
    pub pseudo: &'a Pseudo,
    /// The resources deployed so far.
    pub deployed: &'a BTreeMap<String, Made>,
    /// Other stacks' exports, by name.
    pub exports: &'a BTreeMap<String, String>,
    /// Whether each condition holds; see [`crate::condition::evaluate`].
    pub conditions: &'a BTreeMap<String, bool>,
}

type Resolved = Result<Option<Node>, Problem>;

impl Scope<'_> {
    /// `node` with every call replaced by its value. `None` where it says `AWS::NoValue`.
    ///
    /// # Errors
    /// A name that means nothing, an argument of the wrong form, or a reference to a resource that is not deployed yet.
    pub fn resolve(&self, node: &Node) -> Resolved {
        if let Some((function, argument)) = node.as_call() {
            return self.call(function, argument, node.at);
        }
        let kind = match &node.kind {
            Kind::List(items) => Kind::List(self.resolve_items(items)?),
            Kind::Map(entries) => {
                let mut resolved = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if let Some(value) = self.resolve(value)? {
                        resolved.push((key.clone(), value));
                    }
                }
                Kind::Map(resolved)
            }
            other => other.clone(),
        };
        Ok(Some(Node { at: node.at, kind }))
    }

    fn resolve_items(&self, items: &[Node]) -> Result<Vec<Node>, Problem> {
        let mut resolved = Vec::with_capacity(items.len());
        for item in items {
            resolved.extend(self.resolve(item)?);
        }
        Ok(resolved)
    }

    fn call(&self, function: &str, argument: &Node, at: Position) -> Resolved {
        let value = match function {
            "Ref" => return self.reference(argument.expect_text("Ref")?, at),
            "Fn::If" => return self.choose(argument),
            "Fn::GetAtt" => self.attribute(argument)?,
            "Fn::Sub" => Node::text(at, self.substitute(argument)?),
            "Fn::Join" => self.join(argument)?,
            "Fn::Select" => self.select(argument)?,
            "Fn::Split" => self.split(argument)?,
            "Fn::FindInMap" => self.find_in_map(argument)?,
            "Fn::Base64" => {
                let text = self.text(argument, "Fn::Base64")?;
                Node::text(at, base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text))
            }
            "Fn::GetAZs" => {
                let given = self.text(argument, "Fn::GetAZs")?;
                let region = if given.is_empty() { self.pseudo.region.clone() } else { given };
                Node::list(at, ["a", "b", "c"].iter().map(|zone| Node::text(at, format!("{region}{zone}"))).collect())
            }
            "Fn::ImportValue" => {
                let name = self.text(argument, "Fn::ImportValue")?;
                let value = self.exports.get(&name);
                Node::text(at, value.ok_or_else(|| Problem::at(at, format!("no stack exports '{name}'")))?)
            }
            "Fn::Length" => {
                let list = self.list(argument, "Fn::Length")?;
                Node { at, kind: Kind::Scalar { text: list.len().to_string(), plain: true } }
            }
            "Fn::ToJsonString" => {
                let value = self.resolve(argument)?.map_or(serde_json::Value::Null, |node| node.to_json());
                Node::text(at, value.to_string())
            }
            "Fn::Cidr" => self.cidr(argument)?,
            "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => {
                return Err(Problem::at(at, format!("{function} belongs into Conditions or an Fn::If")));
            }
            other => return Err(Problem::at(at, format!("{other} is not supported"))),
        };
        Ok(Some(value))
    }

    fn reference(&self, name: &str, at: Position) -> Resolved {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.pseudo_value(name) {
            return Ok(Some(Node::text(at, value)));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(Node { at, kind: value.kind.clone() }));
        }
        if let Some(known) = self.deployed.get(name) {
            return Ok(Some(Node::text(at, &known.physical_id)));
        }
        Err(self.unknown(name, at))
    }

    fn pseudo_value(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::AccountId" => self.pseudo.account.clone(),
            "AWS::Region" => self.pseudo.region.clone(),
            "AWS::StackName" => self.pseudo.stack_name.clone(),
            "AWS::StackId" => self.pseudo.stack_id.clone(),
            "AWS::Partition" => "aws".into(),
            "AWS::URLSuffix" => "amazonaws.com".into(),
            "AWS::NotificationARNs" => String::new(),
            _ => return None,
        })
    }

    pub(crate) fn unknown(&self, name: &str, at: Position) -> Problem {
        if self.template.resource(name).is_some() {
            return Problem::at(
                at,
                format!("the resource {name} is not deployed: its condition is false, or it comes later"),
            );
        }
        Problem::at(at, format!("'{name}' is neither a parameter nor a resource of this template"))
    }

    fn attribute(&self, argument: &Node) -> Result<Node, Problem> {
        let (resource, attribute) = self.attribute_name(argument)?;
        let known = self.deployed.get(&resource).ok_or_else(|| self.unknown(&resource, argument.at))?;
        let value = known.attributes.get(&attribute);
        let missing = || Problem::at(argument.at, format!("the resource {resource} has no attribute {attribute}"));
        Ok(Node::from_json(argument.at, value.ok_or_else(missing)?))
    }

    pub(crate) fn attribute_name(&self, argument: &Node) -> Result<(String, String), Problem> {
        let form = || Problem::at(argument.at, "Fn::GetAtt takes a resource and an attribute");
        if let Some(text) = argument.as_text() {
            let (resource, attribute) = text.split_once('.').ok_or_else(form)?;
            return Ok((resource.into(), attribute.into()));
        }
        let [resource, attribute] = argument.items() else { return Err(form()) };
        let attribute = self.text(attribute, "an attribute's name")?;
        Ok((resource.expect_text("a resource's name")?.to_owned(), attribute))
    }

    /// The text that `node` resolves to.
    pub(crate) fn text(&self, node: &Node, what: &str) -> Result<String, Problem> {
        let resolved = self.resolve(node)?;
        let resolved = resolved.ok_or_else(|| Problem::at(node.at, format!("{what} must not be AWS::NoValue")))?;
        resolved.expect_text(what).map(str::to_owned)
    }

    fn list(&self, node: &Node, what: &str) -> Result<Vec<Node>, Problem> {
        let resolved = self.resolve(node)?;
        let resolved = resolved.ok_or_else(|| Problem::at(node.at, format!("{what} must not be AWS::NoValue")))?;
        Ok(resolved.expect_list(what)?.to_vec())
    }

    fn find_in_map(&self, argument: &Node) -> Result<Node, Problem> {
        let (map, first, second, default) = match argument.items() {
            [map, first, second] => (map, first, second, None),
            [map, first, second, options] => (map, first, second, options.get("DefaultValue")),
            _ => return Err(Problem::at(argument.at, "Fn::FindInMap takes a mapping's name and two keys")),
        };
        let (map, first) = (self.text(map, "a mapping's name")?, self.text(first, "a key")?);
        let second = self.text(second, "a key")?;
        let table = self.template.mappings.iter().find(|(key, _)| key.text == map).map(|(_, node)| node);
        let found = table.and_then(|table| table.get(&first)).and_then(|row| row.get(&second));
        if let Some(node) = found.or(default) {
            let resolved = self.resolve(node)?;
            return resolved.ok_or_else(|| Problem::at(argument.at, "a mapping's value must not be AWS::NoValue"));
        }
        Err(Problem::at(argument.at, format!("the mapping {map} has no value under '{first}' and '{second}'")))
    }

    fn choose(&self, argument: &Node) -> Resolved {
        let [condition, then, otherwise] = argument.items() else {
            return Err(Problem::at(argument.at, "Fn::If takes a condition's name and two values"));
        };
        let name = condition.expect_text("Fn::If's condition")?;
        self.resolve(if self.condition(name, condition.at)? { then } else { otherwise })
    }

    /// Whether the condition `name` holds.
    ///
    /// # Errors
    /// It is not declared.
    pub fn condition(&self, name: &str, at: Position) -> Result<bool, Problem> {
        let held = self.conditions.get(name).copied();
        held.ok_or_else(|| Problem::at(at, format!("the condition '{name}' is not declared in Conditions")))
    }
}

/// The key of a call, for building one.
pub(crate) fn call(function: &str, argument: Node) -> Node {
    let at = argument.at;
    Node { at, kind: Kind::Map(vec![(Key { text: function.into(), at }, argument)]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const TEMPLATE: &str = "
Mappings: {M: {eu: {size: 3}}}
Resources: {R: {Type: T}, S: {Type: T}}
";

    fn evaluate(expression: &str) -> Result<Option<Value>, String> {
        let template = Template::read(&crate::tree::parse(TEMPLATE).unwrap()).unwrap();
        let at = Position::default();
        let parameters = BTreeMap::from([
            ("P".to_owned(), Node::text(at, "1")),
            ("L".to_owned(), Node::list(at, vec![Node::text(at, "a"), Node::text(at, "b")])),
        ]);
        let attributes = BTreeMap::from([("Arn".to_owned(), json!("arn:r")), ("A.B".to_owned(), json!("deep"))]);
        let deployed = BTreeMap::from([("R".to_owned(), Made { physical_id: "r-1".into(), attributes })]);
        let text = str::to_owned;
        let pseudo = Pseudo { account: text("1"), region: text("eu"), stack_name: text("st"), stack_id: text("id") };
        let exports = BTreeMap::from([("E".to_owned(), "exported".to_owned())]);
        let conditions = [("Yes", true), ("No", false), ("Both", false)];
        let conditions = conditions.map(|(name, held)| (name.to_owned(), held)).into();
        let (template, parameters, pseudo, deployed) = (&template, &parameters, &pseudo, &deployed);
        let scope = Scope { template, parameters, pseudo, deployed, exports: &exports, conditions: &conditions };
        let node = crate::tree::parse(expression).unwrap();
        scope.resolve(&node).map(|node| node.map(|node| node.to_json())).map_err(|problem| problem.message)
    }

    #[test]
    fn every_function_gives_its_value() {
        let cases = [
            ("!Ref P", json!("1")),
            ("!Ref R", json!("r-1")),
            ("!Ref AWS::Region", json!("eu")),
            ("!GetAtt R.Arn", json!("arn:r")),
            ("!GetAtt R.A.B", json!("deep")),
            ("!Sub '${R}-${R.Arn}-${AWS::StackName}-${!Keep}-$x-${L}'", json!("r-1-arn:r-st-${Keep}-$x-a,b")),
            ("!Sub ['${X}${P}', {X: !Ref R}]", json!("r-11")),
            ("!Join ['-', [a, !Ref R]]", json!("a-r-1")),
            ("!Join [',', !Ref L]", json!("a,b")),
            ("!Select [1, !Ref L]", json!("b")),
            ("!Select ['0', !Split ['|', 'x|y']]", json!("x")),
            ("!FindInMap [M, !Ref AWS::Region, size]", json!(3)),
            ("!FindInMap [M, us, size, {DefaultValue: 9}]", json!(9)),
            ("!Base64 hi", json!("aGk=")),
            ("!If [Yes, a, b]", json!("a")),
            ("!If [No, a, b]", json!("b")),
            ("!If [Both, a, !If [Yes, c, d]]", json!("c")),
            ("!ImportValue E", json!("exported")),
            ("Fn::Length: !Ref L", json!(2)),
            ("Fn::ToJsonString: {a: !Ref R}", json!(r#"{"a":"r-1"}"#)),
            ("!Cidr [10.0.0.0/24, 2, 4]", json!(["10.0.0.0/28", "10.0.0.16/28"])),
            ("[1, !Ref AWS::NoValue, {a: !Ref AWS::NoValue, b: 2}]", json!([1, {"b": 2}])),
            ("!GetAZs ''", json!(["eua", "eub", "euc"])),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate(expression), Ok(Some(expected)), "{expression}");
        }
        assert_eq!(evaluate("!Ref AWS::NoValue"), Ok(None));
    }

    #[test]
    fn what_means_nothing_is_refused_with_a_reason() {
        for (expression, reason) in [
            ("!Ref X", "neither a parameter nor a resource"),
            ("!Ref S", "not deployed"),
            ("!GetAtt R.Nope", "no attribute Nope"),
            ("!GetAtt R", "a resource and an attribute"),
            ("!Sub '${X}'", "neither a parameter"),
            ("!Select [5, !Ref L]", "no item 5"),
            ("!Select [-1, !Ref L]", "no item -1"),
            ("!FindInMap [M, eu, nope]", "no value under"),
            ("!If [Nope, 1, 2]", "not declared"),
            ("!ImportValue nope", "no stack exports"),
            ("!Cidr [10.0.0.0/24, 300, 4]", "Fn::Cidr takes"),
            ("!Join [',', {a: 1}]", "must be a list"),
        ] {
            let message = evaluate(expression).unwrap_err();
            assert!(message.contains(reason), "{expression}: {message}");
        }
    }
}
