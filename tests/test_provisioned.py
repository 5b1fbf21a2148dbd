"""Provisioned concurrency: instances that are there before calls, on versions and aliases, through restarts and changes."""

import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROLE, error_of, eventually, invoke, package, unique

SLOW = "import time, os\ntime.sleep(0.3)\ndef handler(event, context):\n    time.sleep(event.get('for', 0))\n    return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], context.log_stream_name]\n"


@pytest.fixture
def version(client, make_function):
    """A function whose version 1 takes a while to start."""
    name = make_function(SLOW, Timeout=10)
    client.publish_version(FunctionName=name)
    return name


def put(client, name, qualifier, count):
    return client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )


def reaches(client, name, qualifier, status="READY", timeout=20):
    def shown():
        config = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        return config if config["Status"] == status else None

    return eventually(shown, timeout)


def counts(config):
    return [config[f"{kind}ProvisionedConcurrentExecutions"] for kind in ("Requested", "Allocated", "Available")]


def test_calls_find_instances_that_are_there(client, version):
    answer = put(client, version, "1", 2)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["Status"] == "IN_PROGRESS" and counts(answer) == [2, 0, 0]
    assert counts(reaches(client, version, "1")) == [2, 2, 2]
    begun = time.monotonic()
    reply = client.invoke(FunctionName=version, Qualifier="1", LogType="Tail")
    took = time.monotonic() - begun
    assert b"provisioned-concurrency" in reply["Payload"].read()
    assert took < 0.3, "no initialisation was waited for"
    report = base64.b64decode(reply["LogResult"]).decode()
    assert "REPORT" in report and "Init Duration" not in report
    assert invoke(client, version)[0][0] == "on-demand", "$LATEST has none"


def test_what_goes_beyond_starts_on_demand(platform, version):
    client = platform.client("lambda", max_pool_connections=3)
    put(client, version, "1", 2)
    reaches(client, version, "1")
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(invoke, client, version, {"for": 1}, Qualifier="1") for _ in range(3)]
        kinds = sorted(call.result()[0][0] for call in calls)
    assert kinds == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]


def test_a_setting_is_listed_changed_and_taken_back(client, version):
    put(client, version, "1", 1)
    changed = put(client, version, "1", 3)
    assert changed["RequestedProvisionedConcurrentExecutions"] == 3
    reaches(client, version, "1")
    listed = client.list_provisioned_concurrency_configs(FunctionName=version)["ProvisionedConcurrencyConfigs"]
    assert [item["FunctionArn"].rsplit(":", 2)[1:] for item in listed] == [[version, "1"]]
    assert counts(listed[0]) == [3, 3, 3] and listed[0]["Status"] == "READY"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", listed[0]["LastModified"])
    deleted = client.delete_provisioned_concurrency_config(FunctionName=version, Qualifier="1")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    code, message = error_of(client.get_provisioned_concurrency_config, FunctionName=version, Qualifier="1")
    assert code == "ProvisionedConcurrencyConfigNotFoundException"
    assert message == "No Provisioned Concurrency Config found for this function"
    assert client.list_provisioned_concurrency_configs(FunctionName=version)["ProvisionedConcurrencyConfigs"] == []


def test_an_alias_takes_its_instances_along(client, version):
    client.update_function_code(FunctionName=version, ZipFile=package({"app.py": SLOW + "# changed\n"}), Publish=True)
    client.create_alias(FunctionName=version, Name="live", FunctionVersion="1")
    put(client, version, "live", 1)
    reaches(client, version, "live")
    before = invoke(client, version, Qualifier="live")[0]
    client.update_alias(FunctionName=version, Name="live", FunctionVersion="2")
    reaches(client, version, "live")
    after = invoke(client, version, Qualifier="live")[0]
    assert before[0] == after[0] == "provisioned-concurrency"
    assert "[1]" in before[1] and "[2]" in after[1]


