"""SNS: every operation through boto3, notifications at queues, functions and HTTP endpoints, and the aws CLI."""

import base64
import json
import re
import ssl
import subprocess
import threading
import time
import urllib.request

import boto3
import pytest
from conftest import ACCOUNT, REGION, Platform, error_of, eventually, unique
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from listener import Listener

ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


@pytest.fixture
def sns(aws):
    return aws("sns")


@pytest.fixture
def topic(sns):
    """Makes topics that go with the test; answers their ARNs."""
    made = []

    def make(name=None, fifo=False, tags=None, **attributes):
        name = name or unique("t")
        if fifo:
            name, attributes = f"{name}.fifo", {"FifoTopic": "true", **attributes}
        attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
        tags = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        made.append(sns.create_topic(Name=name, Attributes=attributes, Tags=tags)["TopicArn"])
        return made[-1]

    yield make
    for arn in made:
        sns.delete_topic(TopicArn=arn)


@pytest.fixture
def queue(sqs):
    """Makes queues that go with the test; answers (URL, ARN)."""
    made = []

    def make(name=None, fifo=False, **attributes):
        name = name or unique("q")
        if fifo:
            name, attributes = f"{name}.fifo", {"FifoQueue": "true", **attributes}
        made.append(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return made[-1], QUEUE + name

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


def subscribe(sns, topic, endpoint, protocol="sqs", **attributes):
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
    answer = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True)
    return answer["SubscriptionArn"]


def receive(sqs, url, wait=0):
    options = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait}
    messages = sqs.receive_message(QueueUrl=url, **options).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


def envelopes(sqs, url):
    return [json.loads(message["Body"]) for message in receive(sqs, url)]


