//! `fogbank logs`: a function's lines through the CloudWatch Logs API.

use crate::cli::client::Client;
use crate::cli::{Failure, LogsArgs, ls};
use fogbank_model::{Clock, SystemClock, Timestamp};
use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;

/// How often new lines are asked for.
const POLL: Duration = Duration::from_millis(500);

/// How far back a line may be written late: lines are asked for again from this long before the last one.
const LATE: Duration = Duration::from_secs(5);

/// How many ids of printed lines are remembered, so that none is printed twice.
const REMEMBERED: usize = 10_000;

/// Runs the command.
///
/// # Errors
/// There is no such log.
pub async fn run(args: LogsArgs) -> Result<u8, Failure> {
    let client = Client::new(&args.target)?;
    let group = match args.function.starts_with('/') {
        true => args.function.clone(),
        false => format!("/aws/lambda/{}", ls::function_name(&client, &args.function).await?),
    };
    let mut from = Timestamp(SystemClock.now().0 - i64::from(args.since) * 60_000);
    let mut printed: VecDeque<String> = VecDeque::new();
    loop {
        let mut token = None;
        loop {
            let mut input = json!({"logGroupName": group, "startTime": from.0.max(0)});
            if let Some(token) = token {
                input["nextToken"] = token;
            }
            if let Some(filter) = &args.filter {
                input["filterPattern"] = filter.as_str().into();
            }
            let answer = client.target("logs", "Logs_20140328.FilterLogEvents", &input).await?;
            for event in answer["events"].as_array().map_or(&[][..], Vec::as_slice) {
                let id = event["eventId"].as_str().unwrap_or_default().to_owned();
                if printed.contains(&id) {
                    continue;
                }
                print(event, args.output.json);
                printed.push_back(id);
                let at = Timestamp(event["timestamp"].as_i64().unwrap_or_default());
                from = from.max(Timestamp(at.0 - i64::try_from(LATE.as_millis()).unwrap_or_default()));
            }
            printed.drain(..printed.len().saturating_sub(REMEMBERED));
            token = answer.get("nextToken").filter(|token| token.is_string()).cloned();
            if token.is_none() {
                break;
            }
        }
        if !args.follow {
            return Ok(0);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn print(event: &serde_json::Value, as_json: bool) {
    if as_json {
        println!("{event}");
        return;
    }
    let at = Timestamp(event["timestamp"].as_i64().unwrap_or_default()).to_lambda_text();
    println!("{} {}", at.trim_end_matches("+0000"), event["message"].as_str().unwrap_or_default().trim_end());
}
