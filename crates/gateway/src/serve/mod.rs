//! Serving users' requests: a pipeline of steps, one file each. `address` finds the API, `route` the route, `event` builds what the
//! function gets, `call` calls it, `answer` maps what it returned. `cors` and `url` stand beside it.

mod address;
mod answer;
mod call;
mod event;
pub(crate) mod live;
pub(crate) mod mock;
mod refusal;
mod request;
pub(crate) mod route;
mod url;

pub use url::{FunctionUrl, UrlAuth, Urls};

use crate::http_api::Payload;
use crate::{Cors, Gateway, cors};
use address::Address;
use bytes::Bytes;
use event::Flavour;
use fogbank_model::{AccountId, Caller, FunctionRef, Region, RequestContext, RequestId};
use fogbank_wire::{Body, Peer};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use live::{Action, Endpoint, LiveApi, LiveStage};
use percent_encoding::percent_decode_str;
use refusal::{Refusal, Voice};
use request::{Placed, Received};
use route::Rules;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of a request's body for an API (10 MB).
const API_BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Whom a request is for: found by [`Gateway::serves`], and handed to [`Gateway::serve`].
#[derive(Debug)]
pub struct Target(Site);

#[derive(Debug)]
enum Site {
    Api {
        api: Arc<LiveApi>,
        path: String,
        short: bool,
    },
    Url {
        id: String,
        url: Box<FunctionUrl>,
    },
    /// The address is a gateway's, but nothing is there.
    Nothing(Voice),
}

impl Site {
    fn voice(&self) -> Voice {
        match self {
            Self::Api { api, .. } if api.rules == Rules::Http => Voice::Http,
            Self::Api { .. } => Voice::Rest,
            Self::Url { .. } => Voice::Url,
            Self::Nothing(voice) => *voice,
        }
    }

    /// The account and region that calls are made for; `None` where nothing is.
    fn owner(&self) -> Option<(AccountId, Region)> {
        match self {
            Self::Api { api, .. } => Some((api.account.clone(), api.region.clone())),
            Self::Url { url, .. } => Some((url.function.account.clone(), url.function.region.clone())),
            Self::Nothing(_) => None,
        }
    }

    fn is_traced(&self) -> bool {
        match self {
            Self::Api { api, path, short } => choose_stage(api, path, *short).is_some_and(|(stage, _)| stage.tracing),
            Self::Url { .. } | Self::Nothing(_) => false,
        }
    }
}

