"""Limits and isolation of functions deployed through the API. Every attack first runs on the host, to prove that it works there, and then
inside instances started in every way that there is.
"""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROLE, error_of, eventually, invoke, package, unique
from launchers import LAUNCHERS, NATIVE, NODE, PYTHON, attacking_function

SCRIPT = Path(__file__).parent / "attacks.py"
SYNCHRONOUS, ASYNCHRONOUS = 6_291_556, 1_048_576


def outside(attack, timeout=60, **arguments):
    """Runs an attack on the host."""
    event = json.dumps({"attack": attack, "with": arguments})
    done = subprocess.run([sys.executable, SCRIPT, event], text=True, capture_output=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=LAUNCHERS)
def inside(request, client, make_function):
    """Runs an attack as a function; answers the reply with its payload read."""
    made = {}

    def run(attack, settings=None, **arguments):
        key = json.dumps(settings, sort_keys=True)
        if key not in made:
            made[key] = attacking_function(client, make_function, request.param, **{"Timeout": 30, "MemorySize": 256, **(settings or {})})
        event = json.dumps({"attack": attack, "with": arguments})
        name, options = made[key]
        reply = client.invoke(FunctionName=name, Payload=event, LogType="Tail", **options)
        payload = json.loads(reply["Payload"].read())
        return payload, reply.get("FunctionError"), base64.b64decode(reply["LogResult"]).decode()

    return run


def value(result):
    payload, error, log = result
    assert error is None, (payload, log)
    return payload


@pytest.fixture
def neighbour(client, make_function):
    """A function that is called all the time while a test runs; every one of its calls must be answered."""
    name = make_function("def handler(event, context): return event")
    stop, wrong, answered = threading.Event(), [], []

    def call():
        while not stop.is_set():
            try:
                assert invoke(client, name, {"n": len(answered)}) == ({"n": len(answered)}, None)
                answered.append(1)
            except Exception as error:  # noqa: BLE001  (whatever it is, the test is told)
                wrong.append(error)
                return

    thread = threading.Thread(target=call)
    thread.start()
    yield answered
    seen = len(answered)
    eventually(lambda: wrong or len(answered) > seen)
    stop.set()
    thread.join()
    assert not wrong


def test_too_much_memory_ends_the_instance_and_nobody_else(inside, neighbour):
    assert outside("allocate", mb=400) == 400
    assert value(inside("allocate", {"MemorySize": 128}, mb=20)) == 20
    payload, error, log = inside("allocate", {"MemorySize": 128}, mb=400)
    assert error == "Unhandled"
    assert payload["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError")
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    report = log.splitlines()[-1]
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB\t" in report
    assert "Status: error\tError Type: Runtime.OutOfMemory" in report
    assert value(inside("allocate", {"MemorySize": 128}, mb=20)) == 20, "the next call has a new instance"
    assert value(inside("allocate", {"MemorySize": 512}, mb=400)) == 400, "with more memory it works"


def test_an_endless_loop_ends_at_its_limit(inside, neighbour):
    with pytest.raises(subprocess.TimeoutExpired):
        outside("loop", timeout=1.5)
    began = time.monotonic()
    payload, error, log = inside("loop", {"Timeout": 1})
    assert time.monotonic() - began < 5
    request = payload["errorMessage"].split()[1]
    assert (error, payload) == (
        "Unhandled",
        {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request} Error: Task timed out after 1.00 seconds"},
    )
    assert f"{request} Task timed out after 1.00 seconds" in log
    restored = re.search(r"Billed Restore Duration: (\d+) ms", log)
    billed = 1000 + int(restored[1] if restored else 0)
    assert f"Duration: 1000.00 ms\tBilled Duration: {billed} ms" in log and "Status: timeout" in log
    assert value(inside("allocate", {"Timeout": 1}, mb=1)) == 1


def test_processes_are_limited(inside, neighbour):
    assert outside("forks", count=1500) == [1500, None]
    made, error = value(inside("forks", {"MemorySize": 4096}, count=1500))
    assert error == "EAGAIN" and 100 < made <= 1024


def test_a_fork_bomb_ends_with_its_time(inside, neighbour):
    payload, error, _ = inside("fork_bomb", {"Timeout": 2})
    assert error == "Unhandled" and payload["errorType"] in ("Sandbox.Timedout", "Runtime.OutOfMemory", "Runtime.ExitError")
    assert value(inside("allocate", {"Timeout": 2}, mb=1)) == 1


