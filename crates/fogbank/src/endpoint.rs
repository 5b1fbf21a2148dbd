//! The AWS endpoint as the platform's own parts reach it: deployments in process, functions through the doors of their sandboxes.
//! It exists before the router does, because the router's services are built on what is handed this.

use bytes::{Bytes, BytesMut};
use fogbank_deploy::resource::Api;
use fogbank_model::{BoxFuture, Caller, RequestContext};
use fogbank_object::s3::Door as ObjectDoor;
use fogbank_runtimes::{Door, DoorIdentity};
use fogbank_wasm::AwsEndpoint;
use fogbank_wire::http::{Site, Streaming, serve_connection};
use fogbank_wire::{Body, Fault, Peer, Router, Value};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The router, once there is one.
pub struct Endpoint {
    router: OnceLock<(Arc<Router>, ObjectDoor)>,
    stopping: watch::Receiver<bool>,
}

impl Endpoint {
    /// An endpoint without a router yet. Its connections end when `stopping` turns true.
    pub fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { router: OnceLock::new(), stopping }
    }

    /// Puts the router in, and what answers for objects; later ones are ignored.
    pub fn connect(&self, router: Arc<Router>, objects: ObjectDoor) {
        drop(self.router.set((router, objects)));
    }
}

impl Api for Endpoint {
    fn call<'a>(
        &'a self,
        service: &'static str,
        operation: &'static str,
        context: RequestContext,
        input: Value,
    ) -> BoxFuture<'a, Result<Value, Fault>> {
        Box::pin(async move {
            let (router, _) = self.router.get().ok_or_else(|| Fault::internal("the platform is still starting"))?;
            router.call(service, operation, context, input).await
        })
    }
}

/// What comes from a function is its role's.
fn peer(from: DoorIdentity) -> Peer {
    let caller = Caller::Role { role: from.role, session: from.session };
    Peer { ip: None, door: Some(fogbank_wire::Door { account: from.account, region: from.region, caller }) }
}

impl Door for Endpoint {
    fn serve(&self, stream: TcpStream, from: DoorIdentity) -> BoxFuture<'static, ()> {
        let Some((router, objects)) = self.router.get() else { return Box::pin(std::future::ready(())) };
        let (handler, body_limit) = router.clone().into_site();
        let (asked, objects) = (objects.clone(), objects.clone());
        let streaming = Streaming {
            takes: Arc::new(move |head| asked.is_meant(head)),
            handler: Arc::new(move |request, peer| {
                let objects = objects.clone();
                Box::pin(async move { objects.handle(request, peer).await }) as _
            }),
        };
        let site = Site { handler, body_limit, streaming: Some(streaming) };
        Box::pin(serve_connection(stream, peer(from), site, self.stopping.clone()))
    }
}

impl AwsEndpoint for Endpoint {
    fn answer(&self, request: Request<Bytes>, from: DoorIdentity) -> BoxFuture<'static, Response<Bytes>> {
        let router = self.router.get().cloned();
        Box::pin(async move {
            let refused = |status| {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            };
            let Some((router, objects)) = router else { return refused(StatusCode::SERVICE_UNAVAILABLE) };
            let (head, body) = request.into_parts();
            let answered = if objects.is_meant(&head) {
                objects.handle(Request::from_parts(head, Full::new(body)), peer(from)).await
            } else if body.len() > router.body_limit(&head) {
                return refused(StatusCode::PAYLOAD_TOO_LARGE);
            } else {
                router.handle(Request::from_parts(head, body), peer(from)).await
            };
            let (head, body) = answered.into_parts();
            let whole = match body {
                Body::Boxed(body) => match Limited::new(body, fogbank_wasm::BODY_LIMIT).collect().await {
                    Ok(whole) => whole.to_bytes(),
                    Err(_) => return refused(StatusCode::BAD_GATEWAY),
                },
                Body::Full(whole) => whole,
                Body::Stream(mut pieces) => {
                    let mut whole = BytesMut::new();
                    while let Some(piece) = pieces.recv().await {
                        if whole.len() + piece.len() > fogbank_wasm::BODY_LIMIT {
                            return refused(StatusCode::BAD_GATEWAY);
                        }
                        whole.extend_from_slice(&piece);
                    }
                    whole.freeze()
                }
            };
            Response::from_parts(head, whole)
        })
    }
}
