"""DynamoDB: how global indexes with keys of several attributes come to be: what is in them, what is refused, and where they come back."""

import time

import pytest
from conftest import REGION, error_of, unique
from test_dynamodb_multi_keys import HASH, INVALID, TOURNAMENT, VALIDATION, asked, index, keys, make_table, matches, number, text, types  # noqa: F401  (fixtures)


def test_an_item_is_there_once_it_has_every_attribute(dynamodb, make_table):
    parts = ("category", "HASH"), ("shop", "HASH"), ("rating", "RANGE"), ("reviews", "RANGE")
    name = make_table(index("reviewed", *parts, projection="KEYS_ONLY"), category="S", shop="S", rating="N", reviews="N")
    whole = {"category": text("c"), "shop": text("s"), "rating": number(4), "reviews": number(9)}
    count = lambda: dynamodb.scan(TableName=name, IndexName="reviewed", Select="COUNT")["Count"]
    change = lambda expression, values=None: dynamodb.update_item(TableName=name, Key={"id": text("a")}, UpdateExpression=expression, **({"ExpressionAttributeValues": values} if values else {}))
    for missing in whole:
        dynamodb.put_item(TableName=name, Item={"id": text("a"), **{part: value for part, value in whole.items() if part != missing}})
        assert count() == 0, missing
        change(f"SET {missing} = :v", {":v": whole[missing]})
        assert count() == 1, missing
        change(f"REMOVE {missing}")
        assert count() == 0, missing
        change(f"SET {missing} = :v, extra = :v", {":v": whole[missing]})
    shown = dynamodb.scan(TableName=name, IndexName="reviewed")["Items"]
    assert shown == [{"id": text("a"), **whole}]
    change("ADD reviews :v", {":v": number(1)})
    assert dynamodb.scan(TableName=name, IndexName="reviewed")["Items"][0]["reviews"] == number(10)
    described = dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"][0]
    assert described["ItemCount"] == 1 and described["KeySchema"] == keys(*parts)


