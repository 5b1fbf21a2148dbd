"""What the tests of the gateway and of deployments share: plain HTTP with full control over the request, and applications on disk."""

import http.client
import json
import re
import time
import urllib.parse

ECHO = """
import base64, json, os, time

def handler(event, context):
    query = event.get("queryStringParameters") or {}
    if "return" in query:
        return json.loads(query["return"])
    if "raise" in query:
        raise RuntimeError("as asked")
    if "exit" in query:
        os._exit(3)
    if "sleep" in query:
        time.sleep(float(query["sleep"]))
    body = json.dumps({"event": event, "function": context.function_name, "version": context.function_version})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
"""

REPLY = """
import json, os

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"message": MESSAGE, "env": {k: v for k, v in os.environ.items() if k.startswith("APP_")}})}
"""


def python(message):
    """A function that answers `message` and its variables that begin with APP_."""
    return f"MESSAGE = {message!r}\n{REPLY}"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def event(self):
        assert self.status == 200, (self.status, self.body)
        return self.json["event"]

    def all(self, name):
        return self.headers.get_all(name) or []

    def __iter__(self):
        return iter((self.status, self.body.decode()))


def send(platform, method, path, *, host=None, headers=(), body=None, chunked=False, connection=None):
    """Sends one request. `headers` are pairs, so that a name can stand more than once; nothing is added but the host and a length."""
    own = connection is None
    connection = connection or http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", f"{host or '127.0.0.1'}:{platform.port}")
    for name, value in headers:
        connection.putheader(name, value)
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for piece in body:
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
    else:
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
    answer = Answer(connection.getresponse())
    if own:
        connection.close()
    return answer


def returning(path, value):
    """A path that makes the echo function return `value`."""
    return f"{path}?{urllib.parse.urlencode({'return': json.dumps(value)})}"


class Application:
    """A directory with a template and code, deployed through the command line as a user would."""

    def __init__(self, platform, directory, account=None):
        self.platform = platform
        self.directory = directory
        self.stack = directory.name
        self.environment = platform.environ(account) if account else platform.environ()

    def write(self, files):
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if isinstance(text, str) else json.dumps(text))
        return self

    def deploy(self, *words, check=True):
        started = time.monotonic()
        done = self.platform.cli("deploy", self.directory, "--stack", self.stack, *words, check=False)
        done.seconds = time.monotonic() - started
        if check:
            assert done.returncode == 0, done.stderr + done.stdout
        return done

    def delete(self, check=True):
        return self.platform.cli("delete", self.stack, check=check)

    def changes(self, done):
        """What a deployment did: `CREATE Id`, `UPDATE Id`, `DELETE Id`, without the stack itself."""
        found = re.findall(r"(CREATE|UPDATE|DELETE)_COMPLETE +(AWS::\S+) +(\S+)", done.stderr)
        return sorted({f"{verb} {name}" for verb, kind, name in found if kind != "AWS::CloudFormation::Stack"})

    @property
    def described(self):
        client = self.platform.client("cloudformation")
        return client.describe_stacks(StackName=self.stack)["Stacks"][0]

    @property
    def outputs(self):
        return {output["OutputKey"]: output["OutputValue"] for output in self.described.get("Outputs", [])}

    @property
    def resources(self):
        listed = json.loads(self.platform.cli("ls", "--json").stdout)
        found = next((entry["Resources"] for entry in listed if entry["Name"] == self.stack), [])
        return {entry["Id"]: entry["PhysicalId"] for entry in found}

    def send(self, method, path, **options):
        """A request to the application's API by its name."""
        return send(self.platform, method, path, host=f"{self.stack}.localhost", **options)


def traces(platform, stack):
    """Everything of `stack` that is still there."""
    prefix = f"{stack}-".lower()
    functions = platform.client("lambda").get_paginator("list_functions").paginate().search("Functions[].FunctionName")
    roles = platform.client("iam").get_paginator("list_roles").paginate().search("Roles[].RoleName")
    http = platform.client("apigatewayv2").get_apis(MaxResults="500")["Items"]
    rest = platform.client("apigateway").get_rest_apis(limit=500)["items"]
    names = [*functions, *roles, *(f"{api['ApiId']}-" for api in http), *(f"{api['id']}-" for api in rest)]
    return [name for name in names if name.lower().startswith(prefix)]


def life(application, calls, change, expected):
    """The whole life of an application. `calls` is run before and after `change`; `expected` is what the change may touch."""
    application.deploy()
    before = calls()
    again = application.deploy()
    assert application.changes(again) == [], "nothing was changed"
    application.write(change)
    changed = application.changes(application.deploy())
    assert changed == sorted(expected), changed
    after = calls()
    application.delete()
    assert traces(application.platform, application.stack) == []
    assert application.resources == {}
    return before, after
