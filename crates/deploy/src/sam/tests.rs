use crate::expression::Pseudo;
use crate::plan::{Plan, Request};
use crate::problem::Problem;
use std::collections::BTreeMap;

fn plan(text: &str) -> Result<Plan, Vec<Problem>> {
    let own = str::to_owned;
    let pseudo = Pseudo { account: own("1"), region: own("eu"), stack_name: own("st"), stack_id: own("id") };
    let artifacts = ["Fn", "Lib"].map(|id| (id.to_owned(), "0123456789abcdef".to_owned())).into();
    let template = format!("Transform: AWS::Serverless-2016-10-31\n{text}");
    let request = Request { stack: own("st"), template, artifacts, ..Request::default() };
    Plan::make(&request, pseudo, BTreeMap::new(), &BTreeMap::new())
}

/// The resources that come out, as `id: type`, in order.
fn resources(text: &str) -> Vec<String> {
    let plan = plan(text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let describe = |id: &String| format!("{id}: {}", plan.template.resource(id).unwrap().kind.replace("AWS::", ""));
    let mut found: Vec<String> = plan.order.iter().map(describe).collect();
    found.sort();
    found
}

fn problem(text: &str) -> String {
    match plan(text) {
        Ok(_) => "no problem".into(),
        Err(problems) => problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"),
    }
}

const FUNCTION: &str = "Globals: {Function: {Runtime: python3.12, Handler: a.b, CodeUri: src}}\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties:\n      MemorySize: 256\n";

#[test]
fn a_function_with_a_route_brings_its_role_its_permission_and_the_implicit_api() {
    let text =
        format!("{FUNCTION}      Events: {{Get: {{Type: HttpApi, Properties: {{Path: '/x/{{id}}', Method: get}}}}}}\n");
    let expected = [
        "Fn: Lambda::Function",
        "FnGetPermission: Lambda::Permission",
        "FnRole: IAM::Role",
        "ServerlessHttpApi: ApiGatewayV2::Api",
        "ServerlessHttpApiApiGatewayDefaultStage: ApiGatewayV2::Stage",
    ];
    assert_eq!(resources(&text), expected);
}

#[test]
fn a_rest_route_brings_a_stage_and_a_deployment_named_after_the_document() {
    let text = format!("{FUNCTION}      Events: {{Get: {{Type: Api, Properties: {{Path: /x, Method: get}}}}}}\n");
    let found = resources(&text);
    assert!(found.contains(&"ServerlessRestApiProdStage: ApiGateway::Stage".to_owned()), "{found:?}");
    assert!(found.iter().any(|name| name.starts_with("ServerlessRestApiDeployment")), "{found:?}");
}

#[test]
fn a_published_alias_names_its_version_after_the_package() {
    let text = format!("{FUNCTION}      AutoPublishAlias: live\nOutputs: {{V: {{Value: !Ref Fn.Version}}}}\n");
    let found = resources(&text);
    assert!(found.contains(&"FnVersion0123456789: Lambda::Version".to_owned()), "{found:?}");
    assert!(found.contains(&"FnAliaslive: Lambda::Alias".to_owned()), "{found:?}");
}

#[test]
fn provisioned_concurrency_goes_to_the_alias_and_snap_start_to_the_function() {
    let text = format!(
        "{FUNCTION}      AutoPublishAlias: live\n      SnapStart: {{ApplyOn: PublishedVersions}}\n      ProvisionedConcurrencyConfig: {{ProvisionedConcurrentExecutions: 3}}\n"
    );
    let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let alias = plan.template.resource("FnAliaslive").unwrap().properties.to_json();
    let expected = serde_json::json!({"ProvisionedConcurrentExecutions": 3});
    assert_eq!(alias["ProvisionedConcurrencyConfig"], expected);
    let function = plan.template.resource("Fn").unwrap().properties.to_json();
    assert_eq!(function["SnapStart"], serde_json::json!({"ApplyOn": "PublishedVersions"}));
    assert!(problem(&text.replace("      AutoPublishAlias: live\n", "")).contains("needs AutoPublishAlias"));
}

#[test]
fn what_uses_the_alias_by_name_comes_after_it() {
    let text = format!("{FUNCTION}      AutoPublishAlias: live\n      FunctionUrlConfig: {{AuthType: AWS_IAM}}\n");
    let order = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}")).order;
    let place = |id: &str| order.iter().position(|placed| placed == id).unwrap();
    assert!(place("FnAliaslive") < place("FnUrl"), "{order:?}");
}

