"""Fogbank's Python runtime: asks the Lambda Runtime API for events and gives them to the function's handler.

It imports little before the function does: what is not needed on every call is imported where it is needed.
"""

import builtins
import os
import sys
import time

_FRAME = b"\xa5\x5a\x00\x03"
_API = "/2018-06-01/runtime/"
_request_id = None


class Log:
    """Writes records as frames, so that one of several lines stays one event in the log."""

    descriptor = os.dup(1)

    @classmethod
    def record(cls, text):
        data = text.encode("utf-8", "backslashreplace")
        stamp = time.time_ns() // 1000
        data = _FRAME + len(data).to_bytes(4, "big") + stamp.to_bytes(8, "big") + data
        while data:
            data = data[os.write(cls.descriptor, data):]


class Api:
    """One persistent connection to the Runtime API. Written out because `http.client` costs 15 ms of every cold start."""

    def __init__(self, address):
        import _socket
        host, _, port = address.partition(":")
        self.address, self.socket_module, self.socket, self.rest = (host, int(port)), _socket, None, b""

    def call(self, method, path, headers="", body=b""):
        head = "%s %s%s HTTP/1.1\r\nHost: runtime\r\n%sContent-Length: %d\r\n\r\n" % (method, _API, path, headers, len(body))
        if self.socket is None:
            self.connect()
        if len(body) < 65536:
            self.socket.sendall(head.encode("utf-8") + body)
        else:
            self.socket.sendall(head.encode("utf-8"))
            self.socket.sendall(body)
        return self.answer()

    def answer(self):
        data = self.rest
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            data += self.more()
        lines = data[:end].split(b"\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        body, length = data[end + 4:], int(headers.get(b"content-length", 0))
        if len(body) < length:
            parts, have = [body], len(body)
            while have < length:
                parts.append(self.more())
                have += len(parts[-1])
            body = b"".join(parts)
        self.rest = body[length:]
        return int(lines[0].split(b" ", 2)[1]), headers, body[:length]

    def connect(self):
        self.socket = self.socket_module.socket(self.socket_module.AF_INET, self.socket_module.SOCK_STREAM, 0)
        self.socket.connect(self.address)
        self.socket.setsockopt(self.socket_module.IPPROTO_TCP, self.socket_module.TCP_NODELAY, 1)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket, self.rest = None, b""

    def more(self):
        data = self.socket.recv(262144)
        if not data:
            os._exit(1)
        return data


class Json:
    """The interpreter's own C encoder and decoder, without the module around them: `json` imports `re`, which costs 8 ms of every cold
    start of a function that does not use either."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int, memo = float, int, {}
    parse_constant = staticmethod({"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__)

    def __init__(self):
        import _json
        self.scan = _json.make_scanner(self)
        self.make, self.quote = _json.make_encoder, _json.encode_basestring_ascii
        self.dumps(None)

    def loads(self, data):
        text = data.decode("utf-8").strip(" \t\n\r")
        try:
            value, end = self.scan(text, 0)
        except StopIteration:
            raise ValueError("Expecting value: line 1 column 1 (char 0)")
        if end != len(text):
            raise ValueError("Extra data: char %d" % end)
        return value

    def dumps(self, value):
        # A new one each time: it remembers what it was inside of when it failed, and would take that for a circle.
        return "".join(self.make({}, plain, self.quote, None, ": ", ", ", False, False, True)(value, 0))


class Slow:
    """The same by way of the module, for an interpreter whose C functions take other arguments."""

    def __init__(self):
        import json
        self.loads, self.dumps = json.loads, lambda value: json.dumps(value, default=plain)


class CognitoIdentity:
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]


class Client:
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]


class ClientContext:
    __slots__ = ["custom", "env", "client"]


def _filled(kind, values, names):
    made = kind()
    for name in names:
        setattr(made, name, (values or {}).get(name))
    return made


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers, deadline):
        env = os.environ
        self.aws_request_id = headers[b"lambda-runtime-aws-request-id"].decode()
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers[b"lambda-runtime-invoked-function-arn"].decode()
        self.tenant_id = None
        self._epoch_deadline_time_in_ms = deadline
        self.client_context = self._client_context(headers.get(b"lambda-runtime-client-context"))
        identity = headers.get(b"lambda-runtime-cognito-identity")
        values = {}
        if identity:
            import json
            values = json.loads(identity) or {}
        self.identity = CognitoIdentity()
        self.identity.cognito_identity_id = values.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = values.get("cognitoIdentityPoolId")

    @staticmethod
    def _client_context(text):
        if not text:
            return None
        import json
        values = json.loads(text)
        if not isinstance(values, dict):
            return None
        context = ClientContext()
        context.custom, context.env = values.get("custom"), values.get("env")
        context.client = _filled(Client, values.get("client"), Client.__slots__)
        return context

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def log(self, message):
        Log.record(str(message))

    def __repr__(self):
        names = ["aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id"]
        return "LambdaContext([%s])" % ",".join("%s=%s" % (name, getattr(self, name)) for name in names)


class LoggingSetUp:
    """Gives the root logger its handler when the function imports `logging`, and not before: the import costs 10 ms."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(cls)
        from _frozen_importlib_external import PathFinder
        spec = None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        if spec is None:
            return None
        execute = spec.loader.exec_module

        class Loader:
            @staticmethod
            def create_module(spec):
                return None

            @staticmethod
            def exec_module(module):
                execute(module)
                set_up_logging(module)

            def __getattr__(self, name):
                return getattr(spec_loader, name)

        spec_loader = spec.loader
        spec.loader = Loader()
        return spec


def set_up_logging(logging):
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"

    class Text(logging.Formatter):
        converter = time.gmtime

        def __init__(self):
            super().__init__("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")

    class Json(logging.Formatter):
        converter = time.gmtime

        def format(self, record):
            import json
            values = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
                "requestId": record.aws_request_id,
            }
            if record.exc_info:
                values["errorType"] = record.exc_info[0].__name__
                values["errorMessage"] = str(record.exc_info[1])
                values["stackTrace"] = self.formatException(record.exc_info).split("\n")
            return json.dumps({name: value for name, value in values.items() if value is not None}, default=str)

    class Handler(logging.Handler):
        def emit(self, record):
            try:
                Log.record(self.format(record))
            except Exception:
                self.handleError(record)

    class AddRequestId(logging.Filter):
        def filter(self, record):
            record.aws_request_id = _request_id
            return True

    handler = Handler()
    handler.setFormatter(Json() if as_json else Text())
    handler.addFilter(AddRequestId())
    logging.root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if as_json and level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"):
        logging.root.setLevel({"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level))
    elif as_json:
        logging.root.setLevel("INFO")


class Fault(Exception):
    """An error whose type is the runtime's, not the function's."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, list(trace)


def error_document(error):
    import json
    import traceback
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in frames if not frame.filename.startswith("/var/runtime/bootstrap")
                  and not frame.filename.startswith("<frozen importlib")]
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(frames)
    document = {"errorMessage": message, "errorType": kind, "requestId": _request_id or "", "stackTrace": trace}
    text = "[ERROR] %s: %s" % (kind, message) if message else "[ERROR] %s" % kind
    if trace:
        text += "\nTraceback (most recent call last):\n" + "".join(trace).rstrip("\n")
    Log.record(text)
    return kind, json.dumps(document).encode()


def load_handler(name):
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName",
                    "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    wanted = module_name.replace("/", ".")
    if wanted.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict",
                    "Cannot use built-in module %s as a handler module" % module_name)
    try:
        __import__(wanted)
        module = sys.modules[wanted]
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s\n' % (error.filename, error.lineno, (error.text or "").strip())]
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, error), trace)
    handler = getattr(module, function_name, None)
    if handler is None:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name))
    return handler


def plain(value):
    """What the encoder does not know: numbers of DynamoDB's client become floats, as on AWS."""
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def handle(handler, headers, body, json):
    context = LambdaContext(headers, int(headers[b"lambda-runtime-deadline-ms"]))
    try:
        event = json.loads(body)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error)
    result = handler(event, context)
    if isinstance(result, bytes):
        raise Fault("Runtime.MarshalError", "Unable to marshal response: Object of type bytes is not JSON serializable")
    try:
        return json.dumps(result).encode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)


