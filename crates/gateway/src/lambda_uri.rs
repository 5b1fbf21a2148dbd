//! Integration URIs: which function a route calls.

use crate::Error;
use fogbank_model::{AccountId, Caller, FunctionRef, Region, RequestContext, RequestId};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The function's ARN within `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`, or the text itself.
fn function_part(uri: &str) -> &str {
    let inner = uri.split_once(":lambda:path/2015-03-31/functions/").filter(|(start, _)| {
        let mut parts = start.split(':');
        parts.next() == Some("arn") && parts.nth(1) == Some("apigateway")
    });
    inner.map_or(uri, |(_, rest)| rest.strip_suffix("/invocations").unwrap_or(rest))
}

/// Replaces `${stageVariables.NAME}`; a variable that the stage does not have becomes nothing, as in API Gateway.
fn resolve<'u>(uri: &'u str, variables: &BTreeMap<String, String>) -> Cow<'u, str> {
    const START: &str = "${stageVariables.";
    if !uri.contains(START) {
        return Cow::Borrowed(uri);
    }
    let mut out = String::new();
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once(START) {
        let Some((name, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(variables.get(name).map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The function of the API's own account that `uri` names in a stage with these `variables`. What belongs to another account could be
/// called only if its policy allowed it, and nothing evaluates policies yet.
pub(crate) fn own_function(
    uri: &str,
    variables: &BTreeMap<String, String>,
    account: &AccountId,
) -> Option<FunctionRef> {
    function(uri, variables).filter(|function| function.account == *account)
}

/// The function that `uri` names in a stage with these `variables`.
fn function(uri: &str, variables: &BTreeMap<String, String>) -> Option<FunctionRef> {
    let resolved = resolve(uri, variables);
    let arn = function_part(&resolved);
    // A full ARN leaves nothing to the context.
    arn.starts_with("arn:").then(|| FunctionRef::parse(arn, &nobody()).ok()).flatten()
}

/// Refuses a URI that can name no function, whatever the stage's variables are.
pub(crate) fn check(uri: &str) -> Result<(), Error> {
    let mut probe = uri.to_owned();
    while let Some((before, after)) = probe.split_once("${stageVariables.") {
        let Some((_, after)) = after.split_once('}') else { break };
        // One letter stands where names and aliases may stand.
        probe = format!("{before}v{after}");
    }
    let whole_function_is_variable = function_part(&probe) == "v";
    match whole_function_is_variable || function(&probe, &BTreeMap::new()).is_some() {
        true => Ok(()),
        false => Err(Error::bad(format!(
            "Invalid function ARN or invalid URI: '{uri}'. Give the function's ARN, or \
             arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION_ARN/invocations."
        ))),
    }
}

fn nobody() -> RequestContext {
    RequestContext {
        account: AccountId::default_account(),
        region: Region::default_region(),
        caller: Caller::Service("apigateway.amazonaws.com"),
        request_id: RequestId("".into()),
        source_ip: None,
        endpoint: "".into(),
        trace: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders";

    #[test]
    fn both_forms_of_a_uri_name_the_function() {
        let long = format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}:live/invocations");
        assert_eq!(function(&long, &BTreeMap::new()).unwrap().arn().as_str(), format!("{ARN}:live"));
        assert_eq!(function(ARN, &BTreeMap::new()).unwrap().arn().as_str(), ARN);
    }

    #[test]
    fn a_stage_variable_chooses_the_alias() {
        let uri = format!("{ARN}:${{stageVariables.alias}}");
        check(&uri).unwrap();
        let variables = BTreeMap::from([("alias".to_owned(), "blue".to_owned())]);
        assert_eq!(function(&uri, &variables).unwrap().arn().as_str(), format!("{ARN}:blue"));
        assert!(function(&uri, &BTreeMap::new()).is_none());
    }

    #[test]
    fn what_names_no_function_is_refused() {
        for uri in ["", "orders", "https://example.com", "arn:aws:sqs:eu-west-1:123456789012:queue"] {
            assert!(check(uri).is_err(), "{uri}");
        }
    }
}
