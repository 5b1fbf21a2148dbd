//! Answers that are streams of events: each event is encoded in the protocol that the client spoke, and framed
//! (see [`crate::event_frame`]). Where a protocol has no headers for them, the answer's own members are the first event.

use crate::model::{Model, Operation, Shape};
use crate::protocol::Protocol;
use crate::{Fault, Value, cbor, event_stream, json};
use bytes::Bytes;
use http_body::Frame;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// An event by its name in the model, or what ends the stream with an exception.
pub type Event = Result<(&'static str, Value), Fault>;

/// How the body of such an answer is called.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The event stream among the members of an operation's output.
fn stream_shape<'m>(model: &'m Model, operation: &Operation) -> Option<&'m Shape> {
    let output = model.shape(operation.output?);
    let mut shapes = output.members.iter().map(|member| model.shape(member.shape));
    shapes.find(|shape| shape.event_stream)
}

/// Events as the body of an answer.
pub(crate) struct EventBody {
    model: &'static Model,
    operation: &'static Operation,
    protocol: Protocol,
    initial: Option<Bytes>,
    /// `None` behind the end.
    events: Option<mpsc::Receiver<Event>>,
}

impl EventBody {
    pub fn new(
        model: &'static Model,
        operation: &'static Operation,
        protocol: Protocol,
        initial: &[u8],
        events: mpsc::Receiver<Event>,
    ) -> Self {
        let frame = || event_stream::event_frame("initial-response", payload_type(protocol), initial);
        let initial = (!protocol.is_rest()).then(frame);
        Self { model, operation, protocol, initial, events: Some(events) }
    }

    fn frame(&self, event: Event) -> (Bytes, bool) {
        let fault = match event {
            Ok((name, value)) => match self.payload(name, &value) {
                Ok(payload) => return (event_stream::event_frame(name, payload_type(self.protocol), &payload), false),
                Err(why) => Fault::internal(why),
            },
            Err(fault) => fault,
        };
        if let Some(why) = &fault.internal {
            tracing::error!(service = self.model.name, operation = self.operation.name, "{why}");
        }
        let mut payload = Vec::new();
        match self.protocol {
            Protocol::OldCbor | Protocol::RpcCbor => {
                cbor::map(1, &mut payload);
                cbor::string("message", &mut payload);
                cbor::string(&fault.message, &mut payload);
            }
            _ => {
                payload.extend_from_slice(b"{\"message\":");
                json::string(&fault.message, &mut payload);
                payload.push(b'}');
            }
        }
        (event_stream::exception_frame(&fault.code, payload_type(self.protocol), &payload), true)
    }

    fn payload(&self, name: &str, value: &Value) -> Result<Vec<u8>, String> {
        let unknown = || format!("{} has no event {name}", self.operation.name);
        let events = stream_shape(self.model, self.operation).ok_or_else(unknown)?;
        let shape = self.model.shape(events.member(name).ok_or_else(unknown)?.shape);
        let mut payload = Vec::with_capacity(256);
        match self.protocol {
            Protocol::OldCbor => cbor::encode(self.model, shape, value, cbor::Epoch::Milliseconds, &mut payload)?,
            Protocol::RpcCbor => cbor::encode(self.model, shape, value, cbor::Epoch::Seconds, &mut payload)?,
            _ => json::encode(self.model, shape, value, &mut payload)?,
        }
        Ok(payload)
    }
}

fn payload_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OldCbor | Protocol::RpcCbor => protocol.content_type(),
        _ => "application/json",
    }
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(initial) = self.initial.take() {
            return Poll::Ready(Some(Ok(Frame::data(initial))));
        }
        let Some(events) = self.events.as_mut() else { return Poll::Ready(None) };
        let Some(event) = std::task::ready!(events.poll_recv(cx)) else {
            self.events = None;
            return Poll::Ready(None);
        };
        let (frame, is_last) = self.frame(event);
        if is_last {
            self.events = None;
        }
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }
}
