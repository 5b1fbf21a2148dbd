"""`kill -9` under load: every acknowledged object is readable with its notification delivered, and no half object is visible.

FOGBANK_S3_ROUNDS sets how often (4), FOGBANK_SEED which moments.
"""

import hashlib
import json
import os
import random
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError
from conftest import ACCOUNT, REGION, Platform

ROUNDS = int(os.environ.get("FOGBANK_S3_ROUNDS", 4))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
WRITERS = 3
SIZES = [10, 8192, 100_000, 3_000_000]


def write(platform, bucket, rng, acknowledged, wrong):
    """Puts objects until the platform dies; some in parts."""
    s3 = platform.client("s3", read_timeout=10)
    try:
        while True:
            key = f"{threading.get_ident()}/{rng.random()}"
            body = rng.randbytes(rng.choice(SIZES))
            if rng.random() < 0.2:
                upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
                etag = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=body)["ETag"]
                parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
                s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=parts)
            else:
                s3.put_object(Bucket=bucket, Key=key, Body=body)
            acknowledged[key] = hashlib.md5(body).hexdigest()
    except (BotoCoreError, ConnectionError):
        return
    except ClientError as error:
        wrong.append(str(error))


def test_acknowledged_objects_and_their_notifications_survive(tmp_path):
    rng = random.Random(SEED)
    platform = Platform(tmp_path / "data").start()
    s3, sqs = platform.client("s3"), platform.client("sqs")
    s3.create_bucket(Bucket="crashing")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = {"QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:told", "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket="crashing", NotificationConfiguration={"QueueConfigurations": [queue]})
    acknowledged, wrong = {}, []
    for number in range(ROUNDS):
        writers = [
            threading.Thread(target=write, args=(platform, "crashing", random.Random(SEED * 100 + number * 10 + at), acknowledged, wrong))
            for at in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.2, 0.8))
        platform.kill()
        for writer in writers:
            writer.join()
        platform.start()
    assert wrong == []
    assert len(acknowledged) > ROUNDS
    s3, sqs = platform.client("s3"), platform.client("sqs")
    visible = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="crashing"):
        visible.update({entry["Key"]: entry["Size"] for entry in page.get("Contents", [])})
    for key, size in visible.items():
        body = s3.get_object(Bucket="crashing", Key=key)["Body"].read()
        assert len(body) == size
        assert acknowledged.get(key, hashlib.md5(body).hexdigest()) == hashlib.md5(body).hexdigest()
    assert set(acknowledged) <= set(visible)
    told = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            told.update(record["s3"]["object"]["key"] for record in json.loads(message["Body"]).get("Records", []))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert told == set(visible)
    # What requests that died left is gone: small bodies are in the store, so there are no more files than objects.
    files = sum(len(names) for _, _, names in os.walk(platform.data_dir / "objects"))
    pending = len(s3.list_multipart_uploads(Bucket="crashing").get("Uploads", []))
    assert files <= len(visible) + pending
    platform.stop()
