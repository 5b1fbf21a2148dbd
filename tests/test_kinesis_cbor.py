"""Kinesis in CBOR, as the SDK for Java speaks it: by hand, through plain HTTP."""

import datetime
import struct

from botocore.eventstream import EventStreamBuffer
from conftest import ACCOUNT
from test_kinesis import arn, get, iterator, put, shard_id, stream  # noqa: F401  (fixtures)


def cbor(value):
    def head(major, number):
        for code, size, form in [(24, 2**8, ">B"), (25, 2**16, ">H"), (26, 2**32, ">I")]:
            if number < 24:
                return bytes([major << 5 | number])
            if number < size:
                return bytes([major << 5 | code]) + struct.pack(form, number)
        return bytes([major << 5 | 27]) + struct.pack(">Q", number)

    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, datetime.datetime):
        return head(6, 1) + head(0, int(value.timestamp() * 1000))
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def uncbor(data):
    """Reads one value; answers it and the rest."""
    major, info, rest = data[0] >> 5, data[0] & 31, data[1:]
    if major == 7:
        return {20: False, 21: True, 22: None}.get(info, ...) if info < 24 else struct.unpack(">d", rest[:8])[0], rest[0 if info < 24 else 8 :]
    if info >= 24:
        size = 2 ** (info - 24)
        info, rest = int.from_bytes(rest[:size], "big"), rest[size:]
    if major == 0:
        return info, rest
    if major in (2, 3):
        piece, rest = rest[:info], rest[info:]
        return piece if major == 2 else piece.decode(), rest
    if major == 6:
        return uncbor(rest)
    found = []
    for _ in range(info * (2 if major == 5 else 1)):
        item, rest = uncbor(rest)
        found.append(item)
    return (dict(zip(found[::2], found[1::2])) if major == 5 else found), rest


CBOR = "application/x-amz-cbor-1.1"


def call_cbor(platform, operation, value):
    headers = {"content-type": CBOR, "x-amz-target": f"Kinesis_20131202.{operation}"}
    status, headers, body = platform.http("POST", "/", cbor(value), headers)
    assert headers["content-type"] == CBOR
    answer, rest = uncbor(body)
    assert rest == b""
    return status, answer


def test_cbor_carries_data_times_and_errors(platform, kinesis, stream):
    name = stream()
    data = bytes(range(256))
    status, written = call_cbor(platform, "PutRecord", {"StreamName": name, "Data": data, "PartitionKey": "k"})
    assert status == 200 and written["ShardId"] == shard_id(0)
    status, batch = call_cbor(platform, "PutRecords", {"StreamName": name, "Records": [{"Data": b"x", "PartitionKey": "k"}] * 3})
    assert (status, batch["FailedRecordCount"], len(batch["Records"])) == (200, 0, 3)
    [record, *_] = get(kinesis, ShardIterator=iterator(kinesis, name))["Records"]
    at = record["ApproximateArrivalTimestamp"]
    where = {"StreamName": name, "ShardId": shard_id(0), "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": at}
    _, found = call_cbor(platform, "GetShardIterator", where)
    status, answer = call_cbor(platform, "GetRecords", found)
    assert status == 200 and answer["MillisBehindLatest"] == 0
    assert answer["Records"][0] == {
        "SequenceNumber": written["SequenceNumber"], "Data": data, "PartitionKey": "k", "ApproximateArrivalTimestamp": round(at.timestamp() * 1000),
    }  # fmt: skip
    _, described = call_cbor(platform, "DescribeStream", {"StreamName": name})
    created = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamCreationTimestamp"]
    assert described["StreamDescription"]["StreamCreationTimestamp"] == round(created.timestamp() * 1000)
    status, error = call_cbor(platform, "DescribeStream", {"StreamName": "none"})
    assert (status, error) == (400, {"__type": "ResourceNotFoundException", "message": f"Stream none under account {ACCOUNT} not found."})


def test_cbor_subscriptions_push_cbor(platform, kinesis, stream):
    name = stream()
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c")["Consumer"]["ConsumerARN"]
    put(kinesis, name, b"\0\xff")
    kinesis.split_shard(StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey="1000")
    headers = {"content-type": CBOR, "x-amz-target": "Kinesis_20131202.SubscribeToShard"}
    body = cbor({"ConsumerARN": consumer, "ShardId": shard_id(0), "StartingPosition": {"Type": "TRIM_HORIZON"}})
    status, headers, answer = platform.http("POST", "/", body, headers)
    assert (status, headers["content-type"]) == (200, "application/vnd.amazon.eventstream")
    buffer = EventStreamBuffer()
    buffer.add_data(answer)
    [initial, event] = list(buffer)
    assert initial.headers[":event-type"] == "initial-response" and uncbor(initial.payload) == ({}, b"")
    assert (event.headers[":event-type"], event.headers[":content-type"]) == ("SubscribeToShardEvent", CBOR)
    event, _ = uncbor(event.payload)
    assert [record["Data"] for record in event["Records"]] == [b"\0\xff"] and len(event["ChildShards"]) == 2
