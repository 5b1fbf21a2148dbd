//! What is kept in tables: rates beside peers that keep everything in memory, the same with few and with millions of items, memory
//! while all of them are scanned, and the time from a change to the first line of the function that its stream is for.

use super::aws::Aws;
use super::drive::{Calls, drive};
use super::events::one_by_one;
use super::http::Answer;
use super::lambda::{Lambda, Language};
use super::load::side_by_side;
use super::memory;
use super::peers::{dynalite, ministack, moto};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, median};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const MANY_CONNECTIONS: usize = 16;
/// Items of the table that is compared with a small one.
const MANY: usize = 5_000_000;
const FEW: usize = 1_000;
/// Items that the operations beside peers go round.
const ITEMS: usize = 1_000;
/// The requests that are made ahead; what is measured is the server.
const PREPARED: usize = 500;
/// An item's largest attribute. Every request that puts one writes another number into its end, since an item that stays as it is need not be written.
const TEXT: &str =
    "a text of some length, as items have them: this one has a hundred characters, the last are 000000000000";
/// The number in [`TEXT`] and after it the quotation mark.
const NUMBER: &[u8; 13] = b"000000000000\"";

/// Prints how long ago the change's item says that it was written, in milliseconds.
const LATENCY: &str = "import time

def handler(event, context):
    now = time.time()
    for record in event['Records']:
        print('LATENCY', (now - float(record['dynamodb']['NewImage']['sent']['N'])) * 1000)
";

const OPERATIONS: [&str; 4] = ["PutItem", "GetItem", "UpdateItem", "Query"];

/// A table somewhere.
struct Table {
    name: &'static str,
    aws: Aws,
    table: &'static str,
    items: usize,
}

fn target(operation: &str) -> String {
    format!("DynamoDB_20120810.{operation}")
}

