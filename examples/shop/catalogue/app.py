"""The catalogue: knows the products. Called by browsers through the gateway, and by other functions directly."""

import json
import os
from pathlib import Path

import yaml

PRODUCTS = {product["id"]: product for product in yaml.safe_load(Path(__file__).with_name("products.yaml").read_text())}


def handler(event, context):
    # A direct call says what it wants; a request through the gateway has a route.
    if "product" in event:
        return find(event["product"])
    wanted = (event.get("pathParameters") or {}).get("id")
    if wanted is None:
        return answer(200, [show(product) for product in PRODUCTS.values()])
    product = find(wanted)
    return answer(404, {"error": f"there is no product {wanted}"}) if product is None else answer(200, product)


def find(product_id):
    product = PRODUCTS.get(product_id)
    return show(product) if product else None


def show(product):
    return {**product, "currency": os.environ["CURRENCY"]}


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
