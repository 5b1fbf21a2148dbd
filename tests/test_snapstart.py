"""SnapStart: the life of a version that starts from a snapshot. Where the runtime takes no snapshots here, its version says Off and works all the same."""

import base64

import pytest
from conftest import ROLE, error_of, eventually, invoke, package, unique

ON = {"ApplyOn": "PublishedVersions"}
CODE = "import os\nprint('initialised')\nCOUNT = 0\ndef handler(event, context):\n    global COUNT\n    COUNT += 1\n    return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], context.function_version, COUNT]\n"


def settled(client, name, version="1"):
    """The version's configuration once it is no longer pending."""

    def shown():
        configuration = client.get_function_configuration(FunctionName=name, Qualifier=version)
        return configuration if configuration["State"] != "Pending" else None

    return eventually(shown, 30)


@pytest.fixture
def function(make_function):
    return make_function(CODE, runtime="python3.12", SnapStart=ON, Timeout=10)


def test_a_published_version_becomes_active(client, function):
    latest = client.get_function_configuration(FunctionName=function)
    assert latest["State"] == "Active"
    assert latest["SnapStart"] == {**ON, "OptimizationStatus": "Off"}
    published = client.publish_version(FunctionName=function)
    assert published["SnapStart"]["ApplyOn"] == "PublishedVersions"
    assert published["State"] == "Pending" and published["StateReasonCode"] == "Creating"
    client.get_waiter("published_version_active").wait(FunctionName=function, Qualifier="1", WaiterConfig={"Delay": 1})
    active = client.get_function(FunctionName=function, Qualifier="1")["Configuration"]
    assert active["SnapStart"]["OptimizationStatus"] in ("On", "Off")
    versions = client.list_versions_by_function(FunctionName=function)["Versions"]
    assert [version["SnapStart"]["ApplyOn"] for version in versions] == ["PublishedVersions"] * 2
    assert [version["State"] for version in versions] == ["Active"] * 2
    first, second = (invoke(client, function, Qualifier="1") for _ in range(2))
    assert first[1] is None and first[0][1:] == ["1", 1] and second[0][1:] == ["1", 2]
    assert invoke(client, function)[0] == ["on-demand", "$LATEST", 1]


def test_a_restored_instance_says_so(client, function):
    client.publish_version(FunctionName=function)
    if settled(client, function)["SnapStart"]["OptimizationStatus"] != "On":
        pytest.skip("this runtime takes no snapshots here")
    reply = client.invoke(FunctionName=function, Qualifier="1", LogType="Tail")
    assert b'"snap-start"' in reply["Payload"].read()
    report = base64.b64decode(reply["LogResult"]).decode()
    assert "Restore Duration: " in report and "Billed Restore Duration: " in report and "Init Duration" not in report


def test_a_version_that_cannot_be_initialised_has_failed(client, make_function):
    name = make_function("raise RuntimeError('no')\n", runtime="python3.12", SnapStart=ON)
    client.publish_version(FunctionName=name)
    shown = settled(client, name)
    if shown["State"] == "Active":
        pytest.skip("this runtime takes no snapshots here")
    assert shown["State"] == "Failed" and shown["StateReasonCode"].startswith("FunctionError") and shown["StateReason"]
    assert error_of(client.invoke, FunctionName=name, Qualifier="1")[0] == "ResourceConflictException"


def test_a_restart_keeps_the_version_callable(fresh):
    platform = fresh()
    client = platform.client("lambda")
    name = unique("fn")
    client.create_function(
        FunctionName=name, Runtime="python3.12", Handler="app.handler", Role=ROLE, SnapStart=ON, Code={"ZipFile": package({"app.py": CODE})}, Publish=True
    )
    before = settled(client, name)
    platform.stop()
    client = platform.start().client("lambda")
    after = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert after["State"] == "Active" and after["SnapStart"] == before["SnapStart"]
    assert invoke(client, name, Qualifier="1")[1] is None


def test_a_version_and_its_snapshot_go_together(client, function):
    client.publish_version(FunctionName=function)
    settled(client, function)
    client.delete_function(FunctionName=function, Qualifier="1")
    assert error_of(client.get_function, FunctionName=function, Qualifier="1")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "settings, text",
    [
        ({"Runtime": "nodejs22.x"}, "nodejs22.x is not supported for SnapStart enabled functions."),
        ({"Runtime": "python3.11"}, "python3.11 is not supported for SnapStart enabled functions."),
        ({"Runtime": "provided.al2023"}, "provided.al2023 is not supported for SnapStart enabled functions."),
        ({"EphemeralStorage": {"Size": 1024}}, "Ephemeral storage greater than 512 MB is not supported"),
    ],
)
def test_what_does_not_go_together_is_refused(client, settings, text):
    given = {"Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE, "SnapStart": ON, **settings}
    code, message = error_of(client.create_function, FunctionName=unique(), Code={"ZipFile": package({"app.py": CODE})}, **given)
    assert code == "InvalidParameterValueException" and text in message


def test_provisioned_concurrency_and_snapstart_exclude_each_other(client, function):
    client.publish_version(FunctionName=function)
    code, message = error_of(
        client.put_provisioned_concurrency_config, FunctionName=function, Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    assert code == "InvalidParameterValueException" and "SnapStart" in message


def test_a_word_that_is_none_is_refused(client, platform, function):
    path = f"/2015-03-31/functions/{function}/configuration"
    status, _, body = platform.http("PUT", path, b'{"SnapStart": {"ApplyOn": "Always"}}', {"Content-Type": "application/json"})
    assert status == 400 and b"snapStart.applyOn" in body


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src
      AutoPublishAlias: live
      SnapStart: {ApplyOn: PublishedVersions}
Outputs:
  Name: {Value: !Ref Fn}
"""


def test_a_sam_function_with_an_alias_has_it(application, client):
    app = application({"template.yaml": TEMPLATE, "src/app.py": CODE})
    app.deploy()
    name = app.outputs["Name"]
    live = client.get_function_configuration(FunctionName=name, Qualifier="live")
    assert live["State"] == "Active" and live["SnapStart"]["ApplyOn"] == "PublishedVersions"
    assert invoke(client, name, Qualifier="live")[0][1] == "1"
