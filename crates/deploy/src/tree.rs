//! Template text as a tree that remembers where each part stood. YAML and JSON come out alike: the short tags (`!Ref`, `!Sub`)
//! become the long form, and a scalar keeps its raw text, so that a name like `010` stays a name.

use crate::problem::{Position, Problem};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;

/// A part of a template.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stood.
    pub at: Position,
    /// What it is.
    pub kind: Kind,
}

/// What a part of a template is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar as it was written; `plain` if it was not quoted, so that it may mean a number or a boolean.
    Scalar {
        /// The raw text.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stood.
    pub at: Position,
}

/// A template's size limit in bytes, as CloudFormation has it for templates in a bucket.
const MAX_BYTES: usize = 1 << 20;
/// Limit on parts, so that aliases cannot blow a small text up.
const MAX_NODES: usize = 200_000;
/// Limit on nesting.
const MAX_DEPTH: usize = 100;

impl Node {
    /// A quoted scalar that stands where `at` does; for what the platform itself puts into a template.
    pub fn text(at: Position, text: impl Into<String>) -> Self {
        Self { at, kind: Kind::Scalar { text: text.into(), plain: false } }
    }

    /// A mapping of `entries`, all standing at `at`.
    pub fn map(at: Position, entries: impl IntoIterator<Item = (impl Into<String>, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, node)| (Key { text: key.into(), at }, node));
        Self { at, kind: Kind::Map(entries.collect()) }
    }

    /// A list of `items`, standing at `at`.
    pub fn list(at: Position, items: Vec<Self>) -> Self {
        Self { at, kind: Kind::List(items) }
    }

    /// What `json` says, standing at `at`.
    pub fn from_json(at: Position, json: &serde_json::Value) -> Self {
        use serde_json::Value;
        let kind = match json {
            Value::Null => Kind::Null,
            Value::Bool(truth) => Kind::Scalar { text: truth.to_string(), plain: true },
            Value::Number(number) => Kind::Scalar { text: number.to_string(), plain: true },
            Value::String(text) => Kind::Scalar { text: text.clone(), plain: false },
            Value::Array(items) => Kind::List(items.iter().map(|item| Self::from_json(at, item)).collect()),
            Value::Object(map) => {
                let entry =
                    |(key, value): (&String, &Value)| (Key { text: key.clone(), at }, Self::from_json(at, value));
                Kind::Map(map.iter().map(entry).collect())
            }
        };
        Self { at, kind }
    }

    /// The value under `name`, if this is a mapping that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// Puts `node` under `name`, over what was there. Does nothing to what is not a mapping.
    pub fn set(&mut self, name: &str, node: Self) {
        let at = node.at;
        if let Kind::Map(entries) = &mut self.kind {
            match entries.iter_mut().find(|(key, _)| key.text == name) {
                Some((_, old)) => *old = node,
                None => entries.push((Key { text: name.into(), at }, node)),
            }
        }
    }

    /// Takes the value under `name` out.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        let Kind::Map(entries) = &mut self.kind else { return None };
        let index = entries.iter().position(|(key, _)| key.text == name)?;
        Some(entries.remove(index).1)
    }

    /// The entries of a mapping; none if it is not one.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none if it is not one.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The raw text of a scalar.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text, or a problem that says what was expected here.
    pub fn expect_text(&self, what: &str) -> Result<&str, Problem> {
        self.as_text().ok_or_else(|| Problem::at(self.at, format!("{what} must be a string, not {}", self.kind.name())))
    }

    /// The entries, or a problem that says what was expected here.
    pub fn expect_map(&self, what: &str) -> Result<&[(Key, Self)], Problem> {
        match &self.kind {
            Kind::Map(entries) => Ok(entries),
            other => Err(Problem::at(self.at, format!("{what} must be a mapping, not {}", other.name()))),
        }
    }

    /// The items, or a problem that says what was expected here.
    pub fn expect_list(&self, what: &str) -> Result<&[Self], Problem> {
        match &self.kind {
            Kind::List(items) => Ok(items),
            other => Err(Problem::at(self.at, format!("{what} must be a list, not {}", other.name()))),
        }
    }

    /// The function's name and argument, if this is a call of an intrinsic function: a mapping of one `Ref`, `Condition` or `Fn::…`.
    pub fn as_call(&self) -> Option<(&str, &Self)> {
        match self.entries() {
            [(key, argument)] if key.text == "Ref" || key.text.starts_with("Fn::") => Some((&key.text, argument)),
            _ => None,
        }
    }

    /// As JSON: plain scalars that look like numbers, booleans or null become those (YAML 1.2's core schema, without octal and
    /// hexadecimal); everything else stays text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar { text, plain: true } => plain_to_json(text),
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect())
            }
        }
    }
}

impl Kind {
    /// What to call it in a message.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar { .. } => "a scalar",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

fn plain_to_json(text: &str) -> serde_json::Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leads_with_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit()) && !leads_with_zero;
    match text {
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if numeric && let Ok(whole) = text.parse::<i64>() => whole.into(),
        _ if numeric
            && !digits.ends_with('.')
            && let Ok(real) = text.parse::<f64>() =>
        {
            real.into()
        }
        _ => text.into(),
    }
}