impl Table {
    fn make(name: &'static str, aws: Aws, table: &'static str, items: usize) -> Result<Self, Failure> {
        let create = json!({
            "TableName": table,
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        aws.call(&target("CreateTable"), &create)?;
        let made = Self { name, aws, table, items };
        let begin = Instant::now();
        while aws.call(&target("DescribeTable"), &json!({"TableName": table}))?["Table"]["TableStatus"] != "ACTIVE" {
            if begin.elapsed() > Duration::from_secs(10) {
                return Err(format!("{name}'s table did not become active").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        made.fill()?;
        Ok(made)
    }

    fn item(&self, number: usize) -> Value {
        json!({"pk": {"S": format!("item-{number:08}")}, "n": {"N": "1"}, "text": {"S": TEXT}})
    }

    fn fill(&self) -> Result<(), Failure> {
        let batches = self.items.div_ceil(25);
        let next = AtomicUsize::new(0);
        side_by_side(MANY_CONNECTIONS, || {
            let mut connection = self.aws.connect()?;
            loop {
                let batch = next.fetch_add(1, Ordering::Relaxed);
                if batch >= batches {
                    return Ok(());
                }
                let puts = (batch * 25..self.items.min(batch * 25 + 25))
                    .map(|n| json!({"PutRequest": {"Item": self.item(n)}}));
                let write = json!({"RequestItems": {self.table: puts.collect::<Vec<_>>()}});
                connection.exchange(&self.aws.request(&target("BatchWriteItem"), &write))?;
            }
        })
        .map(drop)
    }

    /// Requests for items all over the table.
    fn requests(&self, operation: &str) -> Vec<Prepared> {
        let step = (self.items / PREPARED).max(1);
        let request = |number: usize| {
            let number = number * step % self.items;
            let key = json!({"pk": {"S": format!("item-{number:08}")}});
            let input = match operation {
                "PutItem" => json!({"TableName": self.table, "Item": self.item(number)}),
                "GetItem" => json!({"TableName": self.table, "Key": key}),
                "UpdateItem" => json!({
                    "TableName": self.table,
                    "Key": key,
                    "UpdateExpression": "SET n = n + :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }),
                _ => json!({
                    "TableName": self.table,
                    "KeyConditionExpression": "pk = :pk",
                    "ExpressionAttributeValues": {":pk": key["pk"]},
                }),
            };
            Prepared::new(self.aws.request(&target(operation), &input))
        };
        (0..PREPARED).map(request).collect()
    }

    /// Calls per second over all connections for `time`.
    fn rate(&self, operation: &str, connections: usize, time: Duration) -> Result<f64, Failure> {
        let next = (0..connections).map(|place| place * 31).collect();
        let mut round = Round { requests: self.requests(operation), next, answers: 0 };
        let took = drive(&mut round, self.aws.address, connections, time)?;
        Ok(round.answers as f64 / took.as_secs_f64())
    }
}

/// Calls that go round all requests, from another one on each connection.
struct Round {
    requests: Vec<Prepared>,
    /// By connection.
    next: Vec<usize>,
    answers: usize,
}

impl Calls for Round {
    fn request(&mut self, place: usize) -> &[u8] {
        let next = self.next[place];
        self.next[place] += 1;
        self.requests[next % PREPARED].fresh()
    }

    fn answered(&mut self, answer: Answer, _: Duration) -> Result<(), Failure> {
        self.answers += 1;
        match answer.status {
            200 => Ok(()),
            _ => Err(format!("a table answered {}", answer.text()).into()),
        }
    }
}

/// A request that was made once as bytes.
struct Prepared {
    bytes: Vec<u8>,
    /// Where the number in [`TEXT`] is, if the request has it.
    number: Option<usize>,
}

impl Prepared {
    fn new(bytes: Vec<u8>) -> Self {
        let number = bytes.windows(NUMBER.len()).position(|window| window == NUMBER);
        Self { bytes, number }
    }

    /// The request, with a number that none had before it.
    fn fresh(&mut self) -> &[u8] {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        if let Some(at) = self.number {
            let digits = format!("{:012}", NEXT.fetch_add(1, Ordering::Relaxed));
            self.bytes[at..at + digits.len()].copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }
}

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let mut rows = beside_peers(plan, programs)?;
    rows.extend(with_many_items(plan, programs)?);
    rows.extend(latency(plan, programs)?);
    Ok(rows)
}

fn beside_peers(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let ours = Table::make("Fogbank", Aws::at("dynamodb", platform.address), "bench", ITEMS)?;
    let (mut peers, mut servers, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let started = [
        (dynalite::NAME, dynalite::start(programs)),
        (ministack::NAME, ministack::start(programs).map(|(server, _)| server)),
        (moto::NAME, moto::start(programs)),
    ];
    for (name, server) in started {
        let made = server
            .and_then(|server| Ok((Table::make(name, Aws::at("dynamodb", server.address), "bench", ITEMS)?, server)));
        match made {
            Ok((table, server)) => {
                peers.push(table);
                servers.push(server);
            }
            Err(why) => rows.push(Row::skipped(format!("table, {name}"), why)),
        }
    }
    let time = Duration::from_millis(plan.samples(2000, 500) as u64);
    for operation in OPERATIONS {
        for connections in [1, MANY_CONNECTIONS] {
            let (mut mine, mut theirs) = (Vec::new(), vec![Vec::new(); peers.len()]);
            for _ in 0..plan.samples(3, 2) {
                mine.push(ours.rate(operation, connections, time)?);
                for (peer, rates) in peers.iter().zip(&mut theirs) {
                    match peer.rate(operation, connections, time) {
                        Ok(rate) => rates.push(rate),
                        Err(why) => rows.push(Row::skipped(format!("table, {operation}, {}", peer.name), why)),
                    }
                }
            }
            // A target of so many times a peer's speaks of the first one, so the fastest comes first.
            let mut beside: Vec<(&str, f64)> = peers
                .iter()
                .zip(theirs)
                .filter(|(_, rates)| !rates.is_empty())
                .map(|(peer, rates)| (peer.name, median(rates)))
                .collect();
            beside.sort_by(|a, b| b.1.total_cmp(&a.1));
            let what =
                format!("table, {operation}, {connections} connection{}", if connections > 1 { "s" } else { "" });
            let row = Row::new(what, Unit::PerSecond, median(mine), None).with_goal(Goal::TimesPeer(3.0));
            rows.push(beside.into_iter().fold(row, |row, (name, figure)| row.with_peer(name, Some(figure))));
        }
    }
    Ok(rows)
}

fn with_many_items(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let many = plan.samples(MANY, MANY / 25);
    let aws = Aws::at("dynamodb", platform.address);
    let short = Table::make("short", aws, "short", FEW)?;
    let long = Table::make("long", aws, "long", many)?;
    let time = Duration::from_millis(plan.samples(2000, 500) as u64);
    let mut rows = Vec::new();
    for operation in ["GetItem", "PutItem"] {
        let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
        for _ in 0..plan.samples(5, 3) {
            with_few.push(short.rate(operation, MANY_CONNECTIONS, time)?);
            with_many.push(long.rate(operation, MANY_CONNECTIONS, time)?);
        }
        let what = format!("table, {operation}, {many} items");
        let row = Row::new(what, Unit::PerSecond, median(with_many), None).with_goal(Goal::TimesPeer(0.7));
        rows.push(row.with_peer(format!("{FEW} items"), Some(median(with_few))));
    }
    let before = memory::of(&[platform.pid()]).rss;
    let mut most = before;
    let mut start = None;
    let mut connection = long.aws.connect()?;
    let mut found = 0;
    loop {
        let mut input = json!({"TableName": long.table});
        if let Some(start) = start.take() {
            input["ExclusiveStartKey"] = start;
        }
        let page = connection.send(&long.aws.request(&target("Scan"), &input))?;
        found += page["Count"].as_u64().unwrap_or_default() as usize;
        most = most.max(memory::of(&[platform.pid()]).rss);
        match page.get("LastEvaluatedKey") {
            Some(last) => start = Some(last.clone()),
            None => break,
        }
    }
    if found != many {
        return Err(format!("a scan found {found} of {many} items").into());
    }
    rows.push(Row::new(format!("table, growth while {many} items are scanned"), Unit::Mebibytes, most - before, None));
    Ok(rows)
}

/// From the call that changes an item to the first line of the function, which an instance waits for.
fn latency(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let lambda = Lambda { address: platform.address };
    let aws = Aws::at("dynamodb", platform.address);
    let create = json!({
        "TableName": "latency",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    });
    let made = aws.call(&target("CreateTable"), &create)?;
    lambda.create_with("from-table", Language::Python.runtime(), ("index.py", LATENCY.as_bytes(), 0o644))?;
    let mapping = json!({
        "FunctionName": "from-table",
        "EventSourceArn": made["TableDescription"]["LatestStreamArn"],
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 1,
    });
    lambda.set("POST", "/2015-03-31/event-source-mappings", &mapping, 202)?;
    let mut times = one_by_one(&platform, "from-table", plan.samples(300, 60), |sent| {
        let item = json!({"pk": {"S": sent.to_string()}, "sent": {"N": format!("{sent:.6}")}});
        aws.call(&target("PutItem"), &json!({"TableName": "latency", "Item": item})).map(drop)
    })?;
    times.sort_by(f64::total_cmp);
    let what = |name: &str| format!("from PutItem to the function's first line, warm, {name}");
    let p50 = Row::new(what("p50"), Unit::Milliseconds, super::percentile(&times, 0.5), None);
    let p99 = Row::new(what("p99"), Unit::Milliseconds, super::percentile(&times, 0.99), None);
    Ok(vec![p50.with_goal(Goal::AtMost(10.0)), p99])
}
