//! `AWS::Serverless::SimpleTable`: a table with a partition key only.

use super::Expansion;
use crate::problem::Problem;
use crate::resource::{Property, Shape, check};
use crate::template::Resource;
use crate::tree::Node;

const PRIMARY_KEY: &[Property] = &[Property::required("Name", Shape::Text), Property::required("Type", Shape::Text)];
const UNITS: &[Property] =
    &[Property::optional("ReadCapacityUnits", Shape::Int), Property::required("WriteCapacityUnits", Shape::Int)];
const PROPERTIES: &[Property] = &[
    Property::optional("PrimaryKey", Shape::Struct(PRIMARY_KEY)),
    Property::optional("ProvisionedThroughput", Shape::Struct(UNITS)),
    Property::optional("TableName", Shape::Text),
    Property::optional("Tags", Shape::TextMap),
    Property::optional("SSESpecification", Shape::Json),
    Property::optional("PointInTimeRecoverySpecification", Shape::Json),
];

impl Expansion<'_> {
    /// Becomes an `AWS::DynamoDB::Table`, billed by request unless it says otherwise.
    pub(super) fn simple_table(&mut self, resource: &Resource) {
        let (at, given) = (resource.at, &resource.properties);
        let before = self.problems.len();
        check(given, PROPERTIES, "AWS::Serverless::SimpleTable", at, &mut self.problems);
        let key = given.get("PrimaryKey");
        let part = |name: &str, default: &str| {
            key.and_then(|key| key.get(name)).cloned().unwrap_or_else(|| Node::text(at, default))
        };
        let kind = part("Type", "String");
        let kind = match kind.as_text().unwrap_or_default() {
            "String" => "S",
            "Number" => "N",
            "Binary" => "B",
            _ => {
                let text = format!("{}: a primary key's Type is String, Number or Binary", resource.id);
                self.problems.push(Problem::at(kind.at, text));
                "S"
            }
        };
        if self.problems.len() > before {
            return;
        }
        let name = part("Name", "id");
        let map = |entries: Vec<(&str, Node)>| {
            Node::map(at, entries.into_iter().map(|(name, node)| (name.to_owned(), node)).collect::<Vec<_>>())
        };
        let attribute = map(vec![("AttributeName", name.clone()), ("AttributeType", Node::text(at, kind))]);
        let element = map(vec![("AttributeName", name), ("KeyType", Node::text(at, "HASH"))]);
        let mut entries = vec![
            ("AttributeDefinitions", Node::list(at, vec![attribute])),
            ("KeySchema", Node::list(at, vec![element])),
        ];
        match given.get("ProvisionedThroughput") {
            Some(units) => entries.push(("ProvisionedThroughput", units.clone())),
            None => entries.push(("BillingMode", Node::text(at, "PAY_PER_REQUEST"))),
        }
        entries.extend(given.pick(&["TableName", "SSESpecification", "PointInTimeRecoverySpecification"]));
        if let Some(tags) = given.get("Tags") {
            let tag = |(key, value): (&str, &Node)| map(vec![("Key", Node::text(at, key)), ("Value", value.clone())]);
            let tags = tags.entries().iter().map(|(key, value)| tag((&key.text, value))).collect();
            entries.push(("Tags", Node::list(at, tags)));
        }
        let properties = map(entries);
        self.resources.push(Resource { kind: "AWS::DynamoDB::Table".into(), properties, ..resource.clone() });
    }
}
