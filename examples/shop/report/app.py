"""Counts the orders by how far they are, and the invoices, and keeps the report. Called every night by a schedule, and through the gateway."""

import collections
import datetime
import json
import os

import boto3

s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")
BUCKET = os.environ["RECORDS"]


def count(prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return sum(page["KeyCount"] for page in pages)


def handler(event, context):
    orders = collections.Counter()
    for page in dynamodb.get_paginator("scan").paginate(TableName=os.environ["PROGRESS"]):
        orders.update(view["status"]["S"] for view in page["Items"])
    report = {"orders": dict(sorted(orders.items())), "invoices": count("invoices/"), "previews": count("previews/")}
    today = datetime.datetime.now(datetime.timezone.utc).date()
    s3.put_object(Bucket=BUCKET, Key=f"reports/{today}.json", Body=json.dumps(report), ContentType="application/json")
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(report)}