#[test]
fn a_public_url_and_a_layer_become_plain_resources() {
    let text = format!(
        "{FUNCTION}      FunctionUrlConfig: {{AuthType: NONE}}\n      Layers: [!Ref Lib]\n  Lib: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: lib}}}}\n"
    );
    let found = resources(&text);
    for expected in ["FnUrl: Lambda::Url", "FnUrlPublicPermissions: Lambda::Permission", "Lib: Lambda::LayerVersion"] {
        assert!(found.contains(&expected.to_owned()), "{found:?}");
    }
}

#[test]
fn policies_of_every_form_end_in_the_role() {
    let text = format!(
        "{FUNCTION}      Policies:\n        - AmazonS3ReadOnlyAccess\n        - Statement: [{{Effect: Allow, Action: 's3:*', Resource: '*'}}]\n        - LambdaInvokePolicy: {{FunctionName: other}}\n"
    );
    let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let role = &plan.template.resource("FnRole").unwrap().properties;
    assert_eq!(role.get("ManagedPolicyArns").unwrap().items().len(), 2);
    assert_eq!(role.get("Policies").unwrap().items().len(), 2);
}

#[test]
fn a_choice_is_made_before_its_outcome_is_read() {
    let conditions = "Conditions: {Yes: !Equals [a, a], No: !Equals [a, b]}\n";
    let statement = "{Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}]}";
    let text = format!(
        "{conditions}{FUNCTION}      Policies: [!If [Yes, {statement}, !Ref 'AWS::NoValue'], !If [No, Nope, !Ref 'AWS::NoValue']]\n"
    );
    let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let role = &plan.template.resource("FnRole").unwrap().properties;
    assert_eq!(role.get("Policies").unwrap().items().len(), 1);
    assert_eq!(role.get("ManagedPolicyArns").unwrap().items().len(), 1);
}

#[test]
fn the_routes_of_a_function_that_is_not_made_are_not_made_either() {
    let event = "Events: {Get: {Type: HttpApi, Properties: {Path: /x, Method: get}}}";
    let text = format!(
        "Conditions: {{No: !Equals [a, b]}}\n{FUNCTION}  Other:\n    Type: AWS::Serverless::Function\n    Condition: No\n    Properties: {{{event}}}\n  Fg: {{Type: AWS::Logs::LogGroup}}\n"
    );
    assert_eq!(resources(&text), ["Fg: Logs::LogGroup", "Fn: Lambda::Function", "FnRole: IAM::Role"]);
}

#[test]
fn an_attribute_of_a_generated_part_is_found() {
    let text =
        format!("{FUNCTION}      AutoPublishAlias: live\nOutputs: {{V: {{Value: !GetAtt Fn.Version.Version}}}}\n");
    let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let expected = serde_json::json!({"Value": {"Fn::GetAtt": ["FnVersion0123456789", "Version"]}});
    assert_eq!(plan.template.outputs[0].1.to_json(), expected);
}

#[test]
fn cors_lists_the_methods_of_each_path_and_tags_reach_the_stage() {
    let text = format!(
        "{FUNCTION}      Events: {{A: {{Type: Api, Properties: {{RestApiId: !Ref Api, Path: /x, Method: put}}}}}}\n  Api: {{Type: AWS::Serverless::Api, Properties: {{StageName: v1, Cors: \"'*'\", Tags: {{a: b}}, PropagateTags: true}}}}\n"
    );
    let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let api = plan.template.resource("Api").unwrap().properties.to_json();
    let preflight = &api["Body"]["paths"]["/x"]["options"]["x-amazon-apigateway-integration"];
    let parameters = &preflight["responses"]["default"]["responseParameters"];
    assert_eq!(parameters["method.response.header.Access-Control-Allow-Methods"], "'OPTIONS,PUT'");
    let stage = plan.template.resource("Apiv1Stage").unwrap().properties.to_json();
    assert_eq!(stage["Tags"], serde_json::json!([{"Key": "a", "Value": "b"}]));
    assert_eq!(api["Tags"], stage["Tags"]);
}

