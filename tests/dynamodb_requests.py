"""What the tests of wrong requests to DynamoDB share: the tables, short ways to write requests, and AWS's texts."""

import re

import pytest
from conftest import error_of, unique

VALIDATION, MISSING, IN_USE, LIMIT = "ValidationException", "ResourceNotFoundException", "ResourceInUseException", "LimitExceededException"
INVALID = "One or more parameter values were invalid: "
NOT_VALID = "One or more parameter values are not valid. "
NO_RESOURCE = "Requested resource not found"
ONE = "1 validation error detected: "
SHORT = "TableName must be at least 3 characters long and at most 255 characters long"
NO_MATCH = "The provided key element does not match the schema"
KEYS_ARE = NOT_VALID + "The AttributeValue for a key attribute cannot contain an empty {} value. Key: {}"
INDEX_KEYS_ARE = NOT_VALID + "A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: {}, IndexKey: {}"
ABOUT_INITIAL = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
NO_CHANGE = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, "
    "MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
)
MIXED = "Can not use both expression and non-expression parameters in the same request: "


def pattern(name, place="tableName"):
    return f"{ONE}Value '{name}' at '{place}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"


def enum(value, place, *values):
    return f"{ONE}Value '{value}' at '{place}' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(values)}]"


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def binary(value):
    return {"B": value}


A, K = text("a"), {"pk": text("a")}
CK = {"pk": text("a"), "sk": number(1)}
ITEM = {"pk": text("a"), "v": number(1), "s": text("s"), "ss": {"SS": ["a"]}, "l": {"L": [number(1)]}, "m": {"M": {}}}


