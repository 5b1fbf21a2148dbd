"""DynamoDB: settings that are kept and shown, what a restored table has otherwise, and what is refused by name, through boto3."""

import gzip
import json
import zlib

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique
from test_dynamodb import make_table  # noqa: F401

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}]
INDEX = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"


def units(read, write):
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


@pytest.fixture
def provisioned(dynamodb):
    """A table with provisioned capacity and an index."""
    name = unique("units")
    types = [{"AttributeName": one, "AttributeType": "S"} for one in ("pk", "g")]
    index = {**INDEX, "ProvisionedThroughput": units(2, 2)}
    dynamodb.create_table(TableName=name, KeySchema=KEYS, AttributeDefinitions=types, ProvisionedThroughput=units(1, 1), GlobalSecondaryIndexes=[index])
    return name


def global_table(dynamodb, name):
    dynamodb.create_global_table(GlobalTableName=name, ReplicationGroup=[{"RegionName": REGION}])


def replica(dynamodb, name):
    described = dynamodb.describe_table_replica_auto_scaling(TableName=name)["TableAutoScalingDescription"]
    assert (described["TableName"], described["TableStatus"]) == (name, "ACTIVE")
    (replica,) = described["Replicas"]
    assert (replica["RegionName"], replica["ReplicaStatus"]) == (REGION, "ACTIVE")
    return replica


def test_auto_scaling_is_kept_and_described_and_switched_off(dynamodb, provisioned):
    off = {"AutoScalingDisabled": True}
    at_first = replica(dynamodb, provisioned)
    index = {"IndexName": "by-g", "IndexStatus": "ACTIVE", "ProvisionedReadCapacityAutoScalingSettings": off, "ProvisionedWriteCapacityAutoScalingSettings": off}
    assert at_first["ReplicaProvisionedReadCapacityAutoScalingSettings"] == off and at_first["GlobalSecondaryIndexes"] == [index]
    tracking = {"TargetValue": 70.0, "ScaleInCooldown": 60, "ScaleOutCooldown": 30, "DisableScaleIn": True}
    policy = {"TargetTrackingScalingPolicyConfiguration": tracking}
    read = {"MinimumUnits": 2, "MaximumUnits": 20, "ScalingPolicyUpdate": {**policy, "PolicyName": "mine"}, "AutoScalingRoleArn": f"arn:aws:iam::{ACCOUNT}:role/scaler"}
    write = {"MinimumUnits": 1, "MaximumUnits": 9, "ScalingPolicyUpdate": policy}
    updated = dynamodb.update_table_replica_auto_scaling(
        TableName=provisioned,
        ProvisionedWriteCapacityAutoScalingUpdate=write,
        GlobalSecondaryIndexUpdates=[{"IndexName": "by-g", "ProvisionedWriteCapacityAutoScalingUpdate": write}],
        ReplicaUpdates=[{"RegionName": REGION, "ReplicaProvisionedReadCapacityAutoScalingUpdate": read}],
    )["TableAutoScalingDescription"]["Replicas"][0]
    assert updated == replica(dynamodb, provisioned)
    assert updated["ReplicaProvisionedReadCapacityAutoScalingSettings"] == {
        "MinimumUnits": 2,
        "MaximumUnits": 20,
        "AutoScalingDisabled": False,
        "AutoScalingRoleArn": f"arn:aws:iam::{ACCOUNT}:role/scaler",
        "ScalingPolicies": [{"PolicyName": "mine", **policy}],
    }
    table = updated["ReplicaProvisionedWriteCapacityAutoScalingSettings"]
    assert table["AutoScalingRoleArn"] == ROLE and table["ScalingPolicies"][0]["PolicyName"] == f"DynamoDBWriteCapacityUtilization:table/{provisioned}"
    (index,) = updated["GlobalSecondaryIndexes"]
    name = index["ProvisionedWriteCapacityAutoScalingSettings"]["ScalingPolicies"][0]["PolicyName"]
    assert name == f"DynamoDBWriteCapacityUtilization:table/{provisioned}/index/by-g" and index["ProvisionedReadCapacityAutoScalingSettings"] == off
    # What is not said stays.
    dynamodb.update_table_replica_auto_scaling(TableName=provisioned, ProvisionedWriteCapacityAutoScalingUpdate={"MaximumUnits": 10})
    assert replica(dynamodb, provisioned)["ReplicaProvisionedWriteCapacityAutoScalingSettings"] == {**table, "MaximumUnits": 10}
    dynamodb.update_table_replica_auto_scaling(TableName=provisioned, ProvisionedWriteCapacityAutoScalingUpdate=off)
    assert replica(dynamodb, provisioned)["ReplicaProvisionedWriteCapacityAutoScalingSettings"] == off
    # Capacity is what it was: nothing is scaled.
    assert dynamodb.describe_table(TableName=provisioned)["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"] == 1


