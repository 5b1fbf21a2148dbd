"""SQS: every operation through boto3, and the aws CLI."""

import base64
import hashlib
import json
import struct
import subprocess
import threading
import time

import pytest
from conftest import ACCOUNT, REGION, error_of, unique


@pytest.fixture
def queue(sqs):
    """Makes queues that go with the test; answers their URLs."""
    made = []

    def make(name=None, fifo=False, tags=None, **attributes):
        name = name or unique("q")
        if fifo:
            name, attributes = f"{name}.fifo", {"FifoQueue": "true", **attributes}
        attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
        made.append(sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags or {})["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


def arn(url):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rsplit('/', 1)[1]}"


def receive(sqs, url, count=10, **options):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **options).get("Messages", [])


def bodies(messages):
    return [message["Body"] for message in messages]


def attributes(sqs, url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"]).get("Attributes", {})


def counts(sqs, url):
    names = ["", "NotVisible", "Delayed"]
    found = attributes(sqs, url, *(f"ApproximateNumberOfMessages{name}" for name in names))
    return [int(found[f"ApproximateNumberOfMessages{name}"]) for name in names]


def test_a_queue_is_made_found_listed_and_deleted(platform, sqs, queue):
    name = unique("life")
    url = queue(name)
    assert url == f"{platform.endpoint}/{ACCOUNT}/{name}"
    assert queue(name) == url, "the same again is the same"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name + "x")
    sqs.delete_queue(QueueUrl=url)
    assert error_of(sqs.get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"
    code, text = error_of(sqs.create_queue, QueueName=name)
    assert code == "AWS.SimpleQueueService.QueueDeletedRecently" and "60 seconds" in text


def test_queues_are_listed_in_pages(sqs, queue):
    prefix = unique("page")
    urls = sorted(queue(f"{prefix}-{number}") for number in range(5))
    first = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2)
    assert first["QueueUrls"] == urls[:2]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    assert list(pages.search("QueueUrls[]")) == urls
    assert "NextToken" not in sqs.list_queues(QueueNamePrefix=prefix, MaxResults=5)


def test_attributes_have_awss_defaults_and_keep_what_is_set(sqs, queue):
    url = queue()
    expected = {
        "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "QueueArn": arn(url),
        "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
    }  # fmt: skip
    found = attributes(sqs, url)
    assert abs(int(found.pop("CreatedTimestamp")) - time.time()) < 60
    assert abs(int(found.pop("LastModifiedTimestamp")) - time.time()) < 60
    assert found == expected
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    changed = {
        "DelaySeconds": "1", "MaximumMessageSize": "2048", "MessageRetentionPeriod": "60", "ReceiveMessageWaitTimeSeconds": "2",
        "VisibilityTimeout": "7", "Policy": policy, "KmsMasterKeyId": "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": "60",
    }  # fmt: skip
    sqs.set_queue_attributes(QueueUrl=url, Attributes=changed)
    assert changed.items() <= attributes(sqs, url).items()
    assert attributes(sqs, url, "SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "false"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": "", "KmsMasterKeyId": ""})
    assert not {"Policy", "KmsMasterKeyId"} & attributes(sqs, url).keys()
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url)
    fifo = attributes(sqs, queue(fifo=True, ContentBasedDeduplication="true"))
    special = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
    assert special.items() <= fifo.items()
    fast = queue(fifo=True, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    assert attributes(sqs, fast, "FifoThroughputLimit") == {"FifoThroughputLimit": "perMessageGroupId"}


def test_creating_again_is_refused_where_an_attribute_differs(sqs, queue):
    name = unique("again")
    queue(name, VisibilityTimeout="5")
    assert queue(name, VisibilityTimeout="5") == queue(name)
    code, text = error_of(sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "6"})
    assert code == "QueueAlreadyExists"
    assert text == "A queue already exists with the same name and a different value for attribute VisibilityTimeout"
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "6"})


