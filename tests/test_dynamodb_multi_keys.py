"""DynamoDB: global indexes whose partition and sort keys have several attributes each."""

import re
import time
from decimal import Decimal

import pytest
from conftest import REGION, error_of, unique

VALIDATION = "ValidationException"
INVALID = "One or more parameter values were invalid: "
UNSUPPORTED = "Query key condition not supported"
MISSED = "Query condition missed key schema element: {}"
# The Developer Guide's example.
MATCHES = [
    ("match-001", "WINTER2024", "NA-EAST", "FINALS", "CHAMPIONSHIP", "101", "2024-01-20"),
    ("match-002", "WINTER2024", "NA-EAST", "SEMIFINALS", "UPPER", "101", "2024-01-18"),
    ("match-003", "WINTER2024", "NA-EAST", "SEMIFINALS", "UPPER", "103", "2024-01-18"),
    ("match-004", "WINTER2024", "NA-EAST", "QUARTERFINALS", "UPPER", "101", "2024-01-15"),
    ("match-005", "WINTER2024", "NA-WEST", "FINALS", "CHAMPIONSHIP", "102", "2024-01-20"),
    ("match-006", "WINTER2024", "NA-WEST", "SEMIFINALS", "UPPER", "102", "2024-01-18"),
    ("match-007", "SPRING2024", "NA-EAST", "QUARTERFINALS", "UPPER", "101", "2024-03-15"),
    ("match-008", "SPRING2024", "NA-EAST", "QUARTERFINALS", "LOWER", "103", "2024-03-15"),
]
ATTRIBUTES = ("matchId", "tournamentId", "region", "round", "bracket", "player1Id", "matchDate")
TOURNAMENT = [("tournamentId", "HASH"), ("region", "HASH"), ("round", "RANGE"), ("bracket", "RANGE"), ("matchId", "RANGE")]
PLAYER = [("player1Id", "HASH"), ("matchDate", "RANGE"), ("round", "RANGE")]


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def keys(*parts):
    return [{"AttributeName": name, "KeyType": role} for name, role in parts]


def types(**all):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in all.items()]


def index(name, *parts, projection="ALL", **more):
    return {"IndexName": name, "KeySchema": keys(*parts), "Projection": {"ProjectionType": projection, **more}}


@pytest.fixture
def make_table(dynamodb):
    """Makes tables with a hash key `id` that go with the test; answers their names."""
    made = []

    def make(*indexes, id="S", **kinds):
        name = unique("table")
        dynamodb.create_table(
            TableName=name, KeySchema=keys(("id", "HASH")), AttributeDefinitions=types(id=id, **kinds), GlobalSecondaryIndexes=list(indexes), BillingMode="PAY_PER_REQUEST"
        )
        made.append(name)
        return name

    yield make
    for name in made:
        dynamodb.delete_table(TableName=name)


@pytest.fixture(scope="module")
def matches(platform):
    """The Developer Guide's table, filled."""
    client, name = platform.client("dynamodb"), unique("matches")
    client.create_table(
        TableName=name,
        KeySchema=keys(("matchId", "HASH")),
        AttributeDefinitions=types(**dict.fromkeys(ATTRIBUTES, "S")),
        GlobalSecondaryIndexes=[index("TournamentRegionIndex", *TOURNAMENT), index("PlayerMatchHistoryIndex", *PLAYER, projection="KEYS_ONLY")],
        BillingMode="PAY_PER_REQUEST",
    )
    for match in MATCHES:
        client.put_item(TableName=name, Item={**{attribute: text(value) for attribute, value in zip(ATTRIBUTES, match)}, "score": text("3-1")})
    return name


def asked(condition, values):
    """A query's parameters, with placeholders for all names of attributes, since some are reserved words."""
    names = set(re.findall(r"(?<![:\w])(?!begins_with)[a-z]\w*", condition))
    condition = re.sub(r"(?<![:\w])(" + "|".join(names) + r")\b", r"#\1", condition)
    return {"KeyConditionExpression": condition, "ExpressionAttributeNames": {f"#{name}": name for name in names}, "ExpressionAttributeValues": values}


@pytest.fixture
def find(dynamodb, matches):
    def find(condition, index_name="TournamentRegionIndex", **values):
        values = {f":{name}": text(value) for name, value in values.items()}
        found = dynamodb.query(TableName=matches, IndexName=index_name, **asked(condition, values))
        return [item["matchId"]["S"][-1] for item in found["Items"]]

    return find


WEST, EAST = {"t": "WINTER2024", "r": "NA-WEST"}, {"t": "WINTER2024", "r": "NA-EAST"}
HASH = "tournamentId = :t AND region = :r"


