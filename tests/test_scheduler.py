"""EventBridge Scheduler, with unmodified boto3 and the aws CLI."""

import datetime
import json
import subprocess

import pytest
from conftest import ACCOUNT, REGION, ROLE, error_of, eventually, unique

OFF = {"Mode": "OFF"}


@pytest.fixture
def scheduler(aws):
    return aws("scheduler")


@pytest.fixture
def queue(aws):
    """A queue's ARN, and what takes the next message off it."""
    sqs = aws("sqs")

    def make(**attributes):
        suffix = ".fifo" if attributes.get("FifoQueue") else ""
        url = sqs.create_queue(QueueName=unique() + suffix, Attributes=attributes)["QueueUrl"]

        def next_message(seconds=15):
            names = {"MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
            got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds, **names).get("Messages")
            return got and got[0]

        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"], next_message

    return make


def at(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return f"at({when:%Y-%m-%dT%H:%M:%S})"


def target(arn, **more):
    return {"Arn": arn, "RoleArn": ROLE, **more}


def test_a_schedule_is_made_read_changed_listed_and_removed(scheduler, queue):
    name, (arn, _) = unique(), queue()
    start = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    made = scheduler.create_schedule(
        Name=name,
        ScheduleExpression="cron(0 2 * * ? *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        StartDate=start,
        Description="nightly",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        Target=target(arn, Input="x"),
    )
    own = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    assert made["ScheduleArn"] == own
    shown = scheduler.get_schedule(Name=name)
    for member in ("ResponseMetadata", "CreationDate", "LastModificationDate"):
        shown.pop(member)
    assert shown == {
        "Arn": own,
        "GroupName": "default",
        "Name": name,
        "ScheduleExpression": "cron(0 2 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": start,
        "Description": "nightly",
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "Target": target(arn, Input="x", RetryPolicy={"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}),
    }
    # An update replaces everything.
    scheduler.update_schedule(
        Name=name, ScheduleExpression="rate(1 hours)", State="DISABLED", FlexibleTimeWindow=OFF, Target=target(arn)
    )
    shown = scheduler.get_schedule(Name=name)
    assert (shown["State"], shown["ScheduleExpressionTimezone"], shown["FlexibleTimeWindow"]) == ("DISABLED", "UTC", OFF)
    assert "Description" not in shown and "StartDate" not in shown
    (summary,) = scheduler.list_schedules(NamePrefix=name, State="DISABLED")["Schedules"]
    assert (summary["Arn"], summary["Target"]) == (own, {"Arn": arn})
    assert scheduler.list_schedules(NamePrefix=name, State="ENABLED")["Schedules"] == []
    scheduler.delete_schedule(Name=name)
    gone = ("ResourceNotFoundException", f"Schedule {name} does not exist.")
    assert error_of(scheduler.get_schedule, Name=name) == gone
    assert error_of(scheduler.delete_schedule, Name=name) == gone


def test_groups_hold_schedules_and_tags(scheduler, queue):
    group, (arn, _) = unique("g"), queue()
    own = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{group}"
    assert scheduler.create_schedule_group(Name=group, Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"] == own
    assert error_of(scheduler.create_schedule_group, Name=group) == (
        "ConflictException",
        f"Schedule group {group} already exists.",
    )
    scheduler.tag_resource(ResourceArn=own, Tags=[{"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=own, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=own)["Tags"] == [{"Key": "b", "Value": "2"}]
    for name in ("x", "y", "z"):
        scheduler.create_schedule(
            Name=name, GroupName=group, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target(arn)
        )
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName=group, PaginationConfig={"PageSize": 2})
    assert [schedule["Name"] for page in pages for schedule in page["Schedules"]] == ["x", "y", "z"]
    names = [one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]]
    assert {"default", group} <= set(names) and names == sorted(names)
    assert scheduler.get_schedule_group(Name=group)["State"] == "ACTIVE"
    scheduler.delete_schedule_group(Name=group)
    missing = ("ResourceNotFoundException", f"Schedule group {group} does not exist.")
    assert error_of(scheduler.get_schedule, Name="x", GroupName=group) == missing
    assert error_of(scheduler.get_schedule_group, Name=group) == missing
    assert error_of(scheduler.delete_schedule_group, Name="default")[0] == "ValidationException"


def test_one_token_makes_one_schedule(scheduler, queue):
    name, (arn, _) = unique(), queue()
    wanted = dict(Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target(arn))
    first = scheduler.create_schedule(ClientToken="token", **wanted)
    assert scheduler.create_schedule(ClientToken="token", **wanted)["ScheduleArn"] == first["ScheduleArn"]
    assert error_of(scheduler.create_schedule, ClientToken="other", **wanted) == (
        "ConflictException",
        f"Schedule {name} already exists.",
    )


def test_a_queue_gets_what_is_due_and_the_schedule_goes(scheduler, queue):
    name, (arn, next_message) = unique(), queue()
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression=at(1),
        FlexibleTimeWindow=OFF,
        ActionAfterCompletion="DELETE",
        Target=target(arn, Input='{"by": "<aws.scheduler.schedule-arn>"}'),
    )
    own = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    assert json.loads(next_message()["Body"]) == {"by": own}
    eventually(lambda: not scheduler.list_schedules(NamePrefix=name)["Schedules"])


def test_without_an_input_the_target_gets_an_event(scheduler, queue):
    name, (arn, next_message) = unique(), queue(FifoQueue="true", ContentBasedDeduplication="true")
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow=OFF,
        Target=target(arn, SqsParameters={"MessageGroupId": "g"}),
    )
    message = next_message()
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    assert event["resources"] == [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"]
    assert message["Attributes"]["MessageGroupId"] == "g"


def test_a_function_is_called(scheduler, aws, make_function, queue):
    end, next_message = queue()
    name = make_function("def handler(event, context):\n    return event['n'] + 1\n")
    client = aws("lambda")
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": end}})
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    schedule = unique()
    scheduler.create_schedule(
        Name=schedule, ScheduleExpression=at(0), FlexibleTimeWindow=OFF, Target=target(arn, Input='{"n": 1}')
    )
    assert json.loads(next_message()["Body"])["responsePayload"] == 2


def test_what_no_target_takes_ends_in_the_dead_letter_queue(scheduler, queue):
    name, (dead, next_letter) = unique(), queue()
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{unique('missing')}"
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression=at(0),
        FlexibleTimeWindow=OFF,
        Target=target(missing, Input="lost", DeadLetterConfig={"Arn": dead}),
    )
    letter = next_letter()
    attributes = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert letter["Body"] == "lost"
    assert attributes["TARGET_ARN"] == missing and attributes["ERROR_CODE"] == "ResourceNotFound"
    assert attributes["SCHEDULE_ARN"] == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"


def test_the_aws_cli_makes_a_schedule(platform, scheduler, queue):
    name, (arn, _) = unique(), queue()
    words = ["create-schedule", "--name", name, "--schedule-expression", "rate(5 minutes)", "--flexible-time-window", "Mode=OFF"]
    command = ["aws", "scheduler", *words, "--target", json.dumps(target(arn))]
    done = subprocess.run(command, env=platform.environ(), capture_output=True, text=True)
    assert json.loads(done.stdout)["ScheduleArn"].endswith(name), done.stderr


BAD = {
    "no such unit": ({"ScheduleExpression": "rate(1 fortnight)"}, "Invalid Schedule Expression rate(1 fortnight)."),
    "five fields": ({"ScheduleExpression": "cron(* * * * *)"}, "Invalid Schedule Expression cron(* * * * *)."),
    "both days": ({"ScheduleExpression": "cron(0 0 1 * MON *)"}, "Invalid Schedule Expression cron(0 0 1 * MON *)."),
    "no number": ({"ScheduleExpression": "rate(x minutes)"}, "Invalid Schedule Expression rate(x minutes)."),
    "zero": ({"ScheduleExpression": "rate(0 minutes)"}, "Invalid Schedule Expression rate(0 minutes)."),
    "no time": ({"ScheduleExpression": "at(2030-13-01T00:00:00)"}, "Invalid Schedule Expression at(2030-13-01T00:00:00)."),
    "a word": ({"ScheduleExpression": "hourly"}, "Invalid Schedule Expression hourly."),
    "no such zone": ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Invalid Schedule Expression Timezone Mars/Olympus."),
    "no ARN": ({"Target": target("queue")}, "Provided Arn queue is not in correct format."),
    "no window": ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes must be provided when FlexibleTimeWindow is FLEXIBLE."),
    "a window": ({"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}}, "MaximumWindowInMinutes must not be provided when FlexibleTimeWindow is OFF."),
    "an end before the beginning": ({"StartDate": 2000000000, "EndDate": 1900000000}, "The EndDate you specify must be later than the StartDate."),
    "a bad mode": ({"FlexibleTimeWindow": {"Mode": "LOOSE"}}, "1 validation error detected: Value 'LOOSE' at 'flexibleTimeWindow.mode' failed to satisfy constraint: Member must satisfy enum value set: [OFF, FLEXIBLE]"),
    "a bad name": ({"Name": "a b"}, "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9a-zA-Z-_.]+"),
    "a bad role": ({"Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "me"}}, "1 validation error detected: Value 'me' at 'target.roleArn' failed to satisfy constraint"),
    "no JSON for a function": ({"Target": target(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", Input="x")}, "Invalid Input: it must be valid JSON for a Lambda function target."),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_refused(platform, what):
    change, message = BAD[what]
    client = platform.client("scheduler", parameter_validation=False)
    good = {
        "Name": "never",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": OFF,
        "Target": target("arn:aws:sqs:us-east-1:000000000000:q"),
    }
    code, text = error_of(client.create_schedule, **{**good, **change})
    assert code == "ValidationException" and text.startswith(message), (code, text)


def test_a_missing_group_is_named(scheduler):
    wanted = dict(ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target("arn:aws:sqs:us-east-1:000000000000:q"))
    assert error_of(scheduler.create_schedule, Name="n", GroupName="nobodys", **wanted) == (
        "ResourceNotFoundException",
        "Schedule group nobodys does not exist.",
    )


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  End: {Type: AWS::SQS::Queue}
  Group: {Type: AWS::Scheduler::ScheduleGroup}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      EventInvokeConfig: {DestinationConfig: {OnSuccess: {Type: SQS, Destination: !GetAtt End.Arn}}}
      Events:
        Soon:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(%d days)
            GroupName: !Ref Group
            Input: '{"n": 1}'
  Plain:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: cron(0 2 * * ? *)
      ScheduleExpressionTimezone: Europe/Berlin
      FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 10}
      Target: {Arn: !GetAtt End.Arn, RoleArn: !GetAtt WorkerRole.Arn, Input: nightly}
Outputs:
  Plain: {Value: !GetAtt Plain.Arn}
"""


def test_a_stack_has_schedules(platform, aws, scheduler, application):
    app = application({"template.yaml": TEMPLATE % 2, "src/app.py": "def handler(event, context):\n    return event\n"})
    app.deploy()
    sqs = aws("sqs")
    message = sqs.receive_message(QueueUrl=app.resources["End"], WaitTimeSeconds=15)["Messages"][0]
    assert json.loads(message["Body"])["responsePayload"] == {"n": 1}
    plain = scheduler.get_schedule(Name=app.resources["Plain"])
    assert plain["Arn"] == app.outputs["Plain"] and plain["FlexibleTimeWindow"]["MaximumWindowInMinutes"] == 10
    group = app.resources["Group"]
    soon = scheduler.get_schedule(Name=app.resources["WorkerSoon"], GroupName=group)
    assert (soon["ScheduleExpression"], soon["FlexibleTimeWindow"]) == ("rate(2 days)", OFF)
    assert soon["Target"]["RoleArn"].split("/")[-1] == app.resources["WorkerSoonRole"]
    app.write({"template.yaml": TEMPLATE % 3})
    app.deploy()
    assert scheduler.get_schedule(Name=app.resources["WorkerSoon"], GroupName=group)["ScheduleExpression"] == "rate(3 days)"
    app.delete()
    assert error_of(scheduler.get_schedule_group, Name=group)[0] == "ResourceNotFoundException"
