"""EventBridge: buses, who may send to them, rules, targets and tags, through boto3."""

import datetime
import json

from conftest import ACCOUNT, REGION, error_of, unique
from test_events import ARN, bodies, bus, events, queue, rule  # noqa: F401  (fixtures)


def test_buses_are_made_described_changed_listed_and_deleted(events):
    name = unique("bus")
    made = events.create_event_bus(Name=name, Description="mine", Tags=[{"Key": "k", "Value": "v"}])
    assert (made["EventBusArn"], made["Description"]) == (f"{ARN}event-bus/{name}", "mine")
    found = events.describe_event_bus(Name=name)
    assert (found["Name"], found["Arn"], found["Description"]) == (name, made["EventBusArn"], "mine") and "Policy" not in found
    assert isinstance(found["CreationTime"], datetime.datetime)
    assert events.describe_event_bus(Name=made["EventBusArn"])["Name"] == name
    assert events.update_event_bus(Name=name, Description="ours")["Description"] == "ours"
    assert [bus["Name"] for bus in events.list_event_buses(NamePrefix=name)["EventBuses"]] == [name]
    assert "default" in [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    assert events.describe_event_bus()["Arn"] == f"{ARN}event-bus/default"
    first = events.list_event_buses(Limit=1)
    second = events.list_event_buses(Limit=1, NextToken=first["NextToken"])
    assert first["EventBuses"][0]["Name"] < second["EventBuses"][0]["Name"]
    events.delete_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    assert error_of(events.describe_event_bus, Name=name) == ("ResourceNotFoundException", f"Event bus {name} does not exist.")


def test_a_buss_policy_is_made_by_statements_or_as_a_whole(events, bus):
    name = bus()
    events.put_permission(EventBusName=name, Action="events:PutEvents", Principal="111122223333", StatementId="one")
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    events.put_permission(EventBusName=name, Action="events:PutEvents", Principal="*", StatementId="two", Condition=condition)
    policy = json.loads(events.describe_event_bus(Name=name)["Policy"])
    assert policy["Statement"] == [
        {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "events:PutEvents", "Resource": f"{ARN}event-bus/{name}"},
        {"Sid": "two", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": f"{ARN}event-bus/{name}", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ]
    events.remove_permission(EventBusName=name, StatementId="one")
    assert error_of(events.remove_permission, EventBusName=name, StatementId="one") == ("ResourceNotFoundException", "Statement with the provided id does not exist.")
    events.remove_permission(EventBusName=name, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=name)
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "x", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}]}
    events.put_permission(EventBusName=name, Policy=json.dumps(document))
    assert json.loads(events.describe_event_bus(Name=name)["Policy"]) == document


def test_another_account_sends_where_the_policy_lets_it(platform, events, bus, rule, queue):
    (arn, take), name = queue(), bus()
    source = rule({"Arn": arn}, bus=name)
    other = platform.client("events", account="111122223333")
    entry = {"Source": source, "DetailType": "t", "Detail": "{}", "EventBusName": f"{ARN}event-bus/{name}"}
    [denied] = other.put_events(Entries=[entry])["Entries"]
    assert denied["ErrorCode"] == "AccessDeniedException"
    events.put_permission(EventBusName=name, Action="events:PutEvents", Principal="111122223333", StatementId="one")
    [taken] = other.put_events(Entries=[entry])["Entries"]
    [event] = bodies(take())
    assert (event["id"], event["account"]) == (taken["EventId"], "111122223333")


def test_a_bus_with_a_list_of_senders_takes_nobody_elses_events(events, bus, rule, queue):
    (arn, take), root = queue(), f"arn:aws:iam::{ACCOUNT}:root"
    closed, is_open = (bus(Tags=[{"Key": "fogbank:senders", "Value": senders}]) for senders in ("arn:aws:iam::*:user/u", root))
    for name in (closed, is_open):
        rule({"Arn": arn}, bus=name, pattern={"detail-type": ["test"]})
    entry = {"Source": "s", "DetailType": "test", "Detail": "{}"}
    answer = events.put_events(Entries=[{**entry, "EventBusName": name} for name in (closed, is_open)])
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == ["AccessDeniedException", None]
    assert len(take()) == 1


