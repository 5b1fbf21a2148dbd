"""SQS: the order of FIFO queues, and how they drop duplicates."""

import hashlib

from conftest import error_of
from test_sqs import bodies, counts, queue, receive  # noqa: F401  (fixtures)


def test_fifo_keeps_groups_in_order_and_drops_duplicates(sqs, queue):
    url = queue(fifo=True)
    send = lambda body, group, key: sqs.send_message(  # noqa: E731
        QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=key
    )
    first = send("a1", "a", "1")
    assert len(first["SequenceNumber"]) == 20
    again = send("other", "a", "1")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    second = send("a2", "a", "2")
    assert int(second["SequenceNumber"]) > int(first["SequenceNumber"])
    send("b1", "b", "3")
    [message] = receive(sqs, url, 1, AttributeNames=["All"])
    assert message["Body"] == "a1"
    found = message["Attributes"]
    assert (found["MessageGroupId"], found["MessageDeduplicationId"]) == ("a", "1")
    assert found["SequenceNumber"] == first["SequenceNumber"]
    assert bodies(receive(sqs, url)) == ["b1"] and receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    [held] = receive(sqs, url, VisibilityTimeout=1)
    assert held["Body"] == "a2"
    [again] = receive(sqs, url, WaitTimeSeconds=5)
    code, text = error_of(sqs.delete_message, QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])
    assert code == "InvalidParameterValue" and "The receipt handle has expired" in text
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])


def test_fifo_deduplicates_by_content_and_within_groups(sqs, queue):
    url = queue(fifo=True, ContentBasedDeduplication="true")
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="same", MessageGroupId="g")
    [message] = receive(sqs, url, AttributeNames=["MessageDeduplicationId"])
    assert message["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"same").hexdigest()
    scoped = queue(fifo=True, ContentBasedDeduplication="true", DeduplicationScope="messageGroup")
    for group in ["g", "g", "h"]:
        sqs.send_message(QueueUrl=scoped, MessageBody="same", MessageGroupId=group)
    assert counts(sqs, scoped) == [2, 0, 0]


def test_an_attempt_to_receive_that_is_made_again_gives_the_same(sqs, queue):
    url = queue(fifo=True, ContentBasedDeduplication="true")
    for body in ["1", "2"]:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body)
    first = receive(sqs, url, 1, ReceiveRequestAttemptId="once")
    assert receive(sqs, url, 1, ReceiveRequestAttemptId="once") == first
    assert bodies(receive(sqs, url, 10, ReceiveRequestAttemptId="other")) == ["2"]
