"""Takes the money for approved orders, which wait in a queue, and remembers what was paid: an order that comes twice is paid once. A payment that
fails is reported alone: the queue brings it again, and then sets it aside; the others of its batch are done."""

import json
import os

import boto3
from boto3.dynamodb.conditions import Attr, Key

events = boto3.client("events")
dynamodb = boto3.resource("dynamodb")
payments = dynamodb.Table(os.environ["PAYMENTS"])
PaidAlready = dynamodb.meta.client.exceptions.ConditionalCheckFailedException


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
    payment = {"id": order["id"], "customer": order["customer"], "paid": order["total"]}
    try:
        payments.put_item(Item=payment, ConditionExpression=Attr("id").not_exists())
    except PaidAlready:
        # The bus is told again: the first time may have ended between the two.
        print(f"order {order['id']} is paid already")
    detail = json.dumps({"id": order["id"], "paid": order["total"]})
    events.put_events(Entries=[{"EventBusName": os.environ["BUS"], "Source": "shop.payments", "DetailType": "OrderPaid", "Detail": detail}])


def forget(event, context):
    """Removes the payments of a customer who is gone. Doing so again finds nothing left."""
    customer = Key("customer").eq(event["detail"]["customer"])
    while found := payments.query(IndexName="by-customer", KeyConditionExpression=customer)["Items"]:
        for payment in found:
            payments.delete_item(Key={"id": payment["id"]})
