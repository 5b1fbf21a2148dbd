"""Event source mappings of Kinesis streams: what becomes of records that a function fails on, and who is told."""

import json
from datetime import datetime, timezone

from conftest import ACCOUNT, REGION, eventually, unique
from test_stream_sources import Events, data, mapped, put, queue, stream  # noqa: F401  (fixtures)


def told(sqs, url):
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])
    assert got, "nothing was told"
    return json.loads(got[0]["Body"])


def test_a_poisoned_batch_is_split_and_the_poison_is_told_of(kinesis, sqs, mapped, stream, queue, client):
    source, (failures, target) = stream(), queue()
    numbers = put(kinesis, source[0], "1", "2", "bad", "4", "5")
    _, out, function, uuid = mapped(
        source,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": target}},
    )
    record = told(sqs, failures)
    context = record.pop("requestContext")
    assert len(context.pop("requestId")) == 36
    assert context.pop("approximateInvokeCount") >= 2
    assert context == {
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        "condition": "RetryAttemptsExhausted",
    }
    assert record.pop("timestamp").endswith("Z")
    batch = record["KinesisBatchInfo"]
    assert batch.pop("approximateArrivalOfFirstRecord") == batch.pop("approximateArrivalOfLastRecord")
    assert record == {
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": numbers[2],
            "endSequenceNumber": numbers[2],
            "batchSize": 1,
            "streamArn": source[1],
        },
    }
    put(kinesis, source[0], "6")
    events = Events(sqs, out).until(lambda events: "6" in events.data)
    alone = [data(event) for event in events.all]
    assert ["bad"] in alone and {"1", "2", "4", "5"} <= {one for batch in alone if "bad" not in batch for one in batch}


def test_a_topic_is_told_of_failures(aws, kinesis, sqs, mapped, stream, queue):
    sns, (failures, target) = aws("sns"), queue()
    topic = sns.create_topic(Name=unique())["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=target, Attributes={"RawMessageDelivery": "true"})
    source = stream()
    put(kinesis, source[0], "bad", "bad too")
    mapped(source, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}})
    record = told(sqs, failures)
    assert (record["KinesisBatchInfo"]["batchSize"], record["requestContext"]["approximateInvokeCount"]) == (2, 1)


def test_a_bucket_is_told_of_failures_with_their_records(aws, kinesis, sqs, mapped, stream):
    s3, bucket, source = aws("s3"), unique(), stream()
    s3.create_bucket(Bucket=bucket)
    put(kinesis, source[0], "bad")
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    _, _, _, uuid = mapped(source, MaximumRetryAttempts=0, DestinationConfig=destination)
    (object,) = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
    day = datetime.now(timezone.utc).strftime("%Y/%m/")
    assert object["Key"].startswith(f"aws/lambda/{uuid}/shardId-000000000000/{day}")
    record = json.loads(s3.get_object(Bucket=bucket, Key=object["Key"])["Body"].read())
    assert data(json.loads(record.pop("payload"))) == ["bad"]
    assert record["KinesisBatchInfo"]["batchSize"] == 1


def test_what_is_not_reported_as_failed_does_not_come_again(kinesis, sqs, mapped, stream):
    source = stream()
    put(kinesis, source[0], "1", "2", "bad", "4")
    _, out, _, _ = mapped(
        source, {"REPORT": "1"}, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1
    )
    put(kinesis, source[0], "5")
    events = Events(sqs, out).until(lambda events: "5" in events.data)
    batches = sorted((data(event) for event in events.all), key=len)
    assert sorted(batches) == sorted([["1", "2", "bad", "4"], ["bad", "4"], ["5"]]) or ["1", "2", "bad", "4", "5"] in batches
    assert events.data.count("1") == 1 and events.data.count("bad") == 2
