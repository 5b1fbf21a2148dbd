"""Drives every wire protocol with boto3 against crates/wire/examples/echo.rs, whose operations answer with what they were sent.

FOGBANK_ECHO names the example's binary; without it the newer of target/release and target/debug is taken.
"""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import random
import socket
import string
import subprocess
import urllib.parse

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "crates/wire/tests/models"
PROTOCOLS = ["echo-json10", "echo-json11", "echo-restjson", "echo-restxml", "echo-query", "echo-cbor"]
REST = ["echo-restjson", "echo-restxml"]
UTC = datetime.timezone.utc
AT = datetime.datetime(2026, 5, 4, 10, 20, 30, tzinfo=UTC)


def echo_binary():
    if "FOGBANK_ECHO" in os.environ:
        return os.environ["FOGBANK_ECHO"]
    built = [ROOT / "target" / kind / "examples/echo" for kind in ("release", "debug")]
    built = [path for path in built if path.exists()]
    assert built, "build it first: cargo build -p fogbank-wire --example echo"
    return max(built, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def echo_url():
    server = subprocess.Popen([echo_binary()], stdout=subprocess.PIPE, text=True)
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def client_of(echo_url):
    session = botocore.session.Session()
    session.set_config_variable("data_path", str(MODELS))
    session.set_credentials("123456789012", "secret")
    config = Config(retries={"max_attempts": 0}, parameter_validation=False)
    made = {}

    def client(name):
        if name not in made:
            made[name] = session.create_client(name, "eu-west-1", endpoint_url=echo_url, config=config)
        return made[name]

    return client


@pytest.fixture(params=PROTOCOLS)
def client(request, client_of):
    return client_of(request.param)


@pytest.fixture(params=REST)
def rest_client(request, client_of):
    return client_of(request.param)


def members(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


SCALARS = {
    "Text": ["plain", "Grüße, 世界 🌫️", "a&b<c>\"d'e", "  two  spaces  ", "line\nbreak\ttab", "percent %41 + plus", "x" * 100_000],
    "Number": [0, 1, -1, 2**31 - 1, -(2**31)],
    "Big": [2**63 - 1, -(2**63), 2**53 + 1],
    "Ratio": [0.0, -0.5, 1e300, 5e-324, 3.141592653589793],
    "Small": [0.5, -2.25],
    "Truth": [True, False],
    "Data": [b"", b"\x00\xff\xfe", bytes(range(256)) * 40],
    "At": [AT, datetime.datetime(1970, 1, 1, tzinfo=UTC), datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],
    "AtIso": [AT],
    "AtRfc": [AT],
    "AtUnix": [AT],
    "Renamed": ["under another name"],
    "Color": ["red"],
    "Limited": ["abc"],
}


@pytest.mark.parametrize("name,value", [(name, value) for name, values in SCALARS.items() for value in values], ids=lambda v: repr(v)[:20])
def test_a_scalar_comes_back_as_it_was_sent(client, name, value):
    assert members(client.echo(**{name: value})) == {name: value}


def test_nothing_comes_back_as_nothing(client):
    assert members(client.echo()) == {}


def test_an_empty_text_comes_back(client):
    assert client.echo(Text="").get("Text") == ""


NESTED = {
    "Texts": ["a", "", "ü"],
    "NamedTexts": ["a", "b"],
    "Nested": {"Text": "inner", "Nested": {"Number": 3, "Texts": ["x"]}},
    "NestedList": [{"Text": "1"}, {"Texts": ["2", "3"]}],
    "Pairs": {"key": "value", "a.b/c d": "ü", "": "empty"},
    "NestedMap": {"one": {"Text": "1", "Pairs": {"a": "b"}}, "two": {"Number": 2}},
    "FlatTexts": ["a", "b,c"],
    "FlatPairs": {"a": "1", "b": "2"},
}


@pytest.mark.parametrize("name", NESTED)
def test_lists_maps_and_structures_come_back(client, name):
    assert members(client.echo(**{name: NESTED[name]})) == {name: NESTED[name]}


def test_all_at_once(client):
    everything = {name: values[0] for name, values in SCALARS.items()} | NESTED
    assert members(client.echo(**everything)) == everything


def test_empty_lists_and_structures(client):
    answer = client.echo(Nested={"Text": "x"}, Texts=[])
    assert answer["Nested"] == {"Text": "x"}
    assert answer.get("Texts", []) == []


def random_structure(rng, depth=0):
    text = lambda: "".join(rng.choice(string.printable[:95] + "äß世") for _ in range(rng.randrange(1, 30)))
    makers = {
        "Text": text,
        "Number": lambda: rng.randrange(-(2**31), 2**31),
        "Big": lambda: rng.randrange(-(2**63), 2**63),
        "Ratio": lambda: rng.uniform(-1e9, 1e9),
        "Truth": lambda: rng.random() < 0.5,
        "Data": lambda: rng.randbytes(rng.randrange(1, 50)),
        "At": lambda: AT + datetime.timedelta(seconds=rng.randrange(10**8)),
        "AtRfc": lambda: AT + datetime.timedelta(seconds=rng.randrange(10**8)),
        "Texts": lambda: [text() for _ in range(rng.randrange(1, 5))],
        "FlatTexts": lambda: [text() for _ in range(rng.randrange(1, 5))],
        "Pairs": lambda: {text(): text() for _ in range(rng.randrange(1, 5))},
    }
    if depth < 3:
        makers["Nested"] = lambda: random_structure(rng, depth + 1)
        makers["NestedList"] = lambda: [random_structure(rng, depth + 1) for _ in range(rng.randrange(1, 3))]
        makers["NestedMap"] = lambda: {text(): random_structure(rng, depth + 1) for _ in range(rng.randrange(1, 3))}
    chosen = rng.sample(sorted(makers), rng.randrange(1, len(makers)))
    return {name: makers[name]() for name in chosen}


@pytest.mark.parametrize("seed", range(15))
def test_random_structures_come_back(client, seed):
    sent = random_structure(random.Random(seed))
    assert members(client.echo(**sent)) == sent


def test_a_modelled_error_has_its_code_message_and_members(client):
    with pytest.raises(ClientError) as caught:
        client.fail(Text="no <such> thing & ü")
    error = caught.value.response
    code = "Echo.Error" if client.meta.service_model.service_name in ("echo-query", "echo-json10") else "EchoError"
    assert error["Error"]["Code"] in ("EchoError", code)
    assert error["Error"]["Message"] == "no <such> thing & ü"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert error["ResponseMetadata"]["RequestId"]
    if client.meta.service_model.metadata["protocol"] != "query":
        assert error["Detail"] == "a <detail> & more"
        assert error["Count"] == 3
    assert isinstance(caught.value, client.exceptions.EchoError)


def test_an_internal_failure_says_nothing_of_its_reason(client):
    with pytest.raises(ClientError) as caught:
        client.fail(Text="internal")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "must not reach" not in str(caught.value.response)


def test_an_error_that_is_not_modelled_has_its_code(client):
    with pytest.raises(ClientError) as caught:
        client.fail(Text="unmodelled")
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["Error"]["Message"] == "Rate exceeded"


def test_an_operation_that_is_not_there_says_so(client):
    with pytest.raises(ClientError) as caught:
        client.absent()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "Absent" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "sent,message",
    [
        ({"Limited": "a"}, "Value 'a' at 'limited' failed to satisfy constraint: Member must have length greater than or equal to 2"),
        ({"Limited": "abcdef"}, "Value 'abcdef' at 'limited' failed to satisfy constraint: Member must have length less than or equal to 5"),
        ({"Limited": "ABC"}, "Value 'ABC' at 'limited' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"),
        ({"Color": "blue"}, "Value 'blue' at 'color' failed to satisfy constraint: Member must satisfy enum value set: [red, green]"),
        ({"NestedList": [{"Color": "blue"}]}, "Value 'blue' at 'nestedList.1.member.color' failed to satisfy constraint: "
                                              "Member must satisfy enum value set: [red, green]"),
    ],
)
def test_a_violated_constraint_is_reported(client, sent, message):
    with pytest.raises(ClientError) as caught:
        client.echo(**sent)
    error = caught.value.response["Error"]
    assert error["Code"] == ("ValidationError" if client.meta.service_model.metadata["protocol"] == "query" else "ValidationException")
    assert error["Message"] == "1 validation error detected: " + message


BINDINGS = {
    "Label": "a b/c?d&e=ü%",
    "Greedy": "dir/sub dir/file+1",
    "QueryText": "ä & b=c+d",
    "QueryNumber": 2**62,
    "QueryTruth": True,
    "QueryAt": AT,
    "QueryTexts": ["x y", "z&"],
    "HeaderText": "some text",
    "HeaderNumber": -5,
    "HeaderTruth": False,
    "HeaderAt": AT,
    "HeaderPairs": {"one": "1", "two": "2"},
    "BodyText": "in the body",
    "BodyNumber": 9,
}


def test_members_in_path_query_and_headers_come_back(rest_client):
    answer = members(rest_client.echo_bindings(**BINDINGS))
    assert answer == BINDINGS | {"Status": 203}


def test_members_outside_the_body_alone(rest_client):
    answer = members(rest_client.echo_bindings(Label="l", Greedy="g"))
    assert answer == {"Label": "l", "Greedy": "g", "Status": 203, "HeaderPairs": {}}


@pytest.mark.parametrize("content", [b"", b"\x00\x01\xff" * 1000, b"{not json", b"x" * 3_000_000], ids=["empty", "binary", "text", "large"])
def test_a_blob_payload_passes_untouched(rest_client, content):
    answer = rest_client.echo_payload(Content=content, Kind="application/x-thing")
    assert answer["Content"].read() == content
    assert answer["Kind"] == "application/x-thing"


def test_a_structure_payload_comes_back(rest_client):
    content = {"Text": "ü", "Texts": ["a"], "Nested": {"Number": 1}}
    answer = rest_client.echo_structure(Name="n", Content=content)
    assert (answer["Name"], answer["Content"]) == ("n", content)


class Raw:
    """Requests that no SDK would send."""

    def __init__(self, url):
        self.host, self.port = urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port

    def send(self, method, path, body=b"", headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def send_bytes(self, content):
        with socket.create_connection((self.host, self.port), timeout=10) as stream:
            # A refusal may come, and the connection end, before all was sent.
            with contextlib.suppress(OSError):
                stream.sendall(content)
                stream.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionError):
                while piece := stream.recv(65536):
                    received += piece
            return received


@pytest.fixture
def raw(echo_url):
    return Raw(echo_url)


JSON = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "EchoJson10.Echo"}
XML = {"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/echo-restxml/aws4_request, SignedHeaders=host, Signature=0"}
CBOR = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path,body,headers",
    [
        ("/", b'{"Text":', JSON),
        ("/", b"[1,2]", JSON),
        ("/", b'{"Text": 5}', JSON),
        ("/", b'{"Number": "5"}', JSON),
        ("/", b'{"Number": 1.5}', JSON),
        ("/", b'{"Number": 2147483648}', JSON),
        ("/", b'{"Big": 9223372036854775808}', JSON),
        ("/", b'{"Truth": 1}', JSON),
        ("/", b'{"Data": "%%%"}', JSON),
        ("/", b'{"At": "yesterday"}', JSON),
        ("/", b'{"Texts": {}}', JSON),
        ("/", b'{"Nested": []}', JSON),
        ("/", b'{"Text": "\xff"}', JSON),
        ("/", b'{"Nested":' * 300 + b"{}" + b"}" * 300, JSON),
        ("/", b"{} {}", JSON),
        ("/echo", b"<a", XML),
        ("/echo", b"<a></b>", XML),
        ("/echo", b"<a/><b/>", XML),
        ("/echo", b"<a><Number>x</Number></a>", XML),
        ("/echo", b'<!DOCTYPE a [<!ENTITY x "y">]><a><Text>&x;</Text></a>', XML),
        ("/echo", b"<a><Text>&unknown;</Text></a>", XML),
        ("/echo", b"<Nested>" * 300 + b"</Nested>" * 300, XML),
        ("/service/EchoCbor/operation/Echo", b"\xa1", CBOR),
        ("/service/EchoCbor/operation/Echo", b"\x80", CBOR),
        ("/service/EchoCbor/operation/Echo", b"\xa1\x64Text\x05", CBOR),
        ("/service/EchoCbor/operation/Echo", b"\xa1\x66Nested" * 300 + b"\xa0", CBOR),
        ("/service/EchoCbor/operation/Echo", b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", CBOR),
        ("/", b"Action=Echo&Version=2020-01-01&Number=x", FORM),
        ("/", b"Action=Echo&Version=2020-01-01&" + b"Nested." * 300 + b"Text=x", FORM),
        ("/", b"Action=Echo&Version=2020-01-01&Pairs.entry.1.value=x", FORM),
    ],
)
def test_a_malformed_body_is_refused(raw, path, body, headers):
    status, content = raw.send("POST", path, body, headers)
    assert status == 400
    assert b"SerializationException" in content