def test_a_partition_is_of_all_its_attributes_and_sorted_by_each_of_the_sort_key(find):
    assert find(HASH, **EAST) == ["1", "4", "2", "3"]
    assert find("region = :r AND tournamentId = :t", **WEST) == ["5", "6"]
    assert find(HASH, t="SPRING2024", r="NA-EAST") == ["8", "7"]
    assert find(HASH, t="SPRING2024", r="NA-WEST") == []
    assert find("player1Id = :p", "PlayerMatchHistoryIndex", p="101") == ["4", "2", "1", "7"]


@pytest.mark.parametrize(
    ("more", "values", "expected"),
    [
        ("round = :x", {"x": "SEMIFINALS"}, ["2", "3"]),
        ("round = :x AND bracket = :y", {"x": "SEMIFINALS", "y": "UPPER"}, ["2", "3"]),
        ("bracket = :y AND round = :x", {"x": "SEMIFINALS", "y": "LOWER"}, []),
        ("round = :x AND bracket = :y AND matchId = :z", {"x": "SEMIFINALS", "y": "UPPER", "z": "match-002"}, ["2"]),
        ("round = :x AND bracket = :y AND matchId > :z", {"x": "SEMIFINALS", "y": "UPPER", "z": "match-002"}, ["3"]),
        ("round >= :x", {"x": "QUARTERFINALS"}, ["4", "2", "3"]),
        ("round > :x", {"x": "QUARTERFINALS"}, ["2", "3"]),
        ("round <= :x", {"x": "QUARTERFINALS"}, ["1", "4"]),
        ("round < :x", {"x": "QUARTERFINALS"}, ["1"]),
        ("round BETWEEN :x AND :y", {"x": "QUARTERFINALS", "y": "SEMIFINALS"}, ["4", "2", "3"]),
        ("begins_with(round, :x)", {"x": "S"}, ["2", "3"]),
        ("round = :x AND begins_with(bracket, :y)", {"x": "SEMIFINALS", "y": "U"}, ["2", "3"]),
        # What the first attribute begins with says nothing of the second.
        ("round = :x AND bracket = :y", {"x": "SEMI", "y": "FINALS"}, []),
    ],
)
def test_sort_keys_are_asked_for_from_left_to_right(find, more, values, expected):
    assert find(f"{HASH} AND {more}", **EAST, **values) == expected


