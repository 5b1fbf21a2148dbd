"""What SNS brings to queues and functions: notifications, raw messages, filters, FIFO topics, batches."""

import json
import re

from conftest import eventually
from test_sns import envelopes, queue, receive, sns, subscribe, text, topic, verify  # noqa: F401  (fixtures)


def test_a_queue_gets_the_signed_notification(platform, sns, sqs, topic, queue):
    (url, endpoint), arn = queue(), topic()
    subscription = subscribe(sns, arn, endpoint)
    assert re.fullmatch(re.escape(arn) + r":[0-9a-f-]{36}", subscription)
    attributes = {"k": text("v"), "n": text("1", "Number"), "b": {"DataType": "Binary", "BinaryValue": b"xyz"}}
    sent = sns.publish(TopicArn=arn, Message='Grüße ☃ "quoted"\n', Subject="hello", MessageAttributes=attributes)
    [message] = receive(sqs, url)
    document = json.loads(message["Body"])
    assert message["Attributes"]["SenderId"] and "MessageAttributes" not in message
    unsubscribe = f"{platform.endpoint}/?Action=Unsubscribe&SubscriptionArn={subscription}"
    expected = {
        "Type": "Notification", "MessageId": sent["MessageId"], "TopicArn": arn, "Subject": "hello", "Message": 'Grüße ☃ "quoted"\n',
        "SignatureVersion": "1", "UnsubscribeURL": unsubscribe,
        "MessageAttributes": {
            "b": {"Type": "Binary", "Value": "eHl6"}, "k": {"Type": "String", "Value": "v"}, "n": {"Type": "Number", "Value": "1"},
        },
    }  # fmt: skip
    assert expected.items() <= document.items()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["Timestamp"])
    assert re.fullmatch(re.escape(platform.endpoint) + r"/SimpleNotificationService-[0-9a-f]{32}\.pem", document["SigningCertURL"])
    verify(document)
    sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TargetArn=arn, Message="again")
    [document] = envelopes(sqs, url)
    assert document["SignatureVersion"] == "2" and not {"Subject", "MessageAttributes"} & document.keys()
    verify(document)


def test_raw_delivery_maps_attributes_and_refuses_more_than_ten(sns, sqs, topic, queue):
    (url, endpoint), (dead, dead_arn), arn = queue(), queue(), topic()
    subscribe(sns, arn, endpoint, RawMessageDelivery="true", RedrivePolicy={"deadLetterTargetArn": dead_arn})
    attributes = {"k": text("v"), "b": {"DataType": "Binary", "BinaryValue": b"xyz"}, "l": text('["a"]', "String.Array")}
    sns.publish(TopicArn=arn, Message="raw", Subject="dropped", MessageAttributes=attributes)
    [message] = receive(sqs, url)
    assert message["Body"] == "raw" and message["MessageAttributes"] == attributes
    sns.publish(TopicArn=arn, Message="many", MessageAttributes={f"a{number}": text("v") for number in range(11)})
    [message] = receive(sqs, dead, wait=1)
    assert message["Body"] == "many" and "ErrorCode" in message["MessageAttributes"]
    assert receive(sqs, url) == []


def test_what_a_missing_queue_would_get_goes_to_the_dead_letter_queue(sns, sqs, topic, queue):
    (url, endpoint), (dead, dead_arn), arn = queue(), queue(), topic()
    subscribe(sns, arn, endpoint, RedrivePolicy={"deadLetterTargetArn": dead_arn})
    sqs.delete_queue(QueueUrl=url)
    sent = sns.publish(TopicArn=arn, Message="lost?")
    [document] = envelopes(sqs, dead)
    assert (document["Message"], document["MessageId"]) == ("lost?", sent["MessageId"])


def test_messages_can_differ_by_protocol(sns, sqs, topic, queue):
    (url, endpoint), arn = queue(), topic()
    subscribe(sns, arn, endpoint)
    message = {"default": "all", "sqs": "queue", "lambda": "function"}
    sns.publish(TopicArn=arn, Message=json.dumps(message), MessageStructure="json")
    sns.publish(TopicArn=arn, Message=json.dumps({"default": "all"}), MessageStructure="json")
    first, second = envelopes(sqs, url)
    assert (first["Message"], second["Message"]) == ("queue", "all")
    verify(first), verify(second)