def test_items_that_no_such_index_can_have(dynamodb, make_table):
    name = make_table(index("index", ("a", "HASH"), ("b", "HASH"), ("r", "RANGE"), ("t", "RANGE")), a="S", b="N", r="S", t="B")
    put = lambda **item: error_of(dynamodb.put_item, TableName=name, Item={"id": text("x"), **item})
    change = lambda **values: error_of(
        dynamodb.update_item, TableName=name, Key={"id": text("x")}, UpdateExpression="SET " + ", ".join(f"{one} = :{one}" for one in values),
        ExpressionAttributeValues={f":{one}": value for one, value in values.items()},
    )
    assert put(b=text("1")) == (VALIDATION, INVALID + "Type mismatch for Index Key b Expected: N Actual: S IndexName: index")
    assert put(t=text("1")) == (VALIDATION, INVALID + "Type mismatch for Index Key t Expected: B Actual: S IndexName: index")
    empty = "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty binary value. IndexName: index, IndexKey: t"
    assert put(t={"B": b""}) == (VALIDATION, empty)
    assert put(a=text("a" * 2048), b=number(1)) == (VALIDATION, INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
    assert put(r=text("r" * 1000), t={"B": b"t" * 25}) == (VALIDATION, INVALID + "Size of rangekey has exceeded the maximum size limit of1024 bytes")
    assert change(b=text("1")) == (VALIDATION, "The update expression attempted to update the secondary index key to unsupported type")
    dynamodb.put_item(TableName=name, Item={"id": text("x"), "r": text("r" * 1000), "t": {"B": b"t" * 24}})
    assert change(t={"B": b"t" * 25}) == (VALIDATION, "The update expression attempted to update the secondary index key beyond allowed size limits")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([("a", "RANGE"), ("b", "HASH")], "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
        ([("a", "RANGE")], "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
        ([("a", "HASH"), ("b", "RANGE"), ("c", "HASH")], INVALID + "All HASH key attributes must precede RANGE key attributes in the KeySchema"),
        ([(one, "HASH") for one in "abcde"], INVALID + "The KeySchema exceeds the maximum allowed number of HASH key attributes"),
        ([("a", "HASH"), *[(one, "RANGE") for one in "bcdef"]], INVALID + "The KeySchema exceeds the maximum allowed number of RANGE key attributes"),
        ([("a", "HASH"), ("b", "HASH"), ("a", "RANGE")], "The KeySchema contains multiple key attributes with the same name"),
        ([("a", "HASH"), ("a", "HASH")], "The KeySchema contains multiple key attributes with the same name"),
        ([("a", "HASH"), ("b", "HASH"), ("z", "RANGE")], INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a, b, z], AttributeDefinitions: [id, {}]"),
    ],
)
def test_keys_that_no_index_can_have(dynamodb, make_table, parts, why):
    named = sorted({name for name, _ in parts} - {"z"})
    why = why.format(", ".join(named))
    kinds = types(id="S", **dict.fromkeys(named, "S"))
    name = unique("table")
    create = {"TableName": name, "KeySchema": keys(("id", "HASH")), "AttributeDefinitions": kinds, "BillingMode": "PAY_PER_REQUEST"}
    assert error_of(dynamodb.create_table, **create, GlobalSecondaryIndexes=[index("index", *parts)]) == (VALIDATION, why)
    plain = make_table(index("plain", ("p", "HASH")), p="S")
    if "not defined" not in why:
        updates = [{"Create": index("index", *parts)}]
        assert error_of(dynamodb.update_table, TableName=plain, AttributeDefinitions=kinds, GlobalSecondaryIndexUpdates=updates) == (VALIDATION, why)


def test_tables_and_local_indexes_keep_to_two_attributes(dynamodb):
    two = keys(("id", "HASH"), ("s", "RANGE"))
    local = [index("own", ("id", "HASH"), ("r", "RANGE"), ("t", "RANGE"))]
    create = {"TableName": unique("table"), "AttributeDefinitions": types(id="S", s="S", r="S", t="S"), "BillingMode": "PAY_PER_REQUEST"}
    for wrong in ({"KeySchema": two, "LocalSecondaryIndexes": local}, {"KeySchema": keys(("id", "HASH"), ("s", "RANGE"), ("r", "RANGE"))}):
        code, message = error_of(dynamodb.create_table, **create, **wrong)
        assert code == VALIDATION and "Member must have length less than or equal to 2" in message
    hashes = error_of(dynamodb.create_table, **{**create, "AttributeDefinitions": types(id="S", s="S")}, KeySchema=keys(("id", "HASH"), ("s", "HASH")))
    assert hashes == (VALIDATION, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def test_an_index_has_up_to_eight_attributes(dynamodb, make_table):
    parts = [(name, "HASH") for name in "abcd"] + [(name, "RANGE") for name in "efgh"]
    name = make_table(index("eight", *parts), index("hashes", *parts[:2]), **dict.fromkeys("abcdefgh", "N"))
    shown = {one["IndexName"]: one["KeySchema"] for one in dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]}
    assert shown == {"eight": keys(*parts), "hashes": keys(*parts[:2])}
    for at in range(3):
        dynamodb.put_item(TableName=name, Item={"id": text(f"{at}"), **dict.fromkeys("abcdefg", number(1)), "h": number(at)})
    condition = " AND ".join(f"{one} = :v" for one in "abcdefg") + " AND h >= :v"
    found = dynamodb.query(TableName=name, IndexName="eight", KeyConditionExpression=condition, ExpressionAttributeValues={":v": number(1)})
    assert [item["id"]["S"] for item in found["Items"]] == ["1", "2"]
    found = dynamodb.query(TableName=name, IndexName="hashes", KeyConditionExpression="a = :v AND b = :v", ExpressionAttributeValues={":v": number(1)})
    assert found["Count"] == 3


def ready(dynamodb, name):
    end = time.monotonic() + 30
    while True:
        table = dynamodb.describe_table(TableName=name)["Table"]
        if all(one["IndexStatus"] == "ACTIVE" for one in table["GlobalSecondaryIndexes"]):
            return table
        assert time.monotonic() < end, table
        time.sleep(0.05)


def test_an_index_that_comes_later_is_filled(dynamodb, make_table):
    name = make_table(index("plain", ("p", "HASH")), p="S")
    for start in range(0, 300, 25):
        items = [{"id": text(f"{at}"), "a": text(f"a{at % 3}"), "b": number(at % 2), "r": number(at), **({"t": text("t")} if at % 5 else {})} for at in range(start, start + 25)]
        dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in items]})
    # What was there before the index and cannot be in it is not.
    dynamodb.put_item(TableName=name, Item={"id": text("x"), "a": text("a0"), "b": text("no number"), "r": number(1), "t": text("t")})
    dynamodb.put_item(TableName=name, Item={"id": text("y"), "a": text("a" * 2048), "b": number(1), "r": number(1), "t": text("t")})
    parts = ("a", "HASH"), ("b", "HASH"), ("t", "RANGE"), ("r", "RANGE")
    dynamodb.update_table(TableName=name, AttributeDefinitions=types(a="S", b="N", t="S", r="N"), GlobalSecondaryIndexUpdates=[{"Create": index("late", *parts)}])
    table = ready(dynamodb, name)
    late = next(one for one in table["GlobalSecondaryIndexes"] if one["IndexName"] == "late")
    assert (late["ItemCount"], late["KeySchema"]) == (240, keys(*parts))
    found = dynamodb.query(TableName=name, IndexName="late", **asked("a = :a AND b = :b", {":a": text("a1"), ":b": number(0)}))
    assert [int(item["r"]["N"]) for item in found["Items"]] == [at for at in range(300) if at % 3 == 1 and at % 2 == 0 and at % 5]
    dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])
    assert {one["AttributeName"] for one in ready(dynamodb, name)["AttributeDefinitions"]} == {"id", "p"}