@pytest.mark.parametrize(
    ("condition", "values", "why"),
    [
        ("tournamentId = :t", {"t": "x"}, MISSED.format("region")),
        ("region = :r", {"r": "x"}, MISSED.format("tournamentId")),
        ("tournamentId = :t AND round = :x", {"t": "x", "x": "x"}, MISSED.format("region")),
        ("tournamentId = :t AND region > :r", {"t": "x", "r": "x"}, UNSUPPORTED),
        ("tournamentId = :t AND begins_with(region, :r)", {"t": "x", "r": "x"}, UNSUPPORTED),
        (HASH + " AND bracket = :x", {**EAST, "x": "x"}, UNSUPPORTED),
        (HASH + " AND round = :x AND matchId = :y", {**EAST, "x": "x", "y": "y"}, UNSUPPORTED),
        (HASH + " AND round > :x AND bracket = :y", {**EAST, "x": "x", "y": "y"}, UNSUPPORTED),
        (HASH + " AND round > :x AND bracket > :y", {**EAST, "x": "x", "y": "y"}, UNSUPPORTED),
        (HASH + " AND begins_with(round, :x) AND bracket = :y", {**EAST, "x": "x", "y": "y"}, UNSUPPORTED),
        (HASH + " AND score = :x", {**EAST, "x": "x"}, MISSED.format("round")),
        (HASH + " AND round = :x AND round = :y", {**EAST, "x": "x", "y": "y"}, "KeyConditionExpressions must only contain one condition per key"),
        (HASH, {"t": "x", "r": ""}, "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: TournamentRegionIndex, IndexKey: region"),
        (HASH, {"t": "x" * 1500, "r": "x" * 549}, INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        (HASH + " AND round = :x AND bracket = :y", {**EAST, "x": "x" * 1000, "y": "y" * 25}, INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    ],
)
def test_conditions_that_no_such_key_can_have(dynamodb, matches, condition, values, why):
    values = {f":{name}": text(value) for name, value in values.items()}
    assert error_of(dynamodb.query, TableName=matches, IndexName="TournamentRegionIndex", **asked(condition, values)) == (VALIDATION, why)


def test_values_have_the_types_of_their_attributes(dynamodb, matches):
    wrong = {":t": text("WINTER2024"), ":r": number(1)}
    refused = error_of(dynamodb.query, TableName=matches, IndexName="TournamentRegionIndex", **asked(HASH, wrong))
    assert refused == (VALIDATION, INVALID + "Condition parameter type does not match schema type")


def test_filters_are_for_other_attributes(dynamodb, matches):
    refused = error_of(
        dynamodb.query, TableName=matches, IndexName="TournamentRegionIndex", KeyConditionExpression="tournamentId = :t AND #r = :r", FilterExpression="bracket = :t",
        ExpressionAttributeNames={"#r": "region"}, ExpressionAttributeValues={":t": text("x"), ":r": text("x")},
    )
    assert refused == (VALIDATION, "Filter Expression can only contain non-primary key attributes: Primary key attribute: bracket")


def test_older_conditions_are_the_same(dynamodb, matches):
    equal = lambda value: {"ComparisonOperator": "EQ", "AttributeValueList": [text(value)]}
    ask = {"TableName": matches, "IndexName": "TournamentRegionIndex"}
    both = {"tournamentId": equal("WINTER2024"), "region": equal("NA-EAST")}
    later = {"ComparisonOperator": "GT", "AttributeValueList": [text("A")]}
    found = dynamodb.query(**ask, KeyConditions={**both, "round": equal("SEMIFINALS"), "bracket": later}, ScanIndexForward=False)
    assert [item["matchId"]["S"] for item in found["Items"]] == ["match-003", "match-002"]
    assert error_of(dynamodb.query, **ask, KeyConditions={**both, "round": later, "bracket": equal("UPPER")}) == (VALIDATION, UNSUPPORTED)
    assert error_of(dynamodb.query, **ask, KeyConditions={**both, "bracket": equal("UPPER")}) == (VALIDATION, UNSUPPORTED)
    assert error_of(dynamodb.query, **ask, KeyConditions={"region": equal("NA-EAST")}) == (VALIDATION, MISSED.format("tournamentId"))
    too_many = error_of(dynamodb.query, TableName=matches, KeyConditions={**both, "matchId": equal("x")})
    assert too_many == (VALIDATION, "Conditions can be of length 1 or 2 only")


def test_numbers_strings_and_bytes_sort_in_their_own_ways(dynamodb, make_table):
    parts = ("t", "HASH"), ("n", "HASH"), ("b", "HASH"), ("score", "RANGE"), ("name", "RANGE"), ("raw", "RANGE")
    name = make_table(index("all", *parts), t="S", n="N", b="B", score="N", name="S", raw="B")
    scores, names, raws = [-20, Decimal("-3.5"), 0, 5, 50, 500, 1000], ["\0", "10", "9", "a", "a\0", "aa", "é"], [b"\0", b"\0\0", b"\0\xff", b"\x01", b"\xff", b"\xff\0"]
    every = [(score, word, raw) for score in scores for word in names for raw in raws]
    hash_key = {"t": text("a\0b"), "n": number("1.50"), "b": {"B": b"\0\xff"}}
    stored = sorted(every, key=lambda one: hash(str(one)))
    for start in range(0, len(stored), 25):
        puts = [{"PutRequest": {"Item": {"id": text(repr(one)), **hash_key, "score": number(one[0]), "name": text(one[1]), "raw": {"B": one[2]}}}} for one in stored[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={name: puts})
    others = {"id": text("other"), **hash_key, "n": number(2), "score": number(1), "name": text("x"), "raw": {"B": b"x"}}
    dynamodb.put_item(TableName=name, Item=others)
    values = {":t": text("a\0b"), ":n": number("15E-1"), ":b": {"B": b"\0\xff"}}

    def found(condition="", more=(), **ask):
        ask = {"TableName": name, "IndexName": "all", **asked("t = :t AND n = :n AND b = :b" + condition, {**values, **dict(more)}), **ask}
        pages = dynamodb.get_paginator("query").paginate(**ask)
        return [(Decimal(item["score"]["N"]), item["name"]["S"], item["raw"]["B"]) for page in pages for item in page["Items"]]

    assert found(PaginationConfig={"PageSize": 17}) == every
    assert found(ScanIndexForward=False, PaginationConfig={"PageSize": 40}) == every[::-1]
    assert found(" AND score > :s", {":s": number(5)}) == [one for one in every if one[0] > 5]
    assert found(" AND score = :s AND begins_with(name, :w)", {":s": number(50), ":w": text("a")}) == [one for one in every if one[0] == 50 and one[1].startswith("a")]
    last = found(" AND score = :s AND name = :w AND raw BETWEEN :x AND :y", {":s": number("5.0"), ":w": text("a"), ":x": {"B": b"\0\0"}, ":y": {"B": b"\x01"}})
    assert last == [(5, "a", raw) for raw in raws[1:4]]


def test_pages_go_on_behind_a_whole_key(dynamodb, matches):
    ask = {"TableName": matches, "IndexName": "TournamentRegionIndex", **asked(HASH, {":t": text("WINTER2024"), ":r": text("NA-EAST")})}
    first = dynamodb.query(**ask, Limit=3)
    last = first["LastEvaluatedKey"]
    assert last == {name: text(value) for name, value in zip(ATTRIBUTES[:5], MATCHES[1])}
    rest = dynamodb.query(**ask, ExclusiveStartKey=last)
    assert [item["matchId"]["S"] for item in rest["Items"]] == ["match-003"] and "LastEvaluatedKey" not in rest
    wrong = (VALIDATION, "The provided starting key is invalid")
    assert error_of(dynamodb.query, **ask, ExclusiveStartKey={name: value for name, value in last.items() if name != "bracket"}) == wrong
    assert error_of(dynamodb.query, **ask, ExclusiveStartKey={**last, "score": text("3-1")}) == wrong
    assert error_of(dynamodb.query, **ask, ExclusiveStartKey={**last, "bracket": number(1)}) == wrong
    elsewhere = error_of(dynamodb.query, **ask, ExclusiveStartKey={**last, "region": text("NA-WEST")})
    assert elsewhere == (VALIDATION, "The provided starting key is outside query boundaries based on provided conditions")
    narrow = {"TableName": matches, "IndexName": "TournamentRegionIndex", **asked(HASH + " AND round = :x", {":t": text("WINTER2024"), ":r": text("NA-EAST"), ":x": text("FINALS")})}
    assert error_of(dynamodb.query, **narrow, ExclusiveStartKey=last) == (VALIDATION, "The provided starting key does not match the range key predicate")


def test_a_scan_finds_all_in_pages_and_segments(dynamodb, matches):
    ask = {"TableName": matches, "IndexName": "TournamentRegionIndex"}
    found, after = [], {}
    while True:
        page = dynamodb.scan(**ask, Limit=3, **after)
        found += [item["matchId"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == set(ATTRIBUTES[:5])
        after = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == [match[0] for match in MATCHES]
    segments = [dynamodb.scan(**ask, Segment=at, TotalSegments=4)["Count"] for at in range(4)]
    assert sum(segments) == len(MATCHES)


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


def test_statements_read_such_an_index(dynamodb, matches):
    def run(where, **more):
        answer = dynamodb.execute_statement(Statement=f'SELECT * FROM "{matches}"."TournamentRegionIndex" WHERE {where}', **more)
        return [item["matchId"]["S"][-1] for item in answer["Items"]], answer.get("NextToken")

    east = "tournamentId = 'WINTER2024' AND \"region\" = 'NA-EAST'"
    assert run(east)[0] == ["1", "4", "2", "3"]
    assert run(f"{east} AND round = 'SEMIFINALS' AND bracket >= 'U'")[0] == ["2", "3"]
    assert run(f"{east} AND bracket = 'UPPER'")[0] == ["4", "2", "3"]
    both = "tournamentId IN ['WINTER2024', 'SPRING2024'] AND \"region\" IN ['NA-EAST', 'NA-WEST']"
    assert run(both)[0] == ["8", "7", "1", "4", "2", "3", "5", "6"]
    assert run(f"{both} ORDER BY tournamentId DESC, \"region\" DESC, round DESC")[0] == ["6", "5", "3", "2", "4", "1", "7", "8"]
    assert run(f"{east} AND round = 'SEMIFINALS' ORDER BY bracket DESC, matchId DESC")[0] == ["3", "2"]
    assert sorted(run("tournamentId = 'SPRING2024'")[0]) == ["7", "8"]
    found, token = run(both, Limit=3)
    while token:
        more, token = run(both, Limit=3, NextToken=token)
        found += more
    assert found == ["8", "7", "1", "4", "2", "3", "5", "6"]
    for unsorted in (f"{east} ORDER BY bracket", f"{east} ORDER BY round DESC, bracket ASC", f'{both} ORDER BY round', f'{both} ORDER BY "region"'):
        assert error_of(run, unsorted)[0] == VALIDATION
    many = ", ".join(f"'{at}'" for at in range(10))
    assert error_of(run, f'tournamentId IN [{many}] AND "region" IN [{many}]')[0] == VALIDATION


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
