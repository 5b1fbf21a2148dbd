"""What deployment tools send that others wrote, as they send it: templates and packages out of buckets, change sets, the questions they ask before and
after. The templates are those of the Serverless Framework (osls 3.77 and 4.3) and of the AWS CDK (2.276), reduced."""

import copy
import json
from pathlib import Path

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, invoke, package, unique
from web import send

BOOTSTRAP = Path(__file__).parent.parent / "docs/cdk-bootstrap.yaml"
CONSENT = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
CODE = """
import boto3, json, os

def api(event, context):
    if event.get("body"):
        boto3.resource("dynamodb").Table(os.environ["TABLE"]).put_item(Item=json.loads(event["body"]))
    return {"statusCode": 200, "body": "ANSWER"}

def seen(event, context):
    text = event["Records"][0]["dynamodb"]["Keys"]["id"]["S"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["OUT"], MessageBody=text)
"""


@pytest.fixture
def cloudformation(aws):
    return aws("cloudformation")


@pytest.fixture
def stack(cloudformation):
    name = unique("stack")
    yield name
    cloudformation.delete_stack(StackName=name)


@pytest.fixture
def bucket(s3):
    name = unique("b")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield name
    empty(s3, name)
    s3.delete_bucket(Bucket=name)


def empty(s3, bucket):
    found = s3.list_object_versions(Bucket=bucket)
    for version in found.get("Versions", []) + found.get("DeleteMarkers", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def wait(cloudformation, event, stack):
    cloudformation.get_waiter(f"stack_{event}_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def outputs(cloudformation, stack):
    shown = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in shown["Outputs"]}


def execute(cloudformation, stack, kind, name=None, **given):
    """A change set, waited for and executed as tools do it."""
    name = name or unique("changes")
    made = cloudformation.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, Capabilities=CONSENT, **given)
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1})
    cloudformation.execute_change_set(ChangeSetName=name, StackName=stack)
    wait(cloudformation, kind.lower(), stack)
    return made["StackId"]


TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}]}
DEPLOYMENT_BUCKET = {
    "ServerlessDeploymentBucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}},
    },
}


def serverless(service, key, answer):
    """The template that the Serverless Framework makes: everything beside its bucket."""

    def function(handler, **variables):
        return {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": {"Ref": "ServerlessDeploymentBucket"}, "S3Key": key},
                "Handler": f"app.{handler}",
                "Runtime": "python3.11",
                "FunctionName": f"{service}-{handler}",
                "Environment": {"Variables": variables},
                "Role": {"Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"]},
            },
        }

    uri = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":apigateway:", {"Ref": "AWS::Region"}, ":lambda:path/2015-03-31/functions/", {"Fn::GetAtt": ["Api", "Arn"]}, "/invocations"]]}
    return {
        **DEPLOYMENT_BUCKET,
        "IamRoleLambdaExecution": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, "Path": "/", "RoleName": f"{service}-lambdaRole"}},
        "Api": function("api", TABLE={"Ref": "Items"}),
        f"ApiVersion{answer}": {"Type": "AWS::Lambda::Version", "DeletionPolicy": "Retain", "Properties": {"FunctionName": {"Ref": "Api"}}},
        "Seen": function("seen", OUT={"Ref": "Out"}),
        "SeenSource": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "BatchSize": 1,
                "StartingPosition": "TRIM_HORIZON",
                "Enabled": True,
                "EventSourceArn": {"Fn::GetAtt": ["Items", "StreamArn"]},
                "FunctionName": {"Fn::GetAtt": ["Seen", "Arn"]},
            },
        },
        "Items": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        },
        "Out": {"Type": "AWS::SQS::Queue"},
        "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": service, "EndpointConfiguration": {"Types": ["EDGE"]}, "Policy": ""}},
        "HttpApi": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": service, "ProtocolType": "HTTP"}},
        "HttpApiStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "HttpApi"}, "StageName": "$default", "AutoDeploy": True, "DefaultRouteSettings": {"DetailedMetricsEnabled": False}},
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {"FunctionName": {"Fn::GetAtt": ["Api", "Arn"]}, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"},
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {"ApiId": {"Ref": "HttpApi"}, "IntegrationType": "AWS_PROXY", "IntegrationUri": uri, "PayloadFormatVersion": "2.0", "TimeoutInMillis": 30000},
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {"ApiId": {"Ref": "HttpApi"}, "RouteKey": "POST /items", "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]}},
            "DependsOn": "Integration",
        },
    }


