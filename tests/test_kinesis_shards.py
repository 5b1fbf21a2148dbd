"""Kinesis' shards: split, merged, and scaled with their streams."""

import pytest
from conftest import ACCOUNT, error_of
from test_kinesis import LAST_HASH, get, iterator, put, read, shard_id, shards, stream  # noqa: F401  (fixtures)


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
