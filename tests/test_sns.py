"""SNS: topics, subscriptions, devices and their settings through boto3, templates, and the aws CLI."""

import base64
import json
import subprocess
import urllib.request

import pytest
from conftest import ACCOUNT, REGION, Platform, error_of, unique
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

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