def test_a_service_of_the_serverless_framework_comes_changes_and_goes(cloudformation, aws, platform, s3, stack):
    execute(cloudformation, stack, "CREATE", name="first", TemplateBody=json.dumps({"Resources": DEPLOYMENT_BUCKET}), Tags=[{"Key": "STAGE", "Value": "dev"}])
    bucket = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="ServerlessDeploymentBucket")
    bucket = bucket["StackResourceDetail"]["PhysicalResourceId"]

    def deploy(answer):
        at = f"serverless/{stack}/dev/{answer}-2026-11-23T07:33:02.008Z"
        s3.put_object(Bucket=bucket, Key=f"{at}/shop.zip", Body=package({"app.py": CODE.replace("ANSWER", answer)}))
        template = {"Resources": serverless(stack, f"{at}/shop.zip", answer), "Outputs": {"ApiId": {"Value": {"Ref": "HttpApi"}}, "Out": {"Value": {"Ref": "Out"}}}}
        s3.put_object(Bucket=bucket, Key=f"{at}/template.json", Body=json.dumps(template))
        url = f"https://s3.amazonaws.com/{bucket}/{at}/template.json"
        cloudformation.validate_template(TemplateURL=url)
        execute(cloudformation, stack, "UPDATE", TemplateURL=url)
        host = f"{outputs(cloudformation, stack)['ApiId']}.execute-api.{REGION}.amazonaws.com"
        return send(platform, "POST", "/items", host=host, body=json.dumps({"id": answer}).encode(), headers=[("content-type", "application/json")])

    assert deploy("one").body == b"one"
    assert deploy("two").body == b"two"
    queue = outputs(cloudformation, stack)["Out"]
    received = []
    while len(received) < 2:
        received += [message["Body"] for message in aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", [])]
    assert sorted(received) == ["one", "two"], "the table's stream calls its function"

    missing = error_of(aws("ecr").describe_repositories, repositoryNames=[f"serverless-{stack}-dev"])
    assert missing[0] == "RepositoryNotFoundException", "asked before everything is removed"
    empty(s3, bucket)
    stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack_id)
    wait(cloudformation, "delete", stack_id)
    assert error_of(aws("lambda").get_function, FunctionName=f"{stack}-api")[0] == "ResourceNotFoundException"
    # The names are free, the stack's and those of its change sets.
    execute(cloudformation, stack, "CREATE", name="first", TemplateBody=json.dumps({"Resources": DEPLOYMENT_BUCKET}))


def cdk(function, note="none", name="/tests/bootstrap/version"):
    """The template that the CDK makes, with its check of the bootstrap version."""
    return {
        "Resources": {
            **function,
            "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:H4sI"}, "Metadata": {"aws:cdk:path": "Shop/CDKMetadata/Default"}, "Condition": "CDKMetadataAvailable"},
        },
        "Conditions": {"CDKMetadataAvailable": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::Region"}, REGION]}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "af-south-1"]}]}},
        "Outputs": {"Note": {"Value": note}},
        "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name, "Description": "[cdk:skip]"}},
        "Rules": {
            "CheckBootstrapVersion": {
                "Assertions": [
                    {"Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}]}, "AssertDescription": "CDK bootstrap stack version 6 required."}
                ]
            }
        },
    }


GROUP = {"Group": {"Type": "AWS::Logs::LogGroup", "UpdateReplacePolicy": "Delete", "DeletionPolicy": "Delete"}}


@pytest.fixture
def version(aws):
    """Puts a bootstrap version, and answers its name."""
    names = []

    def put(value):
        names.append(f"/{unique('v')}/version")
        aws("ssm").put_parameter(Name=names[-1], Value=value, Type="String")
        return names[-1]

    yield put
    aws("ssm").delete_parameters(Names=names)


def test_a_rule_that_does_not_hold_stops_the_deployment(cloudformation, stack, version):
    code, text = error_of(cloudformation.create_stack, StackName=stack, TemplateBody=json.dumps(cdk(GROUP, name=version("5"))))
    assert code == "ValidationError" and "CheckBootstrapVersion does not hold: CDK bootstrap stack version 6 required." in text
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(cdk(GROUP, name=version("33"))))
    wait(cloudformation, "create", stack)


