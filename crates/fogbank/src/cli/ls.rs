//! `fogbank ls`, and how other commands find a function by its logical id.

use crate::cli::client::Client;
use crate::cli::output::table;
use crate::cli::{Failure, LsArgs};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// Runs the command.
///
/// # Errors
/// The platform cannot be reached.
pub async fn run(args: LsArgs) -> Result<u8, Failure> {
    let client = Client::new(&args.target)?;
    let stacks = stacks(&client).await?;
    if args.output.json {
        println!("{}", serde_json::to_string_pretty(&stacks)?);
        return Ok(0);
    }
    let mut rows = Vec::new();
    for stack in items(&stacks) {
        for resource in items(&stack["Resources"]) {
            let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
            let address = Some(text("Url")).filter(|url| !url.is_empty()).unwrap_or_else(|| text("PhysicalId"));
            rows.push(vec![stack["Name"].as_str().unwrap_or_default().to_owned(), text("Id"), text("Type"), address]);
        }
    }
    table(&["STACK", "RESOURCE", "TYPE", "ADDRESS"], &rows);
    Ok(0)
}

async fn stacks(client: &Client) -> Result<Value, Failure> {
    let answer = client.json("fogbank", Method::GET, "/_fogbank/stacks", Bytes::new()).await?;
    Ok(answer["Stacks"].clone())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The function that `name` means: what has that logical id in a stack, if exactly one stack has it; else the name itself.
///
/// # Errors
/// The platform cannot be reached.
pub async fn function_name(client: &Client, name: &str) -> Result<String, Failure> {
    let stacks = stacks(client).await?;
    let resources = items(&stacks).iter().flat_map(|stack| items(&stack["Resources"]));
    let of_that_id = resources.filter(|resource| resource["Id"] == name && resource["Type"] == "AWS::Lambda::Function");
    let found: Vec<&str> = of_that_id.filter_map(|resource| resource["PhysicalId"].as_str()).collect();
    Ok(if let [only] = found[..] { only.to_owned() } else { name.to_owned() })
}
