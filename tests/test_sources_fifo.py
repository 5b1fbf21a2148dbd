"""Event source mappings of FIFO queues: the order within groups."""

import time

from test_sources import events, make_queue, mapped  # noqa: F401  (fixtures)

LARGE = """
import boto3, os

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))

def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody="".join(record["body"][0] for record in event["Records"]))
    if any(record["body"][0] == "0" and record["attributes"]["ApproximateReceiveCount"] == "1" for record in event["Records"]):
        raise ValueError("not yet")
"""


def test_a_fifo_batch_too_large_for_one_call_stays_in_order(client, sqs, make_function, make_queue):
    (url, arn), (out, _) = make_queue(".fifo", ContentBasedDeduplication="true"), make_queue()
    for number in range(7):
        sqs.send_message(QueueUrl=url, MessageBody=str(number) * 1_000_000, MessageGroupId="g")
    name = make_function(LARGE, Timeout=5, MemorySize=256, Environment={"Variables": {"OUT": out}})
    uuid = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)["UUID"]
    seen = []
    while sum(map(len, seen)) < 13:
        for message in sqs.receive_message(QueueUrl=out, WaitTimeSeconds=10)["Messages"]:
            sqs.delete_message(QueueUrl=out, ReceiptHandle=message["ReceiptHandle"])
            seen.append(message["Body"])
    client.delete_event_source_mapping(UUID=uuid)
    assert seen == ["012345", "012345", "6"]


def test_a_fifo_queues_groups_stay_in_order(sqs, mapped, make_queue):
    queue = make_queue(".fifo", ContentBasedDeduplication="true")
    _, out, _, _ = mapped(queue, BatchSize=3)
    for number in range(12):
        for group in "ab":
            sqs.send_message(QueueUrl=queue[0], MessageBody=f"{group}{number}", MessageGroupId=group)
    seen, deadline = [], time.monotonic() + 20
    while len(seen) < 24 and time.monotonic() < deadline:
        seen += [record for records in events(sqs, out) for record in records]
    for group in "ab":
        of_group = [record for record in seen if record["attributes"]["MessageGroupId"] == group]
        in_order = sorted(of_group, key=lambda record: int(record["attributes"]["SequenceNumber"]))
        assert [record["body"] for record in in_order] == [f"{group}{number}" for number in range(12)]
    assert {"MessageDeduplicationId", "SequenceNumber", "MessageGroupId"} <= set(seen[0]["attributes"])
