"""Asynchronous calls: retries, destinations and dead-letter queues, with unmodified boto3."""

import json

import pytest
from conftest import Platform, eventually, package, unique

ROLE = "arn:aws:iam::000000000000:role/tests"
CODE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no good")
    return {"echo": event}
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A platform whose retries do not take minutes."""
    platform = Platform(tmp_path_factory.mktemp("quick") / "data", "--retry-seconds", "0").start()
    yield platform
    platform.stop()


@pytest.fixture
def function(quick):
    def make(code=CODE, **options):
        name = unique()
        quick.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": package({"app.py": code})},
            **options,
        )
        return name

    return make


@pytest.fixture
def queue(quick):
    """A queue's ARN, and what reads the next message off it."""
    sqs = quick.client("sqs")

    def make():
        url = sqs.create_queue(QueueName=unique())["QueueUrl"]

        def next_message():
            got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"])
            message = got["Messages"][0]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return message

        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn, next_message

    return make


def send(quick, name, event, **options):
    answer = quick.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **options)
    assert answer["StatusCode"] == 202
    return answer["ResponseMetadata"]["RequestId"]


def test_a_success_and_a_failure_end_at_their_destinations(quick, function, queue):
    name, (good, next_good), (bad, next_bad) = function(), queue(), queue()
    client = quick.client("lambda")
    client.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={"OnSuccess": {"Destination": good}, "OnFailure": {"Destination": bad}},
    )
    request = send(quick, name, {"n": 1})
    record = json.loads(next_good()["Body"])
    assert record["version"] == "1.0"
    assert record["requestContext"] == {
        "requestId": request,
        "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == {"n": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"echo": {"n": 1}}
    send(quick, name, {"fail": True})
    record = json.loads(next_bad()["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "no good"


def test_a_dead_letter_queue_gets_the_event(quick, function, queue):
    arn, next_letter = queue()
    name = function(DeadLetterConfig={"TargetArn": arn})
    client = quick.client("lambda")
    assert client.get_function_configuration(FunctionName=name)["DeadLetterConfig"] == {"TargetArn": arn}
    request = send(quick, name, {"fail": True, "n": 2})
    letter = next_letter()
    assert json.loads(letter["Body"]) == {"fail": True, "n": 2}
    attributes = letter["MessageAttributes"]
    assert attributes["RequestID"] == {"StringValue": request, "DataType": "String"}
    assert attributes["ErrorCode"] == {"StringValue": "200", "DataType": "Number"}
    assert attributes["ErrorMessage"] == {"StringValue": "no good", "DataType": "String"}


def test_a_destination_may_be_a_function(quick, function, queue):
    (end, next_end), last = queue(), function("def handler(event, context):\n    return event['responsePayload']\n")
    arn = quick.client("lambda").get_function_configuration(FunctionName=last)["FunctionArn"]
    client = quick.client("lambda")
    client.put_function_event_invoke_config(FunctionName=last, DestinationConfig={"OnSuccess": {"Destination": end}})
    first = function()
    client.put_function_event_invoke_config(FunctionName=first, DestinationConfig={"OnSuccess": {"Destination": arn}})
    send(quick, first, {"n": 3})
    assert json.loads(next_end()["Body"])["responsePayload"] == {"echo": {"n": 3}}


def test_throttled_calls_wait(quick, function, queue):
    (arn, next_record), name = queue(), function("import time\ndef handler(event, context):\n    time.sleep(.2)\n    return event\n")
    client = quick.client("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}})
    for number in range(4):
        send(quick, name, {"n": number})
    seen = {json.loads(next_record()["Body"])["requestPayload"]["n"] for _ in range(4)}
    assert seen == {0, 1, 2, 3}


def test_destinations_that_lead_back_come_to_an_end(quick, function):
    """A ring of two functions: the platform takes it for a loop instead of going round forever."""
    code = "import os\ndef handler(event, context):\n    print('ROUND')\n    return 1\n"
    one, two = function(code), function(code)
    client = quick.client("lambda")
    arns = [client.get_function_configuration(FunctionName=name)["FunctionArn"] for name in (one, two)]
    for name, target in ((one, arns[1]), (two, arns[0])):
        client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": target}})
    send(quick, one, {})
    eventually(lambda: "lead back to it" in quick.log.read_text())


def test_an_event_outlives_a_kill(fresh, tmp_path):
    """The call runs while the platform dies; the next one does not wait for a lease."""
    platform = fresh()
    client = platform.client("lambda")
    code = f"import time\ndef handler(event, context):\n    print('BEGUN')\n    time.sleep(event['s'])\n    return event\n"
    client.create_function(
        FunctionName="slow",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": package({"app.py": code})},
    )
    sqs = platform.client("sqs")
    url = sqs.create_queue(QueueName="end")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_function_event_invoke_config(FunctionName="slow", DestinationConfig={"OnSuccess": {"Destination": arn}})
    send(platform, "slow", {"s": 1})
    logs = platform.client("logs")

    def has_begun():
        try:
            return logs.filter_log_events(logGroupName="/aws/lambda/slow", filterPattern="BEGUN")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False

    eventually(has_begun)
    platform.kill()
    platform.start()
    sqs = platform.client("sqs")
    got = sqs.receive_message(QueueUrl=f"{platform.endpoint}/000000000000/end", WaitTimeSeconds=15)
    assert json.loads(got["Messages"][0]["Body"])["requestPayload"] == {"s": 1}
