"""Requests to SQS that are wrong: each is refused with AWS's code, and the queue is as it was."""

import json

import pytest
from conftest import ACCOUNT, REGION, error_of, unique

SERVICE = "AWS.SimpleQueueService."
VALUE, ATTRIBUTE, MISSING = "InvalidParameterValue", "InvalidAttributeValue", "MissingParameter"
NONE = SERVICE + "NonExistentQueue"
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


@pytest.fixture(scope="module")
def house(platform):
    """A standard queue and a FIFO queue with a message each, and the FIFO queue's ARN."""
    client = platform.client("sqs", parameter_validation=False)
    stem = unique("bad")
    plain = client.create_queue(QueueName=stem)["QueueUrl"]
    fifo = client.create_queue(QueueName=f"{stem}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    client.send_message(QueueUrl=plain, MessageBody="kept")
    client.send_message(QueueUrl=fifo, MessageBody="kept", MessageGroupId="g", MessageDeduplicationId="d")
    yield {"client": client, "PLAIN": plain, "FIFO": fifo, "PLAINARN": ARN + stem, "FIFOARN": ARN + stem + ".fifo", "NAME": stem}
    for url in (plain, fifo):
        [message] = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert message["Body"] == "kept"
        client.delete_queue(QueueUrl=url)


def create(name="new-queue", **attributes):
    return "create_queue", {"QueueName": name, "Attributes": attributes}


def change(queue="PLAIN", **attributes):
    return "set_queue_attributes", {"QueueUrl": queue, "Attributes": attributes}


def send(queue="PLAIN", **more):
    return "send_message", {"QueueUrl": queue, "MessageBody": "x", **more}


def with_attribute(name="a", **value):
    return send(MessageAttributes={name: value})


def receive(queue="PLAIN", **more):
    return "receive_message", {"QueueUrl": queue, **more}


def batch(*entries, queue="PLAIN"):
    return "send_message_batch", {"QueueUrl": queue, "Entries": list(entries)}


def entry(name, body="x", **more):
    return {"Id": name, "MessageBody": body, **more}


def redrive(target="PLAINARN", **policy):
    return change(RedrivePolicy=json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 3, **policy}))


def hide(seconds, handle="fake"):
    return "change_message_visibility", {"QueueUrl": "PLAIN", "ReceiptHandle": handle, "VisibilityTimeout": seconds}


def permit(**changes):
    return "add_permission", {"QueueUrl": "PLAIN", "Label": "l", "AWSAccountIds": [ACCOUNT], "Actions": ["*"], **changes}


FIFO = {"MessageGroupId": "g", "MessageDeduplicationId": "new"}
TEXT = {"DataType": "String", "StringValue": "x"}

