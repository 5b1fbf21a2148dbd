"""`kill -9` at random moments, again and again: what was acknowledged is there, what was not is whole or absent, and nothing is left over.

FOGBANK_ROUNDS sets how often (50), FOGBANK_SEED which moments. The ledger of what was acknowledged is kept here, outside the platform.
"""

import base64
import hashlib
import json
import os
import random
import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import BINARY, ROLE, Platform, eventually, invoke, package, unique

ROUNDS = int(os.environ.get("FOGBANK_ROUNDS", 50))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
NAMES = ["a", "b", "c"]
CODE = "def handler(event, context):\n    return {mark}\n"
# What runs later leaves a trace that is durable once it was answered: a log stream named after the call.
LATER = """
import json, os, urllib.request
def handler(event, context):
    body = json.dumps({"logGroupName": "ledger", "logStreamName": event["token"]}).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.CreateLogStream"}
    try:
        urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers))
    except urllib.error.HTTPError as error:
        assert "ResourceAlreadyExists" in error.read().decode()
"""
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Stacked:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: stacked, Runtime: python3.11, Handler: app.handler, CodeUri: src, Environment: {Variables: {MARK: "%s"}}}
"""


def zipped(mark):
    return package({"app.py": CODE.format(mark=mark)})


def digest(mark):
    return base64.b64encode(hashlib.sha256(zipped(mark)).digest()).decode()


class Function:
    """What the platform has acknowledged of one function: the mark of its code, and of each version's."""

    def __init__(self, mark):
        self.latest, self.versions = mark, {}

    def copy(self):
        other = Function(self.latest)
        other.versions = dict(self.versions)
        return other

    def __eq__(self, other):
        return other is not None and (self.latest, self.versions) == (other.latest, other.versions)

    def __repr__(self):
        return f"<{self.latest} {self.versions}>"


class Ledger:
    """What was acknowledged, and what was asked for last and may have happened or not."""

    def __init__(self):
        self.functions, self.tokens, self.mark = {}, [], 0
        self.asked = None

    def next_mark(self):
        self.mark += 1
        return self.mark

    def may_be(self, name):
        """The states that a function may be in after a crash."""
        states = [self.functions.get(name)]
        if self.asked and self.asked[0] == name:
            states.append(self.asked[1])
        return states


def work(client, ledger, rng, mark):
    """Changes and calls functions until the platform goes away; whatever it answers is written into the ledger."""
    while True:
        name = rng.choice(NAMES)
        known = ledger.functions.get(name)
        kind = rng.choice(["create", "code", "publish", "call", "later", "later", "delete"]) if known else "create"
        try:
            if kind == "create" and not known:
                change(ledger, name, Function(ledger.next_mark()), lambda new: client.create_function(
                    FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": zipped(new.latest)},
                    Environment={"Variables": {"MARK": mark}},
                ))  # fmt: skip
            elif kind in ("code", "publish"):
                new = known.copy()
                new.latest = ledger.next_mark()
                if kind == "publish":
                    new.versions[str(len(known.versions) + 1)] = new.latest
                publish = kind == "publish"
                answer = change(ledger, name, new, lambda new: client.update_function_code(
                    FunctionName=name, ZipFile=zipped(new.latest), Publish=publish
                ))  # fmt: skip
                if publish:
                    assert answer["Version"] in new.versions
            elif kind == "delete" and rng.random() < 0.3:
                change(ledger, name, None, lambda _: client.delete_function(FunctionName=name))
            elif kind == "call":
                assert invoke(client, name) == (known.latest, None)
            elif kind == "later":
                token = unique("token")
                assert client.invoke(FunctionName="later", InvocationType="Event", Payload=json.dumps({"token": token}))["StatusCode"] == 202
                ledger.tokens.append(token)
        except (BotoCoreError, ConnectionError):
            return
        except ClientError as error:
            # A platform that is being killed answers nothing wrong; whatever it refuses is a failure.
            ledger.refused = error
            return


def change(ledger, name, new, call):
    ledger.asked = (name, new)
    answer = call(new)
    if new is None:
        ledger.functions.pop(name)
    else:
        ledger.functions[name] = new
    ledger.asked = None
    return answer


def observed(client, name):
    """The state that a function is really in: every version is called."""
    versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    function = None
    for version in versions:
        mark, error = invoke(client, f"{name}:{version['Version']}")
        assert error is None, (name, version["Version"], mark)
        assert version["CodeSha256"] == digest(mark), "what is said is what runs"
        if version["Version"] == "$LATEST":
            function = Function(mark)
        else:
            function.versions[version["Version"]] = mark
    return function


