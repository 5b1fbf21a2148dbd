"""Requests that are wrong: names, limits, bodies in each protocol, heads. Each is refused clearly, and nothing has changed."""

import json
import socket
import time

import pytest
from conftest import ACCOUNT, REGION, ROLE, package, unique
from test_bad_packages import house, unchanged  # noqa: F401  (fixtures)

GOOD = package({"app.py": "def handler(event, context):\n    return 'kept'\n"})
INVALID, VALIDATION = "InvalidParameterValueException", "ValidationException"
WRONG = (INVALID, VALIDATION)
CREATE = {"FunctionName": "new", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": GOOD}}


def create(**changes):
    return "create_function", {**CREATE, **changes}


def configure(**changes):
    return "update_function_configuration", {"FunctionName": "kept", **changes}


def variables(**values):
    return {"Variables": values}


# What is called with what, the codes that are right, and a piece of the message.
CALLS = {
    "name: empty part": (create(FunctionName=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"), WRONG, ""),
    "name: space": (create(FunctionName="a b"), WRONG, "functionName"),
    "name: slash": (create(FunctionName="a/b"), WRONG, "functionName"),
    "name: path": (create(FunctionName="../../etc/passwd"), WRONG, "functionName"),
    "name: not ASCII": (create(FunctionName="fünf"), WRONG, "functionName"),
    "name: 65 characters": (create(FunctionName="x" * 65), WRONG, "64"),
    "name: 200 characters": (create(FunctionName="x" * 200), WRONG, ""),
    "name: with a version": (create(FunctionName="new:1"), WRONG, ""),
    "ARN: of another service": (create(FunctionName=f"arn:aws:s3:{REGION}:{ACCOUNT}:function:new"), WRONG, ""),
    "ARN: short account": (create(FunctionName="arn:aws:lambda:us-east-1:12:function:new"), WRONG, ""),
    "read: no such version": (("get_function", {"FunctionName": "kept", "Qualifier": "77"}), ("ResourceNotFoundException",), ":kept:77"),
    "read: bad qualifier": (("get_function", {"FunctionName": "kept", "Qualifier": "a b"}), WRONG, "qualifier"),
    "read: huge version": (("get_function", {"FunctionName": "kept", "Qualifier": "9" * 40}), WRONG, ""),
    "call: of another account": (("invoke", {"FunctionName": f"{'9' * 12}:function:kept"}), ("ResourceNotFoundException", "AccessDeniedException"), ""),
    "handler: space": (create(Handler="app handler"), WRONG, "handler"),
    "handler: too long": (create(Handler="x" * 129), WRONG, "handler"),
    "handler: none": (("create_function", {k: v for k, v in CREATE.items() if k != "Handler"}), WRONG, "andler"),
    "runtime: unknown": (create(Runtime="cobol1.x"), WRONG, "at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["),
    "runtime: another language": (create(Runtime="java21"), WRONG, "java21"),
    "runtime: none": (("create_function", {k: v for k, v in CREATE.items() if k != "Runtime"}), WRONG, "untime"),
    "runtime: changed to an unknown one": (configure(Runtime="python9.9"), WRONG, "python9.9"),
    "role: no ARN": (create(Role="admin"), WRONG, "role"),
    "role: a user": (create(Role=f"arn:aws:iam::{ACCOUNT}:user/me"), WRONG, "role"),
    "role: no account": (create(Role="arn:aws:iam::role/me"), WRONG, "role"),
    "memory: 127": (create(MemorySize=127), WRONG, "greater than or equal to 128"),
    "memory: 10241": (create(MemorySize=10241), WRONG, "less than or equal to 10240"),
    "memory: negative": (configure(MemorySize=-1), WRONG, "128"),
    "memory: 2 ** 31 - 1": (configure(MemorySize=2**31 - 1), WRONG, "memorySize"),
    "timeout: 0": (create(Timeout=0), WRONG, "greater than or equal to 1"),
    "timeout: 901": (create(Timeout=901), WRONG, "less than or equal to 900"),
    "timeout: negative": (configure(Timeout=-5), WRONG, ""),
    "tmp: 511": (create(EphemeralStorage={"Size": 511}), WRONG, "512"),
    "tmp: 10241": (create(EphemeralStorage={"Size": 10241}), WRONG, "10240"),
    "environment: over 4 KB": (create(Environment=variables(BIG="x" * 4090)), WRONG, "4KB"),
    "environment: reserved": (create(Environment=variables(AWS_REGION="mars")), WRONG, "AWS_REGION"),
    "environment: a secret in the error": (create(Environment=variables(**{"1BAD": "hunter2"})), WRONG, ""),
    "description: 257 characters": (create(Description="x" * 257), WRONG, "256"),
    "layers: unknown": (create(Layers=[f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:none:1"]), WRONG, "layer"),
    "layers: no ARN": (create(Layers=["layer"]), WRONG, "ayer"),
    "tags: 51": (create(Tags={f"k{n}": "v" for n in range(51)}), WRONG, "50"),
    "tags: reserved prefix": (create(Tags={"aws:mine": "v"}), WRONG, "aws:"),
    "tags: on a version": (("tag_resource", {"Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:kept:1", "Tags": {"a": "b"}}), WRONG, ""),
    "tags: on nothing": (("tag_resource", {"Resource": "kept", "Tags": {"a": "b"}}), (*WRONG, "ResourceNotFoundException"), ""),
    "architecture: another": (create(Architectures=["sparc"]), WRONG, ""),
    "architecture: two": (create(Architectures=["x86_64", "arm64"]), WRONG, ""),
    "package type: unknown": (create(PackageType="Tar"), WRONG, "packageType"),
    "code: none": (create(Code={}), WRONG, ""),
    "code: from S3": (create(Code={"S3Bucket": "bucket", "S3Key": "key"}), WRONG, "S3"),
    "tracing: unknown": (create(TracingConfig={"Mode": "Sometimes"}), WRONG, "PassThrough"),
    "log group: with a star": (create(LoggingConfig={"LogGroup": "a*b"}), WRONG, "logGroup"),
    "alias: weight over 1": (("create_alias", {"FunctionName": "kept", "Name": "a", "FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"1": 2.0}}}), WRONG, ""),
    "alias: bad name": (("create_alias", {"FunctionName": "kept", "Name": "a b", "FunctionVersion": "1"}), WRONG, "name"),
    "concurrency: negative": (("put_function_concurrency", {"FunctionName": "kept", "ReservedConcurrentExecutions": -1}), WRONG, ""),
    "concurrency: too much": (("put_function_concurrency", {"FunctionName": "kept", "ReservedConcurrentExecutions": 5000}), WRONG, "100"),
    "retries: 3": (("put_function_event_invoke_config", {"FunctionName": "kept", "MaximumRetryAttempts": 3}), WRONG, "2"),
    "no setting": (("put_function_event_invoke_config", {"FunctionName": "kept"}), WRONG, "You must specify at least one of error handling or destination setting."),
    "age: 59": (("put_function_event_invoke_config", {"FunctionName": "kept", "MaximumEventAgeInSeconds": 59}), WRONG, "60"),
    "permission: bad action": (("add_permission", {"FunctionName": "kept", "StatementId": "s", "Action": "s3:Get", "Principal": "*"}), WRONG, "action"),
    "permission: bad id": (("add_permission", {"FunctionName": "kept", "StatementId": "a b", "Action": "lambda:InvokeFunction", "Principal": "*"}), WRONG, "statementId"),
    "url: unknown auth": (("create_function_url_config", {"FunctionName": "kept", "AuthType": "MAYBE"}), WRONG, "authType"),
    "list: no number": (("list_functions", {"MaxItems": 0}), WRONG, "1"),
    "list: made-up marker": (("list_functions", {"Marker": "zz"}), WRONG, "arker"),
    "layer: bad name": (("publish_layer_version", {"LayerName": "a b", "Content": {"ZipFile": GOOD}}), WRONG, "layerName"),
    "layer: version 0": (("get_layer_version", {"LayerName": "kept", "VersionNumber": 0}), (*WRONG, "ResourceNotFoundException"), ""),
    "invoke: unknown kind": (("invoke", {"FunctionName": "kept", "InvocationType": "Perhaps"}), WRONG, "invocationType"),
    "invoke: broken event": (("invoke", {"FunctionName": "kept", "Payload": b"{"}), ("InvalidRequestContentException",), "Could not parse"),
    "invoke: event that is not UTF-8": (("invoke", {"FunctionName": "kept", "Payload": b'"\xff\xfe"'}), ("InvalidRequestContentException",), ""),
}


@pytest.fixture(scope="module")
def loose(house, platform):  # noqa: F811
    """A client of the same account that sends what it is given."""
    account = house._request_signer._credentials.access_key
    return platform.client("lambda", account=account, parameter_validation=False)


def owned_by(account, value):
    """`value` with the caller's own account in its ARNs: what another account owns has an answer of its own."""
    if isinstance(value, dict):
        return {key: owned_by(account, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [owned_by(account, inner) for inner in value]
    return value.replace(f":{ACCOUNT}:", f":{account}:") if isinstance(value, str) else value


@pytest.mark.parametrize("kind", CALLS)
def test_a_wrong_call_is_refused_and_changes_nothing(unchanged, loose, kind):  # noqa: F811
    (operation, arguments), codes, piece = CALLS[kind]
    account = loose._request_signer._credentials.access_key
    with pytest.raises(loose.exceptions.ClientError) as caught:
        getattr(loose, operation)(**owned_by(account, arguments))
    error = caught.value.response
    assert error["Error"]["Code"] in codes, error
    assert piece in error["Error"]["Message"], error
    assert 400 <= error["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert "hunter2" not in str(error)


def signed(service):
    credential = f"AKIDEXAMPLE/20260101/{REGION}/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


LOGS = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
PATH = "/2015-03-31/functions"


def logs(operation, **headers):
    return {**LOGS, "x-amz-target": f"Logs_20140328.{operation}", **headers}


# Method, path, headers, body, status, and a piece of the answer.
BODIES = {
    "rest-json: no JSON": ("POST", PATH, signed("lambda"), b"{", 400, b"SerializationException"),
    "rest-json: a list": ("POST", PATH, signed("lambda"), b"[]", 400, b"SerializationException"),
    "rest-json: a number for a text": ("POST", PATH, signed("lambda"), b'{"FunctionName": 5}', 400, b"SerializationException"),
    "rest-json: a text for a number": ("POST", PATH, signed("lambda"), b'{"FunctionName": "a", "MemorySize": "big"}', 400, b"SerializationException"),
    "rest-json: no base64": ("POST", PATH, signed("lambda"), b'{"Code": {"ZipFile": "***"}}', 400, b"SerializationException"),
    "rest-json: too deep": ("POST", PATH, signed("lambda"), b'{"Environment": ' + DEEP + b"}", 400, b"Exception"),
    "rest-json: nothing": ("POST", PATH, signed("lambda"), b"", 400, b"Exception"),
    "rest-json: not UTF-8": ("POST", PATH, signed("lambda"), b'{"FunctionName": "\xff"}', 400, b"SerializationException"),
    "rest-json: a bad number in the query": ("GET", PATH + "/?MaxItems=many", signed("lambda"), b"", 400, b"SerializationException"),
    "rest-json: no such path": ("GET", "/2015-03-31/nothing", signed("lambda"), b"", 404, b"UnknownOperationException"),
    "rest-json: no such method": ("PATCH", PATH, signed("lambda"), b"", 404, b"UnknownOperationException"),
    "rest-json: not implemented": ("GET", "/2020-04-22/code-signing-configs", signed("lambda"), b"", 501, b"ListCodeSigningConfigs"),
    "json: no JSON": ("POST", "/", logs("CreateLogGroup"), b"{", 400, b"SerializationException"),
    "json: a list": ("POST", "/", logs("CreateLogGroup"), b"[1]", 400, b"SerializationException"),
    "json: wrong type": ("POST", "/", logs("CreateLogGroup"), b'{"logGroupName": {}}', 400, b"SerializationException"),
    "json: required missing": ("POST", "/", logs("CreateLogGroup"), b"{}", 400, b"logGroupName"),
    "json: bad name": ("POST", "/", logs("CreateLogGroup"), b'{"logGroupName": "a*b"}', 400, b"InvalidParameterException"),
    "json: too deep": ("POST", "/", logs("CreateLogGroup"), b'{"tags": ' + DEEP + b"}", 400, b"SerializationException"),
    "json: two documents": ("POST", "/", logs("CreateLogGroup"), b"{}{}", 400, b"SerializationException"),
    "json: unknown operation": ("POST", "/", logs("Nothing"), b"{}", 400, b"UnknownOperationException"),
    "json: not implemented": ("POST", "/", logs("StartQuery"), b"{}", 501, b"StartQuery"),
    "json: unknown service": ("POST", "/", {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Nobody_1.Do"}, b"{}", 404, b"message"),
    "json: unknown service, signed": ("POST", "/", {**signed("logs"), "x-amz-target": "Nobody_1.Do"}, b"{}", 400, b"UnknownOperationException"),
    "json: target without a service": ("POST", "/", {**signed("dynamodb"), "x-amz-target": "ListTables"}, b"{}", 400, b"com.amazon.coral.service#UnknownOperationException"),
    "json: no target": ("POST", "/", signed("dynamodb"), b"{}", 400, b"com.amazon.coral.service#UnknownOperationException"),
    "json: known service, nothing works": ("POST", "/", {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AWSStepFunctions.ListStateMachines"}, b"{}", 501, b"ListStateMachines"),
    "query: unknown action": ("POST", "/", {**FORM, **signed("sts")}, b"Action=Nothing&Version=2011-06-15", 400, b"<Code>InvalidAction</Code>"),
    "query: not implemented": ("POST", "/", {**FORM, **signed("iam")}, b"Action=CreateGroup&Version=2010-05-08&GroupName=g", 501, b"CreateGroup"),
    "query: required missing": ("POST", "/", {**FORM, **signed("iam")}, b"Action=CreateRole&Version=2010-05-08", 400, b"<Code>ValidationError</Code>"),
    "query: no number": ("POST", "/", {**FORM, **signed("sts")}, b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=s&DurationSeconds=long", 400, b"<Code>"),
    "query: broken policy": ("POST", "/", {**FORM, **signed("iam")}, b"Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7Bno", 400, b"<Code>MalformedPolicyDocument</Code>"),
    "query: no such role": ("POST", "/", {**FORM, **signed("iam")}, b"Action=GetRole&Version=2010-05-08&RoleName=nosuchrole", 404, b"<Code>NoSuchEntity</Code>"),
    "query: broken escapes": ("POST", "/", {**FORM, **signed("iam")}, b"Action=GetRole&Version=2010-05-08&RoleName=%zz%", 400, b"<Code>"),
    "cbor: no CBOR": ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}, b"\xff\xff", 501, b"PutMetricData"),
    "cbor: unknown operation": ("POST", "/service/GraniteServiceVersion20100801/operation/Nothing", {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}, b"\xa0", 400, b"UnknownOperation"),
    "rest-xml: not implemented": ("GET", "/bucket/key?torrent", signed("s3"), b"", 501, b"<Code>NotImplemented</Code><Message>GetObjectTorrent"),
    "no AWS request": ("GET", "/favicon.ico", {}, b"", 404, b"message"),
    "a path upwards": ("GET", "/_fogbank/code/../../../etc/passwd", {}, b"", 403, b""),
    "an escaped path upwards": ("GET", "/_fogbank/code/%2e%2e%2f%2e%2e%2fetc%2fpasswd?token=x", {}, b"", 403, b""),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_malformed_request_is_refused_in_its_protocol(platform, unchanged, kind):  # noqa: F811
    method, path, headers, body, status, piece = BODIES[kind]
    given, answered, content = platform.http(method, path, body or None, headers)
    assert given == status, content
    # REST-JSON has the error's code in a header.
    whole = content + str(answered.get("x-amzn-errortype")).encode()
    assert piece in whole, whole
    if "json:" in kind and piece:
        assert json.loads(content).get("message") or json.loads(content).get("Message"), content
    if kind.startswith("query"):
        assert b"<ErrorResponse" in content and b"<RequestId>" in content
    assert "panicked" not in platform.log.read_text()


def raw(platform, content, expect=True):
    """Sends bytes as they are; answers the first line of what comes back."""
    with socket.create_connection(("127.0.0.1", platform.port), timeout=20) as stream:
        try:
            stream.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return stream.recv(65536).split(b"\r\n")[0]
        except ConnectionResetError:
            return b""


HEADS = {
    "nonsense": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b" 400 "),
    "a giant header": (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * 1_000_000 + b"\r\n\r\n", b" 431 "),
    "a thousand headers": (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(1000)) + b"\r\n", b" 431 "),
    "a giant address": (b"GET /" + b"x" * 500_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b" 4"),
    "two lengths": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", b" 400 "),
    "a negative length": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", b" 400 "),
    "a broken chunk": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b" 400 "),
    "a length of an exabyte": (
        b"POST /2015-03-31/functions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1000000000000000000\r\n\r\n",
        b" 413 ",
    ),
    "zero bytes in a header": (b"GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n", b" 400 "),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_hostile_head_is_refused(platform, unchanged, kind):  # noqa: F811
    content, status = HEADS[kind]
    assert status in raw(platform, content)


def test_a_body_without_end_is_cut_off(platform, unchanged):  # noqa: F811
    head = b"POST /2015-03-31/functions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", platform.port), timeout=20) as stream:
        stream.sendall(head)
        sent = 0
        try:
            while sent < 300 << 20:
                stream.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        assert sent < 300 << 20, "the platform read on and on"


def test_many_slow_clients_do_not_keep_others_waiting(platform, unchanged):  # noqa: F811
    slow = [socket.create_connection(("127.0.0.1", platform.port)) for _ in range(300)]
    for stream in slow:
        stream.sendall(b"POST / HTTP/1.1\r\nhost: x\r\n")
    began = time.monotonic()
    assert platform.http("GET", "/_fogbank/health")[0] == 200
    assert time.monotonic() - began < 2
    for stream in slow:
        stream.close()