def text(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


def verify(document):
    """Checks a notification's signature as AWS's guide says to."""
    with urllib.request.urlopen(document["SigningCertURL"]) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    certificate.verify_directly_issued_by(certificate)
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    canonical = "".join(f"{name}\n{document[name]}\n" for name in names if document.get(name) is not None)
    digest = hashes.SHA1() if document["SignatureVersion"] == "1" else hashes.SHA256()
    signature = base64.b64decode(document["Signature"])
    certificate.public_key().verify(signature, canonical.encode(), padding.PKCS1v15(), digest)


def test_a_topic_is_made_found_listed_and_deleted(sns, topic):
    name = unique("life")
    arn = topic(name)
    assert arn == ARN + name
    assert topic(name) == arn, "the same again is the same"
    pages = sns.get_paginator("list_topics").paginate()
    assert {"TopicArn": arn} in list(pages.search("Topics[]"))
    sns.delete_topic(TopicArn=arn)
    assert error_of(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", "Topic does not exist")
    sns.delete_topic(TopicArn=arn)


def test_topics_and_subscriptions_are_listed_a_hundred_at_a_time(fresh):
    platform = fresh()
    sns = platform.client("sns")
    arns = sorted(sns.create_topic(Name=f"t{number:03}")["TopicArn"] for number in range(101))
    first = sns.list_topics()
    assert [one["TopicArn"] for one in first["Topics"]] == arns[:100]
    second = sns.list_topics(NextToken=first["NextToken"])
    assert [one["TopicArn"] for one in second["Topics"]] == arns[100:] and "NextToken" not in second
    for number in range(101):
        sns.subscribe(TopicArn=arns[0], Protocol="sms", Endpoint=f"+1555123{number:04}")
    for operation, arguments in [("list_subscriptions", {}), ("list_subscriptions_by_topic", {"TopicArn": arns[0]})]:
        assert len(getattr(sns, operation)(**arguments)["Subscriptions"]) == 100
        pages = sns.get_paginator(operation).paginate(**arguments)
        endpoints = set(pages.search("Subscriptions[].Endpoint"))
        assert len(endpoints) == 101
    assert platform.client("sns", region="eu-west-1").list_topics()["Topics"] == []
    assert platform.client("sns", account="111111111111").list_topics()["Topics"] == []


def test_attributes_have_awss_defaults_and_keep_what_is_set(sns, topic):
    arn = topic()
    get = lambda: sns.get_topic_attributes(TopicArn=arn)["Attributes"]  # noqa: E731
    found = get()
    policy = json.loads(found.pop("Policy"))
    assert policy["Id"] == "__default_policy_ID" and policy["Statement"][0]["Resource"] == arn
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    effective = json.loads(found.pop("EffectiveDeliveryPolicy"))["http"]
    assert effective["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert effective["defaultHealthyRetryPolicy"]["minDelayTarget"] == 20
    counts = {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0"}
    assert found == {"TopicArn": arn, "Owner": ACCOUNT, "DisplayName": "", **counts}
    own = json.dumps({"Version": "2012-10-17", "Statement": []})
    delivery = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5, "minDelayTarget": 1, "maxDelayTarget": 9}}}
    changed = {
        "DisplayName": "News", "Policy": own, "DeliveryPolicy": json.dumps(delivery), "KmsMasterKeyId": "alias/aws/sns",
        "TracingConfig": "Active", "SignatureVersion": "2", "SQSSuccessFeedbackSampleRate": "50",
    }  # fmt: skip
    for name, value in changed.items():
        sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
    assert changed.items() <= get().items()
    assert json.loads(get()["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["maxDelayTarget"] == 9
    fifo = sns.get_topic_attributes(TopicArn=topic(fifo=True, ContentBasedDeduplication="true"))["Attributes"]
    assert (fifo["FifoTopic"], fifo["ContentBasedDeduplication"]) == ("true", "true")


def test_creating_again_is_refused_where_something_differs(sns, topic):
    name = unique("again")
    arn = topic(name, tags={"a": "b"}, DisplayName="x")
    assert topic(name, tags={"a": "b"}, DisplayName="x") == arn == topic(name)
    differs = "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    assert error_of(sns.create_topic, Name=name, Attributes={"DisplayName": "y"}) == ("InvalidParameter", differs)
    differs = "Invalid parameter: Tags Reason: Topic already exists with different tags"
    assert error_of(sns.create_topic, Name=name, Tags=[{"Key": "a", "Value": "c"}]) == ("InvalidParameter", differs)


def test_tags_permissions_and_the_data_protection_policy(sns, topic):
    arn = topic(tags={"a": "1"})
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    sns.add_permission(TopicArn=arn, Label="l", AWSAccountId=["111111111111"], ActionName=["Publish", "Subscribe"])
    statements = lambda: json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"]  # noqa: E731
    assert statements()[1] == {
        "Sid": "l", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["SNS:Publish", "SNS:Subscribe"], "Resource": arn,
    }  # fmt: skip
    sns.remove_permission(TopicArn=arn, Label="l")
    assert [statement["Sid"] for statement in statements()] == ["__default_statement_ID"]
    assert sns.get_data_protection_policy(ResourceArn=arn).get("DataProtectionPolicy") is None
    sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy='{"Name": "x"}')
    assert sns.get_data_protection_policy(ResourceArn=arn)["DataProtectionPolicy"] == '{"Name": "x"}'


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


def test_subscribing_again_is_the_same_subscription(sns, topic, queue):
    (_, endpoint), arn = queue(), topic()
    one = subscribe(sns, arn, endpoint, RawMessageDelivery="true", FilterPolicy={"a": ["b"]})
    assert subscribe(sns, arn, endpoint) == one == subscribe(sns, arn, endpoint, FilterPolicy='{"a":["b"]}')
    code, why = error_of(sns.subscribe, TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "false"})
    assert (code, why) == ("InvalidParameter", "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
    found = sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"]
    assert json.loads(found.pop("FilterPolicy")) == {"a": ["b"]}
    assert found.pop("SubscriptionPrincipal").startswith("arn:aws:iam:")
    assert found == {
        "SubscriptionArn": one, "TopicArn": arn, "Owner": ACCOUNT, "Protocol": "sqs", "Endpoint": endpoint, "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": "true", "RawMessageDelivery": "true", "FilterPolicyScope": "MessageAttributes",
    }  # fmt: skip
    listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert listed == [{"SubscriptionArn": one, "Owner": ACCOUNT, "Protocol": "sqs", "Endpoint": endpoint, "TopicArn": arn}]
    counts = lambda: [sns.get_topic_attributes(TopicArn=arn)["Attributes"][f"Subscriptions{name}"] for name in ("Confirmed", "Pending", "Deleted")]  # noqa: E731
    assert counts() == ["1", "0", "0"]
    sns.unsubscribe(SubscriptionArn=one)
    sns.unsubscribe(SubscriptionArn=one)
    assert counts() == ["0", "0", "1"]
    assert error_of(sns.get_subscription_attributes, SubscriptionArn=one) == ("NotFound", "Subscription does not exist")


def test_letters_texts_and_pushes_are_kept_and_wait(sns, topic):
    arn = topic()
    assert sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")["SubscriptionArn"] == "pending confirmation"
    assert sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+15551234567")["SubscriptionArn"].startswith(arn)
    listed = {one["Protocol"]: one["SubscriptionArn"] for one in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]}
    assert listed["email"] == "PendingConfirmation"
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsPending"] == "1"
    assert sns.publish(TopicArn=arn, Message="x")["MessageId"]
    assert sns.publish(PhoneNumber="+15551234567", Message="x")["MessageId"]


def test_an_http_endpoint_confirms_is_notified_and_unsubscribes(sns, topic, listener):
    arn = topic()
    assert sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=f"{listener.url}/hook?x=1")["SubscriptionArn"] == "pending confirmation"
    [(headers, body)] = eventually(lambda: listener.of("SubscriptionConfirmation", "/hook?x=1"))
    document = json.loads(body)
    assert headers["Content-Type"] == "text/plain; charset=UTF-8" and headers["User-Agent"] == "Amazon Simple Notification Service Agent"
    assert (headers["x-amz-sns-topic-arn"], headers["x-amz-sns-message-id"]) == (arn, document["MessageId"])
    assert "x-amz-sns-subscription-arn" not in headers
    verify(document)
    sns.publish(TopicArn=arn, Message="too early")
    with urllib.request.urlopen(document["SubscribeURL"]) as answer:
        [subscription] = re.findall(r"<SubscriptionArn>(.*)</SubscriptionArn>", answer.read().decode())
    confirmed = sns.confirm_subscription(TopicArn=arn, Token=document["Token"])
    assert confirmed["SubscriptionArn"] == subscription, "again is no error"
    sent = sns.publish(TopicArn=arn, Message="news", Subject="s", MessageAttributes={"k": text("v")})
    [(headers, body)] = eventually(lambda: listener.of("Notification"))
    document = json.loads(body)
    assert (document["Message"], document["MessageId"]) == ("news", sent["MessageId"])
    assert headers["x-amz-sns-subscription-arn"] == subscription and "x-amz-sns-rawdelivery" not in headers
    verify(document)
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true")
    sns.publish(TopicArn=arn, Message="raw news")
    (headers, body) = eventually(lambda: listener.of("Notification")[1:])[0]
    assert body == "raw news" and headers["x-amz-sns-rawdelivery"] == "true"
    urllib.request.urlopen(document["UnsubscribeURL"]).close()
    [document] = eventually(lambda: listener.documents("UnsubscribeConfirmation"))
    verify(document)
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
    urllib.request.urlopen(document["SubscribeURL"]).close()
    [again] = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert again["SubscriptionArn"] == subscription, "it is taken up again"


