"""Cold starts: what a new instance can see of others, and what many of them leave behind. Everything is looked at from outside, or by the
function itself (`spy.py`, `spy.js`).

FOGBANK_COLD_STARTS sets how many there are in a row (300).
"""

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROLE, eventually, invoke, package, unique

COLD_STARTS = int(os.environ.get("FOGBANK_COLD_STARTS", 300))
FOLDER = Path(__file__).parent
PYTHON, NODE, SNAPSHOT = "python3.12", "nodejs22.x", "python3.12 with SnapStart"
KINDS = [PYTHON, NODE, SNAPSHOT]
# What may differ between two counts of the same platform at rest: spares are made, and given up, in their own time.
SPARE_PROCESSES, SPARE_DESCRIPTORS = 8, 32
# How much memory may grow: the store keeps up to 16 MiB of pages, which fill with log lines; the rest is what allocators do not give back.
GROWTH_MIB = 24


class Spy:
    """A function that looks around; `secret` is in its code and its environment."""

    def __init__(self, client, kind, name=None, secret=""):
        self.client, self.name, self.secret = client, name or unique("spy"), secret
        runtime, snapshot = kind.split()[0], kind == SNAPSHOT
        source = "spy.js" if runtime == NODE else "spy.py"
        code = (FOLDER / source).read_text()
        if runtime == NODE:
            files = {"app.js": code + "\nglobalThis.planted = require('./planted.js');\n", "planted.js": f"exports.secret = '{secret}';\n"}
        else:
            files = {"app.py": code + "\nimport planted\n", "planted.py": f"secret = '{secret}'\n"}
        client.create_function(
            FunctionName=self.name, Runtime=runtime, Handler="app.handler", Role=ROLE, Code={"ZipFile": package(files)}, Timeout=60,
            MemorySize=256, Environment={"Variables": {"SECRET": secret}}, **({"SnapStart": {"ApplyOn": "PublishedVersions"}} if snapshot else {}),
        )  # fmt: skip
        self.qualifier = {}
        if snapshot:
            version = client.publish_version(FunctionName=self.name)["Version"]
            eventually(lambda: self.configuration(version)["State"] != "Pending", timeout=30)
            configuration = self.configuration(version)
            assert configuration["State"] == "Active", configuration
            assert configuration["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
            self.qualifier = {"Qualifier": version}

    def configuration(self, version):
        return self.client.get_function_configuration(FunctionName=self.name, Qualifier=version)

    def ask(self, do, *words, hold=0):
        """Answers (what the function says, which instance it was)."""
        result, error = invoke(self.client, self.name, {"do": do, "with": words, "hold": hold}, **self.qualifier)
        assert error is None, result
        return result["answer"], result["instance"]

    def leave(self):
        """Ends the instance that answers; the next call needs a new one."""
        assert invoke(self.client, self.name, {"do": "leave"}, **self.qualifier)[1] == "Unhandled"

    def found(self, secret):
        """Where the instance that answers finds the secret."""
        answer, _ = self.ask("search", secret[:7], secret[7:])
        assert answer["bytes"] > 1 << 20, "it can read its own memory"
        return answer["found"]

    def several(self, do, count=4):
        """What several instances of the function say, each of them new."""
        with ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(lambda _: self.ask(do, hold=1), range(count)))
        assert len({instance for _, instance in answers}) == count
        return [answer for answer, _ in answers]


@pytest.fixture
def spy(platform):
    """Makes spies, which go with the test."""
    client, made = platform.client("lambda", max_pool_connections=64), []

    def make(kind, **settings):
        made.append(Spy(client, kind, **settings))
        return made[-1]

    yield make
    for one in made:
        client.delete_function(FunctionName=one.name)


def secret():
    return unique("secret").replace("-", "")


# What a new instance can see.


