//! Function URLs: a function with a host of its own, in payload format 2.0, whole or streamed.

use super::answer::{self, Draft, Malformed};
use super::refusal::{Refusal, Voice};
use super::request::{Placed, Received};
use super::{call, event, preflight};
use crate::{Cors, Gateway};
use bytes::{Bytes, BytesMut};
use fogbank_model::{AccountId, FunctionRef, Reply, RequestContext, StreamEnd};
use fogbank_wire::{Body, Peer};
use http::{Response, StatusCode};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// The type of a streamed answer that begins with a prelude.
const PRELUDE_TYPE: &str = "application/vnd.awslambda.http-integration-response";
/// What ends the prelude.
const PRELUDE_END: [u8; 8] = [0; 8];
/// The most bytes that a prelude may have.
const PRELUDE_LIMIT: usize = 64 * 1024;
/// The most bytes of a request's body ("Lambda quotas": 6 MB).
pub(super) const BODY_LIMIT: usize = 6 * 1024 * 1024;
/// How many pieces of a streamed answer wait for a slow client.
const STREAM_DEPTH: usize = 8;

/// Finds function URLs. The binary implements it over the functions.
pub trait Urls: Send + Sync + 'static {
    /// The URL whose host begins with `id`.
    fn find(&self, id: &str) -> Option<FunctionUrl>;
}

/// A function URL's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionUrl {
    /// The function, with the alias if the URL belongs to one.
    pub function: FunctionRef,
    /// Who may call.
    pub auth: UrlAuth,
    /// Its cross-origin configuration.
    pub cors: Option<Cors>,
    /// Whether the answer is streamed (`InvokeMode: RESPONSE_STREAM`).
    pub streams: bool,
}

/// Who may call a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlAuth {
    /// Everybody.
    None,
    /// Who signs the request with an access key (`AWS_IAM`).
    Iam,
}

impl Gateway {
    pub(super) async fn serve_url(
        &self,
        url: &FunctionUrl,
        id: &str,
        received: &Received<'_>,
        context: RequestContext,
        peer: &Peer,
    ) -> Response<Body> {
        if let Some(response) = preflight(url.cors.as_ref(), received, StatusCode::OK) {
            return response;
        }
        let answered = self.call_url(url, id, received, context, peer).await;
        let mut response = answered.unwrap_or_else(|refusal| refusal.response(Voice::Url));
        if let Some(cors) = &url.cors {
            cors.apply(&received.head.headers, response.headers_mut());
        }
        response
    }

    async fn call_url(
        &self,
        url: &FunctionUrl,
        id: &str,
        received: &Received<'_>,
        context: RequestContext,
        peer: &Peer,
    ) -> Result<Response<Body>, Refusal> {
        let caller = self.caller(url, received, peer)?;
        if received.body.len() > BODY_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let path = received.head.uri.path();
        if self.invoke.speaks_http(&url.function) {
            let call = call::Call::new(context, &url.function, Bytes::new());
            return call::pass(&self.invoke, self.clock.as_ref(), received, path, call).await;
        }
        let placed = Placed {
            account: caller.as_ref().map_or("anonymous", AccountId::as_str),
            api: id,
            stage: "$default",
            deployment: "",
            route: "$default",
            resource_id: "",
            path,
            parameters: &[],
            variables: &BTreeMap::new(),
        };
        let event = event::version_2(received, &placed, path);
        let call = call::Call { accepts_stream: url.streams, ..call::Call::new(context, &url.function, event) };
        let reply = call::call(&self.invoke, self.clock.as_ref(), call).await?;
        let response = match reply.stream.is_some() || reply.content_type.as_deref() == Some(PRELUDE_TYPE) {
            true => streamed(reply).await,
            false => answer::version_2(&reply.payload, "application/json").map(Draft::into_response),
        };
        response.map_err(|Malformed(why)| {
            tracing::debug!(request_id = received.request_id, why, "the function's answer cannot be mapped");
            Refusal::Failed
        })
    }

    /// The account that calls; `None` for anybody.
    fn caller(&self, url: &FunctionUrl, received: &Received<'_>, peer: &Peer) -> Result<Option<AccountId>, Refusal> {
        match (url.auth, &peer.door) {
            (UrlAuth::None, _) => Ok(None),
            (UrlAuth::Iam, door) => {
                let signer = match door {
                    Some(door) => Some(door.account.clone()),
                    None => self.auth.signer(received.head, received.body, "lambda", received.time),
                };
                // Another account would need the function's policy, which nothing evaluates yet.
                signer.filter(|account| *account == url.function.account).map(Some).ok_or(Refusal::Forbidden)
            }
        }
    }
}

/// A streamed answer. With the prelude's content type its head comes from the prelude; else all is body.
async fn streamed(reply: Reply) -> Result<Response<Body>, Malformed> {
    let mut stream = reply.stream;
    let (draft, first) = if reply.content_type.as_deref() == Some(PRELUDE_TYPE) {
        let mut read = BytesMut::from(&reply.payload[..]);
        let end = loop {
            if let Some(end) = read.windows(PRELUDE_END.len()).position(|window| window == PRELUDE_END) {
                break end;
            }
            if read.len() > PRELUDE_LIMIT {
                return Err(Malformed("the prelude is too long"));
            }
            let more = match &mut stream {
                Some(stream) => stream.chunks.recv().await,
                None => None,
            };
            read.extend_from_slice(&more.ok_or(Malformed("the prelude does not end"))?);
        };
        let head = read.split_to(end);
        let _ = read.split_to(PRELUDE_END.len());
        (answer::prelude(&head)?, read.freeze())
    } else {
        let mut draft = answer::prelude(b"{}")?;
        if let Some(kind) = reply.content_type.and_then(|kind| kind.try_into().ok()) {
            draft.headers.insert(http::header::CONTENT_TYPE, kind);
        }
        (draft, reply.payload)
    };
    let mut response = draft.into_response();
    *response.body_mut() = match stream {
        None => Body::Full(first),
        Some(stream) => Body::Stream(joined(first, stream)),
    };
    Ok(response)
}

/// `first`, then what the stream still holds.
fn joined(first: Bytes, mut stream: fogbank_model::ReplyStream) -> mpsc::Receiver<Bytes> {
    let (pieces, out) = mpsc::channel(STREAM_DEPTH);
    tokio::spawn(async move {
        if !first.is_empty() && pieces.send(first).await.is_err() {
            return;
        }
        while let Some(piece) = stream.chunks.recv().await {
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
        if let Ok(StreamEnd::Failed { error_type, .. }) = stream.end.await {
            tracing::debug!(error_type, "a streamed answer ended early");
        }
    });
    out
}
