"""Event source mappings of queues, with unmodified boto3: the API, batches, filters, partial failures, and what happens to poison."""

import json
import subprocess
import time

import pytest
from conftest import ROLE, error_of, eventually, package, unique

# Sends what it was called with to the queue that the variable OUT names.
ECHO = """
import boto3, json, os

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))

def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event))
    bad = [record["messageId"] for record in event["Records"] if "bad" in record["body"]]
    if os.environ.get("REPORT"):
        return {"batchItemFailures": [{"itemIdentifier": id} for id in bad]}
    if bad:
        raise ValueError("bad")
"""


@pytest.fixture
def make_queue(sqs):
    def make(suffix="", **attributes):
        attributes.setdefault("VisibilityTimeout", "5")
        if suffix:
            attributes["FifoQueue"] = "true"
        url = sqs.create_queue(QueueName=unique() + suffix, Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn

    return make


@pytest.fixture
def mapped(make_queue, map_source):
    """A queue whose messages go to a function that shows its events in another queue."""

    def make(queue=None, variables=None, **options):
        url, arn = queue or make_queue()
        return url, *map_source(ECHO, arn, variables, **options)

    return make


def events(sqs, url, seconds=10):
    """The next events that the function was called with."""
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds, MaxNumberOfMessages=10).get("Messages", [])
    for message in got:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"])["Records"] for message in got]


def is_empty(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"}


def test_a_mapping_is_made_read_changed_listed_and_removed(client, sqs, make_function, make_queue):
    name, (url, arn) = make_function("def handler(event, context):\n    pass\n"), make_queue()
    made = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    uuid = made["UUID"]
    known = {
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}",
        "EventSourceArn": arn,
        "FunctionArn": function,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "StateTransitionReason": "USER_INITIATED",
    }
    shown = lambda mapping: {key: value for key, value in mapping.items() if key not in ("ResponseMetadata", "LastModified")}
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert shown(made) == {**known, "State": "Creating"}
    assert shown(client.get_event_source_mapping(UUID=uuid)) == {**known, "State": "Enabled"}
    filters = {"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]}
    changed = client.update_event_source_mapping(
        UUID=uuid,
        BatchSize=100,
        MaximumBatchingWindowInSeconds=1,
        FilterCriteria=filters,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 3},
        Enabled=False,
    )
    assert changed["State"] == "Disabling"
    expected = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 1,
        "FilterCriteria": filters,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 3},
    }
    assert shown(client.get_event_source_mapping(UUID=uuid)) == {**known, **expected, "State": "Disabled"}
    assert [one["UUID"] for one in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]] == [uuid]
    assert [one["UUID"] for one in client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]] == [uuid]
    conflict = error_of(client.create_event_source_mapping, FunctionName=name, EventSourceArn=arn)
    assert conflict == (
        "ResourceConflictException",
        f'An event source mapping with SQS arn (" {arn} ") and function (" {name} ") already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}",
    )
    assert client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    gone = ("ResourceNotFoundException", "The resource you requested does not exist.")
    for call in (client.get_event_source_mapping, client.delete_event_source_mapping, client.update_event_source_mapping):
        assert error_of(call, UUID=uuid) == gone
    assert client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_a_message_reaches_the_function_as_aws_shows_it(sqs, mapped):
    url, out, _, _ = mapped()
    attribute = {"kind": {"DataType": "String", "StringValue": "order"}, "raw": {"DataType": "Binary", "BinaryValue": b"\1"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attribute)
    ((record,),) = events(sqs, out)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes = record.pop("attributes")
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "messageAttributes": {
            "kind": {"stringValue": "order", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "raw": {"binaryValue": "AQ==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }
    assert set(attributes) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
        "FogbankSender",
        "FogbankSignature",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    eventually(lambda: is_empty(sqs, url))


def test_a_mapping_has_tags(client, mapped):
    _, _, _, uuid = mapped(Tags={"a": "1"})
    arn = client.get_event_source_mapping(UUID=uuid)["EventSourceMappingArn"]
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "1"}
    client.tag_resource(Resource=arn, Tags={"b": "2"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    nobody = arn.rsplit(":", 1)[0] + ":00000000-0000-0000-0000-000000000000"
    assert error_of(client.list_tags, Resource=nobody)[0] == "ResourceNotFoundException"


def test_a_window_fills_a_batch(sqs, mapped):
    url, out, _, _ = mapped(BatchSize=30, MaximumBatchingWindowInSeconds=20)
    for base in range(0, 30, 10):
        entries = [{"Id": str(n), "MessageBody": str(base + n)} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    (records,) = events(sqs, out, 15)
    assert {record["body"] for record in records} == {str(n) for n in range(30)}


def test_a_mapping_that_is_disabled_waits_for_no_window(client, sqs, mapped):
    url, out, _, uuid = mapped(BatchSize=30, MaximumBatchingWindowInSeconds=60)
    sqs.send_message(QueueUrl=url, MessageBody="early")
    hidden = lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessagesNotVisible"]
    eventually(lambda: hidden() == "1")
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    (records,) = events(sqs, out, 15)
    assert [record["body"] for record in records] == ["early"]
    sqs.send_message(QueueUrl=url, MessageBody="late")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "late"


def test_what_no_filter_matches_is_deleted_unseen(sqs, mapped):
    filters = [{"Pattern": '{"body": {"kind": ["order"]}}'}, {"Pattern": '{"body": {"total": [{"numeric": [">", 100]}]}}'}]
    url, out, _, _ = mapped(FilterCriteria={"Filters": filters})
    bodies = ['{"kind": "other"}', "text", '{"kind": "order"}', '{"total": 99}', '{"total": 101}']
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)])
    seen = []
    while len(seen) < 2:
        seen += [record["body"] for records in events(sqs, out) for record in records]
    assert sorted(seen) == ['{"kind": "order"}', '{"total": 101}']
    eventually(lambda: is_empty(sqs, url))


def test_items_that_are_reported_come_again_and_end_in_the_dead_letter_queue(sqs, mapped, make_queue):
    dead, dead_arn = make_queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    url, arn = make_queue(RedrivePolicy=redrive, VisibilityTimeout="5")
    _, out, _, _ = mapped((url, arn), {"REPORT": "1"}, FunctionResponseTypes=["ReportBatchItemFailures"])
    bodies = ["good", "bad", "fine"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)])
    letter = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=20)["Messages"][0]
    assert letter["Body"] == "bad"
    seen = [record["body"] for records in events(sqs, out) for record in records]
    assert sorted(seen) == ["bad", "bad", "fine", "good"]
    eventually(lambda: is_empty(sqs, url))