def test_auto_scaling_that_cannot_be_is_refused_and_changes_nothing(dynamodb, provisioned, make_table):
    update = dynamodb.update_table_replica_auto_scaling
    both = {"MinimumUnits": 1, "MaximumUnits": 9}

    def write(**settings):
        return error_of(update, TableName=provisioned, ProvisionedWriteCapacityAutoScalingUpdate=settings)

    assert write(MinimumUnits=5)[0] == "ValidationException"
    assert "must not be greater" in write(MinimumUnits=5, MaximumUnits=4)[1]
    for target in (19.9, 90.1):
        policy = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": target}}
        assert "between 20 and 90" in write(**both, ScalingPolicyUpdate=policy)[1]
    index = [{"IndexName": "other", "ProvisionedWriteCapacityAutoScalingUpdate": both}]
    refused = error_of(update, TableName=provisioned, ProvisionedWriteCapacityAutoScalingUpdate=both, GlobalSecondaryIndexUpdates=index)
    assert refused == ("ResourceNotFoundException", "Requested resource not found: Index: other not found")
    elsewhere = [{"RegionName": "ap-south-1", "ReplicaProvisionedReadCapacityAutoScalingUpdate": both}]
    assert error_of(update, TableName=provisioned, ReplicaUpdates=elsewhere)[0] == "ResourceNotFoundException"
    assert error_of(update, TableName="no-such-table")[0] == "ResourceNotFoundException"
    assert replica(dynamodb, provisioned)["ReplicaProvisionedWriteCapacityAutoScalingSettings"] == {"AutoScalingDisabled": True}
    on_demand = make_table()
    assert "PAY_PER_REQUEST" in error_of(update, TableName=on_demand, ProvisionedWriteCapacityAutoScalingUpdate=both)[1]
    update(TableName=on_demand, ProvisionedWriteCapacityAutoScalingUpdate={"AutoScalingDisabled": True})


