"""`kill -9` under load, again and again: transactions stay serialisable, and indexes and the change stream agree with the table.

FOGBANK_DYNAMODB_ROUNDS sets how often (8), FOGBANK_DYNAMODB_WRITES how many random writes (20,000), FOGBANK_SEED which moments. What was
asked for and answered is kept here, outside the platform.
"""

import os
import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from graphlib import CycleError, TopologicalSorter

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import Platform

ROUNDS = int(os.environ.get("FOGBANK_DYNAMODB_ROUNDS", 8))
WRITES = int(os.environ.get("FOGBANK_DYNAMODB_WRITES", 20_000))
SEED = int(os.environ.get("FOGBANK_SEED", 1))
WORKERS, KEYS = 5, 6

def connect(platform):
    return platform.client("dynamodb", retries={"total_max_attempts": 1}, read_timeout=10)


def create(client, name, **more):
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **{"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], **more},
    )


def key(place):
    return {"pk": {"S": f"key-{place}"}}


class History:
    """What was done: each item has a list, and each writer appends its own name to the lists of some items at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.number = 0
        # By name: the items, when it began, when it was answered (never, if the platform died meanwhile), and whether it was made.
        self.writes = {}
        # What was seen together, by item, with when it began and was answered.
        self.reads = []

    def begin(self, places):
        with self.lock:
            self.number += 1
            self.writes[f"w{self.number}"] = [places, time.monotonic(), None, None]
            return f"w{self.number}"


def append(name, place, length=None):
    action = {
        "TableName": "lists",
        "Key": key(place),
        "UpdateExpression": "SET seen = list_append(if_not_exists(seen, :none), :name)",
        "ExpressionAttributeValues": {":none": {"L": []}, ":name": {"L": [{"S": name}]}},
    }
    if length is not None:
        action["ConditionExpression"] = "size(seen) = :length" if length else "attribute_not_exists(seen)"
        if length:
            action["ExpressionAttributeValues"][":length"] = {"N": str(length)}
    return action


def names(item):
    return [name["S"] for name in (item or {}).get("seen", {"L": []})["L"]]


def work(platform, history, seed):
    client, rng = connect(platform), random.Random(seed)
    seen = {}
    try:
        while True:
            places = rng.sample(range(KEYS), rng.choice([1, 1, 2, 3]))
            if rng.random() < 0.3:
                began = time.monotonic()
                found = client.transact_get_items(TransactItems=[{"Get": {"TableName": "lists", "Key": key(place)}} for place in places])
                logs = {place: names(answer.get("Item")) for place, answer in zip(places, found["Responses"], strict=True)}
                history.reads.append((logs, began, time.monotonic()))
                seen.update({place: len(log) for place, log in logs.items()})
                continue
            name = history.begin(places)
            # A condition on what was seen a while ago, which may not hold any more.
            lengths = {place: seen.get(place) if rng.random() < 0.3 else None for place in places}
            write = history.writes[name]
            try:
                if len(places) == 1:
                    client.update_item(**append(name, places[0], lengths[places[0]]))
                else:
                    client.transact_write_items(TransactItems=[{"Update": append(name, place, lengths[place])} for place in places])
                write[3] = True
            except (client.exceptions.ConditionalCheckFailedException, client.exceptions.TransactionCanceledException):
                write[3] = False
            write[2] = time.monotonic()
    except (BotoCoreError, ConnectionError):
        return


def check(history, logs):
    """Whether one order of all that was done explains everything that was seen, and none was answered before it was done."""
    made = defaultdict(set)
    for place, log in logs.items():
        assert len(set(log)) == len(log), "nothing was made twice"
        for name in log:
            made[name].add(place)
    for name, (places, _, _, outcome) in history.writes.items():
        assert made[name] in (set(), set(places)), f"{name} was made in part"
        if outcome is not None:
            assert bool(made[name]) == outcome, f"{name} was answered with {outcome}"
    before = defaultdict(set)
    for log in logs.values():
        for first, second in zip(log, log[1:], strict=False):
            before[second].add(first)
    for number, (found, _, _) in enumerate(history.reads):
        for place, log in found.items():
            assert logs[place][: len(log)] == log, "what was seen did not change afterwards"
            if log:
                before[f"r{number}"].add(log[-1])
            if len(log) < len(logs[place]):
                before[logs[place][len(log)]].add(f"r{number}")
    # What was answered comes before what began later: through the moments, so that not each pair is an edge.
    moments = []
    for name, (_, began, answered, _) in history.writes.items():
        if made[name]:
            moments.append((began, 1, name))
            moments += [(answered, 0, name)] if answered else []
    for number, (_, began, answered) in enumerate(history.reads):
        moments += [(began, 1, f"r{number}"), (answered, 0, f"r{number}")]
    moments.sort()
    for place, (_, is_begin, name) in enumerate(moments):
        before[("moment", place)].add(("moment", place - 1))
        if is_begin:
            before[name].add(("moment", place))
        else:
            before[("moment", place)].add(name)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        raise AssertionError(f"no order explains what was seen: {error.args[1][:10]}") from None


def run_and_kill(platform, rng, workers):
    with ThreadPoolExecutor(len(workers)) as pool:
        running = [pool.submit(work) for work in workers]
        # Not a wait for anything: the moment is what is tried out.
        time.sleep(rng.uniform(0.2, 0.8))
        platform.kill()
        for one in running:
            one.result()
    platform.start()


@pytest.mark.alone
def test_transactions_are_serialisable_whenever_the_platform_dies(tmp_path):
    rng, history = random.Random(SEED), History()
    platform = Platform(tmp_path / "data").start()
    try:
        create(platform.client("dynamodb"), "lists")
        for number in range(ROUNDS):
            run_and_kill(platform, rng, [lambda seed=number * 100 + worker: work(platform, history, seed) for worker in range(WORKERS)])
        client = platform.client("dynamodb")
        logs = {place: names(client.get_item(TableName="lists", Key=key(place), ConsistentRead=True).get("Item")) for place in range(KEYS)}
    finally:
        platform.kill()
    outcomes = [write[3] for write in history.writes.values()]
    assert outcomes.count(True) > ROUNDS * 10 and outcomes.count(False) > ROUNDS, "some were made, some refused"
    check(history, logs)


def test_the_check_finds_what_is_not_serialisable():
    def history(*reads):
        made = History()
        made.writes = {"w1": [[0, 1], 1, 2, True], "w2": [[0, 1], 1.5, 2.5, True]}
        made.reads = list(reads)
        return made

    check(history(({0: ["w1"], 1: ["w1"]}, 1, 3)), {0: ["w1", "w2"], 1: ["w1", "w2"]})
    wrong = [
        (history(), {0: ["w1", "w2"], 1: ["w2", "w1"]}),
        (history(), {0: ["w1"], 1: ["w1", "w2"]}),
        (history(), {0: ["w1"], 1: ["w1"]}),
        (history(({0: ["w1"], 1: []}, 1, 3)), {0: ["w1", "w2"], 1: ["w1", "w2"]}),
        (history(({0: [], 1: []}, 4, 5)), {0: ["w1", "w2"], 1: ["w1", "w2"]}),
    ]
    for one, logs in wrong:
        with pytest.raises(AssertionError):
            check(one, logs)


INDEXES = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("g", "S"), ("n", "N"))],
    "GlobalSecondaryIndexes": [
        {"IndexName": "sparse", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}},
        {"IndexName": "numbers", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}},
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


def random_item(rng, place):
    item = {**key(place), "v": {"S": "x" * rng.randrange(40)}}
    if rng.random() < 0.7:
        item["n"] = {"N": str(rng.randrange(50))}
    if rng.random() < 0.5:
        item["g"] = {"S": f"g{rng.randrange(5)}"}
    return item


class Writers:
    """Writes at random until enough was written, or the platform dies."""

    def __init__(self, total):
        self.total, self.done, self.lock = total, 0, threading.Lock()

    def write(self, platform, seed):
        client, rng = connect(platform), random.Random(seed)
        try:
            while self.done < self.total:
                places = rng.sample(range(5_000), 25)
                if rng.random() < 0.2:
                    sets = {":n": {"N": str(rng.randrange(50))}}
                    client.update_item(TableName="indexed", Key=key(places[0]), UpdateExpression="SET n = :n REMOVE g", ExpressionAttributeValues=sets)
                    places = places[:1]
                else:
                    put = lambda place: {"PutRequest": {"Item": random_item(rng, place)}}  # noqa: E731
                    delete = lambda place: {"DeleteRequest": {"Key": key(place)}}  # noqa: E731
                    client.batch_write_item(RequestItems={"indexed": [(put if rng.random() < 0.7 else delete)(place) for place in places]})
                with self.lock:
                    self.done += len(places)
        except (BotoCoreError, ConnectionError):
            return
        except ClientError as error:
            raise AssertionError(error) from error


def pages(client, **more):
    for page in client.get_paginator("scan").paginate(TableName="indexed", **more):
        yield from page["Items"]


@pytest.mark.alone
def test_indexes_and_the_stream_agree_with_the_table_whenever_the_platform_dies(tmp_path):
    rng, writers = random.Random(SEED), Writers(WRITES)
    platform = Platform(tmp_path / "data").start()
    try:
        client = platform.client("dynamodb")
        create(client, "indexed", **INDEXES)
        number = 0
        while writers.done < WRITES:
            run_and_kill(platform, rng, [lambda seed=number * 100 + worker: writers.write(platform, seed) for worker in range(3)])
            number += 1
        client, streams = platform.client("dynamodb"), platform.client("dynamodbstreams")
        table = {item["pk"]["S"]: item for item in pages(client, ConsistentRead=True)}
        description = client.describe_table(TableName="indexed")["Table"]
        assert description["ItemCount"] == len(table) > 100
        sparse = {item["pk"]["S"]: item for item in pages(client, IndexName="sparse")}
        assert sparse == {name: item for name, item in table.items() if "g" in item and "n" in item}
        numbers = {item["pk"]["S"]: item for item in pages(client, IndexName="numbers")}
        assert numbers == {name: {"pk": item["pk"], "n": item["n"]} for name, item in table.items() if "n" in item}
        assert {index["IndexName"]: index["ItemCount"] for index in description["GlobalSecondaryIndexes"]} == {"sparse": len(sparse), "numbers": len(numbers)}
        assert replayed(streams, description["LatestStreamArn"]) == table
    finally:
        platform.kill()


def replayed(streams, arn):
    """What the stream's records make of nothing."""
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    made = {}
    while True:
        page = streams.get_records(ShardIterator=iterator)
        for record in (record["dynamodb"] for record in page["Records"]):
            name = record["Keys"]["pk"]["S"]
            assert made.get(name) == record.get("OldImage"), "the image before is the one after the last change"
            made[name] = record.get("NewImage")
        iterator = page["NextShardIterator"]
        if not page["Records"]:
            return {name: item for name, item in made.items() if item}
