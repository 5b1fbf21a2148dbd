"""Event source mappings of Kinesis streams that are held up: disabled, without room for their function, or with a platform that is killed."""

import json

from conftest import ACCOUNT, REGION, eventually, package
from test_stream_sources import ECHO, Events, arn_of, data, mapped, put, stream  # noqa: F401  (fixtures)


def test_a_mapping_that_was_disabled_goes_on_where_it_was(client, kinesis, sqs, mapped):
    name, out, _, uuid = mapped(StartingPosition="LATEST")
    put(kinesis, name, "1")
    events = Events(sqs, out).until(lambda events: events.data == ["1"])
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    put(kinesis, name, "2")
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    put(kinesis, name, "3")
    events.until(lambda events: "3" in events.data)
    assert sorted(events.data) == ["1", "2", "3"]


def test_a_function_without_room_is_waited_for(client, kinesis, sqs, mapped):
    name, out, function, uuid = mapped(MaximumRetryAttempts=0)
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    put(kinesis, name, "1")
    eventually(lambda: "PROBLEM" in client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"])
    client.delete_function_concurrency(FunctionName=function)
    Events(sqs, out).until(lambda events: events.data == ["1"])


def test_nothing_is_lost_and_keys_keep_their_order_when_the_platform_is_killed(fresh, tmp_path):
    platform = fresh()
    sqs, client, kinesis = (platform.client(service) for service in ("sqs", "lambda", "kinesis"))
    url = sqs.create_queue(QueueName="out.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    kinesis.create_stream(StreamName="s", ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})
    # The queue's address holds a port that is another one after each start.
    code = ECHO.replace('QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event)', 'QueueUrl=sqs.get_queue_url(QueueName="out.fifo")["QueueUrl"], MessageBody=json.dumps({"Records": event["Records"], "call": context.aws_request_id}), MessageGroupId="g"')
    client.create_function(
        FunctionName="f", Runtime="python3.11", Handler="app.handler", Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Code={"ZipFile": package({"app.py": code})}, Timeout=10,
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName="f")
    sqs.create_queue(QueueName="lost")
    client.create_event_source_mapping(
        FunctionName="f",
        EventSourceArn=arn_of("s"),
        StartingPosition="LATEST",
        BatchSize=5,
        ParallelizationFactor=3,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:lost"}},
    )
    sent, poison, number, seen, lost = [], set(), 0, [], set()

    def drain():
        sqs = platform.client("sqs")
        seen.extend(one for message in receive(sqs, "out.fifo") for one in data(message))
        for message in receive(sqs, "lost"):
            batch = message["KinesisBatchInfo"]
            assert batch["startSequenceNumber"] == batch["endSequenceNumber"], "a split ends with the poison alone"
            lost.add(batch["startSequenceNumber"])

    for _ in range(3):
        kinesis = platform.client("kinesis")
        for _ in range(20):
            records = [{"Data": f"{key}-{number}".encode(), "PartitionKey": f"key {key}"} for key in range(4)]
            if number % 10 == 7:
                records.append({"Data": b"bad", "PartitionKey": f"key {number % 4}"})
            answer = kinesis.put_records(StreamName="s", Records=records)
            assert answer["FailedRecordCount"] == 0
            poison |= {record["SequenceNumber"] for record in answer["Records"][4:]}
            sent += [f"{key}-{number}" for key in range(4)]
            number += 1
        drain()
        platform.kill()
        platform.start()
    eventually(lambda: drain() or (set(sent) <= set(seen) and poison <= lost), 60)
    assert poison == lost and len(poison) == 6
    for key in range(4):
        # Some come again, but nothing comes for the first time before what was put before it.
        first = [int(one.split("-")[1]) for one in dict.fromkeys(seen) if one.startswith(f"{key}-")]
        assert first == sorted(first)


def receive(sqs, name):
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
    for message in got:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in got]