def digest(attributes):
    """The digest of message attributes, as AWS's developer guide describes it."""
    encoded = b""
    part = lambda content: struct.pack(">I", len(content)) + content  # noqa: E731
    for name in sorted(attributes):
        value = attributes[name]
        encoded += part(name.encode()) + part(value["DataType"].encode())
        if "StringValue" in value:
            encoded += b"\x01" + part(value["StringValue"].encode())
        else:
            encoded += b"\x02" + part(value["BinaryValue"])
    return hashlib.md5(encoded).hexdigest()


def test_a_message_comes_out_as_it_went_in(sqs, queue):
    url = queue()
    body = "Grüße ☃ 𝄞 \t\r\n <&>\" end"
    sent_attributes = {
        "shop.order": {"DataType": "Number.int", "StringValue": "42"},
        "shop.customer": {"DataType": "String", "StringValue": "Ada ☃"},
        "raw": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    }
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=sent_attributes, MessageSystemAttributes=system)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageAttributes"] == digest(sent_attributes)
    assert sent["MD5OfMessageSystemAttributes"] == digest(system)
    assert "SequenceNumber" not in sent
    [message] = receive(sqs, url, AttributeNames=["All"], MessageAttributeNames=["All"], VisibilityTimeout=0)
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], body)
    assert message["MessageAttributes"] == sent_attributes
    assert message["MD5OfMessageAttributes"] == digest(sent_attributes)
    found = message["Attributes"]
    assert (found["SenderId"], found["ApproximateReceiveCount"], found["AWSTraceHeader"]) == (ACCOUNT, "1", trace)
    assert abs(int(found["SentTimestamp"]) / 1000 - time.time()) < 60
    assert int(found["ApproximateFirstReceiveTimestamp"]) >= int(found["SentTimestamp"])
    ask = dict(VisibilityTimeout=0, MessageSystemAttributeNames=["ApproximateReceiveCount"], MessageAttributeNames=["shop.*"])
    [message] = receive(sqs, url, **ask)
    assert message["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert sorted(message["MessageAttributes"]) == ["shop.customer", "shop.order"]
    [message] = receive(sqs, url, MessageAttributeNames=["raw", "none"])
    assert list(message["MessageAttributes"]) == ["raw"] and "Attributes" not in message


def test_the_largest_message_is_a_mebibyte_with_its_attributes(sqs, queue):
    url = queue()
    attribute = {"a": {"DataType": "String", "StringValue": "x"}}
    fits = "b" * (1_048_576 - len("aStringx"))
    sqs.send_message(QueueUrl=url, MessageBody=fits, MessageAttributes=attribute)
    code, text = error_of(sqs.send_message, QueueUrl=url, MessageBody=fits + "b", MessageAttributes=attribute)
    assert code == "InvalidParameterValue" and "Message must be shorter than 1048576 bytes" in text
    assert bodies(receive(sqs, url)) == [fits]


def test_a_received_message_is_hidden_until_it_is_given_back_or_deleted(sqs, queue):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    [message] = receive(sqs, url)
    assert receive(sqs, url) == [] and counts(sqs, url) == [0, 1, 0]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    [message] = receive(sqs, url, VisibilityTimeout=1)
    [message] = receive(sqs, url, WaitTimeSeconds=5)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=600)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, url) == [0, 0, 0]
    gone = error_of(sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=1)
    assert gone[0] == "InvalidParameterValue" and "not available for visibility timeout change" in gone[1]


def test_delays_of_queue_and_message(sqs, queue):
    url = queue(DelaySeconds="1")
    sqs.send_message(QueueUrl=url, MessageBody="now", DelaySeconds=0)
    sqs.send_message(QueueUrl=url, MessageBody="later")
    sqs.send_message(QueueUrl=url, MessageBody="much later", DelaySeconds=900)
    assert counts(sqs, url) == [1, 0, 2]
    assert bodies(receive(sqs, url)) == ["now"]
    assert bodies(receive(sqs, url, WaitTimeSeconds=5)) == ["later"]


