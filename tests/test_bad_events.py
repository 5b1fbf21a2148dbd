"""Requests to EventBridge that are wrong: each is refused with AWS's code, and rules and buses are as they were."""

import json

import pytest
from conftest import ACCOUNT, REGION, error_of, unique

VALIDATION, MISSING, EXISTS = "ValidationException", "ResourceNotFoundException", "ResourceAlreadyExistsException"
PATTERN = json.dumps({"source": ["x"]})
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/"
BASIC = {"BasicAuthParameters": {"Username": "u", "Password": "p"}}


@pytest.fixture(scope="module")
def house(platform):
    """A bus with a rule that has a target, an archive and a connection, all of one name."""
    client, name = platform.client("events", parameter_validation=False), unique("bad")
    client.create_event_bus(Name=name)
    client.put_rule(Name=name, EventPattern=PATTERN, EventBusName=name)
    client.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": LAMBDA}])
    client.create_archive(ArchiveName=name, EventSourceArn=BUS + name)
    client.create_connection(Name=name, AuthorizationType="BASIC", AuthParameters=BASIC)
    before = client.describe_rule(Name=name, EventBusName=name), client.list_targets_by_rule(Rule=name, EventBusName=name)["Targets"]
    yield client, name
    after = client.describe_rule(Name=name, EventBusName=name), client.list_targets_by_rule(Rule=name, EventBusName=name)["Targets"]
    assert [before[0]["EventPattern"], before[1]] == [after[0]["EventPattern"], after[1]]
    client.delete_connection(Name=name)
    client.delete_archive(ArchiveName=name)
    client.remove_targets(Rule=name, EventBusName=name, Ids=["1"])
    client.delete_rule(Name=name, EventBusName=name)
    client.delete_event_bus(Name=name)


def target(**more):
    return "put_targets", {"Rule": "$", "EventBusName": "$", "Targets": [{"Id": "2", "Arn": LAMBDA, **more}]}


def rule(**more):
    return "put_rule", {"Name": "fresh", **more}


def replay(**more):
    given = {"ReplayName": "fresh", "EventSourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:archive/$", "EventStartTime": 1, "EventEndTime": 2}
    return "start_replay", {**given, "Destination": {"Arn": BUS + "$"}, **more}


