//! Calls of API destinations: on record with the event, made by a worker, again if they fail, and put into the dead-letter queue in the end.

mod request;
mod token;

use crate::connection::{self, Connection};
use crate::destination::{self, Destination};
use crate::event::Event;
use crate::model::Target;
use crate::route::Failure;
use crate::{Buses, keys};
use fogbank_delivery::{Origin, Outbound, Sender, Settle, Work};
use fogbank_model::{Arn, BoxFuture, Timestamp};
use fogbank_store::{Error as StoreError, Tx};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use token::Tokens;

/// How long a call may take: what EventBridge gives an API destination.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Calls under way at once.
const AT_ONCE: usize = 32;
/// Retries, unless the target says otherwise.
const RETRIES: i64 = 185;
/// How old an event may get, unless the target says otherwise, in seconds.
const AGE_S: i64 = 86_400;
/// The pause before the first retry. Each further one is twice as long, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// Destinations whose pace is remembered.
const PACES: usize = 1000;
const SECOND: Duration = Duration::from_secs(1);

/// A call to be made.
#[derive(Clone, Serialize, Deserialize)]
struct Call {
    rule: Arn,
    target: Target,
    body: String,
    /// The whole event, for the dead-letter queue and for parameters.
    event: String,
    origin: Origin,
    first: Timestamp,
    retries: u32,
    /// Whether it was put off to a time that is kept free for it.
    #[serde(default)]
    paced: bool,
}

/// Puts a call on record.
pub(crate) fn enqueue(
    tx: &mut Tx<'_>,
    rule: &Arn,
    target: &Target,
    body: String,
    event: &Event,
    origin: &Origin,
) -> Result<(), StoreError> {
    let (event, first) = (event.text.clone(), tx.now());
    let call = Call {
        rule: rule.clone(),
        target: target.clone(),
        body,
        event,
        origin: origin.clone(),
        first,
        retries: 0,
        paced: false,
    };
    let message = serde_json::to_vec(&call);
    let message = message.map_err(|error| StoreError::Damaged { table: keys::CALLS, why: error.to_string() })?;
    tx.enqueue(keys::CALLS, tx.now(), &message)
}

