"""WebAssembly components behind the APIs that every function has."""

import base64
import json
import urllib.parse

import pytest
from botocore.exceptions import ClientError
from conftest import ROLE, ROOT, eventually, package, unique
from web import send

GUEST = (ROOT / "crates/wasm/tests/guest.wasm").read_bytes()


@pytest.fixture
def wasm(aws, make_function):
    """Creates functions from the tests' component. Answers the name."""

    def make(component=GUEST, **settings):
        return make_function({"guest.wasm": component}, runtime="wasm", handler="guest.wasm", **settings)

    return make


@pytest.fixture
def url(aws):
    def make(name, **settings):
        made = aws("lambda").create_function_url_config(FunctionName=name, AuthType="NONE", **settings)
        return urllib.parse.urlsplit(made["FunctionUrl"]).hostname

    return make


def call(aws, name, event, **options):
    reply = aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **options)
    return reply["Payload"].read(), reply


def test_an_event_is_posted_and_its_answer_comes_back(aws, wasm):
    name = wasm()
    body, reply = call(aws, name, {"a": [1, 2]}, LogType="Tail")
    assert json.loads(body) == {"a": [1, 2]} and reply["ExecutedVersion"] == "$LATEST"
    tail = base64.b64decode(reply["LogResult"]).decode()
    assert "START RequestId" in tail and "END RequestId" in tail and "Max Memory Used: 2 MB" in tail, tail
    described, reply = call(aws, name, "request")
    lines = described.decode().lower().splitlines()
    assert lines[0].startswith("post / ") and "content-type: application/json" in lines
    assert f"lambda-runtime-aws-request-id: {reply['ResponseMetadata']['RequestId']}" in lines
    assert f"lambda-runtime-function-name: {name}" in lines


def test_errors_have_lambdas_form(aws, wasm):
    name = wasm(Timeout=1)
    body, reply = call(aws, name, "error")
    assert reply["FunctionError"] == "Unhandled" and json.loads(body) == {"errorType": "Orders.Closed", "errorMessage": "no orders today"}
    body, reply = call(aws, name, "teapot")
    assert json.loads(body) == {"errorType": "Http418", "errorMessage": "short and stout"}
    body, reply = call(aws, name, "trap", LogType="Tail")
    assert json.loads(body)["errorType"] == "Runtime.ExitError" and "unreachable" in json.loads(body)["errorMessage"]
    log = base64.b64decode(reply["LogResult"]).decode()
    assert "wasm backtrace" in log and "Caused by: wasm trap" in log and "fogbank" not in log
    body, reply = call(aws, name, "spin")
    assert json.loads(body)["errorType"] == "Sandbox.Timedout" and "1.00 seconds" in json.loads(body)["errorMessage"]
    body, reply = call(aws, name, "large")
    assert json.loads(body)["errorType"] == "Function.ResponseSizeTooLarge"
    assert call(aws, name, {"still": "there"})[0] == b'{"still": "there"}'


def test_nothing_survives_a_call(aws, wasm):
    one, other = wasm(), wasm()
    for name in (one, one, other):
        assert call(aws, name, "count")[0] == b"1"
        assert call(aws, name, "write")[0] == b'"10 MiB of /tmp, 10485760 bytes"'
        assert call(aws, name, "list")[0] == b'"1: /tmp: [], out: false"'


def test_a_url_hands_on_the_request_and_the_answer_as_they_are(platform, wasm, url):
    host = url(wasm())
    answer = send(platform, "PUT", "/request?b=%20&a", host=host, headers=[("X-Twice", "1"), ("X-Twice", "2"), ("Lambda-Runtime-Function-Name", "forged")], body=b"")
    lines = answer.body.decode().splitlines()
    assert answer.status == 200 and answer.headers["x-guest"] == "1" and answer.headers["x-amzn-requestid"]
    assert lines[0] == f"PUT /request?b=%20&a {host}:{platform.port}"
    assert "x-twice: 1" in lines and "x-twice: 2" in lines and "x-forwarded-for: 127.0.0.1" in lines
    assert not any("forged" in line for line in lines)
    every = bytes(range(256)) * 100
    assert send(platform, "POST", "/echo", host=host, body=every).body == every
    assert tuple(send(platform, "GET", "/status?418", host=host)) == (418, "as asked")
    assert send(platform, "GET", "/error", host=host).status == 500
    assert tuple(send(platform, "GET", "/trap", host=host)) == (502, "Internal Server Error")


def test_the_6_mb_limits(platform, wasm, url):
    host, six = url(wasm()), 6 * 1024 * 1024
    assert len(send(platform, "POST", "/echo", host=host, body=b"x" * six).body) == six
    assert send(platform, "POST", "/echo", host=host, body=b"x" * (six + 101)).status == 413
    assert len(send(platform, "GET", f"/large?{six}", host=host).body) == six
    assert send(platform, "GET", f"/large?{six + 101}", host=host).status == 502


def test_versions_and_aliases(platform, aws, wasm, url):
    client, name = aws("lambda"), wasm(Environment={"Variables": {"COLOUR": "red"}})
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"COLOUR": "blue"}})
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    host = url(name, Qualifier="live")
    seen = {line for _ in range(60) for line in send(platform, "GET", "/env", host=host).body.decode().splitlines() if line.startswith("COLOUR=")}
    assert seen == {"COLOUR=red", "COLOUR=blue"}
    _, reply = call(aws, name, {}, Qualifier="2")
    assert reply["ExecutedVersion"] == "2"
    described = call(aws, name, "request", Qualifier="2")[0].decode()
    assert "lambda-runtime-function-version: 2" in described and f":function:{name}:2" in described


