//! The AWS wire protocols, server side, in one place. A request comes in as HTTP, is recognised and checked against the
//! service's shape table, and reaches a service as a typed struct; the answer or the [`Fault`] goes back in the protocol
//! that the client spoke. This crate names no service: the binary registers [`Service`]s with a [`Router`].
//!
//! A request's way: [`http`](mod@http) reads it, `recognise` finds service, operation and protocol, `auth` finds the caller (`sigv4`
//! checks the signature), `request` decodes the input (with `json`, `query`, `xml`, `cbor` and `rest`), `validate` checks it, the
//! service's handler runs, and `answer` renders output or fault.

mod answer;
mod auth;
mod body;
mod cbor;
mod compression;
mod event_stream;
mod events;
mod fault;
pub mod http;
mod json;
mod model;
mod protocol;
mod query;
mod recognise;
mod request;
mod rest;
mod rest_request;
#[cfg(test)]
mod roundtrip;
mod router;
mod scalar;
mod service;
mod sigv4;
mod timestamp;
mod validate;
mod value;
mod xml;

pub use auth::{Auth, Claim, Credentials, Door, KeyOwner, LookupError, NoKeys, Peer, is_signed_for};
pub use body::Body;
pub use event_stream::event_frame;
pub use events::Event;
pub use fault::Fault;
pub use model::ModelSource;
pub use protocol::Protocol;
pub use rest_request::rest_request;
pub use router::{DEFAULT_BODY_LIMIT, Router};
pub use service::{Handler, Input, Output, Service, UNSIGNED};
pub use sigv4::{SigningKey, sign};
pub use validate::{Shown, Violation, violations_message};
pub use value::{Blob, Value, from_value, to_value};