FILTERS = {
    "exact": ({"a": ["x"]}, {"a": text("x")}, {"a": text("y")}),
    "any of": ({"a": ["x", "y"]}, {"a": text("y")}, {"a": text("z")}),
    "all keys": ({"a": ["x"], "b": ["y"]}, {"a": text("x"), "b": text("y")}, {"a": text("x")}),
    "prefix": ({"a": [{"prefix": "ab"}]}, {"a": text("abc")}, {"a": text("cab")}),
    "suffix": ({"a": [{"suffix": "bc"}]}, {"a": text("abc")}, {"a": text("bcd")}),
    "anything but": ({"a": [{"anything-but": ["x", "y"]}]}, {"a": text("z")}, {"a": text("x")}),
    "anything but a prefix": ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": text("yx")}, {"a": text("xy")}),
    "ignoring case": ({"a": [{"equals-ignore-case": "AbC"}]}, {"a": text("aBc")}, {"a": text("abcd")}),
    "wildcard": ({"a": [{"wildcard": "*.png"}]}, {"a": text("x.png")}, {"a": text("x.pngs")}),
    "numbers": ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": text("5.0", "Number")}, {"a": text("6", "Number")}),
    "a number": ({"a": [100]}, {"a": text("1e2", "Number")}, {"a": text("100")}),
    "exists": ({"a": [{"exists": True}]}, {"a": text("x")}, {"b": text("x")}),
    "exists not": ({"a": [{"exists": False}]}, {"b": text("x")}, {"a": text("x")}),
    "address": ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("10.0.0.7")}, {"a": text("10.0.1.7")}),
    "arrays": ({"a": ["x"]}, {"a": text('["y", "x"]', "String.Array")}, {"a": text('["y"]', "String.Array")}),
    "or": ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": text("y")}, {"b": text("x")}),
}


def test_filter_policies_over_attributes(sns, sqs, topic, queue):
    for name, (policy, good, bad) in FILTERS.items():
        (url, endpoint), arn = queue(), topic()
        subscribe(sns, arn, endpoint, FilterPolicy=policy, RawMessageDelivery="true")
        sns.publish(TopicArn=arn, Message="bad", MessageAttributes=bad)
        sns.publish(TopicArn=arn, Message="none")
        sns.publish(TopicArn=arn, Message="good", MessageAttributes=good)
        assert [message["Body"] for message in receive(sqs, url)] == ["good"], name


def test_filter_policies_over_bodies(sns, sqs, topic, queue):
    (url, endpoint), arn = queue(), topic()
    policy = {"shop": {"order": {"total": [{"numeric": [">=", 100]}], "state": ["new", {"prefix": "re"}]}}}
    one = subscribe(sns, arn, endpoint, FilterPolicy=policy, FilterPolicyScope="MessageBody", RawMessageDelivery="true")
    order = lambda total, state: json.dumps({"shop": {"order": {"total": total, "state": state}}})  # noqa: E731
    for body in [order(99, "new"), order(100, "done"), "no JSON", order(100, "new"), order(200, "reopened")]:
        sns.publish(TopicArn=arn, Message=body)
    assert [message["Body"] for message in receive(sqs, url)] == [order(100, "new"), order(200, "reopened")]
    assert sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"]["FilterPolicyScope"] == "MessageBody"
    sns.set_subscription_attributes(SubscriptionArn=one, AttributeName="FilterPolicy", AttributeValue="")
    sns.publish(TopicArn=arn, Message="no JSON")
    assert [message["Body"] for message in receive(sqs, url)] == ["no JSON"]


