"""Forks this interpreter into sandboxes of their own, each told by the platform which function it is.

Used by the bootstrap alone: by a zygote, which has loaded what functions usually import and no function, and by a snapshot, which has loaded one
function. The platform catches each child before it runs and gives it its own namespaces; here the child learns the rest.
"""

import _socket
import gc
import os
import signal
import sys
import time

# What functions and the libraries that they use import most.
_USUAL = """
abc array ast asyncio base64 binascii bisect calendar cgi codecs collections collections.abc concurrent.futures contextlib contextvars copy
copyreg csv ctypes dataclasses datetime decimal difflib email email.header email.message email.parser email.utils enum errno fnmatch
fractions functools getpass gzip hashlib heapq hmac html html.entities html.parser http http.client http.cookies importlib.metadata
importlib.resources inspect io ipaddress itertools json keyword locale logging logging.handlers math mimetypes multiprocessing numbers
opcode operator pathlib pickle pkgutil platform posixpath pprint queue quopri random re secrets select selectors shlex shutil signal socket
ssl stat statistics string stringprep struct subprocess tempfile textwrap threading timeit token tokenize traceback types typing unicodedata
unittest urllib.error urllib.parse urllib.request uuid warnings weakref xml.etree.ElementTree xml.parsers.expat zipfile zlib zoneinfo
""".split()

_loaded = set()


def load_usual():
    """Imports what is usual. A version of Python may lack some of it."""
    import warnings
    before = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _USUAL:
            try:
                __import__(name)
            except ImportError:
                pass
    _loaded.update(name.partition(".")[0] for name in set(sys.modules) - before)


def look_anew(places):
    """Forgets what was found at `places` before there was a function, and unloads each module that it brings under the same name."""
    brought = set()
    for place in places:
        sys.path_importer_cache.pop(place, None)
        try:
            brought.update(name.partition(".")[0] for name in os.listdir(place))
        except OSError:
            pass
    for top in brought & _loaded:
        for name in [name for name in sys.modules if name == top or name.startswith(top + ".")]:
            del sys.modules[name]


def become(control, get_ready):
    """Forks at each order. Returns in the children only, once one has been told what it is; with the words of that.

    A child's first process stays behind to wait for the function's: it says how that one ended. `get_ready` is called in the function's,
    which then waits.
    """
    orders = _socket.socket(fileno=control)
    gc.collect()
    gc.freeze()
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders.sendall(b"r")
    while True:
        word, beside, _, _ = orders.recvmsg(1, _socket.CMSG_SPACE(12))
        if not word:
            os._exit(0)
        given = [int.from_bytes(beside[0][2][at:at + 4], sys.byteorder) for at in (0, 4, 8)] if beside else []
        try:
            if _fork() == 0:
                break
        except OSError:
            pass
        for descriptor in given:
            os.close(descriptor)
    signal.signal(signal.SIGCHLD, before)
    orders.close()
    own, output, status = given
    # Nothing open stays the zygote's, not even its nothing.
    nothing = os.open("/dev/null", os.O_RDONLY)
    for descriptor, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, standard)
    os.close(nothing)
    os.close(output)
    program = _fork()
    if program:
        os.close(own)
        _wait(program, status)
    os.close(status)
    get_ready()
    told = _line(own)
    os.write(own, b"a")
    os.close(own)
    return told


def _fork():
    # A thread that the function's initialisation has left is not forked with it; Python warns of that.
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


def _line(descriptor):
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 65536)
        if not piece:
            os._exit(0)
        line += piece
    import json
    return json.loads(line)


def _wait(program, status):
    os.closerange(0, 3)
    while True:
        ended, how = os.waitpid(-1, 0)
        if ended == program:
            break
    kind, number = (b"Signal", os.WTERMSIG(how)) if os.WIFSIGNALED(how) else (b"Code", os.WEXITSTATUS(how))
    os.write(status, b'{"%s":%d}' % (kind, number))
    os._exit(0)


def renew(told):
    """Takes over what the child was told, and renews what must not be the same in two of them."""
    os.environ.clear()
    os.environ.update(told["environment"])
    time.tzset()
    os.chdir(told["directory"])
    # What does not notice a fork by itself.
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(64), 64.0)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        uuid._last_timestamp = None
