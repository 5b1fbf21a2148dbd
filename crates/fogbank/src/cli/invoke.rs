//! `fogbank invoke`.

use crate::cli::client::{Client, error_text};
use crate::cli::{Failure, InvokeArgs, ls};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use std::io::{Read, Write};

/// The exit code where the function itself reported an error.
const FUNCTION_ERROR: u8 = 3;

/// Runs the command.
///
/// # Errors
/// The call did not reach the function.
pub async fn run(args: InvokeArgs) -> Result<u8, Failure> {
    let client = Client::new(&args.target)?;
    let payload = read_payload(&args.payload)?;
    let function = ls::function_name(&client, &args.function).await?;
    let encoded: String = function.replace(':', "%3A");
    let query = args.qualifier.as_ref().map(|qualifier| format!("?Qualifier={qualifier}")).unwrap_or_default();
    let kind = if args.event { "Event" } else { "RequestResponse" };
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/2015-03-31/functions/{encoded}/invocations{query}"))
        .header("x-amz-invocation-type", kind)
        .header("x-amz-log-type", if args.log && !args.event { "Tail" } else { "None" });
    let response = client.send("lambda", request.body(payload)?).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    if !head.status.is_success() {
        let value = serde_json::from_slice(&body).unwrap_or_default();
        return Err(Failure::new(
            error_text(&value).unwrap_or_else(|| format!("the platform answered {}", head.status)),
        ));
    }
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(log) = header("x-amz-log-result") {
        let text = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, log).unwrap_or_default();
        eprint!("{}", String::from_utf8_lossy(&text));
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&body)?;
    if !body.is_empty() {
        stdout.write_all(b"\n")?;
    }
    let failed = header("x-amz-function-error").is_some();
    if failed {
        eprintln!("the function reported an error");
    }
    Ok(if failed { FUNCTION_ERROR } else { 0 })
}

fn read_payload(text: &str) -> Result<Bytes, Failure> {
    let Some(file) = text.strip_prefix('@') else { return Ok(text.to_owned().into()) };
    if file == "-" {
        let mut all = Vec::new();
        std::io::stdin().read_to_end(&mut all)?;
        return Ok(all.into());
    }
    std::fs::read(file).map(Bytes::from).map_err(|error| Failure::new(format!("{file}: {error}")))
}
