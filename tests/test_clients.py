"""Unmodified clients: both AWS command lines, awslocal, and the SDKs inside functions."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ACCOUNT, REGION, ROLE, eventually, invoke, package, unique

BIN = Path(sys.executable).parent
# Debian's awscli is version 2, and the one in the virtual environment version 1.
AWS_V2 = Path("/usr/bin/aws")
CODE = "def handler(event, context):\n    print('asked for', event.get('what'))\n    return {'got': event}\n"


def run(platform, *words, environment=None, check=True, **options):
    """Runs a client and answers what it printed, as JSON where it is some."""
    environment = {**platform.environ(), "PATH": f"{BIN}:{os.environ['PATH']}", **(environment or {})}
    done = subprocess.run(
        [str(word) for word in words], env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, **options
    )
    if not check:
        return done
    assert done.returncode == 0, done.stderr
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


@pytest.fixture(params=["aws", "awslocal"])
def command(request, platform):
    """The command line of version 1, called directly or through LocalStack's wrapper."""
    program = BIN / request.param
    if request.param == "aws":
        return lambda *words, **options: run(platform, program, *words, **options)
    # The wrapper finds the platform by its own variable.
    own = {"LOCALSTACK_HOST": f"127.0.0.1:{platform.port}", "DISABLE_DEPRECATION_NOTICE": "1", "AWS_ENDPOINT_URL": ""}
    return lambda *words, **options: run(platform, program, *words, environment=own, **options)


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "function.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("app.py", CODE)
    return path


