"""DynamoDB: change streams, and what expiry writes into them, through boto3."""

import time

import pytest
from conftest import error_of, eventually, unique
from test_dynamodb import make_table, number, text  # noqa: F401  (fixtures)
from test_dynamodb_tables import described, read, streams  # noqa: F401  (fixtures)


def test_a_stream_tells_of_each_change_in_order(dynamodb, streams, make_table):
    name = make_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    table = described(dynamodb, name)
    arn, key = table["LatestStreamArn"], {"pk": text("a")}
    dynamodb.put_item(TableName=name, Item={**key, "v": number(1)})
    dynamodb.put_item(TableName=name, Item={**key, "v": number(1)})
    dynamodb.update_item(TableName=name, Key=key, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": number(2)})
    dynamodb.delete_item(TableName=name, Key=key)
    records = read(streams, arn)["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"], "what changes nothing is no change"
    inserted, modified, removed = (record["dynamodb"] for record in records)
    assert "OldImage" not in inserted and inserted["NewImage"] == {**key, "v": number(1)}
    assert (modified["OldImage"]["v"], modified["NewImage"]["v"]) == (number(1), number(2))
    assert "NewImage" not in removed and removed["Keys"] == key
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(numbers) and len(numbers[0]) == 21
    after = read(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[0])["Records"]
    at = read(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=numbers[1])["Records"]
    assert after == at == records[1:]
    latest = read(streams, arn, "LATEST")
    assert latest["Records"] == [] and "NextShardIterator" in latest
    dynamodb.put_item(TableName=name, Item=key)
    assert len(streams.get_records(ShardIterator=latest["NextShardIterator"])["Records"]) == 1
    assert [stream["StreamArn"] for stream in streams.list_streams(TableName=name)["Streams"]] == [arn]
    begun = records[0]["dynamodb"]["ApproximateCreationDateTime"]
    assert read(streams, arn, "AT_TIMESTAMP", Timestamp=begun)["Records"][:3] == records
    [shard] = streams.describe_stream(StreamArn=arn, Limit=1)["StreamDescription"]["Shards"]
    children = streams.describe_stream(StreamArn=arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": shard["ShardId"]})
    assert children["StreamDescription"]["Shards"] == []


def test_streams_and_backups_are_listed_in_pages(dynamodb, streams):
    name = unique("pages")
    keys, types = [{"AttributeName": "pk", "KeyType": "HASH"}], [{"AttributeName": "pk", "AttributeType": "S"}]
    spec = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    # A hyphen is less than a slash, and greater than the end of a name.
    names, backups = [name, f"{name}-more", f"{name}.more"], set()
    for one in names:
        dynamodb.create_table(TableName=one, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST", StreamSpecification=spec)
        backups.add(dynamodb.create_backup(TableName=one, BackupName="page")["BackupDetails"]["BackupArn"])
    found, start = [], {}
    while start is not None:
        page = streams.list_streams(Limit=1, **start)
        found += [stream["TableName"] for stream in page["Streams"]]
        start = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]} if "LastEvaluatedStreamArn" in page else None
    assert sorted(one for one in found if one in names) == names
    pages = dynamodb.get_paginator("list_backups").paginate(PaginationConfig={"PageSize": 1})
    found = [backup["BackupArn"] for page in pages for backup in page["BackupSummaries"]]
    assert backups <= set(found) and len(found) == len(set(found))
    for one in names:
        dynamodb.delete_table(TableName=one)


@pytest.mark.parametrize(("view", "images"), [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})])
def test_a_stream_shows_what_its_view_says_and_ends(dynamodb, streams, make_table, view, images):
    name = make_table()
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    arn = described(dynamodb, name)["LatestStreamArn"]
    for value in (1, 2):
        dynamodb.put_item(TableName=name, Item={"pk": text("a"), "v": number(value)})
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    dynamodb.put_item(TableName=name, Item={"pk": text("b")})
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert description["StreamStatus"] == "DISABLED" and "EndingSequenceNumber" in description["Shards"][0]["SequenceNumberRange"]
    page = read(streams, arn)
    assert set(page["Records"][1]["dynamodb"]) & {"NewImage", "OldImage"} == images
    assert len(page["Records"]) == 2 and "NextShardIterator" not in page


def test_items_expire_and_the_stream_says_why(dynamodb, streams, make_table):
    name = make_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    now = int(time.time())
    for key, end in (("before", now - 10), ("soon", now + 1), ("late", now + 3600), ("ancient", now - 6 * 365 * 86400)):
        dynamodb.put_item(TableName=name, Item={"pk": text(key), "end": number(end)})
    dynamodb.put_item(TableName=name, Item={"pk": text("text"), "end": text(str(now - 10))})
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"})
    eventually(lambda: dynamodb.scan(TableName=name)["Count"] == 3)
    assert {item["pk"]["S"] for item in dynamodb.scan(TableName=name)["Items"]} == {"late", "ancient", "text"}
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "end"}
    removed = [record for record in read(streams, described(dynamodb, name)["LatestStreamArn"])["Records"] if record["eventName"] == "REMOVE"]
    assert all(record["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"} for record in removed) and len(removed) == 2
    dynamodb.put_item(TableName=name, Item={"pk": text("later"), "end": number(now - 5)})
    eventually(lambda: "Item" not in dynamodb.get_item(TableName=name, Key={"pk": text("later")}))
    again = {"TableName": name, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "end"}}
    assert error_of(dynamodb.update_time_to_live, **again) == ("ValidationException", "TimeToLive is already enabled")
    for is_on in (True, False):
        other = {"TableName": name, "TimeToLiveSpecification": {"Enabled": is_on, "AttributeName": "other"}}
        why = "TimeToLive is active on a different AttributeName: current AttributeName is end"
        assert error_of(dynamodb.update_time_to_live, **other) == ("ValidationException", why)
