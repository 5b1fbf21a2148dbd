"""Event source mappings of Kinesis streams, with unmodified boto3: the API, events, order, windows, filters and shards."""

import base64
import json
import time
from datetime import datetime, timezone

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique

# Sends what it was called with to the queue that the variable OUT names, and fails on data with "bad" in it.
ECHO = """
import base64, boto3, json, os

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))

def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event))
    bad = [
        record["kinesis"]["sequenceNumber"]
        for record in event["Records"]
        if b"bad" in base64.b64decode(record["kinesis"]["data"])
    ]
    if os.environ.get("REPORT"):
        return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]}
    if "window" in event:
        return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}
    if bad:
        raise ValueError("bad")
"""


@pytest.fixture
def queue(sqs):
    def make():
        url = sqs.create_queue(QueueName=unique())["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    return make


@pytest.fixture
def stream(kinesis):
    made = []

    def make(shards=1):
        name = unique("s")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        made.append(name)
        return name, arn_of(name)

    yield make
    for name in made:
        kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def arn_of(name):
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


@pytest.fixture
def mapped(stream, map_source):
    """A stream whose records go to a function that shows its events in a queue."""

    def make(of=None, variables=None, **options):
        name, arn = of or stream()
        return name, *map_source(ECHO, arn, variables, **{"StartingPosition": "TRIM_HORIZON", **options})

    return make


class Events:
    """What a function was called with, as it comes."""

    def __init__(self, sqs, url):
        self.sqs, self.url, self.all = sqs, url, []

    def more(self):
        got = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        # A queue gives its messages in any order.
        self.all += [json.loads(message["Body"]) for message in sorted(got, key=lambda message: message["MessageId"])]

    def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, f"it never came true: {[data(event) for event in self.all]}"
            self.more()
        return self

    @property
    def data(self):
        return [one for event in self.all for one in data(event)]


def data(event):
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]


def put(kinesis, name, *all, key="k"):
    records = [{"Data": one.encode(), "PartitionKey": key} for one in all]
    answer = kinesis.put_records(StreamName=name, Records=records)
    assert answer["FailedRecordCount"] == 0
    return [record["SequenceNumber"] for record in answer["Records"]]


def test_a_mapping_is_made_read_changed_listed_and_removed(client, make_function, stream, queue):
    function, (name, arn), (_, target) = make_function("def handler(event, context):\n    pass\n"), stream(), queue()
    made = client.create_event_source_mapping(FunctionName=function, EventSourceArn=arn, StartingPosition="LATEST")
    uuid = made["UUID"]
    known = {
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}",
        "EventSourceArn": arn,
        "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        "StartingPosition": "LATEST",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "DestinationConfig": {"OnFailure": {}},
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "StateTransitionReason": "User action",
    }
    shown = lambda mapping: {key: value for key, value in mapping.items() if key not in ("ResponseMetadata", "LastModified")}
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert shown(made) == {**known, "State": "Creating"}
    assert shown(client.get_event_source_mapping(UUID=uuid)) == {**known, "State": "Enabled"}
    change = {
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 2,
        "ParallelizationFactor": 10,
        "DestinationConfig": {"OnFailure": {"Destination": target}},
        "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 2,
        "TumblingWindowInSeconds": 30,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"kind": ["order"]}}'}]},
    }
    client.update_event_source_mapping(UUID=uuid, **change)
    assert shown(client.get_event_source_mapping(UUID=uuid)) == {**known, **change, "State": "Enabled"}
    back = client.update_event_source_mapping(
        UUID=uuid, MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=-1, DestinationConfig={"OnFailure": {}}, Enabled=False
    )
    assert (back["MaximumRetryAttempts"], back["MaximumRecordAgeInSeconds"], back["State"]) == (-1, -1, "Disabling")
    assert back["DestinationConfig"] == {"OnFailure": {}}
    assert [one["UUID"] for one in client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]] == [uuid]
    again = {"FunctionName": function, "EventSourceArn": arn, "StartingPosition": "LATEST"}
    assert error_of(client.create_event_source_mapping, **again) == (
        "ResourceConflictException",
        f'The event source arn (" {arn} ") and function (" {function} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}",
    )
    assert client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    assert error_of(client.get_event_source_mapping, UUID=uuid)[0] == "ResourceNotFoundException"


