"""What black-box tests share: the real binary on a fresh data directory, and real clients for it."""

import io
import json
import os
import subprocess
import time
import urllib.request
import uuid
import zipfile
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from web import Application

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("FOGBANK", ROOT / "target/release/fogbank"))
ACCOUNT = "000000000000"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tests"


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time or counts processes, so nothing else may run beside it")


class Platform:
    """A running `fogbank serve`."""

    def __init__(self, data_dir, *arguments, environment=None):
        self.data_dir = Path(data_dir)
        self.log = self.data_dir.with_suffix(".log")
        self.arguments = arguments
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.endpoint = None

    def start(self, listen="127.0.0.1:0"):
        command = [BINARY, "serve", "--listen", listen, "--data-dir", self.data_dir, *self.arguments]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True, env=self.environment
            )
        line = self.process.stdout.readline().strip()
        assert line.startswith("http://"), f"the platform did not start: {self.log.read_text()}"
        self.endpoint = line
        return self

    def kill(self):
        """As if the machine's power had been cut, as far as the platform is concerned."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=20) == 0

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    def client(self, service, account=ACCOUNT, region=REGION, **options):
        options.setdefault("retries", {"max_attempts": 0})
        options.setdefault("read_timeout", 120)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="any",
            config=Config(**options),
        )

    def environ(self, account=ACCOUNT):
        """The variables that point an unmodified client here."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_PAGER": "",
        }

    def cli(self, *words, check=True, **options):
        """Runs a command of the fogbank command line against this platform."""
        done = subprocess.run(
            [BINARY, *words], env=self.environ(), text=True, capture_output=True, stdin=subprocess.DEVNULL, **options
        )
        if check:
            assert done.returncode == 0, done.stderr + done.stdout
        return done

    def http(self, method, path, body=None, headers=None, host=None, timeout=60):
        """A plain HTTP request; answers (status, headers, body) for errors too."""
        request = urllib.request.Request(self.endpoint + path, data=body, method=method, headers=headers or {})
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("platform") / "data").start()
    yield platform
    platform.stop()


@pytest.fixture
def fresh(tmp_path):
    """Starts platforms of a test's own; all are ended with the test."""
    started = []

    def start(*arguments, name="data", **options):
        platform = Platform(tmp_path / name, *arguments, **options).start()
        started.append(platform)
        return platform

    yield start
    for platform in started:
        if platform.process.poll() is None:
            platform.kill()


@pytest.fixture(scope="session")
def aws(platform):
    """boto3 clients of the shared platform, by service."""
    clients = {}

    def client(service):
        return clients.setdefault(service, platform.client(service))

    return client


@pytest.fixture
def client(aws):
    """Lambda's client."""
    return aws("lambda")


@pytest.fixture
def dynamodb(aws):
    return aws("dynamodb")


@pytest.fixture
def kinesis(aws):
    return aws("kinesis")


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def sqs(aws):
    return aws("sqs")


def package(files):
    """A ZIP of `files`: names and texts, or (text, mode) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            content, mode = content if isinstance(content, tuple) else (content, 0o644)
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def unique(prefix="t"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make_function(aws):
    """Creates functions that go with the test. Answers the function's name."""
    made = []

    def make(code, *, runtime="python3.11", handler="app.handler", client=None, **settings):
        client = client or aws("lambda")
        files = code if isinstance(code, dict) else {"app.js" if runtime.startswith("node") else "app.py": code}
        name = settings.pop("FunctionName", unique("fn"))
        client.create_function(
            FunctionName=name, Runtime=runtime, Handler=handler, Role=ROLE, Code={"ZipFile": package(files)}, **settings
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        made.append((client, name))
        return name

    yield make
    for client, name in made:
        try:
            client.delete_function(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def map_source(client, sqs, make_function):
    """Maps event sources to functions that show what they are called with in a queue; the mappings go with the test. Answers the queue, the function's
    name, and the mapping."""
    made = []

    def make(code, arn, variables=None, **options):
        out = sqs.create_queue(QueueName=unique())["QueueUrl"]
        function = make_function(code, Timeout=5, Environment={"Variables": {"OUT": out, **(variables or {})}})
        made.append(client.create_event_source_mapping(FunctionName=function, EventSourceArn=arn, **options)["UUID"])
        return out, function, made[-1]

    yield make
    for uuid in made:
        try:
            client.delete_event_source_mapping(UUID=uuid)
        except client.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def application(platform, tmp_path):
    """Writes applications, whose stacks go with the test. `files` are names and texts."""
    made = []

    def make(files, name="app"):
        directory = tmp_path / unique(name)
        directory.mkdir()
        made.append(Application(platform, directory).write(files))
        return made[-1]

    yield make
    for application in reversed(made):
        application.delete(check=False)


def invoke(client, name, event=None, **options):
    """Calls a function. Answers (its result, its error kind or None)."""
    reply = client.invoke(FunctionName=name, Payload=json.dumps({} if event is None else event), **options)
    return json.loads(reply["Payload"].read() or "null"), reply.get("FunctionError")


def eventually(condition, timeout=10):
    """Waits until `condition` answers something true, and answers that."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            assert value, "the condition did not come true in time"
            return value
        time.sleep(0.02)


def error_of(call, *words, **arguments):
    """The (code, message) that a boto3 call is refused with."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(*words, **arguments)
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message", "")