def test_a_change_of_outputs_or_tags_alone_is_a_change(cloudformation, aws, stack, version):
    name = version("33")

    def body(note):
        return json.dumps(cdk(GROUP, note, name))

    tags = [{"Key": "team", "Value": "fog"}]
    execute(cloudformation, stack, "CREATE", TemplateBody=body("one"), Tags=tags)
    execute(cloudformation, stack, "UPDATE", TemplateBody=body("two"), Tags=tags)
    assert outputs(cloudformation, stack)["Note"] == "two"
    group = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="Group")["StackResourceDetail"]["PhysicalResourceId"]
    assert aws("logs").list_tags_log_group(logGroupName=group)["tags"] == {"team": "fog"}
    execute(cloudformation, stack, "UPDATE", TemplateBody=body("two"), Tags=[{"Key": "team", "Value": "mist"}])
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Tags"] == [{"Key": "team", "Value": "mist"}]
    assert aws("logs").list_tags_log_group(logGroupName=group)["tags"] == {"team": "mist"}, "on the same group"

    same = dict(StackName=stack, ChangeSetName="same", TemplateBody=body("two"))
    cloudformation.create_change_set(**same)
    assert cloudformation.describe_change_set(StackName=stack, ChangeSetName="same")["Status"] == "FAILED"
    execute(cloudformation, stack, "UPDATE", name="more", TemplateBody=body("three"))
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Tags"] == [{"Key": "team", "Value": "mist"}], "as they were"
    kept = [summary["ChangeSetName"] for summary in cloudformation.list_change_sets(StackName=stack)["Summaries"]]
    assert kept == ["more"], "those that were made before are of a stack that is no more"


def test_a_protected_stack_is_not_deleted(cloudformation, stack):
    body = json.dumps({"Resources": GROUP})
    cloudformation.create_stack(StackName=stack, TemplateBody=body, EnableTerminationProtection=True)
    wait(cloudformation, "create", stack)
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["EnableTerminationProtection"] is True
    assert error_of(cloudformation.delete_stack, StackName=stack) == (
        "ValidationError",
        f"Stack [{stack}] cannot be deleted while TerminationProtection is enabled",
    )
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=stack)
    wait(cloudformation, "delete", stack)


def test_a_stack_that_is_only_reserved_has_an_event_to_begin_at(cloudformation, stack):
    """SAM's command line takes the time of the latest event before it executes a change set, and shows those that come after it."""
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    cloudformation.create_change_set(StackName=stack, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template)
    [event] = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    told = [event[name] for name in ("LogicalResourceId", "ResourceType", "ResourceStatus", "ResourceStatusReason")]
    assert told == [stack, "AWS::CloudFormation::Stack", "REVIEW_IN_PROGRESS", "User Initiated"]
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName="first", WaiterConfig={"Delay": 1})
    cloudformation.execute_change_set(StackName=stack, ChangeSetName="first")
    wait(cloudformation, "create", stack)
    after = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    assert (after[0]["ResourceStatus"], after[-1]["EventId"]) == ("CREATE_COMPLETE", event["EventId"])
    assert all(one["Timestamp"] >= event["Timestamp"] for one in after)


def test_a_deleted_stack_is_known_by_its_id(cloudformation, stack):
    made = cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": GROUP}))["StackId"]
    wait(cloudformation, "create", stack)
    cloudformation.delete_stack(StackName=stack)
    wait(cloudformation, "delete", made)
    shown = cloudformation.describe_stacks(StackName=made)["Stacks"][0]
    assert shown["StackStatus"] == "DELETE_COMPLETE" and shown["DeletionTime"]
    latest = cloudformation.describe_stack_events(StackName=made)["StackEvents"][0]
    assert (latest["ResourceType"], latest["ResourceStatus"]) == ("AWS::CloudFormation::Stack", "DELETE_COMPLETE")
    listed = cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert made in [summary["StackId"] for summary in listed]
    assert error_of(cloudformation.describe_stacks, StackName=stack)[0] == "ValidationError", "its name is free"
    assert made not in [found["StackId"] for found in cloudformation.describe_stacks()["Stacks"]]


def test_the_bootstrap_template_is_what_the_cdk_looks_for(fresh):
    platform = fresh()
    cloudformation, qualifier = platform.client("cloudformation"), "q1"
    given = {"Qualifier": qualifier, "TrustedAccounts": "", "TrustedAccountsForLookup": "", "FileAssetsBucketKmsKeyId": "AWS_MANAGED_KEY", "PublicAccessBlockConfiguration": "true", "CloudFormationExecutionPolicies": "arn:aws:iam::aws:policy/AdministratorAccess"}
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    execute(cloudformation, "CDKToolkit", "CREATE", TemplateBody=BOOTSTRAP.read_text(), Parameters=parameters)
    shown = outputs(cloudformation, "CDKToolkit")
    assert shown["BucketName"] == f"cdk-{qualifier}-assets-{ACCOUNT}-{REGION}"
    assert platform.client("ssm").get_parameter(Name=f"/cdk-bootstrap/{qualifier}/version")["Parameter"]["Value"] == shown["BootstrapVersion"]
    for role in ["deploy-role", "file-publishing-role", "lookup-role"]:
        arn = f"arn:aws:iam::{ACCOUNT}:role/cdk-{qualifier}-{role}-{ACCOUNT}-{REGION}"
        platform.client("sts").assume_role(RoleArn=arn, RoleSessionName="aws-cdk-tests")


