//! Where requests for S3 come in: which they are, whom they act for, and what `s3s` is told of it.

use super::host::{self, Known};
use super::table::{Call, OPERATIONS};
use super::{answer, preflight, unsigned};
use crate::{Objects, bucket};
use bytes::Bytes;
use fogbank_model::{RequestContext, RequestId};
use fogbank_wire::{
    Auth, Body, Claim, Credentials, Handler, LookupError, Output, Peer, Service, Value, is_signed_for, rest_request,
};
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError};
use std::sync::{Arc, Mutex};

/// The largest file of a form: `s3s` holds it in memory. Other uploads are streamed.
const FORM_FILE: u64 = 256 * 1024 * 1024;

/// S3 as something that answers HTTP requests.
#[derive(Clone)]
pub struct Door {
    objects: Arc<Objects>,
    auth: Auth,
    config: Arc<StaticConfigProvider>,
}

/// Looks keys up with the token that the request brought.
struct Keys {
    keys: Arc<dyn Credentials>,
    token: Option<String>,
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.keys.lookup(access_key, self.token.as_deref()) {
            Ok(owner) => Ok(owner.secret.into()),
            Err(LookupError::Invalid) => Err(S3Error::new(S3ErrorCode::InvalidAccessKeyId)),
            Err(LookupError::Expired) => Err(S3Error::new(S3ErrorCode::ExpiredToken)),
        }
    }
}

fn header<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

impl Door {
    /// S3 over `objects`.
    pub fn new(objects: Arc<Objects>, auth: Auth) -> Self {
        let mut config = S3Config::default();
        config.post_object_max_file_size = FORM_FILE;
        Self { objects, auth, config: Arc::new(StaticConfigProvider::new(Arc::new(config))) }
    }

    /// Whether the request that begins with `head` says that it is for S3: by its signature, or by its host.
    pub fn is_meant(&self, head: &Parts) -> bool {
        is_signed_for(head, "s3")
            .unwrap_or_else(|| header(head, HOST.as_str()).is_some_and(|host| host::parse(host).names_s3))
    }

    /// Whether an unsigned request that nothing else claims is one for a bucket that there is.
    pub fn has_bucket(&self, head: &Parts) -> bool {
        if head.headers.contains_key(AUTHORIZATION) || head.headers.contains_key("x-amz-target") {
            return false;
        }
        let name = head.uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let found = || self.objects.look(|state| Ok(bucket::lookup(state, name)?.is_some()));
        bucket::is_valid_name(name) && found().unwrap_or_default()
    }

    /// Whether a page from `origin` may do what the request asks: its bucket's CORS rules say so.
    pub fn lets_in(&self, head: &Parts) -> bool {
        head.method == Method::OPTIONS || preflight::rule_for(&self.objects, head).is_some()
    }

    /// Answers a request.
    pub async fn handle<B>(&self, request: Request<B>, peer: Peer) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        StdError: From<B::Error>,
    {
        let id = RequestId(self.objects.clock.uuid().into());
        let (head, body) = request.into_parts();
        let asked = (head.method.clone(), preflight::Page::of(&head));
        let mut response = match head.method {
            Method::OPTIONS => preflight::answer(&self.objects, &head),
            _ => {
                let claim = self.auth.claim(&head, &peer, id.clone());
                let resource = head.uri.path().to_owned();
                let keys = self.auth.checked_with().filter(|_| peer.door.is_none());
                let body = s3s::Body::http_body_unsync(body);
                let answered = self.run(head, body, claim, keys, peer.door.is_some()).await;
                answer::complete(answered, &asked.0, &resource, &id)
            }
        };
        if let Some(page) = asked.1 {
            preflight::allow(&self.objects, &page, response.headers_mut());
        }
        answer::name(&mut response, &id);
        response
    }

    /// Answers a request of the platform's own, in the name of `context`.
    async fn call(&self, context: RequestContext, request: Request<Bytes>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let (method, id, resource) = (head.method.clone(), context.request_id.clone(), head.uri.path().to_owned());
        let claim = Claim { context, access_key_id: None, session_token: None };
        let answered = self.run(head, body.into(), claim, None, true).await;
        answer::complete(answered, &method, &resource, &id)
    }

    /// S3's operations as they are called within the process. They are made requests of, so that there is one way in; what an operation
    /// answers beside its success or fault is not read back.
    pub fn service(&self) -> Service {
        OPERATIONS.iter().fold(Service::new("s3"), |service, name| {
            let door = self.clone();
            let handler: Handler = Box::new(move |input| {
                let door = door.clone();
                Box::pin(async move {
                    let request = rest_request("s3", name, &input.value)?;
                    let response = door.call(input.context, request).await;
                    answer::fault(&response).map_or_else(|| Ok(Output::Value(Value::Map(Vec::new()))), Err)
                })
            });
            service.handled(name, handler)
        })
    }

    /// Has `s3s` answer. Signatures are checked with `keys`; `known` says that it is sure who asks even so.
    async fn run(
        &self,
        mut head: Parts,
        body: s3s::Body,
        claim: Claim,
        keys: Option<Arc<dyn Credentials>>,
        known: bool,
    ) -> S3Result<http::Response<s3s::Body>> {
        let is_signed = claim.access_key_id.is_some();
        let trailers = Arc::new(Mutex::new(None));
        let anonymous = !is_signed && keys.is_none() && !known;
        let bucket = header(&head, HOST.as_str()).map(host::parse).filter(|host| host.names_s3 || is_signed);
        let bucket = bucket.and_then(|host| host.bucket).map(str::to_owned);
        let file_name = unsigned::FileName::default();
        let body = unsigned::read_form(&head, body, keys.is_none(), file_name.clone());
        let body = match &keys {
            Some(_) => body,
            None => {
                unsigned::check_expiry(&head, self.objects.clock.now())?;
                unsigned::strip(&mut head, body, trailers.clone())?
            }
        };
        unsigned::lower(&mut head);
        let call = Call {
            objects: self.objects.clone(),
            context: claim.context,
            anonymous,
            auth: self.auth.clone(),
            trailers,
            file_name,
        };
        let mut builder = S3ServiceBuilder::new(call);
        builder.set_config(self.config.clone());
        // A name without a bucket in it is not `s3s`'s to guess at.
        head.headers.entry(HOST).or_insert(HeaderValue::from_static("localhost"));
        builder.set_host(Known(bucket));
        builder.set_validation(AnyName);
        if let Some(keys) = keys {
            builder.set_auth(Keys { keys, token: claim.session_token });
        }
        let answered = builder.build().call(Request::from_parts(head, body)).await;
        answered.map_err(|error| {
            let error: StdError = error.into();
            S3Error::with_source(S3ErrorCode::InternalError, error)
        })
    }
}

/// Names are checked where buckets are made; elsewhere a bad one is that of no bucket.
struct AnyName;

impl s3s::validation::NameValidation for AnyName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}
