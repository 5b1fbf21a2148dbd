//! Where an event meets the process that asks for one. A small state machine between the caller's side (`instance.rs`) and the Runtime
//! API's side (`api.rs`): no I/O, no waiting under the lock.

use bytes::Bytes;
use fogbank_functions::runtime::{Event, Outcome};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How a function's own initialisation ended.
#[derive(Debug)]
pub(crate) enum Initialised {
    /// It asked for its first event.
    Ready,
    /// It reported an error.
    Failed { error_type: String, payload: Bytes },
}

/// Why a request does not fit the present state. AWS's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The id is not that of the event that is being handled.
    InvalidRequestId,
    /// The request makes no sense now.
    InvalidState,
}

/// One instance's exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    initialising: Option<oneshot::Sender<Initialised>>,
    /// A request for the next event that has not been answered.
    asking: Option<oneshot::Sender<Event>>,
    /// An event that nobody has asked for yet.
    waiting: Option<Event>,
    /// The event that is being handled.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    request_id: String,
    until: Instant,
    answer: oneshot::Sender<Outcome>,
}

/// The right to answer the event that is being handled.
#[derive(Debug)]
pub(crate) struct Answering {
    answer: oneshot::Sender<Outcome>,
    /// When the time limit passes.
    pub(crate) until: Instant,
}

impl Answering {
    /// Gives the answer to the caller, if it still waits.
    pub(crate) fn give(self, outcome: Outcome) {
        let _ = self.answer.send(outcome);
    }
}

/// What a request for the next event gets.
pub(crate) enum Next {
    /// An event that was waiting.
    Event(Box<Event>),
    /// It has to wait.
    Wait(oneshot::Receiver<Event>),
}

impl Exchange {
    /// An exchange, and the end of initialisation to wait for.
    pub(crate) fn new() -> (Self, oneshot::Receiver<Initialised>) {
        let (initialising, initialised) = oneshot::channel();
        let state = State { initialising: Some(initialising), asking: None, waiting: None, current: None };
        (Self { state: Mutex::new(state) }, initialised)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands `event` to the process; the receiver gets its answer.
    pub(crate) fn begin(&self, event: Event) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        let mut state = self.state();
        state.current =
            Some(Current { request_id: event.request_id.clone(), until: Instant::now() + event.timeout, answer });
        // Whoever asked may have hung up since; then the event waits for the next one who asks.
        state.waiting = match state.asking.take() {
            Some(asking) => asking.send(event).err(),
            None => Some(event),
        };
        outcome
    }

    /// The process asks for its next event.
    pub(crate) fn next(&self) -> Result<Next, Refusal> {
        let mut state = self.state();
        if let Some(initialising) = state.initialising.take() {
            let _ = initialising.send(Initialised::Ready);
        }
        if let Some(event) = state.waiting.take() {
            return Ok(Next::Event(Box::new(event)));
        }
        if state.current.is_some() {
            return Err(Refusal::InvalidState);
        }
        let (asking, event) = oneshot::channel();
        state.asking = Some(asking);
        Ok(Next::Wait(event))
    }

    /// The process begins to answer the event `request_id`.
    pub(crate) fn answer(&self, request_id: &str) -> Result<Answering, Refusal> {
        let mut state = self.state();
        match state.current.take() {
            Some(current) if current.request_id == request_id && state.waiting.is_none() => {
                Ok(Answering { answer: current.answer, until: current.until })
            }
            Some(other) => {
                state.current = Some(other);
                Err(Refusal::InvalidRequestId)
            }
            None if state.initialising.is_some() => Err(Refusal::InvalidState),
            None => Err(Refusal::InvalidRequestId),
        }
    }

    /// The process reports that its initialisation failed.
    pub(crate) fn fail_initialisation(&self, error_type: String, payload: Bytes) -> Result<(), Refusal> {
        let initialising = self.state().initialising.take().ok_or(Refusal::InvalidState)?;
        let _ = initialising.send(Initialised::Failed { error_type, payload });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use fogbank_model::Timestamp;
    use std::time::Duration;

    fn event(id: &str) -> Event {
        Event {
            request_id: id.into(),
            payload: Bytes::from_static(b"{}"),
            head: None,
            deadline: Timestamp(0),
            timeout: Duration::from_secs(3),
            invoked_arn: String::new(),
            trace: String::new(),
            client_context: None,
        }
    }

    #[tokio::test]
    async fn an_event_reaches_whoever_asks_before_or_after_it_comes() {
        let (exchange, ready) = Exchange::new();
        let Ok(Next::Wait(asked)) = exchange.next() else { panic!("nothing can be waiting") };
        assert!(matches!(ready.await.unwrap(), Initialised::Ready));
        let outcome = exchange.begin(event("a"));
        assert_eq!(asked.await.unwrap().request_id, "a");
        exchange.answer("a").unwrap().give(Outcome::Answered(Bytes::from_static(b"1")));
        assert!(matches!(outcome.await.unwrap(), Outcome::Answered(_)));
        let _second = exchange.begin(event("b"));
        assert!(matches!(exchange.next(), Ok(Next::Event(got)) if got.request_id == "b"));
    }

    #[tokio::test]
    async fn an_event_is_not_lost_with_a_connection_that_asked_and_went() {
        let (exchange, _ready) = Exchange::new();
        drop(exchange.next());
        let _outcome = exchange.begin(event("a"));
        assert!(matches!(exchange.next(), Ok(Next::Event(got)) if got.request_id == "a"));
    }

    #[tokio::test]
    async fn an_answer_needs_the_right_id_and_comes_once() {
        let (exchange, _ready) = Exchange::new();
        assert_eq!(exchange.answer("a").unwrap_err(), Refusal::InvalidState);
        let _asked = exchange.next();
        let _outcome = exchange.begin(event("a"));
        assert_eq!(exchange.answer("b").unwrap_err(), Refusal::InvalidRequestId);
        assert!(exchange.answer("a").is_ok());
        assert_eq!(exchange.answer("a").unwrap_err(), Refusal::InvalidRequestId);
    }
}