/// Puts the request's ids on its answer.
fn sign(response: &mut Response<Body>, voice: Voice, received: &Received<'_>, uuid: &str) {
    let (short_id, trace) = (received.extended_id, received.trace);
    let ids: &[(&'static str, &str)] = match voice {
        Voice::Http => &[("apigw-requestid", short_id)],
        Voice::Rest => &[("x-amzn-requestid", uuid), ("x-amz-apigw-id", short_id), ("x-amzn-trace-id", trace)],
        Voice::Url => &[("x-amzn-requestid", uuid), ("x-amzn-trace-id", trace)],
    };
    for (name, id) in ids {
        if let Ok(value) = HeaderValue::try_from(*id) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// The path as HTTP APIs show it: decoded, and with the stage unless that is `$default`.
fn decoded_path(stage: &str, path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    match stage {
        "$default" => decoded.into_owned(),
        stage => format!("/{stage}{decoded}"),
    }
}

impl Gateway {
    /// The largest body that any API takes, in bytes. A listener that lets one more byte through leaves the words of the refusal to
    /// the gateway.
    pub const BODY_LIMIT: usize = API_BODY_LIMIT;

    /// What the request that begins with `head` is for, if it is for an API or a function URL. Everything else belongs to the AWS APIs.
    pub fn serves(&self, head: &Parts) -> Option<Target> {
        let host = address::host(head);
        let path = head.uri.path();
        let by_host = address::by_host(&host, path).and_then(|address| self.find(address));
        by_host.or_else(|| self.find(address::by_path(path)?)).map(Target)
    }

    fn find(&self, address: Address) -> Option<Site> {
        match address {
            Address::Api { name, path, certain, short } => match self.directory().find(&name.to_ascii_lowercase()) {
                Some(api) => Some(Site::Api { api, path, short }),
                None => certain.then_some(Site::Nothing(Voice::Rest)),
            },
            Address::Url { id } => Some(match self.urls.find(&id) {
                Some(url) => Site::Url { id, url: Box::new(url) },
                None => Site::Nothing(Voice::Url),
            }),
        }
    }

    /// Answers a request that [`Self::serves`] found a target for.
    pub async fn serve(&self, target: Target, request: Request<Bytes>, peer: Peer) -> Response<Body> {
        let Target(site) = target;
        let voice = site.voice();
        let Some((account, region)) = site.owner() else { return Refusal::Forbidden.response(voice) };
        let (head, body) = request.into_parts();
        let host = address::host(&head);
        let source_ip = peer.ip.map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_canonical().to_string());
        let (uuid, short_id) = (self.clock.uuid(), self.ids.request());
        let trace = self.trace(&head, site.is_traced());
        let received = Received {
            head: &head,
            body: &body,
            host: &host,
            source_ip: &source_ip,
            time: self.clock.now(),
            request_id: if voice == Voice::Http { &short_id } else { &uuid },
            extended_id: &short_id,
            trace: &trace,
        };
        let context = RequestContext {
            account,
            region,
            caller: Caller::Service("apigateway.amazonaws.com"),
            request_id: RequestId(uuid.as_str().into()),
            source_ip: peer.ip,
            endpoint: format!("http://{host}").into(),
            trace: Some(trace.clone()),
        };
        // Boxed, so that a connection does not keep room for the largest of them.
        let mut response = match &site {
            Site::Api { api, path, short } => match api.rules {
                Rules::Http => Box::pin(self.serve_http(api, path, &received, context)).await,
                Rules::Rest => Box::pin(self.serve_rest(api, path, *short, &received, context)).await,
            },
            Site::Url { id, url } => Box::pin(self.serve_url(url, id, &received, context, &peer)).await,
            Site::Nothing(voice) => Refusal::Forbidden.response(*voice),
        };
        sign(&mut response, voice, &received, &uuid);
        response
    }

    /// The request's trace: its own, or a new one. A stage with tracing asks for every request to be sampled.
    fn trace(&self, head: &Parts, sampled: bool) -> String {
        let given = head.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
        let given = given.filter(|text| text.contains("Root=") && text.len() <= 512);
        let mut random = [0u8; 12];
        self.clock.random(&mut random);
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = || format!("Root=1-{:08x}-{hex}", self.clock.now().0 / 1000);
        let trace = given.map_or_else(fresh, str::to_owned);
        match sampled && !trace.contains("Sampled=") {
            true => format!("{trace};Sampled=1"),
            false => trace,
        }
    }

    async fn serve_http(
        &self,
        api: &LiveApi,
        path: &str,
        received: &Received<'_>,
        context: RequestContext,
    ) -> Response<Body> {
        if let Some(response) = preflight(api.cors.as_ref(), received, StatusCode::NO_CONTENT) {
            return response;
        }
        let answered = self.call_http(api, path, received, context).await;
        let mut response = answered.unwrap_or_else(|refusal| refusal.response(Voice::Http));
        if let Some(cors) = &api.cors {
            cors.apply(&received.head.headers, response.headers_mut());
        }
        response
    }

    async fn call_http(
        &self,
        api: &LiveApi,
        path: &str,
        received: &Received<'_>,
        context: RequestContext,
    ) -> Result<Response<Body>, Refusal> {
        let asked = path;
        let (stage, path) = choose_stage(api, path, false).filter(|_| !api.closed).ok_or(Refusal::NoRoute)?;
        let found = stage.routes.find(received.head.method.as_str(), &path).ok_or(Refusal::NoRoute)?;
        if received.body.len() > API_BODY_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let Action::Lambda { function, payload, timeout } = &found.target.action else {
            return Err(Refusal::Unreachable);
        };
        if self.invoke.speaks_http(function) {
            return self.pass_on(function, *timeout, received, asked, context).await;
        }
        let placed = placed(api, stage, found.target, &path, &found.parameters);
        let event = match payload {
            Payload::V1 => event::version_1(received, &placed, Flavour::Http, !request::is_text(received.head)),
            Payload::V2 => event::version_2(received, &placed, &decoded_path(&stage.name, &path)),
        };
        let call = call::Call { timeout: Some(*timeout), ..call::Call::new(context, function, event) };
        let reply = call::call(&self.invoke, self.clock.as_ref(), call).await?;
        let draft = match payload {
            Payload::V1 => answer::version_1(&reply.payload),
            Payload::V2 => answer::version_2(&reply.payload, "text/plain;charset=UTF-8"),
        };
        mapped(draft, received)
    }

    /// Answers with what a function that speaks HTTP makes of the request.
    async fn pass_on(
        &self,
        function: &FunctionRef,
        timeout: Duration,
        received: &Received<'_>,
        path: &str,
        context: RequestContext,
    ) -> Result<Response<Body>, Refusal> {
        let call = call::Call { timeout: Some(timeout), ..call::Call::new(context, function, Bytes::new()) };
        call::pass(&self.invoke, self.clock.as_ref(), received, path, call).await
    }

    async fn serve_rest(
        &self,
        api: &LiveApi,
        path: &str,
        short: bool,
        received: &Received<'_>,
        context: RequestContext,
    ) -> Response<Body> {
        let answered = self.call_rest(api, path, short, received, context).await;
        answered.unwrap_or_else(|refusal| refusal.response(Voice::Rest))
    }

    async fn call_rest(
        &self,
        api: &LiveApi,
        path: &str,
        short: bool,
        received: &Received<'_>,
        context: RequestContext,
    ) -> Result<Response<Body>, Refusal> {
        let asked = path;
        let (stage, path) = choose_stage(api, path, short).filter(|_| !api.closed).ok_or(Refusal::Forbidden)?;
        let found = stage.routes.find(received.head.method.as_str(), &path).ok_or(Refusal::NoRoute)?;
        if received.body.len() > API_BODY_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let (function, timeout) = match &found.target.action {
            Action::Lambda { function, timeout, .. } => (function, timeout),
            Action::Mock(mock) => {
                let mut response = Response::new(Body::Full(mock.body.clone()));
                *response.status_mut() = mock.status;
                response.headers_mut().extend(mock.headers.iter().cloned());
                return Ok(response);
            }
            Action::Broken => return Err(Refusal::Unreachable),
        };
        if self.invoke.speaks_http(function) {
            return self.pass_on(function, *timeout, received, asked, context).await;
        }
        let placed = placed(api, stage, found.target, &path, &found.parameters);
        let headers = &received.head.headers;
        let kind = request::media_type(headers, &CONTENT_TYPE);
        let binary = request::is_binary(&stage.binary_media_types, kind.as_deref());
        let event = event::version_1(received, &placed, Flavour::Rest, binary);
        let call = call::Call { timeout: Some(*timeout), ..call::Call::new(context, function, event) };
        let reply = call::call(&self.invoke, self.clock.as_ref(), call).await?;
        let accepted = request::media_type(headers, &ACCEPT);
        let decode = request::is_binary(&stage.binary_media_types, accepted.as_deref());
        mapped(answer::rest(&reply.payload, decode), received)
    }
}

/// What a preflight request is answered, if this is one and `cors` says what pages may do.
fn preflight(cors: Option<&Cors>, received: &Received<'_>, status: StatusCode) -> Option<Response<Body>> {
    let cors = cors.filter(|_| cors::is_preflight(received.head))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().extend(cors.headers(&received.head.headers, true));
    Some(response)
}

fn mapped(draft: Result<answer::Draft, answer::Malformed>, received: &Received<'_>) -> Result<Response<Body>, Refusal> {
    draft.map(answer::Draft::into_response).map_err(|answer::Malformed(why)| {
        tracing::debug!(request_id = received.request_id, why, "the function's answer cannot be mapped");
        Refusal::Failed
    })
}

/// The stage that a path means, and the path behind it. In an HTTP API `$default` takes what names no other stage; a REST API's only
/// stage may be left out where `short` allows it.
fn choose_stage<'a>(api: &'a LiveApi, path: &str, short: bool) -> Option<(&'a LiveStage, String)> {
    let (first, rest) = address::split_stage(path);
    if let Some(stage) = api.stages.get(&first) {
        return Some((stage, rest));
    }
    let implied = match api.rules {
        Rules::Http => api.stages.get("$default"),
        Rules::Rest => api.stages.values().next().filter(|_| short && api.stages.len() == 1),
    };
    implied.map(|stage| (stage, path.to_owned()))
}

fn placed<'r>(
    api: &'r LiveApi,
    stage: &'r LiveStage,
    endpoint: &'r Endpoint,
    path: &'r str,
    parameters: &'r [(String, String)],
) -> Placed<'r> {
    Placed {
        account: api.account.as_str(),
        api: &api.id,
        stage: &stage.name,
        deployment: &stage.deployment,
        route: &endpoint.route,
        resource_id: &endpoint.resource_id,
        path,
        parameters,
        variables: &stage.variables,
    }
}
