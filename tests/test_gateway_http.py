"""HTTP APIs from outside: routing, events, answers and refusals, as AWS documents them."""

import base64
import json

import pytest
from conftest import ACCOUNT, REGION, unique
from web import ECHO, Application, returning, send

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.11, Handler: app.handler, CodeUri: src, Timeout: 10}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageVariables: {colour: green}
      CorsConfiguration:
        AllowOrigins: [https://shop.example]
        AllowMethods: [GET, POST]
        AllowHeaders: [content-type, x-shop]
        ExposeHeaders: [x-total]
        MaxAge: 300
        AllowCredentials: true
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Item: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/items/{id}', Method: get}}
        Latest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /items/latest, Method: get}}
        Files: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/files/{path+}', Method: any}}
        Old: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/old/{id}', Method: any, PayloadFormatVersion: '1.0'}}
        Post: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /post, Method: post}}
        Quick: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /quick, Method: any, TimeoutInMillis: 300}}
  Closed:
    Type: AWS::Serverless::Function
    Properties:
      ReservedConcurrentExecutions: 0
      Events: {Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /closed, Method: any}}}
"""


@pytest.fixture(scope="module")
def api(platform, tmp_path_factory):
    directory = tmp_path_factory.mktemp("http") / unique("http")
    application = Application(platform, directory).write({"template.yaml": TEMPLATE, "src/app.py": ECHO})
    application.deploy()
    yield application
    application.delete()


def test_the_event_of_format_2_has_what_aws_documents(api):
    headers = [("X-One", "a"), ("X-One", "b"), ("Cookie", "c1=1; c2=2"), ("User-Agent", "tests/1"), ("Origin", "https://x")]
    event = api.send("GET", "/items/42?a=1&a=2&b=x%20y&empty=", headers=headers).event
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /items/{id}"
    assert event["rawPath"] == "/items/42"
    assert event["rawQueryString"] == "a=1&a=2&b=x%20y&empty="
    assert event["cookies"] == ["c1=1", "c2=2"]
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y", "empty": ""}
    assert event["pathParameters"] == {"id": "42"}
    assert event["stageVariables"] == {"colour": "green"}
    assert event["isBase64Encoded"] is False and "body" not in event
    assert event["headers"]["x-one"] == "a,b", "names in lower case, values of one name joined"
    assert "cookie" not in event["headers"]
    assert event["headers"]["x-forwarded-proto"] == "http" and event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    context = event["requestContext"]
    assert context["accountId"] == ACCOUNT and context["apiId"] == api.stack and context["stage"] == "$default"
    assert context["routeKey"] == event["routeKey"] and context["domainName"] == f"{api.stack}.localhost"
    assert context["domainPrefix"] == api.stack
    assert context["http"] == {
        "method": "GET", "path": "/items/42", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "tests/1",
    }
    assert isinstance(context["timeEpoch"], int) and context["time"].endswith("+0000")


def test_the_event_of_format_1_has_what_aws_documents(api):
    headers = [("X-One", "a"), ("X-One", "b"), ("Cookie", "c1=1; c2=2")]
    event = api.send("POST", "/old/7?a=1&a=2", headers=headers, body=b"hello").event
    assert event["version"] == "1.0" and event["resource"] == "/old/{id}" and event["path"] == "/old/7"
    assert event["httpMethod"] == "POST" and event["body"] == "hello" and event["isBase64Encoded"] is False
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["X-One"] == "b" and event["multiValueHeaders"]["X-One"] == ["a", "b"]
    assert event["headers"]["Cookie"] == "c1=1; c2=2"
    assert event["pathParameters"] == {"id": "7"} and event["stageVariables"] == {"colour": "green"}
    context = event["requestContext"]
    assert context["httpMethod"] == "POST" and context["resourcePath"] == "/old/{id}" and context["stage"] == "$default"
    assert context["identity"]["sourceIp"] == "127.0.0.1" and context["path"] == "/old/7"
    bare = api.send("GET", "/old/7").event
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "body"):
        assert bare[name] is None, name


def test_the_most_specific_route_wins_and_paths_are_decoded(api):
    assert api.send("GET", "/items/latest").event["routeKey"] == "GET /items/latest"
    event = api.send("GET", "/items/caf%C3%A9%20x").event
    assert event["pathParameters"] == {"id": "café x"} and event["rawPath"] == "/items/café x"
    event = api.send("PATCH", "/files/a/b%2Fc/d.txt").event
    assert event["routeKey"] == "ANY /files/{path+}" and event["pathParameters"]["path"].startswith("a/b")
    assert event["requestContext"]["http"]["method"] == "PATCH"
    for method, path in [("GET", "/"), ("GET", "/items"), ("POST", "/items/1"), ("GET", "/items/1/2"), ("GET", "/files")]:
        answer = api.send(method, path)
        assert tuple(answer) == (404, '{"message":"Not Found"}'), (method, path)
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_any_takes_every_method(api, method):
    answer = api.send(method, "/files/x")
    assert answer.status == 200
    if method == "HEAD":
        assert answer.body == b"" and int(answer.headers["content-length"]) > 0
    else:
        assert answer.event["requestContext"]["http"]["method"] == method


def test_bodies_are_text_or_base64_by_their_type(api):
    binary = bytes(range(256))
    event = api.send("POST", "/post", headers=[("Content-Type", "image/png")], body=binary).event
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == binary
    event = api.send("POST", "/post", headers=[("Content-Type", "application/json; charset=utf-8")], body=b'{"a": "\xc3\xa9"}').event
    assert event["isBase64Encoded"] is False and json.loads(event["body"]) == {"a": "é"}
    event = api.send("POST", "/post", headers=[("Content-Type", "application/x-www-form-urlencoded")], body=b"a=1&b=2").event
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == b"a=1&b=2"


def test_a_function_answers_with_binary_cookies_and_headers(api):
    value = {
        "statusCode": 201,
        "headers": {"Content-Type": "image/png", "X-Number": 7},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": base64.b64encode(bytes(range(256))).decode(),
        "isBase64Encoded": True,
    }
    answer = api.send("GET", returning("/items/1", value))
    assert answer.status == 201 and answer.body == bytes(range(256))
    assert answer.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert answer.headers["content-type"] == "image/png" and answer.headers["x-number"] == "7"
    assert answer.headers["apigw-requestid"]


INFERRED = [
    ({"hello": "world"}, '{"hello": "world"}'),
    ("just text", "just text"),
    ([1, 2], "[1, 2]"),
    (5, "5"),
]


@pytest.mark.parametrize("value, body", INFERRED)
def test_an_answer_without_a_status_code_is_the_body(api, value, body):
    answer = api.send("GET", returning("/items/1", value))
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == body


def test_format_1_answers_have_many_values_of_a_header(api):
    value = {"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "X-Many": ["1", "2"]}, "body": "x"}
    answer = api.send("GET", returning("/old/1", value))
    assert answer.all("set-cookie") == ["a=1", "b=2"] and answer.all("x-many") == ["1", "2"]
    assert answer.headers["content-type"].lower().startswith("text/plain")


BROKEN = {
    "an exception": "/items/1?raise=1",
    "an exit": "/items/1?exit=1",
    "a status that is none": returning("/items/1", {"statusCode": "abc"}),
    "a body that is no text": returning("/items/1", {"statusCode": 200, "body": {"a": 1}}),
    "headers that are none": returning("/items/1", {"statusCode": 200, "headers": "x"}),
    "a header that cannot be": returning("/items/1", {"statusCode": 200, "headers": {"X A": "1"}}),
    "a header with a line break": returning("/items/1", {"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}}),
    "base64 that is none": returning("/items/1", {"statusCode": 200, "body": "%%%", "isBase64Encoded": True}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_function_is_an_internal_server_error(api, what):
    assert tuple(api.send("GET", BROKEN[what])) == (500, '{"message":"Internal Server Error"}')
    assert api.send("GET", "/items/1").status == 200, "the next call is served"


def test_a_slow_and_a_throttled_function_are_unavailable(api):
    assert tuple(api.send("GET", "/quick?sleep=2")) == (503, '{"message":"Service Unavailable"}')
    assert api.send("GET", "/quick").status == 200
    assert tuple(api.send("GET", "/closed")) == (503, '{"message":"Service Unavailable"}')


def test_a_body_over_ten_megabytes_is_too_large(api):
    answer = api.send("POST", "/post", body=b"x" * (10 * 1024 * 1024 + 1))
    assert tuple(answer) == (413, '{"message":"Request Entity Too Large"}')


def test_preflight_requests_are_answered_by_the_api(api):
    ask = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST")]
    answer = api.send("OPTIONS", "/items/1", headers=ask)
    assert answer.status == 204 and answer.body == b""
    expected = {
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type,x-shop",
        "access-control-max-age": "300",
        "access-control-allow-credentials": "true",
    }
    assert {name: answer.headers[name] for name in expected} == expected
    answer = api.send("OPTIONS", "/items/1", headers=[("Origin", "https://evil.example"), ask[1]])
    assert answer.status == 204 and answer.headers["access-control-allow-origin"] is None


def test_answers_carry_the_apis_cors_headers_and_not_the_functions(api):
    value = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "X-Total": "3"}, "body": ""}
    answer = api.send("GET", returning("/items/1", value), headers=[("Origin", "https://shop.example")])
    assert answer.all("access-control-allow-origin") == ["https://shop.example"]
    assert answer.headers["access-control-expose-headers"] == "x-total" and answer.headers["x-total"] == "3"
    answer = api.send("GET", returning("/items/1", value))
    assert answer.all("access-control-allow-origin") == []


def test_every_address_reaches_the_api(api, platform):
    port = {"host": f"{api.stack}.execute-api.{REGION}.amazonaws.com"}
    assert send(platform, "GET", "/items/1", **port).event["requestContext"]["apiId"] == api.stack
    assert send(platform, "GET", "/items/1", host=f"{api.stack}.execute-api.localhost").status == 200
    for prefix in (f"/_aws/execute-api/{api.stack}", f"/_fogbank/apis/{api.stack}"):
        event = send(platform, "GET", f"{prefix}/items/1").event
        assert event["rawPath"] == "/items/1" and event["pathParameters"] == {"id": "1"}
    missing = send(platform, "GET", "/x", host=f"nope.execute-api.{REGION}.amazonaws.com")
    assert missing.status == 403 and missing.json == {"message": "Forbidden"}


def test_connections_are_kept_and_uploads_may_come_in_pieces(api, platform):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    host = {"host": f"{api.stack}.localhost", "connection": connection}
    first = send(platform, "GET", "/items/1", **host)
    socket = connection.sock
    second = send(platform, "POST", "/post", body=[b"a" * 1000] * 50, chunked=True, headers=[("Content-Type", "text/plain")], **host)
    third = send(platform, "GET", "/none", **host)
    assert (first.status, second.status, third.status) == (200, 200, 404)
    assert second.event["body"] == "a" * 50_000 and "transfer-encoding" not in second.event["headers"]
    assert connection.sock is socket and socket is not None, "all on one connection"
    connection.close()
