"""What the tests of exports and imports share."""

import time

import pytest
from conftest import ACCOUNT, REGION, unique


@pytest.fixture
def bucket(aws):
    s3, name = aws("s3"), unique("files").lower()
    s3.create_bucket(Bucket=name)
    return name


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def definition(name, **more):
    return {
        "TableName": name,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}],
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


@pytest.fixture
def table(dynamodb):
    """A table whose past is kept."""
    name = unique("table")
    dynamodb.create_table(**definition(name))
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    yield name
    dynamodb.delete_table(TableName=name)


def arn(table):
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def until(ask, is_good, seconds=30):
    end = time.monotonic() + seconds
    while not is_good(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


def exported(dynamodb, description):
    ask = lambda: dynamodb.describe_export(ExportArn=description["ExportArn"])["ExportDescription"]
    return until(ask, lambda export: export["ExportStatus"] != "IN_PROGRESS")


def imported(dynamodb, description):
    ask = lambda: dynamodb.describe_import(ImportArn=description["ImportArn"])["ImportTableDescription"]
    return until(ask, lambda found: found["ImportStatus"] != "IN_PROGRESS")


def items_of(dynamodb, table):
    items = dynamodb.scan(TableName=table)["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], float(item["sk"]["N"])))


EVERYTHING = {
    "b": {"B": b"\x00\xff"}, "bs": {"BS": [b"a", b"b"]}, "l": {"L": [number(1), {"M": {"x": {"NULL": True}}}]}, "n": number("1.5"), "ns": {"NS": ["1", "2"]},
    "ss": {"SS": ["x", "y"]}, "t": {"BOOL": True}, "u": text("grüße"),
}


def begin_import(dynamodb, bucket, name, prefix="", **more):
    source = {"S3Bucket": bucket, "S3KeyPrefix": prefix}
    ask = {"S3BucketSource": source, "TableCreationParameters": definition(name), **more}
    return dynamodb.import_table(**ask)["ImportTableDescription"]
