"""SNS' HTTP endpoints: they confirm, are sent notifications, and fail."""

import json
import re
import ssl
import threading
import time
import urllib.request

import boto3
import pytest
from conftest import REGION, eventually, unique
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from listener import Listener
from test_sns import queue, receive, sns, subscribe, text, topic, verify  # noqa: F401  (fixtures)


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


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
