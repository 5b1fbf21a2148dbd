"""Kinesis' consumers: they are registered, and pushed records over HTTP/1 and, with the SDK for JavaScript and curl, over HTTP/2."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually
from test_kinesis import arn, put, shard_id, stream  # noqa: F401  (fixtures)


def test_consumers_are_registered_listed_and_deregistered(kinesis, stream):
    name = stream()
    registered = [kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName=f"c{n}")["Consumer"] for n in range(3)]
    assert all(consumer["ConsumerStatus"] == "CREATING" for consumer in registered)
    first = {**registered[0], "ConsumerStatus": "ACTIVE"}
    assert first["ConsumerARN"].startswith(f"{arn(name)}/consumer/c0:")
    described = kinesis.describe_stream_consumer(ConsumerARN=first["ConsumerARN"])["ConsumerDescription"]
    assert described == {**first, "StreamARN": arn(name)}
    assert kinesis.describe_stream_consumer(StreamARN=arn(name), ConsumerName="c0")["ConsumerDescription"] == described
    both = {"ConsumerARN": first["ConsumerARN"], "StreamARN": arn(name), "ConsumerName": "c0"}
    assert kinesis.describe_stream_consumer(**both)["ConsumerDescription"] == described
    for other in ({"ConsumerName": "c1"}, {"StreamARN": arn("another")}):
        assert error_of(kinesis.describe_stream_consumer, **{**both, **other})[0] == "InvalidArgumentException"
    page = kinesis.list_stream_consumers(StreamARN=arn(name), MaxResults=2)
    rest = kinesis.list_stream_consumers(StreamARN=arn(name), NextToken=page["NextToken"])
    assert [consumer["ConsumerName"] for consumer in page["Consumers"] + rest["Consumers"]] == ["c0", "c1", "c2"]
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["ConsumerCount"] == 3
    code, _ = error_of(kinesis.register_stream_consumer, StreamARN=arn(name), ConsumerName="c0")
    assert code == "ResourceInUseException"
    code, _ = error_of(kinesis.delete_stream, StreamName=name)
    assert code == "ResourceInUseException"
    kinesis.deregister_stream_consumer(ConsumerARN=first["ConsumerARN"])
    kinesis.deregister_stream_consumer(StreamARN=arn(name), ConsumerName="c1")
    code, message = error_of(kinesis.describe_stream_consumer, StreamARN=arn(name), ConsumerName="c1")
    assert (code, message) == ("ResourceNotFoundException", f"Consumer c1, account {ACCOUNT} not found.")
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


class Subscriber:
    """What a consumer gets of a shard."""

    def __init__(self, platform, consumer, shard=0, **position):
        self.client = platform.client("kinesis")
        position = {"Type": "TRIM_HORIZON", **position}
        answer = self.client.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard_id(shard), StartingPosition=position)
        self.stream, self.events, self.error = answer["EventStream"], [], None
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        try:
            for event in self.stream:
                self.events.append(event["SubscribeToShardEvent"])
        except Exception as error:  # noqa: BLE001 - whatever ends it is what the test looks at
            self.error = error

    def data(self):
        return [record["Data"] for event in self.events for record in event["Records"]]


def test_a_consumer_is_pushed_records_as_they_come(platform, kinesis, stream):
    name = stream()
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c")["Consumer"]["ConsumerARN"]
    put(kinesis, name, b"before")
    subscriber = Subscriber(platform, consumer)
    eventually(lambda: subscriber.data() == [b"before"])
    second = put(kinesis, name, b"then")["SequenceNumber"]
    eventually(lambda: subscriber.data() == [b"before", b"then"])
    assert subscriber.events[-1]["ContinuationSequenceNumber"] == second
    code, _ = error_of(Subscriber, platform, consumer)
    assert code == "ResourceInUseException"
    # Another consumer is not concerned.
    other = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="d")["Consumer"]["ConsumerARN"]
    late = Subscriber(platform, other, Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    put(kinesis, name, b"last")
    kinesis.split_shard(StreamName=name, ShardToSplit=shard_id(0), NewStartingHashKey="1000")
    for listener in (subscriber, late):
        listener.thread.join(timeout=20)
        assert not listener.thread.is_alive() and listener.error is None
        assert [child["ShardId"] for child in listener.events[-1]["ChildShards"]] == [shard_id(1), shard_id(2)]
    assert (subscriber.data(), late.data()) == ([b"before", b"then", b"last"], [b"last"])


def test_a_deregistered_consumer_hears_no_more(platform, kinesis, stream):
    name = stream()
    consumer = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="c")["Consumer"]["ConsumerARN"]
    subscriber = Subscriber(platform, consumer, Type="LATEST")
    eventually(lambda: len(subscriber.events) == 1)
    assert subscriber.events[0]["Records"] == [] and subscriber.events[0]["MillisBehindLatest"] == 0
    kinesis.deregister_stream_consumer(ConsumerARN=consumer)
    subscriber.thread.join(timeout=20)
    assert "ResourceNotFoundException" in str(subscriber.error)


NODE = """
import { createRequire } from 'module';
const require = createRequire(process.argv[2] + '/x.js');
const kinesis = require('@aws-sdk/client-kinesis');
const client = new kinesis.KinesisClient({});
const send = (name, input) => client.send(new kinesis[name + 'Command'](input));
const StreamName = 'clicks';
await send('CreateStream', { StreamName, ShardCount: 1 });
const { StreamDescription: { StreamARN } } = await send('DescribeStream', { StreamName });
const put = await send('PutRecord', { StreamName, Data: Buffer.from('one'), PartitionKey: 'k' });
await send('PutRecord', { StreamName, Data: Buffer.alloc(600000, 'x'), PartitionKey: 'k' });
const { ShardIterator } = await send('GetShardIterator', { StreamName, ShardId: put.ShardId, ShardIteratorType: 'TRIM_HORIZON' });
const { Records } = await send('GetRecords', { ShardIterator });
const { Consumer } = await send('RegisterStreamConsumer', { StreamARN, ConsumerName: 'node' });
const { EventStream } = await send('SubscribeToShard', {
    ConsumerARN: Consumer.ConsumerARN, ShardId: put.ShardId, StartingPosition: { Type: 'TRIM_HORIZON' },
});
const sizes = [];
for await (const { SubscribeToShardEvent: event } of EventStream) {
    sizes.push(...event.Records.map((record) => record.Data.length));
    if (sizes.length === 2) await send('PutRecord', { StreamName, Data: Buffer.from('three'), PartitionKey: 'k' });
    if (sizes.length === 3) break;
}
let refused;
try { await send('DescribeStream', { StreamName: 'none' }); } catch (error) { refused = [error.name, error.message]; }
console.log(JSON.stringify({
    protocol: client.config.requestHandler.metadata.handlerProtocol, got: Records.map((record) => record.Data.length), sizes, refused,
}));
// The subscription would keep it here.
process.exit(0);
"""


@pytest.mark.parametrize("auth", ["off", "on"])
def test_the_sdk_for_javascript_speaks_http_2(fresh, tmp_path, auth):
    runtimes = Path(os.environ.get("FOGBANK_RUNTIMES", Path.home() / ".cache/fogbank/runtimes"))
    modules = runtimes / "sdk/node_modules"
    if not (modules / "@aws-sdk/client-kinesis").exists() or not shutil.which("node"):
        pytest.skip("the SDK for JavaScript is not there: fogbank runtime install nodejs20.x")
    platform, script = fresh("--auth", auth), tmp_path / "client.mjs"
    script.write_text(NODE)
    environment = {**platform.environ(), "AWS_REGION": REGION}
    if auth == "on":
        key = json.loads((platform.data_dir / "root-key.json").read_text())
        environment |= {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
    done = subprocess.run(["node", script, modules], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["protocol"], said["got"], said["sizes"]) == ("h2", [3, 600000], [3, 600000, 5])
    assert said["refused"] == ["ResourceNotFoundException", f"Stream none under account {ACCOUNT} not found."]


def test_curl_speaks_http_2_and_the_platform_answers_in_it(platform):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    form = "%{http_version} %{http_code}"
    curl = lambda *words: subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", form, *words, platform.endpoint + "/_fogbank/health"], capture_output=True, text=True, timeout=30
    ).stdout
    assert (curl("--http2-prior-knowledge"), curl("--http1.1")) == ("2 200", "1.1 200")
    many = [word for number in range(200) for word in ("-H", f"x-{number}: y")]
    assert (curl("--http2-prior-knowledge", *many), curl("--http1.1", *many)) == ("2 431", "1.1 431")


def test_a_commitment_of_an_account_is_kept_and_shown(platform):
    kinesis = platform.client("kinesis", account="314159265358")
    settings = lambda: kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]  # noqa: E731
    assert settings() == {"Status": "DISABLED"}
    begun = kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})["MinimumThroughputBillingCommitment"]
    assert begun["Status"] == "ENABLED" and (begun["EarliestAllowedEndAt"] - begun["StartedAt"]).total_seconds() == 86_400
    assert settings() == begun
    ending = kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "DISABLED"})["MinimumThroughputBillingCommitment"]
    assert ending == {**begun, "Status": "ENABLED_UNTIL_EARLIEST_ALLOWED_END"} == settings()
    assert platform.client("kinesis", account="314159265359").describe_account_settings()["MinimumThroughputBillingCommitment"] == {"Status": "DISABLED"}