def without(value, *hidden):
    """The value as text, without what names the function, its instance and its code (by digest, in the list of mounts)."""
    text = re.sub(r"[0-9a-f]{64}", "*", json.dumps(value, sort_keys=True))
    for word in hidden:
        text = text.replace(word, "*")
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_instance_looks_the_same_whatever_else_has_run(spy, kind):
    first, second = spy(kind, secret=secret()), spy(kind, secret=secret())
    first.ask("plant", secret())

    def look_as_new():
        first.leave()
        second.leave()
        return first.ask("look")[0], second.ask("look")[0]

    # Both as started in the same way: anew, or from a sandbox that waited.
    one, two = eventually(lambda: (seen := look_as_new())[0]["environ"] == seen[1]["environ"] and seen)
    # Ids are any.
    assert len(one["processes"]) == len(two["processes"])
    for seen in (one, two):
        seen["descriptors"] = sorted(set(seen["descriptors"].values()))
        seen["status"] = {name: value for name, value in seen["status"].items() if not name.startswith("NS")}
    for name in sorted(set(one) - {"environment", "processes", "session"}):
        hidden = (first.name, second.name)
        assert without(one[name], *hidden) == without(two[name], *hidden), name
    assert sorted(one["environment"]) == sorted(two["environment"])
    mixed = without(two, second.name)
    assert first.name not in mixed and first.secret not in mixed
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert one["environment"][name] != two["environment"][name], f"{name} is the instance's own"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_instance_has_nothing_but_its_own(spy, kind):
    seen, _ = spy(kind, secret=secret()).ask("look")
    assert seen["tmp"] == [] and seen["shm"] == []
    assert seen["environment"]["AWS_LAMBDA_FUNCTION_NAME"] and "PLANTED" not in seen["environment"]
    status = seen["status"]
    assert all(set(status[name]) == {"0" * 16} for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")), status
    assert status["NoNewPrivs"] == ["1"] and status["Seccomp"] == ["2"] and status["TracerPid"] == ["0"]
    assert status["SigBlk"] == ["0" * 16], "no signal is blocked"
    assert "0" not in status["Uid"] + status["Gid"], "it is nobody of importance"
    # Itself, its init, and nobody else.
    assert len(seen["processes"]) <= 3, seen["processes"]
    allowed = re.compile(r"/dev/null|/dev/u?random|pipe:\[N\]|socket:\[N\]|anon_inode:\[(eventpoll|eventfd|io_uring)\]|/proc/N/fd|/proc/N/maps")
    assert all(allowed.fullmatch(link) for link in seen["descriptors"].values()), seen["descriptors"]
    data = [place for place in seen["maps"] if "fogbank" in place or "memfd" in place or "/data/" in place]
    assert data == [], "nothing of the platform is mapped"


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_one_function_is_nowhere_in_another(spy, kind):
    before = spy(kind, secret=secret())
    before.ask("clocks")
    owner, planted = spy(kind, secret=secret()), secret()
    owner.ask("plant", planted)
    there = owner.found(planted)
    assert "/tmp/planted" in there and any(place.startswith("memory: ") for place in there), "what is searched for can be found"
    assert any(place.startswith("/var/task/planted") for place in owner.found(owner.secret))
    after = spy(kind, secret=secret())
    for other in (before, after):
        assert other.found(planted) == [] and other.found(owner.secret) == []
    owner.leave()
    assert owner.found(planted) == [], "a new instance has nothing of the one before it"
    after.leave()
    assert after.found(planted) == [] and after.found(owner.secret) == []


@pytest.mark.parametrize("kind", KINDS)
def test_chance_never_repeats(spy, kind):
    first, second = spy(kind), spy(kind)
    drawn = first.several("chance") + second.several("chance")
    for name in drawn[0]:
        values = [one[name] for one in drawn]
        assert len(set(values)) == len(values), f"{name}: {values}"


@pytest.mark.parametrize("kind", [PYTHON, SNAPSHOT])
def test_two_functions_hash_differently(spy, kind):
    one, other = spy(kind), spy(kind)
    if kind == PYTHON:
        # Both may come from one zygote, which has one seed; who minds says so, and is started anew (docs/cold-starts.md).
        variables = {"PYTHONHASHSEED": "random", "SECRET": ""}
        other.client.update_function_configuration(FunctionName=other.name, Environment={"Variables": variables})
    assert one.ask("hash_seed")[0] != other.ask("hash_seed")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_clocks_are_those_of_the_moment(spy, kind):
    function = spy(kind)
    for _ in range(3):
        begun = (time.time(), time.monotonic())
        told, _ = function.ask("clocks")
        ended = (time.time(), time.monotonic())
        assert begun[0] - 0.01 <= told["time"] <= ended[0] + 0.01
        assert begun[1] - 0.01 <= told["monotonic"] <= ended[1] + 0.01
        function.leave()


# What cold starts leave behind.


def parents():
    """Every process's parent, by the process."""
    found = {}
    for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[process] = int(fields[1])
    return found


def descendants(process):
    every, found = parents(), [process]
    for parent in found:
        found += [child for child, of in every.items() if of == parent]
    return found[1:]


def spawner_of(platform):
    def find():
        for child in descendants(platform.process.pid):
            try:
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"fogbank-spawner"):
                    return child
            except OSError:
                pass

    # Clones of it have its name: the first is the one that the platform itself has started.
    return eventually(find)


