//! `fogbank doctor`: what this host lacks, and what that weakens.

use crate::cli::{Failure, OutputArgs};
use serde_json::json;

/// Runs the command. Exits with 1 if anything is weakened.
///
/// # Errors
/// None but a failure to print.
pub fn run(args: &OutputArgs) -> Result<u8, Failure> {
    let findings = fogbank_sandbox::doctor();
    if args.json {
        let shown: Vec<serde_json::Value> = findings
            .iter()
            .map(|finding| {
                let (what, ok, weakens, remedy) = (finding.what, finding.ok, finding.weakens, finding.remedy);
                json!({"what": what, "ok": ok, "weakens": weakens, "remedy": remedy})
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        for finding in &findings {
            println!("{} {}", if finding.ok { "ok     " } else { "LACKING" }, finding.what);
            if !finding.ok {
                println!("        weakens: {}\n        remedy:  {}", finding.weakens, finding.remedy);
            }
        }
    }
    Ok(u8::from(findings.iter().any(|finding| !finding.ok)))
}