def test_links_lead_to_other_accounts_and_regions_too(platform, listener):
    sns = platform.client("sns", account="111111111111", region="eu-west-1")
    arn = sns.create_topic(Name=unique("t"))["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=listener.url + "/h")
    [document] = eventually(lambda: listener.documents("SubscriptionConfirmation"))
    urllib.request.urlopen(document["SubscribeURL"]).close()
    sns.publish(TopicArn=arn, Message="m")
    [document] = eventually(lambda: listener.documents("Notification"))
    urllib.request.urlopen(document["UnsubscribeURL"]).close()
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
    sns.delete_topic(TopicArn=arn)


def confirmed(sns, topic, listener, path, **attributes):
    """Subscribes the listener and confirms; answers the subscription."""
    subscribe(sns, topic, listener.url + path, "http", **attributes)
    [document] = eventually(lambda: listener.documents("SubscriptionConfirmation", path))
    return sns.confirm_subscription(TopicArn=topic, Token=document["Token"])["SubscriptionArn"]


QUICK = {"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2, "minDelayTarget": 1, "maxDelayTarget": 1}}


def test_what_an_http_endpoint_does_not_take_is_sent_again_and_then_given_up(sns, sqs, topic, queue, listener):
    (dead, dead_arn), arn = queue(), topic()
    subscription = confirmed(sns, arn, listener, "/h", DeliveryPolicy=QUICK, RedrivePolicy={"deadLetterTargetArn": dead_arn})
    effective = json.loads(sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["EffectiveDeliveryPolicy"])
    assert effective["healthyRetryPolicy"]["numNoDelayRetries"] == 2
    listener.answers = [500, 503]
    sns.publish(TopicArn=arn, Message="third time")
    eventually(lambda: len(listener.of("Notification")) == 3)
    assert len({body for _, body in listener.of("Notification")}) == 1
    listener.answers = [500, 429, 500]
    sns.publish(TopicArn=arn, Message="never")
    [message] = eventually(lambda: receive(sqs, dead, wait=1))
    assert json.loads(message["Body"])["Message"] == "never"
    assert len(listener.of("Notification")) == 6
    listener.answers = [403]
    sns.publish(TopicArn=arn, Message="forbidden")
    [message] = eventually(lambda: receive(sqs, dead, wait=1))
    assert json.loads(message["Body"])["Message"] == "forbidden" and len(listener.of("Notification")) == 7


def test_an_endpoint_is_sent_so_many_messages_a_second(sns, topic, listener):
    arn = topic()
    confirmed(sns, arn, listener, "/h", DeliveryPolicy={"throttlePolicy": {"maxReceivesPerSecond": 8}})
    started = time.monotonic()
    for number in range(12):
        sns.publish(TopicArn=arn, Message=str(number))
    eventually(lambda: len(listener.of("Notification")) == 12)
    assert time.monotonic() - started > 0.9


def test_a_slow_http_endpoint_holds_up_nobody_else(sns, topic, listener):
    arn = topic()
    listener.hold = threading.Event()
    for path in ("/slow", "/quick"):
        subscribe(sns, arn, listener.url + path, "http")
    eventually(lambda: len(listener.of("SubscriptionConfirmation")) == 2)
    for document in listener.documents("SubscriptionConfirmation"):
        sns.confirm_subscription(TopicArn=arn, Token=document["Token"])
    for number in range(40):
        sns.publish(TopicArn=arn, Message=str(number))
    eventually(lambda: len(listener.of("Notification", "/quick")) == 40)
    assert len(listener.of("Notification", "/slow")) <= 8
    listener.hold.set()
    eventually(lambda: len({body for _, body in listener.of("Notification", "/slow")}) == 40)


def test_http_deliveries_go_on_after_a_crash(fresh, listener):
    platform = fresh()
    sns = platform.client("sns")
    arn = sns.create_topic(Name="t")["TopicArn"]
    confirmed(sns, arn, listener, "/slow")
    listener.hold = threading.Event()
    sent = {sns.publish(TopicArn=arn, Message=str(number))["MessageId"] for number in range(20)}
    platform.kill()
    listener.hold.set()
    platform.start()
    eventually(lambda: {document["MessageId"] for document in listener.documents("Notification")} == sent, timeout=20)


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


def test_applications_and_devices_are_kept(sns):
    name = unique("app")
    arn = sns.create_platform_application(Name=name, Platform="GCM", Attributes={"PlatformCredential": "k"})["PlatformApplicationArn"]
    assert arn == f"{ARN}app/GCM/{name}"
    sns.set_platform_application_attributes(PlatformApplicationArn=arn, Attributes={"SuccessFeedbackSampleRate": "5"})
    assert sns.get_platform_application_attributes(PlatformApplicationArn=arn)["Attributes"] == {"Enabled": "true", "SuccessFeedbackSampleRate": "5"}
    assert arn in [one["PlatformApplicationArn"] for one in sns.list_platform_applications()["PlatformApplications"]]
    device = sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="tok", CustomUserData="u")["EndpointArn"]
    assert device.startswith(f"{ARN}endpoint/GCM/{name}/")
    assert sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="tok", CustomUserData="u")["EndpointArn"] == device
    code, why = error_of(sns.create_platform_endpoint, PlatformApplicationArn=arn, Token="tok", CustomUserData="v")
    assert code == "InvalidParameter" and "already exists with the same Token, but different attributes" in why
    assert sns.get_endpoint_attributes(EndpointArn=device)["Attributes"] == {"CustomUserData": "u", "Enabled": "true", "Token": "tok"}
    assert [one["EndpointArn"] for one in sns.list_endpoints_by_platform_application(PlatformApplicationArn=arn)["Endpoints"]] == [device]
    assert sns.publish(TargetArn=device, Message="push")["MessageId"]
    sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    assert error_of(sns.publish, TargetArn=device, Message="push") == ("EndpointDisabled", "Endpoint is disabled")
    sns.delete_endpoint(EndpointArn=device)
    assert error_of(sns.get_endpoint_attributes, EndpointArn=device) == ("NotFound", "Endpoint does not exist")
    sns.delete_platform_application(PlatformApplicationArn=arn)
    assert error_of(sns.get_platform_application_attributes, PlatformApplicationArn=arn)[0] == "NotFound"


