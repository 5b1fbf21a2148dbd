"""Event source mappings of DynamoDB streams, with unmodified boto3. What they share with Kinesis is in test_stream_sources.py."""

import json
import time

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique
from test_stream_sources import Events
from test_stream_sources_failures import told

# Sends what it was called with to the queue that the variable OUT names, and fails on items whose `word` has "bad" in it.
ECHO = """
import boto3, json, os

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))

def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event))
    word = lambda record: record["dynamodb"].get("NewImage", {}).get("word", {}).get("S", "")
    bad = [record["dynamodb"]["SequenceNumber"] for record in event["Records"] if "bad" in word(record)]
    if os.environ.get("REPORT"):
        return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]}
    if bad:
        raise ValueError("bad")
"""


@pytest.fixture
def table(dynamodb):
    made = []

    def make(view="NEW_AND_OLD_IMAGES"):
        name = unique("t")
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        )
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        made.append(name)
        return name, dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]

    yield make
    for name in made:
        dynamodb.delete_table(TableName=name)


@pytest.fixture
def mapped(table, map_source):
    """A table whose changes go to a function that shows its events in a queue."""

    def make(of=None, variables=None, **options):
        name, arn = of or table()
        return name, *map_source(ECHO, arn, variables, **{"StartingPosition": "TRIM_HORIZON", **options})

    return make


def put(dynamodb, name, id, **attributes):
    item = {"id": {"S": id}, **{key: {"S": value} for key, value in attributes.items()}}
    dynamodb.put_item(TableName=name, Item=item)


def records(events):
    """All records, in the order of their sequence numbers."""
    all = [record for event in events.all for record in event["Records"]]
    return sorted(all, key=lambda record: record["dynamodb"]["SequenceNumber"])


def test_changes_reach_the_function_as_aws_shows_them(dynamodb, sqs, mapped, table):
    source = table()
    name, out, _, _ = mapped(source)
    put(dynamodb, name, "a", word="one")
    put(dynamodb, name, "a", word="two")
    dynamodb.delete_item(TableName=name, Key={"id": {"S": "a"}})
    events = Events(sqs, out).until(lambda events: len(records(events)) == 3)
    one, two = ({"id": {"S": "a"}, "word": {"S": word}} for word in ("one", "two"))
    images = [("INSERT", {"NewImage": one}), ("MODIFY", {"NewImage": two, "OldImage": one}), ("REMOVE", {"OldImage": two})]
    for record, (kind, shown) in zip(records(events), images):
        assert len(record.pop("eventID")) == 32
        change = record.pop("dynamodb")
        assert abs(change.pop("ApproximateCreationDateTime") - time.time()) < 30
        assert change.pop("SequenceNumber").isdigit() and change.pop("SizeBytes") > 0
        assert change == {"Keys": {"id": {"S": "a"}}, "StreamViewType": "NEW_AND_OLD_IMAGES", **shown}
        assert record == {
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "eventSourceARN": source[1],
        }


def test_latest_begins_with_what_changes_after_the_mapping(dynamodb, sqs, mapped, table):
    source = table("KEYS_ONLY")
    put(dynamodb, source[0], "old")
    _, out, _, _ = mapped(source, StartingPosition="LATEST")
    put(dynamodb, source[0], "new")
    events = Events(sqs, out).until(lambda events: events.all)
    assert [record["dynamodb"]["Keys"] for record in records(events)] == [{"id": {"S": "new"}}]


def test_filters_choose_changes(dynamodb, sqs, mapped, table):
    source = table()
    for word in ("no", "yes"):
        put(dynamodb, source[0], word, word=word)
    put(dynamodb, source[0], "yes", word="no")
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"word": {"S": ["yes"]}}}}
    _, out, _, _ = mapped(source, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    put(dynamodb, source[0], "last", word="yes")
    events = Events(sqs, out).until(lambda events: len(records(events)) == 2)
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records(events)] == ["yes", "last"]


