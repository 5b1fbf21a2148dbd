//! An error as a client sees it. Every service maps its own errors to this in one place, its `faults.rs`.

use crate::Value;
use std::borrow::Cow;

/// An error answer: what the client is told, and what only the log may know.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The modelled code, such as `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What the client reads. Never holds a secret or an internal detail.
    pub message: String,
    /// Further members of the error's shape, such as Lambda's `Type` and `Reason`.
    pub members: Vec<(&'static str, Value)>,
    /// Why, for the log alone.
    pub internal: Option<String>,
}

impl Fault {
    /// An error of the client's making; its status is 400 unless changed.
    pub fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), status: 400, message: message.into(), members: Vec::new(), internal: None }
    }

    /// A failure of the platform: the client learns only that there was one.
    pub fn internal(why: impl ToString) -> Self {
        Self {
            code: Cow::Borrowed("InternalFailure"),
            status: 500,
            message: "The platform failed to process the request; its log says why.".into(),
            members: Vec::new(),
            internal: Some(why.to_string()),
        }
    }

    /// The same with another HTTP status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with one more member of the error's shape.
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }
}
