"""Calls: kinds, answers, errors, log tails, streams, time-outs, concurrency, and what each side is told about the other."""

import base64
import json
import re
import threading
import time

import pytest
from botocore.exceptions import ReadTimeoutError
from conftest import error_of, eventually, invoke, unique
from test_functions import UUID, arn_of, status

ECHO = "def handler(event, context):\n    return event\n"
PRINTER = "def handler(event, context):\n    print('saw', event.get('word'))\n    return event\n"


@pytest.fixture(scope="session")
def lines(aws):
    """What a function's log holds."""

    def read(name):
        logs = aws("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
            return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    return read


def tail_of(reply):
    return base64.b64decode(reply["LogResult"]).decode()


def test_an_answer_has_the_headers_and_members_of_aws(client, make_function):
    name = make_function(ECHO)
    reply = client.invoke(FunctionName=name, Payload='{"a": ["ü", 1.5, null]}')
    assert status(reply) == reply["StatusCode"] == 200
    assert set(reply) == {"ResponseMetadata", "StatusCode", "ExecutedVersion", "Payload"}
    assert reply["ExecutedVersion"] == "$LATEST"
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "application/json"
    assert headers["x-amz-executed-version"] == "$LATEST"
    assert re.fullmatch(UUID, headers["x-amzn-requestid"])
    assert "x-amz-function-error" not in headers and "x-amz-log-result" not in headers
    assert json.loads(reply["Payload"].read()) == {"a": ["ü", 1.5, None]}


@pytest.mark.parametrize("payload", [b"", None], ids=["empty", "none"])
def test_no_event_is_an_empty_object(client, make_function, payload):
    name = make_function(ECHO)
    arguments = {} if payload is None else {"Payload": payload}
    assert json.loads(client.invoke(FunctionName=name, **arguments)["Payload"].read()) == {}


@pytest.mark.parametrize("event", [None, True, 0, "text", [], [1, {"a": []}], "\x00 \U0001f600"], ids=repr)
def test_any_json_is_an_event(client, make_function, event):
    name = make_function(ECHO)
    reply = client.invoke(FunctionName=name, Payload=json.dumps(event))
    assert json.loads(reply["Payload"].read()) == event


def test_a_dry_run_calls_nothing(client, make_function, lines):
    name = make_function(PRINTER)
    reply = client.invoke(FunctionName=name, InvocationType="DryRun", Payload='{"word": "dry"}')
    assert reply["StatusCode"] == 204 and reply["Payload"].read() == b""
    assert error_of(client.invoke, FunctionName=unique("no"), InvocationType="DryRun")[0] == "ResourceNotFoundException"
    invoke(client, name, {"word": "wet"})
    seen = eventually(lambda: "".join(lines(name)) if any("saw" in line for line in lines(name)) else None)
    assert "saw wet" in seen and "saw dry" not in seen


def test_an_asynchronous_call_is_accepted_and_run_once(client, make_function, lines):
    name = make_function(PRINTER)
    reply = client.invoke(FunctionName=name, InvocationType="Event", Payload='{"word": "later"}')
    assert reply["StatusCode"] == status(reply) == 202
    assert reply["Payload"].read() == b"" and "ExecutedVersion" not in reply
    request = reply["ResponseMetadata"]["RequestId"]
    eventually(lambda: any(line.startswith(f"REPORT RequestId: {request}") for line in lines(name)))
    assert [line for line in lines(name) if "saw" in line] == ["saw later"]


def test_a_failed_asynchronous_call_is_tried_once(client, make_function, lines):
    name = make_function("def handler(e, c):\n    print('tried')\n    raise ValueError('no')")
    client.invoke(FunctionName=name, InvocationType="Event")
    eventually(lambda: any(line.startswith("REPORT") for line in lines(name)))
    invoke(client, name)
    eventually(lambda: sum(line.startswith("REPORT") for line in lines(name)) == 2)
    assert sum(line == "tried" for line in lines(name)) == 2


def test_a_log_tail_shows_the_lines_of_this_call(client, make_function):
    name = make_function(PRINTER)
    cold = client.invoke(FunctionName=name, LogType="Tail", Payload='{"word": "first"}')
    request = cold["ResponseMetadata"]["RequestId"]
    start, saw, end, report = [line for line in tail_of(cold).splitlines() if not line.startswith("INIT_START")]
    assert start == f"START RequestId: {request} Version: $LATEST"
    assert (saw, end) == ("saw first", f"END RequestId: {request}")
    shape = (
        rf"REPORT RequestId: {request}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB"
        r"\tMax Memory Used: \d+ MB\t"
    )
    assert re.fullmatch(shape + r"Init Duration: \d+\.\d\d ms\t", report)
    warm = tail_of(client.invoke(FunctionName=name, LogType="Tail", Payload='{"word": "second"}'))
    assert "saw second" in warm and "first" not in warm
    assert re.fullmatch(shape.replace(request, ".*"), warm.splitlines()[-1])


def test_a_log_tail_is_cut_to_its_last_4_kb(client, make_function):
    name = make_function("def handler(e, c):\n    for n in range(1000): print('line', n)")
    tail = tail_of(client.invoke(FunctionName=name, LogType="Tail"))
    assert len(tail.encode()) <= 4096 and "line 999" in tail and "line 0\n" not in tail


def test_the_context_says_what_aws_says(client, make_function):
    code = """
import os, re
def handler(event, context):
    return {
        "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "request": context.aws_request_id, "group": context.log_group_name,
        "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis(),
        "client": context.client_context and [context.client_context.custom, context.client_context.env],
        "environment": dict(os.environ), "cwd": os.getcwd(),
    }
"""
    name = make_function(code, Timeout=20, MemorySize=192, Environment={"Variables": {"MINE": "yes"}})
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}, "env": {"locale": "de"}}).encode()).decode()
    reply = client.invoke(FunctionName=name, ClientContext=context)
    said = json.loads(reply["Payload"].read())
    assert said["request"] == reply["ResponseMetadata"]["RequestId"]
    assert (said["name"], said["version"], said["arn"]) == (name, "$LATEST", arn_of(name))
    assert int(said["memory"]) == 192 and 15_000 < said["left"] <= 20_000
    assert said["client"] == [{"k": "v"}, {"locale": "de"}]
    assert said["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", said["stream"])
    environment = said["environment"]
    expected = {
        "_HANDLER": "app.handler",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "192",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": said["group"],
        "AWS_LAMBDA_LOG_STREAM_NAME": said["stream"],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
        "MINE": "yes",
    }
    assert {key: environment.get(key) for key in expected} == expected
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA") and environment["AWS_SESSION_TOKEN"]
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", environment["_X_AMZN_TRACE_ID"])
    assert said["cwd"] == "/var/task"


