"""Function URLs: whole and streamed answers, cross-origin requests, signatures."""

import base64
import http.client
import json
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import REGION
from web import ECHO, returning, send

STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const query = event.queryStringParameters || {};
  if (query.plain) { stream.setContentType('text/plain'); stream.write('as '); stream.write('it is'); stream.end(); return; }
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: 201, headers: {'Content-Type': 'text/event-stream', 'X-Path': event.rawPath}, cookies: ['a=1', 'b=2'],
  });
  for (let i = 0; i < 3; i++) {
    stream.write(`data: ${i}\\n`);
    if (query.pause) await new Promise(next => setTimeout(next, 400));
  }
  stream.end();
});
"""


@pytest.fixture
def url_of(platform, aws, make_function):
    def make(code, *, url=None, **settings):
        name = make_function(code, **settings)
        made = aws("lambda").create_function_url_config(FunctionName=name, **{"AuthType": "NONE", **(url or {})})
        return urllib.parse.urlsplit(made["FunctionUrl"]).hostname

    return make


def test_a_url_hands_on_the_request_and_the_answer(platform, url_of):
    host = url_of(ECHO)
    answer = send(platform, "POST", "/a/b?x=1", host=host, headers=[("Content-Type", "application/json"), ("Cookie", "c=1")], body=b'{"a":1}')
    event = answer.event
    assert event["version"] == "2.0" and event["routeKey"] == "$default" and event["rawPath"] == "/a/b"
    assert event["rawQueryString"] == "x=1" and event["body"] == '{"a":1}' and event["cookies"] == ["c=1"]
    context = event["requestContext"]
    assert context["accountId"] == "anonymous" and context["domainName"] == host and context["stage"] == "$default"
    assert context["apiId"] == host.split(".")[0] and context["http"]["method"] == "POST"
    assert answer.headers["x-amzn-requestid"]
    value = {"statusCode": 418, "headers": {"X-A": "1"}, "cookies": ["a=1"], "body": base64.b64encode(b"\0\1").decode(), "isBase64Encoded": True}
    answer = send(platform, "GET", returning("/", value), host=host)
    assert answer.status == 418 and answer.body == b"\0\1" and answer.all("set-cookie") == ["a=1"]
    assert send(platform, "GET", returning("/", {"plain": 1}), host=host).json == {"plain": 1}


def test_a_urls_refusals(platform, url_of):
    host = url_of(ECHO)
    assert tuple(send(platform, "GET", "/?raise=1", host=host)) == (502, "Internal Server Error")
    assert send(platform, "POST", "/", host=host, body=b"x" * (6 * 1024 * 1024 + 1)).status == 413
    assert send(platform, "GET", "/", host=f"{'x' * 32}.lambda-url.{REGION}.on.aws").status == 403
    throttled = url_of(ECHO)
    assert send(platform, "GET", "/", host=throttled).status == 200


def test_a_throttled_function_is_429(platform, aws, make_function):
    name = make_function(ECHO)
    aws("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    host = urllib.parse.urlsplit(aws("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]).hostname
    answer = send(platform, "GET", "/", host=host)
    assert answer.status == 429 and answer.headers["x-amzn-errortype"] == "TooManyRequestsException"


def test_a_streamed_answer_has_its_head_and_its_pieces(platform, url_of):
    host = url_of(STREAM, runtime="nodejs20.x", url={"InvokeMode": "RESPONSE_STREAM"}, Timeout=10)
    answer = send(platform, "GET", "/events", host=host)
    assert answer.status == 201 and answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-path"] == "/events" and answer.all("set-cookie") == ["a=1", "b=2"]
    assert answer.body == b"data: 0\ndata: 1\ndata: 2\n"
    answer = send(platform, "GET", "/?plain=1", host=host)
    assert answer.body == b"as it is" and answer.headers["content-type"] == "text/plain"


def test_the_first_piece_arrives_before_the_last_is_written(platform, url_of):
    host = url_of(STREAM, runtime="nodejs20.x", url={"InvokeMode": "RESPONSE_STREAM"}, Timeout=10)
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    connection.request("GET", "/?pause=1", headers={"Host": host})
    response = connection.getresponse()
    first = response.read1(100)
    assert first == b"data: 0\n", "the others are written 0.4 s later each"
    assert response.read() == b"data: 1\ndata: 2\n"
    connection.close()


def test_cross_origin_requests(platform, url_of):
    cors = {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 60, "ExposeHeaders": ["x-b"]}
    host = url_of(ECHO, url={"Cors": cors})
    ask = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "GET")]
    answer = send(platform, "OPTIONS", "/", host=host, headers=ask)
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-methods"] == "GET" and answer.headers["access-control-max-age"] == "60"
    answer = send(platform, "GET", "/", host=host, headers=ask[:1])
    assert answer.headers["access-control-expose-headers"] == "x-b"
    assert send(platform, "GET", "/", host=host, headers=[("Origin", "https://x.example")]).headers["access-control-allow-origin"] is None


def test_a_url_with_iam_takes_signed_requests_only(platform, url_of):
    host = url_of(ECHO, url={"AuthType": "AWS_IAM"})
    answer = send(platform, "GET", "/", host=host)
    assert answer.status == 403 and answer.json == {"Message": "Forbidden"}
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    request = AWSRequest("GET", f"http://{host}:{platform.port}/secret")
    SigV4Auth(Credentials("000000000000", "any"), "lambda", REGION).add_auth(request)
    signed = send(platform, "GET", "/secret", host=host, headers=list(request.headers.items()))
    assert signed.event["requestContext"]["accountId"] == "000000000000"


def test_a_deleted_url_answers_nobody(platform, aws, make_function):
    name = make_function(ECHO)
    host = urllib.parse.urlsplit(aws("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]).hostname
    assert send(platform, "GET", "/", host=host).status == 200
    aws("lambda").delete_function_url_config(FunctionName=name)
    answer = send(platform, "GET", "/", host=host)
    assert answer.status == 403 and json.loads(answer.body) == {"Message": "Forbidden"}
