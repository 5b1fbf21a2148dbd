"""`kill -9` under load, again and again: every acknowledged message is in every queue that is subscribed, once or more, and FIFO groups stay in order.

FOGBANK_SNS_ROUNDS sets how often (6), FOGBANK_SEED which moments. The ledger is kept here, outside the platform.
"""

import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import ACCOUNT, REGION, Platform

ROUNDS = int(os.environ.get("FOGBANK_SNS_ROUNDS", 6))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
PUBLISHERS = 3
# Of the large topic: more than one transaction serves.
MANY = 70


def publisher(platform, topics, acknowledged, wrong, number):
    """Publishes until the platform dies."""
    client = platform.client("sns", read_timeout=10)
    rng = random.Random(number)
    try:
        for count in range(1_000_000):
            name = rng.choice(list(topics))
            body = f"{number:04}-{count:06}"
            options = {"MessageGroupId": f"g{number}", "MessageDeduplicationId": body} if name == "fifo" else {}
            if rng.random() < 0.3:
                entries = [{"Id": str(at), "Message": f"{body}.{at}", **options} for at in range(3)]
                if options:
                    entries = [{**entry, "MessageDeduplicationId": entry["Message"]} for entry in entries]
                done = client.publish_batch(TopicArn=topics[name], PublishBatchRequestEntries=entries)
                assert not done["Failed"]
                acknowledged[name].update(entry["Message"] for entry in entries)
            else:
                client.publish(TopicArn=topics[name], Message=body, **options)
                acknowledged[name].add(body)
    except (BotoCoreError, ConnectionError):
        return
    except (ClientError, AssertionError) as error:
        wrong.append(str(error))


def drain(client, url):
    found = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [message["Body"] for message in messages]
        entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
        client.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


@pytest.mark.alone
def test_no_acknowledged_message_is_lost_whenever_the_platform_dies(tmp_path):
    rng, wrong = random.Random(SEED), []
    acknowledged = {"plain": set(), "fifo": set(), "large": set()}
    platform = Platform(tmp_path / "data").start()
    try:
        sns, sqs = platform.client("sns"), platform.client("sqs")
        topics, queues = {}, {}
        for name, count in [("plain", 2), ("fifo", 2), ("large", MANY)]:
            suffix, options = (".fifo", {"FifoTopic": "true"}) if name == "fifo" else ("", {})
            topics[name] = sns.create_topic(Name=name + suffix, Attributes=options)["TopicArn"]
            queues[name] = [f"{name}{number}{suffix}" for number in range(count)]
            for queue in queues[name]:
                sqs.create_queue(QueueName=queue, Attributes={"FifoQueue": "true"} if suffix else {})
                endpoint = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
                sns.subscribe(TopicArn=topics[name], Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"})
        for number in range(ROUNDS):
            jobs = [(platform, topics, acknowledged, wrong, number * PUBLISHERS + one) for one in range(PUBLISHERS)]
            threads = [threading.Thread(target=publisher, args=job) for job in jobs]
            for thread in threads:
                thread.start()
            # Not a wait for anything: the moment is what is tried out.
            time.sleep(rng.uniform(0.2, 0.8))
            platform.kill()
            for thread in threads:
                thread.join()
            platform.start()
            assert not wrong, wrong[:5]
        sns, sqs = platform.client("sns"), platform.client("sqs")
        url = lambda queue: f"{platform.endpoint}/{ACCOUNT}/{queue}"  # noqa: E731
        # What was left of large messages comes in the order of the queue of work, so the last one to arrive is this one.
        sns.publish(TopicArn=topics["large"], Message="last")
        received = {queue: [] for names in queues.values() for queue in names}
        end = time.monotonic() + 60
        while not all("last" in received[queue] for queue in queues["large"]) and time.monotonic() < end:
            for queue in queues["large"]:
                received[queue] += drain(sqs, url(queue))
        for name, names in queues.items():
            for queue in names:
                received[queue] += drain(sqs, url(queue))
                lost = acknowledged[name] - set(received[queue])
                assert not lost, f"{queue}: {len(lost)} of {len(acknowledged[name])} are lost: {sorted(lost)[:5]}"
        for queue in queues["fifo"]:
            for group in {body[:4] for body in received[queue]}:
                bodies = [body for body in received[queue] if body.startswith(group)]
                assert bodies == sorted(set(bodies)), "in order, and once"
    finally:
        platform.kill()
    assert all(len(bodies) > ROUNDS for bodies in acknowledged.values()), "the load was one"
    print(json.dumps({name: len(bodies) for name, bodies in acknowledged.items()}))
