//! Who makes a request: from the door it came through, from its signature, or, while signatures are not checked, from what it claims.

use crate::query::Pairs;
use crate::sigv4;
use bytes::Bytes;
use fogbank_model::{AccountId, Caller, Region, RequestContext, RequestId, Timestamp};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;

/// Where a connection comes from.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// The client's address, where there is one.
    pub ip: Option<IpAddr>,
    /// Set when the connection came through a function instance's own door.
    pub door: Option<Door>,
}

/// The identity behind a door. Its requests need no signature, and act as this caller whatever they claim.
#[derive(Debug, Clone)]
pub struct Door {
    /// The account of the function.
    pub account: AccountId,
    /// The region of the function, for requests that name none.
    pub region: Region,
    /// The function's role session.
    pub caller: Caller,
}

/// Whether signatures are checked.
#[derive(Clone)]
pub enum Auth {
    /// Any credentials or none are accepted. An access key id of twelve digits selects the account; keys that were issued
    /// here still act as their owner.
    Off(Arc<dyn Credentials>),
    /// Every request must be signed with a key that was issued here.
    On(Arc<dyn Credentials>),
}

impl Auth {
    /// The account that signed a request for `service` which is not one of AWS's APIs, such as a function URL's `lambda`. While
    /// signatures are not checked, a request that looks signed is taken for what it claims.
    pub fn signer(&self, head: &Parts, body: &Bytes, service: &str, now: Timestamp) -> Option<AccountId> {
        match self {
            Self::Off(_) => {
                let scope = Scope::of(&head.headers, head.uri.query())?;
                Some(self.claimed(Some(&scope), None, &Peer::default()).account)
            }
            Self::On(keys) => {
                let verified = sigv4::verify(head, body, service, keys.as_ref(), now).ok()?;
                Some(verified.owner.account)
            }
        }
    }
}

/// Whom a request that nobody has checked yet says it is from.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whom it would act for. Without a signature that is the default account's root.
    pub context: RequestContext,
    /// The access key that it is signed with; `None` if it is not signed.
    pub access_key_id: Option<String>,
    /// The session token beside the key.
    pub session_token: Option<String>,
}

impl Auth {
    /// What the request that begins with `head` claims, for services that check the signature while they read the body.
    pub fn claim(&self, head: &Parts, peer: &Peer, id: RequestId) -> Claim {
        let scope = Scope::of(&head.headers, head.uri.query()).or_else(|| Scope::of_version_2(head));
        let parameters = crate::query::pairs(head.uri.query().unwrap_or_default().as_bytes());
        let token = session_token(&head.headers, &parameters).map(str::to_owned);
        let principal = self.claimed(scope.as_ref(), token.as_deref(), peer);
        let context = request_context(head, principal, peer, id);
        Claim { context, access_key_id: scope.map(|scope| scope.access_key_id().to_owned()), session_token: token }
    }

    /// The keys that signatures are checked with; `None` while they are not checked.
    pub fn checked_with(&self) -> Option<Arc<dyn Credentials>> {
        match self {
            Self::On(keys) => Some(keys.clone()),
            Self::Off(_) => None,
        }
    }
}

/// Whether the request that begins with `head` is signed for `service`, with any version of the signature; `None` if it is not signed.
pub fn is_signed_for(head: &Parts, service: &str) -> Option<bool> {
    let scope = Scope::of(&head.headers, head.uri.query()).or_else(|| Scope::of_version_2(head));
    scope.map(|scope| scope.service() == service)
}

/// What a request's operation is told beside its input.
pub(crate) fn request_context(head: &Parts, principal: Principal, peer: &Peer, id: RequestId) -> RequestContext {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or("localhost");
    RequestContext {
        account: principal.account,
        region: principal.region,
        caller: principal.caller,
        request_id: id,
        source_ip: peer.ip,
        endpoint: format!("http://{host}").into(),
        trace: text("x-amzn-trace-id").map(str::to_owned),
    }
}

/// Knows access keys.
pub trait Credentials: Send + Sync + 'static {
    /// The owner of `access_key_id`. Temporary keys come with the session token that the request carries.
    fn lookup(&self, access_key_id: &str, session_token: Option<&str>) -> Result<KeyOwner, LookupError>;
}

/// Whom an access key belongs to.
#[derive(Clone)]
pub struct KeyOwner {
    /// The secret access key.
    pub secret: String,
    /// The account.
    pub account: AccountId,
    /// The user or role session.
    pub caller: Caller,
}