def test_a_function_lives_its_life_on_the_command_line(command, archive, tmp_path):
    name, out = unique("cli"), tmp_path / "out.json"
    made = command(
        "lambda", "create-function", "--function-name", name, "--runtime", "python3.11", "--handler", "app.handler",
        "--role", ROLE, "--zip-file", f"fileb://{archive}", "--tags", "team=shop",
    )  # fmt: skip
    assert made["FunctionArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    command("lambda", "wait", "function-active-v2", "--function-name", name)
    call = ("lambda", "invoke", "--function-name", name, "--payload", '{"what": "ü"}', "--log-type", "Tail", out)
    assert command(*call)["StatusCode"] == 200
    assert json.loads(out.read_text()) == {"got": {"what": "ü"}}
    command("lambda", "update-function-configuration", "--function-name", name, "--timeout", "9", "--environment", "Variables={KEY=value}")
    command("lambda", "update-function-code", "--function-name", name, "--zip-file", f"fileb://{archive}", "--publish")
    command("lambda", "wait", "function-updated-v2", "--function-name", name)
    alias = command("lambda", "create-alias", "--function-name", name, "--name", "live", "--function-version", "1")
    assert alias["AliasArn"].endswith(":live")
    shown = command("lambda", "get-function", "--function-name", f"{name}:live")
    assert shown["Configuration"]["Timeout"] == 9 and shown["Tags"] == {"team": "shop"}
    listed = command("lambda", "list-functions", "--query", "Functions[].FunctionName")
    assert name in listed
    command("lambda", "delete-function", "--function-name", name)
    gone = command("lambda", "get-function", "--function-name", name, check=False)
    assert gone.returncode != 0 and "ResourceNotFoundException" in gone.stderr and "Function not found" in gone.stderr


def test_who_one_is_and_roles_on_the_command_line(command):
    assert command("sts", "get-caller-identity") == {
        "UserId": ACCOUNT,
        "Account": ACCOUNT,
        "Arn": f"arn:aws:iam::{ACCOUNT}:root",
    }
    name = unique("role")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    made = command("iam", "create-role", "--role-name", name, "--assume-role-policy-document", json.dumps(trust))["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/{name}" and made["AssumeRolePolicyDocument"] == trust
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    command("iam", "attach-role-policy", "--role-name", name, "--policy-arn", managed)
    attached = command("iam", "list-attached-role-policies", "--role-name", name)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": managed}]
    assumed = command("sts", "assume-role", "--role-arn", made["Arn"], "--role-session-name", "me")
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me"
    keys = assumed["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")
    refused = command("iam", "delete-role", "--role-name", name, check=False)
    assert refused.returncode != 0 and "DeleteConflict" in refused.stderr
    command("iam", "detach-role-policy", "--role-name", name, "--policy-arn", managed)
    command("iam", "delete-role", "--role-name", name)


def test_an_assumed_role_acts_as_itself(platform, aws):
    name = unique("role")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
    arn = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    keys = aws("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    environment = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    who = run(platform, BIN / "aws", "sts", "get-caller-identity", environment=environment)
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me"
    aws("iam").delete_role(RoleName=name)


def test_logs_on_the_command_line(command, client, make_function):
    name = make_function(CODE)
    invoke(client, name, {"what": "logs"})
    group = f"/aws/lambda/{name}"

    def messages():
        found = command("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "asked", check=False)
        return found.returncode == 0 and json.loads(found.stdout)["events"]

    assert [event["message"].strip() for event in eventually(messages)] == ["asked for logs"]
    groups = command("logs", "describe-log-groups", "--log-group-name-prefix", group)["logGroups"]
    assert [entry["logGroupName"] for entry in groups] == [group]
    streams = command("logs", "describe-log-streams", "--log-group-name", group)["logStreams"]
    assert len(streams) == 1
    events = command("logs", "get-log-events", "--log-group-name", group, "--log-stream-name", streams[0]["logStreamName"])
    assert any(event["message"].startswith("START RequestId") for event in events["events"])


def test_version_2_tails_a_log_while_it_grows(platform, client, make_function, tmp_path):
    assert AWS_V2.exists(), "Debian's package awscli"
    name = make_function(CODE)
    invoke(client, name, {"what": "the past"})
    out = tmp_path / "tail.txt"
    words = [AWS_V2, "--endpoint-url", platform.endpoint, "logs", "tail", f"/aws/lambda/{name}", "--follow", "--format", "short"]
    eventually(lambda: platform.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"])
    with open(out, "w") as file:
        following = subprocess.Popen(words, env=platform.environ(), stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: "asked for the past" in out.read_text(), timeout=30)
        invoke(client, name, {"what": "the present"})
        eventually(lambda: "asked for the present" in out.read_text(), timeout=30)
        assert out.read_text().count("asked for the past") == 1, "every event once"
    finally:
        following.kill()
        following.wait()


def test_version_2_manages_and_calls_functions(platform, archive, tmp_path):
    name, out = unique("v2"), tmp_path / "out.json"
    aws2 = lambda *words: run(platform, AWS_V2, "--endpoint-url", platform.endpoint, *words)
    aws2(
        "lambda", "create-function", "--function-name", name, "--runtime", "python3.11", "--handler", "app.handler",
        "--role", ROLE, "--zip-file", f"fileb://{archive}",
    )  # fmt: skip
    aws2("lambda", "invoke", "--function-name", name, "--cli-binary-format", "raw-in-base64-out", "--payload", '{"a": 1}', out)
    assert json.loads(out.read_text()) == {"got": {"a": 1}}
    aws2("lambda", "delete-function", "--function-name", name)


@pytest.fixture
def role(aws):
    """A role that a function can run as."""
    name = unique("role")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
    yield aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    aws("iam").delete_role(RoleName=name)


@pytest.fixture
def make_with_role(client, role):
    made = []

    def make(code, runtime):
        name = unique("sdk")
        file = "app.py" if runtime.startswith("python") else "app.mjs"
        client.create_function(
            FunctionName=name, Runtime=runtime, Handler="app.handler", Role=role, Timeout=30, MemorySize=512,
            Code={"ZipFile": package({file: code})},
        )  # fmt: skip
        made.append(name)
        return name

    yield make
    for name in made:
        client.delete_function(FunctionName=name)


PYTHON_SDK = """
import boto3, json
def handler(event, context):
    reply = boto3.client("lambda").invoke(FunctionName=event["callee"], Payload=json.dumps({"from": "python"}))
    return {
        "answer": json.loads(reply["Payload"].read()),
        "who": boto3.client("sts").get_caller_identity()["Arn"],
        "file": boto3.__file__,
    }
"""

NODE_SDK = """
import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
export const handler = async (event) => {
    const call = new InvokeCommand({ FunctionName: event.callee, Payload: JSON.stringify({ from: 'node' }) });
    const reply = await new LambdaClient({}).send(call);
    const who = await new STSClient({}).send(new GetCallerIdentityCommand({}));
    return { answer: JSON.parse(Buffer.from(reply.Payload).toString()), who: who.Arn };
};
"""


@pytest.mark.parametrize("runtime,code", [("python3.11", PYTHON_SDK), ("nodejs20.x", NODE_SDK)])
def test_a_function_calls_another_by_name_as_its_own_role(client, make_function, make_with_role, role, runtime, code):
    callee = make_function(CODE)
    caller = make_with_role(code, runtime)
    answer, error = invoke(client, caller, {"callee": callee})
    assert error is None, answer
    assert answer["answer"] == {"got": {"from": "python" if runtime.startswith("python") else "node"}}
    assert answer["who"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[1]}/{caller}"
    if runtime.startswith("python"):
        assert answer["file"].startswith("/var/lang/sdk"), "boto3 is there without being packaged"


def test_a_function_is_who_its_door_says_whatever_it_claims(client, make_with_role, role):
    code = """
import boto3
def handler(event, context):
    return boto3.client("sts", aws_access_key_id="999999999999", aws_secret_access_key="x", aws_session_token=None).get_caller_identity()["Arn"]
"""
    name = make_with_role(code, "python3.11")
    assert invoke(client, name) == (f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[1]}/{name}", None)


def test_the_endpoint_variable_alone_is_enough(platform):
    answer = subprocess.run(
        [sys.executable, "-c", "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"],
        env=platform.environ(account="123123123123"), text=True, capture_output=True,
    )  # fmt: skip
    assert answer.stdout.strip() == "123123123123", answer.stderr
