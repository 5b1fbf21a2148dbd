//! The crate as clients and users see it: operations through the router, requests through [`Gateway::serve`].

#![allow(clippy::unwrap_used)]

mod http;
mod passed;
mod rest;
mod url;

use crate::{FunctionUrl, Gateway, Urls};
use ::http::{Request, Response};
use bytes::Bytes;
use fogbank_model::{
    AccountId, BoxFuture, Caller, Invocation, Invoke, InvokeError, Region, Reply, RequestContext, RequestId, TestClock,
    Timestamp,
};
use fogbank_store::Store;
use fogbank_wire::{Auth, Body, Fault, NoKeys, Peer, Router, Value as WireValue, to_value};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const NOW: Timestamp = Timestamp(1_780_000_000_000);
const ECHO: &str = "arn:aws:lambda:us-east-1:000000000000:function:echo";

/// How a test's function behaves.
type Behaviour = Box<dyn Fn(&Invocation) -> Result<Reply, InvokeError> + Send + Sync>;

/// Answers with the event as its JSON body, unless told otherwise.
#[derive(Default)]
struct Echo {
    behaviour: Mutex<Option<Behaviour>>,
    calls: Mutex<Vec<(RequestContext, Invocation)>>,
    /// Whether it never answers.
    hangs: std::sync::atomic::AtomicBool,
    /// Whether it takes requests as they are.
    speaks_http: std::sync::atomic::AtomicBool,
}

fn reply(payload: impl Into<Bytes>) -> Reply {
    Reply {
        executed_version: "$LATEST".into(),
        payload: payload.into(),
        error: None,
        stream: None,
        content_type: None,
        log_tail: None,
        head: None,
    }
}

impl Invoke for Echo {
    fn invoke(&self, context: RequestContext, invocation: Invocation) -> BoxFuture<'_, Result<Reply, InvokeError>> {
        let answer = match &*self.behaviour.lock().unwrap() {
            Some(behaviour) => behaviour(&invocation),
            None => {
                let body = String::from_utf8(invocation.payload.to_vec()).unwrap();
                Ok(reply(json!({"statusCode": 200, "body": body}).to_string()))
            }
        };
        self.calls.lock().unwrap().push((context, invocation));
        let hangs = self.hangs.load(std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            answer
        })
    }

    fn speaks_http(&self, _: &fogbank_model::FunctionRef) -> bool {
        self.speaks_http.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[derive(Default)]
struct TestUrls(Mutex<HashMap<String, FunctionUrl>>);

impl Urls for TestUrls {
    fn find(&self, id: &str) -> Option<FunctionUrl> {
        self.0.lock().unwrap().get(id).cloned()
    }
}

struct House {
    gateway: Arc<Gateway>,
    router: Router,
    echo: Arc<Echo>,
    urls: Arc<TestUrls>,
    clock: Arc<TestClock>,
    store: Store,
    _directory: tempfile::TempDir,
}

fn house() -> House {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new(NOW, 7));
    let store = Store::open(directory.path(), clock.clone()).unwrap();
    let (echo, urls) = (Arc::new(Echo::default()), Arc::new(TestUrls::default()));
    let auth = Auth::Off(Arc::new(NoKeys));
    let gateway = Gateway::open(store.clone(), clock.clone(), auth.clone(), echo.clone(), urls.clone()).unwrap();
    let router = Router::new(gateway.services(), auth, clock.clone());
    House { gateway, router, echo, urls, clock, store, _directory: directory }
}

fn context(account: &str) -> RequestContext {
    RequestContext {
        account: account.parse::<AccountId>().unwrap(),
        region: Region::default_region(),
        caller: Caller::Root,
        request_id: RequestId("r".into()),
        source_ip: None,
        endpoint: "http://localhost:4566".into(),
        trace: None,
    }
}

fn to_json(value: &WireValue) -> Value {
    match value {
        WireValue::Null => Value::Null,
        WireValue::Bool(truth) => json!(truth),
        WireValue::Int(number) => json!(number),
        WireValue::Float(number) => json!(number),
        WireValue::Text(text) => json!(text),
        WireValue::Blob(bytes) => json!(String::from_utf8_lossy(bytes)),
        WireValue::List(items) => items.iter().map(to_json).collect(),
        WireValue::Map(members) => members.iter().map(|(key, value)| (key.clone(), to_json(value))).collect(),
    }
}

impl House {
    async fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        let input = to_value(&input).unwrap();
        self.router.call(service, operation, context("000000000000"), input).await.map(|value| to_json(&value))
    }

    async fn v2(&self, operation: &str, input: Value) -> Value {
        self.call("apigatewayv2", operation, input).await.unwrap()
    }

    async fn v1(&self, operation: &str, input: Value) -> Value {
        self.call("apigateway", operation, input).await.unwrap()
    }

    /// The code and text of a refusal.
    async fn refused(&self, service: &str, operation: &str, input: Value) -> String {
        let fault = self.call(service, operation, input).await.unwrap_err();
        format!("{} {} {}", fault.status, fault.code, fault.message)
    }

    /// An HTTP API `shop` with these routes to the echo function, and a stage `$default` that follows changes.
    async fn http_api(&self, keys: &[&str]) -> String {
        let tags = json!({"fogbank:api-id": "shop"});
        let api = self.v2("CreateApi", json!({"Name": "Shop API", "ProtocolType": "HTTP", "Tags": tags})).await;
        let id = api["ApiId"].as_str().unwrap().to_owned();
        for key in keys {
            self.route(&id, key, json!({})).await;
        }
        self.v2("CreateStage", json!({"ApiId": id, "StageName": "$default", "AutoDeploy": true})).await;
        id
    }

    async fn route(&self, id: &str, key: &str, settings: Value) {
        let mut input = json!({
            "ApiId": id, "IntegrationType": "AWS_PROXY", "IntegrationUri": ECHO, "PayloadFormatVersion": "2.0",
        });
        input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let made = self.v2("CreateIntegration", input).await;
        let target = format!("integrations/{}", made["IntegrationId"].as_str().unwrap());
        self.v2("CreateRoute", json!({"ApiId": id, "RouteKey": key, "Target": target})).await;
    }

    async fn serve(&self, request: Request<Bytes>) -> Option<Response<Body>> {
        let (head, body) = request.into_parts();
        let target = self.gateway.serves(&head)?;
        let peer = Peer { ip: Some([203, 0, 113, 9].into()), door: None };
        Some(self.gateway.serve(target, Request::from_parts(head, body), peer).await)
    }

    /// Status and body of an answer; `-` if the request is not the gateway's.
    async fn get(&self, host: &str, path: &str) -> String {
        self.send("GET", host, path, &[], "").await.map_or("-".into(), |answer| format!("{} {}", answer.0, answer.1))
    }

    async fn send(
        &self,
        method: &str,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Option<(u16, String, ::http::HeaderMap)> {
        let mut request = Request::builder().method(method).uri(path).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.serve(request.body(Bytes::from(body)).unwrap()).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Some((head.status.as_u16(), String::from_utf8_lossy(&body).into_owned(), head.headers))
    }

    /// The event that the function got.
    async fn event(&self, method: &str, host: &str, path: &str) -> Value {
        let (status, body, _) = self.send(method, host, path, &[], "").await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn behave(&self, behaviour: impl Fn(&Invocation) -> Result<Reply, InvokeError> + Send + Sync + 'static) {
        *self.echo.behaviour.lock().unwrap() = Some(Box::new(behaviour));
    }
}
