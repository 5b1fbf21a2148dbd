"""Writes an invoice for each paid order, as a picture, and a small one of it. The small one is made when the bucket says that an invoice was
written, whoever wrote it."""

import os

import boto3
from urllib.parse import unquote_plus

s3 = boto3.client("s3")

INVOICE = """<svg xmlns="http://www.w3.org/2000/svg" width="420" height="595">
  <text x="40" y="80" font-size="24">Invoice {id}</text>
  <text x="40" y="140">{quantity} x {product}</text>
  <text x="40" y="170">{amount:.2f} {currency}</text>
</svg>
"""


def write(event, context):
    order, bucket = event["detail"], os.environ["RECORDS"]
    if event["detail-type"] == "CustomerRemoved":
        return forget(bucket, order["customer"])
    # The same order's invoice is the same, however often it is written.
    picture = INVOICE.format(**order, amount=order["total"] / 100)
    key = f"invoices/{order['customer']}/{order['id']}.svg"
    s3.put_object(Bucket=bucket, Key=key, Body=picture.encode(), ContentType="image/svg+xml")


def preview(event, context):
    for record in event["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        picture = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        small = picture.replace('width="420" height="595"', 'width="84" height="119" viewBox="0 0 420 595"')
        target = "previews/" + key.removeprefix("invoices/")
        s3.put_object(Bucket=bucket, Key=target, Body=small.encode(), ContentType="image/svg+xml")


def forget(bucket, customer):
    for prefix in (f"invoices/{customer}/", f"previews/{customer}/"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
