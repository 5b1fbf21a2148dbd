//! Fogbank's own operations, which no AWS API has: uploading a package, deploying a template with its progress, the bill. They are
//! modelled like AWS's, in `api/fogbank`, and so are signed, checked and answered by the same code.

use bytes::Bytes;
use fogbank_deploy::build::sources;
use fogbank_deploy::{Deploy, Error, Event, Problem, Request, Stack};
use fogbank_functions::Functions;
use fogbank_functions::bill::{bill, money};
use fogbank_functions::model::Scope;
use fogbank_functions::runtime::Resolution;
use fogbank_model::{Clock, RequestContext, Timestamp};
use fogbank_store::Store;
use fogbank_wire::{Body, Fault, Input, ModelSource, Output, Service, Value, from_value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::settings::BillSettings;

include!("../api/sources.rs");

/// The largest package, in bytes: what Lambda takes zipped.
const MAX_PACKAGE: usize = 50 << 20;
/// The largest request to deploy, in bytes: a template and its parameters.
const MAX_DEPLOY: usize = 4 << 20;

/// One line of a deployment's stream.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Something happened to a resource.
    Event(Event),
    /// What is going on beside the stack itself, such as fetching an SDK.
    Note(String),
    /// Something to know that stops nothing.
    Warning(String),
    /// The template is wrong; nothing was touched.
    Problems(Vec<Problem>),
    /// The deployment failed.
    Failed(String),
    /// It is done.
    Done(Box<Stack>),
    /// The stack is gone.
    Deleted,
}

