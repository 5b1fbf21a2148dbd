"""`kill -9` under load, again and again, over everything that carries a message: queue, topic, bus, schedule, object notification and asynchronous
call. Every acknowledged message reaches its consumer or its dead-letter queue, groups stay in order, and a message that comes twice has the
same id.

FOGBANK_KILL_ROUNDS sets how often (20; 300 for a release), FOGBANK_SEED which moments. The ledger is kept here, outside the platform, and what
the consumers got is read from queues whose messages only this test deletes. With the store's commits made without a sync (redb's
`Durability::None`, which a killed process loses) the test fails in its first rounds.
"""

import datetime
import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import ACCOUNT, REGION, ROLE, Platform, package

ROUNDS = int(os.environ.get("FOGBANK_KILL_ROUNDS", 20))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
GROUPS = 4

# Tells the queue SINK about each thing that it is called with; fails where it is told to.
RELAY = """
import boto3, json, os

sqs = boto3.client("sqs")

def tell(word, id):
    sqs.send_message(QueueUrl=os.environ["SINK"], MessageBody=json.dumps({"word": word, "id": id}))

def handler(event, context):
    for record in event.get("Records", []):
        tell(record["body"], record["messageId"])
    if "word" in event:
        if event["fail"]:
            raise ValueError(event["word"])
        tell(event["word"], context.aws_request_id)
"""


class Ledger:
    """What the platform has acknowledged, and what has arrived: words, and the ids they have."""

    def __init__(self):
        self.lock = threading.Lock()
        self.number = 0
        self.asked, self.acknowledged, self.arrived = set(), {}, {}
        self.order, self.wrong = {}, []

    def next(self, path):
        with self.lock:
            self.number += 1
            word = f"{path}-{self.number:08}"
            self.asked.add(word)
            return word

    def acknowledge(self, word, id=None):
        with self.lock:
            self.acknowledged[word] = id

    def note(self, word, id, group=None):
        with self.lock:
            if word not in self.asked:
                self.wrong.append(f"{word} was never sent")
            if group is not None and word not in self.arrived:
                self.order.setdefault(group, []).append(word)
            self.arrived.setdefault(word, set()).add(id)

    def missing(self):
        with self.lock:
            return sorted(self.acknowledged.keys() - self.arrived.keys())


def arn(service, resource):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def url(platform, name):
    return f"{platform.endpoint}/{ACCOUNT}/{name}"