def test_what_is_given_up_is_told_of(dynamodb, sqs, mapped, table):
    source = table()
    for word in ("good", "bad", "better"):
        put(dynamodb, source[0], word, word=word)
    failures = sqs.create_queue(QueueName=unique())["QueueUrl"]
    target = sqs.get_queue_attributes(QueueUrl=failures, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    end = {"OnFailure": {"Destination": target}}
    _, out, _, _ = mapped(source, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0, DestinationConfig=end)
    batch = told(sqs, failures)["DDBStreamBatchInfo"]
    events = Events(sqs, out).until(lambda events: any(len(event["Records"]) == 1 for event in events.all))
    (bad,) = {record["dynamodb"]["SequenceNumber"] for record in records(events) if record["dynamodb"]["Keys"]["id"]["S"] == "bad"}
    assert (batch["startSequenceNumber"], batch["endSequenceNumber"], batch["batchSize"]) == (bad, bad, 1)
    assert batch["streamArn"] == source[1] and batch["shardId"].startswith("shardId-")


def test_what_is_not_reported_as_failed_does_not_come_again(dynamodb, sqs, mapped, table):
    source = table()
    for word in ("1", "bad", "3"):
        put(dynamodb, source[0], word, word=word)
    _, out, _, _ = mapped(
        source, {"REPORT": "1"}, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1
    )
    put(dynamodb, source[0], "last", word="last")
    ids = lambda events: [record["dynamodb"]["Keys"]["id"]["S"] for record in records(events)]
    events = Events(sqs, out).until(lambda events: "last" in ids(events) and ids(events).count("bad") == 2)
    assert ids(events).count("1") == 1


def test_items_keep_their_order_with_a_parallelisation_factor(dynamodb, sqs, mapped, table):
    source = table()
    for number in range(10):
        for id in "abcd":
            put(dynamodb, source[0], id, word=str(number))
    _, out, _, _ = mapped(source, BatchSize=3, ParallelizationFactor=5)
    events = Events(sqs, out).until(lambda events: len(records(events)) == 40)
    lanes = {}
    for event in events.all:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        assert numbers == sorted(numbers) and len(numbers) <= 3
        for record in event["Records"]:
            lanes.setdefault(record["dynamodb"]["Keys"]["id"]["S"], []).append(record)
    assert {id: len(all) for id, all in lanes.items()} == dict.fromkeys("abcd", 10)


def test_a_stream_that_was_switched_off_is_read_to_its_end(client, dynamodb, sqs, mapped, table):
    source = table()
    put(dynamodb, source[0], "before")
    dynamodb.update_table(TableName=source[0], StreamSpecification={"StreamEnabled": False})
    _, out, _, uuid = mapped(source)
    events = Events(sqs, out).until(lambda events: events.all)
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records(events)] == ["before"]
    eventually(lambda: client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK")


def test_a_table_has_no_stream_of_another_name(client, make_function, table):
    function, (_, arn) = make_function("def handler(event, context):\n    pass\n"), table()
    create = lambda arn: error_of(
        client.create_event_source_mapping, FunctionName=function, EventSourceArn=arn, StartingPosition="LATEST"
    )
    assert create(arn + "0") == ("InvalidParameterValueException", f"Stream not found: {arn}0")
    assert create(arn.split("/stream/")[0])[1].startswith("Unrecognized event source")
    other = arn.replace(ACCOUNT, "111111111111")
    assert create(other)[0] == "AccessDeniedException"


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
        Changes:
          Type: DynamoDB
          Properties:
            Stream: {arn}
            StartingPosition: TRIM_HORIZON
            BatchSize: 7
"""


def test_a_template_declares_a_mapping(client, application, table):
    _, arn = table()
    files = {"template.yaml": TEMPLATE.format(arn=arn), "src/app.py": "def handler(event, context):\n    pass\n"}
    application(files).deploy()
    (made,) = client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    assert (made["BatchSize"], made["StartingPosition"]) == (7, "TRIM_HORIZON")
