//! An instance as the pool knows it. It holds nothing that runs: only what each call's own instance is made from.

use crate::call::{self, Ran};
use crate::components::{Loaded, Shared};
use crate::context;
use crate::host::{Host, Memory, RESOURCES};
use crate::outbound::Outbound;
use crate::output::Log;
use crate::tmp::Tmp;
use bytes::Bytes;
use fogbank_functions::runtime::{Event, Instance, InstanceSpec, Outcome};
use fogbank_model::BoxFuture;
use fogbank_runtimes::{DoorIdentity, SessionKeys};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi_http::WasiHttpCtx;

const MB: usize = 1024 * 1024;

/// What calls of one function's version have in common.
pub(crate) struct Slot {
    shared: Arc<Shared>,
    loaded: Arc<Loaded>,
    environment: Arc<Vec<(String, String)>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    identity: Arc<DoorIdentity>,
    log: Arc<Log>,
    memory_mb: u32,
    tmp_mb: u32,
    peak_mb: Arc<AtomicU32>,
}

impl Slot {
    pub fn new(shared: Arc<Shared>, loaded: Arc<Loaded>, spec: &InstanceSpec, keys: &SessionKeys, log: Log) -> Self {
        let identity = DoorIdentity {
            account: spec.account.clone(),
            region: spec.region.clone(),
            role: spec.role.clone(),
            session: spec.name.clone(),
        };
        Self {
            shared,
            loaded,
            environment: Arc::new(context::environment(spec, keys)),
            headers: context::standing_headers(spec),
            identity: Arc::new(identity),
            log: Arc::new(log),
            memory_mb: spec.memory_mb,
            tmp_mb: spec.tmp_mb,
            peak_mb: Arc::default(),
        }
    }

    /// The store's data for one call.
    fn host(&self) -> Host {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Host {
            table,
            wasi: None,
            environment: self.environment.clone(),
            files: WasiFilesystemCtx::default(),
            http: WasiHttpCtx::new(),
            outbound: Outbound {
                endpoint: self.shared.endpoint.clone(),
                identity: self.identity.clone(),
                log: self.log.clone(),
            },
            tmp: Tmp::new(self.shared.tmp.clone(), u64::from(self.tmp_mb) * MB as u64),
            memory: Memory {
                limit: (self.memory_mb as usize).saturating_mul(MB),
                used: 0,
                refused: false,
                peak_mb: self.peak_mb.clone(),
            },
        }
    }

    async fn call(&self, event: Event) -> Outcome {
        let limit = event.timeout;
        let is_http = event.head.is_some();
        let request = self.request(event);
        let ran = tokio::time::timeout(limit, async {
            // Closed never.
            let _memories = self.shared.memories.acquire_many(self.loaded.memories).await;
            let _running = self.shared.ticker.enter();
            let (loaded, host, is_long) = (self.loaded.clone(), self.host(), Arc::new(AtomicBool::new(false)));
            let seen = is_long.clone();
            let call = Box::pin(async move { call::run(&loaded.component, host, request, seen).await });
            let ran = self.shared.long.finish(call, is_long).await;
            ran.unwrap_or_else(|| call::failed("Runtime.Unknown", "The call broke off."))
        });
        match ran.await {
            Err(_) => Outcome::TimedOut,
            Ok(Ran::Responded(head, body)) if is_http => Outcome::Responded(head, body),
            Ok(Ran::Responded(head, body)) => answered(head.status, body),
            Ok(Ran::Broken(outcome, trace)) => {
                trace.into_iter().for_each(|trace| self.log.line(trace));
                outcome
            }
        }
    }

    /// The client's request, or one that carries the event.
    fn request(&self, mut event: Event) -> Request<Full<Bytes>> {
        let body = Full::new(std::mem::take(&mut event.payload));
        let mut request = match event.head.take() {
            Some(head) => Request::from_parts(*head, body),
            None => {
                let mut request = Request::new(body);
                *request.method_mut() = Method::POST;
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                request
            }
        };
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert(HeaderValue::from_static("localhost"));
        context::add_headers(headers, &self.headers, &event);
        request
    }
}

/// The answer to an event that was no HTTP request: the response's body, unless its status says that it failed.
fn answered(status: http::StatusCode, body: Bytes) -> Outcome {
    if !status.is_client_error() && !status.is_server_error() {
        return Outcome::Answered(body);
    }
    let stated = serde_json::from_slice::<Value>(&body).ok();
    let stated = stated.as_ref().and_then(|error| error.get("errorType")?.as_str());
    let error_type = stated.map_or_else(|| format!("Http{}", status.as_u16()), str::to_owned);
    let payload = match stated {
        Some(_) => body,
        None => {
            let text = String::from_utf8_lossy(&body);
            let message = if text.trim().is_empty() { status.to_string() } else { text.into_owned() };
            serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
        }
    };
    Outcome::Failed { error_type, payload }
}

impl Instance for Slot {
    fn invoke(&self, event: Event) -> BoxFuture<'_, Outcome> {
        Box::pin(self.call(event))
    }

    fn ended(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn max_memory_mb(&self) -> u32 {
        self.peak_mb.load(Ordering::Relaxed)
    }
}
