"""Requests to Kinesis that are wrong: each is refused with AWS's code, and the stream is as it was."""

import datetime
import json

import pytest
from conftest import ACCOUNT, REGION, error_of, unique

ARGUMENT, VALIDATION, MISSING = "InvalidArgumentException", "ValidationException", "ResourceNotFoundException"
IN_USE, LIMIT = "ResourceInUseException", "LimitExceededException"
ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/"
SHARD, NO_SHARD = "shardId-000000000000", "shardId-000000000009"
LAST_HASH = 2**128 - 1
FUTURE = datetime.datetime(2999, 1, 1)


@pytest.fixture(scope="module")
def house(platform):
    """A stream with a record and a consumer; its name, and a sequence number of another stream."""
    client = platform.client("kinesis", parameter_validation=False)
    name, other = unique("bad"), unique("other")
    for stream in (name, other):
        client.create_stream(StreamName=stream, ShardCount=2)
    client.put_record(StreamName=name, Data=b"kept", PartitionKey="k", ExplicitHashKey="0")
    foreign = client.put_record(StreamName=other, Data=b"x", PartitionKey="k", ExplicitHashKey="0")["SequenceNumber"]
    consumer = client.register_stream_consumer(StreamARN=ARN + name, ConsumerName="c")["Consumer"]["ConsumerARN"]
    yield {"client": client, "STREAM": name, "FOREIGN": foreign, "CONSUMER": consumer}
    iterator = client.get_shard_iterator(StreamName=name, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert [record["Data"] for record in client.get_records(ShardIterator=iterator)["Records"]] == [b"kept"]
    summary = client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["ConsumerCount"], summary["RetentionPeriodHours"]) == (2, 1, 24)
    assert client.list_tags_for_stream(StreamName=name)["Tags"] == []
    for stream in (name, other):
        client.delete_stream(StreamName=stream, EnforceConsumerDeletion=True)


def create(name="new", **more):
    return "create_stream", {"StreamName": name, "ShardCount": 1, **more}


def put(**more):
    return "put_record", {"StreamName": "STREAM", "Data": b"x", "PartitionKey": "k", **more}


def put_all(*records, **more):
    return "put_records", {"StreamName": "STREAM", "Records": list(records), **more}


def record(data=b"x", **more):
    return {"Data": data, "PartitionKey": "k", **more}


def iterator(kind, **more):
    return "get_shard_iterator", {"StreamName": "STREAM", "ShardId": SHARD, "ShardIteratorType": kind, **more}


def get(text, **more):
    return "get_records", {"ShardIterator": text, **more}


def split(shard=SHARD, at="1000", **more):
    return "split_shard", {"StreamName": "STREAM", "ShardToSplit": shard, "NewStartingHashKey": at, **more}


def merge(a, b):
    return "merge_shards", {"StreamName": "STREAM", "ShardToMerge": a, "AdjacentShardToMerge": b}