def check(client, ledger, pool):
    """Holds the platform against the ledger, and then takes what is there as the truth."""
    listed = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    names = [name for name in listed if name in NAMES]
    found = dict(zip(names, pool.map(lambda name: observed(client, name), names)))
    for name in NAMES:
        assert found.get(name) in ledger.may_be(name), f"{name} is {found.get(name)}, but may only be {ledger.may_be(name)}"
    ledger.functions, ledger.asked = found, None


def left_over(platform, mark):
    """Processes, mounts, loop devices and control groups of a platform that was killed."""
    directory, left = str(platform.data_dir), []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
            environment = Path(f"/proc/{process}/environ").read_bytes()
        except OSError:
            continue
        if ("fogbank-spawner" in command and directory in command) or mark.encode() in environment:
            left.append(command)
    left += [line for line in Path("/proc/mounts").read_text().splitlines() if directory in line]
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            left += [text for text in [backing.read_text()] if directory in text]
        except OSError:
            pass
    return left + [group for group in groups() if platform.group in group]


def groups():
    """The control groups that platforms have made."""
    found = set()
    for root, folders, _ in os.walk("/sys/fs/cgroup"):
        ours = [folder for folder in folders if folder.startswith("fogbank-")]
        found.update(os.path.join(root, folder) for folder in ours)
        folders[:] = [folder for folder in folders if folder not in ours]
    return found


def own_group(mark):
    """How the names of the control groups begin that the platform puts its functions in; others on this machine have theirs."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in Path(f"/proc/{process}/environ").read_bytes():
                return re.search(r"fogbank-\w+", Path(f"/proc/{process}/cgroup").read_text()).group()
        except OSError:
            pass
    raise AssertionError("no function runs")


class Deployment:
    """An application whose code changes every round, deployed while the platform dies."""

    def __init__(self, directory, mark):
        self.directory = directory
        (directory / "src").mkdir(parents=True)
        (directory / "template.yaml").write_text(TEMPLATE % mark)

    def begin(self, platform, mark):
        (self.directory / "src/app.py").write_text(CODE.format(mark=mark))
        words = [BINARY, "deploy", self.directory, "--stack", "crashed"]
        return subprocess.Popen(
            words, env=platform.environ(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


@pytest.mark.alone
def test_nothing_acknowledged_is_lost_whenever_the_platform_dies(tmp_path):
    rng, mark, ledger = random.Random(SEED), unique("mark"), Ledger()
    platform = Platform(tmp_path / "data")
    deployment = Deployment(tmp_path / "app", mark)
    pool = ThreadPoolExecutor(4)

    def start():
        return platform.start().client("lambda", read_timeout=30)

    def traces():
        pages = platform.client("logs").get_paginator("describe_log_streams").paginate(logGroupName="ledger")
        return {stream["logStreamName"] for page in pages for stream in page["logStreams"]}

    try:
        client = start()
        platform.client("logs").create_log_group(logGroupName="ledger")
        client.create_function(
            FunctionName="later", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": package({"app.py": LATER})},
            Environment={"Variables": {"MARK": mark}}, Timeout=20,
        )  # fmt: skip
        invoke(client, "later", {"token": "first"})
        platform.group = own_group(mark)
        assert left_over(platform, mark), "what is looked for can be seen while it is there"
        for number in range(ROUNDS):
            ledger.refused = None
            worker = threading.Thread(target=work, args=(client, ledger, rng, mark))
            deploying = deployment.begin(platform, 1_000_000 + number) if number % 5 == 0 else None
            worker.start()
            # Not a wait for anything: the moment is what is tried out.
            time.sleep(rng.uniform(0.01, 0.6 if deploying else 0.25))
            platform.kill()
            worker.join()
            if deploying:
                deploying.communicate(timeout=30)
            assert ledger.refused is None, ledger.refused
            eventually(lambda: not left_over(platform, mark), timeout=10)
            client = start()
            check(client, ledger, pool)
            if deploying:
                again = deployment.begin(platform, 1_000_000 + number)
                said, _ = again.communicate(timeout=60)
                assert again.returncode == 0, said
                assert invoke(client, "stacked") == (1_000_000 + number, None)
        assert len(ledger.tokens) >= ROUNDS // 5, "asynchronous calls were accepted"
        # What was claimed when the platform died is run again once its lease has ended, after a minute.
        eventually(lambda: set(ledger.tokens) <= traces(), timeout=120)
    finally:
        if platform.process.poll() is None:
            platform.kill()
        pool.shutdown()
    eventually(lambda: not left_over(platform, mark), timeout=10)