def control_groups(platform):
    """How many control groups there are below the platform's own."""
    own = re.findall(r"fogbank-[\w-]+", "".join(cgroup_of(process) for process in descendants(platform.process.pid)))
    count = 0
    for root, folders, _ in os.walk("/sys/fs/cgroup"):
        count += len(folders) if os.path.basename(root) in own else 0
    return count


def cgroup_of(process):
    try:
        return Path(f"/proc/{process}/cgroup").read_text()
    except OSError:
        return ""


def namespaces(processes):
    found = set()
    for process in processes:
        for kind in ("mnt", "net", "pid", "ipc", "uts", "user"):
            try:
                found.add(os.readlink(f"/proc/{process}/ns/{kind}"))
            except OSError:
                pass
    return len(found)


def loop_devices(platform):
    count = 0
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            count += str(platform.data_dir) in backing.read_text()
        except OSError:
            pass
    return count


def lines_of(path):
    return len(Path(path).read_text().splitlines())


def resident(process):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text()).group(1)) / 1024


def count(platform):
    """What of the system's things the platform has, by kind."""
    spawner, processes = spawner_of(platform), descendants(platform.process.pid)
    return {
        "processes": len(processes),
        "descriptors of the platform": len(os.listdir(f"/proc/{platform.process.pid}/fd")),
        "descriptors of the spawner": len(os.listdir(f"/proc/{spawner}/fd")),
        "mounts of the spawner": lines_of(f"/proc/{spawner}/mountinfo"),
        "mounts of the host": lines_of("/proc/self/mountinfo"),
        "control groups": control_groups(platform),
        "namespaces": namespaces(processes),
        "loop devices": loop_devices(platform),
    }


def allowance(kind):
    # A sandbox that waits has two processes, and a group of each controller.
    return {"control groups": 2 * SPARE_PROCESSES, "descriptors of the platform": SPARE_DESCRIPTORS, "descriptors of the spawner": SPARE_DESCRIPTORS, "namespaces": 6 * SPARE_PROCESSES}.get(
        kind, SPARE_PROCESSES
    )


@pytest.mark.alone
@pytest.mark.parametrize("kind", KINDS)
def test_many_cold_starts_leave_nothing_behind(fresh, kind):
    platform = fresh()
    spy = Spy(platform.client("lambda"), kind)
    seen = set()

    def start(times):
        for number in range(times):
            answer, instance = spy.ask("clocks")
            assert instance not in seen, "every call has an instance of its own"
            seen.add(instance)
            if number % 25 == 24 and kind != SNAPSHOT:
                # Another way for an instance to go: it is not wanted any more.
                spy.client.update_function_configuration(FunctionName=spy.name, Description=str(number))
            else:
                spy.leave()

    start(COLD_STARTS // 10)
    settled(platform)
    before, pids = count(platform), (platform.process.pid, spawner_of(platform))
    memory = [resident(pid) for pid in pids]
    start(COLD_STARTS - COLD_STARTS // 10)
    settled(platform)

    def more():
        after = count(platform)
        return {what: (before[what], after[what]) for what in after if after[what] > before[what] + allowance(what)}

    end = time.monotonic() + 20
    while more() and time.monotonic() < end:
        time.sleep(0.1)
    assert more() == {}, "by kind, before and after"
    growth = [resident(pid) - then for pid, then in zip(pids, memory)]
    assert max(growth) <= GROWTH_MIB, f"platform and spawner have grown by {growth} MiB from {memory} in {COLD_STARTS} cold starts"
    assert descendants(os.getpid()).count(pids[1]) == 1, "it is still the same spawner"


def settled(platform):
    """The processes below the spawner once they have not changed for half a second."""
    spawner, since, known, end = spawner_of(platform), time.monotonic(), None, time.monotonic() + 30
    while time.monotonic() - since < 0.5 or known is None:
        assert time.monotonic() < end, "the spawner's processes do not come to rest"
        now = sorted(descendants(spawner))
        if now != known:
            known, since = now, time.monotonic()
        time.sleep(0.02)
    return known