def test_unknown_members_and_nulls_are_passed_over(raw):
    status, content = raw.send("POST", "/", b'{"Text":null,"Unknown":[{"a":[]}],"Number":5}', JSON)
    assert (status, json.loads(content)) == (200, {"Number": 5})


def test_unknown_operations_are_refused(raw):
    status, content = raw.send("POST", "/", b"{}", JSON | {"x-amz-target": "EchoJson10.Nothing"})
    assert (status, b"UnknownOperationException" in content) == (400, True)
    status, content = raw.send("POST", "/", b"Action=Nothing&Version=2020-01-01", FORM)
    assert (status, b"<Code>InvalidAction</Code>" in content) == (400, True)
    status, content = raw.send("POST", "/nothing", b"", XML)
    assert (status, b"UnknownOperationException" in content) == (404, True)
    status, content = raw.send("GET", "/favicon.ico")
    assert (status, "message" in json.loads(content)) == (404, True)


def test_a_body_that_is_announced_too_large_is_refused_unread(raw):
    head = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nx-amz-target: EchoJson10.Echo\r\ncontent-length: 999999999\r\n\r\n"
    assert raw.send_bytes(head).startswith(b"HTTP/1.1 413 ")


def test_hostile_heads_are_refused(raw):
    many = b"".join(b"h%d: x\r\n" % n for n in range(1000))
    assert raw.send_bytes(b"GET / HTTP/1.1\r\nhost: x\r\n" + many + b"\r\n").startswith(b"HTTP/1.1 431 ")
    long = b"h: " + b"x" * 200_000 + b"\r\n"
    assert raw.send_bytes(b"GET / HTTP/1.1\r\nhost: x\r\n" + long + b"\r\n").startswith(b"HTTP/1.1 431 ")
    assert raw.send_bytes(b"\x16\x03\x01\x00\xff nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert raw.send("GET", "/")[0] == 404
