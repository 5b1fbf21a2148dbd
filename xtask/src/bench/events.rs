//! What waits, and what comes of it: a queue's rates beside peers that keep everything in memory, the same rates with few and with a million messages
//! waiting, and the time from a message or an event to the first line of the function that it is for.

use super::aws::Aws;
use super::lambda::{Lambda, Language};
use super::load::side_by_side;
use super::peers::{ministack, moto};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, median};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 16;
/// Messages that wait in the queue that is compared with a short one.
const MANY: usize = 1_000_000;
const FEW: usize = 1_000;
/// A body of a hundred bytes.
const BODY: &str =
    "A message of one hundred bytes, which is what a small one has: long enough to be real, and to be fast.";

/// Prints how long ago the event's message says that it was sent, in milliseconds.
const LATENCY: &str = "import json, time

def handler(event, context):
    now = time.time()
    sent = json.loads(event['Records'][0]['body'])['sent'] if 'Records' in event else event['detail']['sent']
    print('LATENCY', (now - sent) * 1000)
";

/// A queue somewhere.
struct Queue {
    name: &'static str,
    aws: Aws,
    url: String,
    /// Round by round: messages sent, and received and deleted, per second.
    sent: Vec<f64>,
    received: Vec<f64>,
}

impl Queue {
    fn make(name: &'static str, aws: Aws, queue: &str) -> Result<Self, Failure> {
        let made = aws.call("AmazonSQS.CreateQueue", &json!({"QueueName": queue}))?;
        let url = made["QueueUrl"].as_str().ok_or("a queue has no URL")?.to_owned();
        Ok(Self { name, aws, url, sent: Vec::new(), received: Vec::new() })
    }

    /// Sends for `time` over all connections, then receives and deletes for as long as there are messages, at most `time`.
    fn round(&mut self, time: Duration) -> Result<(), Failure> {
        let send = self.aws.request("AmazonSQS.SendMessage", &json!({"QueueUrl": self.url, "MessageBody": BODY}));
        let sent = self.rate(time, |connection| connection.exchange(&send).map(|_| true))?;
        let receive = self.aws.request("AmazonSQS.ReceiveMessage", &json!({"QueueUrl": self.url}));
        let received = self.rate(time, |connection| {
            let answer = connection.send(&receive)?;
            let Some(handle) = answer["Messages"][0]["ReceiptHandle"].as_str() else { return Ok(false) };
            let delete = json!({"QueueUrl": self.url, "ReceiptHandle": handle});
            connection.send(&connection.aws.request("AmazonSQS.DeleteMessage", &delete)).map(|_| true)
        })?;
        self.sent.push(sent);
        self.received.push(received);
        Ok(())
    }

    /// Steps per second over all connections; each ends when `step` says so.
    fn rate(
        &self,
        time: Duration,
        step: impl Fn(&mut super::aws::Connected<'_>) -> Result<bool, Failure> + Sync,
    ) -> Result<f64, Failure> {
        let begin = Instant::now();
        let counts = side_by_side(CONNECTIONS, || {
            let mut connection = self.aws.connect()?;
            let mut count = 0_usize;
            while begin.elapsed() < time && step(&mut connection)? {
                count += 1;
            }
            Ok(count)
        })?;
        Ok(counts.into_iter().sum::<usize>() as f64 / begin.elapsed().as_secs_f64())
    }

    fn fill(&self, messages: usize) -> Result<(), Failure> {
        let entries: Vec<Value> = (0..10).map(|n| json!({"Id": n.to_string(), "MessageBody": BODY})).collect();
        let send = self.aws.request("AmazonSQS.SendMessageBatch", &json!({"QueueUrl": self.url, "Entries": entries}));
        side_by_side(CONNECTIONS, || {
            let mut connection = self.aws.connect()?;
            for _ in 0..messages.div_ceil(10 * CONNECTIONS) {
                connection.exchange(&send)?;
            }
            Ok(())
        })
        .map(drop)
    }
}

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let mut rows = beside_peers(plan, programs)?;
    rows.extend(with_many_waiting(plan, programs)?);
    rows.extend(latencies(plan, programs)?);
    Ok(rows)
}