/// How a call went that did not succeed.
enum Trouble {
    /// Another try may help.
    Passing { code: &'static str, message: String, not_before: Option<Duration> },
    /// No other try will.
    Lasting { code: &'static str, message: String },
    /// The destination has had as many calls as it takes in a second; the call was not made.
    Paced(Timestamp),
}

/// Makes the calls.
pub(crate) struct Calls {
    buses: Weak<Buses>,
    outbound: Arc<Outbound>,
    tokens: Tokens,
    /// How many calls each destination has had lately.
    paces: Mutex<Paces>,
}

/// When each destination's next calls may be made.
///
/// A call beyond the rate is given the next free time, and that is taken: it waits once, and what comes later waits behind it. So a backlog, however long,
/// is not looked at again each second.
#[derive(Default)]
struct Paces(HashMap<String, Pace>);

/// The calls of a destination that are given times in the second after `from`, which may be long from now.
struct Pace {
    from: Timestamp,
    calls: i64,
}

impl Paces {
    /// Takes the next of `rate` places in a second. Returns when that second begins, if it has not yet.
    fn take(&mut self, destination: &str, rate: i64, now: Timestamp) -> Option<Timestamp> {
        if self.0.len() > PACES {
            self.0.retain(|_, pace| pace.from.plus(SECOND) > now);
        }
        let pace = self.0.entry(destination.to_owned()).or_insert(Pace { from: now, calls: 0 });
        if pace.from.plus(SECOND) <= now {
            *pace = Pace { from: now, calls: 0 };
        } else if pace.calls >= rate {
            *pace = Pace { from: pace.from.plus(SECOND), calls: 0 };
        }
        pace.calls += 1;
        Some(pace.from).filter(|from| *from > now)
    }
}

impl Calls {
    pub(crate) fn new(buses: &Arc<Buses>, outbound: Arc<Outbound>) -> Self {
        Self { buses: Arc::downgrade(buses), outbound, tokens: Tokens::default(), paces: Mutex::default() }
    }

    async fn make(&self, buses: &Buses, call: &Call) -> Result<(), Trouble> {
        let found = buses.store.read::<_, StoreError>(|snapshot| {
            let Ok(arn) = call.target.arn.parse::<Arn>() else { return Ok(None) };
            let Some(destination) = destination::by_arn(snapshot, &arn)? else { return Ok(None) };
            let connection = connection::by_arn(snapshot, &destination.connection)?;
            Ok(Some((destination, connection)))
        });
        let found = found.map_err(|error| Trouble::Passing {
            code: "INTERNAL_ERROR",
            message: error.to_string(),
            not_before: None,
        })?;
        let lasting = |code, message: &str| Trouble::Lasting { code, message: message.to_owned() };
        let (destination, connection) =
            found.ok_or_else(|| lasting("NO_RESOURCE", "The API destination does not exist."))?;
        let connection = connection.ok_or_else(|| lasting("NO_RESOURCE", "The connection does not exist."))?;
        if connection.state != "AUTHORIZED" {
            return Err(lasting("NO_PERMISSIONS", "The connection is not authorized."));
        }
        if !call.paced {
            let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = paces.take(&destination.id, destination.rate, buses.clock.now()) {
                return Err(Trouble::Paced(at));
            }
        }
        self.exchange(buses, call, &destination, &connection).await
    }

    async fn exchange(
        &self,
        buses: &Buses,
        call: &Call,
        destination: &Destination,
        connection: &Connection,
    ) -> Result<(), Trouble> {
        let passing = |code, message| Trouble::Passing { code, message, not_before: None };
        let token = match connection.kind.as_str() {
            "OAUTH_CLIENT_CREDENTIALS" => {
                let now = buses.clock.now();
                let token = self.tokens.of(&self.outbound, connection, now).await;
                Some(token.map_err(|message| passing("FAILED_TO_ASSUME_ROLE", message))?)
            }
            _ => None,
        };
        let event = serde_json::from_str(&call.event).unwrap_or_default();
        let parts = request::Parts { target: &call.target, body: &call.body, event: &event };
        let request = request::build(&parts, destination, connection, token.as_deref());
        let request = request.map_err(|message| Trouble::Lasting { code: "INVALID_PARAMETER", message })?;
        let id = event["id"].as_str().unwrap_or_default();
        let sender = Sender { arn: &call.origin.sender, id, sent: call.first };
        let answer = self.outbound.send(request, Some(sender), TIMEOUT).await;
        let answer = answer.map_err(|message| passing("CONNECTION_FAILURE", message))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let message =
            format!("Unable to invoke ApiDestination endpoint: Request failed with status code {}", status.as_u16());
        let is_stale =
            token.is_some() && matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        if is_stale {
            self.tokens.forget(&connection.id);
        }
        let retriable = is_stale
            || status.is_server_error()
            || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS);
        if !retriable {
            return Err(Trouble::Lasting { code: "SDK_CLIENT_ERROR", message });
        }
        let after = answer.headers().get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let code = if status == StatusCode::TOO_MANY_REQUESTS { "THROTTLING" } else { "ERROR_FROM_TARGET" };
        Err(Trouble::Passing { code, message, not_before: after.map(Duration::from_secs) })
    }

    fn settle(&self, buses: Arc<Buses>, mut call: Call, trouble: Trouble) -> Settle {
        let now = buses.clock.now();
        let (code, message, pause) = match trouble {
            Trouble::Paced(at) => return again(at, &Call { paced: true, ..call }),
            Trouble::Lasting { code, message } => {
                return bury(buses, call, code, message, None);
            }
            Trouble::Passing { code, message, not_before } => (code, message, not_before),
        };
        let policy = call.target.retry_policy.clone().unwrap_or_default();
        let most = policy.maximum_retry_attempts.unwrap_or(RETRIES);
        if i64::from(call.retries) >= most {
            return bury(buses, call, code, message, Some("MaximumRetryAttempts"));
        }
        let doubled =
            PAUSE.saturating_mul(1_u32.checked_shl(call.retries.min(16)).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
        // Some of it is chance, so that what failed together does not come back together.
        let pause = doubled.mul_f64(0.5 + buses.clock.fraction() / 2.0).max(pause.unwrap_or_default());
        let age = policy.maximum_event_age_in_seconds.unwrap_or(AGE_S);
        let end = call.first.plus(Duration::from_secs(u64::try_from(age).unwrap_or_default()));
        if now.plus(pause) > end {
            return bury(buses, call, code, message, Some("MaximumEventAgeInSeconds"));
        }
        call.retries += 1;
        call.paced = false;
        again(now.plus(pause), &call)
    }
}

fn again(at: Timestamp, call: &Call) -> Settle {
    match serde_json::to_vec(call) {
        Ok(message) => Settle::again(keys::CALLS, at, message),
        Err(error) => {
            tracing::error!(%error, "a call could not be put off and is dropped");
            Settle::done()
        }
    }
}

fn bury(buses: Arc<Buses>, call: Call, code: &'static str, message: String, exhausted: Option<&'static str>) -> Settle {
    let value = serde_json::from_str(&call.event).unwrap_or_default();
    let event = Event { value, text: call.event.clone(), passed: Vec::new() };
    Settle::with(move |tx| {
        let failure = Failure { code, message: message.clone(), exhausted, retries: call.retries };
        buses.bury(tx, &call.target, &call.rule, &event, &call.origin, failure)
    })
}

impl Work for Calls {
    fn queue(&self) -> &'static str {
        keys::CALLS
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        let (buses, call) = (self.buses.upgrade(), serde_json::from_slice::<Call>(&message));
        Box::pin(async move {
            match (buses, call) {
                (Some(buses), Ok(call)) => match self.make(&buses, &call).await {
                    Ok(()) => Settle::done(),
                    Err(trouble) => self.settle(buses, call, trouble),
                },
                (None, _) => std::future::pending().await,
                (_, Err(error)) => {
                    tracing::error!(%error, "a damaged call is dropped");
                    Settle::done()
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_beyond_the_rate_waits_once_for_a_time_of_its_own() {
        let mut paces = Paces::default();
        let mut at = |now| paces.take("d", 2, Timestamp(now)).map(|at| at.0);
        let given: Vec<_> = (0..7).map(|_| at(0)).collect();
        assert_eq!(given, [None, None, Some(1000), Some(1000), Some(2000), Some(2000), Some(3000)]);
        // What comes later waits behind what waits.
        assert_eq!((at(1500), at(1500)), (Some(3000), Some(4000)));
        assert_eq!((at(4100), at(4100), at(5000)), (None, Some(5000), None));
    }
}
