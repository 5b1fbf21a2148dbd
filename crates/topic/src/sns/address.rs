//! What the ARNs of a request name. Accounts are closed to each other, so it must be the caller's.

use crate::publish::SERVICE;
use crate::{Error, SubscriptionKey, TopicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_delivery::Origin;
use fogbank_model::{Arn, Caller, RequestContext};

/// Whether the caller is known: that is, did more than know a secret address.
pub(super) fn is_known(context: &RequestContext) -> bool {
    context.caller != Caller::Service(fogbank_wire::UNSIGNED)
}

fn arn(parameter: &str, text: &str) -> Result<Arn, Error> {
    let parts = text.split(':').count();
    if parts < 6 {
        return Err(Error::because(parameter, format!("An ARN must have at least 6 elements, not {parts}")));
    }
    text.parse().map_err(|_| Error::invalid(parameter))
}

/// The topic that an ARN names, whose account and region are the caller's.
pub(super) fn topic(
    context: &RequestContext,
    parameter: &str,
    text: &str,
    operation: &'static str,
) -> Result<TopicKey, Error> {
    let arn = arn(parameter, text)?;
    let key = TopicKey::of(&arn).ok_or_else(|| Error::invalid(parameter))?;
    own(context, &arn, &key, operation, parameter)?;
    Ok(key)
}

/// The subscription that an ARN names, whose topic's account and region are the caller's.
pub(super) fn subscription(
    context: &RequestContext,
    text: &str,
    operation: &'static str,
) -> Result<SubscriptionKey, Error> {
    let arn = arn("SubscriptionArn", text)?;
    let key = SubscriptionKey::of(&arn);
    let key =
        key.ok_or_else(|| Error::because("SubscriptionArn", "An ARN of a subscription names a topic and an id"))?;
    own(context, &arn, &key.topic, operation, "SubscriptionArn")?;
    Ok(key)
}

fn own(
    context: &RequestContext,
    arn: &Arn,
    key: &TopicKey,
    operation: &'static str,
    parameter: &str,
) -> Result<(), Error> {
    if !is_known(context) {
        // A link's reader is nobody in particular; the token or the subscription's id is what counts.
        return Ok(());
    }
    if key.account != context.account {
        let sender = origin(context, None).sender;
        return Err(Error::Denied { sender, operation, arn: arn.to_string() });
    }
    if key.region != context.region { Err(Error::invalid(parameter)) } else { Ok(()) }
}

/// What targets are told of a request.
pub(super) fn origin(context: &RequestContext, source: Option<Arn>) -> Origin {
    Origin::of(context, SERVICE, source)
}

/// A page's token for the name that the page ended with.
pub(super) fn token(name: Option<String>) -> Option<String> {
    name.map(|name| BASE64.encode(name))
}

/// The name that a token stands for.
pub(super) fn read_token(token: Option<String>) -> Result<Option<String>, Error> {
    let read = |token: String| {
        let bytes = BASE64.decode(token).ok().filter(|bytes| bytes.len() <= 512);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| Error::because("NextToken", "Invalid token"))
    };
    token.filter(|token| !token.is_empty()).map(read).transpose()
}
