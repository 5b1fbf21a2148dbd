//! Deployments against services that record what they are asked, and fail when the test says so.

use crate::resource::Api;
use crate::{Deploy, Error, Request, Stack};
use fogbank_model::{
    AccountId, BoxFuture, Caller, ObjectError, ObjectName, ReadObject, Region, RequestContext, RequestId, SystemClock,
};
use fogbank_store::Store;
use fogbank_wire::{Fault, Value};
use std::sync::{Arc, Mutex};

/// Answers every operation with what its resource type reads out of an answer, and keeps a list of the calls.
#[derive(Default)]
struct Recorder {
    calls: Mutex<Vec<String>>,
    failing: Mutex<Option<String>>,
    /// A name that somebody else has.
    existing: Mutex<Option<String>>,
}

impl Api for Recorder {
    fn call<'a>(
        &'a self,
        _: &'static str,
        operation: &'static str,
        _: RequestContext,
        input: Value,
    ) -> BoxFuture<'a, Result<Value, Fault>> {
        let subject = ["logGroupName", "RoleName", "FunctionName"].iter().find_map(|name| input.get(name)?.as_str());
        let call = format!("{operation} {}", subject.unwrap_or_default());
        if matches!(operation, "ListTagsLogGroup" | "GetRole" | "GetFunctionConfiguration") {
            let there = self.existing.lock().unwrap().as_deref() == subject;
            let gone = Fault::client("ResourceNotFoundException", "there is none");
            return Box::pin(async move { if there { Ok(Value::Map(Vec::new())) } else { Err(gone) } });
        }
        let fails = self.failing.lock().unwrap().as_ref().is_some_and(|failing| call.contains(failing));
        self.calls.lock().unwrap().push(call);
        let name = subject.unwrap_or_default().to_owned();
        let role =
            Value::Map(vec![("RoleName".into(), name.as_str().into()), ("Arn".into(), format!("arn:{name}").into())]);
        let answer = Value::Map(vec![("Role".into(), role), ("FunctionName".into(), name.into())]);
        Box::pin(async move { if fails { Err(Fault::client("Nope", "it does not work")) } else { Ok(answer) } })
    }
}

struct NoObjects;

impl ReadObject for NoObjects {
    fn open(&self, _: &AccountId, object: &ObjectName) -> Result<Box<dyn std::io::Read + Send>, ObjectError> {
        Err(ObjectError { code: "NoSuchBucket", message: format!("there is no {}", object.bucket) })
    }
}

struct Bench {
    deploy: Arc<Deploy>,
    api: Arc<Recorder>,
    context: RequestContext,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(SystemClock)).unwrap();
        let api = Arc::new(Recorder::default());
        let context = RequestContext {
            account: "000000000000".parse().unwrap(),
            region: Region::default_region(),
            caller: Caller::Root,
            request_id: RequestId("r".into()),
            source_ip: None,
            endpoint: "http://localhost".into(),
            trace: None,
        };
        Self {
            deploy: Arc::new(Deploy::new(store, api.clone(), Arc::new(NoObjects), Arc::new(SystemClock))),
            api,
            context,
            _dir: dir,
        }
    }

    async fn apply(&self, template: &str) -> Result<Stack, Error> {
        let request = Request { stack: "shop".into(), template: template.into(), ..Request::default() };
        self.deploy.apply(&self.context, &request, &|_| {}).await
    }

    /// The operations since the last look, with random suffixes cut off.
    fn calls(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.api.calls.lock().unwrap());
        let cut = |call: String| {
            call.rsplit_once('-').filter(|(_, end)| end.len() == 12).map_or(call.clone(), |(start, _)| start.into())
        };
        calls.into_iter().map(cut).collect()
    }

    fn fail_at(&self, call: Option<&str>) {
        *self.api.failing.lock().unwrap() = call.map(str::to_owned);
    }
}

fn groups(entries: &str) -> String {
    format!("Resources:\n{entries}")
}