#[test]
fn what_is_not_supported_is_said_with_its_line() {
    for (text, reason) in [
        (format!("{FUNCTION}      Memory: 1\n"), "8:7: Fn has no property 'Memory'"),
        (format!("{FUNCTION}      VpcConfig: {{}}\n"), "8:7: Fn: VpcConfig is not supported yet"),
        (format!("{FUNCTION}      Events: {{Q: {{Type: MSK}}}}\n"), "is of the type MSK, which is not supported yet"),
        (format!("{FUNCTION}      Events: {{Q: {{Type: Kinesis}}}}\n"), "Fn: the event Q needs a Stream"),
        (
            format!("{FUNCTION}      Events: {{Q: {{Type: DynamoDB, Properties: {{Stream: a}}}}}}\n"),
            "the event Q needs a StartingPosition",
        ),
        (format!("{FUNCTION}      Events: {{Q: {{Type: SQS}}}}\n"), "Fn: the event Q needs a Queue"),
        (format!("{FUNCTION}      DeadLetterQueue: {{Type: SQS}}\n"), "Fn: DeadLetterQueue needs TargetArn"),
        (
            format!("{FUNCTION}      EventInvokeConfig: {{DestinationConfig: {{OnFailure: {{Type: Lambda}}}}}}\n"),
            "Fn: OnFailure needs a Destination, or the Type SQS or SNS",
        ),
        (format!("{FUNCTION}      Events: {{Q: {{Type: Sqs}}}}\n"), "has the unknown type 'Sqs'"),
        (format!("{FUNCTION}      Events: {{Q: {{Type: Api, Properties: {{Method: get}}}}}}\n"), "needs a Path"),
        (format!("{FUNCTION}      Policies: [{{NopePolicy: {{}}}}]\n"), "policy template 'NopePolicy'"),
        (format!("{FUNCTION}      Policies: [{{LambdaInvokePolicy: {{}}}}]\n"), "needs FunctionName"),
        (
            format!("{FUNCTION}  T: {{Type: AWS::Serverless::GraphQLApi}}\n"),
            "AWS::Serverless::GraphQLApi is not supported yet",
        ),
        ("Globals: {Table: {}}\nResources: {A: {Type: X}}".to_owned(), "Globals: Table is not supported"),
    ] {
        let found = problem(&text);
        assert!(found.contains(reason), "{reason}:\n{found}");
    }
}

#[test]
fn two_routes_for_one_method_and_path_are_refused() {
    let text = format!(
        "{FUNCTION}      Events:\n        A: {{Type: HttpApi, Properties: {{Path: /x, Method: get}}}}\n        B: {{Type: HttpApi, Properties: {{Path: /x, Method: GET}}}}\n"
    );
    assert!(problem(&text).contains("the route GET /x is declared twice"), "{}", problem(&text));
}

#[test]
fn without_the_transform_a_serverless_type_is_explained() {
    let request = Request {
        template: "Resources: {A: {Type: AWS::Serverless::Function}}".into(),
        stack: "s".into(),
        ..Request::default()
    };
    let own = str::to_owned;
    let pseudo = Pseudo { account: own("1"), region: own("eu"), stack_name: own("st"), stack_id: own("id") };
    let problems = Plan::make(&request, pseudo, BTreeMap::new(), &BTreeMap::new()).err().unwrap();
    assert!(problems[0].message.contains("Transform: AWS::Serverless-2016-10-31"));
}

