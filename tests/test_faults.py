"""A full disk, a slow one, one that may not be written, and a clock that jumps: a clear error to the caller, no acknowledged message lost, and all is well
again without hands. The faults are put under the running platform by a library (faults.c)."""

import concurrent.futures
import datetime
import json
import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION, ROLE, eventually, package
from faulty import Faulty, faulty, library  # noqa: F401


def make_queue(platform, name, **attributes):
    return platform.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def drain(sqs, url):
    bodies = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        bodies += [message["Body"] for message in got]
        for message in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def works(call, **arguments):
    """What the call answers, or nothing while the platform is not back yet."""
    try:
        return call(**arguments)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
        return None


def receive(sqs, url):
    return (works(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=5) or {}).get("Messages", [None])[0]


def test_a_full_disk_refuses_and_loses_nothing(faulty):
    sqs, url = faulty.client("sqs"), make_queue(faulty, "q")
    sns, events, s3 = faulty.client("sns"), faulty.client("events"), faulty.client("s3")
    topic = sns.create_topic(Name="t")["TopicArn"]
    s3.create_bucket(Bucket="full")
    sqs.send_message(QueueUrl=url, MessageBody="before")
    faulty.suffer("full 1")
    refused = [
        lambda: sqs.send_message(QueueUrl=url, MessageBody="refused"),
        lambda: sns.publish(TopicArn=topic, Message="refused"),
        lambda: s3.put_object(Bucket="full", Key="refused", Body=b"x" * 100_000),
        lambda: events.put_rule(Name="r", EventPattern='{"source": ["s"]}'),
    ]
    for number, call in enumerate(refused):
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, (number, error.value)
    faulty.suffer()
    # No restart, no hands.
    eventually(lambda: works(sqs.send_message, QueueUrl=url, MessageBody="after"))
    assert drain(sqs, url) == ["before", "after"]
    assert "Contents" not in s3.list_objects_v2(Bucket="full")
    faulty.kill()
    faulty.start()
    assert drain(faulty.client("sqs"), f"{faulty.endpoint}/{ACCOUNT}/q") == []


def test_a_log_on_the_full_disk_ends_nothing(tmp_path, library):
    """The platform's own lines go where nothing can be written any more; they are lost, and only they."""
    platform = Faulty(tmp_path, library, "--log", "debug")
    platform.environment["FAULTY"] = str(tmp_path)
    platform.start()
    try:
        sqs, url = platform.client("sqs"), make_queue(platform, "q")
        platform.suffer("full 1")
        for _ in range(5):
            with pytest.raises(ClientError):
                sqs.send_message(QueueUrl=url, MessageBody="refused")
        platform.suffer()
        eventually(lambda: works(sqs.send_message, QueueUrl=url, MessageBody="after"))
        assert drain(sqs, url) == ["after"]
    finally:
        platform.kill()


def test_a_slow_disk_slows_callers_down_and_nothing_else(faulty):
    sqs, url = faulty.client("sqs", max_pool_connections=32), make_queue(faulty, "q")
    faulty.suffer("slow 300")
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        sent = list(pool.map(lambda number: sqs.send_message(QueueUrl=url, MessageBody=str(number)), range(20)))
    # One sync serves many: twenty senders do not wait for twenty syncs.
    assert len(sent) == 20 and time.monotonic() - begin < 20 * 0.3
    faulty.suffer()
    assert sorted(drain(sqs, url), key=int) == [str(number) for number in range(20)]


def test_a_directory_that_may_not_be_written_is_said_at_the_start(tmp_path, library):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    from conftest import BINARY

    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", blocked / "data"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "data" in done.stderr and "panicked" not in done.stderr, done.stderr


def test_a_clock_that_is_set_back_holds_nothing_up(faulty):
    """Hidden, delayed and scheduled things come at their time, though the machine says that it is an hour earlier."""
    sqs, url = faulty.client("sqs"), make_queue(faulty, "q", VisibilityTimeout="3")
    sqs.send_message(QueueUrl=url, MessageBody="hidden")
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=3)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hidden"
    faulty.suffer("clock -3600")
    begin, bodies = time.monotonic(), set()
    while len(bodies) < 2 and time.monotonic() - begin < 25:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
        bodies |= {message["Body"] for message in got}
    assert bodies == {"hidden", "delayed"}
    # And forward again.
    faulty.suffer("clock 3600")
    sqs.send_message(QueueUrl=url, MessageBody="later")
    assert "later" in drain(sqs, url)


def test_a_clock_that_jumps_fires_each_schedule_once(faulty):
    sqs, url = faulty.client("sqs"), make_queue(faulty, "q")
    scheduler = faulty.client("scheduler")
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    scheduler.create_schedule(
        Name="once",
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "RoleArn": ROLE, "Input": "due"},
    )
    # The machine slept for an hour: what was due meanwhile comes when it wakes.
    faulty.suffer("clock 3600")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=15)["Messages"][0]["Body"] == "due"
    faulty.suffer()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, VisibilityTimeout=30)


def test_a_full_disk_while_functions_run_repeats_no_more_than_it_must(faulty):
    """What a call has done is committed when the disk lets it: the destination hears of it once."""
    sqs, url = faulty.client("sqs"), make_queue(faulty, "end")
    client = faulty.client("lambda")
    client.create_function(
        FunctionName="slow",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Timeout=10,
        Code={"ZipFile": package({"app.py": "import time\ndef handler(event, context):\n    print('BEGUN', event)\n    time.sleep(3)\n    return event\n"})},
    )
    destination = {"OnSuccess": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:end"}}
    client.put_function_event_invoke_config(FunctionName="slow", DestinationConfig=destination)
    client.invoke(FunctionName="slow", InvocationType="Event", Payload=json.dumps({"n": 1}))
    logs = faulty.client("logs")

    def has_begun():
        try:
            return logs.filter_log_events(logGroupName="/aws/lambda/slow", filterPattern="BEGUN")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False

    eventually(has_begun)
    faulty.suffer("full 1")
    eventually(lambda: "finished work could not be taken off its queue" in faulty.log.read_text(), 20)
    faulty.suffer()
    message = eventually(lambda: receive(sqs, url))
    assert json.loads(message["Body"])["requestPayload"] == {"n": 1}
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, VisibilityTimeout=30)
