//! What a service offers the wire: a table from operation names to functions.

use crate::model::ModelSource;
use crate::scalar::Malformed;
use crate::{Body, Event, Fault, Value, Violation, from_value, to_value};
use fogbank_model::{BoxFuture, RequestContext};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Who calls an operation that needs no signature, and did not sign: the name in [`fogbank_model::Caller::Service`].
pub const UNSIGNED: &str = "unsigned";

/// A decoded request: its context and its input, checked against the shape table.
#[derive(Debug)]
pub struct Input {
    /// Who calls, from where.
    pub context: RequestContext,
    /// The input structure, always a [`Value::Map`].
    pub value: Value,
}

/// What an operation answers.
#[derive(Debug)]
pub enum Output {
    /// The output structure; the protocol's codec renders it.
    Value(Value),
    /// An output structure whose payload is streamed: header members come from the value, the body as it is.
    /// An event stream's body holds finished frames (see [`crate::event_frame`]).
    Stream {
        /// Members bound to headers and the status code.
        value: Value,
        /// The body.
        body: Body,
    },
    /// A stream of events, for every protocol; ends with the channel, or with the first fault.
    Events {
        /// The members beside the stream.
        value: Value,
        /// The events.
        events: mpsc::Receiver<Event>,
    },
}

/// One operation: from decoded input to output.
pub type Handler = Box<dyn Fn(Input) -> BoxFuture<'static, Result<Output, Fault>> + Send + Sync>;

/// A service's operations, by name, and the model that tells how they look on the wire.
pub struct Service {
    model: &'static str,
    source: Option<&'static ModelSource>,
    operations: BTreeMap<&'static str, Handler>,
    body_limits: BTreeMap<&'static str, usize>,
    on_invalid: Option<fn(&[Violation]) -> Fault>,
    on_too_deep: Option<fn() -> Fault>,
    tolerates: Option<fn(&Violation) -> bool>,
    address_member: Option<&'static str>,
    unsigned: BTreeSet<&'static str>,
    is_checksummed: bool,
}

impl Service {
    /// A service that speaks `model`, the name of a shape table such as `lambda`.
    pub fn new(model: &'static str) -> Self {
        let (operations, body_limits) = (BTreeMap::new(), BTreeMap::new());
        Self {
            model,
            source: None,
            operations,
            body_limits,
            on_invalid: None,
            on_too_deep: None,
            tolerates: None,
            address_member: None,
            unsigned: BTreeSet::new(),
            is_checksummed: false,
        }
    }

    /// A service that speaks a table of its own, as tests do.
    pub fn with_source(source: &'static ModelSource) -> Self {
        Self { source: Some(source), ..Self::new(source.name) }
    }

    /// How the service answers an input that violates its model's constraints, where that is not a `ValidationException` (in the
    /// query protocol `ValidationError`) with AWS's usual text. The slice is never empty; [`crate::violations_message`] makes
    /// the text.
    pub fn on_invalid(mut self, fault: fn(&[Violation]) -> Fault) -> Self {
        self.on_invalid = Some(fault);
        self
    }

    /// How the service answers an input that is nested deeper than is read, where that is not a `SerializationException`.
    pub fn on_too_deep(mut self, fault: fn() -> Fault) -> Self {
        self.on_too_deep = Some(fault);
        self
    }

    /// Lets pass what the service knows and its model does not: where `known` says true, the violation is none.
    pub fn tolerates(mut self, known: fn(&Violation) -> bool) -> Self {
        self.tolerates = Some(known);
        self
    }

    /// Where a request of the query protocol comes to a resource's own address, that address is the input's `member`, unless the
    /// input has one.
    pub fn addressed_by(mut self, member: &'static str) -> Self {
        self.address_member = Some(member);
        self
    }

    /// Tells the CRC-32 of each answer in the header `x-amz-crc32`, as DynamoDB does and its clients check; and compresses large
    /// answers for clients that ask for it.
    pub fn checksummed(mut self) -> Self {
        self.is_checksummed = true;
        self
    }

    /// Lets `operation` be called without a signature, because its input holds a secret that proves enough. The caller is
    /// [`UNSIGNED`] then, whether or not signatures are checked.
    pub fn unsigned(mut self, operation: &'static str) -> Self {
        self.unsigned.insert(operation);
        self
    }

    /// Accepts request bodies of `operation` up to `bytes`, instead of [`crate::DEFAULT_BODY_LIMIT`]. Base64 counts as it is sent.
    pub fn body_limit(mut self, operation: &'static str, bytes: usize) -> Self {
        self.body_limits.insert(operation, bytes);
        self
    }

    /// Adds an operation whose input and output are plain structs.
    pub fn operation<S, I, O, E, F>(
        mut self,
        name: &'static str,
        state: &Arc<S>,
        run: fn(Arc<S>, RequestContext, I) -> F,
    ) -> Self
    where
        S: Send + Sync + 'static,
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        E: Into<Fault>,
        F: Future<Output = Result<O, E>> + Send + 'static,
    {
        let state = state.clone();
        let handler: Handler = Box::new(move |input| {
            let state = state.clone();
            Box::pin(async move {
                let typed = from_value(input.value)
                    .map_err(|error| Fault::client("SerializationException", error.to_string()))?;
                let output = run(state, input.context, typed).await.map_err(Into::into)?;
                to_value(&output).map(Output::Value).map_err(Fault::internal)
            })
        });
        self.operations.insert(name, handler);
        self
    }

    /// Adds an operation that takes the input as it was decoded, to move a large payload without a copy or to stream its answer.
    pub fn raw_operation<S, F>(mut self, name: &'static str, state: &Arc<S>, run: fn(Arc<S>, Input) -> F) -> Self
    where
        S: Send + Sync + 'static,
        F: Future<Output = Result<Output, Fault>> + Send + 'static,
    {
        let state = state.clone();
        self.operations.insert(name, Box::new(move |input| Box::pin(run(state.clone(), input))));
        self
    }

    /// Adds an operation as a function of its own.
    pub fn handled(mut self, name: &'static str, handler: Handler) -> Self {
        self.operations.insert(name, handler);
        self
    }

    /// The shape table's name.
    pub fn model(&self) -> &'static str {
        self.model
    }

    /// The names of the operations that work.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.operations.keys().copied()
    }

    pub(crate) fn source(&self) -> Option<&'static ModelSource> {
        self.source
    }

    pub(crate) fn limit_of(&self, operation: &str) -> Option<usize> {
        self.body_limits.get(operation).copied()
    }

    pub(crate) fn invalid(&self) -> Option<fn(&[Violation]) -> Fault> {
        self.on_invalid
    }

    /// The answer to what could not be read.
    pub(crate) fn unread(&self, malformed: &Malformed) -> Fault {
        match (malformed, self.on_too_deep) {
            (Malformed::TooDeep(_), Some(fault)) => fault(),
            _ => Fault::client("SerializationException", malformed.to_string()),
        }
    }

    pub(crate) fn is_checksummed(&self) -> bool {
        self.is_checksummed
    }

    pub(crate) fn address_member(&self) -> Option<&'static str> {
        self.address_member
    }

    pub(crate) fn does_tolerate(&self, violation: &Violation) -> bool {
        self.tolerates.is_some_and(|known| known(violation))
    }

    pub(crate) fn needs_no_signature(&self, operation: &str) -> bool {
        self.unsigned.contains(operation)
    }

    /// The function behind `operation`.
    pub fn handler(&self, operation: &str) -> Option<&Handler> {
        self.operations.get(operation)
    }
}
