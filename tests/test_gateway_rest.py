"""REST APIs from outside: SAM's and plain ones, events, answers and refusals, as AWS documents them."""

import base64

import pytest
from conftest import ACCOUNT, REGION, unique
from web import ECHO, Application, returning, send

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.11, Handler: app.handler, CodeUri: src, Timeout: 10}}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: Prod
      Variables: {colour: blue}
      BinaryMediaTypes: [image/png]
      EndpointConfiguration: {Type: REGIONAL}
      OpenApiVersion: 3.0.1
      Tags: {team: web}
      PropagateTags: true
      Cors: {AllowOrigin: "'https://shop.example'", AllowHeaders: "'content-type'", MaxAge: "'600'"}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Item: {Type: Api, Properties: {RestApiId: !Ref Api, Path: '/items/{id}', Method: get}}
        Put: {Type: Api, Properties: {RestApiId: !Ref Api, Path: '/items/{id}', Method: put}}
        Proxy: {Type: Api, Properties: {RestApiId: !Ref Api, Path: '/files/{proxy+}', Method: any}}
        Quick: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /quick, Method: get, TimeoutInMillis: 300}}
  Closed:
    Type: AWS::Serverless::Function
    Properties:
      ReservedConcurrentExecutions: 0
      Events: {Any: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /closed, Method: get}}}
