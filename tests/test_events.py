"""EventBridge: what becomes of events, and archives, through boto3, and the aws CLI."""

import datetime
import json
import subprocess
import time
import uuid

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique

ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:"


@pytest.fixture
def events(aws):
    return aws("events")


@pytest.fixture
def queue(aws):
    """Makes queues that go with the test. Answers (ARN, a function that takes what is in it)."""
    sqs, made = aws("sqs"), []

    def make(name=None, **attributes):
        url = sqs.create_queue(QueueName=name or unique("events"), Attributes=attributes)["QueueUrl"]
        made.append(url)

        def take():
            found = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
            ).get("Messages", [])
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return found

        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rsplit('/', 1)[1]}", take

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def rule(events):
    """Makes rules that go with the test, for events of a source of their own. Answers (the rule's name, the source)."""
    made = []

    def make(*targets, bus="default", pattern=None, **settings):
        name = unique("rule")
        pattern = {"source": [name]} if pattern is None else pattern
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), EventBusName=bus, **settings)
        made.append((name, bus))
        targets = [{"Id": str(at), **target} for at, target in enumerate(targets)]
        if targets:
            answer = events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
            assert (answer["FailedEntryCount"], answer["FailedEntries"]) == (0, [])
        return name

    yield make
    # A bus of a test's own takes its rules with it.
    for name in [name for name, bus in made if bus == "default"]:
        ids = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
        if ids:
            events.remove_targets(Rule=name, Ids=ids)
        events.delete_rule(Name=name)


@pytest.fixture
def bus(events):
    made = []

    def make(**settings):
        made.append(unique("bus"))
        events.create_event_bus(Name=made[-1], **settings)
        return made[-1]

    yield make
    for name in made:
        while rules := events.list_rules(EventBusName=name)["Rules"]:
            for rule in rules:
                ids = [target["Id"] for target in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=name)["Targets"]]
                if ids:
                    events.remove_targets(Rule=rule["Name"], EventBusName=name, Ids=ids)
                events.delete_rule(Name=rule["Name"], EventBusName=name)
        events.delete_event_bus(Name=name)


def put(events, source, detail=None, bus=None, **more):
    entry = {"Source": source, "DetailType": "test", "Detail": json.dumps({} if detail is None else detail), **more}
    answer = events.put_events(Entries=[{**entry, "EventBusName": bus} if bus else entry])
    assert answer["FailedEntryCount"] == 0, answer
    return answer["Entries"][0]["EventId"]


def bodies(messages):
    return [json.loads(message["Body"]) for message in messages]


def test_an_event_reaches_a_queue_as_it_was_sent(events, rule, queue):
    arn, take = queue()
    source = rule({"Arn": arn})
    at = datetime.datetime(2024, 5, 4, 10, 20, 30, tzinfo=datetime.UTC)
    event_id = put(events, source, {"n": [1, 2.5, None, "ü"]}, Time=at, Resources=["arn:a", "b"])
    [event] = bodies(take())
    assert uuid.UUID(event_id)
    assert event == {
        "version": "0", "id": event_id, "detail-type": "test", "source": source, "account": ACCOUNT, "time": "2024-05-04T10:20:30Z",
        "region": REGION, "resources": ["arn:a", "b"], "detail": {"n": [1, 2.5, None, "ü"]},
    }
    assert list(event) == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    put(events, source + "x")
    events.disable_rule(Name=source)
    put(events, source)
    assert take() == []
    events.enable_rule(Name=source)
    put(events, source)
    assert len(take()) == 1


def test_an_event_for_a_bus_that_is_not_there_is_taken(events):
    assert put(events, "x", bus="nobody")


