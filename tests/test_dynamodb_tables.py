"""DynamoDB: tables, indexes that come later, backups, and settings, through boto3."""

import time

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique
from test_dynamodb import make_table, number, text  # noqa: F401


@pytest.fixture
def streams(aws):
    return aws("dynamodbstreams")


def described(dynamodb, name):
    return dynamodb.describe_table(TableName=name)["Table"]


def test_a_table_is_made_described_listed_and_deleted(dynamodb):
    name = unique("life")
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        Tags=[{"Key": "a", "Value": "b"}],
        SSESpecification={"Enabled": True},
        TableClass="STANDARD_INFREQUENT_ACCESS",
    )["TableDescription"]
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    assert (made["TableStatus"], made["TableArn"]) == ("CREATING", arn)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    table = described(dynamodb, arn)
    assert table["TableStatus"] == "ACTIVE" and table["ItemCount"] == 0 and "BillingModeSummary" not in table
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
    assert table["SSEDescription"]["KMSMasterKeyArn"].startswith(key) and table["SSEDescription"]["Status"] == "ENABLED" and table["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    names = [found for page in dynamodb.get_paginator("list_tables").paginate(Limit=1) for found in page["TableNames"]]
    assert name in names and names == sorted(names)
    assert dynamodb.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    assert error_of(dynamodb.describe_table, TableName=name) == ("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")


def test_settings_of_a_table_change(dynamodb, make_table):
    name = make_table()
    dynamodb.update_table(TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    assert described(dynamodb, name)["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    same = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    assert "will not change" in error_of(dynamodb.update_table, TableName=name, ProvisionedThroughput=same)[1]
    dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
    assert described(dynamodb, name)["ProvisionedThroughput"]["WriteCapacityUnits"] == 0
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    assert "protected against deletion" in error_of(dynamodb.delete_table, TableName=name)[1]
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_what_is_under_way_is_said_in_the_answer(dynamodb, make_table):
    name = unique("answers")
    keys, types = [{"AttributeName": "pk", "KeyType": "HASH"}], [{"AttributeName": "pk", "AttributeType": "S"}]
    made = dynamodb.create_table(TableName=name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")["TableDescription"]
    assert made["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert "LastUpdateToPayPerRequestDateTime" in described(dynamodb, name)["BillingModeSummary"]
    update = lambda **change: dynamodb.update_table(TableName=name, **change)["TableDescription"]
    index = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    types.append({"AttributeName": "g", "AttributeType": "S"})
    changed = update(AttributeDefinitions=types, GlobalSecondaryIndexUpdates=[{"Create": index}])
    [coming] = changed["GlobalSecondaryIndexes"]
    assert (changed["TableStatus"], coming["IndexStatus"], coming["Backfilling"]) == ("UPDATING", "CREATING", False)
    eventually(lambda: described(dynamodb, name)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE")
    units = lambda read, write: {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
    change = [{"Update": {"IndexName": "by-g", "ProvisionedThroughput": units(1, 1)}}]
    changed = update(BillingMode="PROVISIONED", ProvisionedThroughput=units(5, 5), GlobalSecondaryIndexUpdates=change)
    assert (changed["TableStatus"], changed["GlobalSecondaryIndexes"][0]["IndexStatus"]) == ("UPDATING", "UPDATING")
    table = described(dynamodb, name)
    assert table["TableStatus"] == "ACTIVE" and table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert "LastUpdateToPayPerRequestDateTime" in table["BillingModeSummary"], "it says so of what was, too"
    text = "The provisioned throughput for the index by-g will not change. The requested value equals the current value."
    assert error_of(update, GlobalSecondaryIndexUpdates=change)[1].startswith(text)
    update(ProvisionedThroughput=units(6, 5))
    update(ProvisionedThroughput=units(6, 2))
    shown = described(dynamodb, name)["ProvisionedThroughput"]
    assert shown["NumberOfDecreasesToday"] == 1 and shown["LastIncreaseDateTime"] <= shown["LastDecreaseDateTime"]
    warmed = update(WarmThroughput={"ReadUnitsPerSecond": 13000})
    assert warmed["TableStatus"] == "ACTIVE"
    assert warmed["WarmThroughput"] == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "UPDATING"}
    assert described(dynamodb, name)["WarmThroughput"] == {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
    changed = update(GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    assert [index["IndexStatus"] for index in changed["GlobalSecondaryIndexes"]] == ["DELETING"]
    gone = dynamodb.delete_table(TableName=name)["TableDescription"]
    assert gone["TableStatus"] == "DELETING" and not {"KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes"} & set(gone)


def test_an_index_is_added_to_a_filled_table_and_taken_away(dynamodb, make_table):
    name = make_table()
    for start in range(0, 450, 25):
        puts = [{"PutRequest": {"Item": {"pk": text(str(place)), "g": text(f"g{place % 3}")}}} for place in range(start, start + 25)]
        dynamodb.batch_write_item(RequestItems={name: puts})
    # What cannot be a key is passed over.
    for place, value in enumerate(({"S": ""}, {"S": "x" * 2049}, {"N": "1"})):
        dynamodb.put_item(TableName=name, Item={"pk": text(f"odd-{place}"), "g": value})
    index = {"IndexName": "late", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    dynamodb.update_table(TableName=name, AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}], GlobalSecondaryIndexUpdates=[{"Create": index}])
    eventually(lambda: described(dynamodb, name)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE")
    assert described(dynamodb, name)["GlobalSecondaryIndexes"][0]["ItemCount"] == 450
    found = dynamodb.query(TableName=name, IndexName="late", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": text("g1")})
    assert found["Count"] == 150
    # What cannot be a key does not stand in the way of other changes.
    dynamodb.update_item(TableName=name, Key={"pk": text("odd-2")}, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": text("x")})
    assert dynamodb.get_item(TableName=name, Key={"pk": text("odd-2")})["Item"] == {"pk": text("odd-2"), "g": {"N": "1"}, "v": text("x")}
    dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])
    assert "GlobalSecondaryIndexes" not in described(dynamodb, name)
    assert "does not have the specified index" in error_of(dynamodb.scan, TableName=name, IndexName="late")[1]


def test_a_table_gets_no_twenty_first_index(dynamodb, make_table):
    name = make_table(indexes=[(f"index-{at}", [("g", "S", "HASH")], "ALL") for at in range(20)])
    index = {"IndexName": "one-more", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    types = [{"AttributeName": "g", "AttributeType": "S"}]
    refused = error_of(dynamodb.update_table, TableName=name, AttributeDefinitions=types, GlobalSecondaryIndexUpdates=[{"Create": index}])
    assert refused == ("LimitExceededException", "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of 20")
    assert len(described(dynamodb, name)["GlobalSecondaryIndexes"]) == 20


def test_a_change_of_indexes_may_define_what_no_key_uses_yet(dynamodb, make_table):
    """So clients that make indexes one after the other name what all of them need each time."""
    name = make_table()
    types = [{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "g", "h")]
    for attribute, defined in (("g", types[:2]), ("h", types)):
        index = {"IndexName": f"by-{attribute}", "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        dynamodb.update_table(TableName=name, AttributeDefinitions=types, GlobalSecondaryIndexUpdates=[{"Create": index}])
        eventually(lambda: all(index["IndexStatus"] == "ACTIVE" for index in described(dynamodb, name)["GlobalSecondaryIndexes"]))
        assert sorted(described(dynamodb, name)["AttributeDefinitions"], key=str) == sorted(defined, key=str), "only what keys use is kept"
    for attribute, defined in (("g", [types[0], types[2]]), ("h", types[:1])):
        dynamodb.update_table(TableName=name, AttributeDefinitions=types, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": f"by-{attribute}"}}])
        assert sorted(described(dynamodb, name)["AttributeDefinitions"], key=str) == sorted(defined, key=str)


def read(streams, arn, kind="TRIM_HORIZON", **more):
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]
    return streams.get_records(ShardIterator=iterator)


def test_a_backup_is_the_table_as_it_was(dynamodb, make_table):
    name, target = make_table(indexes=[("by-g", [("g", "S", "HASH")], "ALL")]), unique("restored")
    for place in range(250):
        dynamodb.put_item(TableName=name, Item={"pk": text(str(place)), "g": text("g")})
    arn = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]["BackupArn"]
    dynamodb.put_item(TableName=name, Item={"pk": text("after")})
    shown = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    assert "TimeToLiveDescription" not in shown["SourceTableFeatureDetails"]
    assert shown["BackupDetails"]["BackupStatus"] == "AVAILABLE" and shown["SourceTableDetails"]["ItemCount"] == 250
    assert [backup["BackupArn"] for backup in dynamodb.list_backups(TableName=name)["BackupSummaries"]] == [arn]
    dynamodb.delete_table(TableName=name)
    restore = {"TargetTableName": target, "BackupArn": arn}
    other = [{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]
    for wrong in ({"GlobalSecondaryIndexOverride": other}, {"BillingModeOverride": "PROVISIONED"}):
        assert error_of(dynamodb.restore_table_from_backup, **restore, **wrong)[0] == "ValidationException"
    dynamodb.restore_table_from_backup(**restore)
    eventually(lambda: described(dynamodb, target)["TableStatus"] == "ACTIVE")
    table = described(dynamodb, target)
    assert table["ItemCount"] == 250 and table["GlobalSecondaryIndexes"][0]["ItemCount"] == 250
    assert dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "DELETED"
    assert error_of(dynamodb.describe_backup, BackupArn=arn)[0] == "BackupNotFoundException"
    dynamodb.delete_table(TableName=target)


def test_a_table_is_restored_to_a_point_in_time(dynamodb, make_table):
    name, target = make_table(), unique("past")
    restore = {"SourceTableName": name, "TargetTableName": target}
    assert error_of(dynamodb.restore_table_to_point_in_time, **restore, UseLatestRestorableTime=True)[0] == "PointInTimeRecoveryUnavailableException"
    for key in ("changed", "deleted", "same"):
        dynamodb.put_item(TableName=name, Item={"pk": text(key), "v": number(1)})
    on = dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    period = on["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert period["PointInTimeRecoveryStatus"] == "ENABLED"
    first = unique("first")
    # A client that says times to the second means the earliest moment, too.
    earliest = int(period["EarliestRestorableDateTime"].timestamp())
    dynamodb.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=first, RestoreDateTime=earliest)
    eventually(lambda: described(dynamodb, first)["TableStatus"] == "ACTIVE")
    assert dynamodb.scan(TableName=first)["Count"] == 3
    dynamodb.delete_table(TableName=first)
    dynamodb.put_item(TableName=name, Item={"pk": text("changed"), "v": number(2)})
    # A client's times have whole seconds.
    then = int(time.time()) + 1
    eventually(lambda: time.time() > then)
    dynamodb.put_item(TableName=name, Item={"pk": text("changed"), "v": number(3)})
    dynamodb.put_item(TableName=name, Item={"pk": text("new"), "v": number(3)})
    dynamodb.delete_item(TableName=name, Key={"pk": text("deleted")})
    dynamodb.restore_table_to_point_in_time(**restore, RestoreDateTime=then)
    eventually(lambda: described(dynamodb, target)["TableStatus"] == "ACTIVE")
    found = {item["pk"]["S"]: item["v"]["N"] for item in dynamodb.scan(TableName=target)["Items"]}
    assert found == {"changed": "2", "deleted": "1", "same": "1"}
    dynamodb.delete_table(TableName=target)


def test_tags_insights_and_what_is_the_same_for_all(dynamodb, make_table):
    name = make_table()
    arn = described(dynamodb, name)["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40000
    assert dynamodb.describe_endpoints()["Endpoints"][0]["CachePeriodInMinutes"] == 1440
    dynamodb.update_contributor_insights(TableName=name, ContributorInsightsAction="ENABLE")
    insights = dynamodb.describe_contributor_insights(TableName=name)
    assert (insights["ContributorInsightsStatus"], insights["ContributorInsightsMode"]) == ("ENABLED", "ACCESSED_AND_THROTTLED_KEYS")
    assert [rule.rsplit("-", 1)[0] for rule in insights["ContributorInsightsRuleList"]] == [f"DynamoDBContributorInsights-{kind}-{name}" for kind in ("PKC", "PKT")]
    assert name in [summary["TableName"] for summary in dynamodb.list_contributor_insights()["ContributorInsightsSummaries"]]


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: N}, {AttributeName: g, AttributeType: S}%(attributes)s]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
      BillingMode: PAY_PER_REQUEST
      GlobalSecondaryIndexes:
        - {IndexName: by-g, KeySchema: [{AttributeName: g, KeyType: HASH}], Projection: {ProjectionType: ALL}}
%(indexes)s
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      TimeToLiveSpecification: {AttributeName: %(expiry)s, Enabled: true}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      Tags: [{Key: team, Value: %(team)s}]
  World:
    Type: AWS::DynamoDB::GlobalTable
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      BillingMode: PAY_PER_REQUEST
      Replicas: [{Region: us-east-1, Tags: [{Key: a, Value: b}]}]
  Simple:
    Type: AWS::Serverless::SimpleTable
    Properties:
      PrimaryKey: {Name: number, Type: Number}
      Tags: {team: shop}
Outputs:
  Orders: {Value: !Ref Orders}
  Arn: {Value: !GetAtt Orders.Arn}
  Stream: {Value: !GetAtt Orders.StreamArn}
  World: {Value: !GetAtt World.Arn}
  Simple: {Value: !Ref Simple}
"""
FIRST = {"attributes": "", "indexes": "", "expiry": "end", "team": "shop"}
SECOND = {
    "attributes": ", {AttributeName: h, AttributeType: S}",
    "indexes": "        - {IndexName: by-h, KeySchema: [{AttributeName: h, KeyType: HASH}], Projection: {ProjectionType: KEYS_ONLY}}",
    "expiry": "until",
    "team": "other",
}


def test_a_stack_has_tables(dynamodb, application):
    app = application({"template.yaml": TEMPLATE % FIRST})
    app.deploy()
    name = app.outputs["Orders"]
    table = described(dynamodb, name)
    assert (table["TableArn"], table["LatestStreamArn"]) == (app.outputs["Arn"], app.outputs["Stream"])
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "end"
    assert described(dynamodb, app.outputs["World"])["TableStatus"] == "ACTIVE"
    assert described(dynamodb, app.outputs["Simple"])["AttributeDefinitions"] == [{"AttributeName": "number", "AttributeType": "N"}]
    dynamodb.put_item(TableName=name, Item={"pk": text("a"), "sk": number(1), "h": text("h")})
    assert app.changes(app.deploy()) == []
    app.write({"template.yaml": TEMPLATE % SECOND})
    assert app.changes(app.deploy()) == ["UPDATE Orders"]
    table = described(dynamodb, name)
    assert {index["IndexName"]: index["ItemCount"] for index in table["GlobalSecondaryIndexes"]} == {"by-g": 0, "by-h": 1}
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "until"
    assert dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [{"Key": "team", "Value": "other"}]
    app.delete()
    assert error_of(dynamodb.describe_table, TableName=name)[0] == "ResourceNotFoundException"


BILLED = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: g, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      BillingMode: %(mode)s
      %(units)s
      GlobalSecondaryIndexes:
        - IndexName: by-g
          KeySchema: [{AttributeName: g, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
          %(units)s
Outputs:
  Table: {Value: !Ref Table}
"""


def test_a_stack_changes_how_a_table_is_billed(dynamodb, application):
    on_demand = BILLED % {"mode": "PAY_PER_REQUEST", "units": ""}
    units = "ProvisionedThroughput: {ReadCapacityUnits: 3, WriteCapacityUnits: 4}"
    app = application({"template.yaml": on_demand})
    app.deploy()
    for template, read_units in ((BILLED % {"mode": "PROVISIONED", "units": units}, 3), (on_demand, 0)):
        app.write({"template.yaml": template})
        assert app.changes(app.deploy()) == ["UPDATE Table"]
        table = described(dynamodb, app.outputs["Table"])
        shown = [table["ProvisionedThroughput"], table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]]
        assert [one["ReadCapacityUnits"] for one in shown] == [read_units] * 2
    app.delete()


def test_global_tables_have_one_region(dynamodb):
    name = unique("global")
    keys, types = [{"AttributeName": "pk", "KeyType": "HASH"}], [{"AttributeName": "pk", "AttributeType": "S"}]
    dynamodb.create_table(TableName=name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    here, there = [{"RegionName": "us-east-1"}], [{"RegionName": "us-east-1"}, {"RegionName": "eu-west-1"}]
    missing = f"Global table with name: '{name}' does not exist."
    assert error_of(dynamodb.describe_global_table, GlobalTableName=name) == ("GlobalTableNotFoundException", f"Global table not found: {missing}")
    assert error_of(dynamodb.describe_global_table_settings, GlobalTableName=name) == ("GlobalTableNotFoundException", missing)
    for nothing in ([], [{}]):
        assert error_of(dynamodb.update_global_table, GlobalTableName=name, ReplicaUpdates=nothing) == ("ValidationException", "One or more parameter values were invalid")
    code, message = error_of(dynamodb.create_global_table, GlobalTableName=name, ReplicationGroup=there)
    assert code == "ValidationException" and "eu-west-1" in message
    made = dynamodb.create_global_table(GlobalTableName=name, ReplicationGroup=here)["GlobalTableDescription"]
    assert made["GlobalTableStatus"] == "ACTIVE" and made["ReplicationGroup"] == [{"RegionName": "us-east-1", "ReplicaStatus": "ACTIVE"}]
    assert dynamodb.describe_global_table(GlobalTableName=name)["GlobalTableDescription"] == made
    assert error_of(dynamodb.create_global_table, GlobalTableName=name, ReplicationGroup=here) == ("GlobalTableAlreadyExistsException", f"Global table with name: '{name}' already exists.")
    assert {"GlobalTableName": name, "ReplicationGroup": here} in dynamodb.list_global_tables()["GlobalTables"]
    assert error_of(dynamodb.update_global_table, GlobalTableName=name, ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])[0] == "ValidationException"
    assert error_of(dynamodb.update_global_table, GlobalTableName=name, ReplicaUpdates=[{"Delete": {"RegionName": "eu-west-1"}}])[0] == "ReplicaNotFoundException"
    assert dynamodb.describe_global_table_settings(GlobalTableName=name)["ReplicaSettings"][0]["RegionName"] == "us-east-1"
    assert dynamodb.describe_table_replica_auto_scaling(TableName=name)["TableAutoScalingDescription"]["TableName"] == name
    dynamodb.delete_table(TableName=name)