def test_settings_of_texts_are_kept(sns):
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional", "DefaultSenderID": "me"})
    assert sns.get_sms_attributes()["attributes"] == {"DefaultSMSType": "Transactional", "DefaultSenderID": "me"}
    assert sns.get_sms_attributes(attributes=["DefaultSenderID"])["attributes"] == {"DefaultSenderID": "me"}
    assert sns.check_if_phone_number_is_opted_out(phoneNumber="+15551234567")["isOptedOut"] is False
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    sns.opt_in_phone_number(phoneNumber="+15551234567")
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is True
    assert sns.list_origination_numbers()["PhoneNumbers"] == []
    sns.create_sms_sandbox_phone_number(PhoneNumber="+15551234567")
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": "+15551234567", "Status": "Pending"}]
    assert error_of(sns.verify_sms_sandbox_phone_number, PhoneNumber="+15551234567", OneTimePassword="12345")[0] == "VerificationException"
    sns.delete_sms_sandbox_phone_number(PhoneNumber="+15551234567")
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == []


def test_links_need_no_signature_where_signatures_are_checked(fresh, listener):
    platform = fresh("--auth", "on")
    key = json.loads((platform.data_dir / "root-key.json").read_text())
    key = {"aws_access_key_id": key["access_key_id"], "aws_secret_access_key": key["secret_access_key"]}
    sns = boto3.client("sns", endpoint_url=platform.endpoint, region_name=REGION, **key)
    arn = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=listener.url + "/h")
    [document] = eventually(lambda: listener.documents("SubscriptionConfirmation"))
    status, _, body = platform.http("GET", f"/?Action=ConfirmSubscription&TopicArn={arn}&Token={document['Token'][::-1]}")
    assert status == 400 and b"Invalid parameter: Token" in body
    assert platform.http("GET", f"/?Action=DeleteTopic&TopicArn={arn}")[0] == 403
    urllib.request.urlopen(document["SubscribeURL"] + "&AuthenticateOnUnsubscribe=true").close()
    [one] = sns.list_subscriptions()["Subscriptions"]
    found = sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
    assert found["ConfirmationWasAuthenticated"] == "false"
    assert platform.http("GET", f"/?Action=Unsubscribe&SubscriptionArn={one['SubscriptionArn']}")[0] == 403
    sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Other: {Type: AWS::SQS::Queue}
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: DISPLAY
      Tags: [{Key: a, Value: b}]
      Subscription: [{Protocol: sqs, Endpoint: !GetAtt Other.Arn}]
  Fifo: {Type: AWS::SNS::Topic, Properties: {FifoTopic: true, ContentBasedDeduplication: true}}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn, RawMessageDelivery: true, FilterPolicy: {a: [FILTER]}}
  Policy:
    Type: AWS::SNS::TopicPolicy
    Properties: {Topics: [!Ref Topic], PolicyDocument: {Version: '2012-10-17', Statement: []}}
