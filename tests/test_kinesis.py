"""Kinesis: streams, records and their limits, and what other services write, through boto3."""

import datetime
import hashlib
import json
import time

import pytest
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