@pytest.mark.parametrize("form", ["https://s3.amazonaws.com/{b}/{k}", "https://{b}.s3.us-east-1.amazonaws.com/{k}", "{endpoint}/{b}/{k}"])
def test_a_template_is_read_from_every_form_of_its_address(cloudformation, platform, s3, bucket, form):
    s3.put_object(Bucket=bucket, Key="d/t.json", Body=json.dumps({"Description": "found", "Resources": GROUP}))
    url = form.format(b=bucket, k="d/t.json", endpoint=platform.endpoint)
    assert cloudformation.get_template_summary(TemplateURL=url)["Description"] == "found"
    code, text = error_of(cloudformation.validate_template, TemplateURL=url + "x")
    assert code == "ValidationError" and "S3 error: The specified key does not exist." in text


def test_code_and_layers_come_out_of_buckets(client, aws, s3, bucket, make_function):
    code = "def handler(event, context):\n    import of_layer\n    return '{}' + of_layer.TEXT\n"
    first = s3.put_object(Bucket=bucket, Key="code.zip", Body=package({"app.py": code.format("first ")}))["VersionId"]
    s3.put_object(Bucket=bucket, Key="code.zip", Body=package({"app.py": code.format("second ")}))
    s3.put_object(Bucket=bucket, Key="layer.zip", Body=package({"python/of_layer.py": "TEXT = 'layered'"}))
    layer = client.publish_layer_version(LayerName=unique(), Content={"S3Bucket": bucket, "S3Key": "layer.zip"})["LayerVersionArn"]
    name = make_function("", Layers=[layer])

    def answer(**source):
        client.update_function_code(FunctionName=name, S3Bucket=bucket, **source)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        return invoke(client, name)[0]

    assert answer(S3Key="code.zip") == "second layered"
    assert answer(S3Key="code.zip", S3ObjectVersion=first) == "first layered"
    missing = error_of(client.update_function_code, FunctionName=name, S3Bucket=bucket, S3Key="none")
    assert missing == ("InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
    both = error_of(client.update_function_code, FunctionName=name, S3Bucket=bucket, S3Key="code.zip", ZipFile=package({"app.py": ""}))
    assert "Please do not provide other FunctionCode parameters" in both[1]


def test_anothers_bucket_gives_no_code(fresh):
    platform = fresh()
    theirs = platform.client("s3", account="111111111111")
    theirs.create_bucket(Bucket="theirs")
    theirs.put_object(Bucket="theirs", Key="code.zip", Body=package({"app.py": ""}))
    template = {"Resources": GROUP}
    theirs.put_object(Bucket="theirs", Key="t.json", Body=json.dumps(template))
    given = dict(FunctionName="f", Runtime="python3.11", Handler="app.handler", Role=f"arn:aws:iam::{ACCOUNT}:role/r")
    code, text = error_of(platform.client("lambda").create_function, Code={"S3Bucket": "theirs", "S3Key": "code.zip"}, **given)
    assert code == "AccessDeniedException" and "theirs/code.zip" in text
    code, text = error_of(platform.client("cloudformation").create_stack, StackName="s", TemplateURL="https://s3.amazonaws.com/theirs/t.json")
    assert code == "ValidationError" and text.startswith("S3 error: Access Denied")


def test_a_packaged_sam_template_names_its_code_in_a_bucket(cloudformation, client, s3, bucket, stack):
    """As `sam package` and `aws cloudformation package` write it."""
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Fn": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "", "Handler": "app.handler", "Runtime": "python3.11", "AutoPublishAlias": "live", "Layers": [{"Ref": "Lib"}]},
            },
            "Lib": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": {"Bucket": bucket, "Key": "layer"}, "RetentionPolicy": "Delete"}},
        },
        "Outputs": {"Name": {"Value": {"Ref": "Fn"}}},
    }
    s3.put_object(Bucket=bucket, Key="layer", Body=package({"python/of_layer.py": "TEXT = 'layered'"}))

    def deploy(kind, word):
        s3.put_object(Bucket=bucket, Key=word, Body=package({"app.py": f"def handler(event, context):\n    import of_layer\n    return '{word} ' + of_layer.TEXT\n"}))
        written = copy.deepcopy(template)
        written["Resources"]["Fn"]["Properties"]["CodeUri"] = f"s3://{bucket}/{word}"
        execute(cloudformation, stack, kind, name=word, TemplateBody=json.dumps(written))
        name = outputs(cloudformation, stack)["Name"]
        eventually(lambda: client.get_function(FunctionName=name, Qualifier="live")["Configuration"]["State"] == "Active")
        return invoke(client, name, Qualifier="live")[0]

    assert deploy("CREATE", "one") == "one layered"
    assert deploy("UPDATE", "two") == "two layered", "other code is another version"
