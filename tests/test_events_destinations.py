"""EventBridge's API destinations: what they are sent, how callers prove who they are, and what happens when they fail."""

import base64
import http.server
import json
import threading
import time
import urllib.parse

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique
from test_events import ARN, events, put, queue, rule  # noqa: F401  (fixtures)


class Endpoint:
    """An HTTP server that notes what it is asked and answers as it is told."""

    def __init__(self):
        self.requests, self.answers = [], []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                endpoint.requests.append((self.command, self.path, dict(self.headers), body))
                status, headers, content = 200, {}, b"{}"
                if self.path.startswith("/token"):
                    content = json.dumps({"access_token": f"token-{len(endpoint.requests)}", "expires_in": 3600}).encode()
                elif endpoint.answers:
                    status, headers = endpoint.answers.pop(0)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PUT = do_GET = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()


@pytest.fixture
def destination(events, endpoint):
    """Makes API destinations with connections of their own. Answers the destination's ARN and the name of both."""
    made = []

    def make(kind, parameters, path="/hook", **settings):
        name = unique("dest")
        connection = events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=parameters)["ConnectionArn"]
        settings = {"HttpMethod": "POST", **settings}
        answer = events.create_api_destination(Name=name, ConnectionArn=connection, InvocationEndpoint=endpoint.url + path, **settings)
        made.append(name)
        return answer["ApiDestinationArn"], name

    yield make
    for name in made:
        events.delete_api_destination(Name=name)
        try:
            events.delete_connection(Name=name)
        except events.exceptions.ResourceNotFoundException:
            pass


BASIC = {"BasicAuthParameters": {"Username": "u", "Password": "p"}}


def test_an_api_destination_is_called(events, rule, endpoint, destination):
    parameters = {
        **BASIC,
        "InvocationHttpParameters": {
            "HeaderParameters": [{"Key": "X-Shared", "Value": "s", "IsValueSecret": False}],
            "QueryStringParameters": [{"Key": "q", "Value": "a b", "IsValueSecret": False}],
            "BodyParameters": [{"Key": "extra", "Value": "e", "IsValueSecret": True}],
        },
    }
    arn, _ = destination("BASIC", parameters, "/hook/*/x", HttpMethod="PUT")
    own = {"PathParameterValues": ["$.detail.id"], "HeaderParameters": {"X-Own": "$.source"}, "QueryStringParameters": {"r": "1"}}
    source = rule({"Arn": arn, "InputPath": "$.detail", "HttpParameters": own})
    put(events, source, {"id": "a/b"})
    [(method, path, headers, body)] = eventually(lambda: endpoint.requests)
    assert (method, json.loads(body)) == ("PUT", {"id": "a/b", "extra": "e"})
    assert urllib.parse.urlsplit(path).path == "/hook/a%2Fb/x"
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(path).query) == {"r": ["1"], "q": ["a b"]}
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
    assert (headers["x-own"], headers["x-shared"], headers["content-type"]) == (source, "s", "application/json; charset=utf-8")
    assert headers["user-agent"] == "Amazon/EventBridge/ApiDestinations"


def test_another_accounts_api_destination_is_not_called(platform, events, endpoint, destination):
    arn, _ = destination("BASIC", BASIC, "/hook")
    other, sqs = platform.client("events", account="111122223333"), platform.client("sqs", account="111122223333")
    url, name = sqs.create_queue(QueueName=unique("dead"))["QueueUrl"], unique("rule")
    dead = {"Arn": f"arn:aws:sqs:{REGION}:111122223333:{url.rsplit('/', 1)[1]}"}
    other.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    other.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, "DeadLetterConfig": dead}])
    put(other, name)
    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5)["Messages"]
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert endpoint.requests == []
    other.remove_targets(Rule=name, Ids=["1"])
    other.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def test_a_key_or_a_token_proves_who_calls(events, rule, endpoint, destination):
    key, _ = destination("API_KEY", {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}})
    oauth = {"ClientParameters": {"ClientID": "me", "ClientSecret": "s"}, "AuthorizationEndpoint": endpoint.url + "/token", "HttpMethod": "POST"}
    token, _ = destination("OAUTH_CLIENT_CREDENTIALS", {"OAuthParameters": oauth}, "/oauth")
    source = rule({"Arn": key}, {"Arn": token})
    endpoint.answers = []
    put(events, source)
    eventually(lambda: len(endpoint.requests) == 3)
    by_path = {path: (headers, body) for _, path, headers, body in endpoint.requests}
    assert by_path["/hook"][0]["x-key"] == "secret"
    assert urllib.parse.parse_qs(by_path["/token"][1]) == {"grant_type": ["client_credentials"], "client_id": ["me"], "client_secret": ["s"]}
    assert by_path["/oauth"][0]["authorization"].startswith("Bearer token-")
    put(events, source)
    eventually(lambda: len(endpoint.requests) == 5)
    assert [path for _, path, _, _ in endpoint.requests].count("/token") == 1


