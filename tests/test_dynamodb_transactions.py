"""DynamoDB: batches, transactions, and many writers of one item."""

import threading

import pytest
from conftest import error_of
from test_dynamodb import make_table, number, text  # noqa: F401  (fixtures)


def test_batches_write_and_read_over_several_tables(dynamodb, make_table):
    first, second = make_table(), make_table(range_type="N")
    puts = [{"PutRequest": {"Item": {"pk": text(str(place)), "v": number(place)}}} for place in range(20)]
    answer = dynamodb.batch_write_item(RequestItems={first: puts, second: [{"PutRequest": {"Item": {"pk": text("a"), "sk": number(1)}}}]}, ReturnConsumedCapacity="TOTAL")
    assert answer["UnprocessedItems"] == {} and sum(one["CapacityUnits"] for one in answer["ConsumedCapacity"]) == 21
    dynamodb.batch_write_item(RequestItems={first: [{"DeleteRequest": {"Key": {"pk": text("3")}}}]})
    keys = [{"pk": text(str(place))} for place in range(5)]
    found = dynamodb.batch_get_item(RequestItems={first: {"Keys": keys, "ProjectionExpression": "v"}, second: {"Keys": [{"pk": text("a"), "sk": number(1)}]}})
    assert sorted(item["v"]["N"] for item in found["Responses"][first]) == ["0", "1", "2", "4"]
    assert len(found["Responses"][second]) == 1 and found["UnprocessedKeys"] == {}


def test_a_batch_get_leaves_what_is_beyond_16_megabytes(dynamodb, make_table):
    name = make_table()
    for place in range(45):
        dynamodb.put_item(TableName=name, Item={"pk": text(str(place)), "v": text("x" * 390_000)})
    keys, got = [{"pk": text(str(place))} for place in range(45)], 0
    first = dynamodb.batch_get_item(RequestItems={name: {"Keys": keys}})
    left = first["UnprocessedKeys"]
    assert 0 < len(left[name]["Keys"]) < 45
    got = len(first["Responses"][name]) + len(dynamodb.batch_get_item(RequestItems=left)["Responses"][name])
    assert got == 45


def test_transactions_are_made_whole_or_not_at_all(dynamodb, make_table):
    name = make_table()
    put = lambda key, **more: {"Put": {"TableName": name, "Item": {"pk": text(key), **more}}}  # noqa: E731
    dynamodb.transact_write_items(TransactItems=[put("a", n=number(1)), put("b", n=number(1))])
    update = {"Update": {"TableName": name, "Key": {"pk": text("a")}, "UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": {":one": number(1)}}}
    check = {"ConditionCheck": {"TableName": name, "Key": {"pk": text("b")}, "ConditionExpression": "n > :n", "ExpressionAttributeValues": {":n": number(1)}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.transact_write_items(TransactItems=[update, check, {"Delete": {"TableName": name, "Key": {"pk": text("c")}}}])
    response = cancelled.value.response
    assert response["Error"]["Message"] == "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None]"
    reasons = response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert reasons[1]["Item"] == {"pk": text("b"), "n": number(1)} and reasons[1]["Message"] == "The conditional request failed"
    get = lambda key: {"Get": {"TableName": name, "Key": {"pk": text(key)}}}  # noqa: E731
    found = dynamodb.transact_get_items(TransactItems=[get("a"), get("z"), get("b")], ReturnConsumedCapacity="TOTAL")
    assert [response.get("Item", {}).get("n") for response in found["Responses"]] == [number(1), None, number(1)]
    assert found["ConsumedCapacity"][0]["CapacityUnits"] == 6


def test_transactions_have_4_megabytes(dynamodb, make_table):
    name = make_table()
    puts = [{"Put": {"TableName": name, "Item": {"pk": text(str(place)), "v": text("x" * 400_000)}}} for place in range(11)]
    gets = [{"Get": {"TableName": name, "Key": {"pk": text(str(place))}}} for place in range(11)]
    assert error_of(dynamodb.transact_write_items, TransactItems=puts)[0] == "ValidationException"
    dynamodb.transact_write_items(TransactItems=puts[:10])
    dynamodb.transact_write_items(TransactItems=puts[10:])
    assert len(dynamodb.transact_get_items(TransactItems=gets[:10])["Responses"]) == 10
    assert error_of(dynamodb.transact_get_items, TransactItems=gets)[0] == "ValidationException"


def test_a_transaction_with_a_token_is_made_once(dynamodb, make_table):
    name = make_table()
    add = lambda by: [{"Update": {"TableName": name, "Key": {"pk": text("a")}, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": number(by)}}}]  # noqa: E731
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=add(1), ClientRequestToken="token")
    assert dynamodb.get_item(TableName=name, Key={"pk": text("a")})["Item"]["n"] == number(1)
    again = dynamodb.transact_write_items(TransactItems=add(1), ClientRequestToken="token", ReturnConsumedCapacity="TOTAL")
    assert again["ConsumedCapacity"] == [{"TableName": name, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    assert error_of(dynamodb.transact_write_items, TransactItems=add(2), ClientRequestToken="token")[0] == "IdempotentParameterMismatchException"


def test_counters_of_many_writers_lose_nothing(dynamodb, make_table):
    name = make_table()

    def count():
        for _ in range(25):
            dynamodb.update_item(TableName=name, Key={"pk": text("c")}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": number(1)})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dynamodb.get_item(TableName=name, Key={"pk": text("c")})["Item"]["n"] == number(100)