def test_an_exception_is_answered_with_its_document(client, make_function):
    name = make_function("def handler(event, context):\n    raise ValueError('no such thing')\n")
    reply = client.invoke(FunctionName=name)
    assert reply["StatusCode"] == 200 and reply["FunctionError"] == "Unhandled"
    document = json.loads(reply["Payload"].read())
    request = reply["ResponseMetadata"]["RequestId"]
    trace = document.pop("stackTrace")
    assert document == {"errorMessage": "no such thing", "errorType": "ValueError", "requestId": request}
    assert trace == ['  File "/var/task/app.py", line 2, in handler\n    raise ValueError(\'no such thing\')\n']
    assert invoke(client, name)[1] == "Unhandled", "the instance is used again"


def test_an_error_of_node_is_answered_with_its_document(client, make_function):
    code = "exports.handler = async () => { const e = new TypeError('bad'); e.code = 7; throw e }"
    document, error = invoke(client, make_function(code, runtime="nodejs20.x"))
    assert error == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("TypeError", "bad")
    assert document["trace"][0] == "TypeError: bad"


BROKEN = {
    "no module": ("x = 1", "nothere.handler", "Runtime.ImportModuleError", "Unable to import module 'nothere': No module named 'nothere'"),
    "no function": ("x = 1", "app.nothere", "Runtime.HandlerNotFound", "Handler 'nothere' missing on module 'app'"),
    "no dot": ("x = 1", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
    "syntax": ("def (", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
    "raises": ("raise RuntimeError('at import')", "app.handler", "RuntimeError", "at import"),
    "import": ("import nosuchthing", "app.handler", "Runtime.ImportModuleError", "Unable to import module 'app'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_function_that_cannot_start_says_why(client, make_function, kind):
    code, handler, error_type, message = BROKEN[kind]
    document, error = invoke(client, make_function(code, handler=handler))
    assert error == "Unhandled" and document["errorType"] == error_type
    assert message in document["errorMessage"]


def test_a_node_handler_that_is_not_there_is_named(client, make_function):
    document, error = invoke(client, make_function("exports.other = 1", runtime="nodejs20.x"))
    assert (error, document["errorType"]) == ("Unhandled", "Runtime.HandlerNotFound")
    assert document["errorMessage"] == "app.handler is undefined or not exported"


def test_a_function_that_exits_is_reported(client, make_function):
    name = make_function("import os\ndef handler(e, c):\n    if e.get('die'): os._exit(3)\n    return 'alive'")
    assert invoke(client, name) == ("alive", None)
    reply = client.invoke(FunctionName=name, Payload='{"die": true}', LogType="Tail")
    request = reply["ResponseMetadata"]["RequestId"]
    assert json.loads(reply["Payload"].read()) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request} Error: Runtime exited with error: exit status 3",
    }
    assert "Status: error\tError Type: Runtime.ExitError" in tail_of(reply)
    assert invoke(client, name) == ("alive", None)


def test_an_answer_that_is_no_json_is_an_error(client, make_function):
    document, error = invoke(client, make_function("def handler(e, c): return {1, 2}"))
    assert (error, document["errorType"]) == ("Unhandled", "Runtime.MarshalError")
    assert "Unable to marshal response: Object of type set is not JSON serializable" in document["errorMessage"]


@pytest.mark.parametrize("wrong", ["not base64!", base64.b64encode(b"{no json").decode()])
def test_a_client_context_that_is_none_is_refused(client, make_function, wrong):
    name = make_function(ECHO)
    assert error_of(client.invoke, FunctionName=name, ClientContext=wrong)[0] in (
        "InvalidParameterValueException",
        "InvalidRequestContentException",
    )


def test_an_event_that_is_no_json_is_refused(client, make_function):
    name = make_function(ECHO)
    for kind in ("RequestResponse", "Event"):
        code, message = error_of(client.invoke, FunctionName=name, Payload=b"{broken", InvocationType=kind)
        assert code == "InvalidRequestContentException" and message.startswith("Could not parse request body into json")


NODE_STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
    out.setContentType('text/plain');
    for (const word of ['one ', 'two ', 'three']) { out.write(word); await new Promise(r => setTimeout(r, event.pause || 0)); }
    if (event.fail) throw new Error('in the middle');
    console.log('streamed for', context.awsRequestId);
    out.end();
});
"""


def stream(client, name, event=None, **options):
    reply = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event or {}), **options)
    events = list(reply["EventStream"])
    payload = b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event)
    return reply, payload, events[-1]["InvokeComplete"]


def test_a_streamed_answer_comes_in_pieces(client, make_function):
    name = make_function(NODE_STREAM, runtime="nodejs20.x")
    reply, payload, complete = stream(client, name, LogType="Tail")
    assert reply["StatusCode"] == 200 and reply["ExecutedVersion"] == "$LATEST"
    assert reply["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert payload == b"one two three" and "ErrorCode" not in complete
    assert "streamed for" in tail_of(complete)


@pytest.mark.alone
def test_the_first_piece_comes_before_the_last_is_made(client, make_function):
    name = make_function(NODE_STREAM, runtime="nodejs20.x")
    client.invoke(FunctionName=name)
    began = time.monotonic()
    reply = client.invoke_with_response_stream(FunctionName=name, Payload='{"pause": 700}')
    first = next(iter(reply["EventStream"]))
    assert first["PayloadChunk"]["Payload"].startswith(b"one") and time.monotonic() - began < 0.7
    reply["EventStream"].close()


def test_a_stream_that_breaks_says_so_at_its_end(client, make_function):
    name = make_function(NODE_STREAM, runtime="nodejs20.x")
    _, payload, complete = stream(client, name, {"fail": True})
    assert payload == b"one two three"
    assert complete["ErrorCode"] and "in the middle" in complete["ErrorDetails"]


def test_a_buffered_function_answers_a_streaming_call_whole(client, make_function):
    _, payload, complete = stream(client, make_function(ECHO), {"a": 1})
    assert json.loads(payload) == {"a": 1} and "ErrorCode" not in complete
    _, payload, complete = stream(client, make_function("def handler(e, c): raise ValueError('x')"))
    assert complete["ErrorCode"] == "Unhandled" and "ValueError" in complete["ErrorDetails"]


def test_a_streaming_function_answers_a_buffered_call_whole(client, make_function):
    name = make_function(NODE_STREAM, runtime="nodejs20.x")
    assert client.invoke(FunctionName=name)["Payload"].read() == b"one two three"


def test_reserved_concurrency_is_a_limit(client, make_function):
    name = make_function("import time\ndef handler(e, c):\n    time.sleep(e.get('wait', 0))", Timeout=20)
    reserve = lambda number: client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=number)
    answer = reserve(1)
    assert status(answer) == 200 and answer["ReservedConcurrentExecutions"] == 1
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 1

    def refusal(event=None):
        try:
            invoke(client, name, event)
        except client.exceptions.TooManyRequestsException as refused:
            return refused.response

    # Either of the two may be first, so both go on until they were.
    blocker = threading.Thread(target=eventually, args=(lambda: not refusal({"wait": 1}),))
    blocker.start()

    refused = eventually(refusal)
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refused["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert refused["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert refused["Type"] == "User"
    blocker.join()
    invoke(client, name)
    reserve(0)
    assert error_of(client.invoke, FunctionName=name)[0] == "TooManyRequestsException"
    assert status(client.delete_function_concurrency(FunctionName=name)) == 204
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    invoke(client, name)


def test_reservations_must_leave_100_to_the_others(platform, make_function):
    client = platform.client("lambda", account="555566667777")
    name = make_function(ECHO, client=client)
    code, message = error_of(client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=901)
    assert code == "InvalidParameterValueException"
    assert message == (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    )
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=900)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100


def test_a_call_goes_on_when_its_caller_goes_away(platform, make_function, lines):
    name = make_function("import time\ndef handler(e, c):\n    time.sleep(1)\n    print('reached the end')")
    impatient = platform.client("lambda", read_timeout=0.3)
    with pytest.raises(ReadTimeoutError):
        impatient.invoke(FunctionName=name)
    eventually(lambda: "reached the end" in lines(name))
