"""Resource policies, function URLs' settings, asynchronous settings, and the small settings of functions."""

import datetime
import json
import re

import pytest
from conftest import ROLE, error_of, package, unique
from test_functions import arn_of, members, status

CODE = "def handler(event, context):\n    return 1\n"


@pytest.fixture
def function(client, make_function):
    """A function with version 1 and the alias `live` of it."""
    name = make_function(CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


STATEMENTS = {
    "service": (
        {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "123456789012"},
        {
            "Principal": {"Service": "s3.amazonaws.com"},
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
            },
        },
    ),
    "account": ({"Principal": "123456789012"}, {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
    "role": (
        {"Principal": "arn:aws:iam::123456789012:role/r"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/r"}},
    ),
    "everybody": ({"Principal": "*"}, {"Principal": "*"}),
    "organisation": (
        {"Principal": "*", "PrincipalOrgID": "o-abcdefghij"},
        {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}},
    ),
    "url": (
        {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        {
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        },
    ),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_statement_is_written_as_iam_writes_it(client, function, kind):
    given, expected = STATEMENTS[kind]
    call = {"FunctionName": function, "StatementId": kind, "Action": "lambda:InvokeFunction", **given}
    answer = client.add_permission(**call)
    assert status(answer) == 201
    whole = {"Sid": kind, "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn_of(function), **expected}
    assert json.loads(answer["Statement"]) == whole
    policy = client.get_policy(FunctionName=function)
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [whole]}
    assert policy["RevisionId"]


def test_policies_of_a_function_and_its_alias_are_separate(client, function):
    allow = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    client.add_permission(StatementId="one", **allow)
    aliased = client.add_permission(StatementId="one", Qualifier="live", **allow)
    assert json.loads(aliased["Statement"])["Resource"] == arn_of(function, "live")
    code, message = error_of(client.add_permission, StatementId="one", **allow)
    assert (code, message) == (
        "ResourceConflictException",
        "The statement id (one) provided already exists. Please provide a new statement id, or remove the existing statement.",
    )
    client.add_permission(StatementId="two", **allow)
    assert status(client.remove_permission(FunctionName=function, StatementId="one")) == 204
    left = json.loads(client.get_policy(FunctionName=function)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in left] == ["two"]
    assert len(json.loads(client.get_policy(FunctionName=function, Qualifier="live")["Policy"])["Statement"]) == 1
    assert error_of(client.remove_permission, FunctionName=function, StatementId="one") == (
        "ResourceNotFoundException",
        "Statement one is not found in resource policy.",
    )
    client.remove_permission(FunctionName=function, StatementId="two")
    assert error_of(client.get_policy, FunctionName=function) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


def test_a_policy_is_changed_only_at_the_expected_revision(client, function):
    allow = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    client.add_permission(StatementId="one", **allow)
    seen = client.get_policy(FunctionName=function)["RevisionId"]
    client.add_permission(StatementId="two", RevisionId=seen, **allow)
    assert error_of(client.add_permission, StatementId="three", RevisionId=seen, **allow)[0] == "PreconditionFailedException"
    stale = error_of(client.remove_permission, FunctionName=function, StatementId="one", RevisionId=seen)
    assert stale[0] == "PreconditionFailedException"


def test_a_policy_has_a_largest_size(client, function):
    allow = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    source = "arn:aws:events:us-east-1:000000000000:rule/" + "x" * 1000

    def fill():
        for number in range(100):
            client.add_permission(StatementId=f"s{number}", SourceArn=source, **allow)

    code, message = error_of(fill)
    assert code == "PolicyLengthExceededException" and "bigger than the limit (20480)" in message
    assert len(client.get_policy(FunctionName=function)["Policy"]) <= 20480


def test_a_function_url_is_made_changed_and_deleted(client, function, platform):
    made = client.create_function_url_config(FunctionName=function, AuthType="NONE", Cors={"AllowOrigins": ["*"], "MaxAge": 60})
    assert status(made) == 201
    assert re.fullmatch(rf"http://[a-z2-7]{{32}}\.lambda-url\.us-east-1\.localhost:{platform.port}/", made["FunctionUrl"])
    expected = {
        "FunctionUrl": made["FunctionUrl"],
        "FunctionArn": arn_of(function),
        "AuthType": "NONE",
        "Cors": {"AllowOrigins": ["*"], "MaxAge": 60},
        "CreationTime": made["CreationTime"],
        "InvokeMode": "BUFFERED",
    }
    assert members(made) == expected
    assert datetime.datetime.strptime(made["CreationTime"], "%Y-%m-%dT%H:%M:%S.%fZ")
    read = client.get_function_url_config(FunctionName=function)
    assert members(read) == {**expected, "LastModifiedTime": read["LastModifiedTime"]}
    again = error_of(client.create_function_url_config, FunctionName=function, AuthType="NONE")
    assert again[0] == "ResourceConflictException" and "FunctionUrlConfig exists for this Lambda function" in again[1]
    changed = client.update_function_url_config(FunctionName=function, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
    assert (changed["AuthType"], changed["InvokeMode"], changed["FunctionUrl"]) == (
        "AWS_IAM",
        "RESPONSE_STREAM",
        made["FunctionUrl"],
    )
    of_alias = client.create_function_url_config(FunctionName=function, Qualifier="live", AuthType="NONE")
    assert of_alias["FunctionArn"] == arn_of(function, "live") and of_alias["FunctionUrl"] != made["FunctionUrl"]
    listed = client.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
    assert {url["FunctionUrl"] for url in listed} == {made["FunctionUrl"], of_alias["FunctionUrl"]}
    assert status(client.delete_function_url_config(FunctionName=function)) == 204
    gone = ("ResourceNotFoundException", "The resource you requested does not exist.")
    assert error_of(client.get_function_url_config, FunctionName=function) == gone
    assert error_of(client.delete_function_url_config, FunctionName=function) == gone
    assert error_of(client.create_function_url_config, FunctionName=function, Qualifier="1", AuthType="NONE")[0] in (
        "InvalidParameterValueException",
        "ValidationException",
    )
    missing = error_of(client.create_function_url_config, FunctionName=unique("no"), AuthType="NONE")
    assert missing[0] == "ResourceNotFoundException"


def test_asynchronous_settings_are_put_changed_and_deleted(client, function):
    put = client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=1)
    assert status(put) == 200
    assert {key: put[key] for key in set(members(put)) - {"LastModified"}} == {
        "FunctionArn": arn_of(function, "$LATEST"),
        "MaximumRetryAttempts": 1,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }
    assert abs(put["LastModified"] - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(seconds=30)
    changed = client.update_function_event_invoke_config(FunctionName=function, MaximumEventAgeInSeconds=90)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (1, 90)
    replaced = client.put_function_event_invoke_config(FunctionName=function, MaximumEventAgeInSeconds=100)
    assert "MaximumRetryAttempts" not in replaced
    client.put_function_event_invoke_config(FunctionName=function, Qualifier="live", MaximumRetryAttempts=0)
    assert client.get_function_event_invoke_config(FunctionName=function, Qualifier="live")["MaximumRetryAttempts"] == 0
    listed = client.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"]
    assert {entry["FunctionArn"] for entry in listed} == {arn_of(function, "$LATEST"), arn_of(function, "live")}
    assert status(client.delete_function_event_invoke_config(FunctionName=function)) == 204
    gone = ("ResourceNotFoundException", f"The function {arn_of(function, '$LATEST')} doesn't have an EventInvokeConfig")
    assert error_of(client.get_function_event_invoke_config, FunctionName=function) == gone
    assert error_of(client.update_function_event_invoke_config, FunctionName=function, MaximumRetryAttempts=1) == gone


def test_recursion_and_runtime_management_are_read_and_set(client, function):
    assert client.get_function_recursion_config(FunctionName=function)["RecursiveLoop"] == "Terminate"
    client.put_function_recursion_config(FunctionName=function, RecursiveLoop="Allow")
    assert client.get_function_recursion_config(FunctionName=function)["RecursiveLoop"] == "Allow"
    management = client.get_runtime_management_config(FunctionName=function)
    assert management["UpdateRuntimeOn"] == "Auto" and management["FunctionArn"] == arn_of(function, "$LATEST")


def test_what_is_set_outlives_a_restart(fresh):
    platform = fresh()
    client = platform.client("lambda")
    client.create_function(
        FunctionName="kept", Runtime="python3.11", Handler="app.handler", Role=ROLE, Tags={"a": "b"}, Publish=True,
        Code={"ZipFile": package({"app.py": CODE})},
    )
    client.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
    client.put_function_concurrency(FunctionName="kept", ReservedConcurrentExecutions=3)
    client.add_permission(FunctionName="kept", StatementId="s", Action="lambda:InvokeFunction", Principal="*")
    client.create_function_url_config(FunctionName="kept", AuthType="NONE")
    client.put_function_event_invoke_config(FunctionName="kept", MaximumRetryAttempts=1)
    client.publish_layer_version(LayerName="layer", Content={"ZipFile": package({"a": "b"})})
    reads = {
        "get_function_configuration": {}, "list_versions_by_function": {}, "list_aliases": {}, "get_policy": {},
        "get_function_concurrency": {}, "get_function_url_config": {}, "get_function_event_invoke_config": {},
    }
    state = lambda client: {
        **{read: members(getattr(client, read)(FunctionName="kept")) for read in reads},
        "layers": client.list_layers()["Layers"],
        "tags": client.list_tags(Resource=arn_of("kept"))["Tags"],
    }
    before, address = state(client), platform.endpoint.removeprefix("http://")
    platform.kill()
    platform.start(listen=address)
    client = platform.client("lambda")
    assert state(client) == before
    assert json.loads(client.invoke(FunctionName="kept:live")["Payload"].read()) == 1