def test_a_fifo_queue_gets_a_group(events, rule, queue):
    arn, take = queue(unique("q") + ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    source = rule({"Arn": arn, "SqsParameters": {"MessageGroupId": "g"}})
    put(events, source)
    [message] = take()
    assert message["Attributes"]["MessageGroupId"] == "g"


def test_a_trace_goes_with_its_event(events, rule, queue):
    arn, take = queue()
    source, trace = rule({"Arn": arn}), "Root=1-65a1b2c3-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
    put(events, source, TraceHeader=trace)
    assert take()[0]["Attributes"]["AWSTraceHeader"] == trace


def test_an_event_reaches_a_function(events, aws, rule, queue, make_function):
    url = aws("sqs").create_queue(QueueName=unique("end"))["QueueUrl"]
    code = f"""
import boto3, json
def handler(event, context):
    boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=json.dumps(event))
"""
    name = make_function(code, Timeout=30)
    function = aws("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    source = rule({"Arn": function, "InputPath": "$.detail"}, {"Arn": function, "InputTransformer": {"InputTemplate": '"just text"'}})
    aws("lambda").add_permission(FunctionName=name, StatementId="e", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
    put(events, source, {"a": 1})
    found = []

    def both():
        found.extend(aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))
        return len(found) >= 2

    eventually(both, 20)
    assert sorted(message["Body"] for message in found) == ['"just text"', '{"a": 1}']
    aws("sqs").delete_queue(QueueUrl=url)


def test_an_event_goes_on_to_another_bus_as_it_is(events, rule, bus, queue):
    (arn, take), other = queue(), bus()
    source = rule({"Arn": f"{ARN}event-bus/{other}"})
    rule({"Arn": arn}, bus=other, pattern={"source": [source]})
    event_id = put(events, source, {"a": 1})
    [event] = bodies(take())
    assert (event["id"], event["detail"], event["source"]) == (event_id, {"a": 1}, source)


def test_buses_that_lead_back_come_to_an_end(events, rule, bus, queue):
    (arn, take), (dead, take_dead), one, two = queue(), queue(), bus(), bus()
    source = unique("source")
    pattern = {"source": [source]}
    config = {"DeadLetterConfig": {"Arn": dead}}
    rule({"Arn": f"{ARN}event-bus/{two}", **config}, bus=one, pattern=pattern)
    rule({"Arn": f"{ARN}event-bus/{one}", **config}, {"Arn": arn}, bus=two, pattern=pattern)
    put(events, source, bus=one)
    assert 1 <= len(take()) <= 16 and len(take_dead()) == 1


def test_an_event_that_circles_on_many_ways_does_not_multiply(events, rule, bus, queue):
    (arn, take), one = queue(), bus()
    source = unique("source")
    own = {"Arn": f"{ARN}event-bus/{one}"}
    rule(own, own, own, own, {"Arn": arn}, bus=one, pattern={"source": [source]})
    put(events, source, bus=one)
    assert len(take()) == 1


def test_an_event_reaches_a_log_group(events, aws, rule):
    logs, group = aws("logs"), "/aws/events/" + unique("g")
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    template = '{"timestamp": <at>, "message": "got <n>"}'
    transformer = {"InputPathsMap": {"at": "$.time", "n": "$.detail.n"}, "InputTemplate": template}
    source = rule({"Arn": arn}, {"Arn": arn + ":*", "InputTransformer": transformer})
    event_id = put(events, source, {"n": 7})
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert json.loads(lines[0])["id"] == event_id and lines[1:] == ["got 7"]
    logs.delete_log_group(logGroupName=group)


TRANSFORMED = [
    ({"Input": '{"const": true}'}, '{"const": true}'),
    ({"InputPath": "$.detail"}, '{"name":"a \\"b\\"","n":7,"list":[1,{"k":"v"}],"ok":true}'),
    ({"InputPath": "$.detail.list[1].k"}, '"v"'),
    ({"InputPath": "$.detail-type"}, '"test"'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.name"}, "InputTemplate": '{"name": <x>}'}}, '{"name": "a \\"b\\""}'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.name"}, "InputTemplate": '{"name": "is <x>"}'}}, '{"name": "is a \\"b\\""}'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.n"}, "InputTemplate": '"<x> pieces"'}}, '"7 pieces"'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.list"}, "InputTemplate": '{"l": <x>}'}}, '{"l": [1,{"k":"v"}]}'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.list[*].k"}, "InputTemplate": '{"l": <x>}'}}, '{"l": ["v"]}'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.none"}, "InputTemplate": '{"l": <x>}'}}, '{"l": ""}'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail.ok"}, "InputTemplate": '"one <x>"\n"two"'}}, '"one true"\n"two"'),
    ({"InputTransformer": {"InputPathsMap": {"x": "$.detail"}, "InputTemplate": "<x>"}}, '{"name":"a \\"b\\"","n":7,"list":[1,{"k":"v"}],"ok":true}'),
    ({"InputTransformer": {"InputTemplate": '{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>"}'}}, '{"rule": "RULE", "arn": "arn:aws:events:us-east-1:000000000000:rule/RULE"}'),
]


@pytest.mark.parametrize("target, expected", TRANSFORMED)
def test_a_target_gets_its_input(events, rule, queue, target, expected):
    arn, take = queue()
    source = rule({"Arn": arn, **target})
    put(events, source, {"name": 'a "b"', "n": 7, "list": [1, {"k": "v"}], "ok": True})
    [message] = take()
    assert message["Body"] == expected.replace("RULE", source)


def test_a_template_may_hold_the_whole_event(events, rule, queue):
    arn, take = queue()
    template = '{"head": <aws.events.event>, "all": <aws.events.event.json>, "at": <aws.events.event.ingestion-time>}'
    source = rule({"Arn": arn, "InputTransformer": {"InputTemplate": template}})
    event_id = put(events, source, {"n": 1})
    [made] = bodies(take())
    assert made["head"]["id"] == made["all"]["id"] == event_id
    assert "detail" not in made["head"] and made["all"]["detail"] == {"n": 1} and made["at"].endswith("Z")


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(events, rule, queue):
    dead, take = queue()
    nowhere = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{unique('none')}"
    config = {"DeadLetterConfig": {"Arn": dead}}
    source = rule({"Arn": nowhere, **config}, {"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:none", **config}, {"Arn": nowhere})
    event_id = put(events, source, {"a": 1})
    first, second = sorted(take(), key=lambda message: message["MessageAttributes"]["TARGET_ARN"]["StringValue"], reverse=True)
    assert json.loads(first["Body"])["id"] == json.loads(second["Body"])["id"] == event_id
    attributes = {name: attribute["StringValue"] for name, attribute in first["MessageAttributes"].items()}
    assert attributes == {
        "RULE_ARN": f"{ARN}rule/{source}", "TARGET_ARN": nowhere, "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": f"{nowhere} does not exist", "RETRY_ATTEMPTS": "0",
    }