def test_a_record_reaches_the_function_as_aws_shows_it(kinesis, sqs, mapped, client):
    name, out, function, uuid = mapped()
    (number,) = put(kinesis, name, "hello")
    (event,) = Events(sqs, out).until(lambda events: events.all).all
    (record,) = event.pop("Records")
    assert event == {}
    arrival = record["kinesis"].pop("approximateArrivalTimestamp")
    assert abs(arrival - time.time()) < 30
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": number,
            "data": base64.b64encode(b"hello").decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/tests",
        "awsRegion": REGION,
        "eventSourceARN": arn_of(name),
    }
    eventually(lambda: client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK")


def test_each_starting_position_begins_where_it_says(kinesis, sqs, mapped, stream):
    source = stream()
    put(kinesis, source[0], "old")
    shard = kinesis.get_shard_iterator(StreamName=source[0], ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    (old,) = kinesis.get_records(ShardIterator=shard["ShardIterator"])["Records"]
    while datetime.now(timezone.utc) <= old["ApproximateArrivalTimestamp"]:
        pass
    between = time.time()
    put(kinesis, source[0], "middle")
    outs = {
        "TRIM_HORIZON": mapped(source)[1],
        "AT_TIMESTAMP": mapped(source, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=between)[1],
        "LATEST": mapped(source, StartingPosition="LATEST")[1],
    }
    put(kinesis, source[0], "new")
    expected = {"TRIM_HORIZON": ["old", "middle", "new"], "AT_TIMESTAMP": ["middle", "new"], "LATEST": ["new"]}
    for start, out in outs.items():
        events = Events(sqs, out).until(lambda events: "new" in events.data)
        assert sorted(events.data) == sorted(expected[start]), start


def test_a_window_fills_a_batch(kinesis, sqs, mapped):
    name, out, _, _ = mapped(BatchSize=30, MaximumBatchingWindowInSeconds=60)
    for base in range(0, 30, 10):
        put(kinesis, name, *map(str, range(base, base + 10)))
    events = Events(sqs, out).until(lambda events: events.all)
    assert [data(event) for event in events.all] == [[str(n) for n in range(30)]]


def test_a_batch_is_no_larger_than_it_says(kinesis, sqs, mapped, stream):
    source = stream()
    put(kinesis, source[0], *map(str, range(10)))
    _, out, _, _ = mapped(source, BatchSize=4)
    events = Events(sqs, out).until(lambda events: len(events.data) == 10)
    assert sorted(data(event) for event in events.all) == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]


def test_keys_keep_their_order_with_a_parallelisation_factor(kinesis, sqs, mapped, stream):
    source = stream(2)
    for number in range(10):
        records = [{"Data": f"{key}-{number}".encode(), "PartitionKey": f"key {key}"} for key in range(8)]
        assert kinesis.put_records(StreamName=source[0], Records=records)["FailedRecordCount"] == 0
    _, out, _, _ = mapped(source, BatchSize=3, ParallelizationFactor=4)
    events = Events(sqs, out).until(lambda events: len(events.data) == 80)
    order = {}
    # A batch holds its records in order; batches of a key follow each other by their first one.
    for event in sorted(events.all, key=lambda event: event["Records"][0]["kinesis"]["sequenceNumber"]):
        assert len(event["Records"]) <= 3
        for one in data(event):
            key, number = one.split("-")
            order.setdefault(key, []).append(int(number))
    assert len(order) == 8 and all(numbers == list(range(10)) for numbers in order.values())


def test_filters_choose_records_by_data_and_key(kinesis, sqs, mapped, stream):
    source = stream()
    put(kinesis, source[0], '{"kind": "order"}', '{"kind": "other"}', "kind: order")
    put(kinesis, source[0], "anything", key="chosen")
    filters = [{"Pattern": '{"data": {"kind": ["order"]}}'}, {"Pattern": '{"partitionKey": ["chosen"]}'}]
    _, out, _, _ = mapped(source, FilterCriteria={"Filters": filters})
    events = Events(sqs, out).until(lambda events: len(events.data) == 2)
    assert sorted(events.data) == ["anything", '{"kind": "order"}']


def test_a_tumbling_window_hands_its_state_on(kinesis, sqs, mapped):
    name, out, _, _ = mapped(TumblingWindowInSeconds=1)
    put(kinesis, name, "1", "2")
    put(kinesis, name, "3")
    finals = lambda events: [event for event in events.all if event["isFinalInvokeForWindow"]]
    count = lambda events: sum(event["state"].get("count", 0) for event in finals(events))
    events = Events(sqs, out).until(lambda events: count(events) == 3)
    for event in events.all:
        assert (event["shardId"], event["eventSourceARN"]) == ("shardId-000000000000", arn_of(name))
        assert event["isWindowTerminatedEarly"] is False
        start, end = (datetime.fromisoformat(event["window"][end].replace("Z", "+00:00")) for end in ("start", "end"))
        assert (end - start).total_seconds() == 1
        assert all(start.timestamp() <= it["kinesis"]["approximateArrivalTimestamp"] < end.timestamp() for it in event["Records"])
    assert all(event["Records"] == [] for event in finals(events))


def test_children_follow_their_parents(kinesis, sqs, mapped):
    name, out, _, _ = mapped(BatchSize=1)
    put(kinesis, name, "1", "2")
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    eventually(lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
    put(kinesis, name, "3")
    put(kinesis, name, "other", key="another")
    kinesis.merge_shards(StreamName=name, ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002")
    eventually(lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
    put(kinesis, name, "4")
    events = Events(sqs, out).until(lambda events: len(events.data) == 5)
    assert sorted(events.data) == ["1", "2", "3", "4", "other"]


def test_a_stream_that_is_made_again_is_read_from_its_beginning(kinesis, sqs, mapped):
    name, out, *_ = mapped()
    put(kinesis, name, "1")
    shown = Events(sqs, out).until(lambda shown: shown.data == ["1"])
    # Its first shard is finished, and the next stream has one of the same id.
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    put(kinesis, name, "2")
    shown.until(lambda shown: shown.data == ["1", "2"])
    kinesis.delete_stream(StreamName=name)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    put(kinesis, name, "3")
    shown.until(lambda shown: shown.data == ["1", "2", "3"])


def test_a_consumers_stream_is_read(kinesis, sqs, mapped, stream, client, make_function):
    name, arn = stream()
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    eventually(
        lambda: kinesis.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE"
    )
    put(kinesis, name, "1")
    _, out, function, uuid = mapped((name, consumer))
    events = Events(sqs, out).until(lambda events: events.data == ["1"])
    assert events.all[0]["Records"][0]["eventSourceARN"] == consumer
    assert client.get_event_source_mapping(UUID=uuid)["EventSourceArn"] == consumer
    gone = {"FunctionName": function, "EventSourceArn": consumer + "1", "StartingPosition": "LATEST"}
    assert error_of(client.create_event_source_mapping, **gone) == ("InvalidParameterValueException", f"Stream not found: {consumer}1")


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Events:
        Records:
          Type: Kinesis
          Properties:
            Stream: {arn}
            StartingPosition: AT_TIMESTAMP
            StartingPositionTimestamp: 1700000000
{more}
"""


def test_a_template_declares_a_mapping(client, application, stream):
    _, arn = stream()
    more = "            BatchSize: 7\n            MaximumRetryAttempts: 2\n            ParallelizationFactor: 3\n"
    files = {"template.yaml": TEMPLATE.format(arn=arn, more=more), "src/app.py": "def handler(event, context):\n    pass\n"}
    app = application(files)
    app.deploy()
    find = lambda: client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"][0]
    made = find()
    assert (made["BatchSize"], made["MaximumRetryAttempts"], made["ParallelizationFactor"]) == (7, 2, 3)
    assert made["StartingPositionTimestamp"].timestamp() == 1700000000
    app.write({"template.yaml": TEMPLATE.format(arn=arn, more="")})
    app.deploy()
    now = find()
    assert now["UUID"] == made["UUID"]
    assert (now["BatchSize"], now["MaximumRetryAttempts"], now["ParallelizationFactor"]) == (100, -1, 1)