def test_a_long_poll_wakes_at_once(platform, sqs, queue):
    url = queue()
    found = []
    client = platform.client("sqs")
    waiting = threading.Thread(target=lambda: found.append((receive(client, url, WaitTimeSeconds=20), time.monotonic())))
    waiting.start()
    started = time.monotonic()
    assert receive(sqs, url, WaitTimeSeconds=1) == [] and time.monotonic() - started >= 0.9
    sent = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    waiting.join()
    assert bodies(found[0][0]) == ["x"] and found[0][1] - sent < 1


def test_batches_fail_in_part(sqs, queue):
    url = queue()
    entries = [{"Id": str(number), "MessageBody": f"m{number}"} for number in range(9)]
    entries.append({"Id": "bad", "MessageBody": "x", "DelaySeconds": 901})
    done = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in done["Successful"]] == [str(number) for number in range(9)]
    assert done["Successful"][0]["MD5OfMessageBody"] == hashlib.md5(b"m0").hexdigest()
    [failed] = done["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidParameterValue", True)
    messages = receive(sqs, url)
    assert sorted(bodies(messages)) == [f"m{number}" for number in range(9)]
    handles = [{"Id": f"h{at}", "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
    changes = [{**entry, "VisibilityTimeout": 0} for entry in handles[:2]]
    changes.append({"Id": "bad", "ReceiptHandle": "fake", "VisibilityTimeout": 0})
    done = sqs.change_message_visibility_batch(QueueUrl=url, Entries=changes)
    assert [entry["Id"] for entry in done["Successful"]] == ["h0", "h1"]
    assert done["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert counts(sqs, url) == [2, 7, 0]
    done = sqs.delete_message_batch(QueueUrl=url, Entries=handles)
    assert len(done["Successful"]) == 9 and "Failed" not in done
    assert counts(sqs, url) == [0, 0, 0]


def test_a_purge_empties_the_queue_once_a_minute(sqs, queue):
    url = queue()
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    [held] = receive(sqs, url, 1)
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == [0, 0, 0] and receive(sqs, url) == []
    sqs.send_message(QueueUrl=url, MessageBody="new")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["new"]
    code, text = error_of(sqs.purge_queue, QueueUrl=url)
    assert code == "AWS.SimpleQueueService.PurgeQueueInProgress" and url.rsplit("/", 1)[1] in text


def test_tags(sqs, queue):
    url = queue(tags={"team": "shop"})
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "test", "team": "pay"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test", "team": "pay"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team", "none"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["stage"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


def test_permissions_are_statements_of_the_policy(sqs, queue):
    url = queue()
    sqs.add_permission(QueueUrl=url, Label="friend", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    sqs.add_permission(QueueUrl=url, Label="all", AWSAccountIds=["111111111111", "222222222222"], Actions=["*"])
    policy = json.loads(attributes(sqs, url)["Policy"])
    assert policy["Statement"][0] == {
        "Sid": "friend", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "SQS:SendMessage", "Resource": arn(url),
    }  # fmt: skip
    sqs.remove_permission(QueueUrl=url, Label="friend")
    assert [statement["Sid"] for statement in json.loads(attributes(sqs, url)["Policy"])["Statement"]] == ["all"]
    sqs.remove_permission(QueueUrl=url, Label="all")
    assert "Policy" not in attributes(sqs, url)


def test_accounts_and_regions_have_queues_of_their_own(platform, sqs, queue):
    url = queue()
    other = platform.client("sqs", account="111111111111")
    assert error_of(other.send_message, QueueUrl=url, MessageBody="x")[0] == "AccessDenied"
    elsewhere = platform.client("sqs", region="eu-west-1")
    assert error_of(elsewhere.send_message, QueueUrl=url, MessageBody="x")[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_url_holds_whatever_host_it_names(sqs, queue):
    url = queue()
    for host in ["http://sqs.us-east-1.localhost:1", "https://sqs.us-east-1.amazonaws.com", "http://localhost"]:
        sqs.send_message(QueueUrl=f"{host}/{'/'.join(url.split('/')[-2:])}", MessageBody="x")
    assert counts(sqs, url)[0] == 3


def test_messages_and_handles_are_there_after_a_kill(fresh):
    platform = fresh()
    sqs = platform.client("sqs")
    url = sqs.create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number))
    [message] = receive(sqs, url, 1)
    platform.kill()
    platform.start()
    sqs = platform.client("sqs")
    assert receive(sqs, url) == [], "the group is still held"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["1", "2"]


def test_the_aws_cli(platform, queue):
    url = queue()

    def run(*words):
        # Version 1 does not heed AWS_ENDPOINT_URL for SQS.
        command = ["aws", "--endpoint-url", platform.endpoint, "sqs", *words]
        done = subprocess.run(command, env=platform.environ(), text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    sent = run("send-message", "--queue-url", url, "--message-body", "from the shell")
    received = run("receive-message", "--queue-url", url, "--attribute-names", "All")["Messages"][0]
    assert (received["MessageId"], received["Body"]) == (sent["MessageId"], "from the shell")
    run("delete-message", "--queue-url", url, "--receipt-handle", received["ReceiptHandle"])


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Dead: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      FifoQueue: true
      VisibilityTimeout: %d
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
      Tags: [{Key: team, Value: shop}]
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Orders]
      PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: '*', Action: 'sqs:SendMessage', Resource: !GetAtt Orders.Arn}]}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Environment: {Variables: {QUEUE: !Ref Orders}}
      Policies: [{SQSSendMessagePolicy: {QueueName: !GetAtt Orders.QueueName}}, {SQSPollerPolicy: {QueueName: !GetAtt Orders.QueueName}}]
Outputs:
  Url: {Value: !Ref Orders}
  Arn: {Value: !GetAtt Orders.Arn}
"""
WORKER = """
import json, os, urllib.request
def handler(event, context):
    body = json.dumps({"QueueUrl": os.environ["QUEUE"], "MessageBody": "from inside", "MessageGroupId": "g", "MessageDeduplicationId": "d"})
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}
    return json.load(urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body.encode(), headers)))
