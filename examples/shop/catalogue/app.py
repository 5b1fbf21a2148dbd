"""The catalogue: knows the products. Called by browsers through the gateway, and by other functions directly."""

import json
import os
from pathlib import Path

import boto3
import yaml

table = boto3.resource("dynamodb").Table(os.environ["PRODUCTS"])

# A new shop begins with the products of the file; what is in the table later is the table's.
if not table.scan(Limit=1)["Items"]:
    with table.batch_writer() as batch:
        for product in yaml.safe_load(Path(__file__).with_name("products.yaml").read_text()):
            batch.put_item(Item=product)


def handler(event, context):
    # A direct call says what it wants; a request through the gateway has a route.
    if "product" in event:
        return find(event["product"])
    wanted = (event.get("pathParameters") or {}).get("id")
    if wanted is None:
        products = sorted(table.scan()["Items"], key=lambda product: product["id"])
        return answer(200, [show(product) for product in products])
    product = find(wanted)
    return answer(404, {"error": f"there is no product {wanted}"}) if product is None else answer(200, product)


def find(product_id):
    product = table.get_item(Key={"id": product_id}).get("Item")
    return show(product) if product else None


def show(product):
    return {"id": product["id"], "name": product["name"], "price": int(product["price"]), "currency": os.environ["CURRENCY"]}


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
