"""Kinesis: every operation through boto3, CBOR by hand, subscriptions over HTTP/1 and, with the SDK for JavaScript, over HTTP/2."""

import datetime
import hashlib
import json
import os
import shutil
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION, error_of, eventually, unique

LAST_HASH = 2**128 - 1


@pytest.fixture
def stream(kinesis):
    """Makes streams that go with the test; answers their names."""
    made = []

    def make(shards=1, **options):
        name = unique("s")
        if shards:
            options["ShardCount"] = shards
        kinesis.create_stream(StreamName=name, **options)
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
        except kinesis.exceptions.ResourceNotFoundException:
            pass


def arn(name):
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def shard_id(number):
    return f"shardId-{number:012}"


def shards(kinesis, name, **options):
    return kinesis.list_shards(StreamName=name, **options)["Shards"]


def iterator(kinesis, name, kind="TRIM_HORIZON", shard=0, **options):
    answer = kinesis.get_shard_iterator(StreamName=name, ShardId=shard_id(shard), ShardIteratorType=kind, **options)
    return answer["ShardIterator"]


def read(kinesis, name, kind="TRIM_HORIZON", shard=0, **options):
    return [record["Data"] for record in get(kinesis, ShardIterator=iterator(kinesis, name, kind, shard, **options))["Records"]]


def attempt(call, **options):
    """The code and the message that a call is refused with, if it is."""
    try:
        call(**options)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]


def get(kinesis, **options):
    """Reads as soon as the shard is to be read again."""
    return taken(lambda: kinesis.get_records(**options))


def put(kinesis, name, data, key="k", **options):
    return kinesis.put_record(StreamName=name, Data=data, PartitionKey=key, **options)


def taken(write):
    """Calls as soon as the shard's limits allow it again."""

    def attempt():
        try:
            return write()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException"

    return eventually(attempt)


def test_a_stream_is_made_described_and_deleted(kinesis, stream):
    name = stream(3, Tags={"a": "b"})
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    expected = {
        "StreamName": name, "StreamARN": arn(name), "StreamStatus": "ACTIVE", "HasMoreShards": False, "RetentionPeriodHours": 24,
        "EncryptionType": "NONE", "EnhancedMonitoring": [{"ShardLevelMetrics": []}], "StreamModeDetails": {"StreamMode": "PROVISIONED"},
    }  # fmt: skip
    assert {key: described[key] for key in expected} == expected
    ranges = [shard["HashKeyRange"] for shard in described["Shards"]]
    assert [shard["ShardId"] for shard in described["Shards"]] == [shard_id(n) for n in range(3)]
    assert int(ranges[0]["StartingHashKey"]) == 0 and int(ranges[-1]["EndingHashKey"]) == LAST_HASH
    assert all(int(a["EndingHashKey"]) + 1 == int(b["StartingHashKey"]) for a, b in zip(ranges, ranges[1:]))
    assert all(len(shard["SequenceNumberRange"]["StartingSequenceNumber"]) == 56 for shard in described["Shards"])
    assert all("EndingSequenceNumber" not in shard["SequenceNumberRange"] for shard in described["Shards"])
    by_arn = kinesis.describe_stream(StreamARN=arn(name), Limit=2)["StreamDescription"]
    assert (len(by_arn["Shards"]), by_arn["HasMoreShards"]) == (2, True)
    rest = kinesis.describe_stream(StreamName=name, ExclusiveStartShardId=shard_id(1))["StreamDescription"]["Shards"]
    assert [shard["ShardId"] for shard in rest] == [shard_id(2)]
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["ConsumerCount"], summary["MaxRecordSizeInKiB"]) == (3, 0, 1024)
    assert summary["StreamCreationTimestamp"] == described["StreamCreationTimestamp"]
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "a", "Value": "b"}]
    code, message = error_of(kinesis.create_stream, StreamName=name, ShardCount=1)
    assert (code, message) == ("ResourceInUseException", f"Stream {name} under account {ACCOUNT} already exists.")
    kinesis.delete_stream(StreamName=name)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=name)
    code, message = error_of(kinesis.describe_stream, StreamName=name)
    assert (code, message) == ("ResourceNotFoundException", f"Stream {name} under account {ACCOUNT} not found.")