def test_three_hundred_rules_do_not_slow_events_down(events, bus, queue):
    (arn, take), name = queue(), bus()
    for number in range(300):
        events.put_rule(Name=f"r{number}", EventBusName=name, EventPattern=json.dumps({"source": ["s"], "detail": {"n": [{"numeric": ["=", number]}]}}))
    assert error_of(events.put_rule, Name="more", EventBusName=name, EventPattern='{"source": ["s"]}')[0] == "LimitExceededException"
    events.put_targets(Rule="r250", EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])
    put(events, "s", {"n": 250}, bus=name)
    begin = time.monotonic()
    for _ in range(20):
        put(events, "s", {"n": 1}, bus=name)
    assert (time.monotonic() - begin) / 20 < 0.1
    assert len(take()) == 1


def test_what_an_archive_keeps_is_replayed(events, bus, queue):
    name, (one, take_one), (two, take_two) = bus(), queue(), queue()
    source = unique("s")
    rules = {}
    for label, arn in ("one", one), ("two", two):
        rules[label] = events.put_rule(Name=label, EventBusName=name, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
        events.put_targets(Rule=label, EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
    arn = f"{ARN}event-bus/{name}"
    pattern = json.dumps({"detail": {"keep": [True]}})
    made = events.create_archive(ArchiveName=name[:48], EventSourceArn=arn, EventPattern=pattern, RetentionDays=1, Description="d")
    assert (made["ArchiveArn"], made["State"]) == (f"{ARN}archive/{name}", "ENABLED")
    kept = [put(events, source, {"keep": True, "n": number}, bus=name) for number in range(120)]
    put(events, source, {"keep": False}, bus=name)

    def drain(take):
        found = []
        while batch := take():
            found += bodies(batch)
        return found

    assert len(drain(take_one)) == len(drain(take_two)) == 121
    found = events.describe_archive(ArchiveName=name)
    assert (found["EventCount"], found["RetentionDays"], found["EventSourceArn"], found["EventPattern"]) == (120, 1, arn, pattern)
    assert found["SizeBytes"] > 0 and found["Description"] == "d"
    assert [archive["ArchiveName"] for archive in events.list_archives(EventSourceArn=arn)["Archives"]] == [name]
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
    begun = events.start_replay(
        ReplayName=name, EventSourceArn=made["ArchiveArn"], EventStartTime=begin, EventEndTime=end,
        Destination={"Arn": arn, "FilterArns": [rules["two"]]},
    )
    assert begun["State"] == "STARTING" and begun["ReplayArn"] == f"{ARN}replay/{name}"
    replay = eventually(lambda: (r := events.describe_replay(ReplayName=name))["State"] == "COMPLETED" and r)
    assert replay["Destination"] == {"Arn": arn, "FilterArns": [rules["two"]]} and replay["EventLastReplayedTime"]
    again = drain(take_two)
    assert [event["id"] for event in sorted(again, key=lambda event: event["detail"]["n"])] == kept
    assert {event["replay-name"] for event in again} == {name}
    assert take_one() == [] and events.describe_archive(ArchiveName=name)["EventCount"] == 120
    assert [one["ReplayName"] for one in events.list_replays(NamePrefix=name)["Replays"]] == [name]
    assert error_of(events.cancel_replay, ReplayName=name) == ("IllegalStatusException", f"Replay {name} is not in a valid state for this operation.")
    assert error_of(events.start_replay, ReplayName=name, EventSourceArn=made["ArchiveArn"], EventStartTime=begin, EventEndTime=end, Destination={"Arn": arn})[0] == "ResourceAlreadyExistsException"
    events.update_archive(ArchiveName=name, Description="other", RetentionDays=0)
    assert events.describe_archive(ArchiveName=name)["Description"] == "other"
    events.delete_archive(ArchiveName=name)
    assert error_of(events.describe_archive, ArchiveName=name) == ("ResourceNotFoundException", f"Archive {name} does not exist.")


def test_partners_have_no_event_sources(events):
    assert events.list_event_sources()["EventSources"] == events.list_partner_event_sources(NamePrefix="aws.partner/x/")["PartnerEventSources"] == []
    assert error_of(events.create_partner_event_source, Name="aws.partner/a/b", Account=ACCOUNT)[0] == "OperationDisabledException"


def test_the_aws_cli_sends_events(platform, events, rule, queue):
    arn, take = queue()
    source = rule({"Arn": arn})
    entries = json.dumps([{"Source": source, "DetailType": "t", "Detail": "{}"}])
    done = subprocess.run(
        ["aws", "events", "put-events", "--entries", entries], env=platform.environ(), text=True, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["FailedEntryCount"] == 0
    assert len(take()) == 1
