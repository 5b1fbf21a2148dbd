//! Who is calling, from where, and under which id: what every operation is handed beside its input.

use crate::{AccountId, Arn, Region};
use std::fmt;
use std::sync::Arc;

/// The id under which one request is answered and logged: a UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(pub Arc<str>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The account's own root, or anybody while signatures are not checked.
    Root,
    /// A user known by its access key.
    User {
        /// `arn:aws:iam::ACCOUNT:user/NAME`
        arn: Arn,
        /// The unique id, such as `AIDA…`.
        id: String,
    },
    /// A role's session. A function instance is one, known by the door its request came through.
    Role {
        /// `arn:aws:iam::ACCOUNT:role/NAME`
        role: Arn,
        /// The session's name; for a function instance the function's name.
        session: String,
    },
    /// A part of the platform acting on a declared resource's behalf, such as `apigateway.amazonaws.com`.
    Service(&'static str),
}

/// What every operation knows about the request it answers.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The account that the request acts in.
    pub account: AccountId,
    /// The region that the request is addressed to.
    pub region: Region,
    /// Who calls.
    pub caller: Caller,
    /// The id of this request.
    pub request_id: RequestId,
    /// The caller's network address, where there is one.
    pub source_ip: Option<std::net::IpAddr>,
    /// `scheme://host:port` under which the client reached the platform, for links in answers.
    pub endpoint: Arc<str>,
    /// The incoming `X-Amzn-Trace-Id`, if any.
    pub trace: Option<String>,
}

impl RequestContext {
    /// The ARN of `resource` of `service` in this request's account and region.
    pub fn arn(&self, service: &str, resource: &str) -> Arn {
        Arn::new(service, &self.region, &self.account, resource)
    }
}