def test_a_fifo_topic_keeps_groups_in_order_and_drops_duplicates(sns, sqs, topic, queue):
    (url, endpoint), (plain, plain_arn), arn = queue(fifo=True), queue(), topic(fifo=True)
    subscribe(sns, arn, endpoint)
    subscribe(sns, arn, plain_arn, RawMessageDelivery="true")
    send = lambda body, key, group="g": sns.publish(TopicArn=arn, Message=body, MessageGroupId=group, MessageDeduplicationId=key)  # noqa: E731
    first = send("1", "a")
    assert len(first["SequenceNumber"]) == 20
    again = send("other", "a")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    sent = [first] + [send(str(number), f"k{number}") for number in range(2, 6)]
    numbers = [int(one["SequenceNumber"]) for one in sent]
    assert numbers == sorted(set(numbers))
    found = []
    while messages := receive(sqs, url):
        found += messages
    documents = [json.loads(message["Body"]) for message in found]
    assert [document["Message"] for document in documents] == ["1", "2", "3", "4", "5"]
    assert [document["SequenceNumber"] for document in documents] == [one["SequenceNumber"] for one in sent]
    assert (found[0]["Attributes"]["MessageGroupId"], found[0]["Attributes"]["MessageDeduplicationId"]) == ("g", "a")
    assert len(receive(sqs, plain)) == 5
    by_content = topic(fifo=True, ContentBasedDeduplication="true", FifoThroughputScope="MessageGroup")
    publish = lambda group: sns.publish(TopicArn=by_content, Message="same", MessageGroupId=group)["MessageId"]  # noqa: E731
    assert publish("g") == publish("g") != publish("h")


def test_batches_fail_in_part(sns, sqs, topic, queue):
    (url, endpoint), arn = queue(), topic()
    subscribe(sns, arn, endpoint, RawMessageDelivery="true")
    entries = [{"Id": f"e{number}", "Message": f"m{number}"} for number in range(9)]
    entries.append({"Id": "bad", "Message": "x", "Subject": "two\nlines"})
    done = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in done["Successful"]] == [f"e{number}" for number in range(9)]
    assert done["Failed"] == [{"Id": "bad", "Code": "InvalidParameter", "Message": "Invalid parameter: Subject", "SenderFault": True}]
    assert sorted(message["Body"] for message in receive(sqs, url)) == [f"m{number}" for number in range(9)]
    fifo = topic(fifo=True)
    entries = [{"Id": str(number), "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": str(number)} for number in range(3)]
    done = sns.publish_batch(TopicArn=fifo, PublishBatchRequestEntries=entries)
    numbers = [entry["SequenceNumber"] for entry in done["Successful"]]
    assert numbers == sorted(numbers) and len(numbers) == 3 and done["Failed"] == []


ECHO = """
import json, boto3, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


def test_a_function_gets_awss_event(sns, sqs, topic, queue, make_function, aws):
    (url, _), arn = queue(), topic()
    name = make_function(ECHO, Environment={"Variables": {"QUEUE": url}}, Timeout=20)
    function = aws("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    subscription = subscribe(sns, arn, function, "lambda")
    sent = sns.publish(TopicArn=arn, Message="hi", MessageAttributes={"k": text("v")})
    [message] = eventually(lambda: receive(sqs, url, wait=2), timeout=30)
    [record] = json.loads(message["Body"])["Records"]
    assert (record["EventSource"], record["EventVersion"], record["EventSubscriptionArn"]) == ("aws:sns", "1.0", subscription)
    found = record["Sns"]
    assert (found["MessageId"], found["Message"], found["Subject"], found["TopicArn"]) == (sent["MessageId"], "hi", None, arn)
    assert found["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}
    verify({**found, "SigningCertURL": found["SigningCertUrl"]})


def test_other_services_publish_within_their_own_transactions(sns, sqs, topic, queue, make_function, aws):
    (url, endpoint), arn = queue(), topic()
    subscribe(sns, arn, endpoint)
    name = make_function("def handler(event, context):\n    return event")
    destination = {"OnSuccess": {"Destination": arn}}
    aws("lambda").put_function_event_invoke_config(FunctionName=name, DestinationConfig=destination)
    aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"x": 1}')
    [message] = eventually(lambda: receive(sqs, url, wait=2), timeout=30)
    document = json.loads(message["Body"])
    verify(document)
    assert json.loads(document["Message"])["responsePayload"] == {"x": 1}


def test_a_topic_of_many_subscriptions_reaches_them_all(sns, sqs, topic, queue):
    arn = topic()
    queues = [queue() for _ in range(70)]
    for _, endpoint in queues:
        subscribe(sns, arn, endpoint)
    sent = sns.publish(TopicArn=arn, Message="all")["MessageId"]
    for url, _ in queues:
        [message] = eventually(lambda url=url: receive(sqs, url, wait=1))
        assert json.loads(message["Body"])["MessageId"] == sent
