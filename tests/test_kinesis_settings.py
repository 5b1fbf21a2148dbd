"""Kinesis: retention, tags, policies and other settings of streams and consumers, through boto3."""

import json

from conftest import error_of
from test_kinesis import arn, get, iterator, put, read, stream, taken  # noqa: F401  (fixtures)


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