def test_an_api_of_each_kind_calls_it(platform, application):
    template = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: wasm
      Handler: guest.wasm
      CodeUri: code
      Events:
        Http: {Type: HttpApi, Properties: {Path: "/{proxy+}", Method: any}}
        Rest: {Type: Api, Properties: {Path: "/{proxy+}", Method: any}}
Outputs:
  Http: {Value: !Ref ServerlessHttpApi}
  Rest: {Value: !Ref ServerlessRestApi}
"""
    app = application({"template.yaml": template})
    (app.directory / "code").mkdir()
    (app.directory / "code/guest.wasm").write_bytes(GUEST)
    app.deploy()
    outputs = app.outputs
    http, rest = (f"{outputs[kind]}.execute-api.localhost" for kind in ("Http", "Rest"))
    assert tuple(send(platform, "GET", "/hello", host=http)) == (200, "hello")
    assert tuple(send(platform, "GET", "/Prod/hello", host=rest)) == (404, "no such path"), "the path is the client's"
    described = send(platform, "GET", "/request?x=1", host=http).body.decode()
    assert described.startswith("GET /request?x=1 ")


def test_asynchronous_calls_and_the_log(aws, wasm):
    name = wasm()
    aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps("print"))

    def lines():
        try:
            events = aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except ClientError:
            return None
        messages = [event["message"].strip() for event in events]
        return messages if any(message.startswith("REPORT") for message in messages) else None

    messages = eventually(lines)
    assert [message.split()[0] for message in messages] == ["INIT_START", "START", "printed", "END", "REPORT"]


def test_it_acts_as_its_role_and_reaches_nothing_else(platform, wasm, url):
    host = url(wasm())
    action = "Action=GetCallerIdentity&Version=2011-06-15"
    answer = send(platform, "GET", f"/fetch?127.0.0.1:4566/?{action}", host=host).body.decode()
    assert answer.startswith("200 ") and "assumed-role/tests/" in answer, answer
    for address in (f"127.0.0.1:{platform.port}/", "example.com/", "[::1]:80/"):
        assert b"HttpRequestDenied" in send(platform, "GET", f"/fetch?{address}", host=host).body
    assert send(platform, "GET", "/socket", host=host).body.decode().count("access-denied") == 2


def test_memory_is_limited(platform, aws, wasm, url):
    name = wasm(MemorySize=128)
    host = url(name)
    assert tuple(send(platform, "GET", "/allocate?100", host=host)) == (200, "100")
    assert send(platform, "GET", "/allocate?200", host=host).status == 502

    def report():
        events = aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [event["message"] for event in events if "Runtime.OutOfMemory" in event["message"] and "REPORT" in event["message"]]

    assert "Max Memory Used: 128 MB" in eventually(report)[0]


@pytest.mark.parametrize(
    "files, handler, reason",
    [
        ({"guest.wasm": b"no wasm"}, "guest.wasm", "not a WebAssembly binary"),
        ({"guest.wasm": b"\0asm\x01\0\0\0"}, "guest.wasm", "a core module, not a component"),
        ({"guest.wasm": b"\0asm\x0d\0\x01\0"}, "guest.wasm", "does not export wasi:http/incoming-handler"),
        ({"guest.wasm": GUEST[:-100]}, "guest.wasm", "not valid"),
        ({"app.py": b""}, "app.handler", "no WebAssembly component"),
        ({"a.wasm": GUEST, "b.wasm": GUEST}, "app.handler", "several"),
        ({"a.wasm": GUEST}, "b.wasm", "no file b.wasm"),
    ],
)
def test_a_package_without_a_component_is_refused(aws, files, handler, reason):
    name = unique("fn")
    with pytest.raises(ClientError) as refused:
        aws("lambda").create_function(FunctionName=name, Runtime="wasm", Handler=handler, Role=ROLE, Code={"ZipFile": package(files)})
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException" and reason in error["Message"], error


def test_new_code_is_checked_before_it_replaces_the_old(aws, wasm):
    name = wasm()
    with pytest.raises(ClientError):
        aws("lambda").update_function_code(FunctionName=name, ZipFile=package({"guest.wasm": b"\0asm"}))
    with pytest.raises(ClientError):
        aws("lambda").update_function_configuration(FunctionName=name, Handler="other.wasm")
    assert call(aws, name, {"a": 1})[0] == b'{"a": 1}'


def test_a_restart_compiles_nothing_again(fresh):
    first = fresh()
    client = first.client("lambda")
    client.create_function(FunctionName="g", Runtime="wasm", Handler="guest.wasm", Role=ROLE, Code={"ZipFile": package({"guest.wasm": GUEST})})
    compiled = list((first.data_dir / "wasm/compiled").iterdir())
    assert len(compiled) == 1
    made = compiled[0].stat().st_mtime_ns
    first.stop()
    second = fresh()
    assert second.client("lambda").invoke(FunctionName="g", Payload=b"7")["Payload"].read() == b"7"
    assert compiled[0].stat().st_mtime_ns == made
    second.stop()
