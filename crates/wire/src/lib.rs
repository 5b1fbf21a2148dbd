//! The AWS wire protocols, server side, in one place. A request comes in as HTTP, is recognised and checked against the
//! service's shape table, and reaches a service as a typed struct; the answer or the [`Fault`] goes back in the protocol
//! that the client spoke. This crate names no service: the binary registers [`Service`]s with a [`Router`].

mod body;
mod fault;
mod service;
mod value;

pub use body::Body;
pub use fault::Fault;
pub use service::{Handler, Input, Output, Service};
pub use value::{Value, from_value, to_value};
