"""DynamoDB: what is found in global indexes whose partition and sort keys have several attributes each."""

import re
from decimal import Decimal

import pytest
from conftest import error_of, unique

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