/// What the operations work on.
pub struct PlatformApi {
    /// For packages.
    pub store: Store,
    /// For stacks.
    pub deploy: Arc<Deploy>,
    /// For usage, and for how runtimes are served.
    pub functions: Arc<Functions>,
    /// Where SDKs and interpreters are.
    pub runtimes: fogbank_runtimes::Config,
    /// What usage costs.
    pub prices: BillSettings,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// The service, for the router.
pub fn service(api: &Arc<PlatformApi>) -> Service {
    Service::with_source(&OWN_MODELS[0])
        .raw_operation("PutPackage", api, put_package)
        .raw_operation("DeployStack", api, deploy_stack)
        .raw_operation("DeleteStack", api, delete_stack)
        .operation("ListStacks", api, list_stacks)
        .operation("GetBill", api, get_bill)
        .body_limit("PutPackage", MAX_PACKAGE)
        .body_limit("DeployStack", MAX_DEPLOY)
}

async fn put_package(api: Arc<PlatformApi>, mut input: Input) -> Result<Output, Fault> {
    let Some(Value::Blob(content)) = input.value.take("Body") else {
        return Err(Fault::client("DeployFault", "the package is missing from the request's body"));
    };
    let blobs = api.store.blobs().clone();
    let put = tokio::task::spawn_blocking(move || blobs.put(&content)).await.map_err(Fault::internal)?;
    let digest = put.map_err(|error| Fault::client("DeployFault", error.to_string()).with_status(500))?;
    Ok(Output::Value(Value::Map(vec![("Digest".into(), digest.into())])))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeployInput {
    stack: String,
    template: String,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    packages: BTreeMap<String, String>,
}

async fn deploy_stack(api: Arc<PlatformApi>, input: Input) -> Result<Output, Fault> {
    let given: DeployInput =
        from_value(input.value).map_err(|error| Fault::client("SerializationException", error.to_string()))?;
    let request = Request {
        stack: given.stack,
        template: given.template,
        parameters: given.parameters,
        artifacts: given.packages,
        tags: None,
    };
    Ok(stream(async move |lines| {
        api.fetch_sdks(&request, &lines).await;
        let report = |event| send(&lines, &Message::Event(event));
        let done = match api.deploy.apply(&input.context, &request, &report).await {
            Ok(mut stack) => {
                stack.parameters = stack.shown_parameters();
                let warnings = api.runtime_warnings(&stack);
                warnings.into_iter().for_each(|text| send(&lines, &Message::Warning(text)));
                Message::Done(Box::new(stack))
            }
            Err(error) => failed(error),
        };
        send(&lines, &done);
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StackInput {
    stack: String,
}

async fn delete_stack(api: Arc<PlatformApi>, input: Input) -> Result<Output, Fault> {
    let given: StackInput =
        from_value(input.value).map_err(|error| Fault::client("SerializationException", error.to_string()))?;
    api.deploy.stack(&input.context, &given.stack).map_err(|error| Fault::client("DeployFault", error.to_string()))?;
    Ok(stream(async move |lines| {
        let report = |event| send(&lines, &Message::Event(event));
        let deleted = api.deploy.delete(&input.context, &given.stack, &report).await;
        send(&lines, &deleted.map_or_else(failed, |()| Message::Deleted));
    }))
}

fn failed(error: Error) -> Message {
    match error {
        Error::Template(problems) => Message::Problems(problems),
        Error::Store(error) => {
            tracing::error!(%error, "a deployment failed in the store");
            Message::Failed("the store failed; the platform's log says why".into())
        }
        other => Message::Failed(other.to_string()),
    }
}

/// Where the lines of an answer go. Not bounded: a deployment does not wait for its onlookers.
type Lines = mpsc::UnboundedSender<Bytes>;

/// Runs `work` and streams what it sends. The work goes on if the client leaves: a deployment that has begun ends in a known state.
fn stream<F>(work: impl FnOnce(Lines) -> F) -> Output
where
    F: Future<Output = ()> + Send + 'static,
{
    let (lines, mut written) = mpsc::unbounded_channel();
    let (pieces, body) = mpsc::channel(64);
    tokio::spawn(work(lines));
    tokio::spawn(async move {
        while let Some(line) = written.recv().await {
            if pieces.send(line).await.is_err() {
                return;
            }
        }
    });
    Output::Stream { value: Value::Map(Vec::new()), body: Body::Stream(body) }
}

fn send(lines: &Lines, message: &Message) {
    let mut text = serde_json::to_vec(message).unwrap_or_default();
    text.push(b'\n');
    // A client that has gone needs no lines.
    drop(lines.send(text.into()));
}

#[derive(Deserialize)]
struct Nothing {}

async fn list_stacks(api: Arc<PlatformApi>, context: RequestContext, _: Nothing) -> Result<serde_json::Value, Fault> {
    let stacks = api.deploy.stacks(&context).map_err(Fault::internal)?;
    let shown: Vec<serde_json::Value> = stacks.iter().map(|stack| show(stack, &context)).collect();
    Ok(json!({"Stacks": shown}))
}

fn show(stack: &Stack, context: &RequestContext) -> serde_json::Value {
    let port = context.endpoint.rsplit(':').next().unwrap_or("80");
    let resource = |record: &fogbank_deploy::Record| {
        let url = match record.kind.as_str() {
            "AWS::ApiGatewayV2::Api" | "AWS::ApiGateway::RestApi" => {
                Some(format!("http://{}.localhost:{port}/", record.made.physical_id))
            }
            _ => record.made.attributes.get("FunctionUrl").and_then(|url| url.as_str()).map(str::to_owned),
        };
        json!({"Id": record.id, "Type": record.kind, "PhysicalId": record.made.physical_id, "Url": url})
    };
    let output = |output: &fogbank_deploy::Output| json!({"Key": output.key, "Value": output.value, "Description": output.description});
    json!({
        "Name": stack.name,
        "Status": stack.status,
        "Reason": stack.reason,
        "Resources": stack.resources.iter().map(resource).collect::<Vec<_>>(),
        "Outputs": stack.outputs.iter().map(output).collect::<Vec<_>>(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BillInput {
    from: Option<i64>,
    to: Option<i64>,
}

/// The free tier belongs to the account, so it is taken off the sum, not off each line.
async fn get_bill(
    api: Arc<PlatformApi>,
    context: RequestContext,
    given: BillInput,
) -> Result<serde_json::Value, Fault> {
    let from = Timestamp(given.from.unwrap_or(0));
    let to = given.to.map_or_else(|| api.clock.now(), Timestamp);
    let rows = api.functions.usage(from, to).await.map_err(Fault::internal)?;
    let prices = api.prices.prices();
    let full = fogbank_functions::bill::Prices { free_gb_seconds: 0, free_requests: 0, ..prices };
    let mut lines: BTreeMap<(String, String), fogbank_functions::meter::Usage> = BTreeMap::new();
    let mut total = fogbank_functions::meter::Usage::default();
    let scope = Scope { account: context.account, region: context.region };
    for row in rows.into_iter().filter(|row| row.function.scope == scope) {
        total.add(&row.usage);
        lines.entry((row.function.name.to_string(), row.version)).or_default().add(&row.usage);
    }
    let show = |((function, version), usage): (&(String, String), &fogbank_functions::meter::Usage)| {
        json!({
            "Function": function,
            "Version": version,
            "Requests": usage.requests,
            "ColdStarts": usage.cold_starts,
            "GbSeconds": money(u128::from(usage.mb_ms) * 1_000_000 / 1024, 3),
            "Cost": money(bill(usage, &full).total_nano(), 6),
        })
    };
    let shown: Vec<serde_json::Value> = lines.iter().map(show).collect();
    let total = money(bill(&total, &prices).total_nano(), 2);
    Ok(json!({"Lines": shown, "Total": total, "Currency": api.prices.currency}))
}

impl PlatformApi {
    /// Fetches the SDKs that the template's runtimes have on AWS. Functions run without them too, so a failure is a warning.
    async fn fetch_sdks(&self, request: &Request, lines: &Lines) {
        let sources = sources(&request.template, &request.parameters).unwrap_or_default();
        let runtimes: BTreeSet<String> = sources.into_iter().map(|source| source.runtime).collect();
        for runtime in runtimes {
            let note = |text: &str| send(lines, &Message::Note(text.to_owned()));
            if let Err(error) = fogbank_runtimes::ensure_sdk(&self.runtimes, &runtime, &note).await {
                let text = format!("functions with {runtime} have no AWS SDK unless they package one: {error}");
                send(lines, &Message::Warning(text));
            }
        }
    }

    /// Which functions of `stack` are served by another version of their language than they name.
    fn runtime_warnings(&self, stack: &Stack) -> Vec<String> {
        let functions = stack.resources.iter().filter(|record| record.kind == "AWS::Lambda::Function");
        let warning = |record: &fogbank_deploy::Record| {
            let runtime = record.properties.get("Runtime")?.as_str()?;
            match self.functions.resolve_runtime(runtime) {
                Resolution::Nearest(text) => Some(format!("{}: {text}", record.id)),
                Resolution::Exact | Resolution::Missing(_) => None,
            }
        };
        functions.filter_map(warning).collect()
    }
}
