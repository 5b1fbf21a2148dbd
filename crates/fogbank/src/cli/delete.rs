//! `fogbank delete`.

use crate::cli::client::{self, Client};
use crate::cli::output::Progress;
use crate::cli::{DeleteArgs, Failure};
use bytes::Bytes;
use http::{Method, Request};

/// Runs the command.
///
/// # Errors
/// There is no such stack, or something in it could not be removed.
pub async fn run(args: DeleteArgs) -> Result<u8, Failure> {
    let client = Client::new(&args.target)?;
    let path = format!("/_fogbank/stacks/{}", args.stack);
    let request = Request::builder().method(Method::DELETE).uri(path).body(Bytes::new())?;
    let mut progress = Progress::new(args.output.json, args.stack.clone());
    let response = client.send("fogbank", request).await?;
    client::lines(response, |line| progress.take(line)).await?;
    progress.finish().map_err(Failure::new)?;
    if !args.output.json {
        eprintln!("{}: deleted", args.stack);
    }
    Ok(0)
}
