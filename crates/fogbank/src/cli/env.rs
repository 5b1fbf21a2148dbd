//! `fogbank env`: the variables that make unmodified AWS clients talk to this platform.

use crate::cli::{EnvArgs, Failure};
use crate::root_key;
use fogbank_model::AccountId;
use serde_json::{Value, json};

/// Runs the command.
///
/// # Errors
/// The account is not twelve digits.
pub fn run(args: &EnvArgs) -> Result<u8, Failure> {
    let account: AccountId = args.account.parse()?;
    // While signatures are not checked, an access key id of twelve digits selects the account, and any secret does.
    let (id, secret) = match root_key::read(&args.data_dir) {
        Some(key) => (key.access_key_id, key.secret),
        None => (account.to_string(), "none".to_owned()),
    };
    let variables = [
        ("AWS_ENDPOINT_URL", args.target.endpoint.as_str()),
        ("AWS_DEFAULT_REGION", args.target.region.as_str()),
        ("AWS_REGION", args.target.region.as_str()),
        ("AWS_ACCESS_KEY_ID", &id),
        ("AWS_SECRET_ACCESS_KEY", &secret),
    ];
    if args.output.json {
        let all: serde_json::Map<String, Value> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        variables.iter().for_each(|(name, value)| println!("export {name}='{}'", value.replace('\'', "'\\''")));
    }
    Ok(0)
}
