//! The one address for everything: health, the certificate of notifications, user HTTP for the gateway, and the AWS APIs for all the rest.

use crate::browser;
use bytes::Bytes;
use fogbank_delivery::Signer;
use fogbank_functions::Functions;
use fogbank_gateway::Gateway;
use fogbank_model::Region;
use fogbank_object::s3::Door;
use fogbank_topic::Topics;
use fogbank_wire::http::{Arriving, Site, Streaming};
use fogbank_wire::{Body, Peer, Router};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use std::sync::Arc;

/// What stands behind the address.
pub struct Front {
    /// The AWS APIs.
    pub router: Arc<Router>,
    /// User HTTP.
    pub gateway: Arc<Gateway>,
    /// Objects, whose bodies are not held in memory.
    pub objects: Door,
    /// For code packages.
    pub functions: Arc<Functions>,
    /// For the certificate of notifications.
    pub topics: Arc<Topics>,
    /// For the keys that messages' signatures are verified with.
    pub signer: Arc<Signer>,
    /// Whether signatures are checked. Where they are, a page cannot do what its visitor's keys do not sign.
    pub signed: bool,
}

impl Front {
    /// This as what a listener serves.
    pub fn into_site(self) -> Site {
        let front = Arc::new(self);
        let limits = front.clone();
        let body_limit = Arc::new(move |head: &http::request::Parts| match limits.gateway.serves(head) {
            // One more, so that the gateway sees a body that is too large and answers in its own words.
            Some(_) => Gateway::BODY_LIMIT + 1,
            None => limits.router.body_limit(head),
        });
        let (asked, streams) = (front.clone(), front.clone());
        let handler = Arc::new(move |request, peer| {
            let front = front.clone();
            Box::pin(async move { front.handle(request, peer).await }) as _
        });
        let streaming = Streaming {
            takes: Arc::new(move |head| asked.is_for_objects(head)),
            handler: Arc::new(move |request, peer| {
                let front = streams.clone();
                Box::pin(async move { front.handle_object(request, peer).await }) as _
            }),
        };
        Site { handler, body_limit, streaming: Some(streaming) }
    }

    /// Whether a request is one for objects. Unsigned ones are, if nobody else takes them and there is a bucket of the path's first part.
    fn is_for_objects(&self, head: &Parts) -> bool {
        if head.uri.path().starts_with("/_fogbank/") {
            return false;
        }
        if self.objects.is_meant(head) {
            return true;
        }
        self.objects.has_bucket(head) && self.gateway.serves(head).is_none() && !self.router.recognises(head)
    }

    async fn handle_object(&self, request: Request<Arriving>, peer: Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        if !self.signed
            && let Some(why) = browser::foreign_page(&head.headers)
            && !self.objects.lets_in(&head)
        {
            return refuse_page(why);
        }
        self.objects.handle(Request::from_parts(head, body), peer).await
    }

    async fn handle(&self, request: Request<Bytes>, peer: Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        let target = self.gateway.serves(&head);
        let request = Request::from_parts(head, body);
        if let Some(target) = target {
            return self.gateway.serve(target, request, peer).await;
        }
        let path = request.uri().path();
        if let Some(certificate) =
            Some(path).filter(|path| path.ends_with(".pem")).and_then(|path| self.topics.certificate(path))
        {
            return answer(StatusCode::OK, "application/x-pem-file", certificate.into());
        }
        match path {
            "/_fogbank/health" => return self.health(),
            "/_fogbank/jwks.json" => {
                return answer(StatusCode::OK, "application/json", self.signer.key_set().into());
            }
            _ if self.signed => {}
            _ => {
                if let Some(why) = browser::foreign_page(request.headers()) {
                    return refuse_page(why);
                }
            }
        }
        match request.uri().path() {
            "/_fogbank/operations" => self.operations(),
            "/" | "/ping" if let Some(host) = tables_host(&request) => {
                answer(StatusCode::OK, "text/plain", format!("healthy: {host} ").into())
            }
            path => match path.strip_prefix("/_fogbank/code/") {
                Some(sha256) => self.code(sha256, request.uri().query().unwrap_or_default()).await,
                None => self.router.handle(request, peer).await,
            },
        }
    }

    fn health(&self) -> Response<Body> {
        let services: Vec<&str> = self.router.supported().into_iter().map(|(service, _)| service).collect();
        let text = serde_json::json!({
            "status": "ready",
            "version": env!("CARGO_PKG_VERSION"),
            "services": services,
        });
        answer(StatusCode::OK, "application/json", text.to_string().into())
    }

    /// Every operation that works, by service: what `docs/operations.md` is made of.
    fn operations(&self) -> Response<Body> {
        let supported: serde_json::Map<String, serde_json::Value> =
            self.router.supported().into_iter().map(|(service, names)| (service.to_owned(), names.into())).collect();
        answer(StatusCode::OK, "application/json", serde_json::Value::Object(supported).to_string().into())
    }

    /// A function's package, for whoever has the address that `GetFunction` gave.
    async fn code(&self, sha256: &str, query: &str) -> Response<Body> {
        let token = query.strip_prefix("token=").unwrap_or_default().to_owned();
        let (functions, sha256) = (self.functions.clone(), sha256.to_owned());
        let found = tokio::task::spawn_blocking(move || functions.code_package(&sha256, &token)).await;
        match found {
            Ok(Ok(Some(package))) => answer(StatusCode::OK, "application/zip", package),
            Ok(Ok(None)) => answer(StatusCode::FORBIDDEN, "text/plain", "this address is not valid any more\n".into()),
            Ok(Err(error)) => {
                tracing::error!(%error, "a code package could not be read");
                answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "the package could not be read\n".into())
            }
            Err(error) => {
                tracing::error!(%error, "reading a code package panicked");
                answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "the package could not be read\n".into())
            }
        }
    }
}

/// The name that a GET calls the host by, if it is one of DynamoDB's endpoints (`dynamodb.REGION.` and a domain): who asks those without
/// an operation is told that they are healthy.
fn tables_host(request: &Request<Bytes>) -> Option<&str> {
    let host = request.headers().get(header::HOST).filter(|_| request.method() == Method::GET)?.to_str().ok()?;
    let name = host.split(':').next().unwrap_or(host);
    let endpoint = name.strip_prefix("streams.").unwrap_or(name).strip_prefix("dynamodb.")?;
    let (region, domain) = endpoint.split_once('.')?;
    let is_region = region.ends_with(|end: char| end.is_ascii_digit()) && region.parse::<Region>().is_ok();
    (is_region && region.contains('-') && !domain.is_empty()).then_some(name)
}

fn refuse_page(why: &str) -> Response<Body> {
    let message = format!("this request is refused: {why}, and signatures are not checked here (--auth off)");
    let text = serde_json::json!({"message": message});
    answer(StatusCode::FORBIDDEN, "application/json", text.to_string().into())
}

fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
