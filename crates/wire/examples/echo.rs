//! Serves the test models of every protocol; their operations answer with what they were sent. `tests/test_protocols.py` drives it with
//! boto3. Usage: `echo [PORT]`; it prints the address that it listens on.

use fogbank_model::{BoxFuture, SystemClock};
use fogbank_wire::http::{Site, listen};
use fogbank_wire::{Auth, Body, Fault, Input, ModelSource, NoKeys, Output, Router, Service, Value};
use std::future::pending;
use std::sync::Arc;
use tokio::net::TcpListener;

include!("../tests/models/sources.rs");

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0u16);
    let services = TEST_MODELS.iter().map(service).collect();
    let router = Arc::new(Router::new(services, Auth::Off(Arc::new(NoKeys)), Arc::new(SystemClock)));
    let (handler, body_limit) = router.into_site();
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    listen(listener, Site { handler, body_limit, streaming: None }, None, pending()).await;
    Ok(())
}

fn service(source: &'static ModelSource) -> Service {
    let state = Arc::new(());
    let rest = source.operation_names().contains(&"EchoBindings");
    let service = Service::with_source(source).raw_operation("Echo", &state, echo).raw_operation("Fail", &state, fail);
    if !rest {
        return service;
    }
    service
        .raw_operation("EchoBindings", &state, echo_bindings)
        .raw_operation("EchoPayload", &state, echo)
        .raw_operation("EchoStructure", &state, echo)
}

fn echo(_: Arc<()>, input: Input) -> BoxFuture<'static, Result<Output, Fault>> {
    Box::pin(async move { Ok(Output::Value(input.value)) })
}

fn echo_bindings(_: Arc<()>, mut input: Input) -> BoxFuture<'static, Result<Output, Fault>> {
    if let Value::Map(members) = &mut input.value {
        members.push(("Status".into(), Value::Int(203)));
    }
    echo(Arc::default(), input)
}

fn fail(_: Arc<()>, input: Input) -> BoxFuture<'static, Result<Output, Fault>> {
    Box::pin(async move {
        let text = input.value.get("Text").and_then(Value::as_str).unwrap_or_default();
        Err(match text {
            "internal" => Fault::internal("this must not reach the client"),
            "unmodelled" => Fault::client("ThrottlingException", "Rate exceeded"),
            "stream" => return Ok(Output::Stream { value: Value::Null, body: Body::empty() }),
            text => Fault::client("EchoError", text).with("Detail", "a <detail> & more").with("Count", 3),
        })
    })
}