@pytest.fixture(scope="module")
def house(platform):
    """A table with a key of one part, one with indexes of each kind, and one whose key is binary; each has an item or none."""
    client = platform.client("dynamodb", parameter_validation=False)
    names = {name: unique(f"bad-{name}") for name in "TCB"}
    keys = lambda *parts: [{"AttributeName": part, "KeyType": role} for part, role in zip(parts, ("HASH", "RANGE"))]
    types = lambda **all: [{"AttributeName": name, "AttributeType": kind} for name, kind in all.items()]
    client.create_table(TableName=names["T"], KeySchema=keys("pk"), AttributeDefinitions=types(pk="S"), BillingMode="PAY_PER_REQUEST")
    client.create_table(TableName=names["B"], KeySchema=keys("pk"), AttributeDefinitions=types(pk="B"), ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    client.create_table(
        TableName=names["C"],
        KeySchema=keys("pk", "sk"),
        AttributeDefinitions=types(pk="S", sk="N", l="S", g="S", n="N"),
        LocalSecondaryIndexes=[{"IndexName": "lsi", "KeySchema": keys("pk", "l"), "Projection": {"ProjectionType": "KEYS_ONLY"}}],
        GlobalSecondaryIndexes=[
            {"IndexName": "gsi", "KeySchema": keys("g"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {"IndexName": "all", "KeySchema": keys("g", "n"), "Projection": {"ProjectionType": "ALL"}},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    client.put_item(TableName=names["T"], Item=ITEM)
    for sort in range(3):
        client.put_item(TableName=names["C"], Item={"pk": A, "sk": number(sort), "g": text("g"), "n": number(sort)})
    yield {"client": client, **names}
    assert client.scan(TableName=names["T"])["Items"] == [ITEM]
    assert client.scan(TableName=names["C"])["Count"] == 3 and client.scan(TableName=names["B"])["Count"] == 0
    for name in names.values():
        client.delete_table(TableName=name)


def filled(value, house):
    """`$T`, `$C` and `$B` stand for the tables' names, also within texts."""
    if isinstance(value, str):
        for name in "TCB":
            value = value.replace(f"${name}", house[name])
        return value
    if isinstance(value, list):
        return [filled(one, house) for one in value]
    if isinstance(value, dict):
        return {filled(key, house): filled(one, house) for key, one in value.items()}
    return value


def put(item, table="$T", **more):
    return "put_item", {"TableName": table, "Item": item, **more}


def get(key, table="$T", **more):
    return "get_item", {"TableName": table, "Key": key, **more}


def delete(key, table="$T", **more):
    return "delete_item", {"TableName": table, "Key": key, **more}


def update(key=K, table="$T", **more):
    return "update_item", {"TableName": table, "Key": key, **more}


def change(expression, values=None, names=None, **more):
    if values is not None:
        more["ExpressionAttributeValues"] = values
    if names is not None:
        more["ExpressionAttributeNames"] = names
    return update(UpdateExpression=expression, **more)


def checked(expression, values=None, names=None, **more):
    if values is not None:
        more["ExpressionAttributeValues"] = values
    if names is not None:
        more["ExpressionAttributeNames"] = names
    return delete(K, ConditionExpression=expression, **more)


def query(condition=None, values=None, table="$C", **more):
    if condition is not None:
        more["KeyConditionExpression"] = condition
    if values is not None:
        more["ExpressionAttributeValues"] = values
    return "query", {"TableName": table, **more}


def scan(table="$C", **more):
    return "scan", {"TableName": table, **more}


def found(**more):
    """A query that is right, but for `more`."""
    values = {":p": A, **more.pop("values", {})}
    return query("pk = :p", values, **more)


def key_schema(*parts):
    return [{"AttributeName": name, "KeyType": role} for name, role in parts]


def definitions(**all):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in all.items()]


def create(**more):
    ask = {"TableName": "bad-new-table", "KeySchema": key_schema(("pk", "HASH")), "AttributeDefinitions": definitions(pk="S"), "BillingMode": "PAY_PER_REQUEST", **more}
    return "create_table", {name: value for name, value in ask.items() if value is not None}


def index(name="index", *parts, **more):
    return {"IndexName": name, "KeySchema": key_schema(*(parts or [("g", "HASH")])), "Projection": {"ProjectionType": "ALL"}, **more}


def local(*indexes, **more):
    return create(**{"KeySchema": key_schema(("pk", "HASH"), ("sk", "RANGE")), "AttributeDefinitions": definitions(pk="S", sk="S", l="S"), "LocalSecondaryIndexes": list(indexes), **more})


def indexed(*indexes, **more):
    return create(**{"AttributeDefinitions": definitions(pk="S", g="S"), "GlobalSecondaryIndexes": list(indexes), **more})


def batch_get(*keys, table="$T", **more):
    return "batch_get_item", {"RequestItems": {table: {"Keys": list(keys), **more}}}


def batch_write(*requests, table="$T"):
    return "batch_write_item", {"RequestItems": {table: list(requests)}}


def putting(item):
    return {"PutRequest": {"Item": item}}


def transact(*parts):
    return "transact_write_items", {"TransactItems": list(parts)}


def part(kind, table="$T", **more):
    return {kind: {"TableName": table, **more}}


def nested(levels):
    value = text("x")
    for _ in range(levels):
        value = {"L": [value]}
    return value


def tbl(operation, **more):
    return operation, more


REQUESTS = "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
ENUM_CAPACITY = ("INDEXES", "TOTAL", "NONE")
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
TOO_DEEP = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
NO_NUMBER = "The parameter cannot be converted to a numeric value"
MAGNITUDE = "Number overflow. Attempting to store a number with magnitude larger than supported range"
SMALL = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
DIGITS = "Attempting to store more than 38 significant digits in a Number"
EMPTY_VALUE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL_TYPES = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"


def check_refused(house, case):
    """A case is a request, the error's code and its message or a pattern of it."""
    (operation, arguments), code, message = case
    answer = error_of(getattr(house["client"], operation), **filled(arguments, house))
    if isinstance(message, re.Pattern):
        assert answer[0] == code and message.search(answer[1]), answer
    else:
        assert answer == (code, filled(message, house))
