"""`kill -9` under load: every event that was acknowledged is in its queue, and in the dead-letter queue of the target that is not there, once.

FOGBANK_EVENTS_ROUNDS sets how often (6), FOGBANK_SEED which moments. The ledger is kept here, outside the platform.
"""

import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError
from conftest import ACCOUNT, REGION, Platform

ROUNDS = int(os.environ.get("FOGBANK_EVENTS_ROUNDS", 6))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
SENDERS = 4
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


def send(platform, acknowledged, seed):
    client, rng = platform.client("events", read_timeout=10), random.Random(seed)
    try:
        while True:
            entries = [{"Source": "load", "DetailType": "t", "Detail": "{}"} for _ in range(rng.randint(1, 5))]
            answer = client.put_events(Entries=entries)
            assert answer["FailedEntryCount"] == 0
            acknowledged.extend(entry["EventId"] for entry in answer["Entries"])
    except (BotoCoreError, ConnectionError):
        return


def drain(client, url):
    found = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [json.loads(message["Body"])["id"] for message in messages]
        entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
        client.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


@pytest.mark.alone
def test_no_acknowledged_event_is_lost_or_doubled_whenever_the_platform_dies(tmp_path):
    rng, acknowledged = random.Random(SEED), []
    platform = Platform(tmp_path / "data").start()
    try:
        sqs, events = platform.client("sqs"), platform.client("events")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("taken", "dead")]
        events.put_rule(Name="r", EventPattern='{"source": ["load"]}')
        nobody = {"Id": "2", "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody", "DeadLetterConfig": {"Arn": ARN + "dead"}}
        events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": ARN + "taken"}, nobody])
        for number in range(ROUNDS):
            threads = [threading.Thread(target=send, args=(platform, acknowledged, number * 100 + at)) for at in range(SENDERS)]
            for thread in threads:
                thread.start()
            # Not a wait for anything: the moment is what is tried out.
            time.sleep(rng.uniform(0.2, 0.6))
            platform.kill()
            for thread in threads:
                thread.join()
            platform.start()
        sqs = platform.client("sqs")
        taken, dead = (drain(sqs, url) for url in urls)
    finally:
        if platform.process.poll() is None:
            platform.kill()
    assert len(acknowledged) > ROUNDS * 10, "the load was one"
    lost = set(acknowledged) - set(taken)
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged events are lost"
    assert sorted(taken) == sorted(dead) and len(set(taken)) == len(taken), "both targets have each event once"