def test_streams_are_listed_in_pages(platform):
    kinesis = platform.client("kinesis", account="222222222222")
    names = sorted(unique("list") for _ in range(5))
    for name in names:
        kinesis.create_stream(StreamName=name, ShardCount=1)
    first = kinesis.list_streams(Limit=2)
    assert (first["StreamNames"], first["HasMoreStreams"]) == (names[:2], True)
    assert [summary["StreamName"] for summary in first["StreamSummaries"]] == names[:2]
    second = kinesis.list_streams(Limit=2, NextToken=first["NextToken"])
    third = kinesis.list_streams(ExclusiveStartStreamName=second["StreamNames"][-1])
    assert (second["StreamNames"], third["StreamNames"], third["HasMoreStreams"]) == (names[2:4], names[4:], False)
    assert "NextToken" not in third
    paged = [name for page in kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1}) for name in page["StreamNames"]]
    assert paged == names
    limits = kinesis.describe_limits()
    assert (limits["OpenShardCount"], limits["ShardLimit"], limits["OnDemandStreamCountLimit"]) == (5, 500, 50)
    code, message = error_of(kinesis.create_stream, StreamName="many", ShardCount=496)
    assert code == "LimitExceededException" and "exceed the shard limit for the account 222222222222" in message
    for name in names:
        kinesis.delete_stream(StreamName=name)
    assert kinesis.describe_limits()["OpenShardCount"] == 0
    assert kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]["Status"] == "DISABLED"


def test_records_are_read_in_the_order_of_their_numbers(kinesis, stream):
    name = stream()
    written = [put(kinesis, name, b"%d" % number) for number in range(5)]
    numbers = [record["SequenceNumber"] for record in written]
    assert all(record["ShardId"] == shard_id(0) for record in written)
    assert numbers == sorted(numbers, key=int) and len(set(numbers)) == 5 and all(number.startswith("4959") for number in numbers)
    page = get(kinesis, ShardIterator=iterator(kinesis, name), Limit=2)
    assert [record["Data"] for record in page["Records"]] == [b"0", b"1"] and page["MillisBehindLatest"] >= 0
    record = page["Records"][0]
    assert (record["SequenceNumber"], record["PartitionKey"]) == (numbers[0], "k")
    age = datetime.datetime.now(datetime.timezone.utc) - record["ApproximateArrivalTimestamp"]
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
    page = get(kinesis, ShardIterator=page["NextShardIterator"], StreamARN=arn(name))
    assert ([record["Data"] for record in page["Records"]], page["MillisBehindLatest"]) == ([b"2", b"3", b"4"], 0)
    empty = get(kinesis, ShardIterator=page["NextShardIterator"])
    assert (empty["Records"], "ChildShards" in empty) == ([], False) and empty["NextShardIterator"]
    put(kinesis, name, b"5", SequenceNumberForOrdering=numbers[-1])
    assert [record["Data"] for record in get(kinesis, ShardIterator=empty["NextShardIterator"])["Records"]] == [b"5"]


def test_reading_begins_where_an_iterator_says(kinesis, stream):
    name = stream()
    first = put(kinesis, name, b"a")["SequenceNumber"]
    latest = iterator(kinesis, name, "LATEST")
    second = put(kinesis, name, b"b")["SequenceNumber"]
    put(kinesis, name, b"c")
    assert [record["Data"] for record in get(kinesis, ShardIterator=latest)["Records"]] == [b"b", b"c"]
    assert read(kinesis, name, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=second) == [b"b", b"c"]
    assert read(kinesis, name, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=second) == [b"c"]
    assert read(kinesis, name, "AT_SEQUENCE_NUMBER", StartingSequenceNumber="0") == [b"a", b"b", b"c"]
    start = shards(kinesis, name)[0]["SequenceNumberRange"]["StartingSequenceNumber"]
    assert int(start) < int(first) and read(kinesis, name, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=start) == [b"a", b"b", b"c"]
    [record, *_] = get(kinesis, ShardIterator=iterator(kinesis, name))["Records"]
    at = record["ApproximateArrivalTimestamp"]
    assert read(kinesis, name, "AT_TIMESTAMP", Timestamp=at) == [b"a", b"b", b"c"]
    assert read(kinesis, name, "AT_TIMESTAMP", Timestamp=at - datetime.timedelta(days=3)) == [b"a", b"b", b"c"]
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(milliseconds=1)
    eventually(lambda: read(kinesis, name, "AT_TIMESTAMP", Timestamp=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(milliseconds=1)) == [])
    put(kinesis, name, b"d")
    assert read(kinesis, name, "AT_TIMESTAMP", Timestamp=now)[-1] == b"d"
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    assert read(kinesis, name, "AT_TIMESTAMP", Timestamp=soon) == []
    behind = get(kinesis, ShardIterator=iterator(kinesis, name), Limit=1)
    assert behind["MillisBehindLatest"] > 0
    by_arn = kinesis.get_shard_iterator(StreamARN=arn(name), ShardId=shard_id(0), ShardIteratorType="LATEST")["ShardIterator"]
    assert get(kinesis, ShardIterator=by_arn)["Records"] == []