def test_settings_of_a_global_table_change(dynamodb, provisioned):
    update = dynamodb.update_global_table_settings
    assert error_of(update, GlobalTableName=provisioned)[0] == "GlobalTableNotFoundException"
    global_table(dynamodb, provisioned)
    assert dynamodb.describe_table(TableName=provisioned)["Table"]["GlobalTableVersion"] == "2017.11.29"
    scaling = {"MinimumUnits": 1, "MaximumUnits": 9}
    here = {"RegionName": REGION, "ReplicaProvisionedReadCapacityUnits": 3, "ReplicaTableClass": "STANDARD_INFREQUENT_ACCESS"}
    changed = update(
        GlobalTableName=provisioned,
        GlobalTableProvisionedWriteCapacityUnits=5,
        GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate=scaling,
        GlobalTableGlobalSecondaryIndexSettingsUpdate=[{"IndexName": "by-g", "ProvisionedWriteCapacityUnits": 7}],
        ReplicaSettingsUpdate=[{**here, "ReplicaGlobalSecondaryIndexSettingsUpdate": [{"IndexName": "by-g", "ProvisionedReadCapacityAutoScalingSettingsUpdate": scaling}]}],
    )
    shown = dynamodb.describe_global_table_settings(GlobalTableName=provisioned)
    (settings,) = shown["ReplicaSettings"]
    assert changed["ReplicaSettings"] == [settings]
    assert (settings["ReplicaProvisionedReadCapacityUnits"], settings["ReplicaProvisionedWriteCapacityUnits"]) == (3, 5)
    assert settings["ReplicaProvisionedWriteCapacityAutoScalingSettings"]["MaximumUnits"] == 9
    assert settings["ReplicaTableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    (index,) = settings["ReplicaGlobalSecondaryIndexSettings"]
    assert (index["IndexName"], index["ProvisionedReadCapacityUnits"], index["ProvisionedWriteCapacityUnits"]) == ("by-g", 2, 7)
    assert index["ProvisionedReadCapacityAutoScalingSettings"]["MinimumUnits"] == 1
    table = dynamodb.describe_table(TableName=provisioned)["Table"]
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 5 and table["TableClassSummary"]["LastUpdateDateTime"] > table["CreationDateTime"]
    # The same again is no fault.
    update(GlobalTableName=provisioned, GlobalTableProvisionedWriteCapacityUnits=5)
    index = [{"IndexName": "other", "ProvisionedWriteCapacityUnits": 7}]
    assert error_of(update, GlobalTableName=provisioned, GlobalTableGlobalSecondaryIndexSettingsUpdate=index)[0] == "IndexNotFoundException"
    assert error_of(update, GlobalTableName=provisioned, ReplicaSettingsUpdate=[{"RegionName": "ap-south-1"}])[0] == "ReplicaNotFoundException"
    update(GlobalTableName=provisioned, GlobalTableBillingMode="PAY_PER_REQUEST")
    (settings,) = dynamodb.describe_global_table_settings(GlobalTableName=provisioned)["ReplicaSettings"]
    assert settings["ReplicaBillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST" and settings["ReplicaProvisionedWriteCapacityUnits"] == 0


def test_a_restored_table_takes_what_is_asked_for(dynamodb, provisioned):
    backup = dynamodb.create_backup(TableName=provisioned, BackupName="settings")["BackupDetails"]["BackupArn"]

    def restore(**overrides):
        name = unique("restored")
        dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=backup, **overrides)
        eventually(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
        return dynamodb.describe_table(TableName=name)["Table"]

    more = {**INDEX, "ProvisionedThroughput": units(20, 21)}
    dynamodb.update_table(TableName=provisioned, ProvisionedThroughput=units(9, 9))
    table = restore(GlobalSecondaryIndexOverride=[more])
    index = table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]
    assert (index["ReadCapacityUnits"], index["WriteCapacityUnits"]) == (20, 21) and "LastIncreaseDateTime" not in table["ProvisionedThroughput"]
    assert restore()["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 2
    table = restore(BillingModeOverride="PAY_PER_REQUEST", OnDemandThroughputOverride={"MaxReadRequestUnits": 7})
    assert table["OnDemandThroughput"] == {"MaxReadRequestUnits": 7}
    assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 0

    def refused(**overrides):
        return error_of(dynamodb.restore_table_from_backup, TargetTableName=unique("refused"), BackupArn=backup, **overrides)

    invalid = lambda why: ("ValidationException", "Invalid Request: " + why)
    on_demand, alone = {"BillingModeOverride": "PAY_PER_REQUEST"}, "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST"
    only = "Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST"
    assert refused(OnDemandThroughputOverride={"MaxReadRequestUnits": 7}) == invalid(only)
    wrong = "Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range"
    assert refused(**on_demand, OnDemandThroughputOverride={"MaxReadRequestUnits": 0, "MaxWriteRequestUnits": 0}) == invalid(wrong)
    assert refused(**on_demand, ProvisionedThroughputOverride=units(1, 1)) == invalid(alone)
    assert refused(**on_demand, GlobalSecondaryIndexOverride=[more]) == invalid(alone + " for index by-g")
    new = "Index by-g does not match a secondary index that existed in the source table and cannot be created during the restore operation"
    keys_only = {**INDEX, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    for other in ([{**INDEX, "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}], [keys_only], [INDEX, INDEX]):
        assert refused(GlobalSecondaryIndexOverride=other) == invalid(new)
    (renamed,) = restore(GlobalSecondaryIndexOverride=[{**INDEX, "IndexName": "by-g-again"}])["GlobalSecondaryIndexes"]
    assert (renamed["IndexName"], renamed["KeySchema"], renamed["IndexStatus"]) == ("by-g-again", INDEX["KeySchema"], "ACTIVE")
    assert "GlobalSecondaryIndexes" not in restore(GlobalSecondaryIndexOverride=[])


def test_a_table_on_demand_is_restored_with_units_only_if_it_is_said(dynamodb, make_table):
    name = make_table(indexes=[("by-g", [("g", "S", "HASH")], "ALL")], TableClass="STANDARD_INFREQUENT_ACCESS")
    backup, target = dynamodb.create_backup(TableName=name, BackupName="settings")["BackupDetails"]["BackupArn"], unique("restored")
    restore = lambda **overrides: dynamodb.restore_table_from_backup(TargetTableName=target, BackupArn=backup, **overrides)
    for overrides, why in [
        ({"ProvisionedThroughputOverride": units(1, 1)}, "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED"),
        ({"BillingModeOverride": "PROVISIONED"}, "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED"),
        ({"BillingModeOverride": "PROVISIONED", "ProvisionedThroughputOverride": units(1, 1)}, "Must specify provisioned throughput for index by-g"),
    ]:
        assert error_of(restore, **overrides) == ("ValidationException", "Invalid Request: " + why)
    restore()
    eventually(lambda: dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE")
    assert "TableClassSummary" not in dynamodb.describe_table(TableName=target)["Table"]
    dynamodb.delete_table(TableName=target)


def test_a_backup_shows_the_most_request_units(dynamodb, make_table):
    name = make_table()
    dynamodb.update_table(TableName=name, OnDemandThroughput={"MaxWriteRequestUnits": 6})
    backup = dynamodb.create_backup(TableName=name, BackupName="settings")["BackupDetails"]["BackupArn"]
    source = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["SourceTableDetails"]
    assert source["OnDemandThroughput"] == {"MaxWriteRequestUnits": 6}


VECTORS = {"IndexName": "vec", "VectorAttribute": {"AttributeName": "v"}, "Dimensions": 4, "DistanceFunction": "COSINE", "Projection": {"ProjectionType": "ALL"}}


def test_what_would_have_no_effect_is_refused_by_name(dynamodb, make_table):
    name = make_table()
    table = {"KeySchema": KEYS, "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}
    changes = {
        "ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}],
        "MultiRegionConsistency": "STRONG",
        "GlobalTableWitnessUpdates": [{"Create": {"RegionName": "eu-west-1"}}],
        "GlobalTableSettingsReplicationMode": "ENABLED",
        "DisassociationProtectionEnabled": True,
        "VectorIndexUpdates": [{"Delete": {"IndexName": "vec"}}],
    }
    for member, value in changes.items():
        code, text = error_of(dynamodb.update_table, TableName=name, **{member: value})
        assert code == "ValidationException" and text.startswith(f"{member} is not supported: "), (member, text)
    for member, value in {"GlobalTableSettingsReplicationMode": "ENABLED", "VectorIndexes": [VECTORS]}.items():
        code, text = error_of(dynamodb.create_table, TableName=unique("refused"), **table, **{member: value})
        assert code == "ValidationException" and text.startswith(f"{member} is not supported: "), (member, text)
    backup = dynamodb.create_backup(TableName=name, BackupName="refused")["BackupDetails"]["BackupArn"]
    text = error_of(dynamodb.restore_table_from_backup, TargetTableName=unique("refused"), BackupArn=backup, VectorIndexOverride=[VECTORS])[1]
    assert text.startswith("VectorIndexOverride is not supported: ")
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    created = {"TableName": unique("refused"), **table, "VectorIndexes": [VECTORS]}
    text = error_of(dynamodb.import_table, S3BucketSource={"S3Bucket": "some-bucket"}, InputFormat="DYNAMODB_JSON", TableCreationParameters=created)[1]
    assert text.startswith("VectorIndexes is not supported: ")
    assert error_of(dynamodb.list_tags_of_resource, ResourceArn=arn, NextToken="never-given") == ("ValidationException", "Invalid NextToken")


def test_contributor_insights_are_listed_in_pages_and_go_with_their_index(dynamodb, provisioned, make_table):
    for name in [make_table(), make_table(), provisioned]:
        dynamodb.update_contributor_insights(TableName=name, ContributorInsightsAction="ENABLE")
    dynamodb.update_contributor_insights(TableName=provisioned, IndexName="by-g", ContributorInsightsAction="ENABLE")

    def pages(**asked):
        found, token = [], {}
        while True:
            page = dynamodb.list_contributor_insights(**asked, **token)
            assert len(page["ContributorInsightsSummaries"]) <= asked.get("MaxResults", 100)
            found += [(one["TableName"], one.get("IndexName")) for one in page["ContributorInsightsSummaries"]]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    assert pages(MaxResults=1) == pages() and pages(MaxResults=1, TableName=provisioned) == [(provisioned, None), (provisioned, "by-g")]
    assert error_of(dynamodb.list_contributor_insights, NextToken="zz") == ("ValidationException", "Invalid NextToken")
    dynamodb.update_table(TableName=provisioned, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    assert pages(TableName=provisioned) == [(provisioned, None)]


def test_large_answers_are_compressed_for_who_asks(platform, dynamodb, make_table):
    name = make_table()
    for number in range(4):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": str(number)}, "text": {"S": "word " * 1000}})

    def scan(limit, **headers):
        body = json.dumps({"TableName": name, "Limit": limit}).encode()
        headers = {"x-amz-target": "DynamoDB_20120810.Scan", "content-type": "application/x-amz-json-1.0", **headers}
        status, answered, body = platform.http("POST", "/", body, headers)
        assert status == 200 and int(answered["x-amz-crc32"]) == zlib.crc32(body)
        return answered["content-encoding"], body

    encoding, plain = scan(4)
    assert encoding is None and len(plain) > 20_000
    encoding, packed = scan(4, **{"accept-encoding": "gzip"})
    assert encoding == "gzip" and len(packed) < 2000 and gzip.decompress(packed) == plain
    assert scan(4, **{"accept-encoding": "identity"}) == (None, plain)
    assert scan(1, **{"accept-encoding": "gzip"}) == scan(1)


def test_an_endpoint_that_is_called_by_dynamodbs_name_says_that_it_is_healthy(platform):
    for host in ("dynamodb.us-east-1.amazonaws.com", "dynamodb.eu-west-1.localhost:4566", "streams.dynamodb.eu-west-1.amazonaws.com"):
        for path in ("/", "/ping"):
            status, headers, body = platform.http("GET", path, host=host)
            assert (status, headers["content-type"], body.decode()) == (200, "text/plain", f"healthy: {host.split(':')[0]} ")
    plain = platform.http("GET", "/")
    assert plain[0] == 404
    for host in ("dynamodb.localhost", "sqs.us-east-1.amazonaws.com", "dynamodb.s3.amazonaws.com"):
        assert b"healthy" not in platform.http("GET", "/", host=host)[2]
    assert platform.http("POST", "/", b"{}", host="dynamodb.us-east-1.amazonaws.com")[0] == 404


def test_what_a_change_stream_has_no_use_for_is_refused(aws, dynamodb, make_table):
    streams, name = aws("dynamodbstreams"), make_table()
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    stream = dynamodb.update_table(TableName=name, StreamSpecification=specification)["TableDescription"]["LatestStreamArn"]
    (shard,) = [one["ShardId"] for one in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]]
    children = streams.describe_stream(StreamArn=stream, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": shard})
    assert children["StreamDescription"]["Shards"] == []
    for half in ({"Type": "CHILD_SHARDS"}, {"ShardId": shard}):
        assert error_of(streams.describe_stream, StreamArn=stream, ShardFilter=half)[0] == "ValidationException"
    for kind in ("TRIM_HORIZON", "LATEST"):
        refused = error_of(streams.get_shard_iterator, StreamArn=stream, ShardId=shard, ShardIteratorType=kind, Timestamp=1)
        assert refused == ("ValidationException", f"Timestamp cannot be specified for ShardIteratorType {kind}")
