"""Approves orders up to a limit. An order that comes twice is approved twice, which orders sees."""

import json
import os

import boto3

events = boto3.client("events")


def handler(event, context):
    order = event["detail"]
    approved = order["total"] <= int(os.environ["LIMIT"])
    entry = {
        "EventBusName": os.environ["BUS"],
        "Source": "shop.approval",
        "DetailType": "OrderApproved" if approved else "OrderRejected",
        "Detail": json.dumps({"id": order["id"]}),
    }
    events.put_events(Entries=[entry])
