"""`kill -9` under load, again and again: every acknowledged message is received or ends in the dead-letter queue, groups stay in
order, and a message keeps its id.

FOGBANK_SQS_ROUNDS sets how often (10), FOGBANK_SEED which moments. The ledger is kept here, outside the platform.
"""

import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import ACCOUNT, REGION, Platform

ROUNDS = int(os.environ.get("FOGBANK_SQS_ROUNDS", 10))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
SENDERS, RECEIVERS, GROUPS = 4, 2, 5


class Ledger:
    """What the platform has acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.number = 0
        # By body: what was asked for, the id that was answered, and the ids under which it was received.
        self.asked, self.sent, self.received = set(), {}, {}
        # What a delete was asked for, and what was answered.
        self.deleting, self.deleted = set(), set()
        self.wrong = []

    def next(self, word):
        with self.lock:
            self.number += 1
            body = f"{word}-{self.number:08}"
            self.asked.add(body)
            return body

    def note(self, messages):
        with self.lock:
            for message in messages:
                body = message["Body"]
                self.received.setdefault(body, set()).add(message["MessageId"])
                if body in self.deleted:
                    self.wrong.append(f"{body} came after its deletion was acknowledged")
                if body not in self.asked:
                    self.wrong.append(f"{body} was never sent")


class Load:
    """Senders and receivers that go on until the platform dies."""

    def __init__(self, ledger, urls):
        self.ledger, self.urls = ledger, urls

    def run(self, platform, seed):
        jobs = [(self.send, number) for number in range(SENDERS)] + [(self.receive, number) for number in range(RECEIVERS)]
        threads = [threading.Thread(target=self.guard, args=(platform, job, seed * 100 + number)) for job, number in jobs]
        for thread in threads:
            thread.start()
        return threads

    def guard(self, platform, job, seed):
        client = platform.client("sqs", read_timeout=10)
        rng = random.Random(seed)
        try:
            while True:
                job(client, rng)
        except (BotoCoreError, ConnectionError):
            return
        except ClientError as error:
            self.ledger.wrong.append(str(error))

    def send(self, client, rng):
        ledger = self.ledger
        if rng.random() < 0.4:
            # Each sender has groups of its own, so that it knows their order.
            group = f"{threading.get_ident()}-{rng.randrange(GROUPS)}"
            body = ledger.next(f"fifo/{group}/")
            answer = client.send_message(QueueUrl=self.urls["fifo"], MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
            ledger.sent[body] = answer["MessageId"]
        else:
            entries = [{"Id": str(at), "MessageBody": ledger.next("plain")} for at in range(rng.randint(1, 5))]
            answer = client.send_message_batch(QueueUrl=self.urls["plain"], Entries=entries)
            for entry, sent in zip(entries, answer["Successful"], strict=True):
                ledger.sent[entry["MessageBody"]] = sent["MessageId"]

    def receive(self, client, rng):
        name = rng.choice(["plain", "plain", "fifo", "dead"])
        url, ledger = self.urls[name], self.ledger
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=rng.choice([0, 1])).get("Messages", [])
        ledger.note(messages)
        # Most are left, so that they come again or are given up.
        for message in messages:
            if name == "dead" or rng.random() < 0.4:
                ledger.deleting.add(message["Body"])
                try:
                    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                except ClientError as error:
                    # Only a FIFO queue's handle can have expired.
                    assert name == "fifo" and "expired" in str(error), error
                else:
                    # A standard message that was received with a timeout of 0 may have gone to the dead-letter queue meanwhile.
                    if name != "plain":
                        ledger.deleted.add(message["Body"])


def drain(client, url, ledger):
    """Receives and deletes until nothing is left, waiting for what is in flight."""
    found = []
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    while True:
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", [])
        ledger.note(messages)
        found += [message["Body"] for message in messages]
        for message in messages:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        counted = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if not messages and not any(int(count) for count in counted.values()):
            return found


@pytest.mark.alone
def test_no_acknowledged_message_is_lost_whenever_the_platform_dies(tmp_path):
    rng, ledger = random.Random(SEED), Ledger()
    platform = Platform(tmp_path / "data").start()
    try:
        client = platform.client("sqs")
        dead = client.create_queue(QueueName="dead")["QueueUrl"]
        policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": 4}
        plain = client.create_queue(QueueName="plain", Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
        fifo = client.create_queue(QueueName="fifo.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        load = Load(ledger, {"plain": plain, "fifo": fifo, "dead": dead})
        for number in range(ROUNDS):
            threads = load.run(platform, number)
            # Not a wait for anything: the moment is what is tried out.
            time.sleep(rng.uniform(0.2, 0.8))
            platform.kill()
            for thread in threads:
                thread.join()
            platform.start()
            assert not ledger.wrong, ledger.wrong[:5]
        client = platform.client("sqs")
        in_order = drain(client, fifo, ledger)
        drain(client, plain, ledger)
        drain(client, dead, ledger)
    finally:
        if platform.process.poll() is None:
            platform.kill()
    assert not ledger.wrong, ledger.wrong[:5]
    assert len(ledger.sent) > ROUNDS * 10, "the load was one"
    lost = ledger.sent.keys() - ledger.received.keys()
    assert not lost, f"{len(lost)} of {len(ledger.sent)} acknowledged messages are lost: {sorted(lost)[:5]}"
    # Whatever was never asked to be deleted is received at the end; and each under the id that its sender was told.
    for body, ids in ledger.received.items():
        assert len(ids) == 1 and ledger.sent.get(body, next(iter(ids))) in ids, (body, ids)
    for group in {body.split("/")[1] for body in in_order}:
        bodies = [body for body in in_order if body.split("/")[1] == group]
        assert bodies == sorted(bodies), bodies