fn beside_peers(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let mut ours = Queue::make("Fogbank", Aws::at("sqs", platform.address), "bench")?;
    let (mut peers, mut servers, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let started =
        [(ministack::NAME, ministack::start(programs).map(|(server, _)| server)), (moto::NAME, moto::start(programs))];
    for (name, server) in started {
        let made = server.and_then(|server| Ok((Queue::make(name, Aws::at("sqs", server.address), "bench")?, server)));
        match made {
            Ok((queue, server)) => {
                peers.push(queue);
                servers.push(server);
            }
            Err(why) => skipped.push(Row::skipped(format!("queue, {name}"), why)),
        }
    }
    let time = Duration::from_millis(plan.samples(2000, 500) as u64);
    for _ in 0..plan.samples(5, 3) {
        ours.round(time)?;
        // A peer that fails drops out, and the table says why.
        peers.retain_mut(|peer| match peer.round(time) {
            Ok(()) => true,
            Err(why) => {
                skipped.push(Row::skipped(format!("queue, {}", peer.name), why));
                false
            }
        });
    }
    type Figure = (&'static str, fn(&Queue) -> &Vec<f64>);
    let figures: [Figure; 2] = [("SendMessage", |queue| &queue.sent), ("receive and delete", |queue| &queue.received)];
    // A target of so many times a peer's speaks of the first one, so the fastest comes first.
    let rows = figures.into_iter().map(|(name, of)| {
        let mut beside: Vec<(&str, f64)> = peers.iter().map(|peer| (peer.name, median(of(peer).clone()))).collect();
        beside.sort_by(|a, b| b.1.total_cmp(&a.1));
        let what = format!("queue, {name}, {CONNECTIONS} connections");
        let row = Row::new(what, Unit::PerSecond, median(of(&ours).clone()), None).with_goal(Goal::TimesPeer(5.0));
        beside.into_iter().fold(row, |row, (name, figure)| row.with_peer(name, Some(figure)))
    });
    Ok(rows.chain(skipped).collect())
}

fn with_many_waiting(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let many = plan.samples(MANY, MANY / 20);
    let mut short = Queue::make("short", Aws::at("sqs", platform.address), "short")?;
    let mut long = Queue::make("long", Aws::at("sqs", platform.address), "long")?;
    short.fill(FEW)?;
    long.fill(many)?;
    let time = Duration::from_millis(plan.samples(2000, 500) as u64);
    for _ in 0..plan.samples(7, 3) {
        short.round(time)?;
        long.round(time)?;
    }
    let row = |name: &str, of: fn(&Queue) -> &Vec<f64>| {
        let (with_many, with_few) = (median(of(&long).clone()), median(of(&short).clone()));
        let what = format!("queue, {name}, {many} waiting");
        let row = Row::new(what, Unit::PerSecond, with_many, None).with_goal(Goal::TimesPeer(0.8));
        row.with_peer(format!("{FEW} waiting"), Some(with_few))
    };
    Ok(vec![row("SendMessage", |queue| &queue.sent), row("receive and delete", |queue| &queue.received)])
}

/// From the call that sends to the first line of the function, which an instance waits for.
fn latencies(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let lambda = Lambda { address: platform.address };
    let samples = plan.samples(300, 60);
    let sqs = Aws::at("sqs", platform.address);
    let queue = Queue::make("latency", Aws::at("sqs", platform.address), "latency")?;
    let create =
        |name: &str| lambda.create_with(name, Language::Python.runtime(), ("index.py", LATENCY.as_bytes(), 0o644));
    create("from-queue")?;
    lambda.set("PUT", "/2015-03-31/functions/from-queue/configuration", &json!({"Timeout": 10}), 200)?;
    let mapping = json!({
        "FunctionName": "from-queue",
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:latency",
        "BatchSize": 1,
    });
    lambda.set("POST", "/2015-03-31/event-source-mappings", &mapping, 202)?;
    let from_queue = one_by_one(&platform, "from-queue", samples, |sent| {
        let body = json!({"sent": sent}).to_string();
        sqs.call("AmazonSQS.SendMessage", &json!({"QueueUrl": queue.url, "MessageBody": body})).map(drop)
    })?;
    create("from-bus")?;
    let events = Aws::at("events", platform.address);
    let pattern = json!({"source": ["bench"]}).to_string();
    events.call("AWSEvents.PutRule", &json!({"Name": "bench", "EventPattern": pattern}))?;
    let target = json!({"Id": "1", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:from-bus"});
    events.call("AWSEvents.PutTargets", &json!({"Rule": "bench", "Targets": [target]}))?;
    let from_bus = one_by_one(&platform, "from-bus", samples, |sent| {
        let detail = json!({"sent": sent}).to_string();
        let entry = json!({"Source": "bench", "DetailType": "sample", "Detail": detail});
        events.call("AWSEvents.PutEvents", &json!({"Entries": [entry]})).map(drop)
    })?;
    let rows = [("SendMessage", from_queue), ("PutEvents", from_bus)].into_iter().flat_map(|(from, mut times)| {
        times.sort_by(f64::total_cmp);
        let what = |name: &str| format!("from {from} to the function's first line, warm, {name}");
        let p50 = Row::new(what("p50"), Unit::Milliseconds, super::percentile(&times, 0.5), None);
        let p99 = Row::new(what("p99"), Unit::Milliseconds, super::percentile(&times, 0.99), None);
        [p50.with_goal(Goal::AtMost(10.0)), p99]
    });
    Ok(rows.collect())
}

/// Sends `samples` messages one after another, each after the function has printed the one before. Answers what the function printed, without the
/// first, which started it.
pub(super) fn one_by_one(
    platform: &Server,
    function: &str,
    samples: usize,
    send: impl Fn(f64) -> Result<(), Failure>,
) -> Result<Vec<f64>, Failure> {
    let logs = Aws::at("logs", platform.address);
    let query = json!({"logGroupName": format!("/aws/lambda/{function}"), "filterPattern": "LATENCY"});
    let printed = || -> Vec<f64> {
        let found = logs.call("Logs_20140328.FilterLogEvents", &query).unwrap_or_default();
        let lines = found["events"].as_array().cloned().unwrap_or_default();
        let number = |line: &Value| line["message"].as_str()?.split_whitespace().nth(1)?.parse().ok();
        lines.iter().filter_map(number).collect()
    };
    let mut all = Vec::new();
    for _ in 0..=samples {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        send(since.as_secs_f64())?;
        // Far more than a call takes, so that each finds everything idle.
        std::thread::sleep(Duration::from_millis(15));
    }
    let begin = Instant::now();
    while all.len() <= samples {
        if begin.elapsed() > Duration::from_secs(30) {
            return Err(format!("{function} printed {} of {samples} lines", all.len()).into());
        }
        std::thread::sleep(Duration::from_millis(100));
        all = printed();
    }
    Ok(all.split_off(1))
}
