"""Prepares, ships and delivers what is paid: each step is told, and the next one follows from it."""

import json
import os

import boto3

events = boto3.client("events")
NEXT = {"OrderPaid": "OrderPrepared", "OrderPrepared": "OrderShipped", "OrderShipped": "OrderDelivered"}


def handler(event, context):
    entry = {
        "EventBusName": os.environ["BUS"],
        "Source": "shop.warehouse",
        "DetailType": NEXT[event["detail-type"]],
        "Detail": json.dumps({"id": event["detail"]["id"]}),
    }
    events.put_events(Entries=[entry])
