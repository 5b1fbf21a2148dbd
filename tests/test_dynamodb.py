"""DynamoDB: operations on items, one at a time or a page, through boto3's client and resource, and the aws CLI."""

import json
import subprocess
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from conftest import error_of, invoke, unique


@pytest.fixture
def make_table(dynamodb):
    """Makes tables that go with the test; answers their names."""
    made = []

    def make(hash_type="S", range_type=None, local=(), indexes=(), **more):
        name = unique("table")
        keys, attributes = [("pk", "HASH")], {"pk": hash_type}
        if range_type:
            keys, attributes = [*keys, ("sk", "RANGE")], {**attributes, "sk": range_type}

        def index(definition):
            index_name, parts, projection = definition
            attributes.update({part: kind for part, kind, _ in parts})
            schema = [{"AttributeName": part, "KeyType": role} for part, _, role in parts]
            shown = {"ProjectionType": projection} if isinstance(projection, str) else {"ProjectionType": "INCLUDE", "NonKeyAttributes": projection}
            return {"IndexName": index_name, "KeySchema": schema, "Projection": shown}

        if local:
            more["LocalSecondaryIndexes"] = [index(one) for one in local]
        if indexes:
            more["GlobalSecondaryIndexes"] = [index(one) for one in indexes]
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": part, "KeyType": role} for part, role in keys],
            AttributeDefinitions=[{"AttributeName": part, "AttributeType": kind} for part, kind in attributes.items()],
            **{"BillingMode": "PAY_PER_REQUEST", **more},
        )
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            dynamodb.delete_table(TableName=name)
        except dynamodb.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def resource(platform):
    """The resource of a table, by its name."""
    import boto3

    made = boto3.resource("dynamodb", endpoint_url=platform.endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    return made.Table


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def test_every_type_comes_back_as_it_was_put(resource, make_table):
    table = resource(make_table())
    item = {
        "pk": "all",
        "string": "grüße",
        "empty": "",
        "number": Decimal("-12345678901234567890.123456789012345678"),
        "small": Decimal("1E-130"),
        "bytes": b"\x00\xff",
        "yes": True,
        "nothing": None,
        "list": [1, "two", [Decimal("3.5")]],
        "map": {"a": {"b": {"c": []}}},
        "strings": {"a", "b"},
        "numbers": {Decimal(1), Decimal("2.5")},
        "binaries": {b"a", b"b"},
    }
    table.put_item(Item=item)
    found = table.get_item(Key={"pk": "all"})["Item"]
    found["bytes"], found["binaries"] = found["bytes"].value, {one.value for one in found["binaries"]}
    assert found == item
    assert "Item" not in table.get_item(Key={"pk": "other"})


def test_numbers_are_exact_and_canonical(dynamodb, make_table):
    name = make_table("N")
    cases = {"007": "7", "1.50": "1.5", "-0": "0", "1e3": "1000", "+2": "2", "0.00001": "0.00001", "99999999999999999999999999999999999999": None}
    for given, expected in cases.items():
        dynamodb.put_item(TableName=name, Item={"pk": number(1), "v": number(given)})
        assert dynamodb.get_item(TableName=name, Key={"pk": number("1.0")})["Item"]["v"] == number(expected or given)


def test_conditions_decide_and_tell(dynamodb, make_table):
    name = make_table()
    key = {"pk": text("a")}
    dynamodb.put_item(TableName=name, Item={**key, "v": number(1)}, ConditionExpression="attribute_not_exists(pk)")
    again = {"TableName": name, "Item": key, "ConditionExpression": "attribute_not_exists(pk)"}
    assert error_of(dynamodb.put_item, **again) == ("ConditionalCheckFailedException", "The conditional request failed")
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as failed:
        dynamodb.put_item(**again, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert failed.value.response["Item"] == {**key, "v": number(1)}
    dynamodb.delete_item(TableName=name, Key=key, ConditionExpression="v = :one AND NOT (v IN (:two, :three))", ExpressionAttributeValues={":one": number(1), ":two": number(2), ":three": number(3)})
    assert "Item" not in dynamodb.get_item(TableName=name, Key=key)


def test_updates_change_parts_and_return_what_is_asked_for(resource, make_table):
    table = resource(make_table())
    table.put_item(Item={"pk": "a", "n": 1, "line": [1, 2, 3], "deep": {"x": 1}, "many": {"a", "b"}})

    def update(expression, returns="UPDATED_NEW", names=None, **values):
        more = {"ExpressionAttributeNames": names} if names else {}
        if values:
            more["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
        return table.update_item(Key={"pk": "a"}, UpdateExpression=expression, ReturnValues=returns, **more).get("Attributes")

    assert update("SET n = n + :one, #c = if_not_exists(#c, :zero) - :one", names={"#c": "count"}, one=1, zero=0) == {"n": 2, "count": -1}
    assert update("SET deep.y = :v REMOVE deep.x", v="new") == {"deep": {"y": "new"}}
    assert update("REMOVE line[0]", "ALL_NEW")["line"] == [2, 3]
    assert update("ADD n :one, many :more", one=1, more={"c"}) == {"n": 3, "many": {"a", "b", "c"}}
    assert update("DELETE many :some", some={"a", "b", "c"}, returns="ALL_NEW").get("many") is None
    assert update("SET line = list_append(line, :more)", more=[9]) == {"line": [2, 3, 9]}
    assert update("SET n = :v", "UPDATED_OLD", v=0) == {"n": 3}
    assert update("SET n = :v", "ALL_OLD", v=5)["n"] == 0
    made = table.update_item(Key={"pk": "fresh"}, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": 1}, ReturnValues="ALL_NEW")
    assert made["Attributes"] == {"pk": "fresh", "v": 1}


def test_older_parameters_do_what_expressions_do(dynamodb, make_table):
    name = make_table(range_type="N")
    key = {"pk": text("a"), "sk": number(1)}
    dynamodb.put_item(TableName=name, Item={**key, "v": number(1)}, Expected={"pk": {"Exists": False}})
    assert error_of(dynamodb.put_item, TableName=name, Item=key, Expected={"pk": {"Exists": False}})[0] == "ConditionalCheckFailedException"
    updates = {"v": {"Action": "ADD", "Value": number(4)}, "w": {"Action": "PUT", "Value": text("x")}}
    changed = dynamodb.update_item(TableName=name, Key=key, AttributeUpdates=updates, Expected={"v": {"ComparisonOperator": "LE", "AttributeValueList": [number(1)]}}, ReturnValues="UPDATED_NEW")
    assert changed["Attributes"] == {"v": number(5), "w": text("x")}
    conditions = {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [text("a")]}, "sk": {"ComparisonOperator": "GT", "AttributeValueList": [number(0)]}}
    found = dynamodb.query(TableName=name, KeyConditions=conditions, QueryFilter={"v": {"ComparisonOperator": "NOT_NULL"}}, AttributesToGet=["v"])
    assert found["Items"] == [{"v": number(5)}]
    assert dynamodb.scan(TableName=name, ScanFilter={"w": {"ComparisonOperator": "NE", "AttributeValueList": [text("x")]}})["Count"] == 0
    assert dynamodb.get_item(TableName=name, Key=key, AttributesToGet=["w"])["Item"] == {"w": text("x")}
    missing = {"pk": text("a"), "sk": number(2)}
    deletions = {"v": {"Action": "DELETE"}, "s": {"Action": "DELETE", "Value": {"SS": ["x"]}}}
    assert "Attributes" not in dynamodb.update_item(TableName=name, Key=missing, AttributeUpdates=deletions, ReturnValues="ALL_NEW")
    assert "Item" not in dynamodb.get_item(TableName=name, Key=missing)
    gone = dynamodb.update_item(TableName=name, Key=missing, UpdateExpression="REMOVE v DELETE s :s", ExpressionAttributeValues={":s": {"SS": ["x"]}}, ReturnValues="ALL_NEW")
    assert "Attributes" not in gone and "Item" not in dynamodb.get_item(TableName=name, Key=missing), "it only takes away"
    dynamodb.update_item(TableName=name, Key=missing, AttributeUpdates={})
    assert dynamodb.get_item(TableName=name, Key=missing)["Item"] == missing


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (Key("sk").eq(3), [3]),
        (Key("sk").lt(-7), [-10, -9, -8]),
        (Key("sk").lte(-8), [-10, -9, -8]),
        (Key("sk").gt(7), [8, 9]),
        (Key("sk").gte(8), [8, 9]),
        (Key("sk").between(-1, 1), [-1, 0, 1]),
        (None, list(range(-10, 10))),
    ],
)
def test_queries_find_by_sort_key_in_both_orders(resource, make_table, test, expected):
    table = resource(make_table(range_type="N"))
    with table.batch_writer() as batch:
        for hash_key in ("a", "b"):
            for place in range(-10, 10):
                batch.put_item(Item={"pk": hash_key, "sk": place})
    condition = Key("pk").eq("a") & test if test else Key("pk").eq("a")
    assert [item["sk"] for item in table.query(KeyConditionExpression=condition)["Items"]] == expected
    backwards = table.query(KeyConditionExpression=condition, ScanIndexForward=False)
    assert [item["sk"] for item in backwards["Items"]] == expected[::-1]


def test_text_and_binary_sort_keys_are_in_the_order_of_their_bytes(dynamodb, make_table):
    texts = ["", "a", "a\x00", "a\x00b", "ab", "b", "é", "\U0001f600", "\ufb01"]
    for kind, name in (("S", make_table(range_type="S")), ("B", make_table(range_type="B"))):
        for one in texts[1:]:
            value = text(one) if kind == "S" else {"B": one.encode()}
            dynamodb.put_item(TableName=name, Item={"pk": text("p"), "sk": value})
        found = dynamodb.query(TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": text("p")})["Items"]
        got = [item["sk"][kind] if kind == "S" else item["sk"][kind].decode() for item in found]
        assert got == sorted(texts[1:], key=str.encode)
        begin = text("a") if kind == "S" else {"B": b"a"}
        some = dynamodb.query(TableName=name, KeyConditionExpression="pk = :p AND begins_with(sk, :a)", ExpressionAttributeValues={":p": text("p"), ":a": begin})
        assert some["Count"] == 4


def test_pages_follow_one_another_until_the_end(dynamodb, make_table):
    name = make_table(range_type="N")
    for place in range(25):
        dynamodb.put_item(TableName=name, Item={"pk": text("p"), "sk": number(place), "odd": {"BOOL": place % 2 == 1}})
    for forward in (True, False):
        seen, start = [], {}
        while True:
            page = dynamodb.query(TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": text("p"), ":t": {"BOOL": True}}, FilterExpression="odd = :t", Limit=4, ScanIndexForward=forward, **start)
            assert page["ScannedCount"] <= 4
            seen += [int(item["sk"]["N"]) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert seen == sorted(range(1, 25, 2), reverse=not forward)
    pages = dynamodb.get_paginator("scan").paginate(TableName=name, PaginationConfig={"PageSize": 3})
    assert sorted(int(item["sk"]["N"]) for page in pages for item in page["Items"]) == list(range(25))


def test_a_page_ends_at_one_megabyte(dynamodb, make_table):
    name = make_table(range_type="N")
    for place in range(4):
        dynamodb.put_item(TableName=name, Item={"pk": text("p"), "sk": number(place), "v": text("x" * 300_000)})
    page = dynamodb.scan(TableName=name, ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
    assert page["Count"] == 4 and page["ConsumedCapacity"]["CapacityUnits"] == 293
    for place in range(4, 8):
        dynamodb.put_item(TableName=name, Item={"pk": text("p"), "sk": number(place), "v": text("x" * 300_000)})
    page = dynamodb.scan(TableName=name)
    assert page["Count"] == 4 and "LastEvaluatedKey" in page


def test_segments_of_a_parallel_scan_are_all_of_it_once(dynamodb, make_table):
    name = make_table()
    for place in range(60):
        dynamodb.put_item(TableName=name, Item={"pk": text(str(place))})
    for total in (1, 3, 7):
        parts = [dynamodb.scan(TableName=name, Segment=segment, TotalSegments=total)["Items"] for segment in range(total)]
        assert sorted(item["pk"]["S"] for part in parts for item in part) == sorted(str(place) for place in range(60))
        assert all(parts), "no segment is empty"


def test_indexes_show_what_they_project_in_their_own_order(dynamodb, make_table):
    global_keys = [("g", "S", "HASH"), ("w", "N", "RANGE")]
    name = make_table(
        range_type="N",
        local=[("by-w", [("pk", "S", "HASH"), ("w", "N", "RANGE")], "KEYS_ONLY")],
        indexes=[("all", global_keys, "ALL"), ("keys", [("g", "S", "HASH")], "KEYS_ONLY"), ("some", global_keys, ["x"])],
    )
    for place in range(6):
        item = {"pk": text("p"), "sk": number(place), "w": number(-place), "x": text("x"), "y": text("y")}
        dynamodb.put_item(TableName=name, Item={**item, **({"g": text("g")} if place % 2 else {})})

    def query(index, key="g", **more):
        found = dynamodb.query(TableName=name, IndexName=index, KeyConditionExpression=f"{key} = :v", ExpressionAttributeValues={":v": text("g" if key == "g" else "p")}, **more)
        return found["Items"]

    assert [item["sk"]["N"] for item in query("all")] == ["5", "3", "1"], "sparse, and by its own sort key"
    assert set(query("all")[0]) == {"pk", "sk", "w", "x", "y", "g"}
    assert set(query("keys")[0]) == {"pk", "sk", "g"}
    assert set(query("some")[0]) == {"pk", "sk", "g", "w", "x"}
    assert set(query("by-w", "pk")[0]) == {"pk", "sk", "w"}
    assert set(query("by-w", "pk", Select="ALL_ATTRIBUTES", ConsistentRead=True)[1]) >= {"x", "y"}
    assert query("by-w", "pk", ProjectionExpression="y")[0] == {"y": text("y")}
    dynamodb.update_item(TableName=name, Key={"pk": text("p"), "sk": number(1)}, UpdateExpression="REMOVE g")
    dynamodb.update_item(TableName=name, Key={"pk": text("p"), "sk": number(0)}, UpdateExpression="SET g = :g, x = :x", ExpressionAttributeValues={":g": text("g"), ":x": text("new")})
    dynamodb.delete_item(TableName=name, Key={"pk": text("p"), "sk": number(3)})
    assert [item["sk"]["N"] for item in query("all")] == ["5", "0"]
    assert query("some")[1]["x"] == text("new")
    page = dynamodb.scan(TableName=name, IndexName="keys", Limit=1)
    assert set(page["LastEvaluatedKey"]) == {"pk", "sk", "g"}
    rest = dynamodb.scan(TableName=name, IndexName="keys", ExclusiveStartKey=page["LastEvaluatedKey"])
    assert page["Count"] + rest["Count"] == 2


def test_capacity_is_counted_by_size(dynamodb, make_table):
    name = make_table(indexes=[("all", [("g", "S", "HASH")], "ALL")])
    item = {"pk": text("a"), "g": text("g"), "v": text("x" * 2500)}
    put = dynamodb.put_item(TableName=name, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert put["CapacityUnits"] == 6 and put["Table"]["CapacityUnits"] == 3 and put["GlobalSecondaryIndexes"]["all"]["CapacityUnits"] == 3
    get = dynamodb.get_item(TableName=name, Key={"pk": text("a")}, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert get["CapacityUnits"] == 0.5 and "Table" not in get
    strong = dynamodb.get_item(TableName=name, Key={"pk": text("a")}, ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
    assert strong["ConsumedCapacity"]["CapacityUnits"] == 1


def test_what_a_local_index_fetches_is_counted(dynamodb, make_table):
    name = make_table("S", "N", local=[("lsi", [("pk", "S", "HASH"), ("l", "S", "RANGE")], "KEYS_ONLY")])
    for sort in range(3):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"N": str(sort)}, "l": {"S": "x"}, "v": {"S": "y" * 5000}})

    def units(**more):
        found = dynamodb.query(
            TableName=name, IndexName="lsi", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "a"}}, ReturnConsumedCapacity="INDEXES", **more
        )["ConsumedCapacity"]
        return found["Table"]["CapacityUnits"], found["LocalSecondaryIndexes"]["lsi"]["CapacityUnits"]

    assert units() == units(ProjectionExpression="sk, l") == (0.0, 0.5)
    assert units(Select="ALL_ATTRIBUTES") == units(ProjectionExpression="v") == (3.0, 0.5)
    assert units(ProjectionExpression="v", ConsistentRead=True) == (6.0, 1.0)


def test_filters_see_items_as_python_writes_them(resource, make_table):
    table = resource(make_table())
    for place in range(10):
        table.put_item(Item={"pk": str(place), "n": place, "tags": {"even" if place % 2 == 0 else "odd"}, "deep": {"list": [place]}})
    found = lambda condition: sorted(item["n"] for item in table.scan(FilterExpression=condition)["Items"])  # noqa: E731
    assert found(Attr("tags").contains("odd") & Attr("n").gt(4)) == [5, 7, 9]
    assert found(Attr("deep.list[0]").is_in([1, 2]) | Attr("n").eq(9)) == [1, 2, 9]
    assert found(~Attr("n").between(1, 8)) == [0, 9]
    assert found(Attr("n").attribute_type("S") | Attr("missing").not_exists() & Attr("pk").begins_with("3")) == [3]
    assert found(Attr("tags").size().eq(1) & Attr("n").ne(0)) == list(range(1, 10))


def test_the_command_line_puts_and_queries(platform, make_table):
    name = make_table()

    def awscli(*words):
        command = ["aws", "--endpoint-url", platform.endpoint, *words]
        done = subprocess.run(command, env=platform.environ(), text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    awscli("dynamodb", "put-item", "--table-name", name, "--item", json.dumps({"pk": text("cli"), "v": number(1)}))
    found = awscli("dynamodb", "query", "--table-name", name, "--key-condition-expression", "pk = :p", "--expression-attribute-values", json.dumps({":p": text("cli")}))
    assert found["Items"] == [{"pk": text("cli"), "v": number(1)}]


NODE = """
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, GetCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
export const handler = async ({ table }) => {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
    const send = (command) => client.send(command);
    await send(new PutCommand({ TableName: table, Item: { pk: 'a', deep: { list: [1, 'two', null, true] }, many: new Set([1, 2]) } }));
    const { Item } = await send(new GetCommand({ TableName: table, Key: { pk: 'a' } }));
    const found = await send(new QueryCommand({ TableName: table, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'a' } }));
    const check = { TableName: table, Key: { pk: 'none' }, ConditionExpression: 'attribute_exists(pk)' };
    let refused;
    try {
        await send(new TransactWriteCommand({ TransactItems: [{ ConditionCheck: check }] }));
    } catch (error) {
        refused = [error.name, error.CancellationReasons[0].Code];
    }
    return { deep: Item.deep, many: [...Item.many].sort(), count: found.Count, refused };
};
"""


def test_a_function_uses_the_sdk_for_javascript(aws, make_function, make_table):
    name = make_function({"app.mjs": NODE}, runtime="nodejs20.x", Timeout=20, MemorySize=512)
    answer, error = invoke(aws("lambda"), name, {"table": make_table()})
    assert error is None, answer
    assert answer == {"deep": {"list": [1, "two", None, True]}, "many": [1, 2], "count": 1, "refused": ["TransactionCanceledException", "ConditionalCheckFailed"]}