/// Reads a template's text.
///
/// # Errors
/// The first thing that is not YAML (of which JSON is a part), a duplicate key, or a text over the limits.
pub fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_BYTES {
        let at = Position { line: 1, column: 1 };
        return Err(Problem::at(at, format!("the template has {} bytes; the limit is {MAX_BYTES}", text.len())));
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    let root = loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return Err(Problem::at(position(&span), "the template is empty")),
            first => break reader.node(first, &span, 0)?,
        }
    };
    loop {
        match reader.next()? {
            (Event::DocumentEnd, _) => {}
            (Event::StreamEnd, _) => return Ok(root),
            (_, span) => {
                return Err(Problem::at(position(&span), "a template is one document; remove what follows '---'"));
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

fn position(span: &Span) -> Position {
    let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
    Position { line, column: u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX) }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        let last = Position { line: 1, column: 1 };
        let event = self.parser.next_event().ok_or_else(|| Problem::at(last, "the template ends too early"))?;
        event.map_err(|error| {
            let marker = error.marker();
            let line = u32::try_from(marker.line()).unwrap_or(u32::MAX);
            let column = u32::try_from(marker.col() + 1).unwrap_or(u32::MAX);
            Problem::at(Position { line, column }, format!("this is not valid YAML or JSON: {}", error.info()))
        })
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Problem> {
        let at = position(span);
        self.count(at, 1, depth)?;
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let absent = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") && tag.is_none();
                let kind = if absent { Kind::Null } else { Kind::Scalar { text: text.into_owned(), plain } };
                (kind, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (Kind::List(self.items(depth)?), anchor, tag),
            Event::MappingStart(anchor, tag) => (Kind::Map(self.entries(depth)?), anchor, tag),
            Event::Alias(id) => {
                let found = self.anchors.get(&id).cloned();
                let node = found.ok_or_else(|| Problem::at(at, "this alias names no anchor"))?;
                self.count(at, size(&node), depth)?;
                return Ok(node);
            }
            other => return Err(Problem::at(at, format!("a value was expected here, not {other:?}"))),
        };
        let node = apply_tag(Node { at, kind }, tag.as_deref())?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, at: Position, more: usize, depth: usize) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(Problem::at(
                at,
                format!("the template is nested deeper than {MAX_DEPTH} or has over {MAX_NODES} parts"),
            ));
        }
        Ok(())
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            let (event, span) = self.next()?;
            let at = position(&span);
            let key = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, ..) => Key { text: text.into_owned(), at },
                _ => return Err(Problem::at(at, "a mapping's key must be a string")),
            };
            if !seen.insert(key.text.clone()) {
                return Err(Problem::at(at, format!("'{}' stands twice in this mapping", key.text)));
            }
            let (event, span) = self.next()?;
            entries.push((key, self.node(event, &span, depth + 1)?));
        }
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
        _ => 1,
    }
}

/// `!Sub x` is `Fn::Sub: x`; YAML's own tags (`!!str`) only say that a scalar is text.
fn apply_tag(mut node: Node, tag: Option<&Tag>) -> Result<Node, Problem> {
    let Some(tag) = tag else { return Ok(node) };
    if tag.handle != "!" {
        if let Kind::Scalar { plain, .. } = &mut node.kind {
            *plain = *plain && tag.suffix != "str";
        }
        return Ok(node);
    }
    let at = node.at;
    let name = match tag.suffix.as_str() {
        "Ref" | "Condition" => tag.suffix.clone(),
        "GetAtt" => return Ok(Node::map(at, [("Fn::GetAtt", split_get_att(node))])),
        "Base64" | "Cidr" | "FindInMap" | "GetAZs" | "If" | "ImportValue" | "Join" | "Select" | "Split" | "Sub"
        | "And" | "Equals" | "Not" | "Or" | "Transform" | "Length" | "ToJsonString" | "ForEach" => {
            format!("Fn::{}", tag.suffix)
        }
        other => return Err(Problem::at(at, format!("!{other} is no function of CloudFormation"))),
    };
    Ok(Node::map(at, [(name, node)]))
}

/// `!GetAtt A.B.C` means resource `A`, attribute `B.C`.
fn split_get_att(node: Node) -> Node {
    match node.as_text().and_then(|text| text.split_once('.')) {
        Some((resource, attribute)) => {
            Node::list(node.at, vec![Node::text(node.at, resource), Node::text(node.at, attribute)])
        }
        None => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_and_long_names_come_out_alike() {
        let yaml = parse("a: !Sub 'x-${B}'\nb: !GetAtt Fn.Arn\nc: !If [P, !Ref Q, 1]").unwrap();
        let json =
            parse(r#"{"a":{"Fn::Sub":"x-${B}"},"b":{"Fn::GetAtt":["Fn","Arn"]},"c":{"Fn::If":["P",{"Ref":"Q"},1]}}"#);
        assert_eq!(yaml.to_json(), json.unwrap().to_json());
    }

    #[test]
    fn a_plain_scalar_is_a_number_only_if_it_reads_back_the_same() {
        let json = parse("[010, 10, -3, 1.5, true, yes, 2012-10-17, '7', 1e3, null, 0, 0.5, .5, 1_000, 0x1F]")
            .unwrap()
            .to_json();
        let expected = serde_json::json!([
            "010",
            10,
            -3,
            1.5,
            true,
            "yes",
            "2012-10-17",
            "7",
            1000.0,
            null,
            0,
            0.5,
            ".5",
            "1_000",
            "0x1F"
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn problems_say_where() {
        let line = |text: &str| parse(text).unwrap_err().at.line;
        assert_eq!(line("a: 1\nb: 2\na: 3"), 3);
        assert_eq!(line("a: 1\nb: [1, 2\nc: 3"), 3);
        assert_eq!(line("a: !Nope x"), 1);
        assert!(parse("").is_err());
    }

    #[test]
    fn aliases_cannot_blow_a_template_up() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text += &format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
        }
        assert!(parse(&text).unwrap_err().message.contains("parts"));
        assert!(parse(&"[".repeat(5000)).is_err());
    }
}