Outputs:
  Topic: {Value: !Ref Topic}
  Name: {Value: !GetAtt Topic.TopicName}
  Fifo: {Value: !GetAtt Fifo.TopicArn}
  Subscription: {Value: !Ref Subscription}
  Queue: {Value: !Ref Queue}
"""


def test_a_template_makes_changes_and_removes_topics(aws, sns, sqs):
    cloudformation, stack = aws("cloudformation"), unique("st")

    def outputs():
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}

    render = lambda display, value: TEMPLATE.replace("DISPLAY", display).replace("FILTER", value)  # noqa: E731
    cloudformation.create_stack(StackName=stack, TemplateBody=render("One", "x"))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    made = outputs()
    assert made["Topic"].endswith(":" + made["Name"]) and made["Fifo"].endswith(".fifo")
    found = sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert (found["DisplayName"], found["SubscriptionsConfirmed"]) == ("One", "2") and json.loads(found["Policy"])["Statement"] == []
    sns.publish(TopicArn=made["Topic"], Message="m", MessageAttributes={"a": text("x")})
    assert [message["Body"] for message in receive(sqs, made["Queue"])] == ["m"]
    cloudformation.update_stack(StackName=stack, TemplateBody=render("Two", "y"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert outputs() == made
    assert sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]["DisplayName"] == "Two"
    attributes = sns.get_subscription_attributes(SubscriptionArn=made["Subscription"])["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == {"a": ["y"]}
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert error_of(sns.get_topic_attributes, TopicArn=made["Topic"])[0] == "NotFound"
    assert error_of(sns.get_subscription_attributes, SubscriptionArn=made["Subscription"])[0] == "NotFound"


def test_the_aws_cli_works(platform, queue):
    url, endpoint = queue()
    run = lambda *words: json.loads(  # noqa: E731
        subprocess.run(
            ["aws", "--endpoint-url", platform.endpoint, "--output", "json", *words],
            env=platform.environ(), text=True, capture_output=True, check=True,
        ).stdout or "{}"
    )  # fmt: skip
    arn = run("sns", "create-topic", "--name", unique("cli"))["TopicArn"]
    run("sns", "subscribe", "--topic-arn", arn, "--protocol", "sqs", "--notification-endpoint", endpoint, "--attributes", "RawMessageDelivery=true")
    assert run("sns", "publish", "--topic-arn", arn, "--message", "hello")["MessageId"]
    assert run("sqs", "receive-message", "--queue-url", url)["Messages"][0]["Body"] == "hello"
    run("sns", "delete-topic", "--topic-arn", arn)


def test_topics_and_what_they_remember_survive_a_crash(tmp_path):
    platform = Platform(tmp_path / "data").start()
    try:
        sns, sqs = platform.client("sns"), platform.client("sqs")
        arn = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        subscribe(sns, arn, QUEUE + "q.fifo")
        first = sns.publish(TopicArn=arn, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
        platform.kill()
        platform.start()
        sns, sqs = platform.client("sns"), platform.client("sqs")
        again = sns.publish(TopicArn=arn, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
        assert again["MessageId"] == first["MessageId"]
        url = platform.endpoint + url[url.index("/", 8) :]
        [message] = receive(sqs, url)
        document = json.loads(message["Body"])
        document["SigningCertURL"] = platform.endpoint + document["SigningCertURL"][document["SigningCertURL"].index("/", 8) :]
        verify(document)
    finally:
        platform.kill()


def authority(directory):
    """Files of a certificate for localhost that is its own authority, and of its key."""
    from datetime import datetime, timedelta, timezone

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    (directory / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (directory / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return directory / "cert.pem", directory / "key.pem"


def test_an_https_endpoint_is_sent_to_if_the_machine_trusts_it(fresh, listener, tmp_path):
    certificate, key = authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener.server.socket = context.wrap_socket(listener.server.socket, server_side=True)
    sns = fresh(environment={"SSL_CERT_FILE": str(certificate)}).client("sns")
    arn = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="https", Endpoint=listener.url.replace("http://127.0.0.1", "https://localhost") + "/h")
    [document] = eventually(lambda: listener.documents("SubscriptionConfirmation"))
    sns.confirm_subscription(TopicArn=arn, Token=document["Token"])
    sns.publish(TopicArn=arn, Message="safe")
    [document] = eventually(lambda: listener.documents("Notification"))
    assert document["Message"] == "safe"
