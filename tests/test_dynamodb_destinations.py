"""DynamoDB: the Kinesis streams that a table's changes go to, and what becomes of those that cannot be. Answers are AWS's, as probed in 2026."""

import pytest
from conftest import ACCOUNT, REGION, error_of, unique
from test_dynamodb import make_table, text  # noqa: F401

WRONG = "ValidationException"
BEGIN = "Table is not in a valid state to enable Kinesis Streaming Destination: "
NOT_OFF = (WRONG, BEGIN + "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.")
NOT_ON = (WRONG, BEGIN + "KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
MICRO, MILLI = ({"ApproximateCreationDateTimePrecision": unit} for unit in ("MICROSECOND", "MILLISECOND"))


@pytest.fixture
def new_stream(aws):
    def make():
        kinesis, name = aws("kinesis"), unique("changes")
        kinesis.create_stream(StreamName=name, ShardCount=1)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        return kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]

    return make


def shown(dynamodb, table):
    answer = dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"]
    return {one.pop("StreamArn"): one for one in answer}


def test_one_destination_is_on_at_a_time(dynamodb, aws, make_table, new_stream):
    table, first, second = make_table(), new_stream(), new_stream()
    enable, disable = dynamodb.enable_kinesis_streaming_destination, dynamodb.disable_kinesis_streaming_destination
    assert shown(dynamodb, table) == {}
    assert error_of(disable, TableName=table, StreamArn=first) == NOT_ON
    enable(TableName=table, StreamArn=first, EnableKinesisStreamingConfiguration=MICRO)
    for stream in (first, second):
        assert error_of(enable, TableName=table, StreamArn=stream) == NOT_OFF
    why = "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters"
    assert error_of(disable, TableName=table, StreamArn=first, EnableKinesisStreamingConfiguration=MICRO) == (WRONG, why)
    disable(TableName=table, StreamArn=first)
    assert error_of(disable, TableName=table, StreamArn=first) == NOT_ON
    enable(TableName=table, StreamArn=second)
    assert shown(dynamodb, table) == {first: {"DestinationStatus": "DISABLED", **MICRO}, second: {"DestinationStatus": "ACTIVE"}}
    disable(TableName=table, StreamArn=second)
    enable(TableName=table, StreamArn=first)
    assert shown(dynamodb, table)[first] == {"DestinationStatus": "ACTIVE"}, "what was said the last time is forgotten"
    # A stream that goes does not stop the table, and nobody is told.
    aws("kinesis").delete_stream(StreamARN=first)
    dynamodb.put_item(TableName=table, Item={"pk": text("a")})
    dynamodb.update_kinesis_streaming_destination(TableName=table, StreamArn=first, UpdateKinesisStreamingConfiguration=MICRO)
    assert shown(dynamodb, table)[first] == {"DestinationStatus": "ACTIVE", **MICRO}


def test_what_cannot_take_changes_is_told_by_its_state(dynamodb, make_table, new_stream):
    table, enable = make_table(), dynamodb.enable_kinesis_streaming_destination
    stream = lambda name, region=REGION, account=ACCOUNT: f"arn:aws:kinesis:{region}:{account}:stream/{name}"
    begin = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in "
    nobody = "User does not have a permission to use kinesis stream"
    failing = {
        stream("nobody"): nobody,
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}": nobody,
        stream("there", region="eu-west-1"): begin + "the current region",
        stream("theirs", account="1" * 12): begin + "Active state",
    }
    for one in failing:
        assert enable(TableName=table, StreamArn=one)["DestinationStatus"] == "ENABLING"
    failed = {one: {"DestinationStatus": "ENABLE_FAILED", "DestinationStatusDescription": why} for one, why in failing.items()}
    assert shown(dynamodb, table) == failed
    assert error_of(dynamodb.disable_kinesis_streaming_destination, TableName=table, StreamArn=stream("nobody")) == NOT_ON
    dynamodb.put_item(TableName=table, Item={"pk": text("a")})
    enable(TableName=table, StreamArn=stream("nobody"))
    good = new_stream()
    enable(TableName=table, StreamArn=good)
    assert shown(dynamodb, table) == {**failed, good: {"DestinationStatus": "ACTIVE"}}
    assert error_of(enable, TableName="nobody", StreamArn=good) == ("ResourceNotFoundException", "Requested resource not found: Table: nobody not found")


def test_the_precision_of_times_changes(dynamodb, make_table, new_stream):
    table, stream, other = make_table(), new_stream(), new_stream()
    update = lambda of=stream, **more: dynamodb.update_kinesis_streaming_destination(TableName=table, StreamArn=of, **more)
    to = lambda unit, of=stream: update(of, UpdateKinesisStreamingConfiguration=unit)
    dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream)
    same = "Invalid Request: Precision is already set to the desired value of MILLISECOND for tableId: "
    assert error_of(to, MILLI)[1].startswith(same), "it is so, though nobody has said it"
    answer = to(MICRO)
    assert (answer["DestinationStatus"], answer["UpdateKinesisStreamingConfiguration"]) == ("UPDATING", MICRO)
    assert shown(dynamodb, table)[stream] == {"DestinationStatus": "ACTIVE", **MICRO}
    nothing = "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain only null values"
    assert error_of(update) == error_of(to, {}) == (WRONG, nothing)
    code, message = error_of(to, MICRO, other)
    assert (code, message.startswith(f"{BEGIN}No streaming destination with streamArn: {other}")) == (WRONG, True)
    dynamodb.disable_kinesis_streaming_destination(TableName=table, StreamArn=stream)
    off = f"{BEGIN}Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. TableName: {table}, kdsArn: {stream}"
    assert error_of(to, MILLI) == (WRONG, off)
