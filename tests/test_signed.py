"""Signed messages: who sent a message is recorded, signed, published and enforced. The receivers are those of docs/signed-messages.md."""

import base64
import json
import re
import subprocess

import pytest
from conftest import ROOT, ROLE, eventually, package, unique

PAGE = (ROOT / "docs/signed-messages.md").read_text()


def snippet(language):
    """The page's receiver in a language, as it stands there."""
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.S).group(1)


def verify_in_python(keys, signature, body):
    space = {}
    exec(snippet("python"), space)
    return space["verify"](keys, signature, body)


def verify_in_node(keys, signature, body):
    code = snippet("javascript") + "\nconst [keys, signature, body] = JSON.parse(require('fs').readFileSync(0));\n"
    code += "try { console.log(JSON.stringify(verify(keys, signature, body))); } catch (error) { console.log('null'); }\n"
    done = subprocess.run(["node", "-e", code], input=json.dumps([keys, signature, body]), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def published(platform):
    status, headers, body = platform.http("GET", "/_fogbank/jwks.json")
    assert status == 200 and headers["content-type"] == "application/json"
    return json.loads(body)


@pytest.fixture
def queue(aws):
    def make(**tags):
        sqs = aws("sqs")
        url = sqs.create_queue(QueueName=unique(), tags={key.replace("__", ":"): value for key, value in tags.items()})["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    return make


ROOT_ARN = "arn:aws:iam::000000000000:root"


@pytest.mark.parametrize("verify", [verify_in_python, verify_in_node])
def test_a_receiver_verifies_sender_and_body(platform, aws, queue, verify):
    sqs, (url, arn) = aws("sqs"), queue()
    sent = sqs.send_message(QueueUrl=url, MessageBody="päid")
    names = ["FogbankSender", "FogbankSignature"]
    message = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=names)["Messages"][0]
    attributes = message["Attributes"]
    assert set(attributes) == set(names) and attributes["FogbankSender"] == ROOT_ARN
    keys = published(platform)
    claims = verify(keys, attributes["FogbankSignature"], message["Body"])
    assert (claims["sender"], claims["target"], claims["id"]) == (ROOT_ARN, arn, sent["MessageId"])
    header, signature = attributes["FogbankSignature"].split("..")
    changed = json.loads(base64.urlsafe_b64decode(header + "=="))
    changed["sender"] = "arn:aws:iam::000000000000:user/eve"
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    for signed, body in (
        (attributes["FogbankSignature"], "paid"),
        (f"{forged}..{signature}", message["Body"]),
        (f"{header}..{'A' * len(signature)}", message["Body"]),
    ):
        if verify is verify_in_python:
            with pytest.raises(Exception):
                verify(keys, signed, body)
        else:
            assert verify(keys, signed, body) is None


def test_all_does_not_ask_for_what_aws_does_not_have(aws, queue):
    sqs, (url, _) = aws("sqs"), queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    message = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"][0]
    assert not [name for name in message["Attributes"] if name.startswith("Fogbank")]


def test_a_function_gets_the_signatures_of_its_batch(platform, aws, make_function, queue):
    (url, arn), (out, _) = queue(), queue()
    sqs, client = aws("sqs"), aws("lambda")
    code = "import boto3, json, os\ndef handler(event, context):\n    boto3.client('sqs').send_message(QueueUrl=os.environ['OUT'], MessageBody=json.dumps(event['Records'][0]))\n"
    name = make_function(code, Timeout=5, Environment={"Variables": {"OUT": out}})
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    sqs.send_message(QueueUrl=url, MessageBody="order")
    message = sqs.receive_message(QueueUrl=out, WaitTimeSeconds=15, MessageSystemAttributeNames=["FogbankSender"])["Messages"][0]
    # What a function sends is signed as its role's.
    assert message["Attributes"]["FogbankSender"] == f"arn:aws:sts::000000000000:assumed-role/tests/{name}"
    record = json.loads(message["Body"])
    claims = verify_in_python(published(platform), record["attributes"]["FogbankSignature"], record["body"])
    assert (claims["sender"], record["attributes"]["FogbankSender"]) == (ROOT_ARN, ROOT_ARN)
    client.delete_event_source_mapping(UUID=mapping["UUID"])


def test_a_queue_takes_messages_of_listed_senders_only(aws, queue, make_function):
    url, _ = queue(fogbank__senders="arn:aws:sts::000000000000:assumed-role/tests/*")
    sqs, client = aws("sqs"), aws("lambda")
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=url, MessageBody="forged")
    error = refused.value.response["Error"]
    assert error["Code"] == "AccessDenied" and f"{ROOT_ARN} is not on the list of senders" in error["Message"]
    code = "import boto3\ndef handler(event, context):\n    boto3.client('sqs').send_message(QueueUrl=event, MessageBody='from the shop')\n"
    reply = client.invoke(FunctionName=make_function(code, Timeout=10), Payload=json.dumps(url))
    assert "FunctionError" not in reply, reply["Payload"].read()
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert message["Body"] == "from the shop"


def test_keys_outlive_a_restart(fresh):
    platform = fresh()
    before = published(platform)
    assert len(before["keys"]) == 1 and "d" not in before["keys"][0]
    platform.kill()
    platform.start()
    assert published(platform) == before