def rescale(count, **more):
    return "update_shard_count", {"StreamName": "STREAM", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING", **more}


def retain(operation, hours):
    return f"{operation}_stream_retention_period", {"StreamName": "STREAM", "RetentionPeriodHours": hours}


def list_shards(**more):
    return "list_shards", {"StreamName": "STREAM", **more}


def register(name="d", stream="STREAMARN"):
    return "register_stream_consumer", {"StreamARN": stream, "ConsumerName": name}


def subscribe(consumer="CONSUMER", shard=SHARD, **position):
    return "subscribe_to_shard", {"ConsumerARN": consumer, "ShardId": shard, "StartingPosition": {"Type": "LATEST", **position}}


GONE = f"Stream none under account {ACCOUNT} not found."
TAGS = {str(number): "x" for number in range(51)}

# What is called with what, the code that is right, and a piece of the message.
CALLS = {
    "create: no name": (("create_stream", {"ShardCount": 1}), VALIDATION, "streamName"),
    "create: empty name": (create(""), VALIDATION, "streamName"),
    "create: long name": (create("s" * 129), VALIDATION, "less than or equal to 128"),
    "create: a slash": (create("a/b"), VALIDATION, "[a-zA-Z0-9_.-]+"),
    "create: there is one": (create("STREAM"), IN_USE, "already exists."),
    "create: no shards": (create(ShardCount=0), VALIDATION, "greater than or equal to 1"),
    "create: too many shards": (create(ShardCount=501), LIMIT, "This request would exceed the shard limit for the account"),
    "create: no count": (("create_stream", {"StreamName": "new", "StreamModeDetails": {"StreamMode": "PROVISIONED"}}), ARGUMENT, "ShardCount"),
    "create: mode": (create(StreamModeDetails={"StreamMode": "FAST"}), VALIDATION, "PROVISIONED"),
    "create: too many tags": (create(Tags=TAGS), ARGUMENT, "cannot have more than 50 tags"),
    "create: record size": (create(MaxRecordSizeInKiB=10_241), VALIDATION, "10240"),
    "describe: not there": (("describe_stream", {"StreamName": "none"}), MISSING, GONE),
    "describe: nothing named": (("describe_stream", {}), ARGUMENT, "StreamName"),
    "describe: by ARN": (("describe_stream", {"StreamARN": ARN + "none"}), MISSING, GONE),
    "describe: no ARN": (("describe_stream", {"StreamARN": "stream"}), VALIDATION, "streamARN"),
    "describe: another's": (("describe_stream", {"StreamARN": f"arn:aws:kinesis:{REGION}:999999999999:stream/s"}), MISSING, "999999999999"),
    "describe: both, and not the same": (("describe_stream", {"StreamName": "STREAM", "StreamARN": ARN + "none"}), ARGUMENT, "same stream"),
    "describe: limit": (("describe_stream", {"StreamName": "STREAM", "Limit": 0}), VALIDATION, "limit"),
    "summary: not there": (("describe_stream_summary", {"StreamName": "none"}), MISSING, GONE),
    "delete: not there": (("delete_stream", {"StreamName": "none"}), MISSING, GONE),
    "delete: has consumers": (("delete_stream", {"StreamName": "STREAM"}), IN_USE, "consumers"),
    "list: token": (("list_streams", {"NextToken": "x"}), ARGUMENT, "NextToken"),
    "list: limit": (("list_streams", {"Limit": 10_001}), VALIDATION, "10000"),
    "put: not there": (put(StreamName="none"), MISSING, GONE),
    "put: no data": (("put_record", {"StreamName": "STREAM", "PartitionKey": "k"}), VALIDATION, "data"),
    "put: no key": (("put_record", {"StreamName": "STREAM", "Data": b"x"}), VALIDATION, "Value null at 'partitionKey'"),
    "put: empty key": (put(PartitionKey=""), VALIDATION, "partitionKey"),
    "put: long key": (put(PartitionKey="k" * 257), VALIDATION, "less than or equal to 256"),
    "put: too large": (put(Data=b"x" * (2**20 + 1)), VALIDATION, "Member must have length less than or equal to 1048576"),
    "put: hash key no number": (put(ExplicitHashKey="x"), VALIDATION, "explicitHashKey"),
    "put: hash key too large": (put(ExplicitHashKey=str(LAST_HASH + 1)), ARGUMENT, f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {LAST_HASH + 1}"),
    "put: after what is none": (put(SequenceNumberForOrdering="1"), ARGUMENT, "ExclusiveMinimumSequenceNumber 1 used in PutRecord"),
    "put: after what will be": (put(SequenceNumberForOrdering="4959" + "9" * 52), ARGUMENT, "ExclusiveMinimumSequenceNumber"),
    "put all: nothing": (put_all(), VALIDATION, "records"),
    "put all: too many": (put_all(*[record()] * 501), VALIDATION, "less than or equal to 500"),
    "put all: too large together": (put_all(*[record(b"x" * 2**20)] * 11), ARGUMENT, "10 MB"),
    "put all: one too large": (put_all(record(), record(b"x" * (2**20 + 1))), VALIDATION, "records.2.member.data"),
    "put all: one without a key": (put_all({"Data": b"x"}), VALIDATION, "records.1.member.partitionKey"),
    "put all: one key too large": (put_all(record(ExplicitHashKey=str(2**128))), ARGUMENT, "ExplicitHashKey"),
    "put all: not there": (put_all(record(), StreamName="none"), MISSING, GONE),
    "iterator: type": (iterator("NEWEST"), VALIDATION, "shardIteratorType"),
    "iterator: no shard": (iterator("LATEST", ShardId=NO_SHARD), MISSING, f"Could not find shard {NO_SHARD} in stream"),
    "iterator: shard's name": (iterator("LATEST", ShardId="0"), MISSING, "Could not find shard 0 in stream"),
    "iterator: stream": (iterator("LATEST", StreamName="none"), MISSING, GONE),
    "iterator: no number": (iterator("AT_SEQUENCE_NUMBER"), ARGUMENT, "no StartingSequenceNumber"),
    "iterator: a number": (iterator("LATEST", StartingSequenceNumber="1"), ARGUMENT, "also a StartingSequenceNumber"),
    "iterator: wrong number": (iterator("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber="7"), ARGUMENT, f"StartingSequenceNumber 7 used in GetShardIterator on shard {SHARD}"),
    "iterator: foreign number": (iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber="FOREIGN"), ARGUMENT, "is invalid."),
    "iterator: no digits": (iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber="x"), VALIDATION, "startingSequenceNumber"),
    "iterator: no time": (iterator("AT_TIMESTAMP"), ARGUMENT, "Must specify timestamp parameter for iterator of type AT_TIMESTAMP"),
    "iterator: future": (iterator("AT_TIMESTAMP", Timestamp=FUTURE), ARGUMENT, "cannot be greater than the currentTimestampInMillis"),
    "get: no iterator": (("get_records", {}), VALIDATION, "shardIterator"),
    "get: made up": (get("fake"), ARGUMENT, "Invalid ShardIterator."),
    "get: made up in base64": (get("AAAAAAAAAAE" + "A" * 200), ARGUMENT, "Invalid ShardIterator."),
    "get: not text": (get("ü" * 100), ARGUMENT, "Invalid ShardIterator."),
    "get: too long": (get("A" * 513), VALIDATION, "less than or equal to 512"),
    "get: limit": (get("x", Limit=10_001), VALIDATION, "10000"),
    "split: no shard": (split(NO_SHARD), MISSING, "Could not find shard"),
    "split: at its begin": (split(at="0"), ARGUMENT, "is not both greater than one plus the shard's StartingHashKey 0"),
    "split: one behind": (split(at="1"), ARGUMENT, "NewStartingHashKey 1 used in SplitShard()"),
    "split: elsewhere": (split(at=str(LAST_HASH)), ARGUMENT, "and less than the shard's EndingHashKey"),
    "split: no number": (split(at="-1"), VALIDATION, "newStartingHashKey"),
    "split: out of range": (split(at="9" * 39), ARGUMENT, f"used in SplitShard() on shard {SHARD} in stream"),
    "merge: with itself": (merge(SHARD, SHARD), ARGUMENT, "are not an adjacent pair"),
    "merge: no shard": (merge(SHARD, NO_SHARD), MISSING, "Could not find shard"),
    "scale: too far": (rescale(5), ARGUMENT, "cannot scale up over double your current open shard count. Current open shard count: 2 Target shard count: 5"),
    "scale: nothing left": (rescale(0), VALIDATION, "targetShardCount"),
    "scale: type": (rescale(2, ScalingType="SOMEHOW"), VALIDATION, "UNIFORM_SCALING"),
    "retention: too short": (retain("decrease", 23), ARGUMENT, "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."),
    "retention: too long": (retain("increase", 8761), ARGUMENT, "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long."),
    "retention: wrong way": (retain("decrease", 48), ARGUMENT, "can not be longer than existing retention period (24 hours)"),
    "shards: token and name": (list_shards(NextToken="x"), ARGUMENT, "NextToken and StreamName cannot be provided together."),
    "shards: token": (("list_shards", {"NextToken": "x"}), ARGUMENT, "NextToken"),
    "shards: filter": (list_shards(ShardFilter={"Type": "SOME"}), VALIDATION, "shardFilter"),
    "shards: filter without its shard": (list_shards(ShardFilter={"Type": "AFTER_SHARD_ID"}), ARGUMENT, "ShardId"),
    "shards: filter with a shard of no use": (list_shards(ShardFilter={"Type": "AT_LATEST", "ShardId": "shardId-000000000000"}), ARGUMENT, "ShardId"),
    "shards: filter with a time of no use": (list_shards(ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000000", "Timestamp": 1}), ARGUMENT, "Timestamp"),
    "shards: filter without its time": (list_shards(ShardFilter={"Type": "AT_TIMESTAMP"}), ARGUMENT, "Timestamp"),
    "shards: another's birthday": (list_shards(StreamCreationTimestamp=datetime.datetime(2020, 1, 1)), MISSING, "not found"),
    "tags: too many": (("add_tags_to_stream", {"StreamName": "STREAM", "Tags": TAGS}), ARGUMENT, "cannot have more than 50 tags"),
    "tags: none": (("add_tags_to_stream", {"StreamName": "STREAM", "Tags": {}}), VALIDATION, "tags"),
    "tags: long value": (("add_tags_to_stream", {"StreamName": "STREAM", "Tags": {"a": "x" * 257}}), VALIDATION, "tags"),
    "tags: characters": (("add_tags_to_stream", {"StreamName": "STREAM", "Tags": {"a!": "b"}}), ARGUMENT, "Some tags contain invalid characters."),
    "tags: reserved": (("tag_resource", {"ResourceARN": "STREAMARN", "Tags": {"aws:a": "b"}}), ARGUMENT, "aws:"),
    "create: reserved tags": (create(Tags={"AWS:a": "b"}), ARGUMENT, "AWS:a"),
    "tags: no stream": (("list_tags_for_stream", {"StreamName": "none"}), MISSING, GONE),
    "tags: no resource": (("tag_resource", {"ResourceARN": ARN + "none", "Tags": {"a": "b"}}), MISSING, GONE),
    "tags: no consumer": (("list_tags_for_resource", {"ResourceARN": "STREAMARN/consumer/x:1"}), MISSING, "x:1"),
    "policy: no document": (("put_resource_policy", {"ResourceARN": "STREAMARN", "Policy": "x"}), ARGUMENT, "policy"),
    "policy: none": (("delete_resource_policy", {"ResourceARN": "STREAMARN"}), MISSING, "No resource policy found"),
    "consumer: there is one": (register("c"), IN_USE, "already exists"),
    "consumer: no stream": (register(stream=ARN + "none"), MISSING, GONE),
    "consumer: name": (register("a b"), VALIDATION, "consumerName"),
    "consumer: not there": (("describe_stream_consumer", {"StreamARN": "STREAMARN", "ConsumerName": "x"}), MISSING, "Consumer x, account"),
    "consumer: nothing named": (("deregister_stream_consumer", {"StreamARN": "STREAMARN"}), ARGUMENT, "ConsumerName"),
    "consumer: older one": (("describe_stream_consumer", {"ConsumerARN": "STREAMARN/consumer/c:1"}), MISSING, "Consumer c"),
    "subscribe: no shard": (subscribe(shard=NO_SHARD), MISSING, "Could not find shard"),
    "subscribe: no consumer": (subscribe("STREAMARN/consumer/x:1"), MISSING, "Consumer x"),
    "subscribe: position": (subscribe(Type="AT_SEQUENCE_NUMBER"), ARGUMENT, "StartingSequenceNumber"),
    "subscribe: type": (subscribe(Type="SOON"), VALIDATION, "startingPosition"),
    "encrypt: with nothing": (("start_stream_encryption", {"StreamName": "STREAM", "EncryptionType": "NONE", "KeyId": "k"}), ARGUMENT, "KMS"),
    "metrics: no such": (("enable_enhanced_monitoring", {"StreamName": "STREAM", "ShardLevelMetrics": ["Mood"]}), VALIDATION, "shardLevelMetrics"),
    "mode: no stream": (("update_stream_mode", {"StreamARN": ARN + "none", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}), MISSING, GONE),
    "warm: provisioned": (("update_stream_warm_throughput", {"StreamName": "STREAM", "WarmThroughputMiBps": 1}), VALIDATION, "ON_DEMAND"),
    "warm: made provisioned": (create(WarmThroughputMiBps=1), VALIDATION, "ON_DEMAND"),
    "not there yet": (("list_channels", {}), "NotImplemented", "ListChannels"),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS)
def test_a_wrong_call_is_refused_as_aws_does_it(house, what):
    (operation, arguments), expected, piece = CALLS[what]
    words = {"STREAMARN": ARN + house["STREAM"], **{word: house[word] for word in ("STREAM", "FOREIGN", "CONSUMER")}}

    def filled(value):
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, str) and value.startswith("STREAMARN/"):
            return value.replace("STREAMARN", words["STREAMARN"])
        return words.get(value, value) if isinstance(value, str) else value

    code, message = error_of(getattr(house["client"], operation), **filled(arguments))
    assert (code, piece in message) == (expected, True), (code, message)


def test_an_iterator_is_good_for_its_account_and_stream_alone(platform, house):
    client, name = house["client"], house["STREAM"]
    iterator = client.get_shard_iterator(StreamName=name, ShardId=SHARD, ShardIteratorType="LATEST")["ShardIterator"]
    code, message = error_of(platform.client("kinesis", account="333333333333").get_records, ShardIterator=iterator)
    assert (code, message) == ("InvalidArgumentException", "Invalid ShardIterator.")
    code, _ = error_of(platform.client("kinesis", region="eu-west-1").get_records, ShardIterator=iterator)
    assert code == "InvalidArgumentException"
    again = unique("again")
    client.create_stream(StreamName=again, ShardCount=1)
    iterator = client.get_shard_iterator(StreamName=again, ShardId=SHARD, ShardIteratorType="LATEST")["ShardIterator"]
    client.delete_stream(StreamName=again)
    assert error_of(client.get_records, ShardIterator=iterator)[0] == "ResourceNotFoundException"
    client.create_stream(StreamName=again, ShardCount=1)
    assert error_of(client.get_records, ShardIterator=iterator)[0] == "ResourceNotFoundException"
    client.delete_stream(StreamName=again)


# Content type, body, and what the answer says.
BODIES = {
    "json: no JSON": ("application/x-amz-json-1.1", b"{", b"SerializationException"),
    "json: data is no base64": ("application/x-amz-json-1.1", b'{"StreamName": "s", "PartitionKey": "k", "Data": "?"}', b"SerializationException"),
    "json: data is a number": ("application/x-amz-json-1.1", b'{"StreamName": "s", "PartitionKey": "k", "Data": 1}', b"SerializationException"),
    "cbor: no CBOR": ("application/x-amz-cbor-1.1", b"\xff\xff", b"SerializationException"),
    "cbor: cut off": ("application/x-amz-cbor-1.1", b"\xa1\x6aStreamName", b"SerializationException"),
    "cbor: a list": ("application/x-amz-cbor-1.1", b"\x80", b"SerializationException"),
    "cbor: data is text": ("application/x-amz-cbor-1.1", b"\xa1\x64Data\x61x", b"SerializationException"),
    "cbor: nested without end": ("application/x-amz-cbor-1.1", b"\x81" * 100_000, b"SerializationException"),
    "cbor: longer than it is": ("application/x-amz-cbor-1.1", b"\xa1\x64Data\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"SerializationException"),
    "cbor: nothing in it": ("application/x-amz-cbor-1.1", b"\xa0", b"ValidationException"),
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_a_wrong_body_is_refused(platform, what):
    kind, body, piece = BODIES[what]
    headers = {"content-type": kind, "x-amz-target": "Kinesis_20131202.PutRecord"}
    status, headers, answer = platform.http("POST", "/", body, headers)
    assert (status, headers["content-type"]) == (400, kind) and piece in answer, answer
    if "json" in kind:
        assert "message" in json.loads(answer)