CASES = [
    (("create_event_bus", {"Name": "$"}), EXISTS, "Event bus $ already exists."),
    (("create_event_bus", {"Name": "default"}), EXISTS, "Event bus default already exists."),
    (("create_event_bus", {"Name": "a/b"}), VALIDATION, "Event bus name must not contain '/'."),
    (("create_event_bus", {"Name": "aws.mine"}), VALIDATION, "Event bus name starting with 'aws.' is not valid."),
    (("create_event_bus", {"Name": "a b"}), VALIDATION, "failed to satisfy constraint: Member must satisfy regular expression pattern"),
    (("create_event_bus", {}), VALIDATION, "Value null at 'name' failed to satisfy constraint: Member must not be null"),
    (("delete_event_bus", {"Name": "default"}), VALIDATION, "Cannot delete event bus default."),
    (("delete_event_bus", {"Name": "$"}), VALIDATION, "Event bus $ can't be deleted since it has rules."),
    (("describe_event_bus", {"Name": "nobody"}), MISSING, "Event bus nobody does not exist."),
    (("put_permission", {"Action": "events:PutEvents", "Principal": "*", "StatementId": "s", "EventBusName": "nobody"}), MISSING, "Event bus nobody does not exist."),
    (("put_permission", {"Action": "events:PutRule", "Principal": "*", "StatementId": "s"}), VALIDATION, "Provided value in parameter 'action' is not supported."),
    (("remove_permission", {"EventBusName": "$", "StatementId": "s"}), MISSING, "EventBus does not have a policy."),
    (rule(), VALIDATION, "Parameter(s) EventPattern or ScheduleExpression must be specified."),
    (rule(EventPattern=PATTERN, EventBusName="nobody"), MISSING, "Event bus nobody does not exist."),
    (rule(EventPattern="{"), "InvalidEventPatternException", "Event pattern is not valid. Reason: "),
    (rule(EventPattern="{}"), "InvalidEventPatternException", "Event pattern is not valid. Reason: Empty objects are not allowed"),
    (rule(EventPattern="x" * 4097), VALIDATION, "Member must have length less than or equal to 4096"),
    (rule(EventPattern=PATTERN, State="ON"), VALIDATION, "Member must satisfy enum value set"),
    (rule(EventPattern=PATTERN, Tags=[{"Key": "aws:x", "Value": "y"}]), VALIDATION, "System tags"),
    (rule(ScheduleExpression="rate(1 minute)", EventBusName="$"), VALIDATION, "ScheduleExpression is supported only on the default event bus."),
    *((rule(ScheduleExpression=text), VALIDATION, "Parameter ScheduleExpression is not valid.") for text in
      ("rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "cron(* * * * * *)", "cron(0 12 * * ?)", "at(2030-01-01T00:00:00)", "daily")),
    (("describe_rule", {"Name": "nobody"}), MISSING, "Rule nobody does not exist on EventBus default."),
    (("describe_rule", {"Name": "nobody", "EventBusName": "$"}), MISSING, "Rule nobody does not exist on EventBus $."),
    (("enable_rule", {"Name": "nobody"}), MISSING, "Rule nobody does not exist on EventBus default."),
    (("delete_rule", {"Name": "$", "EventBusName": "$"}), VALIDATION, "Rule can't be deleted since it has targets."),
    (("list_targets_by_rule", {"Rule": "nobody"}), MISSING, "Rule nobody does not exist on EventBus default."),
    (("list_rules", {"EventBusName": "nobody"}), MISSING, "Event bus nobody does not exist."),
    (("list_rules", {"NextToken": "\u00e9"}), VALIDATION, "Invalid token"),
    (("list_rules", {"Limit": 0}), VALIDATION, "Member must have value greater than or equal to 1"),
    (("put_targets", {"Rule": "nobody", "Targets": [{"Id": "1", "Arn": LAMBDA}]}), MISSING, "Rule nobody does not exist on EventBus default."),
    (target(Arn="nothing"), VALIDATION, "Parameter nothing is not valid. Reason: Provided Arn is not in correct format."),
    (target(Arn=f"{QUEUE}.fifo"), VALIDATION, "Parameter(s) SqsParameters must be specified for target: 2."),
    (target(Input="{"), VALIDATION, "JSON syntax error in input for target 2"),
    (target(Input="{}", InputPath="$.detail"), VALIDATION, "Only one of Input, InputPath, or InputTransformer must be provided for target 2."),
    (target(InputPath="detail"), VALIDATION, "InputPath for target 2"),
    (target(InputTransformer={"InputTemplate": "<x>"}), VALIDATION, "InputTemplate for target 2 contains invalid placeholder x."),
    (target(InputTransformer={"InputPathsMap": {"aws.events.rule-arn": "$.id"}, "InputTemplate": "1"}), VALIDATION, "Member must satisfy regular expression pattern"),
    (target(RetryPolicy={"MaximumRetryAttempts": 186}), VALIDATION, "Member must have value less than or equal to 185"),
    (target(RetryPolicy={"MaximumEventAgeInSeconds": 59}), VALIDATION, "Member must have value greater than or equal to 60"),
    (target(DeadLetterConfig={"Arn": LAMBDA}), VALIDATION, "DeadLetterConfig.Arn"),
    (("put_targets", {"Rule": "$", "EventBusName": "$", "Targets": [{"Id": f"x{n}", "Arn": LAMBDA} for n in range(6)]}), "LimitExceededException", "The requested resource exceeds the maximum number allowed."),
    (("put_events", {"Entries": []}), VALIDATION, "Member must have length greater than or equal to 1"),
    (("put_events", {"Entries": [{}] * 11}), VALIDATION, "Member must have length less than or equal to 10"),
    (("put_events", {"Entries": [{"Source": "x", "DetailType": "y", "Detail": json.dumps({"a": "b" * 262144})}]}), VALIDATION, "Total size of the entries in the request is over the limit."),
    (("test_event_pattern", {"EventPattern": PATTERN, "Event": "nothing"}), VALIDATION, "Parameter Event is not valid."),
    (("test_event_pattern", {"EventPattern": PATTERN, "Event": "{}"}), VALIDATION, "Parameter Event is not valid. Reason: id is a required field."),
    (("create_archive", {"ArchiveName": "$", "EventSourceArn": BUS + "$"}), EXISTS, "Archive $ already exists."),
    (("create_archive", {"ArchiveName": "fresh", "EventSourceArn": BUS + "nobody"}), MISSING, "Event bus nobody does not exist."),
    (("create_archive", {"ArchiveName": "x" * 49, "EventSourceArn": BUS + "$"}), VALIDATION, "Member must have length less than or equal to 48"),
    (("create_archive", {"ArchiveName": "fresh", "EventSourceArn": BUS + "$", "EventPattern": "[]"}), "InvalidEventPatternException", "Event pattern is not valid."),
    (("describe_archive", {"ArchiveName": "nobody"}), MISSING, "Archive nobody does not exist."),
    (("list_archives", {"NamePrefix": "a", "State": "ENABLED"}), VALIDATION, "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix."),
    (replay(EventSourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:archive/nobody"), VALIDATION, "Parameter EventSourceArn is not valid. Reason: Archive nobody does not exist."),
    (replay(Destination={"Arn": LAMBDA}), VALIDATION, "Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN."),
    (replay(Destination={"Arn": BUS + "default"}), VALIDATION, "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."),
    (replay(EventEndTime=1), VALIDATION, "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."),
    (("describe_replay", {"ReplayName": "nobody"}), MISSING, "Replay nobody does not exist."),
    (("cancel_replay", {"ReplayName": "nobody"}), MISSING, "Replay nobody does not exist."),
    (("create_connection", {"Name": "$", "AuthorizationType": "BASIC", "AuthParameters": BASIC}), EXISTS, "Connection $ already exists."),
    (("create_connection", {"Name": "fresh", "AuthorizationType": "API_KEY", "AuthParameters": BASIC}), VALIDATION, "ApiKeyAuthParameters must be specified"),
    (("describe_connection", {"Name": "nobody"}), MISSING, "Connection 'nobody' does not exist."),
    (("describe_api_destination", {"Name": "nobody"}), MISSING, "An api-destination 'nobody' does not exist."),
    (("create_api_destination", {"Name": "fresh", "ConnectionArn": f"arn:aws:events:{REGION}:{ACCOUNT}:connection/nobody/1", "InvocationEndpoint": "https://x.test", "HttpMethod": "POST"}), MISSING, "Connection 'nobody' does not exist."),
    (("list_tags_for_resource", {"ResourceARN": LAMBDA}), VALIDATION, "Provided Arn is not in correct format."),
    (("tag_resource", {"ResourceARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/nobody", "Tags": []}), MISSING, "Rule nobody does not exist on EventBus default."),
    (("describe_event_source", {"Name": "aws.partner/a/b"}), MISSING, "Event source aws.partner/a/b does not exist."),
]


def filled(value, name):
    """The value with `$` standing for the name of what the house has; paths keep theirs."""
    if isinstance(value, dict):
        return {key: filled(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, name) for item in value]
    return value.replace("$", name) if isinstance(value, str) and not value.startswith("$.") else value


@pytest.mark.parametrize("request_, code, message", CASES, ids=[f"{case[0][0]}-{at}" for at, case in enumerate(CASES)])
def test_a_bad_request(house, request_, code, message):
    client, name = house
    operation, given = request_
    found = error_of(getattr(client, operation), **filled(given, name))
    assert found[0] == code and message.replace("$", name) in found[1], found


@pytest.mark.parametrize(
    "entry, code, message",
    [
        ({"DetailType": "t", "Detail": "{}"}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        ({"Source": "", "DetailType": "t", "Detail": "{}"}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        ({"Source": "s", "Detail": "{}"}, "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."),
        ({"Source": "s", "DetailType": "t"}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ({"Source": "s", "DetailType": "t", "Detail": "not json"}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "s", "DetailType": "t", "Detail": "[]"}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "aws.s3", "DetailType": "t", "Detail": "{}"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
    ],
)
def test_a_bad_event_fails_alone(house, entry, code, message):
    client, _ = house
    good = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    answer = client.put_events(Entries=[good, entry, good])
    assert answer["FailedEntryCount"] == 1
    first, failed, last = answer["Entries"]
    assert first["EventId"] and last["EventId"]
    assert (failed["ErrorCode"], failed["ErrorMessage"]) == (code, message) and "EventId" not in failed