def test_keys_decide_about_shards(kinesis, stream):
    name = stream(4)
    entries = [{"Data": b"%d" % number, "PartitionKey": f"key-{number}"} for number in range(40)]
    answer = kinesis.put_records(StreamName=name, Records=entries)
    assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == 40
    for entry, result in zip(entries, answer["Records"], strict=True):
        hashed = int(hashlib.md5(entry["PartitionKey"].encode()).hexdigest(), 16)
        assert result["ShardId"] == shard_id(hashed // (2**126))
    assert {result["ShardId"] for result in answer["Records"]} == {shard_id(number) for number in range(4)}
    assert sorted(data for number in range(4) for data in read(kinesis, name, shard=number)) == sorted(entry["Data"] for entry in entries)
    assert put(kinesis, name, b"x", ExplicitHashKey=str(LAST_HASH))["ShardId"] == shard_id(3)
    assert put(kinesis, name, b"x", ExplicitHashKey="0")["ShardId"] == shard_id(0)


def test_a_shard_takes_a_thousand_records_a_second_and_says_which_it_does_not(kinesis, stream):
    name = stream(2)
    answers = []
    entries = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": "0"}] * 499 + [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(LAST_HASH)}]
    while not any(answer["FailedRecordCount"] for answer in answers):
        assert len(answers) < 200
        answers.append(kinesis.put_records(StreamName=name, Records=entries))
    answer = answers[-1]
    failed = [result for result in answer["Records"] if "ErrorCode" in result]
    assert len(failed) == answer["FailedRecordCount"] and len(answers) > 2
    text = f"Rate exceeded for shard {shard_id(0)} in stream {name} under account {ACCOUNT}."
    assert failed[0] == {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": text}
    # The other shard is not concerned.
    assert answer["Records"][-1]["ShardId"] == shard_id(1)
    kept = [record["SequenceNumber"] for record in get(kinesis, ShardIterator=iterator(kinesis, name))["Records"]]
    told = [result["SequenceNumber"] for answer in answers for result in answer["Records"][:-1] if "SequenceNumber" in result]
    assert kept == told[: len(kept)] and len(kept) >= 1000


def test_a_shard_takes_a_mebibyte_a_second(kinesis, stream):
    name = stream()
    put(kinesis, name, b"x" * 2**20)
    code, message = error_of(put, kinesis, name, b"x" * 2**20)
    assert code == "ProvisionedThroughputExceededException"
    assert message == f"Rate exceeded for shard {shard_id(0)} in stream {name} under account {ACCOUNT}."
    taken(lambda: put(kinesis, name, b"y" * 1000))


def test_one_read_gives_ten_mebibytes_at_most(kinesis, stream):
    name = stream(0, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    for number in range(12):
        put(kinesis, name, bytes([number]) * 2**20, ExplicitHashKey="0")
    first = get(kinesis, ShardIterator=iterator(kinesis, name))
    assert 8 <= len(first["Records"]) <= 10
    begun = time.monotonic()
    second = get(kinesis, ShardIterator=first["NextShardIterator"])
    assert [record["Data"][0] for record in first["Records"] + second["Records"]] == list(range(12))
    assert time.monotonic() - begun > 3, "what was given at once is made up for at 2 MiB a second"


def test_a_shard_is_read_five_times_a_second(kinesis, stream):
    name = stream(2)
    first, other = (iterator(kinesis, name, shard=shard) for shard in (0, 1))
    reads = 0
    while not (refusal := attempt(kinesis.get_records, ShardIterator=first)):
        reads += 1
    assert refusal == ("ProvisionedThroughputExceededException", f"Rate exceeded for Shard - {ACCOUNT}/{name}/{shard_id(0)}")
    assert reads >= 5 and kinesis.get_records(ShardIterator=other)["Records"] == [], "each shard has limits of its own"
    assert get(kinesis, ShardIterator=first)["Records"] == []


def test_clients_wait_by_themselves_until_a_shard_is_read_again(platform, kinesis, stream):
    name = stream()
    patient = platform.client("kinesis", retries={"mode": "standard", "max_attempts": 6})
    first = iterator(kinesis, name)
    answers = [patient.get_records(ShardIterator=first) for _ in range(8)]
    assert any(answer["ResponseMetadata"]["RetryAttempts"] for answer in answers)


def test_an_on_demand_stream_has_four_shards_and_no_limits(kinesis, stream):
    plain = stream(0)
    assert kinesis.describe_stream_summary(StreamName=plain)["StreamDescriptionSummary"]["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    name = stream(0, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["StreamModeDetails"]) == (4, {"StreamMode": "ON_DEMAND"})
    for _ in range(4):
        entries = [{"Data": b"x", "PartitionKey": "k"}] * 500
        assert kinesis.put_records(StreamName=name, Records=entries)["FailedRecordCount"] == 0
    code, _ = error_of(kinesis.split_shard, StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey="100")
    assert code == "ValidationException"
    warmed = kinesis.update_stream_warm_throughput(StreamARN=arn(name), WarmThroughputMiBps=10)["WarmThroughput"]
    assert warmed == {"TargetMiBps": 10, "CurrentMiBps": 10}
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["WarmThroughput"] == warmed
    kinesis.update_stream_mode(StreamARN=arn(name), StreamModeDetails={"StreamMode": "PROVISIONED"})
    assert "WarmThroughput" not in kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    kinesis.split_shard(StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey="100")
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"] == 5
    switch = lambda mode: kinesis.update_stream_mode(StreamARN=arn(name), StreamModeDetails={"StreamMode": mode})
    switch("ON_DEMAND")
    switch("ON_DEMAND")
    assert error_of(switch, "PROVISIONED")[0] == "LimitExceededException", "a mode is changed twice in 24 hours"


def test_a_shard_is_split_and_its_reader_is_told_its_children(kinesis, stream):
    name = stream()
    put(kinesis, name, b"before")
    latest = iterator(kinesis, name, "LATEST")
    middle = str(2**127)
    kinesis.split_shard(StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey=middle)
    parent, lower, upper = shards(kinesis, name)
    assert lower["ParentShardId"] == upper["ParentShardId"] == shard_id(0) and "AdjacentParentShardId" not in lower
    assert lower["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)}
    assert upper["HashKeyRange"] == {"StartingHashKey": middle, "EndingHashKey": str(LAST_HASH)}
    assert int(parent["SequenceNumberRange"]["EndingSequenceNumber"]) > int(parent["SequenceNumberRange"]["StartingSequenceNumber"])
    end = get(kinesis, ShardIterator=iterator(kinesis, name))
    assert [record["Data"] for record in end["Records"]] == [b"before"] and "NextShardIterator" not in end
    assert end["ChildShards"] == [
        {"ShardId": shard_id(1), "ParentShards": [shard_id(0)], "HashKeyRange": lower["HashKeyRange"]},
        {"ShardId": shard_id(2), "ParentShards": [shard_id(0)], "HashKeyRange": upper["HashKeyRange"]},
    ]
    assert get(kinesis, ShardIterator=latest)["ChildShards"] == end["ChildShards"]
    after = put(kinesis, name, b"after", ExplicitHashKey=middle)
    assert after["ShardId"] == shard_id(2)
    assert int(after["SequenceNumber"]) > int(parent["SequenceNumberRange"]["EndingSequenceNumber"])
    code, message = error_of(kinesis.split_shard, StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey=middle)
    assert code == "InvalidArgumentException" and message == (
        f"Shard {shard_id(0)} in stream {name} under account {ACCOUNT} has already been merged or split, and thus is not eligible for merging or splitting."
    )


def test_shards_are_merged_and_listed_by_what_they_are(kinesis, stream):
    name = stream(3)
    code, message = error_of(kinesis.merge_shards, StreamName=name, ShardToMerge=shard_id(0), AdjacentShardToMerge=shard_id(2))
    assert code == "InvalidArgumentException" and "not an adjacent pair of shards eligible for merging" in message
    kinesis.merge_shards(StreamName=name, ShardToMerge=shard_id(1), AdjacentShardToMerge=shard_id(0))
    merged = shards(kinesis, name)[-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (shard_id(1), shard_id(0))
    assert merged["HashKeyRange"]["StartingHashKey"] == "0"
    open_ids = [shard["ShardId"] for shard in shards(kinesis, name, ShardFilter={"Type": "AT_LATEST"})]
    assert open_ids == [shard_id(2), shard_id(3)]
    after = [shard["ShardId"] for shard in shards(kinesis, name, ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": shard_id(1)})]
    assert after == [shard_id(2), shard_id(3)]
    everything = [shard_id(number) for number in range(4)]
    created = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamCreationTimestamp"]
    for kind, options, expected in [
        ("FROM_TRIM_HORIZON", {}, everything),
        ("AT_TRIM_HORIZON", {}, everything[:3]),
        ("FROM_TIMESTAMP", {"Timestamp": created}, everything),
        ("AT_TIMESTAMP", {"Timestamp": created}, everything[:3]),
    ]:
        assert [shard["ShardId"] for shard in shards(kinesis, name, ShardFilter={"Type": kind, **options})] == expected, kind
    first = kinesis.list_shards(StreamName=name, MaxResults=3)
    second = kinesis.list_shards(NextToken=first["NextToken"])
    assert [shard["ShardId"] for shard in first["Shards"] + second["Shards"]] == everything and "NextToken" not in second
    assert [shard["ShardId"] for shard in shards(kinesis, name, ExclusiveStartShardId=shard_id(2))] == [shard_id(3)]


@pytest.mark.parametrize("counts", [(1, 2), (4, 5), (5, 3), (4, 2), (10, 13), (6, 6)])
def test_a_stream_is_scaled_to_even_shards(kinesis, stream, counts):
    before, after = counts
    name = stream(before)
    kinesis.put_records(StreamName=name, Records=[{"Data": b"%d" % n, "PartitionKey": str(n)} for n in range(50)])
    answer = kinesis.update_shard_count(StreamName=name, TargetShardCount=after, ScalingType="UNIFORM_SCALING")
    assert (answer["StreamName"], answer["CurrentShardCount"], answer["TargetShardCount"]) == (name, before, after)
    open_shards = shards(kinesis, name, ShardFilter={"Type": "AT_LATEST"})
    ranges = sorted((int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"])) for shard in open_shards)
    assert len(ranges) == after and ranges[0][0] == 0 and ranges[-1][1] == LAST_HASH
    assert all(abs((end - start) - 2**128 // after) < 2**20 for start, end in ranges)
    everything = [data for shard in shards(kinesis, name) for data in read(kinesis, name, shard=int(shard["ShardId"][-12:]))]
    assert sorted(everything) == sorted(b"%d" % n for n in range(50))
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == after


def test_retention_is_lengthened_and_shortened(kinesis, stream):
    name = stream()
    put(kinesis, name, b"kept")
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    assert kinesis.describe_stream(StreamName=name)["StreamDescription"]["RetentionPeriodHours"] == 48
    code, message = error_of(kinesis.increase_stream_retention_period, StreamName=name, RetentionPeriodHours=24)
    assert code == "InvalidArgumentException" and message == (
        f"Requested retention period (24 hours) for stream {name} can not be shorter than existing retention period (48 hours). "
        "Use DecreaseRetentionPeriod API."
    )
    kinesis.decrease_stream_retention_period(StreamARN=arn(name), RetentionPeriodHours=24)
    assert kinesis.describe_stream(StreamName=name)["StreamDescription"]["RetentionPeriodHours"] == 24
    assert read(kinesis, name) == [b"kept"]


def test_tags_of_streams_and_consumers(kinesis, stream):
    name = stream()
    kinesis.add_tags_to_stream(StreamName=name, Tags={"b": "2", "a": "1", "c": "3"})
    page = kinesis.list_tags_for_stream(StreamName=name, Limit=2)
    assert (page["Tags"], page["HasMoreTags"]) == ([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}], True)
    rest = kinesis.list_tags_for_stream(StreamName=name, ExclusiveStartTagKey="b")
    assert (rest["Tags"], rest["HasMoreTags"]) == ([{"Key": "c", "Value": "3"}], False)
    kinesis.remove_tags_from_stream(StreamName=name, TagKeys=["a", "c", "none"])
    kinesis.tag_resource(ResourceARN=arn(name), Tags={"d": "4"})
    assert kinesis.list_tags_for_resource(ResourceARN=arn(name))["Tags"] == [{"Key": "b", "Value": "2"}, {"Key": "d", "Value": "4"}]
    kinesis.untag_resource(ResourceARN=arn(name), TagKeys=["b"])
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c", Tags={"x": "y"})["Consumer"]["ConsumerARN"]
    kinesis.tag_resource(ResourceARN=consumer, Tags={"z": "1"})
    kinesis.untag_resource(ResourceARN=consumer, TagKeys=["x"])
    assert kinesis.list_tags_for_resource(ResourceARN=consumer)["Tags"] == [{"Key": "z", "Value": "1"}]
    assert kinesis.list_tags_for_stream(StreamARN=arn(name))["Tags"] == [{"Key": "d", "Value": "4"}]


def test_settings_are_kept_and_shown(kinesis, stream):
    name = stream()
    describe = lambda: kinesis.describe_stream(StreamName=name)["StreamDescription"]
    put(kinesis, name, b"plain")
    kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert (describe()["EncryptionType"], describe()["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert put(kinesis, name, b"secret")["EncryptionType"] == "KMS"
    kinesis.stop_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert describe()["EncryptionType"] == "NONE" and "KeyId" not in describe()
    assert [record.get("EncryptionType") for record in get(kinesis, ShardIterator=iterator(kinesis, name))["Records"]] == [None, "KMS"]
    answer = kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["ALL"])
    assert (answer["CurrentShardLevelMetrics"], len(answer["DesiredShardLevelMetrics"])) == ([], 7)
    answer = kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
    assert len(answer["CurrentShardLevelMetrics"]) == 7 and "IncomingBytes" not in answer["DesiredShardLevelMetrics"]
    assert len(describe()["EnhancedMonitoring"][0]["ShardLevelMetrics"]) == 5
    kinesis.update_max_record_size(StreamARN=arn(name), MaxRecordSizeInKiB=2048)
    taken(lambda: put(kinesis, name, b"x" * 2**21))
    kinesis.update_stream_record_distribution_strategy(StreamARN=arn(name), RecordDistributionStrategy="AUTO")
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["MaxRecordSizeInKiB"], summary["RecordDistributionStrategy"]) == (2048, "AUTO")
    taken(lambda: kinesis.put_record(StreamName=name, Data=b"anywhere"))


def test_policies_of_streams_and_consumers(kinesis, stream):
    name = stream()
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kinesis:PutRecord", "Resource": arn(name)}]})
    kinesis.put_resource_policy(ResourceARN=arn(name), Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=arn(name))["Policy"] == policy
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c")["Consumer"]["ConsumerARN"]
    assert kinesis.get_resource_policy(ResourceARN=consumer)["Policy"] == "{}"
    kinesis.delete_resource_policy(ResourceARN=arn(name))
    assert kinesis.get_resource_policy(ResourceARN=arn(name))["Policy"] == "{}"


def test_consumers_are_registered_listed_and_deregistered(kinesis, stream):
    name = stream()
    registered = [kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName=f"c{n}")["Consumer"] for n in range(3)]
    assert all(consumer["ConsumerStatus"] == "CREATING" for consumer in registered)
    first = {**registered[0], "ConsumerStatus": "ACTIVE"}
    assert first["ConsumerARN"].startswith(f"{arn(name)}/consumer/c0:")
    described = kinesis.describe_stream_consumer(ConsumerARN=first["ConsumerARN"])["ConsumerDescription"]
    assert described == {**first, "StreamARN": arn(name)}
    assert kinesis.describe_stream_consumer(StreamARN=arn(name), ConsumerName="c0")["ConsumerDescription"] == described
    page = kinesis.list_stream_consumers(StreamARN=arn(name), MaxResults=2)
    rest = kinesis.list_stream_consumers(StreamARN=arn(name), NextToken=page["NextToken"])
    assert [consumer["ConsumerName"] for consumer in page["Consumers"] + rest["Consumers"]] == ["c0", "c1", "c2"]
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["ConsumerCount"] == 3
    code, _ = error_of(kinesis.register_stream_consumer, StreamARN=arn(name), ConsumerName="c0")
    assert code == "ResourceInUseException"
    code, _ = error_of(kinesis.delete_stream, StreamName=name)
    assert code == "ResourceInUseException"
    kinesis.deregister_stream_consumer(ConsumerARN=first["ConsumerARN"])
    kinesis.deregister_stream_consumer(StreamARN=arn(name), ConsumerName="c1")
    code, message = error_of(kinesis.describe_stream_consumer, StreamARN=arn(name), ConsumerName="c1")
    assert (code, message) == ("ResourceNotFoundException", f"Consumer c1, account {ACCOUNT} not found.")
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


class Subscriber:
    """What a consumer gets of a shard."""

    def __init__(self, platform, consumer, shard=0, **position):
        self.client = platform.client("kinesis")
        position = {"Type": "TRIM_HORIZON", **position}
        answer = self.client.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard_id(shard), StartingPosition=position)
        self.stream, self.events, self.error = answer["EventStream"], [], None
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        try:
            for event in self.stream:
                self.events.append(event["SubscribeToShardEvent"])
        except Exception as error:  # noqa: BLE001 - whatever ends it is what the test looks at
            self.error = error

    def data(self):
        return [record["Data"] for event in self.events for record in event["Records"]]


def test_a_consumer_is_pushed_records_as_they_come(platform, kinesis, stream):
    name = stream()
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c")["Consumer"]["ConsumerARN"]
    put(kinesis, name, b"before")
    subscriber = Subscriber(platform, consumer)
    eventually(lambda: subscriber.data() == [b"before"])
    second = put(kinesis, name, b"then")["SequenceNumber"]
    eventually(lambda: subscriber.data() == [b"before", b"then"])
    assert subscriber.events[-1]["ContinuationSequenceNumber"] == second
    code, _ = error_of(Subscriber, platform, consumer)
    assert code == "ResourceInUseException"
    # Another consumer is not concerned.
    other = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="d")["Consumer"]["ConsumerARN"]
    late = Subscriber(platform, other, Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    put(kinesis, name, b"last")
    kinesis.split_shard(StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey="1000")
    for listener in (subscriber, late):
        listener.thread.join(timeout=20)
        assert not listener.thread.is_alive() and listener.error is None
        assert [child["ShardId"] for child in listener.events[-1]["ChildShards"]] == [shard_id(1), shard_id(2)]
    assert (subscriber.data(), late.data()) == ([b"before", b"then", b"last"], [b"last"])


def test_a_deregistered_consumer_hears_no_more(platform, kinesis, stream):
    name = stream()
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c")["Consumer"]["ConsumerARN"]
    subscriber = Subscriber(platform, consumer, Type="LATEST")
    eventually(lambda: len(subscriber.events) == 1)
    assert subscriber.events[0]["Records"] == [] and subscriber.events[0]["MillisBehindLatest"] == 0
    kinesis.deregister_stream_consumer(ConsumerARN=consumer)
    subscriber.thread.join(timeout=20)
    assert "ResourceNotFoundException" in str(subscriber.error)


NODE = """
import { createRequire } from 'module';
const require = createRequire(process.argv[2] + '/x.js');
const kinesis = require('@aws-sdk/client-kinesis');
const client = new kinesis.KinesisClient({});
const send = (name, input) => client.send(new kinesis[name + 'Command'](input));
const StreamName = 'clicks';
await send('CreateStream', { StreamName, ShardCount: 1 });
const { StreamDescription: { StreamARN } } = await send('DescribeStream', { StreamName });
const put = await send('PutRecord', { StreamName, Data: Buffer.from('one'), PartitionKey: 'k' });
await send('PutRecord', { StreamName, Data: Buffer.alloc(600000, 'x'), PartitionKey: 'k' });
const { ShardIterator } = await send('GetShardIterator', { StreamName, ShardId: put.ShardId, ShardIteratorType: 'TRIM_HORIZON' });
const { Records } = await send('GetRecords', { ShardIterator });
const { Consumer } = await send('RegisterStreamConsumer', { StreamARN, ConsumerName: 'node' });
const { EventStream } = await send('SubscribeToShard', {
    ConsumerARN: Consumer.ConsumerARN, ShardId: put.ShardId, StartingPosition: { Type: 'TRIM_HORIZON' },
});
const sizes = [];
for await (const { SubscribeToShardEvent: event } of EventStream) {
    sizes.push(...event.Records.map((record) => record.Data.length));
    if (sizes.length === 2) await send('PutRecord', { StreamName, Data: Buffer.from('three'), PartitionKey: 'k' });
    if (sizes.length === 3) break;
}
let refused;
try { await send('DescribeStream', { StreamName: 'none' }); } catch (error) { refused = [error.name, error.message]; }
console.log(JSON.stringify({
    protocol: client.config.requestHandler.metadata.handlerProtocol, got: Records.map((record) => record.Data.length), sizes, refused,
}));
// The subscription would keep it here.
process.exit(0);
"""


@pytest.mark.parametrize("auth", ["off", "on"])
def test_the_sdk_for_javascript_speaks_http_2(fresh, tmp_path, auth):
    runtimes = Path(os.environ.get("FOGBANK_RUNTIMES", Path.home() / ".cache/fogbank/runtimes"))
    modules = runtimes / "sdk/node_modules"
    if not (modules / "@aws-sdk/client-kinesis").exists() or not shutil.which("node"):
        pytest.skip("the SDK for JavaScript is not there: fogbank runtime install nodejs20.x")
    platform, script = fresh("--auth", auth), tmp_path / "client.mjs"
    script.write_text(NODE)
    environment = {**platform.environ(), "AWS_REGION": REGION}
    if auth == "on":
        key = json.loads((platform.data_dir / "root-key.json").read_text())
        environment |= {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
    done = subprocess.run(["node", script, modules], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["protocol"], said["got"], said["sizes"]) == ("h2", [3, 600000], [3, 600000, 5])
    assert said["refused"] == ["ResourceNotFoundException", f"Stream none under account {ACCOUNT} not found."]


def test_curl_speaks_http_2_and_the_platform_answers_in_it(platform):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    form = "%{http_version} %{http_code}"
    curl = lambda *words: subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", form, *words, platform.endpoint + "/_fogbank/health"], capture_output=True, text=True, timeout=30
    ).stdout
    assert (curl("--http2-prior-knowledge"), curl("--http1.1")) == ("2 200", "1.1 200")
    many = [word for number in range(200) for word in ("-H", f"x-{number}: y")]
    assert (curl("--http2-prior-knowledge", *many), curl("--http1.1", *many)) == ("2 431", "1.1 431")


# CBOR as the SDK for Java sends it.


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


# What other services bring, and templates.


def test_a_rule_and_a_schedule_write_into_a_stream(aws, kinesis, stream):
    name, events, rule = stream(), aws("events"), unique("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    target = {"Id": "stream", "Arn": arn(name), "KinesisParameters": {"PartitionKeyPath": "$.detail.user"}}
    assert events.put_targets(Rule=rule, Targets=[target, {"Id": "plain", "Arn": arn(name), "InputPath": "$.detail"}])["FailedEntryCount"] == 0
    assert {"KinesisParameters": target["KinesisParameters"], **target} in events.list_targets_by_rule(Rule=rule)["Targets"]
    sent = events.put_events(Entries=[{"Source": rule, "DetailType": "t", "Detail": '{"user": "ann"}'}])["Entries"][0]["EventId"]
    records = get(kinesis, ShardIterator=iterator(kinesis, name))["Records"]
    assert sorted(record["PartitionKey"] for record in records) == sorted(["ann", sent])
    assert {"user": "ann"} in [json.loads(record["Data"]) for record in records]
    events.remove_targets(Rule=rule, Ids=["stream", "plain"])
    events.delete_rule(Name=rule)
    scheduler, soon = aws("scheduler"), datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    wish = {"Name": rule, "ScheduleExpression": f"at({soon:%Y-%m-%dT%H:%M:%S})", "FlexibleTimeWindow": {"Mode": "OFF"}, "ActionAfterCompletion": "DELETE"}
    to = {"Arn": arn(name), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "Input": "due"}
    code, message = error_of(scheduler.create_schedule, **wish, Target=to)
    assert code == "ValidationException" and "KinesisParameters" in message
    scheduler.create_schedule(**wish, Target={**to, "KinesisParameters": {"PartitionKey": "p"}})
    eventually(lambda: read(kinesis, name)[2:] == [b"due"])
    assert get(kinesis, ShardIterator=iterator(kinesis, name))["Records"][2]["PartitionKey"] == "p"


TEMPLATE = """
Parameters: {Shards: {Type: Number, Default: 1}, Hours: {Type: Number, Default: 48}, Tag: {Type: String, Default: one}}
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: !Sub '${AWS::StackName}-stream'
      ShardCount: !Ref Shards
      RetentionPeriodHours: !Ref Hours
      StreamEncryption: {EncryptionType: KMS, KeyId: alias/aws/kinesis}
      DesiredShardLevelMetrics: [IncomingBytes]
      Tags: [{Key: t, Value: !Ref Tag}]
  OnDemand: {Type: AWS::Kinesis::Stream, Properties: {StreamModeDetails: {StreamMode: ON_DEMAND}}}
  Consumer: {Type: AWS::Kinesis::StreamConsumer, Properties: {ConsumerName: reader, StreamARN: !GetAtt Stream.Arn}}
  Policy:
    Type: AWS::Kinesis::ResourcePolicy
    Properties:
      ResourceArn: !GetAtt Stream.Arn
      ResourcePolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: '*', Action: 'kinesis:PutRecord', Resource: !GetAtt Stream.Arn}]}
Outputs:
  Name: {Value: !Ref Stream}
  Arn: {Value: !GetAtt Stream.Arn}
  OnDemand: {Value: !Ref OnDemand}
  Consumer: {Value: !Ref Consumer}
  ConsumerName: {Value: !GetAtt Consumer.ConsumerName}
"""


def test_a_template_makes_changes_and_deletes_streams(application, kinesis):
    app = application({"template.yaml": TEMPLATE})
    app.deploy()
    outputs = app.outputs
    name = outputs["Name"]
    describe = lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    before = describe()
    assert (outputs["Arn"], outputs["ConsumerName"]) == (arn(name), "reader")
    assert (before["OpenShardCount"], before["RetentionPeriodHours"], before["EncryptionType"], before["ConsumerCount"]) == (1, 48, "KMS", 1)
    assert before["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]
    assert kinesis.describe_stream_summary(StreamName=outputs["OnDemand"])["StreamDescriptionSummary"]["OpenShardCount"] == 4
    assert kinesis.describe_stream_consumer(ConsumerARN=outputs["Consumer"])["ConsumerDescription"]["ConsumerName"] == "reader"
    assert "kinesis:PutRecord" in kinesis.get_resource_policy(ResourceARN=arn(name))["Policy"]
    put(kinesis, name, b"kept")
    changed = TEMPLATE.replace("      StreamEncryption: {EncryptionType: KMS, KeyId: alias/aws/kinesis}\n", "")
    for default, new in [("Default: 1}", "Default: 5}"), ("Default: 48", "Default: 24"), ("Default: one", "Default: two")]:
        changed = changed.replace(default, new)
    app.write({"template.yaml": changed})
    app.deploy()
    after = describe()
    assert (after["OpenShardCount"], after["RetentionPeriodHours"], after["EncryptionType"]) == (5, 24, "NONE")
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"][-1] == {"Key": "t", "Value": "two"}
    assert read(kinesis, name) == [b"kept"]
    app.delete()
    assert error_of(kinesis.describe_stream, StreamName=name)[0] == "ResourceNotFoundException"
