"""EventBridge in templates: plain resources, and the events of SAM functions."""

import json

from conftest import ACCOUNT, REGION, error_of, eventually, unique

ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:"
PLAIN = """
Parameters: {Pattern: {Type: String, Default: one}}
Resources:
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: !Sub '${AWS::StackName}-bus', Description: mine, Tags: [{Key: a, Value: b}]}}
  Policy: {Type: AWS::Events::EventBusPolicy, Properties: {EventBusName: !Ref Bus, StatementId: other, Action: 'events:PutEvents', Principal: '111122223333'}}
  Whole:
    Type: AWS::Events::EventBusPolicy
    Properties:
      EventBusName: !Ref Bus
      StatementId: whole
      Statement: {Effect: Allow, Principal: '*', Action: 'events:PutEvents', Resource: !GetAtt Bus.Arn, Condition: {StringEquals: {'aws:PrincipalOrgID': o-1}}}
  Queue: {Type: AWS::SQS::Queue}
  Dead: {Type: AWS::SQS::Queue}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: !Sub '${AWS::StackName}-rule'
      EventBusName: !Ref Bus
      EventPattern: {source: [shop], detail: {kind: [!Ref Pattern]}}
      Targets:
        - Id: queue
          Arn: !GetAtt Queue.Arn
          InputTransformer: {InputPathsMap: {n: $.detail.n}, InputTemplate: '{"n": <n>}'}
          RetryPolicy: {MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60}
          DeadLetterConfig: {Arn: !GetAtt Dead.Arn}
  Timer: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day), State: DISABLED, Targets: [{Id: q, Arn: !GetAtt Queue.Arn, Input: '{"a": 1}'}]}}
  Archive: {Type: AWS::Events::Archive, Properties: {SourceArn: !GetAtt Bus.Arn, RetentionDays: 3, EventPattern: {source: [shop]}}}
  Connection: {Type: AWS::Events::Connection, Properties: {AuthorizationType: API_KEY, AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: k, ApiKeyValue: v}}}}
  Destination: {Type: AWS::Events::ApiDestination, Properties: {ConnectionArn: !GetAtt Connection.Arn, HttpMethod: POST, InvocationEndpoint: 'https://example.test/hook'}}
Outputs:
  Bus: {Value: !GetAtt Bus.Arn}
  Rule: {Value: !GetAtt Rule.Arn}
  RuleRef: {Value: !Ref Rule}
  Timer: {Value: !Ref Timer}
  Queue: {Value: !Ref Queue}
  Archive: {Value: !Ref Archive}
  Destination: {Value: !GetAtt Destination.Arn}
"""


def put(events, detail, bus):
    entry = {"Source": "shop", "DetailType": "t", "Detail": json.dumps(detail), "EventBusName": bus}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0


def take(sqs, url):
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def test_plain_resources_are_made_changed_and_deleted(application, aws):
    events, sqs = aws("events"), aws("sqs")
    app = application({"template.yaml": PLAIN}, name="plain")
    app.deploy()
    bus, outputs = f"{app.stack}-bus", app.outputs
    assert outputs["Bus"] == f"{ARN}event-bus/{bus}" and outputs["Rule"] == f"{ARN}rule/{bus}/{app.stack}-rule"
    assert outputs["RuleRef"] == f"{bus}|{app.stack}-rule"
    described = events.describe_event_bus(Name=bus)
    assert described["Description"] == "mine"
    assert sorted(one["Sid"] for one in json.loads(described["Policy"])["Statement"]) == ["other", "whole"]
    assert events.list_tags_for_resource(ResourceARN=outputs["Bus"])["Tags"] == [{"Key": "a", "Value": "b"}]
    assert events.describe_rule(Name=outputs["Timer"])["State"] == "DISABLED"
    assert events.describe_archive(ArchiveName=outputs["Archive"])["RetentionDays"] == 3
    assert outputs["Destination"].startswith(f"{ARN}api-destination/")
    put(events, {"kind": "one", "n": 1}, bus)
    assert take(sqs, outputs["Queue"]) == [{"n": 1}]
    app.write({"template.yaml": PLAIN.replace("Default: one", "Default: two").replace("RetentionDays: 3, ", "").replace("Id: queue", "Id: other")})
    changes = app.changes(app.deploy())
    assert changes == ["UPDATE Archive", "UPDATE Rule"], changes
    put(events, {"kind": "one", "n": 1}, bus)
    put(events, {"kind": "two", "n": 2}, bus)
    assert take(sqs, outputs["Queue"]) == [{"n": 2}]
    assert events.describe_archive(ArchiveName=outputs["Archive"])["RetentionDays"] == 0
    app.delete()
    assert error_of(events.describe_event_bus, Name=bus)[0] == "ResourceNotFoundException"
    assert error_of(events.describe_rule, Name=outputs["Timer"])[0] == "ResourceNotFoundException"


SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: !Sub '${AWS::StackName}-bus'}}
  Seen: {Type: AWS::SQS::Queue}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Environment: {Variables: {SEEN: !Ref Seen, BUS: !Ref Bus}}
      Policies: [{EventBridgePutEventsPolicy: {EventBusName: !Ref Bus}}, {SQSSendMessagePolicy: {QueueName: !GetAtt Seen.QueueName}}]
      Events:
        Ordered:
          Type: EventBridgeRule
          Properties:
            EventBusName: !Ref Bus
            Pattern: {source: [shop], detail-type: [ordered]}
            InputPath: $.detail
            RetryPolicy: {MaximumRetryAttempts: 5, MaximumEventAgeInSeconds: 900}
            DeadLetterConfig: {Type: SQS}
            Target: {Id: mine}
            RuleName: !Sub '${AWS::StackName}-ordered'
        Instances: {Type: CloudWatchEvent, Properties: {Pattern: {source: [STACK]}, Input: '{"from": "cloudwatch"}'}}
        Nightly: {Type: Schedule, Properties: {Schedule: cron(0 3 * * ? *), Name: !Sub '${AWS::StackName}-nightly', Description: d, Enabled: false, Input: '{"a": 1}'}}
        Often: {Type: Schedule, Properties: {Schedule: rate(1 day), State: ENABLED}}
Outputs:
  Seen: {Value: !Ref Seen}
  Fn: {Value: !GetAtt Fn.Arn}
"""
CODE = """
import boto3, json, os
def handler(event, context):
    if "forward" in event:
        entry = {"Source": "shop", "DetailType": "ordered", "Detail": json.dumps({"n": event["forward"]}), "EventBusName": os.environ["BUS"]}
        return boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(event))
"""


def test_a_sam_functions_events_become_rules(application, aws):
    events, sqs = aws("events"), aws("sqs")
    app = application({"src/app.py": CODE}, name="sam")
    app.write({"template.yaml": SAM.replace("STACK", app.stack)})
    app.deploy()
    outputs, resources, bus = app.outputs, app.resources, f"{app.stack}-bus"
    [target] = events.list_targets_by_rule(Rule=f"{app.stack}-ordered", EventBusName=bus)["Targets"]
    assert (target["Id"], target["Arn"], target["InputPath"]) == ("mine", outputs["Fn"], "$.detail")
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 900}
    assert {"FnOrdered", "FnOrderedPermission", "FnOrderedQueue", "FnOrderedQueuePolicy", "FnInstances", "FnNightly", "FnOften"} <= resources.keys()
    assert target["DeadLetterConfig"]["Arn"].endswith(resources["FnOrderedQueue"].rsplit("/", 1)[1])
    nightly = events.describe_rule(Name=f"{app.stack}-nightly")
    assert (nightly["State"], nightly["ScheduleExpression"], nightly["Description"]) == ("DISABLED", "cron(0 3 * * ? *)", "d")
    assert events.describe_rule(Name=resources["FnOften"])["State"] == "ENABLED"
    [target] = events.list_targets_by_rule(Rule=resources["FnOften"])["Targets"]
    assert target["Id"] == "FnOftenLambdaTarget"
    policy = json.loads(aws("lambda").get_policy(FunctionName=outputs["Fn"])["Policy"])
    sources = {one["Condition"]["ArnLike"]["AWS:SourceArn"] for one in policy["Statement"] if one["Principal"] == {"Service": "events.amazonaws.com"}}
    assert f"{ARN}rule/{bus}/{app.stack}-ordered" in sources and len(sources) == 4
    reply = aws("lambda").invoke(FunctionName=outputs["Fn"], Payload=json.dumps({"forward": 7}))
    assert json.loads(reply["Payload"].read()) == 0
    assert eventually(lambda: take(sqs, outputs["Seen"]), 20) == [{"n": 7}]
    events.put_events(Entries=[{"Source": app.stack, "DetailType": "x", "Detail": "{}"}])
    assert eventually(lambda: take(sqs, outputs["Seen"]), 20) == [{"from": "cloudwatch"}]


def test_an_event_without_what_it_needs_is_named(application):
    name = unique("bad")
    template = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.11, Handler: app.handler, CodeUri: src, Events: {A: {Type: EventBridgeRule, Properties: {}}, B: {Type: Schedule, Properties: {Schedule: rate(1 day), Enabled: true, State: ENABLED}}}}
"""
    done = application({"src/app.py": CODE, "template.yaml": template}, name=name).deploy(check=False)
    assert done.returncode != 0
    assert "the event A needs a Pattern" in done.stderr and "the event B has both State and Enabled" in done.stderr
