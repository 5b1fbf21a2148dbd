"""`kill -9` under load, again and again: every acknowledged record is read once, under the number that its writer was told, and what one key
wrote is in order for whoever reads parents before their children.

FOGBANK_KINESIS_ROUNDS sets how often (10), FOGBANK_SEED which moments. The ledger is kept here, outside the platform.
"""

import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import Platform

ROUNDS = int(os.environ.get("FOGBANK_KINESIS_ROUNDS", 10))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
WRITERS, KEYS = 4, 3
STREAM = "ledger"
LAST_HASH = 2**128 - 1


class Ledger:
    """What the platform has acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.number = 0
        # By data: the key it was written with; and (shard, number) as it was answered.
        self.asked, self.written = {}, {}
        self.read_early = {}
        self.wrong = []

    def next(self, key):
        with self.lock:
            self.number += 1
            data = f"{key}/{self.number:08}"
            self.asked[data] = key
            return data


class Load:
    """Writers, a reader and one who splits and merges, until the platform dies."""

    def __init__(self, ledger):
        self.ledger = ledger

    def run(self, platform, seed):
        jobs = [(self.write, number) for number in range(WRITERS)] + [(self.reshard, WRITERS), (self.read, WRITERS + 1)]
        threads = [threading.Thread(target=self.guard, args=(platform, job, seed * 100 + number, number)) for job, number in jobs]
        for thread in threads:
            thread.start()
        return threads

    def guard(self, platform, job, seed, number):
        client = platform.client("kinesis", read_timeout=10)
        rng = random.Random(seed)
        try:
            while True:
                job(client, rng, number)
        except (BotoCoreError, ConnectionError):
            return
        except ClientError as error:
            self.ledger.wrong.append(str(error))

    def write(self, client, rng, number):
        # Each writer has keys of its own, so that it knows their order.
        key, ledger = f"w{number}-{rng.randrange(KEYS)}", self.ledger
        try:
            if rng.random() < 0.5:
                data = ledger.next(key)
                answer = client.put_record(StreamName=STREAM, Data=data, PartitionKey=key)
                ledger.written[data] = (answer["ShardId"], answer["SequenceNumber"])
                return
            entries = [{"Data": ledger.next(key), "PartitionKey": key} for _ in range(rng.randint(1, 6))]
            answer = client.put_records(StreamName=STREAM, Records=entries)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException", error
            return
        for entry, result in zip(entries, answer["Records"], strict=True):
            if "SequenceNumber" in result:
                ledger.written[entry["Data"]] = (result["ShardId"], result["SequenceNumber"])

    def reshard(self, client, rng, _):
        shards = client.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
        shards.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        at = rng.randrange(len(shards))
        if len(shards) < 6 and rng.random() < 0.6:
            start, end = (int(shards[at]["HashKeyRange"][name]) for name in ("StartingHashKey", "EndingHashKey"))
            client.split_shard(StreamName=STREAM, ShardToSplit=shards[at]["ShardId"], NewStartingHashKey=str((start + end) // 2))
        elif len(shards) > 1:
            at = min(at, len(shards) - 2)
            client.merge_shards(StreamName=STREAM, ShardToMerge=shards[at]["ShardId"], AdjacentShardToMerge=shards[at + 1]["ShardId"])
        time.sleep(0.03)

    def read(self, client, rng, _):
        shard = rng.choice(client.list_shards(StreamName=STREAM)["Shards"])["ShardId"]
        iterator = client.get_shard_iterator(StreamName=STREAM, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        try:
            records = client.get_records(ShardIterator=iterator)["Records"]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException", error
            return
        for record in records:
            self.ledger.read_early[record["Data"].decode()] = (shard, record["SequenceNumber"])


def read_all(client):
    """Everything: (data, key, shard, number), a shard after its parents."""
    shards = client.list_shards(StreamName=STREAM)["Shards"]
    known, done, found = {shard["ShardId"] for shard in shards}, set(), []
    while len(done) < len(shards):
        for shard in shards:
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} & known
            if shard["ShardId"] in done or parents - done:
                continue
            name, where = shard["ShardId"], {"StreamName": STREAM, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = client.get_shard_iterator(**where)["ShardIterator"]
            while iterator:
                answer = client.get_records(ShardIterator=iterator, Limit=1000)
                found += [(record["Data"].decode(), record["PartitionKey"], name, record["SequenceNumber"]) for record in answer["Records"]]
                iterator = answer.get("NextShardIterator") if answer["Records"] else None
            done.add(name)
    return shards, found


@pytest.mark.alone
def test_no_acknowledged_record_is_lost_whenever_the_platform_dies(tmp_path):
    rng, ledger = random.Random(SEED), Ledger()
    platform = Platform(tmp_path / "data").start()
    try:
        platform.client("kinesis").create_stream(StreamName=STREAM, ShardCount=2)
        load = Load(ledger)
        for number in range(ROUNDS):
            threads = load.run(platform, number)
            # Not a wait for anything: the moment is what is tried out.
            time.sleep(rng.uniform(0.2, 0.8))
            platform.kill()
            for thread in threads:
                thread.join()
            platform.start()
            assert not ledger.wrong, ledger.wrong[:5]
        # A shard is read five times a second, so this one waits when it is told to.
        client = platform.client("kinesis", retries={"mode": "standard", "max_attempts": 10})
        shards, found = read_all(client)
        summary = client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    finally:
        if platform.process.poll() is None:
            platform.kill()
    assert len(ledger.written) > ROUNDS * 10 and len(shards) > ROUNDS, "the load was one"
    read = {data: (shard, number) for data, _, shard, number in found}
    assert len(read) == len(found), "nothing is there twice"
    lost = ledger.written.keys() - read.keys()
    assert not lost, f"{len(lost)} of {len(ledger.written)} acknowledged records are lost: {sorted(lost)[:5]}"
    # What was acknowledged or read before is where it was, and nothing is there that nobody wrote.
    for data, place in [*ledger.written.items(), *ledger.read_early.items()]:
        assert read[data] == place, (data, place, read[data])
    assert all(ledger.asked.get(data) == key for data, key, _, _ in found)
    for key in {key for _, key, _, _ in found}:
        of_key = [(data, int(number)) for data, other, _, number in found if other == key]
        assert of_key == sorted(of_key) and [number for _, number in of_key] == sorted({number for _, number in of_key}), key
    ranges = sorted(
        (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in shards
        if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    )
    assert len(ranges) == summary["OpenShardCount"] and ranges[0][0] == 0 and ranges[-1][1] == LAST_HASH
    assert all(a[1] + 1 == b[0] for a, b in zip(ranges, ranges[1:]))