#[tokio::test]
async fn a_second_deployment_applies_only_the_difference() {
    let bench = Bench::new();
    let one = "  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: a}}\n";
    let two = "  B: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: b, RetentionInDays: 3}}\n";
    let stack = bench.apply(&groups(&format!("{one}{two}"))).await.unwrap();
    assert_eq!(stack.status, "CREATE_COMPLETE");
    let made = ["CreateLogGroup a", "DeleteRetentionPolicy a", "CreateLogGroup b", "PutRetentionPolicy b"];
    assert_eq!(bench.calls(), made);

    bench.apply(&groups(&format!("{one}{two}"))).await.unwrap();
    assert_eq!(bench.calls(), [""; 0]);

    let changed = two.replace("RetentionInDays: 3", "RetentionInDays: 5");
    let stack = bench.apply(&groups(&changed)).await.unwrap();
    assert_eq!(stack.status, "UPDATE_COMPLETE");
    assert_eq!(bench.calls(), ["PutRetentionPolicy b", "DeleteLogGroup a"]);
}

#[tokio::test]
async fn a_failed_step_takes_the_others_back_the_latest_first() {
    let bench = Bench::new();
    let text = groups(
        "  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: a}}\n  B: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: b}}\n  C: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: c}}\n",
    );
    bench.fail_at(Some("CreateLogGroup c"));
    let error = bench.apply(&text).await.unwrap_err();
    assert!(error.to_string().starts_with("C: it does not work"), "{error}");
    let deletes: Vec<String> = bench.calls().into_iter().filter(|call| call.starts_with("DeleteLogGroup")).collect();
    assert_eq!(deletes, ["DeleteLogGroup c", "DeleteLogGroup b", "DeleteLogGroup a"]);
    let stack = bench.deploy.stack(&bench.context, "shop").unwrap();
    assert_eq!((stack.status.as_str(), stack.resources.len()), ("ROLLBACK_COMPLETE", 0));

    bench.fail_at(None);
    assert_eq!(bench.apply(&text).await.unwrap().status, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_failed_change_is_put_back() {
    let bench = Bench::new();
    let text = |days: u32, more: &str| {
        groups(&format!(
            "  A: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: a, RetentionInDays: {days}}}}}\n{more}"
        ))
    };
    bench.apply(&text(3, "")).await.unwrap();
    bench.fail_at(Some("CreateLogGroup z"));
    bench.calls();
    bench.apply(&text(5, "  Z: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: z}}\n")).await.unwrap_err();
    let expected = ["PutRetentionPolicy a", "CreateLogGroup z", "DeleteLogGroup z", "PutRetentionPolicy a"];
    assert_eq!(bench.calls(), expected);
    let stack = bench.deploy.stack(&bench.context, "shop").unwrap();
    assert_eq!(stack.status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(stack.record("A").unwrap().properties["RetentionInDays"], 3);
}

#[tokio::test]
async fn a_change_of_name_makes_a_new_one_before_the_old_one_goes() {
    let bench = Bench::new();
    let text =
        |name: &str| groups(&format!("  A: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {name}}}}}\n"));
    bench.apply(&text("a")).await.unwrap();
    bench.calls();
    bench.apply(&text("b")).await.unwrap();
    assert_eq!(bench.calls(), ["CreateLogGroup b", "DeleteRetentionPolicy b", "DeleteLogGroup a"]);
}

#[tokio::test]
async fn a_made_up_name_stays_with_its_resource() {
    let bench = Bench::new();
    let text =
        |days: u32| groups(&format!("  A: {{Type: AWS::Logs::LogGroup, Properties: {{RetentionInDays: {days}}}}}\n"));
    let first = bench.apply(&text(1)).await.unwrap().record("A").unwrap().made.physical_id.clone();
    assert!(first.starts_with("shop-A-") && first.len() == 19, "{first}");
    let second = bench.apply(&text(3)).await.unwrap().record("A").unwrap().made.physical_id.clone();
    assert_eq!(first, second);
}

#[tokio::test]
async fn an_interrupted_deployment_goes_through_the_second_time() {
    let bench = Bench::new();
    let text = groups("  A: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 3}}\n");
    let mut stack = bench.apply(&text).await.unwrap();
    stack.record_mut("A").unwrap().state = crate::stack::State::Creating;
    stack.status = "CREATE_IN_PROGRESS".into();
    crate::stack::save(&bench.deploy.store, &stack).await.unwrap();
    bench.calls();
    let stack = bench.apply(&text).await.unwrap();
    assert_eq!(bench.calls(), ["DeleteLogGroup shop-A", "CreateLogGroup shop-A", "PutRetentionPolicy shop-A"]);
    assert_eq!(stack.status, "UPDATE_COMPLETE");
}

#[tokio::test]
async fn deleting_goes_backwards_and_keeps_what_is_to_be_kept() {
    let bench = Bench::new();
    let text = groups(
        "  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: a}}\n  B: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: b}}\n  C: {Type: AWS::Logs::LogGroup, DependsOn: A, Properties: {LogGroupName: c}}\n",
    );
    bench.apply(&text).await.unwrap();
    bench.calls();
    bench.deploy.delete(&bench.context, "shop", &|_| {}).await.unwrap();
    assert_eq!(bench.calls(), ["DeleteLogGroup c", "DeleteLogGroup a"]);
    assert!(matches!(bench.deploy.stack(&bench.context, "shop"), Err(Error::NotFound(_))));
}

#[tokio::test]
async fn outputs_are_resolved_and_exported_to_other_stacks() {
    let bench = Bench::new();
    let text = "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: {}}}}\nOutputs: {Arn: {Value: !GetAtt R.Arn, Export: {Name: role-arn}}}\n";
    let stack = bench.apply(text).await.unwrap();
    assert_eq!((stack.outputs[0].value.as_str(), stack.outputs[0].export.as_deref()), ("arn:r", Some("role-arn")));
    assert_eq!(bench.deploy.exports(&bench.context, "other").unwrap()["role-arn"], "arn:r");
}

#[tokio::test]
async fn every_unsupported_type_is_listed_and_nothing_is_touched() {
    let bench = Bench::new();
    let text = groups(
        "  A: {Type: AWS::Logs::LogGroup}\n  B: {Type: AWS::KinesisFirehose::DeliveryStream}\n  C: {Type: AWS::Lambda::Nope}\n",
    );
    let Error::Template(problems) = bench.apply(&text).await.unwrap_err() else { panic!("a template error") };
    let lines: Vec<u32> = problems.iter().map(|problem| problem.at.line).collect();
    assert_eq!(lines, [3, 4]);
    assert!(problems[1].message.contains("supported here are AWS::Lambda::Alias"), "{problems:?}");
    assert_eq!(bench.calls(), [""; 0]);
}

#[tokio::test]
async fn changes_are_told_before_they_are_made() {
    let bench = Bench::new();
    let role = "  R: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref P, AssumeRolePolicyDocument: {}}}\n";
    let text = |more: &str| format!("Parameters: {{P: {{Type: String}}}}\nResources:\n{role}{more}");
    let group = "  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !GetAtt R.Arn}}\n";
    let request = |name: &str, more: &str| Request {
        stack: "shop".into(),
        template: text(more),
        parameters: [("P".to_owned(), name.to_owned())].into(),
        ..Request::default()
    };
    bench.deploy.apply(&bench.context, &request("one", group), &|_| {}).await.unwrap();
    let told = async |request: &Request| {
        let changes = bench.deploy.changes(&bench.context, request).await.unwrap().changes;
        changes
            .iter()
            .map(|change| format!("{:?} {} {}", change.action, change.id, change.replaces))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&request("one", group)).await, [""; 0]);
    assert_eq!(told(&request("two", group)).await, ["Modify R true"]);
    let other = "  B: {Type: AWS::Logs::LogGroup}\n";
    assert_eq!(told(&request("one", other)).await, ["Add B false", "Remove A false"]);
}

#[tokio::test]
async fn a_methods_responses_are_made_with_it_and_a_change_makes_all_of_it_again() {
    let bench = Bench::new();
    let text = |parameters: &str| {
        groups(&format!(
            "  M:\n    Type: AWS::ApiGateway::Method\n    Properties:\n      RestApiId: a\n      ResourceId: r\n      HttpMethod: OPTIONS\n      MethodResponses: [{{StatusCode: 200, ResponseParameters: {{method.response.header.X: {parameters}}}}}]\n      Integration: {{Type: MOCK, IntegrationResponses: [{{StatusCode: 200}}, {{StatusCode: 400}}]}}\n"
        ))
    };
    let made =
        ["PutMethod ", "PutMethodResponse ", "PutIntegration ", "PutIntegrationResponse ", "PutIntegrationResponse "];
    bench.apply(&text("'false'")).await.unwrap();
    assert_eq!(bench.calls(), made);
    bench.apply(&text("true")).await.unwrap();
    let calls = bench.calls();
    assert_eq!((calls[0].as_str(), &calls[1..]), ("DeleteMethod ", &made.map(str::to_owned)[..]));
    let error = bench.apply(&text("perhaps")).await.unwrap_err().to_string();
    assert!(error.contains("ResponseParameters must map names to true or false"), "{error}");
}

#[tokio::test]
async fn deletion_goes_by_what_needs_what_and_not_by_what_was_made_first() {
    let bench = Bench::new();
    let group = |id: &str, name: &str, more: &str| {
        format!("  {id}: {{Type: AWS::Logs::LogGroup, {more} Properties: {{LogGroupName: {name}}}}}\n")
    };
    bench.apply(&groups(&format!("{}{}", group("A", "a", ""), group("B", "b", "DependsOn: A,")))).await.unwrap();
    bench.apply(&groups(&format!("{}{}", group("A", "new", ""), group("B", "b", "DependsOn: A,")))).await.unwrap();
    bench.calls();
    bench.deploy.delete(&bench.context, "shop", &|_| {}).await.unwrap();
    assert_eq!(bench.calls(), ["DeleteLogGroup b", "DeleteLogGroup new"]);
}

#[tokio::test]
async fn what_is_replaced_stays_if_the_template_says_so() {
    let bench = Bench::new();
    let text = |name: &str| {
        groups(&format!(
            "  A: {{Type: AWS::Logs::LogGroup, UpdateReplacePolicy: Retain, Properties: {{LogGroupName: {name}}}}}\n"
        ))
    };
    bench.apply(&text("a")).await.unwrap();
    bench.calls();
    bench.apply(&text("b")).await.unwrap();
    assert_eq!(bench.calls(), ["CreateLogGroup b", "DeleteRetentionPolicy b"]);
    bench.deploy.delete(&bench.context, "shop", &|_| {}).await.unwrap();
    assert_eq!(bench.calls(), ["DeleteLogGroup b"]);
}

#[tokio::test]
async fn what_somebody_else_made_is_never_taken_for_ours() {
    let bench = Bench::new();
    *bench.api.existing.lock().unwrap() = Some("theirs".into());
    let text = groups("  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: theirs}}\n");
    let error = bench.apply(&text).await.unwrap_err().to_string();
    assert!(error.contains("already exists"), "{error}");
    assert_eq!(bench.calls(), [""; 0], "nothing is made, and nothing is removed");
}

#[tokio::test]
async fn an_interrupted_change_is_changed_from_both_states_it_may_be_in() {
    let bench = Bench::new();
    let text = |days: u32| {
        groups(&format!(
            "  A: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: a, RetentionInDays: {days}}}}}\n"
        ))
    };
    let mut stack = bench.apply(&text(3)).await.unwrap();
    let attempted = serde_json::json!({"LogGroupName": "a", "RetentionInDays": -1});
    let serde_json::Value::Object(attempted) = attempted else { panic!("an object") };
    stack.record_mut("A").unwrap().state = crate::stack::State::Updating(attempted);
    crate::stack::save(&bench.deploy.store, &stack).await.unwrap();
    bench.calls();
    let stack = bench.apply(&text(3)).await.unwrap();
    assert_eq!(bench.calls(), ["PutRetentionPolicy a", "PutRetentionPolicy a"], "though the template is what it was");
    assert_eq!(stack.record("A").unwrap().state, crate::stack::State::Ready);
}

#[tokio::test]
async fn after_a_roll_back_the_stack_says_what_it_was() {
    let bench = Bench::new();
    let text =
        |name: &str| groups(&format!("  A: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {name}}}}}\n"));
    bench.apply(&text("a")).await.unwrap();
    bench.fail_at(Some("CreateLogGroup b"));
    bench.apply(&text("b")).await.unwrap_err();
    assert_eq!(bench.deploy.stack(&bench.context, "shop").unwrap().template, text("a"));
}
