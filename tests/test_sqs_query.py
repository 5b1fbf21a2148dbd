"""SQS' older protocol, form fields and XML, through plain HTTP."""

import hashlib
import json
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree

from conftest import ACCOUNT, REGION, unique
from test_sqs import arn, digest

NAMESPACE = {"q": "http://queue.amazonaws.com/doc/2012-11-05/"}


def query(platform, action, path="/", version="2012-11-05", method="POST", **parameters):
    """A request of the older protocol; answers its status and its XML."""
    pairs = {"Action": action, **({"Version": version} if version else {}), **parameters}
    form = urllib.parse.urlencode(pairs)
    credential = f"Credential={ACCOUNT}/20260101/{REGION}/sqs/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}
    if method == "GET":
        status, _, body = platform.http("GET", f"{path}?{form}", headers=headers)
    else:
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
        status, _, body = platform.http("POST", path, form.encode(), headers)
    return status, ElementTree.fromstring(body)


def texts(tree, path):
    return [node.text for node in tree.findall("/".join(f"q:{part}" for part in path.split("/")), NAMESPACE)]


def test_the_query_protocol_does_it_all(platform, sqs):
    name = unique("form")
    pairs = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "40", "Tag.1.Key": "team", "Tag.1.Value": "shop"}
    status, tree = query(platform, "CreateQueue", QueueName=name, **pairs)
    assert status == 200 and tree.tag == f"{{{NAMESPACE['q']}}}CreateQueueResponse"
    [url] = texts(tree, "CreateQueueResult/QueueUrl")
    path = urllib.parse.urlparse(url).path
    assert re.fullmatch("[0-9a-f-]{36}", texts(tree, "ResponseMetadata/RequestId")[0])
    assert texts(query(platform, "GetQueueUrl", QueueName=name)[1], "GetQueueUrlResult/QueueUrl") == [url]
    assert texts(query(platform, "ListQueues", QueueNamePrefix=name)[1], "ListQueuesResult/QueueUrl") == [url]
    tree = query(platform, "GetQueueAttributes", path, **{"AttributeName.1": "VisibilityTimeout", "AttributeName.2": "QueueArn"})[1]
    found = dict(zip(texts(tree, "GetQueueAttributesResult/Attribute/Name"), texts(tree, "GetQueueAttributesResult/Attribute/Value")))
    assert found == {"VisibilityTimeout": "40", "QueueArn": arn(url)}
    assert query(platform, "SetQueueAttributes", path, **{"Attribute.Name": "DelaySeconds", "Attribute.Value": "0"})[0] == 200
    assert texts(query(platform, "ListQueueTags", path)[1], "ListQueueTagsResult/Tag/Key") == ["team"]
    assert query(platform, "TagQueue", path, **{"Tag.1.Key": "a", "Tag.1.Value": "b"})[0] == 200
    assert query(platform, "UntagQueue", path, **{"TagKey.1": "team"})[0] == 200
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    values = {"MessageAttribute.1.Name": "n", "MessageAttribute.1.Value.DataType": "Binary", "MessageAttribute.1.Value.BinaryValue": "AQI="}
    status, tree = query(platform, "SendMessage", path, MessageBody="a <b> & c", **values)
    assert status == 200 and texts(tree, "SendMessageResult/MD5OfMessageBody") == [hashlib.md5(b"a <b> & c").hexdigest()]
    assert texts(tree, "SendMessageResult/MD5OfMessageAttributes") == [digest({"n": {"DataType": "Binary", "BinaryValue": b"\x01\x02"}})]
    status, tree = query(platform, "ReceiveMessage", QueueUrl=url, **{"AttributeName.1": "All", "MessageAttributeName.1": "All"})
    assert texts(tree, "ReceiveMessageResult/Message/Body") == ["a <b> & c"]
    assert texts(tree, "ReceiveMessageResult/Message/MessageAttribute/Value/BinaryValue") == ["AQI="]
    assert "SenderId" in texts(tree, "ReceiveMessageResult/Message/Attribute/Name")
    [handle] = texts(tree, "ReceiveMessageResult/Message/ReceiptHandle")
    assert query(platform, "ChangeMessageVisibility", path, ReceiptHandle=handle, VisibilityTimeout=60)[0] == 200
    status, tree = query(platform, "DeleteMessage", path, ReceiptHandle=handle)
    assert status == 200 and tree.tag.endswith("DeleteMessageResponse")
    entries = {}
    for number, body in [(1, "x"), (2, "y"), (3, "")]:
        entries |= {f"SendMessageBatchRequestEntry.{number}.Id": body or "z", f"SendMessageBatchRequestEntry.{number}.MessageBody": body}
    tree = query(platform, "SendMessageBatch", path, **entries)[1]
    assert texts(tree, "SendMessageBatchResult/SendMessageBatchResultEntry/Id") == ["x", "y"]
    assert texts(tree, "SendMessageBatchResult/BatchResultErrorEntry/Code") == ["MissingParameter"]
    handles = texts(query(platform, "ReceiveMessage", path, method="GET", MaxNumberOfMessages=10)[1], "ReceiveMessageResult/Message/ReceiptHandle")
    assert len(handles) == 2
    names = {}
    for number, handle in enumerate(handles, 1):
        names |= {f"DeleteMessageBatchRequestEntry.{number}.Id": f"d{number}", f"DeleteMessageBatchRequestEntry.{number}.ReceiptHandle": handle}
    tree = query(platform, "DeleteMessageBatch", path, version=None, **names)[1]
    assert texts(tree, "DeleteMessageBatchResult/DeleteMessageBatchResultEntry/Id") == ["d1", "d2"]
    given = {"AWSAccountId.1": "111111111111", "ActionName.1": "SendMessage", "Label": "l"}
    assert query(platform, "AddPermission", path, **given)[0] == 200
    assert query(platform, "RemovePermission", path, Label="l")[0] == 200
    assert query(platform, "PurgeQueue", path)[0] == 200
    assert query(platform, "DeleteQueue", path)[0] == 200
    status, tree = query(platform, "SendMessage", path, MessageBody="x")
    assert (status, texts(tree, "Error/Code"), texts(tree, "Error/Type")) == (400, ["AWS.SimpleQueueService.NonExistentQueue"], ["Sender"])


def test_json_errors_tell_the_query_protocols_code(platform):
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.GetQueueUrl"}
    status, answer, body = platform.http("POST", "/", b'{"QueueName": "none"}', headers)
    assert (status, answer["x-amzn-query-error"]) == (400, "AWS.SimpleQueueService.NonExistentQueue;Sender")
    assert json.loads(body) == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}