# What is called with what, the code that is right, and a piece of the message.
CALLS = {
    "name: empty": (create(""), VALUE, "1 to 80"),
    "name: too long": (create("q" * 81), VALUE, "1 to 80"),
    "name: a dot": (create("a.b"), VALUE, "alphanumeric"),
    "name: a slash": (create("a/b"), VALUE, "alphanumeric"),
    "name: missing": (("create_queue", {}), MISSING, "QueueName"),
    "name: fifo without the attribute": (create("new.fifo"), VALUE, "alphanumeric"),
    "name: attribute without fifo": (create("new", FifoQueue="true"), VALUE, "must end with .fifo"),
    "name: not fifo after all": (create("new", FifoQueue="false"), "InvalidAttributeName", "Unknown Attribute FifoQueue."),
    "create: unknown attribute": (create(Nope="1"), "InvalidAttributeName", "Unknown Attribute Nope."),
    "create: read-only attribute": (create(QueueArn="x"), "InvalidAttributeName", "Unknown Attribute QueueArn."),
    "create: visibility above": (create(VisibilityTimeout="43201"), ATTRIBUTE, "Invalid value for the parameter VisibilityTimeout."),
    "create: visibility below": (create(VisibilityTimeout="-1"), ATTRIBUTE, "VisibilityTimeout"),
    "create: delay": (create(DelaySeconds="901"), ATTRIBUTE, "DelaySeconds"),
    "create: size below": (create(MaximumMessageSize="1023"), ATTRIBUTE, "MaximumMessageSize"),
    "create: size above": (create(MaximumMessageSize="1048577"), ATTRIBUTE, "MaximumMessageSize"),
    "create: retention": (create(MessageRetentionPeriod="59"), ATTRIBUTE, "MessageRetentionPeriod"),
    "create: wait": (create(ReceiveMessageWaitTimeSeconds="21"), ATTRIBUTE, "ReceiveMessageWaitTimeSeconds"),
    "create: policy": (create(Policy="no JSON"), ATTRIBUTE, "Policy"),
    "create: fifo attribute on standard": (create(ContentBasedDeduplication="true"), "InvalidAttributeName", "ContentBasedDeduplication"),
    "create: reserved tag": (("create_queue", {"QueueName": "new", "tags": {"aws:x": "y"}}), VALUE, "aws:"),
    "create: other attributes": (create("NAME", VisibilityTimeout="1"), "QueueAlreadyExists", "VisibilityTimeout"),
    "set: becoming fifo": (change(FifoQueue="true"), "InvalidAttributeName", "FifoQueue"),
    "set: scope": (change("FIFO", DeduplicationScope="queues"), ATTRIBUTE, "DeduplicationScope"),
    "set: throughput without scope": (change("FIFO", FifoThroughputLimit="perMessageGroupId"), ATTRIBUTE, "FifoThroughputLimit"),
    "set: two encryptions": (change(KmsMasterKeyId="k", SqsManagedSseEnabled="true"), VALUE, "one type of server-side encryption"),
    "set: missing": (("set_queue_attributes", {"QueueUrl": "PLAIN"}), MISSING, "Attributes"),
    "get: unknown attribute": (("get_queue_attributes", {"QueueUrl": "PLAIN", "AttributeNames": ["Nope"]}), "InvalidAttributeName", "Nope"),
    "redrive: no JSON": (change(RedrivePolicy="x"), VALUE, "not a valid JSON map"),
    "redrive: no target": (change(RedrivePolicy='{"maxReceiveCount": 1}'), VALUE, "deadLetterTargetArn"),
    "redrive: no count": (change(RedrivePolicy='{"deadLetterTargetArn": "x"}'), VALUE, "maxReceiveCount"),
    "redrive: count": (redrive(ARN + "other", maxReceiveCount=1001), VALUE, "1 to 1000"),
    "redrive: itself": (redrive(), VALUE, "own"),
    "redrive: not there": (redrive(ARN + "not-there"), VALUE, "does not exist"),
    "redrive: other type": (redrive("FIFOARN"), VALUE, "same type"),
    "redrive: other account": (redrive(f"arn:aws:sqs:{REGION}:111111111111:q"), VALUE, "owner"),
    "redrive allow: word": (change(RedriveAllowPolicy='{"redrivePermission": "some"}'), VALUE, "redrivePermission"),
    "redrive allow: no sources": (change(RedriveAllowPolicy='{"redrivePermission": "byQueue"}'), VALUE, "sourceQueueArns"),
    "url: no URL": (send("nothing"), "InvalidAddress", "nothing"),
    "url: no account": (send("http://localhost/queue"), "InvalidAddress", ""),
    "url: missing": (("send_message", {"MessageBody": "x"}), MISSING, "QueueUrl"),
    "url: other account": (send("http://localhost/111111111111/q"), "AccessDenied", "denied"),
    "url: no such queue": (send(f"http://localhost/{ACCOUNT}/not-there"), NONE, "does not exist"),
    "send: no body": (("send_message", {"QueueUrl": "PLAIN"}), MISSING, "MessageBody"),
    "send: empty body": (send(MessageBody=""), MISSING, "MessageBody"),
    "send: control character": (send(MessageBody="a\u0001b"), "InvalidMessageContents", "#x20"),
    "send: not a character": (send(MessageBody="\uffff"), "InvalidMessageContents", "Invalid characters"),
    "send: too long": (send(MessageBody="x" * 1_048_577), VALUE, "shorter than 1048576 bytes"),
    "send: delay above": (send(DelaySeconds=901), VALUE, "DelaySeconds must be >= 0 and <= 900"),
    "send: delay below": (send(DelaySeconds=-1), VALUE, "DelaySeconds"),
    "send: deduplication on standard": (send(MessageDeduplicationId="x"), VALUE, "not valid for this queue type"),
    "send: no group": (send("FIFO", MessageDeduplicationId="x"), MISSING, "MessageGroupId"),
    "send: no deduplication": (send("FIFO", MessageGroupId="g"), VALUE, "ContentBasedDeduplication"),
    "send: delay on fifo": (send("FIFO", **FIFO, DelaySeconds=1), VALUE, "not valid for this queue type"),
    "send: empty group": (send("FIFO", **{**FIFO, "MessageGroupId": ""}), VALUE, "MessageGroupId"),
    "send: long group": (send("FIFO", **{**FIFO, "MessageGroupId": "g" * 129}), VALUE, "1 to 128"),
    "send: blank in deduplication": (send("FIFO", **{**FIFO, "MessageDeduplicationId": "a b"}), VALUE, "MessageDeduplicationId"),
    "attribute: no type": (with_attribute(StringValue="x"), MISSING, "DataType"),
    "attribute: unknown type": (with_attribute(DataType="Float", StringValue="1"), VALUE, "Binary, Number, and String"),
    "attribute: empty value": (with_attribute(DataType="String", StringValue=""), VALUE, "non-empty message attribute value"),
    "attribute: no value": (with_attribute(DataType="Binary"), VALUE, "non-empty message attribute value"),
    "attribute: no number": (with_attribute(DataType="Number", StringValue="one"), VALUE, "number"),
    "attribute: text as binary": (with_attribute(DataType="Binary", StringValue="x"), VALUE, "must use field"),
    "attribute: list": (with_attribute(DataType="String", StringListValues=["x"]), VALUE, "list values"),
    "attribute: name": (with_attribute("a b", **TEXT), VALUE, "a b"),
    "attribute: dots": (with_attribute("a..b", **TEXT), VALUE, "a..b"),
    "attribute: reserved": (with_attribute("AWS.x", **TEXT), VALUE, "reserved"),
    "attribute: eleven": (send(MessageAttributes={f"a{number}": TEXT for number in range(11)}), VALUE, "[11]"),
    "attribute: system": (send(MessageSystemAttributes={"Other": TEXT}), VALUE, "AWSTraceHeader"),
    "receive: none": (receive(MaxNumberOfMessages=0), VALUE, "Must be between 1 and 10, if provided."),
    "receive: eleven": (receive(MaxNumberOfMessages=11), VALUE, "Value 11 for parameter MaxNumberOfMessages"),
    "receive: wait": (receive(WaitTimeSeconds=21), VALUE, "Must be >= 0 and <= 20"),
    "receive: negative wait": (receive(WaitTimeSeconds=-1), VALUE, "WaitTimeSeconds"),
    "receive: visibility": (receive(VisibilityTimeout=43201), VALUE, "VisibilityTimeout"),
    "receive: unknown attribute": (receive(AttributeNames=["Nope"]), "InvalidAttributeName", "Nope"),
    "receive: attempt on standard": (receive(ReceiveRequestAttemptId="x"), VALUE, "not valid for this queue type"),
    "receive: attempt": (receive("FIFO", ReceiveRequestAttemptId="a b"), VALUE, "ReceiveRequestAttemptId"),
    "delete: handle": (("delete_message", {"QueueUrl": "PLAIN", "ReceiptHandle": "fake"}), "ReceiptHandleIsInvalid", '"fake"'),
    "delete: no handle": (("delete_message", {"QueueUrl": "PLAIN"}), MISSING, "ReceiptHandle"),
    "delete: empty handle": (("delete_message", {"QueueUrl": "PLAIN", "ReceiptHandle": ""}), MISSING, "ReceiptHandle"),
    "visibility: handle": (hide(1), "ReceiptHandleIsInvalid", "fake"),
    "visibility: above": (hide(43201), VALUE, "between 0 and 43200"),
    "visibility: below": (hide(-1), VALUE, "VisibilityTimeout"),
    "visibility: missing": (("change_message_visibility", {"QueueUrl": "PLAIN", "ReceiptHandle": "x"}), MISSING, "VisibilityTimeout"),
    "batch: empty": (batch(), SERVICE + "EmptyBatchRequest", "at least one SendMessageBatchRequestEntry"),
    "batch: missing": (("send_message_batch", {"QueueUrl": "PLAIN"}), MISSING, "Entries"),
    "batch: eleven": (batch(*(entry(str(n)) for n in range(11))), SERVICE + "TooManyEntriesInBatchRequest", "You have sent 11"),
    "batch: same id": (batch(entry("a"), entry("a")), SERVICE + "BatchEntryIdsNotDistinct", "Id a repeated"),
    "batch: id": (batch(entry("a:b")), SERVICE + "InvalidBatchEntryId", "80 letters"),
    "batch: long id": (batch(entry("a" * 81)), SERVICE + "InvalidBatchEntryId", "80 letters"),
    "batch: too long": (batch(entry("a", "x" * 600_000), entry("b", "x" * 600_000)), SERVICE + "BatchRequestTooLong", "1200000"),
    "batch: no body": (batch({"Id": "a"}), MISSING, "MessageBody"),
    "batch: empty delete": (("delete_message_batch", {"QueueUrl": "PLAIN", "Entries": []}), SERVICE + "EmptyBatchRequest", "Delete"),
    "list: page": (("list_queues", {"MaxResults": 1001}), VALUE, "MaxResults"),
    "list: token": (("list_queues", {"MaxResults": 1, "NextToken": "?"}), VALUE, "token"),
    "tag: none": (("tag_queue", {"QueueUrl": "PLAIN", "Tags": {}}), MISSING, "Tags"),
    "tag: empty key": (("tag_queue", {"QueueUrl": "PLAIN", "Tags": {"": "x"}}), VALUE, "128"),
    "tag: too many": (("tag_queue", {"QueueUrl": "PLAIN", "Tags": {str(n): "x" for n in range(51)}}), VALUE, "Too many tags"),
    "permission: label": (permit(Label="a b"), VALUE, "Label"),
    "permission: account": (permit(AWSAccountIds=["12"]), VALUE, "12"),
    "permission: action": (permit(Actions=["Nope"]), VALUE, "Nope"),
    "permission: not there": (("remove_permission", {"QueueUrl": "PLAIN", "Label": "none"}), VALUE, "label"),
    "move: no such source": (("start_message_move_task", {"SourceArn": ARN + "none"}), "ResourceNotFoundException", "SourceArn"),
    "move: no ARN": (("start_message_move_task", {"SourceArn": "x"}), "ResourceNotFoundException", "SourceArn"),
    "move: no dead-letter queue": (("start_message_move_task", {"SourceArn": "PLAINARN"}), VALUE, "Dead Letter Queue"),
    "move: rate": (("start_message_move_task", {"SourceArn": "PLAINARN", "MaxNumberOfMessagesPerSecond": 501}), VALUE, "500"),
    "move: handle": (("cancel_message_move_task", {"TaskHandle": "x"}), VALUE, "TaskHandle"),
    "move: list": (("list_message_move_tasks", {"SourceArn": "PLAINARN", "MaxResults": 11}), VALUE, "MaxResults"),
    "purge: not there": (("purge_queue", {"QueueUrl": f"http://localhost/{ACCOUNT}/none"}), NONE, ""),
    "delete queue: not there": (("delete_queue", {"QueueUrl": f"http://localhost/{ACCOUNT}/none"}), NONE, ""),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_wrong_call_is_refused_as_aws_does_it(house, what):
    (operation, arguments), expected, piece = CALLS[what]
    text = json.dumps(arguments)
    for word in ["PLAINARN", "FIFOARN", "PLAIN", "FIFO", "NAME"]:
        text = text.replace(f'"{word}"', json.dumps(house[word])).replace(f'\\"{word}\\"', json.dumps(json.dumps(house[word]))[1:-1])
    code, message = error_of(getattr(house["client"], operation), **json.loads(text))
    assert (code, piece in message) == (expected, True), (code, message)


# Content type, body, and what the answer says.
BODIES = {
    "json: no JSON": ("application/x-amz-json-1.0", b"{", b"SerializationException"),
    "json: wrong type": ("application/x-amz-json-1.0", b'{"QueueUrl": []}', b"SerializationException"),
    "json: number as text": ("application/x-amz-json-1.0", b'{"QueueUrl": "x", "MessageBody": "x", "DelaySeconds": "1"}', b"SerializationException"),
    "json: bad base64": (
        "application/x-amz-json-1.0",
        b'{"QueueUrl": "x", "MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "?"}}}',
        b"SerializationException",
    ),
    "form: no number": ("application/x-www-form-urlencoded", b"Action=SendMessage&Version=2012-11-05&MessageBody=x&DelaySeconds=soon", b"soon"),
    "form: no queue": ("application/x-www-form-urlencoded", b"Action=SendMessage&Version=2012-11-05&MessageBody=x", b"MissingParameter"),
    "form: no such action": ("application/x-www-form-urlencoded", b"Action=Nope&Version=2012-11-05", b"InvalidAction"),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_wrong_body_is_refused(platform, what):
    kind, body, piece = BODIES[what]
    headers = {"content-type": kind}
    if "json" in kind:
        headers["x-amz-target"] = "AmazonSQS.SendMessage"
    status, _, answer = platform.http("POST", "/", body, headers)
    assert status == 400 and piece in answer, answer