def test_a_version_that_cannot_start_has_failed(client, make_function):
    name = make_function("raise RuntimeError('no')\n")
    client.publish_version(FunctionName=name)
    put(client, name, "1", 1)
    assert reaches(client, name, "1", "FAILED")["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"


def test_a_restart_brings_them_back(fresh):
    platform = fresh()
    client = platform.client("lambda")
    name = unique("fn")
    client.create_function(
        FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": package({"app.py": SLOW})}, Publish=True
    )
    put(client, name, "1", 2)
    reaches(client, name, "1")
    platform.stop()
    client = platform.start().client("lambda")
    assert counts(reaches(client, name, "1")) == [2, 2, 2]
    assert invoke(client, name, Qualifier="1")[0][0] == "provisioned-concurrency"


@pytest.mark.parametrize(
    "qualifier, count, code, text",
    [
        ("$LATEST", 1, "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."),
        ("9", 1, "ResourceNotFoundException", "Function not found"),
        ("nobody", 1, "ResourceNotFoundException", "Cannot find alias arn"),
        ("1", 901, "InvalidParameterValueException", "minimum value of [100]"),
        ("1", 5000, "InvalidParameterValueException", "greater than account's unreserved concurrency"),
        ("1", 2_000_000_000, "InvalidParameterValueException", "greater than account's unreserved concurrency"),
    ],
)
def test_what_cannot_be_is_refused(client, version, qualifier, count, code, text):
    refused = error_of(put, client, version, qualifier, count)
    assert refused[0] == code and text in refused[1]


def test_input_that_is_none_is_refused(platform, version):
    path = f"/2019-09-30/functions/{version}/provisioned-concurrency"
    for body in [b"", b"{}", b'{"ProvisionedConcurrentExecutions": 0}', b'{"ProvisionedConcurrentExecutions": -1}', b'{"ProvisionedConcurrentExecutions": "many"}', b'{"ProvisionedConcurrentExecutions": 1e99}', b"["]:
        status, _, answer = platform.http("PUT", f"{path}?Qualifier=1", body, {"Content-Type": "application/json"})
        assert status == 400, (body, status, answer)


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      AutoPublishAlias: live
      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: COUNT}
Outputs:
  Name: {Value: !Ref Fn}
"""


def test_a_sam_function_has_it_on_its_alias(application, client):
    app = application({"template.yaml": TEMPLATE.replace("COUNT", "2"), "src/app.py": SLOW})
    app.deploy()
    name = app.outputs["Name"]
    assert counts(client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")) == [2, 2, 2]
    app.write({"template.yaml": TEMPLATE.replace("COUNT", "1"), "src/app.py": SLOW + "# changed\n"})
    app.deploy()
    assert counts(client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")) == [1, 1, 1]
    assert invoke(client, name, Qualifier="live")[0][0] == "provisioned-concurrency"
    app.write({"template.yaml": TEMPLATE.replace("      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: COUNT}\n", "")})
    app.deploy()
    assert client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []


PLAIN = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}}
  Fn:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code: {ZipFile: "CODE"}
  Version:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref Fn, ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: COUNT}}
Outputs:
  Name: {Value: !Ref Fn}
"""


def plain(code, count=1):
    return PLAIN.replace("CODE", code).replace("COUNT", str(count))


def test_a_plain_version_has_it_and_a_changed_count_publishes_no_other(application, client):
    fine = "def handler(event, context): return context.function_version"
    app = application({"template.yaml": plain(fine)})
    app.deploy()
    name = app.outputs["Name"]
    app.write({"template.yaml": plain(fine, 2)})
    app.deploy()
    assert counts(client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")) == [2, 2, 2]
    assert len(client.list_versions_by_function(FunctionName=name)["Versions"]) == 2


def test_a_deployment_fails_when_the_instances_cannot_start(application):
    app = application({"template.yaml": plain("raise RuntimeError('no')")})
    done = app.deploy(check=False)
    assert done.returncode != 0
    assert "Provisioned Concurrency configuration failed to be applied. Reason: FUNCTION_ERROR_INIT_FAILURE" in done.stdout + done.stderr