"""


def test_a_stack_has_queues(platform, sqs, application):
    app = application({"template.yaml": TEMPLATE % 20, "src/app.py": WORKER})
    app.deploy()
    url = app.outputs["Url"]
    assert url.endswith(".fifo") and app.outputs["Arn"] == arn(url)
    found = attributes(sqs, url)
    assert found["VisibilityTimeout"] == "20" and json.loads(found["RedrivePolicy"])["maxReceiveCount"] == 3
    assert "sqs:SendMessage" in found["Policy"] and sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "shop"}
    reply = platform.client("lambda").invoke(FunctionName=app.resources["Worker"])
    assert "MessageId" in json.loads(reply["Payload"].read())
    [message] = receive(sqs, url, AttributeNames=["All"])
    assert message["Body"] == "from inside" and ":" in message["Attributes"]["SenderId"]
    assert app.changes(app.deploy()) == []
    app.write({"template.yaml": (TEMPLATE % 25).replace("      Tags: [{Key: team, Value: shop}]\n", "")})
    assert app.changes(app.deploy()) == ["UPDATE Orders"]
    assert attributes(sqs, url, "VisibilityTimeout") == {"VisibilityTimeout": "25"}
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)
    app.delete()
    assert error_of(sqs.get_queue_attributes, QueueUrl=url)[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_what_a_name_may_hold_in_base64_is_no_handle(sqs, queue):
    url = queue()
    fake = base64.b64encode(b"\0" * 52).decode()
    assert error_of(sqs.delete_message, QueueUrl=url, ReceiptHandle=fake)[0] == "ReceiptHandleIsInvalid"