def test_a_failing_endpoint_is_tried_again_and_then_given_up(events, rule, queue, endpoint, destination):
    (dead, take), (arn, _) = queue(), destination("BASIC", BASIC)
    endpoint.answers = [(503, {}), (200, {})]
    source = rule({"Arn": arn})
    put(events, source)
    eventually(lambda: len(endpoint.requests) == 2)
    endpoint.answers = [(500, {})] * 3
    source = rule({"Arn": arn, "RetryPolicy": {"MaximumRetryAttempts": 1}, "DeadLetterConfig": {"Arn": dead}})
    event_id = put(events, source)
    [message] = eventually(take)
    attributes = {name: attribute["StringValue"] for name, attribute in message["MessageAttributes"].items()}
    assert json.loads(message["Body"])["id"] == event_id and len(endpoint.requests) == 4
    assert attributes == {
        "RULE_ARN": f"{ARN}rule/{source}", "TARGET_ARN": arn, "ERROR_CODE": "ERROR_FROM_TARGET", "RETRY_ATTEMPTS": "1",
        "ERROR_MESSAGE": "Unable to invoke ApiDestination endpoint: Request failed with status code 500",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }
    endpoint.answers = [(404, {})]
    put(events, source)
    [message] = eventually(take)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "SDK_CLIENT_ERROR"
    assert "EXHAUSTED_RETRY_CONDITION" not in message["MessageAttributes"]


def test_a_destination_takes_so_many_calls_in_a_second(events, rule, endpoint, destination):
    arn, _ = destination("BASIC", BASIC, InvocationRateLimitPerSecond=2)
    source, begin = rule({"Arn": arn}), time.monotonic()
    for _ in range(5):
        put(events, source)
    eventually(lambda: len(endpoint.requests) == 5)
    assert time.monotonic() - begin >= 1.8


def test_connections_and_destinations_are_described_without_secrets(events, endpoint, destination):
    arn, name = destination("API_KEY", {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "hidden"}}, Description="d")
    connection = events.describe_connection(Name=name)
    assert connection["AuthParameters"] == {"ApiKeyAuthParameters": {"ApiKeyName": "k"}}
    assert (connection["ConnectionState"], connection["AuthorizationType"]) == ("AUTHORIZED", "API_KEY")
    assert connection["SecretArn"].startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:events!connection/{name}/")
    found = events.describe_api_destination(Name=name)
    assert (found["ApiDestinationArn"], found["ApiDestinationState"], found["HttpMethod"], found["InvocationRateLimitPerSecond"]) == (arn, "ACTIVE", "POST", 300)
    assert (found["InvocationEndpoint"], found["ConnectionArn"], found["Description"]) == (endpoint.url + "/hook", connection["ConnectionArn"], "d")
    assert [one["Name"] for one in events.list_connections(NamePrefix=name)["Connections"]] == [name]
    assert [one["Name"] for one in events.list_api_destinations(ConnectionArn=connection["ConnectionArn"])["ApiDestinations"]] == [name]
    events.update_api_destination(Name=name, HttpMethod="PUT")
    assert events.describe_api_destination(Name=name)["HttpMethod"] == "PUT"
    events.update_connection(Name=name, AuthorizationType="BASIC", AuthParameters=BASIC)
    assert events.describe_connection(Name=name)["AuthParameters"] == {"BasicAuthParameters": {"Username": "u"}}
    assert events.deauthorize_connection(Name=name)["ConnectionState"] == "DEAUTHORIZING"
    assert events.describe_connection(Name=name)["ConnectionState"] == "DEAUTHORIZED"
    assert events.describe_api_destination(Name=name)["ApiDestinationState"] == "INACTIVE"
    assert events.delete_connection(Name=name)["ConnectionState"] == "DELETING"
    assert error_of(events.describe_connection, Name=name)[0] == "ResourceNotFoundException"


def test_rules_and_what_waits_outlive_a_kill(fresh, endpoint):
    platform = fresh()
    events, sqs = platform.client("events"), platform.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    connection = events.create_connection(Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)["ConnectionArn"]
    arn = events.create_api_destination(Name="d", ConnectionArn=connection, InvocationEndpoint=endpoint.url, HttpMethod="POST")["ApiDestinationArn"]
    events.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}, {"Id": "2", "Arn": arn}])
    endpoint.answers = [(503, {"Retry-After": "1"})]
    first = put(events, "s")
    eventually(lambda: endpoint.requests)
    platform.kill()
    platform.start()
    events, sqs = platform.client("events"), platform.client("sqs")
    eventually(lambda: len(endpoint.requests) >= 2)
    second = put(events, "s")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {json.loads(message["Body"])["id"] for message in found} == {first, second}
