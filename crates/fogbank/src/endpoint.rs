//! The AWS endpoint as the platform's own parts reach it: deployments in process, functions through the doors of their sandboxes.
//! It exists before the router does, because the router's services are built on what is handed this.

use fogbank_deploy::resource::Api;
use fogbank_model::{BoxFuture, Caller, RequestContext};
use fogbank_runtimes::{Door, DoorIdentity};
use fogbank_wire::http::{Site, serve_connection};
use fogbank_wire::{Fault, Peer, Router, Value};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The router, once there is one.
pub struct Endpoint {
    router: OnceLock<Arc<Router>>,
    stopping: watch::Receiver<bool>,
}

impl Endpoint {
    /// An endpoint without a router yet. Its connections end when `stopping` turns true.
    pub fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { router: OnceLock::new(), stopping }
    }

    /// Puts the router in; later ones are ignored.
    pub fn connect(&self, router: Arc<Router>) {
        drop(self.router.set(router));
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
            let router = self.router.get().ok_or_else(|| Fault::internal("the platform is still starting"))?;
            router.call(service, operation, context, input).await
        })
    }
}

impl Door for Endpoint {
    fn serve(&self, stream: TcpStream, from: DoorIdentity) -> BoxFuture<'static, ()> {
        let Some(router) = self.router.get() else { return Box::pin(std::future::ready(())) };
        let (handler, body_limit) = router.clone().into_site();
        let caller = Caller::Role { role: from.role, session: from.session };
        let door = fogbank_wire::Door { account: from.account, region: from.region, caller };
        let peer = Peer { ip: None, door: Some(door) };
        Box::pin(serve_connection(stream, peer, Site { handler, body_limit }, self.stopping.clone()))
    }
}
