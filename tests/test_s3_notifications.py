"""What buckets tell queues and functions."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, REGION, eventually


@pytest.fixture
def bucket(s3):
    name = f"n-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def queue(aws):
    """A queue's ARN, and a function that takes what is in it."""
    sqs = aws("sqs")
    name = f"q-{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def take(count):
        bodies = []

        def enough():
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return len(bodies) >= count

        eventually(enough)
        return bodies

    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", take


def configure(s3, bucket, arn, *events, **more):
    entry = {"QueueArn": arn, "Events": list(events), **more}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry]})


def test_a_queue_hears_of_objects(s3, bucket, queue):
    arn, take = queue
    configure(s3, bucket, arn, "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", Id="mine")
    [test] = take(1)
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert (found[0]["Id"], found[0]["QueueArn"]) == ("mine", arn)
    etag = s3.put_object(Bucket=bucket, Key="a b/ü+", Body=b"hello")["ETag"].strip('"')
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "a b/ü+"})
    s3.put_object_tagging(Bucket=bucket, Key="to", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object(Bucket=bucket, Key="to")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    records = sorted((body["Records"][0] for body in take(5)), key=lambda record: record["s3"]["object"]["sequencer"])
    names = [record["eventName"] for record in records]
    assert names == [
        "ObjectCreated:Put", "ObjectCreated:Copy", "ObjectTagging:Put", "ObjectRemoved:Delete", "ObjectCreated:CompleteMultipartUpload",
    ]
    record = records[0]
    assert (record["eventVersion"], record["eventSource"], record["awsRegion"]) == ("2.1", "aws:s3", REGION)
    assert record["userIdentity"] == {"principalId": ACCOUNT}
    assert record["requestParameters"]["sourceIPAddress"] == "127.0.0.1"
    assert set(record["responseElements"]) == {"x-amz-request-id", "x-amz-id-2"}
    told = record["s3"]
    assert (told["s3SchemaVersion"], told["configurationId"]) == ("1.0", "mine")
    assert (told["bucket"]["name"], told["bucket"]["arn"]) == (bucket, f"arn:aws:s3:::{bucket}")
    assert told["object"]["key"] == "a+b/%C3%BC%2B"
    assert (told["object"]["size"], told["object"]["eTag"]) == (5, etag)
    assert "size" not in records[3]["s3"]["object"]


def test_filters_and_delete_markers(s3, bucket, queue):
    arn, take = queue
    rules = [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".txt"}]
    configure(s3, bucket, arn, "s3:ObjectCreated:Put", "s3:ObjectRemoved:DeleteMarkerCreated", Filter={"Key": {"FilterRules": rules}})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("out/a.txt", "in/a.png", "in/a.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    marker = s3.delete_object(Bucket=bucket, Key="in/a.txt")["VersionId"]
    bodies = [body for body in take(3) if "Records" in body]
    records = [body["Records"][0] for body in bodies]
    by_name = {record["eventName"]: record["s3"]["object"] for record in records}
    assert set(by_name) == {"ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated"}
    assert by_name["ObjectCreated:Put"]["key"] == "in/a.txt"
    assert by_name["ObjectRemoved:DeleteMarkerCreated"]["versionId"] == marker


def refused(s3, bucket, configuration):
    with pytest.raises(ClientError) as failed:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    return failed.value.response["Error"]


def test_bad_configurations_are_refused(s3, bucket, queue):
    arn, _ = queue
    missing = {"QueueConfigurations": [{"QueueArn": arn + "x", "Events": ["s3:ObjectCreated:*"]}]}
    error = refused(s3, bucket, missing)
    assert error["Code"] == "InvalidArgument"
    assert error["Message"] == "Unable to validate the following destination configurations"
    event = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:Nothing"]}]}
    assert refused(s3, bucket, event)["Code"] == "InvalidArgument"
    twice = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}, {"QueueArn": arn, "Events": ["s3:ObjectCreated:Put"]}]}
    assert "overlap" in refused(s3, bucket, twice)["Message"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:none"
    configuration = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]}
    assert refused(s3, bucket, configuration)["Code"] == "InvalidArgument"
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
