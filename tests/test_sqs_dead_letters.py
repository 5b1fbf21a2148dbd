"""SQS: dead-letter queues, and how messages are moved back from them."""

import json

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique
from test_sqs import arn, attributes, counts, queue, receive  # noqa: F401  (fixtures)


@pytest.mark.parametrize("fifo", [False, True])
def test_poison_goes_to_the_dead_letter_queue_and_back(sqs, queue, fifo):
    dead = queue(fifo=fifo)
    policy = {"deadLetterTargetArn": arn(dead), "maxReceiveCount": 2}
    url = queue(fifo=fifo, RedrivePolicy=policy)
    assert json.loads(attributes(sqs, url)["RedrivePolicy"]) == policy
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    extra = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if fifo else {}
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison", **extra)
    for _ in range(2):
        assert len(receive(sqs, url, VisibilityTimeout=0)) == 1
    assert receive(sqs, url) == []
    [message] = receive(sqs, dead, AttributeNames=["All"], VisibilityTimeout=0)
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(url)
    started = sqs.start_message_move_task(SourceArn=arn(dead))
    assert started["TaskHandle"]
    [back] = receive(sqs, url, WaitTimeSeconds=10, AttributeNames=["All"])
    assert back["Body"] == "poison" and back["Attributes"]["ApproximateReceiveCount"] == "1"
    task = eventually(lambda: [t for t in sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"] if t["Status"] == "COMPLETED"])[0]
    assert (task["ApproximateNumberOfMessagesMoved"], task["SourceArn"]) == (1, arn(dead))


def test_a_move_task_keeps_its_rate_and_can_be_cancelled(sqs, queue):
    dead, other = queue(), queue()
    queue(RedrivePolicy={"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1})
    for number in range(10):
        sqs.send_message(QueueUrl=dead, MessageBody=str(number))
    handle = sqs.start_message_move_task(SourceArn=arn(dead), DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    assert error_of(sqs.start_message_move_task, SourceArn=arn(dead))[0] == "AWS.SimpleQueueService.UnsupportedOperation"
    [task] = sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"]
    assert (task["Status"], task["TaskHandle"], task["DestinationArn"]) == ("RUNNING", handle, arn(other))
    assert (task["MaxNumberOfMessagesPerSecond"], task["ApproximateNumberOfMessagesToMove"]) == (1, 10)
    assert receive(sqs, other, WaitTimeSeconds=5)
    sqs.cancel_message_move_task(TaskHandle=handle)
    eventually(lambda: sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"][0]["Status"] == "CANCELLED")
    assert counts(sqs, dead)[0] > 0
    assert error_of(sqs.cancel_message_move_task, TaskHandle=handle)[0] == "AWS.SimpleQueueService.UnsupportedOperation"


def test_a_dead_letter_queue_says_who_may_use_it(sqs, queue):
    closed = queue(RedriveAllowPolicy={"redrivePermission": "denyAll"})
    policy = json.dumps({"deadLetterTargetArn": arn(closed), "maxReceiveCount": 1})
    assert error_of(sqs.create_queue, QueueName=unique(), Attributes={"RedrivePolicy": policy})[0] == "InvalidParameterValue"
    name = unique("named")
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"]}
    sqs.set_queue_attributes(QueueUrl=closed, Attributes={"RedriveAllowPolicy": json.dumps(allowed)})
    queue(name, RedrivePolicy=json.loads(policy))
    assert json.loads(attributes(sqs, closed)["RedriveAllowPolicy"]) == allowed
