"""A function that tells what its instance can see, and searches it. `spy.js` is the same for Node.js."""

import os
import random
import re
import resource
import secrets
import socket
import ssl
import sys
import tempfile
import time
import uuid

kept = []


def handler(event, context):
    answer = globals()[event["do"]](*event.get("with", []))
    time.sleep(event.get("hold", 0))
    return {"answer": answer, "instance": context.log_stream_name}


def text(path):
    with open(path, errors="replace") as file:
        return file.read()


def descriptors():
    """What is open, without the numbers that the kernel gives out."""
    links = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            links[number] = re.sub(r"\d+", "N", os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            pass  # the listing's own
    return links


def status():
    wanted = ("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp", "TracerPid", "Sig", "ShdPnd", "CoreDumping", "Threads", "NSpid")
    lines = (line.split(":\t") for line in text("/proc/self/status").splitlines())
    return {line[0]: line[1].split() for line in lines if line[0].startswith(wanted) and len(line) == 2}


def look():
    return {
        "maps": sorted({line.split(maxsplit=5)[5] for line in text("/proc/self/maps").splitlines() if len(line.split(maxsplit=5)) == 6}),
        "descriptors": descriptors(),
        "environment": dict(os.environ),
        "environ": sorted(entry.split("=")[0] for entry in text("/proc/self/environ").split("\0") if entry),
        "command": text("/proc/self/cmdline").split("\0"),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "threads": len(os.listdir("/proc/self/task")),
        "status": status(),
        "mounts": sorted([line.split()[3:6], line.split(" - ")[1].split()[0]] for line in text("/proc/self/mountinfo").splitlines()),
        "cgroup": text("/proc/self/cgroup"),
        "tmp": os.listdir("/tmp"),
        "shm": os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else [],
        "hostname": socket.gethostname(),
        "directory": os.getcwd(),
        "task": sorted(os.listdir("/var/task")),
        "session": [os.getpid(), os.getppid(), os.getsid(0), os.getpgid(0)],
        "limits": [resource.getrlimit(number) for number in range(16)],
        "modules": sorted(name for name in sys.modules if name in ("app", "planted")),
    }


def plant(secret):
    """Puts the secret into this instance's memory, its environment and its /tmp."""
    kept.append((secret * 64).encode())
    os.environ["PLANTED"] = secret
    with open("/tmp/planted", "w") as file:
        file.write(secret)
    return len(kept)


def contains(piece, head, tail):
    at = piece.find(head)
    while at >= 0:
        if piece[at + len(head) : at + len(head) + len(tail)] == tail:
            return True
        at = piece.find(head, at + 1)
    return False


def search(head, tail):
    """Where the secret is that begins with `head` and ends with `tail`. It comes in two parts, so that it is not found in the event."""
    head, tail, found, seen = head.encode(), tail.encode(), [], 0
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in text("/proc/self/maps").splitlines():
            place, rights, _ = line.split(maxsplit=2)
            name = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) == 6 else "anonymous"
            if "r" not in rights or name in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                continue
            begin, end = (int(address, 16) for address in place.split("-"))
            while begin < end:
                memory.seek(begin)
                try:
                    piece = memory.read(min(end - begin, (1 << 20) + 256))
                except OSError:
                    break
                seen += len(piece)
                if contains(piece, head, tail):
                    found.append(f"memory: {name}")
                begin += 1 << 20
    for process in filter(str.isdigit, os.listdir("/proc")):
        for kind in ("environ", "cmdline"):
            try:
                with open(f"/proc/{process}/{kind}", "rb") as file:
                    if contains(file.read(), head, tail):
                        found.append(kind)
            except OSError:
                pass
    for root in ("/tmp", "/var", "/opt", "/dev/shm"):
        for folder, _, names in os.walk(root):
            for path in (os.path.join(folder, name) for name in names):
                with open(path, "rb") as file:
                    if contains(file.read(1 << 20), head, tail):
                        found.append(path)
    return {"found": sorted(set(found)), "bytes": seen}


def chance():
    """What must never come twice."""
    return {
        "random": random.random(),
        "system": random.SystemRandom().random(),
        "secrets": secrets.token_hex(16),
        "uuid4": str(uuid.uuid4()),
        "uuid1": str(uuid.uuid1()),
        "urandom": os.urandom(16).hex(),
        # Both keep a generator of their own, which a copy of the process must not share.
        "openssl": ssl.RAND_bytes(16).hex(),
        "temporary": next(tempfile._get_candidate_names()),
    }


def hash_seed():
    return hash("x")


def clocks():
    return {"time": time.time(), "monotonic": time.monotonic()}


def leave():
    os._exit(1)