def header_value(text):
    return "".join(letter if 32 <= ord(letter) < 127 else "?" for letter in text)[:512]


def set_up_paths():
    ours = code_places() + ["/var/lang/sdk"]
    standard = [path for path in sys.path if path not in ours and path != "/var/runtime"]
    sys.path[:] = ours[:3] + [path for path in standard if not path.startswith(sys.base_prefix)] + ours[3:] + ["/var/runtime"] + \
        [path for path in standard if path.startswith(sys.base_prefix)]
    import _sitebuiltins
    builtins.exit = _sitebuiltins.Quitter("exit", "")
    builtins.quit = _sitebuiltins.Quitter("quit", "")


def code_places():
    task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
    return [task, "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]


def report_init_error(api, error):
    kind, document = error_document(error)
    api.call("POST", "init/error", "Lambda-Runtime-Function-Error-Type: %s\r\n" % header_value(kind), document)
    os._exit(1)


def start_from_zygote(zygote):
    """Loads no function but what they have in common; goes on as a child that has one."""
    zygote.load_usual()
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def get_ready():
        os.dup2(1, Log.descriptor, False)
        set_up_paths()
        api.connect()
        # Importing writes to much that is shared with the zygote until then: better now than when a call waits.
        del sys.modules[__import__("snapshot_restore_py").__name__]

    zygote.renew(zygote.become(3, get_ready))
    zygote.look_anew(code_places())
    return api


def load(api):
    if "logging" in sys.modules:
        set_up_logging(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, LoggingSetUp)
    try:
        return load_handler(os.environ["_HANDLER"])
    except Exception as error:
        report_init_error(api, error)


def keep_initialised(api, zygote):
    """The function is loaded; goes on as a copy of this process, with the hooks around it."""
    try:
        hooks = sys.modules.get("snapshot_restore_py")
        before = hooks.get_before_snapshot() if hooks else []
        while before:
            function, args, kwargs = before.pop()
            function(*args, **kwargs)
    except Exception as error:
        report_init_error(api, error)
    api.close()

    def get_ready():
        os.dup2(1, Log.descriptor, False)
        api.connect()

    zygote.renew(zygote.become(3, get_ready))
    try:
        for function, args, kwargs in hooks.get_after_restore() if hooks else []:
            function(*args, **kwargs)
    except Exception as error:
        report_init_error(api, error)


def main():
    role = sys.argv.pop() if len(sys.argv) > 1 else "function"
    if role != "function":
        import fogbank_zygote as zygote
    if role == "zygote":
        api = start_from_zygote(zygote)
    else:
        api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
        set_up_paths()
    handler = load(api)
    if role == "snapshot":
        keep_initialised(api, zygote)
    serve(api, handler)


def serve(api, handler):
    global _request_id
    try:
        json = Json()
    except (ImportError, AttributeError, TypeError):
        json = Slow()
    while True:
        status, headers, body = api.call("GET", "invocation/next")
        if status != 200:
            os._exit(1)
        request_id = _request_id = headers[b"lambda-runtime-aws-request-id"].decode()
        os.environ["_X_AMZN_TRACE_ID"] = headers.get(b"lambda-runtime-trace-id", b"").decode()
        try:
            answer = handle(handler, headers, body, json)
        except Exception as error:
            kind, document = error_document(error)
            api.call("POST", "invocation/%s/error" % request_id,
                     "Lambda-Runtime-Function-Error-Type: %s\r\n" % header_value(kind), document)
        else:
            api.call("POST", "invocation/%s/response" % request_id, "Content-Type: application/json\r\n", answer)
            answer = None
        body = headers = None


if __name__ == "__main__":
    main()
