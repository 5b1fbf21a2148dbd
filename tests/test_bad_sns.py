"""Requests to SNS that are wrong: each is refused with AWS's code, and nothing has changed."""

import json

import pytest
from conftest import ACCOUNT, REGION, error_of, unique

INVALID, VALUE, NONE = "InvalidParameter", "ParameterValueInvalid", "NotFound"
ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


@pytest.fixture(scope="module")
def house(platform):
    """A standard topic with a subscription, a FIFO topic, and what there is of them."""
    client = platform.client("sns", parameter_validation=False)
    stem = unique("bad")
    plain = client.create_topic(Name=stem)["TopicArn"]
    fifo = client.create_topic(Name=f"{stem}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    one = client.subscribe(TopicArn=plain, Protocol="sqs", Endpoint=QUEUE + "none")["SubscriptionArn"]
    topics = client.list_topics()["Topics"]
    yield {"client": client, "PLAIN": plain, "FIFO": fifo, "ONE": one}
    assert client.list_topics()["Topics"] == topics
    assert [found["SubscriptionArn"] for found in client.list_subscriptions_by_topic(TopicArn=plain)["Subscriptions"]] == [one]
    assert client.list_subscriptions_by_topic(TopicArn=fifo)["Subscriptions"] == []
    client.delete_topic(TopicArn=plain)
    client.delete_topic(TopicArn=fifo)


def create(name="new-topic", **attributes):
    return "create_topic", {"Name": name, "Attributes": attributes}


def change(name, value, topic="PLAIN"):
    return "set_topic_attributes", {"TopicArn": topic, "AttributeName": name, "AttributeValue": value}


def subscribe(protocol="sqs", endpoint=QUEUE + "q", topic="PLAIN", **attributes):
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
    return "subscribe", {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint, "Attributes": attributes}


def filtered(policy, **more):
    return subscribe(FilterPolicy=policy, **more)


def adjust(name, value, subscription="ONE"):
    value = value if isinstance(value, str) else json.dumps(value)
    return "set_subscription_attributes", {"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}


def publish(message="x", topic="PLAIN", **more):
    return "publish", {"TopicArn": topic, "Message": message, **more}


def attribute(name="a", **value):
    return publish(MessageAttributes={name: value})


def batch(*entries, topic="PLAIN"):
    return "publish_batch", {"TopicArn": topic, "PublishBatchRequestEntries": list(entries)}


def entry(name, message="x", **more):
    return {"Id": name, "Message": message, **more}


ELEMENTS = "An ARN must have at least 6 elements, not 1"
FIFO = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}

# What is called with what, the code that is right, and a piece of the message.
CALLS = {
    "name: empty": (create(""), INVALID, "Invalid parameter: Topic Name"),
    "name: a dot": (create("a.b"), INVALID, "Invalid parameter: Topic Name"),
    "name: too long": (create("t" * 257), INVALID, "Invalid parameter: Topic Name"),
    "name: fifo without the attribute": (create("new.fifo"), INVALID, "Invalid parameter: Topic Name"),
    "name: no fifo with the attribute": (create("new", FifoTopic="true"), INVALID, "Fifo Topic names must end with .fifo"),
    "create: unknown attribute": (create(Colour="red"), INVALID, "Attributes Reason: Unknown attribute Colour"),
    "create: fifo's attribute": (create(ContentBasedDeduplication="true"), INVALID, "Attributes Reason"),
    "create: aws's tag": (("create_topic", {"Name": "n", "Tags": [{"Key": "aws:x", "Value": "y"}]}), INVALID, "Tags Reason"),
    "create: no name": (("create_topic", {}), "ValidationError", "'name'"),
    "topic: no ARN": (("get_topic_attributes", {"TopicArn": "x"}), INVALID, f"Invalid parameter: TopicArn Reason: {ELEMENTS}"),
    "topic: another service's": (("get_topic_attributes", {"TopicArn": QUEUE + "q"}), INVALID, "Invalid parameter: TopicArn"),
    "topic: another region's": (
        ("get_topic_attributes", {"TopicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"}), INVALID, "Invalid parameter: TopicArn",
    ),
    "topic: another account's": (
        publish(topic=f"arn:aws:sns:{REGION}:111111111111:t"), "AuthorizationError", "is not authorized to perform: SNS:Publish on resource",
    ),
    "topic: none": (publish(topic=ARN + "none-such"), NONE, "Topic does not exist"),
    "topic: list of none": (("list_subscriptions_by_topic", {"TopicArn": ARN + "none-such"}), NONE, "Topic does not exist"),
    "topic: bad token": (("list_topics", {"NextToken": "%"}), INVALID, "NextToken"),
    "attribute: unknown": (change("Colour", "red"), INVALID, "Invalid parameter: AttributeName"),
    "attribute: fifo": (change("FifoTopic", "true"), INVALID, "Invalid parameter: AttributeName"),
    "attribute: policy": (change("Policy", "no document"), INVALID, "Policy"),
    "attribute: signature": (change("SignatureVersion", "3"), INVALID, "SignatureVersion"),
    "attribute: tracing": (change("TracingConfig", "On"), INVALID, "TracingConfig"),
    "attribute: long name": (change("DisplayName", "x" * 101), INVALID, "DisplayName"),
    "attribute: delivery": (
        change("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 101}}}'), INVALID, "numRetries",
    ),
    "tags: no topic": (("list_tags_for_resource", {"ResourceArn": ARN + "none-such"}), "ResourceNotFound", "Resource does not exist"),
    "tags: too many": (
        ("tag_resource", {"ResourceArn": "PLAIN", "Tags": [{"Key": f"k{number}", "Value": ""} for number in range(51)]}),
        "TagLimitExceeded", "tag quota of per resource exceeded",
    ),
    "permission: account": (
        ("add_permission", {"TopicArn": "PLAIN", "Label": "l", "AWSAccountId": ["1"], "ActionName": ["Publish"]}), INVALID, "AWSAccountId",
    ),
    "permission: action": (
        ("add_permission", {"TopicArn": "PLAIN", "Label": "l", "AWSAccountId": [ACCOUNT], "ActionName": ["Fly"]}),
        INVALID, "Policy statement action out of service scope!",
    ),
    "protocol": (subscribe("pigeon"), INVALID, "Amazon SNS does not support this protocol string: pigeon"),
    "protocol: none": (("subscribe", {"TopicArn": "PLAIN"}), "ValidationError", "'protocol'"),
    "endpoint: queue": (subscribe("sqs", "q"), INVALID, "Invalid parameter: SQS endpoint ARN"),
    "endpoint: function": (subscribe("lambda", "f"), INVALID, "Invalid parameter: Lambda endpoint ARN"),
    "endpoint: http": (subscribe("http", "https://x"), INVALID, "Invalid parameter: Endpoint must match the specified protocol"),
    "endpoint: https": (subscribe("https", "http://x"), INVALID, "Invalid parameter: Endpoint must match the specified protocol"),
    "endpoint: no host": (subscribe("http", "http://"), INVALID, "Invalid parameter: Endpoint"),
    "endpoint: letters": (subscribe("email", "nobody"), INVALID, "Invalid parameter: Email address"),
    "endpoint: number": (subscribe("sms", "abc"), INVALID, "Invalid SMS endpoint: abc"),
    "endpoint: device": (subscribe("application", "x"), INVALID, "Application endpoint arn invalid"),
    "endpoint: a fifo queue": (
        subscribe("sqs", QUEUE + "q.fifo"), INVALID,
        "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
    ),
    "endpoint: a function to a fifo topic": (
        subscribe("lambda", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", "FIFO"), INVALID, "FIFO",
    ),
    "subscribe: no topic": (subscribe(topic=ARN + "none-such"), NONE, "Topic does not exist"),
    "subscribe: unknown attribute": (subscribe(Colour="red"), INVALID, "Unknown attribute: Colour"),
    "subscribe: raw": (subscribe(RawMessageDelivery="maybe"), INVALID, "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
    "subscribe: scope": (subscribe(FilterPolicyScope="Both"), INVALID, "FilterPolicyScope: Invalid value [Both]"),
    "subscribe: raw function": (
        subscribe("lambda", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", RawMessageDelivery="true"), INVALID, "does not support raw",
    ),
    "subscribe: firehose without a role": (
        subscribe("firehose", f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/d"), INVALID, "SubscriptionRoleArn",
    ),
    "filter: no JSON": (filtered("x"), INVALID, "Invalid parameter: Attributes Reason: FilterPolicy: failed to parse JSON."),
    "filter: a text": (filtered({"a": "x"}), INVALID, '"a" must be an object or an array'),
    "filter: a list in a list": (filtered({"a": [["x"]]}), INVALID, "Match value must be String, number, true, false, or null"),
    "filter: unknown": (filtered({"a": [{"begins": "x"}]}), INVALID, "Unrecognized match type begins"),
    "filter: nested": (
        filtered({"a": {"b": ["x"]}}), INVALID, "Filter policy scope MessageAttributes does not support nested filter policy",
    ),
    "filter: keys": (filtered({f"k{number}": ["x"] for number in range(6)}), INVALID, "Filter policy can not have more than 5 keys"),
    "filter: combinations": (filtered({"a": list(range(16)), "b": list(range(10))}), INVALID, "Filter policy is too complex"),
    "filter: exists": (filtered({"a": [{"exists": "x"}]}), INVALID, "exists match pattern must be either true or false."),
    "filter: numeric": (filtered({"a": [{"numeric": [">", 2, "<", 1]}]}), INVALID, "Bottom must be less than top"),
    "redrive: no queue": (subscribe(RedrivePolicy={"deadLetterTargetArn": "x"}), INVALID, "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
    "redrive: no JSON": (subscribe(RedrivePolicy="x"), INVALID, "RedrivePolicy: failed to parse JSON."),
    "redrive: no target": (subscribe(RedrivePolicy={}), INVALID, "RedrivePolicy: deadLetterTargetArn is required"),
    "delivery: for a queue": (subscribe(DeliveryPolicy={}), INVALID, "does not support delivery policies"),
    "subscription: no ARN": (
        ("get_subscription_attributes", {"SubscriptionArn": "x"}), INVALID, f"Invalid parameter: SubscriptionArn Reason: {ELEMENTS}",
    ),
    "subscription: a topic's ARN": (("get_subscription_attributes", {"SubscriptionArn": "PLAIN"}), INVALID, "SubscriptionArn"),
    "subscription: none": (
        ("get_subscription_attributes", {"SubscriptionArn": "PLAIN:6f1ed002-ab5a-4b0a-b7b5-5a40c7a3a1b1"}), NONE, "Subscription does not exist",
    ),
    "unsubscribe: pending": (
        ("unsubscribe", {"SubscriptionArn": "PendingConfirmation"}), INVALID, f"Invalid parameter: SubscriptionArn Reason: {ELEMENTS}",
    ),
    "adjust: unknown": (adjust("Colour", "red"), INVALID, "Invalid parameter: AttributeName"),
    "adjust: filter": (adjust("FilterPolicy", {"a": "x"}), INVALID, 'Invalid parameter: FilterPolicy: "a" must be an object or an array'),
    "adjust: redrive": (adjust("RedrivePolicy", "x"), INVALID, "Invalid parameter: RedrivePolicy: failed to parse JSON."),
    "adjust: replay": (adjust("ReplayPolicy", "{}"), INVALID, "ReplayPolicy"),
    "confirm: token": (("confirm_subscription", {"TopicArn": "PLAIN", "Token": "x"}), INVALID, "Invalid parameter: Token"),
    "confirm: made-up token": (("confirm_subscription", {"TopicArn": "PLAIN", "Token": "a" * 96}), INVALID, "Invalid parameter: Token"),
    "confirm: no topic": (("confirm_subscription", {"TopicArn": ARN + "none-such", "Token": "x"}), NONE, "Topic does not exist"),
    "publish: to nobody": (
        ("publish", {"Message": "x"}), INVALID, "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter",
    ),
    "publish: empty": (publish(""), INVALID, "Invalid parameter: Empty message"),
    "publish: too long": (publish("x" * (256 * 1024 + 1)), INVALID, "Invalid parameter: Message too long"),
    "publish: too long with its attributes": (
        publish("x" * (256 * 1024 - 2), MessageAttributes={"a": {"DataType": "String", "StringValue": "xx"}}), INVALID, "Message too long",
    ),
    "publish: subject of two lines": (publish(Subject="a\nb"), INVALID, "Invalid parameter: Subject"),
    "publish: long subject": (publish(Subject="x" * 101), INVALID, "Invalid parameter: Subject"),
    "publish: empty subject": (publish(Subject=""), INVALID, "Invalid parameter: Subject"),
    "publish: structure": (publish(MessageStructure="xml"), INVALID, "Invalid parameter: MessageStructure"),
    "publish: structure that is none": (
        publish("x", MessageStructure="json"), INVALID, "Invalid parameter: Message Structure - JSON message body failed to parse",
    ),
    "publish: no default": (
        publish('{"sqs": "x"}', MessageStructure="json"), INVALID, "Invalid parameter: Message Structure - No default entry in JSON message body",
    ),
    "publish: number": (
        ("publish", {"PhoneNumber": "+abc", "Message": "x"}), INVALID, "Invalid parameter: PhoneNumber Reason: +abc is not valid to publish to",
    ),
    "publish: no group": (publish(topic="FIFO"), INVALID, "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"),
    "publish: no deduplication": (
        publish(topic="FIFO", MessageGroupId="g"), INVALID,
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    ),
    "publish: deduplication": (publish(MessageDeduplicationId="d"), INVALID, "Invalid parameter: MessageDeduplicationId Reason"),
    "publish: long group": (publish(topic="FIFO", **{**FIFO, "MessageGroupId": "g" * 129}), INVALID, "MessageGroupId"),
    "attribute: type": (attribute(DataType="Text", StringValue="x"), VALUE, "has an invalid message attribute type, the set of supported type"),
    "attribute: no type": (attribute(DataType="", StringValue="x"), VALUE, "must contain non-empty message attribute type"),
    "attribute: empty": (attribute(DataType="String", StringValue=""), VALUE, "must contain non-empty message attribute value"),
    "attribute: none": (attribute(DataType="Binary"), VALUE, "must contain non-empty message attribute value"),
    "attribute: number": (attribute(DataType="Number", StringValue="x"), VALUE, "Could not cast message attribute 'a' value to number."),
    "attribute: field": (attribute(DataType="Binary", StringValue="x"), VALUE, "with type 'Binary' must use field 'Binary'"),
    "attribute: name": (attribute("a b", DataType="String", StringValue="x"), VALUE, "a b"),
    "attribute: reserved": (attribute("AWS.x", DataType="String", StringValue="x"), VALUE, "AWS."),
    "batch: empty": (batch(), "EmptyBatchRequest", "The batch request doesn't contain any entries."),
    "batch: too many": (batch(*(entry(str(number)) for number in range(11))), "TooManyEntriesInBatchRequest", "more entries than permissible"),
    "batch: the same twice": (batch(entry("a"), entry("a")), "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."),
    "batch: id": (batch(entry("a b")), "InvalidBatchEntryId", "doesn't abide by the specification"),
    "batch: too long": (batch(entry("a", "x" * 140_000), entry("b", "x" * 140_000)), "BatchRequestTooLong", "more than the limit"),
    "batch: no topic": (batch(entry("a"), topic=ARN + "none-such"), NONE, "Topic does not exist"),
    "batch: no group": (batch(entry("a"), topic="FIFO"), INVALID, "The MessageGroupId parameter is required for FIFO topics"),
    "application: platform": (
        ("create_platform_application", {"Name": "n", "Platform": "PIGEON", "Attributes": {}}), INVALID, "Platform",
    ),
    "application: none": (
        ("get_platform_application_attributes", {"PlatformApplicationArn": ARN + "app/GCM/none"}), NONE, "PlatformApplication does not exist",
    ),
    "device: none": (("get_endpoint_attributes", {"EndpointArn": ARN + "endpoint/GCM/none/1"}), NONE, "Endpoint does not exist"),
    "texts: setting": (("set_sms_attributes", {"attributes": {"Colour": "red"}}), INVALID, "Colour"),
    "texts: number": (("check_if_phone_number_is_opted_out", {"phoneNumber": "abc"}), INVALID, "PhoneNumber"),
    "texts: sandbox": (("delete_sms_sandbox_phone_number", {"PhoneNumber": "+15550000000"}), "ResourceNotFound", "does not exist"),
}


@pytest.mark.parametrize("case", CALLS)
def test_is_refused(house, case):
    (operation, arguments), code, words = CALLS[case]
    filled = json.loads(json.dumps(arguments))
    for name, value in filled.items():
        if isinstance(value, str):
            head, _, rest = value.partition(":")
            filled[name] = house.get(value, house[head] + ":" + rest if head in house and rest else value)
    found, message = error_of(getattr(house["client"], operation), **filled)
    assert (found, words in message) == (code, True), f"{found}: {message}"
