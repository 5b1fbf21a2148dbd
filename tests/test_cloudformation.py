"""Stacks through the CloudFormation API, by boto3 and the aws command line."""

import json
import subprocess
import time

import pytest
from conftest import error_of, eventually, invoke, unique

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
TEMPLATE = json.dumps(
    {
        "Parameters": {"Limit": {"Type": "String", "Default": "7"}},
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Fn": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context):\n    return 'from a stack'\n"},
                    "Timeout": {"Ref": "Limit"},
                },
            },
        },
        "Outputs": {"Name": {"Value": {"Ref": "Fn"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-name"}}}},
    }
)
CONSENT = {"Capabilities": ["CAPABILITY_IAM"]}


@pytest.fixture
def cloudformation(aws):
    return aws("cloudformation")


@pytest.fixture
def stack(cloudformation):
    name = unique("stack")
    yield name
    cloudformation.delete_stack(StackName=name)


def wait(cloudformation, event, stack):
    cloudformation.get_waiter(f"stack_{event}_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def test_a_stack_is_created_looked_at_changed_and_deleted(cloudformation, aws, stack):
    created = cloudformation.create_stack(StackName=stack, TemplateBody=TEMPLATE, **CONSENT)
    wait(cloudformation, "create", stack)
    shown = cloudformation.describe_stacks(StackName=created["StackId"])["Stacks"][0]
    assert shown["Parameters"] == [{"ParameterKey": "Limit", "ParameterValue": "7"}]
    name = shown["Outputs"][0]["OutputValue"]
    assert shown["Outputs"][0]["ExportName"] == f"{stack}-name"
    assert invoke(aws("lambda"), name) == ("from a stack", None)
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    assert [event["ResourceStatus"] for event in events if event["LogicalResourceId"] == "Fn"] == [
        "CREATE_COMPLETE",
        "CREATE_IN_PROGRESS",
    ]
    ids = {entry["LogicalResourceId"] for entry in cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]}
    assert ids == {"Role", "Fn"}
    assert json.loads(json.dumps(cloudformation.get_template(StackName=stack)["TemplateBody"])) == json.loads(TEMPLATE)

    change = {"Parameters": [{"ParameterKey": "Limit", "ParameterValue": "9"}], **CONSENT}
    cloudformation.update_stack(StackName=stack, UsePreviousTemplate=True, **change)
    wait(cloudformation, "update", stack)
    assert aws("lambda").get_function_configuration(FunctionName=name)["Timeout"] == 9
    code, text = error_of(cloudformation.update_stack, StackName=stack, UsePreviousTemplate=True, **change)
    assert (code, text) == ("ValidationError", "No updates are to be performed.")

    cloudformation.delete_stack(StackName=stack)
    wait(cloudformation, "delete", stack)
    assert error_of(cloudformation.describe_stacks, StackName=stack) == (
        "ValidationError",
        f"Stack with id {stack} does not exist",
    )


def test_a_change_set_tells_what_would_change_and_then_changes_it(cloudformation, stack):
    cloudformation.create_stack(StackName=stack, TemplateBody=TEMPLATE, **CONSENT)
    wait(cloudformation, "create", stack)
    parameters = [{"ParameterKey": "Limit", "ParameterValue": "8"}]
    made = cloudformation.create_change_set(
        StackName=stack, ChangeSetName="more", UsePreviousTemplate=True, Parameters=parameters, **CONSENT
    )
    described = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    changes = [(c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"]) for c in described["Changes"]]
    assert (described["Status"], changes) == ("CREATE_COMPLETE", [("Modify", "Fn")])
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    wait(cloudformation, "update", stack)
    cloudformation.create_change_set(
        StackName=stack, ChangeSetName="none", UsePreviousTemplate=True, Parameters=parameters, **CONSENT
    )
    described = cloudformation.describe_change_set(StackName=stack, ChangeSetName="none")
    assert described["Status"] == "FAILED" and "didn't contain changes" in described["StatusReason"]


def test_the_aws_command_line_deploys_and_finds_nothing_to_change(platform, stack, tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text("Resources:\n  Group: {Type: AWS::Logs::LogGroup}\n")
    words = ["aws", "cloudformation", "deploy", "--stack-name", stack, "--template-file", template]
    for expected in ["Successfully created/updated stack", "No changes to deploy"]:
        # It names change sets after the second.
        second = int(time.time())
        eventually(lambda: int(time.time()) > second)
        done = subprocess.run(words, env=platform.environ(), text=True, capture_output=True)
        assert expected in done.stdout + done.stderr


REFUSED = {
    "no consent": (dict(TemplateBody=TEMPLATE), "InsufficientCapabilitiesException", "CAPABILITY_IAM"),
    "no template": (dict(), "ValidationError", "Template Body must be specified"),
    "no bucket": (dict(TemplateURL="https://no-such-bucket-at-all.s3.amazonaws.com/t"), "ValidationError", "S3 error: The specified bucket does not exist"),
    "no address of S3's": (dict(TemplateURL="https://example.com/t"), "ValidationError", "TemplateURL must be a supported URL."),
    "two templates": (dict(TemplateURL="https://s3.amazonaws.com/b/t", TemplateBody="{}"), "ValidationError", "Both TemplateURL and TemplateBody"),
    "broken": (dict(TemplateBody="{"), "ValidationError", "not valid YAML or JSON"),
    "unsupported": (dict(TemplateBody="Resources: {Q: {Type: AWS::KinesisFirehose::DeliveryStream}}"), "ValidationError", "not supported yet"),
    "no rollback": (dict(TemplateBody=TEMPLATE, DisableRollback=True, **CONSENT), "ValidationError", "DisableRollback"),
    "a parameter": (
        dict(TemplateBody=TEMPLATE, Parameters=[{"ParameterKey": "X", "ParameterValue": "1"}], **CONSENT),
        "ValidationError",
        "'X', which the template does not declare",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_and_leaves_no_stack(cloudformation, stack, name):
    arguments, code, reason = REFUSED[name]
    found = error_of(cloudformation.create_stack, StackName=stack, **arguments)
    assert found[0] == code and reason in found[1], found
    assert error_of(cloudformation.describe_stacks, StackName=stack)[0] == "ValidationError"