def test_a_batch_that_fails_comes_again_as_a_whole(sqs, mapped):
    url, out, _, _ = mapped()
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": body, "MessageBody": body} for body in ("bad", "good")])
    first = events(sqs, out)
    again = events(sqs, out, 15)
    assert {record["body"] for records in first for record in records} == {"bad", "good"}
    assert {record["body"] for records in again for record in records} == {"bad", "good"}


def test_a_poison_message_holds_up_nobody(sqs, mapped):
    url, out, _, _ = mapped(BatchSize=1)
    sqs.send_message(QueueUrl=url, MessageBody="bad")
    for number in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    seen, deadline = set(), time.monotonic() + 15
    while len(seen) < 21 and time.monotonic() < deadline:
        seen |= {record["body"] for records in events(sqs, out) for record in records}
    assert seen == {"bad", *map(str, range(20))}


def test_a_disabled_mapping_takes_nothing(client, sqs, mapped):
    url, out, _, uuid = mapped()
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    sqs.send_message(QueueUrl=url, MessageBody="later")
    assert events(sqs, out, 1) == []
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert events(sqs, out)[0][0]["body"] == "later"


def test_no_more_calls_run_at_once_than_a_mapping_allows(client, sqs, make_function, make_queue):
    code = "import time\ndef handler(event, context):\n    print('CALL', time.time())\n    time.sleep(.3)\n    print('DONE', time.time())\n"
    name, (url, arn) = make_function(code), make_queue()
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}
    )
    for number in range(8):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    eventually(lambda: is_empty(sqs, url), 20)
    configuration = client.get_function_configuration(FunctionName=name)
    assert configuration["State"] == "Active"
    client.delete_event_source_mapping(UUID=mapping["UUID"])


def test_mappings_outlive_a_restart(fresh):
    platform = fresh()
    sqs, client = platform.client("sqs"), platform.client("lambda")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    out = sqs.create_queue(QueueName="out")["QueueUrl"]
    client.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Timeout=10,
        Code={"ZipFile": package({"app.py": ECHO})},
        Environment={"Variables": {"OUT": out}},
    )
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.create_event_source_mapping(FunctionName="f", EventSourceArn=arn)
    platform.kill()
    platform.start()
    sqs = platform.client("sqs")
    sqs.send_message(QueueUrl=f"{platform.endpoint}/000000000000/q", MessageBody="after")
    assert events(sqs, f"{platform.endpoint}/000000000000/out")[0][0]["body"] == "after"


def test_the_aws_cli_lists_mappings(platform, client, make_function, make_queue):
    name, (_, arn) = make_function("def handler(event, context):\n    pass\n"), make_queue()
    uuid = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)["UUID"]
    command = ["aws", "lambda", "list-event-source-mappings", "--function-name", name, "--query", "EventSourceMappings[].UUID"]
    done = subprocess.run(command, env=platform.environ(), capture_output=True, text=True)
    assert json.loads(done.stdout) == [uuid], done.stderr
    client.delete_event_source_mapping(UUID=uuid)