def test_such_an_index_comes_back_with_a_backup(dynamodb, matches):
    backup = dynamodb.create_backup(TableName=matches, BackupName="keys")["BackupDetails"]["BackupArn"]
    kept = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"]
    assert keys(*TOURNAMENT) in [one["KeySchema"] for one in kept]
    name = unique("restored")
    dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=backup)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    found = dynamodb.query(TableName=name, IndexName="TournamentRegionIndex", **asked(HASH + " AND round = :x", {":t": text("WINTER2024"), ":r": text("NA-EAST"), ":x": text("SEMIFINALS")}))
    assert [item["matchId"]["S"] for item in found["Items"]] == ["match-002", "match-003"]
    dynamodb.delete_table(TableName=name)
    dynamodb.delete_backup(BackupArn=backup)


def test_such_an_index_comes_with_an_import(dynamodb, aws):
    s3, bucket, name = aws("s3"), unique("bucket"), unique("imported")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="rows.csv", Body="id,a,b,r\n1,x,7,10\n2,x,7,9\n3,x,8,1\n")
    table = {
        "TableName": name, "KeySchema": keys(("id", "HASH")), "AttributeDefinitions": types(id="S", a="S", b="N", r="N"), "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [index("index", ("a", "HASH"), ("b", "HASH"), ("r", "RANGE"))],
    }
    begun = dynamodb.import_table(S3BucketSource={"S3Bucket": bucket}, InputFormat="CSV", TableCreationParameters=table)["ImportTableDescription"]
    end = time.monotonic() + 30
    while dynamodb.describe_import(ImportArn=begun["ImportArn"])["ImportTableDescription"]["ImportStatus"] == "IN_PROGRESS":
        assert time.monotonic() < end
        time.sleep(0.05)
    found = dynamodb.query(TableName=name, IndexName="index", **asked("a = :a AND b = :b", {":a": text("x"), ":b": number(7)}))
    assert [item["id"]["S"] for item in found["Items"]] == ["2", "1"]
    dynamodb.delete_table(TableName=name)
    s3.delete_object(Bucket=bucket, Key="rows.csv")
    s3.delete_bucket(Bucket=bucket)


def test_such_an_index_is_there_after_a_crash(fresh):
    platform = fresh()
    dynamodb = platform.client("dynamodb")
    parts = ("a", "HASH"), ("b", "HASH"), ("r", "RANGE"), ("t", "RANGE")
    dynamodb.create_table(
        TableName="kept", KeySchema=keys(("id", "HASH")), AttributeDefinitions=types(id="S", a="S", b="S", r="S", t="S"), GlobalSecondaryIndexes=[index("index", *parts)], BillingMode="PAY_PER_REQUEST"
    )
    dynamodb.put_item(TableName="kept", Item={"id": text("1"), **{name: text(name) for name, _ in parts}})
    platform.kill()
    platform.start()
    dynamodb = platform.client("dynamodb")
    assert dynamodb.describe_table(TableName="kept")["Table"]["GlobalSecondaryIndexes"][0]["KeySchema"] == keys(*parts)
    found = dynamodb.query(TableName="kept", IndexName="index", **asked("a = :a AND b = :b AND r = :r", {f":{name}": text(name) for name in "abr"}))
    assert found["Count"] == 1


TEMPLATE = """
Resources:
  %(id)s:
    Type: AWS::DynamoDB::%(kind)s
    Properties:
      AttributeDefinitions: [%(attributes)s]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      BillingMode: PAY_PER_REQUEST
      %(more)s
      GlobalSecondaryIndexes:
        - IndexName: index
          KeySchema: [%(keys)s]
          Projection: {ProjectionType: ALL}
Outputs:
  Table: {Value: !Ref %(id)s}
"""


@pytest.mark.parametrize(("kind", "more"), [("Table", ""), ("GlobalTable", "Replicas: [{Region: %s}]" % REGION)])
def test_a_template_has_such_an_index(dynamodb, application, kind, more):
    def template(*parts):
        attributes = ", ".join("{AttributeName: %s, AttributeType: S}" % name for name in ["id", *(name for name, _ in parts)])
        schema = ", ".join("{AttributeName: %s, KeyType: %s}" % part for part in parts)
        return {"template.yaml": TEMPLATE % {"id": "Matches", "kind": kind, "attributes": attributes, "keys": schema, "more": more}}

    first = ("tournament", "HASH"), ("region", "HASH"), ("round", "RANGE"), ("bracket", "RANGE")
    app = application(template(*first))
    app.deploy()
    name = app.outputs["Table"]
    item = {"id": text("1"), **{part: text(part) for part, _ in first}}
    dynamodb.put_item(TableName=name, Item=item)
    assert app.changes(app.deploy()) == []
    # Another order of the sort key is another index.
    second = (*first[:2], first[3], first[2])
    app.write(template(*second))
    assert app.changes(app.deploy()) == ["UPDATE Matches"]
    (described,) = dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    assert (described["KeySchema"], described["ItemCount"]) == (keys(*second), 1)
    app.delete()