"""
BROKEN_ANSWER = (502, '{"message": "Internal server error"}')


@pytest.fixture(scope="module")
def api(platform, tmp_path_factory):
    directory = tmp_path_factory.mktemp("rest") / unique("rest")
    application = Application(platform, directory).write({"template.yaml": TEMPLATE, "src/app.py": ECHO})
    application.deploy()
    yield application
    application.delete()


def test_the_event_has_what_aws_documents(api):
    headers = [("X-One", "a"), ("X-One", "b"), ("Cookie", "c1=1; c2=2"), ("User-Agent", "tests/1")]
    event = api.send("GET", "/Prod/items/42?a=1&a=2&b=x%20y", headers=headers).event
    assert event["resource"] == "/items/{id}" and event["path"] == "/items/42" and event["httpMethod"] == "GET"
    assert event["queryStringParameters"] == {"a": "2", "b": "x y"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["x y"]}
    assert event["headers"]["X-One"] == "b" and event["multiValueHeaders"]["X-One"] == ["a", "b"]
    assert event["headers"]["Cookie"] == "c1=1; c2=2"
    assert event["pathParameters"] == {"id": "42"} and event["stageVariables"] == {"colour": "blue"}
    assert event["body"] is None and event["isBase64Encoded"] is False and "version" not in event
    context = event["requestContext"]
    assert context["accountId"] == ACCOUNT and context["apiId"] == api.stack and context["stage"] == "Prod"
    assert context["resourcePath"] == "/items/{id}" and context["path"] == "/Prod/items/42"
    assert context["httpMethod"] == "GET" and context["protocol"] == "HTTP/1.1"
    assert context["identity"]["sourceIp"] == "127.0.0.1" and context["identity"]["userAgent"] == "tests/1"
    assert len(context["requestId"]) == 36 and context["extendedRequestId"] and context["resourceId"]
    bare = api.send("GET", "/Prod/items/42").event
    assert bare["queryStringParameters"] is None and bare["multiValueQueryStringParameters"] is None
    assert api.send("GET", "/Prod/quick").event["pathParameters"] is None


def test_greedy_paths_and_every_method(api):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        event = api.send(method, "/Prod/files/a/b/c.txt").event
        assert event["httpMethod"] == method and event["pathParameters"] == {"proxy": "a/b/c.txt"}
        assert event["resource"] == "/files/{proxy+}"
    answer = api.send("HEAD", "/Prod/files/x")
    assert answer.status == 200 and answer.body == b""


@pytest.mark.parametrize(
    "method, path", [("GET", "/Prod/none"), ("DELETE", "/Prod/items/1"), ("GET", "/Prod"), ("GET", "/Prod/items")]
)
def test_what_is_no_method_misses_its_authentication_token(api, method, path):
    answer = api.send(method, path)
    assert tuple(answer) == (403, '{"message":"Missing Authentication Token"}')
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert answer.headers["x-amzn-requestid"]


def test_a_stage_that_is_not_there_is_forbidden(api, platform):
    host = f"{api.stack}.execute-api.{REGION}.amazonaws.com"
    answer = send(platform, "GET", "/Nope/items/1", host=host)
    assert tuple(answer) == (403, '{"message":"Forbidden"}') and answer.headers["x-amzn-errortype"] == "ForbiddenException"


BROKEN = {
    "an exception": "/Prod/items/1?raise=1",
    "an exit": "/Prod/items/1?exit=1",
    "plain text": returning("/Prod/items/1", "text"),
    "another member": returning("/Prod/items/1", {"statusCode": 200, "body": "", "cookies": ["a=1"]}),
    "a body that is no text": returning("/Prod/items/1", {"statusCode": 200, "body": {"a": 1}}),
    "a status that is none": returning("/Prod/items/1", {"statusCode": 99, "body": ""}),
    "a list": returning("/Prod/items/1", [1]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_function_is_a_bad_gateway(api, what):
    answer = api.send("GET", BROKEN[what])
    assert tuple(answer) == BROKEN_ANSWER and answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


def test_an_answer_without_a_status_code_is_ok(api):
    answer = api.send("GET", returning("/Prod/items/1", {"body": "fine"}))
    assert tuple(answer) == (200, "fine") and answer.headers["content-type"] == "application/json"


def test_a_slow_function_times_out_and_a_throttled_one_fails(api):
    answer = api.send("GET", "/Prod/quick?sleep=2")
    assert tuple(answer) == (504, '{"message": "Endpoint request timed out"}')
    assert tuple(api.send("GET", "/Prod/closed")) == (500, '{"message": "Internal server error"}')


def test_a_body_over_ten_megabytes_is_too_large(api):
    answer = api.send("PUT", "/Prod/items/1", body=b"x" * (10 * 1024 * 1024 + 1))
    assert tuple(answer) == (413, '{"message":"Request Too Long"}')
    assert answer.headers["x-amzn-errortype"] == "RequestTooLargeException"


def test_only_the_apis_binary_types_travel_as_bytes(api):
    binary = bytes(range(256))
    event = api.send("PUT", "/Prod/items/1", headers=[("Content-Type", "image/png")], body=binary).event
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == binary
    event = api.send("PUT", "/Prod/items/1", headers=[("Content-Type", "application/x-www-form-urlencoded")], body=b"a=1").event
    assert event["isBase64Encoded"] is False and event["body"] == "a=1"
    encoded = base64.b64encode(binary).decode()
    path = returning("/Prod/items/1", {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": encoded, "isBase64Encoded": True})
    assert api.send("GET", path, headers=[("Accept", "image/png")]).body == binary
    assert api.send("GET", path, headers=[("Accept", "text/html")]).body.decode() == encoded, "AWS decodes for binary clients only"


def test_many_values_and_remapped_headers(api):
    value = {
        "statusCode": 200,
        "headers": {"X-One": "1", "Server": "mine", "Date": "then"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "X-One": ["2"]},
        "body": "x",
    }
    answer = api.send("GET", returning("/Prod/items/1", value))
    assert answer.all("set-cookie") == ["a=1", "b=2"] and sorted(answer.all("x-one")) == ["1", "2"]
    assert answer.headers["x-amzn-remapped-server"] == "mine" and answer.headers["x-amzn-remapped-date"] == "then"
    assert answer.headers["x-amz-apigw-id"] and answer.headers["x-amzn-trace-id"].startswith("Root=1-")


def test_sams_cors_answers_preflight_requests_for_every_path(api):
    ask = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "PUT")]
    answer = api.send("OPTIONS", "/Prod/items/1", headers=ask)
    assert answer.status == 200
    expected = {
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-methods": "GET,OPTIONS,PUT",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }
    assert {name: answer.headers[name] for name in expected} == expected
    answer = api.send("OPTIONS", "/Prod/files/a/b")
    assert answer.headers["access-control-allow-methods"] == "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"


def test_every_address_reaches_the_stage(api, platform):
    certain = f"{api.stack}.execute-api.{REGION}.amazonaws.com"
    assert send(platform, "GET", "/Prod/items/1", host=certain).event["path"] == "/items/1"
    for path in (
        f"/restapis/{api.stack}/Prod/_user_request_/items/1",
        f"/_aws/execute-api/{api.stack}/Prod/items/1",
        f"/_fogbank/apis/{api.stack}/Prod/items/1",
        f"/_fogbank/apis/{api.stack}/items/1",
    ):
        assert send(platform, "GET", path).event["requestContext"]["path"] == "/Prod/items/1", path
    assert api.send("GET", "/items/1").event["path"] == "/items/1", "a name's only stage may be left out"
    # On AWS's own address the first part of a path is the stage, always.
    assert send(platform, "GET", "/items/1", host=certain).status == 403


def test_tags_reach_the_stage_and_the_api(api, aws):
    client = aws("apigateway")
    assert client.get_stage(restApiId=api.stack, stageName="Prod")["tags"] == {"team": "web"}
    made = client.get_rest_api(restApiId=api.stack)
    assert made["tags"]["team"] == "web" and made["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert made["binaryMediaTypes"] == ["image/png"]
