//! Reads text into a tree.

use super::{Key, Kind, Node};
use crate::problem::{Position, Problem};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;

/// A template's size limit in bytes, as CloudFormation has it for templates in a bucket.
const MAX_BYTES: usize = 1 << 20;
/// Limit on parts, so that aliases cannot blow a small text up.
const MAX_NODES: usize = 200_000;
/// Limit on nesting.
const MAX_DEPTH: usize = 100;

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
