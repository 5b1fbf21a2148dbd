"""Keeps one record for each order: what was ordered, and what has happened to it so far. Events may come twice and in any order."""

import json
import os

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3")
BUCKET = os.environ["RECORDS"]
# What an order goes through.
STEPS = ["created", "approved", "rejected", "paid", "prepared", "shipped", "delivered"]


def handler(event, context):
    detail = event["detail"]
    if event["detail-type"] == "CustomerRemoved":
        return forget(detail["customer"])
    step = event["detail-type"].removeprefix("Order").lower()
    while not advance(detail, step, event["id"]):
        pass


def advance(order, step, event_id):
    """Writes the step down. Answers False if somebody else has changed the record meanwhile."""
    key = f"orders/{order['id']}.json"
    record, condition = read(key)
    if event_id in record["seen"]:
        return True
    record["seen"].append(event_id)
    history = sorted({*record["history"], step}, key=STEPS.index)
    record = {**order, **record, "status": history[-1], "history": history}
    try:
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(record), **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            return False
        raise
    return True


def read(key):
    """The record, and the condition on which it may be replaced."""
    try:
        found = s3.get_object(Bucket=BUCKET, Key=key)
    except s3.exceptions.NoSuchKey:
        return {"history": [], "seen": []}, {"IfNoneMatch": "*"}
    return json.loads(found["Body"].read()), {"IfMatch": found["ETag"]}


def forget(customer):
    """Removes the customer's orders. Doing so again finds nothing left."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="orders/"):
        for entry in page.get("Contents", []):
            record, _ = read(entry["Key"])
            if record.get("customer") == customer:
                s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
