//! One request to an HTTP endpoint.

use crate::outbox::Post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fogbank_delivery::{Outbound, Sender};
use fogbank_model::Arn;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// How long an endpoint may take for its answer, as on AWS.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How SNS calls itself.
const AGENT: &str = "Amazon Simple Notification Service Agent";

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoint has it.
    Taken,
    /// The endpoint will never take it.
    Refused(String),
    /// It is worth another try.
    Failed(String),
}

/// Sends `post` of the topic's subscription.
pub(crate) async fn send(outbound: &Outbound, post: &Post, topic: &Arn, subscription: &Arn) -> Outcome {
    let Ok(uri) = post.url.parse::<Uri>() else { return Outcome::Refused("the endpoint is no URL".into()) };
    let request = match request(post, &uri, topic, subscription) {
        Ok(request) => request,
        Err(why) => return Outcome::Refused(why.to_string()),
    };
    // Confirmations are the platform's own, so they have no sender.
    let sender = post.origin.as_ref().map(|origin| Sender { arn: &origin.sender, id: &post.id, sent: post.sent });
    match outbound.send(request, sender, TIMEOUT).await {
        Ok(answer) => judge(answer.status()),
        Err(why) => Outcome::Failed(why),
    }
}

/// As AWS: a client error is final, but for one that says to come later.
fn judge(status: StatusCode) -> Outcome {
    let why = format!("the endpoint answered {status}");
    match status {
        status if status.is_success() => Outcome::Taken,
        StatusCode::TOO_MANY_REQUESTS => Outcome::Failed(why),
        status if status.is_client_error() => Outcome::Refused(why),
        _ => Outcome::Failed(why),
    }
}

fn request(post: &Post, uri: &Uri, topic: &Arn, subscription: &Arn) -> Result<Request<Full<Bytes>>, http::Error> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let scheme = uri.scheme_str().unwrap_or("http");
    let mut request = Request::post(format!("{scheme}://{host}{path}"))
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, HeaderValue::from_str(&post.content_type)?)
        .header("x-amz-sns-message-type", &post.kind)
        .header("x-amz-sns-message-id", &post.id)
        .header("x-amz-sns-topic-arn", topic.as_str());
    if post.kind != "SubscriptionConfirmation" {
        request = request.header("x-amz-sns-subscription-arn", subscription.as_str());
    }
    if post.raw {
        request = request.header("x-amz-sns-rawdelivery", "true");
    }
    if let Some(user) = user {
        let plain: Vec<u8> = percent_decode_str(user).collect();
        request = request.header(AUTHORIZATION, format!("Basic {}", BASE64.encode(plain)));
    }
    request.body(Full::new(Bytes::from(post.body.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_client_errors_are_final() {
        for (status, again) in
            [(500, true), (503, true), (429, true), (301, true), (400, false), (404, false), (403, false)]
        {
            let outcome = judge(StatusCode::from_u16(status).unwrap());
            assert_eq!(matches!(outcome, Outcome::Failed(_)), again, "{status}");
        }
        assert_eq!(judge(StatusCode::NO_CONTENT), Outcome::Taken);
    }
}
