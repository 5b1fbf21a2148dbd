"""Takes the money for approved orders, which wait in a queue. A payment that fails is reported alone: the queue brings it again, and then
sets it aside; the others of its batch are done."""

import json
import os

import boto3

events = boto3.client("events")


def handler(batch, context):
    failed = []
    for message in batch["Records"]:
        order = json.loads(message["body"])
        try:
            pay(order)
        except ValueError as error:
            print(f"order {order['id']} is not paid: {error}")
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def pay(order):
    if order["customer"] == "broke":
        raise ValueError("the card was declined")
    entry = {"EventBusName": os.environ["BUS"], "Source": "shop", "DetailType": "OrderPaid", "Detail": json.dumps(order)}
    events.put_events(Entries=[entry])
