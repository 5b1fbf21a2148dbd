"""Counts the orders by how far they are, and the invoices, and keeps the report. Called every night by a schedule, and through the gateway."""

import collections
import datetime
import json
import os

import boto3

s3 = boto3.client("s3")
BUCKET = os.environ["RECORDS"]


def keys(prefix):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", []))


def handler(event, context):
    orders = collections.Counter()
    for key in keys("orders/"):
        orders[json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())["status"]] += 1
    report = {"orders": dict(sorted(orders.items())), "invoices": len(list(keys("invoices/"))), "previews": len(list(keys("previews/")))}
    today = datetime.datetime.now(datetime.timezone.utc).date()
    s3.put_object(Bucket=BUCKET, Key=f"reports/{today}.json", Body=json.dumps(report), ContentType="application/json")
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(report)}