/// Why an access key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No such key was issued here, it is inactive, or the session token is not its own.
    #[error("The security token included in the request is invalid.")]
    Invalid,
    /// It was valid once.
    #[error("The security token included in the request is expired")]
    Expired,
}

/// Knows no key, for an endpoint without users.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeys;

impl Credentials for NoKeys {
    fn lookup(&self, _: &str, _: Option<&str>) -> Result<KeyOwner, LookupError> {
        Err(LookupError::Invalid)
    }
}

/// What a request's signature says it is for: `AKID/20260504/eu-west-1/lambda/aws4_request`. Every request has one, so it is kept as one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    text: Box<str>,
    /// Where key, date, region and service end.
    ends: [usize; 4],
}

impl Scope {
    /// Reads a `Credential`. The access key id may hold slashes, so it is read from the right.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_suffix("/aws4_request")?;
        let mut ends = [rest.len(); 4];
        for end in ends[..3].iter_mut().rev() {
            *end = rest.rfind('/')?;
            rest = &rest[..*end];
        }
        Some(Self { text: text.into(), ends })
    }

    pub fn access_key_id(&self) -> &str {
        &self.text[..self.ends[0]]
    }

    pub fn date(&self) -> &str {
        self.part(1)
    }

    pub fn region(&self) -> &str {
        self.part(2)
    }

    pub fn service(&self) -> &str {
        self.part(3)
    }

    fn part(&self, number: usize) -> &str {
        &self.text[self.ends[number - 1] + 1..self.ends[number]]
    }

    /// The scope that a request claims in its `Authorization` header or, presigned, in its query string.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Option<Self> {
        if let Some(header) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            let credential = header.split_once("Credential=")?.1;
            return Self::parse(credential.split([',', ' ']).next()?);
        }
        let query = query.filter(|query| query.contains("X-Amz-Credential="))?;
        let pairs: Pairs = crate::query::pairs(query.as_bytes());
        pairs.iter().find(|(key, _)| key == "X-Amz-Credential").and_then(|(_, value)| Self::parse(value))
    }
}

impl Scope {
    /// The scope of a request in the older signature that S3 alone still takes: `Authorization: AWS KEY:SIGNATURE`, or presigned with
    /// `AWSAccessKeyId`. It names no region.
    fn of_version_2(head: &Parts) -> Option<Self> {
        let header = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("AWS "));
        let key = match header {
            Some(header) => header.rsplit_once(':')?.0.to_owned(),
            None => {
                let query = head.uri.query().filter(|query| query.contains("AWSAccessKeyId="))?;
                let pairs: Pairs = crate::query::pairs(query.as_bytes());
                let found = pairs.into_iter().find(|(key, _)| key == "AWSAccessKeyId");
                found?.1
            }
        };
        Self::parse(&format!("{key}//{}/s3/aws4_request", Region::default_region()))
    }
}

/// Whom a request acts for.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub account: AccountId,
    pub region: Region,
    pub caller: Caller,
}

impl Auth {
    /// The principal of a request that is not verified, or that came through a door.
    pub(crate) fn claimed(&self, scope: Option<&Scope>, token: Option<&str>, peer: &Peer) -> Principal {
        let region = scope.and_then(|scope| scope.region().parse().ok());
        if let Some(door) = &peer.door {
            let region = region.unwrap_or_else(|| door.region.clone());
            return Principal { account: door.account.clone(), region, caller: door.caller.clone() };
        }
        let region = region.unwrap_or_else(Region::default_region);
        let root = |account| Principal { account, region: region.clone(), caller: Caller::Root };
        let Some(key) = scope.map(Scope::access_key_id) else {
            return root(AccountId::default_account());
        };
        if let Ok(account) = key.parse::<AccountId>() {
            return root(account);
        }
        let (Self::Off(keys) | Self::On(keys)) = self;
        match keys.lookup(key, token) {
            Ok(owner) => Principal { account: owner.account, region, caller: owner.caller },
            Err(_) => root(AccountId::default_account()),
        }
    }
}

/// The session token that a request carries.
pub(crate) fn session_token<'r>(headers: &'r HeaderMap, parameters: &'r Pairs) -> Option<&'r str> {
    let header = headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
    let parameter =
        || parameters.iter().find(|(key, _)| key == "X-Amz-Security-Token").map(|(_, value)| value.as_str());
    header.or_else(parameter)
}
