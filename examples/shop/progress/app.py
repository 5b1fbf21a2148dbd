"""Keeps what is read about orders: one item for each, made of its events. The events come through the stream of the orders' table, an order's in
their order, and may come twice."""

import os

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import TypeDeserializer

dynamodb = boto3.resource("dynamodb")
events = dynamodb.Table(os.environ["EVENTS"])
views = dynamodb.Table(os.environ["PROGRESS"])
Stale = dynamodb.meta.client.exceptions.ConditionalCheckFailedException
NOTHING = {"version": 0, "history": []}


def follow(batch, context):
    """Brings the views up to date with the stream."""
    for record in batch["Records"]:
        try:
            take(record["eventName"], read(record["dynamodb"]))
        except Exception as error:
            # What comes after it must wait: a view takes its events in their order.
            print(f"{record['dynamodb']['Keys']}: {error!r}")
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def rebuild(event, context):
    """Makes the views of all orders again, from the events alone. Called by a person, at any time."""
    orders = {item["id"] for item in pages(events.scan, IndexName="by-customer")}
    viewed = {view["id"] for view in pages(views.scan)}
    for order in orders | viewed:
        make(order)
    return {"orders": len(orders)}


def take(change, event):
    if change == "REMOVE":
        return views.delete_item(Key={"id": event["id"]})
    view = views.get_item(Key={"id": event["id"]}, ConsistentRead=True).get("Item", NOTHING)
    if event["version"] == view["version"] + 1:
        keep(advance(view, event))
    elif event["version"] > view["version"]:
        make(event["id"])  # Somebody has removed the view.


def make(order):
    view = NOTHING
    for event in pages(events.query, KeyConditionExpression=Key("id").eq(order), ConsistentRead=True):
        view = advance(view, event)
    if view["version"]:
        keep(view)
    else:
        views.delete_item(Key={"id": order})


def advance(view, event):
    """The view after the event, which carries what it changes."""
    status = event["type"].removeprefix("Order").lower()
    changes = {name: value for name, value in event.items() if name != "type"}
    return {**view, **changes, "status": status, "history": [*view["history"], status]}


def keep(view):
    """Writes the view, unless there is a newer one: then an event has come twice, or somebody rebuilds."""
    try:
        views.put_item(Item=view, ConditionExpression=Attr("id").not_exists() | Attr("version").lte(view["version"]))
    except Stale:
        pass


def read(change):
    image = change.get("NewImage", change["Keys"])
    return {name: TypeDeserializer().deserialize(value) for name, value in image.items()}


def pages(operation, **query):
    """All items that the query or scan finds."""
    while True:
        page = operation(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