def test_rules_are_made_described_changed_listed_and_deleted(events, bus):
    name, on = unique("rule"), bus()
    arn = events.put_rule(Name=name, EventPattern='{"source": ["x"]}', Description="d", EventBusName=on, RoleArn="arn:aws:iam::000000000000:role/r")["RuleArn"]
    assert arn == f"{ARN}rule/{on}/{name}"
    found = events.describe_rule(Name=name, EventBusName=on)
    found.pop("ResponseMetadata")
    assert found == {
        "Name": name, "Arn": arn, "EventPattern": '{"source": ["x"]}', "State": "ENABLED", "Description": "d",
        "RoleArn": "arn:aws:iam::000000000000:role/r", "EventBusName": on, "CreatedBy": ACCOUNT,
    }
    events.disable_rule(Name=name, EventBusName=on)
    assert events.describe_rule(Name=name, EventBusName=on)["State"] == "DISABLED"
    events.enable_rule(Name=name, EventBusName=on)
    assert [rule["State"] for rule in events.list_rules(EventBusName=on)["Rules"]] == ["ENABLED"]
    events.put_rule(Name=name, EventPattern='{"source": ["y"]}', EventBusName=on, State="DISABLED")
    found = events.describe_rule(Name=name, EventBusName=on)
    assert (found["EventPattern"], found["State"], found.get("Description")) == ('{"source": ["y"]}', "DISABLED", None)
    for number in range(3):
        events.put_rule(Name=f"{name}-{number}", EventPattern='{"source": ["x"]}', EventBusName=on)
    names, token = [], {}
    while True:
        page = events.list_rules(EventBusName=on, NamePrefix=name + "-", Limit=2, **token)
        names += [rule["Name"] for rule in page["Rules"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == [f"{name}-{number}" for number in range(3)]
    events.delete_rule(Name=name, EventBusName=on)
    events.delete_rule(Name=name, EventBusName=on)
    assert error_of(events.describe_rule, Name=name, EventBusName=on)[0] == "ResourceNotFoundException"


def test_a_rule_on_the_default_bus_has_a_schedule(events):
    name = unique("rule")
    assert events.put_rule(Name=name, ScheduleExpression="cron(0 12 * * ? *)")["RuleArn"] == f"{ARN}rule/{name}"
    found = events.describe_rule(Name=name)
    assert (found["ScheduleExpression"], found["EventBusName"]) == ("cron(0 12 * * ? *)", "default") and "EventPattern" not in found
    events.put_rule(Name=name, ScheduleExpression="rate(5 minutes)")
    events.delete_rule(Name=name)


def test_targets_are_put_listed_and_removed(events, rule):
    name = rule()
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    target = {
        "Id": "a", "Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/r",
        "InputTransformer": {"InputPathsMap": {"x": "$.detail.x"}, "InputTemplate": '{"x": <x>}'},
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
    }
    kinesis = {"Id": "b", "Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", "KinesisParameters": {"PartitionKeyPath": "$.id"}}
    events.put_targets(Rule=name, Targets=[target, kinesis])
    assert events.list_targets_by_rule(Rule=name)["Targets"] == [target, kinesis]
    page = events.list_targets_by_rule(Rule=name, Limit=1)
    assert [one["Id"] for one in page["Targets"]] == ["a"]
    assert [one["Id"] for one in events.list_targets_by_rule(Rule=name, NextToken=page["NextToken"])["Targets"]] == ["b"]
    assert events.list_rule_names_by_target(TargetArn=arn)["RuleNames"] == [name]
    events.put_targets(Rule=name, Targets=[{"Id": "a", "Arn": arn}])
    assert events.list_targets_by_rule(Rule=name)["Targets"][0] == {"Id": "a", "Arn": arn}
    answer = events.remove_targets(Rule=name, Ids=["a", "none"])
    assert answer["FailedEntryCount"] == 1 and answer["FailedEntries"][0]["TargetId"] == "none"
    assert events.list_rule_names_by_target(TargetArn=arn)["RuleNames"] == []


def test_rules_and_buses_have_tags(events, bus):
    name = bus(Tags=[{"Key": "a", "Value": "1"}])
    arn = events.put_rule(Name=name, EventPattern='{"source": ["x"]}', EventBusName=name, Tags=[{"Key": "r", "Value": "1"}])["RuleArn"]
    for resource, before in (f"{ARN}event-bus/{name}", {"a": "1"}), (arn, {"r": "1"}):
        tags = lambda: {tag["Key"]: tag["Value"] for tag in events.list_tags_for_resource(ResourceARN=resource)["Tags"]}  # noqa: B023, E731
        assert tags() == before
        events.tag_resource(ResourceARN=resource, Tags=[{"Key": "b", "Value": "2"}])
        events.untag_resource(ResourceARN=resource, TagKeys=list(before))
        assert tags() == {"b": "2"}