def test_tmp_has_a_size_of_its_own(inside, neighbour, tmp_path):
    assert outside("fill", mb=600, directory=str(tmp_path)) == [600, None]
    written, error = value(inside("fill", mb=600))
    assert error == "ENOSPC" and 400 < written <= 512


# AWS has no SnapStart for a larger /tmp.
@pytest.mark.parametrize("inside", [PYTHON, NODE, NATIVE], indirect=True)
def test_tmp_may_be_larger_than_usual(inside):
    assert value(inside("fill", {"EphemeralStorage": {"Size": 1024}}, mb=700)) == [700, None]


def test_tmp_may_be_larger_than_memory(inside):
    assert value(inside("fill", {"MemorySize": 128}, mb=400)) == [400, None]


def test_open_files_are_limited(inside, neighbour):
    assert outside("open_files", count=3000) == [3000, None]
    opened, error = value(inside("open_files", count=3000))
    assert error == "EMFILE" and opened <= 1024


def test_host_files_are_out_of_reach(inside, platform, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for path in ("/etc/shadow", str(secret), str(platform.data_dir), f"/proc/{os.getpid()}/root/etc/shadow", "/boot", "/sys/kernel"):
        assert outside("read", path=path)[0] in ("file", "directory"), path
        assert value(inside("read", path=path))[0] == "refused", path


def test_nothing_but_tmp_can_be_written(inside):
    assert outside("write", path="/etc/evil") == outside("write", path="/usr/lib/evil") == "written"
    for path in ("/etc/evil", "/usr/lib/evil", "/var/task/evil.py", "/opt/evil", "/var/runtime/evil", "/evil", "/proc/sys/kernel/hostname"):
        assert value(inside("write", path=path)) in ("EROFS", "EACCES", "EPERM", "ENOENT"), path
    assert value(inside("write", path="/tmp/good")) == "written"


def test_another_function_and_the_host_are_out_of_sight(inside, client, make_function, platform):
    marker = unique("marker")
    code = f"# {marker}\nimport pathlib\ndef handler(event, context):\n    pathlib.Path('/tmp/own').write_text('{marker}')\n"
    # With a variable that has it started anew: the kernel then shows the environment, outside.
    other = make_function(code, Environment={"Variables": {"SECRET": marker, "PYTHONHASHSEED": "random"}})

    def environment_is_seen():
        # Called each time: where memory is short, an idle instance may have been stopped by now.
        invoke(client, other)
        return any(path.endswith("environ") for path in outside("search", marker=marker, roots=["/proc"]))

    eventually(environment_is_seen)
    assert outside("search", marker=marker, roots=[str(platform.data_dir / "code")]), "its code is in the data directory"
    assert value(inside("search", marker=marker, roots=["/proc", "/tmp", "/var", "/opt", "/home", "/mnt", "/etc"])) == []
    assert any("fogbank" in line for line in outside("processes"))
    seen = value(inside("processes"))
    own = ("bootstrap", "/var/task/attacks.py")
    assert seen and all(line.strip() == "sandbox" or any(name in line for name in own) for line in seen), seen


def test_the_platforms_own_environment_is_out_of_sight(fresh, tmp_path):
    marker = unique("secret")
    platform = fresh(environment={"HOST_SECRET": marker})
    client = platform.client("lambda")
    client.create_function(
        FunctionName="spy", Runtime="python3.11", Handler="app.handler", Role=ROLE, Timeout=20,
        Code={"ZipFile": package({"app.py": SCRIPT.read_text()})},
    )  # fmt: skip
    assert outside("search", marker=marker, roots=["/proc"]), "whoever sees the platform's process sees its environment"
    assert invoke(client, "spy", {"attack": "search", "with": {"marker": marker, "roots": ["/proc"]}}) == ([], None)


def own_address():
    """An address of this host that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return None


def test_host_ports_are_out_of_reach(inside, platform):
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        for host in filter(None, ("127.0.0.1", own_address())):
            assert outside("connect", host=host, port=port) == "connected"
            assert value(inside("connect", host=host, port=port)) != "connected"
    assert outside("connect", host="127.0.0.1", port=platform.port) == "connected"
    assert value(inside("connect", host="127.0.0.1", port=platform.port)) != "connected"
    assert value(inside("connect", host="127.0.0.1", port=4566)) == "connected", "its own door is there"


def call_in_background(client, name, attack, **arguments):
    result = []
    event = {"attack": attack, "with": arguments}
    thread = threading.Thread(target=lambda: result.append(invoke(client, name, event)))
    thread.start()
    return thread, result


def test_another_sandboxes_ports_are_out_of_reach(inside, client, make_function):
    other = make_function(SCRIPT.read_text(), Timeout=30)
    own, result = call_in_background(client, other, "serve", port=7777, seconds=2)
    assert invoke(client, other, {"attack": "allocate", "with": {"mb": 1}}) == (1, None)
    while own.is_alive():
        assert value(inside("connect", host="127.0.0.1", port=7777)) == "ECONNREFUSED"
    assert result == [("nobody came", None)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert outside("connect", host="127.0.0.1", port=server.getsockname()[1]) == "connected"


def test_another_instances_call_cannot_be_answered(inside, client, make_function, aws):
    other = make_function(SCRIPT.read_text(), Timeout=30)
    thread, result = call_in_background(client, other, "patient", seconds=4)
    group = f"/aws/lambda/{other}"

    def request():
        try:
            events = aws("logs").filter_log_events(logGroupName=group, filterPattern="START")["events"]
        except aws("logs").exceptions.ResourceNotFoundException:
            return None
        return events and events[0]["message"].split()[2]

    assert value(inside("answer_for", request=eventually(request))) in (400, 403, 404)
    thread.join()
    assert result == [("own", None)]


@pytest.mark.parametrize("call", ["mount", "ptrace", "bpf", "keyctl", "init_module", "unshare", "setns"])
def test_dangerous_system_calls_are_refused(inside, call):
    works = outside("system_call", name=call)
    # What the kernel was built without, and a module of zeros, fail otherwise on the host.
    assert works in ("ok", "ENOSYS", "ENOEXEC", "EINVAL"), works
    assert value(inside("system_call", name=call)) in ("EPERM", "ENOSYS")


def running(marker):
    """Host processes whose command line holds the marker."""
    return [line for line in outside("processes") if marker in line and "attacks.py" not in line]


@pytest.mark.parametrize("end", ["deleted", "changed", "timed out"])
def test_a_background_process_does_not_outlive_its_instance(client, make_function, end):
    marker = unique("left")
    name = make_function(SCRIPT.read_text(), Timeout=1 if end == "timed out" else 10)
    assert invoke(client, name, {"attack": "leave_behind", "with": {"marker": marker}}) == ("left", None)
    assert len(running(marker)) == 1, "it lives on between calls, as its instance does"
    if end == "deleted":
        client.delete_function(FunctionName=name)
    elif end == "changed":
        client.update_function_configuration(FunctionName=name, Timeout=11)
    else:
        assert invoke(client, name, {"attack": "loop"})[1] == "Unhandled"
    eventually(lambda: not running(marker))


@pytest.fixture
def measure(make_function):
    return make_function("def handler(event, context): return len(event)", Timeout=20, MemorySize=512)


def event_of(size):
    return b'"' + b"x" * (size - 2) + b'"'


def test_payloads_have_a_largest_size(client, measure):
    reply = client.invoke(FunctionName=measure, Payload=event_of(SYNCHRONOUS))
    assert json.loads(reply["Payload"].read()) == SYNCHRONOUS - 2
    code, message = error_of(client.invoke, FunctionName=measure, Payload=event_of(SYNCHRONOUS + 1))
    assert (code, message) == (
        "RequestEntityTooLargeException",
        f"Request must be smaller than {SYNCHRONOUS} bytes for the InvokeFunction operation",
    )
    reply = client.invoke(FunctionName=measure, Payload=event_of(ASYNCHRONOUS), InvocationType="Event")
    assert reply["StatusCode"] == 202
    code, message = error_of(client.invoke, FunctionName=measure, Payload=event_of(ASYNCHRONOUS + 1), InvocationType="Event")
    assert code == "RequestEntityTooLargeException" and message.startswith("Request must be smaller than 1048576 bytes")
    code, _ = error_of(client.invoke, FunctionName=measure, Payload=event_of(40 << 20))
    assert code == "RequestEntityTooLargeException"


def test_answers_have_a_largest_size(inside):
    assert len(value(inside("large", {"MemorySize": 512}, mb=5))) == 5 << 20
    payload, error, _ = inside("large", {"MemorySize": 512}, mb=7)
    assert (error, payload) == (
        "Unhandled",
        {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": f"Response payload size exceeded maximum allowed payload size ({SYNCHRONOUS} bytes).",
        },
    )
