//! The form of policy documents (IAM User Guide, "Grammar of the IAM JSON policy language"). What they allow is not looked at here.

use crate::Error;
use serde_json::{Map, Value};

fn malformed<T>(text: &str) -> Result<T, Error> {
    Err(Error::MalformedDocument(text.into()))
}

/// Checks the document of an identity's policy: statements with actions and resources, without a principal.
pub(crate) fn check_permissions(document: &str) -> Result<(), Error> {
    for statement in statements(document)? {
        if has(&statement, "Principal") {
            return malformed("Policy document should not specify a principal.");
        }
        check_actions(&statement)?;
        if !has(&statement, "Resource") {
            return malformed("Policy statement must contain resources.");
        }
    }
    Ok(())
}

/// Checks a role's trust policy: statements with principals, without resources.
pub(crate) fn check_trust(document: &str) -> Result<(), Error> {
    for statement in statements(document)? {
        if has(&statement, "Resource") {
            return malformed("Has prohibited field Resource");
        }
        if !has(&statement, "Principal") {
            return malformed("Missing required field Principal");
        }
        check_actions(&statement)?;
    }
    Ok(())
}

/// A document's length as IAM's quotas count it: without white space.
pub(crate) fn length(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// Whether the element or its negation (`NotAction`) is there.
fn has(statement: &Map<String, Value>, element: &str) -> bool {
    statement.contains_key(element) || statement.contains_key(&format!("Not{element}"))
}

fn check_actions(statement: &Map<String, Value>) -> Result<(), Error> {
    let actions = statement.get("Action").or_else(|| statement.get("NotAction"));
    let names: Vec<&str> = match actions {
        Some(Value::String(action)) => vec![action],
        Some(Value::Array(actions)) => actions.iter().filter_map(Value::as_str).collect(),
        _ => return malformed("Policy statement must contain actions."),
    };
    let vendor = |action: &&str| {
        **action == *"*" || action.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
    };
    match names.iter().find(|action| !vendor(action)) {
        Some(_) => malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        None => Ok(()),
    }
}

fn statements(document: &str) -> Result<Vec<Map<String, Value>>, Error> {
    let Ok(Value::Object(mut policy)) = serde_json::from_str(document) else {
        return malformed("This policy contains invalid Json");
    };
    const ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];
    let version = policy.get("Version").map_or(Some("2008-10-17"), Value::as_str);
    if !matches!(version, Some("2012-10-17" | "2008-10-17"))
        || policy.keys().any(|key| !ELEMENTS.contains(&key.as_str()))
    {
        return malformed("Syntax errors in policy.");
    }
    let statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements,
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return malformed("Syntax errors in policy."),
    };
    let statement = |statement| match statement {
        Value::Object(statement) => match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow" | "Deny") => Ok(statement),
            _ => malformed("Syntax errors in policy."),
        },
        _ => malformed("Syntax errors in policy."),
    };
    statements.into_iter().map(statement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permissions_policy_needs_actions_and_resources_and_no_principal() {
        assert!(
            check_permissions(
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#
            )
            .is_ok()
        );
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":[]}"#,
            r#"{"Statement":[{"Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"read","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}],"Other":1}"#,
        ] {
            assert!(matches!(check_permissions(wrong), Err(Error::MalformedDocument(_))), "{wrong}");
        }
    }

    #[test]
    fn a_trust_policy_needs_a_principal_and_no_resource() {
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        assert!(check_trust(trust).is_ok());
        assert!(check_trust(&trust.replace("Principal", "Resource")).is_err());
        assert!(check_trust(&trust.replace(r#""Principal":{"Service":"lambda.amazonaws.com"},"#, "")).is_err());
    }
}