@pytest.mark.parametrize(
    "change, code, message",
    [
        ({"BatchSize": 11}, "InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ({"FunctionName": "nobody"}, "InvalidParameterValueException", "Function does not exist"),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:none"}, "InvalidParameterValueException", "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."),
        ({"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t"}, "InvalidParameterValueException", "Unrecognized event source"),
        ({"EventSourceArn": "arn:aws:sns:us-east-1:000000000000:t"}, "InvalidParameterValueException", "Unrecognized event source"),
        ({"StartingPosition": "LATEST"}, "InvalidParameterValueException", "StartingPosition is not a valid parameter for SQS event source mappings."),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "InvalidParameterValueException", "Invalid filter pattern definition."),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "ValidationException", "1 validation error detected: Value '1' at 'scalingConfig.maximumConcurrency'"),
        ({"MaximumBatchingWindowInSeconds": 301}, "ValidationException", "1 validation error detected: Value '301' at 'maximumBatchingWindowInSeconds'"),
        ({"BatchSize": 0}, "ValidationException", "1 validation error detected: Value '0' at 'batchSize'"),
    ],
)
def test_what_cannot_be_mapped_is_refused(platform, make_function, make_queue, change, code, message):
    client = platform.client("lambda", parameter_validation=False)
    wanted = {"FunctionName": "nobody", "EventSourceArn": make_queue()[1]}
    if "FunctionName" not in change:
        wanted["FunctionName"] = make_function("def handler(event, context):\n    pass\n")
    refused = error_of(client.create_event_source_mapping, **{**wanted, **change})
    assert refused[0] == code and refused[1].startswith(message), refused


def test_a_queue_must_hide_messages_for_as_long_as_a_call_may_take(client, make_function, make_queue):
    name, (_, arn) = make_function("def handler(event, context):\n    pass\n", Timeout=6), make_queue()
    assert error_of(client.create_event_source_mapping, FunctionName=name, EventSourceArn=arn) == (
        "InvalidParameterValueException",
        "Queue visibility timeout: 5 seconds is less than Function timeout: 6 seconds",
    )


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  In: {Type: AWS::SQS::Queue}
  Out: {Type: AWS::SQS::Queue}
  Letters: {Type: AWS::SQS::Queue}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Timeout: 5
      %s
      Environment: {Variables: {OUT: !Ref Out}}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Letters.Arn}
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        DestinationConfig: {OnFailure: {Type: SQS}, OnSuccess: {Type: SQS, Destination: !GetAtt Out.Arn}}
      Events:
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt In.Arn
            BatchSize: %d
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 4}
            FilterCriteria: {Filters: [{Pattern: '{"body": {"kind": ["order"]}}'}]}
"""


@pytest.mark.parametrize("alias", ["", "AutoPublishAlias: live"], ids=["latest", "alias"])
def test_a_stack_maps_its_queue(client, sqs, application, alias):
    app = application({"template.yaml": TEMPLATE % (alias, 5), "src/app.py": ECHO})
    app.deploy()
    (mapping,) = client.list_event_source_mappings(FunctionName=app.resources["Worker"])["EventSourceMappings"]
    assert mapping["UUID"] == app.resources["WorkerWork"]
    assert (mapping["BatchSize"], mapping["State"], mapping["ScalingConfig"]) == (5, "Enabled", {"MaximumConcurrency": 4})
    assert mapping["FunctionArn"].endswith(":live") == bool(alias)
    url, out = app.resources["In"], app.resources["Out"]
    sqs.send_message(QueueUrl=url, MessageBody='{"kind": "order"}')
    assert events(sqs, out)[0][0]["body"] == '{"kind": "order"}'
    configuration = client.get_function_configuration(FunctionName=app.resources["Worker"])
    assert configuration["DeadLetterConfig"]["TargetArn"].endswith(app.resources["Letters"].rsplit("/", 1)[1])
    options = {"Qualifier": "live"} if alias else {}
    asynchronous = client.get_function_event_invoke_config(FunctionName=app.resources["Worker"], **options)
    made = app.resources["WorkerEventInvokeConfigOnFailureQueue"].rsplit("/", 1)[1]
    assert asynchronous["DestinationConfig"]["OnFailure"]["Destination"].endswith(made)
    # Changed in place, then taken away with the stack.
    app.write({"template.yaml": TEMPLATE % (alias, 7)})
    app.deploy()
    changed = client.get_event_source_mapping(UUID=mapping["UUID"])
    assert (changed["BatchSize"], changed["FunctionResponseTypes"]) == (7, ["ReportBatchItemFailures"])
    app.delete()
    assert error_of(client.get_event_source_mapping, UUID=mapping["UUID"])[0] == "ResourceNotFoundException"