def prepare(platform):
    """Everything that carries messages, each with its way to the queue `sink`."""
    client = platform.client
    sqs = client("sqs")
    for name in ("sink", "letters"):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})
    redrive = json.dumps({"deadLetterTargetArn": arn("sqs", "letters"), "maxReceiveCount": 50})
    sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "5", "RedrivePolicy": redrive})
    sqs.create_queue(QueueName="order.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "2"})
    functions = client("lambda")
    functions.create_function(
        FunctionName="relay",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Timeout=5,
        Code={"ZipFile": package({"app.py": RELAY})},
        Environment={"Variables": {"SINK": f"http://localhost/{ACCOUNT}/sink"}},
        DeadLetterConfig={"TargetArn": arn("sqs", "letters")},
    )
    functions.create_event_source_mapping(FunctionName="relay", EventSourceArn=arn("sqs", "work"))
    topic = client("sns").create_topic(Name="news")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "sink"))
    events = client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["test"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "sink", "Arn": arn("sqs", "sink")}])
    s3 = client("s3")
    s3.create_bucket(Bucket="things")
    notify = {"QueueConfigurations": [{"QueueArn": arn("sqs", "sink"), "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket="things", NotificationConfiguration=notify)


class Senders:
    """One way each; every one goes on until the platform dies."""

    def __init__(self, ledger):
        self.ledger = ledger

    def queue(self, platform, rng):
        sqs, word = platform.client("sqs", read_timeout=10), None
        while True:
            word = self.ledger.next("queue")
            self.ledger.acknowledge(word, sqs.send_message(QueueUrl=url(platform, "work"), MessageBody=word)["MessageId"])

    def fifo(self, platform, rng):
        sqs = platform.client("sqs", read_timeout=10)
        while True:
            group = str(rng.randrange(GROUPS))
            word = self.ledger.next(f"fifo/{group}/")
            sent = sqs.send_message(
                QueueUrl=url(platform, "order.fifo"), MessageBody=word, MessageGroupId=group, MessageDeduplicationId=word
            )
            self.ledger.acknowledge(word, sent["MessageId"])

    def topic(self, platform, rng):
        sns = platform.client("sns", read_timeout=10)
        while True:
            word = self.ledger.next("topic")
            self.ledger.acknowledge(word, sns.publish(TopicArn=arn("sns", "news"), Message=word)["MessageId"])

    def bus(self, platform, rng):
        events = platform.client("events", read_timeout=10)
        while True:
            words = [self.ledger.next("bus") for _ in range(rng.randint(1, 4))]
            entries = [{"Source": "test", "DetailType": "t", "Detail": json.dumps({"word": word})} for word in words]
            answer = events.put_events(Entries=entries)
            for word, entry in zip(words, answer["Entries"], strict=True):
                self.ledger.acknowledge(word, entry["EventId"])

    def schedule(self, platform, rng):
        scheduler = platform.client("scheduler", read_timeout=10)
        while True:
            word = self.ledger.next("schedule")
            at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=rng.choice([0, 1, 2]))
            scheduler.create_schedule(
                Name=word,
                ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={"Arn": arn("sqs", "sink"), "RoleArn": ROLE, "Input": json.dumps({"word": word})},
            )
            self.ledger.acknowledge(word)
            time.sleep(0.01)

    def object(self, platform, rng):
        s3 = platform.client("s3", read_timeout=10)
        while True:
            word = self.ledger.next("object")
            s3.put_object(Bucket="things", Key=word, Body=word.encode())
            self.ledger.acknowledge(word)

    def call(self, platform, rng):
        functions = platform.client("lambda", read_timeout=10)
        while True:
            word = self.ledger.next("call")
            event = json.dumps({"word": word, "fail": rng.random() < 0.2})
            sent = functions.invoke(FunctionName="relay", InvocationType="Event", Payload=event)
            self.ledger.acknowledge(word, sent["ResponseMetadata"]["RequestId"])
            time.sleep(0.01)


def read_sink(message):
    """The word and the id of what arrived, whichever way it came."""
    body = json.loads(message["Body"])
    if "word" in body:
        # A relayed message has its own id; a schedule's is the queue's.
        return body["word"], body.get("id", message["MessageId"])
    if body.get("Type") == "Notification":
        return body["Message"], body["MessageId"]
    if "detail" in body:
        return body["detail"]["word"], body["id"]
    if body.get("Event") == "s3:TestEvent":
        return None, None
    record = body["Records"][0]["s3"]["object"]
    return record["key"], record["sequencer"]


def read_letter(message):
    """A dead letter is the event, or the message, as it was."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return message["Body"], message["MessageId"]
    return body["word"], message["MessageAttributes"]["RequestID"]["StringValue"]


class Consumer:
    """Reads one queue; a message is deleted once it is in the ledger."""

    def __init__(self, ledger, name, read):
        self.ledger, self.name, self.read = ledger, name, read

    def run(self, platform, wait=1):
        sqs = platform.client("sqs", read_timeout=10)
        while self.step(sqs, platform, wait):
            pass

    def step(self, sqs, platform, wait):
        queue = url(platform, self.name)
        got = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait,
            MessageAttributeNames=["All"],
            AttributeNames=["MessageGroupId"],
        ).get("Messages", [])
        for message in got:
            word, id = self.read(message)
            if word:
                self.ledger.note(word, id, message.get("Attributes", {}).get("MessageGroupId"))
        if got:
            entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(got)]
            sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
        return True


def guarded(ledger, job, *arguments):
    try:
        job(*arguments)
    except (BotoCoreError, ConnectionError):
        pass
    except ClientError as error:
        ledger.wrong.append(str(error))
    except Exception as error:
        ledger.wrong.append(repr(error))


@pytest.mark.alone
def test_what_was_acknowledged_arrives_whenever_the_platform_dies(tmp_path):
    rng, ledger = random.Random(SEED), Ledger()
    platform = Platform(tmp_path / "data", "--retry-seconds", "0").start()
    senders = Senders(ledger)
    consumers = [
        Consumer(ledger, "sink", read_sink),
        Consumer(ledger, "letters", read_letter),
        Consumer(ledger, "order.fifo", lambda message: (message["Body"], message["MessageId"])),
    ]
    ways = [senders.queue, senders.fifo, senders.topic, senders.bus, senders.schedule, senders.object, senders.call]
    try:
        prepare(platform)
        for number in range(ROUNDS):
            jobs = [(way, platform, random.Random(SEED * 1000 + number)) for way in ways]
            jobs += [(consumer.run, platform) for consumer in consumers]
            threads = [threading.Thread(target=guarded, args=(ledger, *job)) for job in jobs]
            for thread in threads:
                thread.start()
            # Not a wait for anything: the moment is what is tried out.
            time.sleep(rng.uniform(0.3, 1.2))
            platform.kill()
            for thread in threads:
                thread.join()
            platform.start()
            assert not ledger.wrong, ledger.wrong[:5]
        # Many rounds leave much to be done; as long as it becomes less, nothing is lost.
        sqs, left, deadline = platform.client("sqs"), len(ledger.missing()), time.monotonic() + 60
        while left and time.monotonic() < deadline:
            for consumer in consumers:
                consumer.step(sqs, platform, 0)
            if len(ledger.missing()) < left:
                left, deadline = len(ledger.missing()), time.monotonic() + 60
    finally:
        if platform.process.poll() is None:
            platform.kill()
    assert not ledger.wrong, ledger.wrong[:5]
    lost = ledger.missing()
    assert not lost, f"{len(lost)} of {len(ledger.acknowledged)} acknowledged messages are lost: {lost[:10]}"
    ways = {word.split("-")[0].split("/")[0] for word in ledger.acknowledged}
    assert ways == {"queue", "fifo", "topic", "bus", "schedule", "object", "call"}, "every way was loaded"
    for word, ids in ledger.arrived.items():
        assert len(ids) == 1, f"{word} came under different ids: {ids}"
        told = ledger.acknowledged.get(word)
        assert told is None or told in ids, f"{word} was acknowledged as {told} and came as {ids}"
    for group, words in ledger.order.items():
        assert words == sorted(words), f"group {group} is out of order"
    print(f"{len(ledger.acknowledged)} acknowledged messages over {ROUNDS} rounds: none lost")
