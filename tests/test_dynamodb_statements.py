"""PartiQL in DynamoDB: single statements, batches and transactions of statements."""

import pytest
from conftest import error_of, unique

VALIDATION = "ValidationException"


@pytest.fixture
def music(dynamodb):
    """A table with songs of three artists, an index of each kind on their years."""
    name = unique("Music")
    keys = lambda hash_key, range_key: [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]
    dynamodb.create_table(
        TableName=name,
        KeySchema=keys("artist", "song"),
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": kind} for part, kind in (("artist", "S"), ("song", "N"), ("year", "N"))],
        LocalSecondaryIndexes=[{"IndexName": "own-year", "KeySchema": keys("artist", "year"), "Projection": {"ProjectionType": "KEYS_ONLY"}}],
        GlobalSecondaryIndexes=[{"IndexName": "by-year", "KeySchema": keys("year", "artist"), "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}}],
        BillingMode="PAY_PER_REQUEST",
    )
    for artist in "ABC":
        for song in range(1, 5):
            item = {"artist": text(artist), "song": number(song), "year": number(2000 - song), "title": text(f"{artist}{song}"), "tags": {"L": [text("x"), number(song)]}}
            dynamodb.put_item(TableName=name, Item=item)
    yield name
    dynamodb.delete_table(TableName=name)


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


@pytest.fixture
def run(dynamodb, music):
    """Executes a statement; `T` in it is the table."""

    def run(statement, *parameters, **more):
        if parameters:
            more["Parameters"] = list(parameters)
        return dynamodb.execute_statement(Statement=statement.replace("T!", f'"{music}"'), **more)

    return run


@pytest.fixture
def refused(dynamodb, music):
    def refused(statement, *parameters, **more):
        if parameters:
            more["Parameters"] = list(parameters)
        return error_of(dynamodb.execute_statement, Statement=statement.replace("T!", f'"{music}"'), **more)

    return refused


def titles(answer):
    return [item["title"]["S"] for item in answer["Items"]]


def test_selects_of_partitions_are_in_the_order_of_the_sort_key(run):
    assert titles(run("SELECT * FROM T! WHERE artist = 'A'")) == ["A1", "A2", "A3", "A4"]
    assert titles(run("SELECT * FROM T! WHERE artist = ? AND song >= ?", text("B"), number(3))) == ["B3", "B4"]
    assert titles(run("SELECT * FROM T! WHERE artist = 'B' AND song BETWEEN 2 AND 3")) == ["B2", "B3"]
    assert titles(run("SELECT * FROM T! WHERE artist = 'B' AND song > 1 AND song < 3")) == ["B2"]
    assert titles(run("SELECT * FROM T! WHERE artist = 'A' ORDER BY song DESC")) == ["A4", "A3", "A2", "A1"]
    assert titles(run("SELECT title FROM T! WHERE artist IN ['C', 'A'] AND song = 2 ORDER BY artist DESC")) == ["C2", "A2"]
    assert titles(run("SELECT * FROM T! WHERE (artist = 'A' OR artist = 'B') AND title <> 'A1' AND song < 3")) == ["A2", "B1", "B2"]
    assert run("SELECT * FROM T! WHERE artist = 'nobody'")["Items"] == []
    assert run("SELECT * FROM T! WHERE artist IN []")["Items"] == []
    assert run("SELECT * FROM T! WHERE artist IN ?", {"L": []})["Items"] == []


def test_selects_without_a_partition_scan(run):
    assert sorted(titles(run("SELECT title FROM T!"))) == [a + str(s) for a in "ABC" for s in range(1, 5)]
    assert sorted(titles(run("SELECT * FROM T! WHERE song = 1"))) == ["A1", "B1", "C1"]
    assert sorted(titles(run("select * from T! where begins_with(title, 'C') and contains(tags, 4)"))) == ["C4"]


def test_selects_answer_parts_of_items(run):
    [item] = run("SELECT title, tags[1], nothing FROM T! WHERE artist = 'A' AND song = 3")["Items"]
    assert item == {"title": text("A3"), "tags[1]": number(3)}


def test_selects_read_indexes(run, music):
    assert [item["song"]["N"] for item in run('SELECT * FROM T!."own-year" WHERE artist = ? ORDER BY "year"', text("A"))["Items"]] == ["4", "3", "2", "1"]
    [first, *_] = run('SELECT * FROM T!."own-year" WHERE artist = \'A\'')["Items"]
    assert set(first) == {"artist", "song", "year"}
    found = run('SELECT * FROM T!."by-year" WHERE "year" = 1998')["Items"]
    assert [item["title"]["S"] for item in found] == ["A2", "B2", "C2"] and "tags" not in found[0]


def test_pages_meet(run, dynamodb, music):
    for statement in ("SELECT * FROM T!", "SELECT * FROM T! WHERE artist IN ['A', 'B', 'C']", "SELECT * FROM T! WHERE artist = 'A' ORDER BY song DESC"):
        whole, pieces, more = titles(run(statement)), [], {}
        while True:
            page = run(statement, Limit=3, **more)
            pieces += titles(page)
            assert len(page["Items"]) <= 3
            if "NextToken" not in page:
                break
            assert set(page["LastEvaluatedKey"]) == {"artist", "song"}
            more = {"NextToken": page["NextToken"]}
        assert pieces == whole


def test_tokens_belong_to_their_statement(run, refused):
    token = run("SELECT * FROM T!", Limit=1)["NextToken"]
    assert refused("SELECT * FROM T! WHERE song = 1", NextToken=token) == (VALIDATION, "NextToken does not match request")
    assert refused("SELECT * FROM T!", NextToken="x" * 30)[0] == VALIDATION
    assert refused("SELECT * FROM T!", NextToken=token[:-4])[0] == VALIDATION


def test_capacity_is_told(run, music):
    taken = run("SELECT * FROM T! WHERE artist = 'A'", ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert taken == {"TableName": music, "CapacityUnits": 0.5}
    assert run("SELECT * FROM T! WHERE artist = 'A'", ReturnConsumedCapacity="TOTAL", ConsistentRead=True)["ConsumedCapacity"]["CapacityUnits"] == 1
    assert run("DELETE FROM T! WHERE artist = 'x' AND song = 1", ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]["Table"]["CapacityUnits"] == 1


def test_inserts(run, refused, dynamodb, music):
    answer = run("INSERT INTO T! VALUE {'artist': 'D', 'song': ?, 'set': <<'a', 'b'>>, 'm': {'k': [1, null, true]}}", number(1))
    assert answer["Items"] == []
    item = dynamodb.get_item(TableName=music, Key={"artist": text("D"), "song": number(1)})["Item"]
    assert item == {"artist": text("D"), "song": number(1), "set": {"SS": ["a", "b"]}, "m": {"M": {"k": {"L": [number(1), {"NULL": True}, {"BOOL": True}]}}}}
    again = refused("INSERT INTO T! VALUE {'artist': 'D', 'song': 1}")
    assert again == ("DuplicateItemException", "Duplicate primary key exists in table")
    assert refused("INSERT INTO T! VALUE {'artist': 'D'}") == (VALIDATION, "One or more parameter values were invalid: Missing the key song in the item")
    assert refused("INSERT INTO T! VALUE {'artist': 'D', 'song': 'x'}") == (VALIDATION, "One or more parameter values were invalid: Type mismatch for key song expected: N actual: S")


def test_updates(run, refused, dynamodb, music):
    where = "WHERE artist = 'A' AND song = 1"
    assert run(f"UPDATE T! SET title = 'new' {where}")["Items"] == []
    [new] = run(f"UPDATE T! SET plays = 5 SET title = 'newer' REMOVE tags {where} RETURNING ALL NEW *")["Items"]
    assert new == {"artist": text("A"), "song": number(1), "year": number(1999), "title": text("newer"), "plays": number(5)}
    assert run(f"UPDATE T! SET plays = plays + 1 {where} RETURNING MODIFIED NEW *")["Items"] == [{"plays": number(6)}]
    assert run(f"UPDATE T! SET plays = plays - ? {where} RETURNING MODIFIED OLD *", number(2))["Items"] == [{"plays": number(6)}]
    assert run(f"UPDATE T! SET plays = 0 {where} AND plays = 4 RETURNING ALL OLD *")["Items"][0]["plays"] == number(4)
    assert run(f"UPDATE T! SET l = list_append(?, [2]) {where} RETURNING MODIFIED NEW *", {"L": [number(1)]})["Items"] == [{"l": {"L": [number(1), number(2)]}}]
    run(f"UPDATE T! SET s = <<1, 2>> {where}")
    assert run(f"UPDATE T! SET s = set_add(s, <<3>>) {where} RETURNING MODIFIED NEW *")["Items"] == [{"s": {"NS": ["1", "2", "3"]}}]
    assert run(f"UPDATE T! SET s = set_delete(s, <<1>>) {where} RETURNING MODIFIED NEW *")["Items"] == [{"s": {"NS": ["2", "3"]}}]
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    assert refused(f"UPDATE T! SET plays = 1 {where} AND plays = 7") == failed
    assert refused("UPDATE T! SET plays = 1 WHERE artist = 'nobody' AND song = 1") == failed
    assert "Item" not in dynamodb.get_item(TableName=music, Key={"artist": text("nobody"), "song": number(1)})
    assert refused("UPDATE T! SET song = 1 WHERE artist = 'A' AND song = 1") == (VALIDATION, "One or more parameter values were invalid: Cannot update attribute song. This attribute is part of the key")
    assert refused("UPDATE T! SET plays = 1 WHERE artist = 'A'") == (VALIDATION, "Where clause does not contain a mandatory equality on all key attributes")


def test_deletes(run, refused, dynamodb, music):
    assert refused("DELETE FROM T! WHERE artist = 'A' AND song = 1 AND title = 'no'")[0] == "ConditionalCheckFailedException"
    [old] = run("DELETE FROM T! WHERE artist = 'A' AND song = 1 AND title = 'A1' RETURNING ALL OLD *")["Items"]
    assert old["title"] == text("A1")
    assert run("DELETE FROM T! WHERE artist = 'A' AND song = 1")["Items"] == []
    assert run("DELETE FROM T! WHERE artist = 'A' AND song = 1 AND title = 'A1' RETURNING ALL OLD *")["Items"] == []


def test_failed_conditions_tell_the_item(dynamodb, music):
    statement = f"UPDATE \"{music}\" SET title = 'x' WHERE artist = 'A' AND song = 1 AND title = 'no'"
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as failed:
        dynamodb.execute_statement(Statement=statement, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert failed.value.response["Item"]["title"] == text("A1")


CASES = [
    ("SELECT * FROM T! ORDER BY song", "Must have WHERE clause in the statement when using ORDER BY clause."),
    ("SELECT * FROM T! WHERE song = 1 ORDER BY song", "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."),
    ("SELECT * FROM T! WHERE artist = 'A' ORDER BY title", "Variable reference title in ORDER BY clause must be part of the primary key"),
    ("SELECT * FROM T!.nope WHERE artist = 'A'", "The table does not have the specified index: nope"),
    ('SELECT tags FROM T!."by-year" WHERE "year" = 1', "One or more parameter values were invalid: Global secondary index by-year does not project [tags]"),
    ("SELECT * FROM T! WHERE artist = 5", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
    ("SELECT FROM", "Statement wasn't well formed, can't be processed: Unexpected keyword"),
    ("DROP TABLE T!", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
    ("SELECT * FROM T! WHERE artist = ?", "Number of parameters in request and statement don't match."),
    ("EXISTS(SELECT * FROM T! WHERE artist = 'A' AND song = 1)", "Unsupported operation: EXISTS is only supported in ExecuteTransaction"),
]


@pytest.mark.parametrize(("statement", "message"), CASES, ids=[case[0] for case in CASES])
def test_wrong_statements_say_why(refused, statement, message):
    assert refused(statement) == (VALIDATION, message)


def test_missing_tables(refused):
    missing = ("ResourceNotFoundException", "Requested resource not found")
    for statement in ("SELECT * FROM nobody", "INSERT INTO nobody VALUE {'a': 1}", "DELETE FROM nobody WHERE a = 1"):
        assert refused(statement) == missing
    assert refused('SELECT * FROM T!."by-year" WHERE "year" = 1', ConsistentRead=True) == (VALIDATION, "Consistent reads are not supported on global secondary indexes")


def batch_of(dynamodb, table, *statements, **more):
    entries = [{"Statement": one.replace("T!", f'"{table}"')} if isinstance(one, str) else {**one, "Statement": one["Statement"].replace("T!", f'"{table}"')} for one in statements]
    return dynamodb.batch_execute_statement(Statements=entries, **more)


def test_batches_of_reads(dynamodb, music):
    where = "SELECT title FROM T! WHERE artist = '{}' AND song = {}"
    answer = batch_of(dynamodb, music, where.format("A", 1), where.format("none", 1), where.format("B", "'x'"), "SELECT * FROM T! WHERE artist = 'A'", "SELECT * FROM nobody WHERE a = 1", "SELECT nonsense", ReturnConsumedCapacity="TOTAL")
    [found, none, wrong, partial, missing, malformed] = answer["Responses"]
    assert found == {"TableName": music, "Item": {"title": text("A1")}}
    assert none == {"TableName": music}
    assert wrong["Error"] == {"Code": "ValidationError", "Message": "The provided key element does not match the schema"}
    assert partial["Error"] == {"Code": "ValidationError", "Message": "Select statements within BatchExecuteStatement must specify the primary key in the where clause."}
    assert missing["Error"] == {"Code": "ResourceNotFound", "Message": "Requested resource not found"}
    assert malformed["Error"]["Code"] == "ValidationError" and "TableName" not in malformed
    assert answer["ConsumedCapacity"] == [{"TableName": music, "CapacityUnits": 1}]


def test_batches_of_writes(dynamodb, music, run):
    update = {"Statement": "UPDATE T! SET title = ? WHERE artist = 'A' AND song = 1 AND title = 'no'", "Parameters": [text("x")], "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    answer = batch_of(dynamodb, music, "INSERT INTO T! VALUE {'artist': 'Z', 'song': 1}", "INSERT INTO T! VALUE {'artist': 'Z', 'song': 1}", update, "DELETE FROM T! WHERE artist = 'B' AND song = 1", "UPDATE T! SET title = 'y' WHERE artist = 'C' AND song = 1 RETURNING ALL OLD *")
    [made, twice, failed, deleted, changed] = answer["Responses"]
    assert made == deleted == {"TableName": music}
    assert twice["Error"] == {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}
    assert failed["Error"]["Code"] == "ConditionalCheckFailed" and failed["Error"]["Item"]["title"] == text("A1")
    assert changed["Item"]["title"] == text("C1")
    assert sorted(titles(run("SELECT * FROM T! WHERE song = 1 AND title <> MISSING"))) == ["A1", "y"]


def test_a_selection_reads_at_most_fifty_partitions(dynamodb, run):
    among = lambda count: "SELECT title FROM T! WHERE artist IN [" + ", ".join(f"'{number}'" for number in range(count)) + "]"
    assert run(among(50))["Items"] == []
    with pytest.raises(dynamodb.exceptions.ClientError, match="50 values"):
        run(among(51))


def test_a_transaction_reads_whole_keys(dynamodb, music):
    with pytest.raises(dynamodb.exceptions.ClientError, match="within ExecuteTransaction must specify the primary key"):
        transact(dynamodb, music, "SELECT * FROM T! WHERE artist = 'A'")


def test_batches_do_not_mix(dynamodb, music):
    with pytest.raises(dynamodb.exceptions.ClientError, match="cannot mix both in one batch"):
        batch_of(dynamodb, music, "SELECT * FROM T! WHERE artist = 'A' AND song = 1", "DELETE FROM T! WHERE artist = 'A' AND song = 1")
    with pytest.raises(dynamodb.exceptions.ClientError, match="less than or equal to 25"):
        batch_of(dynamodb, music, *["SELECT * FROM T! WHERE artist = 'A' AND song = 1"] * 26)


def transact(dynamodb, table, *statements, **more):
    entries = [{"Statement": one.replace("T!", f'"{table}"')} for one in statements]
    return dynamodb.execute_transaction(TransactStatements=entries, **more)


def test_transactions_of_reads(dynamodb, music):
    where = "SELECT title FROM T! WHERE artist = '{}' AND song = 1"
    answer = transact(dynamodb, music, where.format("A"), where.format("none"), ReturnConsumedCapacity="TOTAL")
    assert answer["Responses"] == [{"Item": {"title": text("A1")}}, {}]
    assert answer["ConsumedCapacity"][0]["ReadCapacityUnits"] == 4


def test_transactions_write_all_or_nothing(dynamodb, music, run):
    exists = "EXISTS(SELECT * FROM T! WHERE artist = 'A' AND song = 1 AND title = '{}')"
    insert = "INSERT INTO T! VALUE {'artist': 'Q', 'song': 1}"
    delete = "DELETE FROM T! WHERE artist = 'B' AND song = 1"
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        transact(dynamodb, music, insert, exists.format("no"), delete)
    assert [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed", "None"]
    assert run("SELECT * FROM T! WHERE artist = 'Q'")["Items"] == []
    token = unique("token")
    transact(dynamodb, music, insert, exists.format("A1"), delete, ClientRequestToken=token)
    transact(dynamodb, music, insert, exists.format("A1"), delete, ClientRequestToken=token)
    assert len(run("SELECT * FROM T! WHERE artist = 'Q'")["Items"]) == 1
    with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
        transact(dynamodb, music, insert, ClientRequestToken=token)
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        transact(dynamodb, music, insert)
    [reason] = cancelled.value.response["CancellationReasons"]
    assert reason == {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}
    with pytest.raises(dynamodb.exceptions.ClientError, match="multiple operations on one item"):
        transact(dynamodb, music, delete, delete)
    with pytest.raises(dynamodb.exceptions.ClientError, match="cannot mix both in one transaction"):
        transact(dynamodb, music, delete, "SELECT * FROM T! WHERE artist = 'A' AND song = 1")


def test_statements_write_to_streams(dynamodb, aws):
    name = unique("streamed")
    arn = dynamodb.create_table(
        TableName=name, KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    for statement in ("INSERT INTO {} VALUE {{'pk': 'a'}}", "UPDATE {} SET v = 1 WHERE pk = 'a'", "DELETE FROM {} WHERE pk = 'a'"):
        dynamodb.execute_statement(Statement=statement.format(f'"{name}"'))
    streams = aws("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert [record["eventName"] for record in streams.get_records(ShardIterator=iterator)["Records"]] == ["INSERT", "MODIFY", "REMOVE"]
    dynamodb.delete_table(TableName=name)
