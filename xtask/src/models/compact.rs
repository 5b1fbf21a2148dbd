//! Turns one botocore model into a compact table: only what the wire needs, shapes by number, only those that an operation reaches.

use super::Failure;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Namespaces that AWS puts before the error's name in `__type`.
const ERROR_NAMESPACES: [(&str, &str); 3] = [
    ("dynamodb", "com.amazonaws.dynamodb.v20120810"),
    ("dynamodbstreams", "com.amazonaws.dynamodb.v20120810"),
    ("sqs", "com.amazonaws.sqs"),
];

/// Services whose XML errors have no `<ErrorResponse>` around them, and whose request ids are in `x-amz-request-id`.
const BARE_ERRORS: [&str; 1] = ["s3"];

struct Shapes<'a> {
    source: &'a Map<String, Value>,
    numbers: BTreeMap<String, usize>,
    compact: Vec<Value>,
}

pub fn table(name: &str, model: &Value) -> Result<Value, Failure> {
    let source = model["shapes"].as_object().ok_or("a model has shapes")?;
    let mut shapes = Shapes { source, numbers: BTreeMap::new(), compact: Vec::new() };
    let operations = model["operations"].as_object().ok_or("a model has operations")?;
    let operations: Vec<Value> = operations.values().map(|o| operation(o, &mut shapes)).collect::<Result<_, _>>()?;
    let meta = &model["metadata"];
    let mut table = Map::new();
    put(&mut table, "name", &json!(name));
    put(&mut table, "id", &meta["serviceId"]);
    put(&mut table, "version", &meta["apiVersion"]);
    put(&mut table, "endpoint", &meta["endpointPrefix"]);
    put(
        &mut table,
        "signing",
        if meta["signingName"].is_null() { &meta["endpointPrefix"] } else { &meta["signingName"] },
    );
    put(&mut table, "target", &meta["targetPrefix"]);
    put(&mut table, "json", &meta["jsonVersion"]);
    put(&mut table, "xmlns", &meta["xmlNamespace"]);
    let protocols = if meta["protocols"].is_null() { json!([meta["protocol"]]) } else { meta["protocols"].clone() };
    put(&mut table, "protocols", &protocols);
    if !meta["awsQueryCompatible"].is_null() {
        put(&mut table, "queryCompatible", &json!(true));
    }
    if let Some((_, namespace)) = ERROR_NAMESPACES.iter().find(|(service, _)| *service == name) {
        put(&mut table, "errorNamespace", &json!(namespace));
    }
    put(&mut table, "bareErrors", &json!(BARE_ERRORS.contains(&name)));
    put(&mut table, "operations", &json!(operations));
    put(&mut table, "shapes", &json!(shapes.compact));
    Ok(Value::Object(table))
}

fn operation(source: &Value, shapes: &mut Shapes) -> Result<Value, Failure> {
    let mut made = Map::new();
    put(&mut made, "n", &source["name"]);
    put(&mut made, "m", &source["http"]["method"]);
    put(&mut made, "u", &source["http"]["requestUri"]);
    put(&mut made, "s", &source["http"]["responseCode"]);
    for (key, side) in [("i", "input"), ("o", "output")] {
        if let Some(shape) = source[side]["shape"].as_str() {
            put(&mut made, key, &json!(shapes.number(shape)?));
        }
    }
    put(&mut made, "w", &source["output"]["resultWrapper"]);
    let errors = source["errors"].as_array().cloned().unwrap_or_default();
    let errors: Vec<usize> = errors
        .iter()
        .filter_map(|error| error["shape"].as_str())
        .map(|e| shapes.number(e))
        .collect::<Result<_, _>>()?;
    put(&mut made, "e", &json!(errors));
    Ok(Value::Object(made))
}

impl Shapes<'_> {
    /// The number of the shape `name`, compacting it if this is the first mention.
    fn number(&mut self, name: &str) -> Result<usize, Failure> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = self.compact.len();
        self.numbers.insert(name.to_owned(), number);
        self.compact.push(Value::Null);
        let shape = self.source.get(name).ok_or_else(|| format!("no shape {name}"))?.clone();
        self.compact[number] = self.compacted(name, &shape)?;
        Ok(number)
    }

    fn compacted(&mut self, name: &str, shape: &Value) -> Result<Value, Failure> {
        let mut made = Map::new();
        put(&mut made, "n", &json!(name));
        let document = shape["document"] == true;
        put(&mut made, "t", if document { &Value::Null } else { &shape["type"] });
        if document {
            put(&mut made, "t", &json!("document"));
        }
        for (key, from) in [("lo", "min"), ("hi", "max"), ("p", "pattern"), ("e", "enum"), ("ts", "timestampFormat")] {
            put(&mut made, key, &shape[from]);
        }
        for (key, from) in [("pl", "payload"), ("fl", "flattened"), ("ev", "eventstream"), ("w", "locationName")] {
            put(&mut made, key, &shape[from]);
        }
        put(&mut made, "x", &shape["xmlNamespace"]["uri"]);
        put(&mut made, "err", &json!(shape["exception"] == true || shape["error"].is_object()));
        put(&mut made, "c", &shape["error"]["code"]);
        put(&mut made, "h", &shape["error"]["httpStatusCode"]);
        put(&mut made, "sn", &shape["sensitive"]);
        let required: Vec<&str> =
            shape["required"].as_array().map_or_else(Vec::new, |all| all.iter().filter_map(Value::as_str).collect());
        if let Some(members) = shape["members"].as_object().filter(|members| !members.is_empty()) {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            let mut compact = Vec::new();
            for (name, member) in sorted {
                compact.push(self.member(Some(name), member, required.contains(&name.as_str()))?);
            }
            put(&mut made, "m", &json!(compact));
        }
        for (key, from) in [("k", "key"), ("v", "value"), ("v", "member")] {
            if shape[from].is_object() {
                let member = self.member(None, &shape[from], false)?;
                put(&mut made, key, &member);
            }
        }
        Ok(Value::Object(made))
    }

    fn member(&mut self, name: Option<&str>, member: &Value, required: bool) -> Result<Value, Failure> {
        let mut made = Map::new();
        put(&mut made, "n", &json!(name));
        let shape = member["shape"].as_str().ok_or("a member names its shape")?;
        made.insert("s".into(), json!(self.number(shape)?));
        put(&mut made, "r", &json!(required));
        let pairs = [("l", "location"), ("w", "locationName"), ("f", "flattened"), ("a", "xmlAttribute")];
        for (key, from) in pairs.into_iter().chain([("j", "jsonvalue"), ("ts", "timestampFormat"), ("st", "streaming")])
        {
            put(&mut made, key, &member[from]);
        }
        for (key, from) in [("t", "idempotencyToken"), ("ep", "eventpayload"), ("hl", "hostLabel"), ("q", "queryName")]
        {
            put(&mut made, key, &member[from]);
        }
        put(&mut made, "x", &member["xmlNamespace"]["uri"]);
        put(&mut made, "xp", &member["xmlNamespace"]["prefix"]);
        Ok(Value::Object(made))
    }
}

/// Adds `value` unless it says nothing.
fn put(table: &mut Map<String, Value>, key: &str, value: &Value) {
    let empty = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if !empty {
        table.insert(key.into(), value.clone());
    }
}
