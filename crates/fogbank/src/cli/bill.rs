//! `fogbank bill`.

use crate::cli::client::Client;
use crate::cli::output::table;
use crate::cli::{BillArgs, Failure};
use bytes::Bytes;
use fogbank_model::{Clock, SystemClock};
use http::Method;

/// Runs the command.
///
/// # Errors
/// The platform cannot be reached.
pub async fn run(args: BillArgs) -> Result<u8, Failure> {
    let client = Client::new(&args.target)?;
    let from = SystemClock.now().0 - i64::from(args.hours) * 3_600_000;
    let bill =
        client.json("fogbank", Method::GET, &format!("/_fogbank/bill?from={}", from.max(0)), Bytes::new()).await?;
    if args.output.json {
        println!("{}", serde_json::to_string_pretty(&bill)?);
        return Ok(0);
    }
    let lines = bill["Lines"].as_array().map_or(&[][..], Vec::as_slice);
    let row = |line: &serde_json::Value| {
        let text = |name: &str| line[name].as_str().map_or_else(|| line[name].to_string(), str::to_owned);
        ["Function", "Version", "Requests", "ColdStarts", "GbSeconds", "Cost"].map(text).to_vec()
    };
    let mut rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    let total =
        format!("{} {}", bill["Total"].as_str().unwrap_or_default(), bill["Currency"].as_str().unwrap_or_default());
    rows.push(vec!["total".into(), String::new(), String::new(), String::new(), String::new(), total]);
    table(&["FUNCTION", "VERSION", "REQUESTS", "COLD", "GB-SECONDS", "COST"], &rows);
    Ok(0)
}