#[test]
fn a_topic_event_subscribes_the_function_or_a_queue_in_between() {
    let event = |more: &str| {
        format!(
            "{FUNCTION}      Events: {{N: {{Type: SNS, Properties: {{Topic: !Ref T{more}}}}}}}\n  T: {{Type: AWS::SNS::Topic}}\n"
        )
    };
    let direct = resources(&event(", FilterPolicy: {a: [b]}, FilterPolicyScope: MessageBody"));
    let expected = [
        "Fn: Lambda::Function",
        "FnN: SNS::Subscription",
        "FnNPermission: Lambda::Permission",
        "FnRole: IAM::Role",
        "T: SNS::Topic",
    ];
    assert_eq!(direct, expected);
    let between = resources(&event(", SqsSubscription: true"));
    for id in [
        "FnN: SNS::Subscription",
        "FnNEventSourceMapping: Lambda::EventSourceMapping",
        "FnNQueue: SQS::Queue",
        "FnNQueuePolicy: SQS::QueuePolicy",
    ] {
        assert!(between.contains(&id.to_owned()), "{between:?}");
    }
    assert!(problem(&event(", SqsSubscription: {QueueArn: a}")).contains("needs both QueueArn and QueueUrl"));
    assert!(problem(&format!("{FUNCTION}      Events: {{N: {{Type: SNS}}}}\n")).contains("the event N needs a Topic"));
}

#[test]
fn a_stream_becomes_a_mapping_with_every_setting() {
    let target = "arn:aws:sqs:eu-west-1:123456789012:q";
    let settings = serde_json::json!({
        "BatchSize": 5, "BisectBatchOnFunctionError": true, "Enabled": true, "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}]}, "MaximumBatchingWindowInSeconds": 1, "MaximumRecordAgeInSeconds": 60,
        "MaximumRetryAttempts": 2, "ParallelizationFactor": 3, "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": 1_700_000_000, "TumblingWindowInSeconds": 30,
    });
    for kind in ["Kinesis", "DynamoDB"] {
        let mut given = settings.clone();
        given["Stream"] = "arn:aws:x:::s".into();
        given["DestinationConfig"] = serde_json::json!({"OnFailure": {"Type": "SQS", "Destination": target}});
        let text = format!("{FUNCTION}      Events: {{S: {{Type: {kind}, Properties: {given}}}}}\n");
        let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let mapping = plan.template.resource("FnS").unwrap().properties.to_json();
        assert_eq!(mapping["EventSourceArn"], "arn:aws:x:::s");
        assert_eq!(mapping["DestinationConfig"], serde_json::json!({"OnFailure": {"Destination": target}}));
        for (name, value) in settings.as_object().unwrap() {
            assert_eq!(&mapping[name], value, "{name}");
        }
    }
}

/// A queue, a topic, and `Fn`, to which text can be added.
const CONNECTED: &str = "Globals: {Function: {Runtime: python3.12, Handler: a.b, CodeUri: src}}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n  T: {Type: AWS::SNS::Topic}\n  Fn:\n    Type: AWS::Serverless::Function\n";

#[test]
fn connectors_become_policies_of_the_functions_role() {
    let text = format!(
        "{CONNECTED}    Connectors: {{Tell: {{Properties: {{Destination: [{{Id: Q}}, {{Id: T}}], Permissions: [Write]}}}}}}\n  Read: {{Type: AWS::Serverless::Connector, Properties: {{Source: {{Id: Fn}}, Destination: {{Id: Q}}, Permissions: [Read]}}}}\n"
    );
    let plan = plan(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let policy = |id: &str| plan.template.resource(id).unwrap().properties.to_json();
    let told = policy("FnTellPolicy");
    assert_eq!(told["Roles"], serde_json::json!([{"Ref": "FnRole"}]));
    assert_eq!(told["PolicyDocument"]["Statement"][1]["Action"], serde_json::json!(["sns:Publish"]));
    assert_eq!(policy("ReadPolicy")["PolicyDocument"]["Statement"][0]["Action"][0], "sqs:ReceiveMessage");
}

#[test]
fn what_cannot_be_connected_is_said() {
    for (connector, reason) in [
        ("Source: {Id: Q}, Destination: {Id: Fn}, Permissions: [Write]", "its source must be a serverless function"),
        ("Source: {Id: Fn}, Destination: {Id: Nothing}, Permissions: [Write]", "cannot be connected to 'Nothing'"),
        ("Source: {Id: Fn}, Destination: {Id: T}, Permissions: [Read]", "Permissions must be Read, Write or both"),
        ("Destination: {Id: T}, Permissions: [Read]", "C needs Source, Destination and Permissions"),
    ] {
        let text = format!("{CONNECTED}  C: {{Type: AWS::Serverless::Connector, Properties: {{{connector}}}}}\n");
        assert!(problem(&text).contains(reason), "{connector}: {}", problem(&text));
    }
}
