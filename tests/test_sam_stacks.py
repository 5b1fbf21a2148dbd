"""Applications that differ by stage, by stack or by runtime, and one of thirty functions."""

import shutil
import urllib.parse

import pytest
from conftest import invoke
from web import life, python, send, traces

STREAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs20.x
      Handler: app.handler
      CodeUri: src
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM, Cors: {AllowOrigins: ['*']}}
Outputs:
  Url: {Value: !GetAtt ChatUrl.FunctionUrl}
"""


def test_a_function_url_that_streams(application, platform):
    code = "exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('a'); s.write('VALUE'); s.end(); });"
    app = application({"template.yaml": STREAM, "src/app.js": code.replace("VALUE", "b")})

    def calls():
        return send(platform, "GET", "/", host=urllib.parse.urlsplit(app.outputs["Url"]).hostname).body

    assert life(app, calls, {"src/app.js": code.replace("VALUE", "c")}, ["UPDATE Chat"]) == (b"ab", b"ac")


STAGES = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}}
Mappings: {Settings: {dev: {memory: 128, level: DEBUG}, prod: {memory: 512, level: ERROR}}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
Globals: {Function: {Runtime: python3.11, Handler: app.handler, CodeUri: src, MemorySize: !FindInMap [Settings, !Ref Stage, memory]}}
Resources:
  Main:
    Type: AWS::Serverless::Function
    Properties:
      Description: !If [IsProd, for everybody, !Ref AWS::NoValue]
      Layers: !If [IsProd, [!Ref Extra], !Ref AWS::NoValue]
      Policies:
        - AWSLambdaBasicExecutionRole
        - !If [IsProd, {Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: !Sub 'arn:aws:s3:::${Stage}-*/*'}]}, !Ref AWS::NoValue]
        - !If [IsProd, !Ref Managed, !Ref AWS::NoValue]
      Environment: {Variables: {APP_LEVEL: !FindInMap [Settings, !Ref Stage, level], APP_EXTRA: !If [IsProd, !Join ['-', [a, b]], none]}}
      Events: {Get: {Type: HttpApi, Properties: {Path: /, Method: get}}}
  Debug:
    Type: AWS::Serverless::Function
    Condition: IsDev
    Properties: {Events: {Get: {Type: HttpApi, Properties: {Path: /debug, Method: get}}}}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Condition: IsProd
    Properties: {PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'sqs:*', Resource: '*'}]}}
  Extra:
    Type: AWS::Serverless::LayerVersion
    Condition: IsProd
    Properties: {ContentUri: layer, RetentionPolicy: Delete}
"""


def test_conditions_and_mappings_per_stage(application, aws):
    app = application({"template.yaml": STAGES, "src/app.py": python("x"), "layer/data.txt": "x"})
    app.deploy()
    assert app.send("GET", "/").json["env"] == {"APP_LEVEL": "DEBUG", "APP_EXTRA": "none"}
    assert app.send("GET", "/debug").status == 200
    made = aws("lambda").get_function_configuration(FunctionName=app.resources["Main"])
    assert made["MemorySize"] == 128 and made.get("Layers", []) == [] and made["Description"] == ""
    app.deploy("--parameter", "Stage=prod")
    assert app.send("GET", "/").json["env"] == {"APP_LEVEL": "ERROR", "APP_EXTRA": "a-b"}
    assert app.send("GET", "/debug").status == 404 and "Debug" not in app.resources
    made = aws("lambda").get_function_configuration(FunctionName=app.resources["Main"])
    assert made["MemorySize"] == 512 and len(made["Layers"]) == 1 and made["Description"] == "for everybody"
    role = app.resources["MainRole"]
    assert len(aws("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]) == 2
    assert len(aws("iam").list_role_policies(RoleName=role)["PolicyNames"]) == 1
    app.deploy("--parameter", "Stage=dev")
    assert app.send("GET", "/debug").status == 200 and "Extra" not in app.resources
    app.delete()
    assert traces(app.platform, app.stack) == []


def test_one_stack_imports_from_another(application, aws):
    base = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}}
Outputs:
  Role: {Value: !GetAtt Role.Arn, Export: {Name: !Sub "${AWS::StackName}-role"}}
"""
    user = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Base: {Type: String}, Colour: {Type: String, Default: ''}}
Conditions: {Coloured: !Not [!Equals [!Ref Colour, '']]}
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Role: !ImportValue {'Fn::Sub': '${Base}-role'}
      Environment: {Variables: {APP_NAME: !If [Coloured, !Sub ['${C}-${AWS::Region}', {C: !Ref Colour}], !Sub '${AWS::StackName}']}}
"""
    base_app = application({"template.yaml": base}, name="base")
    app = application({"template.yaml": user, "src/app.py": python("x")}, name="user")
    done = app.deploy("--parameter", f"Base={base_app.stack}", check=False)
    assert done.returncode == 1 and f"no stack exports '{base_app.stack}-role'" in done.stderr
    base_app.deploy()
    app.deploy("--parameter", f"Base={base_app.stack}")
    made = aws("lambda").get_function_configuration(FunctionName=app.resources["Fn"])
    assert made["Role"].endswith(base_app.resources["Role"])
    assert made["Environment"]["Variables"]["APP_NAME"] == app.stack
    app.deploy("--parameter", f"Base={base_app.stack}", "--parameter", "Colour=red")
    made = aws("lambda").get_function_configuration(FunctionName=app.resources["Fn"])
    assert made["Environment"]["Variables"]["APP_NAME"] == "red-us-east-1"


CUSTOM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Native:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties: {Runtime: provided.al2023, Handler: main, CodeUri: src, Timeout: 5}
"""
SHELL = """#!/bin/sh
set -eu
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  head=$(mktemp)
  event=$(curl -sS -D "$head" "$api/next")
  id=$(grep -i '^lambda-runtime-aws-request-id' "$head" | tr -d '\\r' | cut -d' ' -f2)
  curl -sS -o /dev/null -d "{\\"value\\": \\"VALUE\\", \\"event\\": $event}" "$api/$id/response"
done
"""


@pytest.mark.skipif(not shutil.which("curl"), reason="the function speaks to its runtime with curl")
def test_a_custom_runtime_built_with_make(application, aws):
    makefile = "build-Native:\n\tcp main.sh $(ARTIFACTS_DIR)/bootstrap\n\tchmod +x $(ARTIFACTS_DIR)/bootstrap\n"
    app = application({"template.yaml": CUSTOM, "src/Makefile": makefile, "src/main.sh": SHELL.replace("VALUE", "one")})

    def calls():
        return invoke(aws("lambda"), app.resources["Native"], {"a": 1})

    before, after = life(app, calls, {"src/main.sh": SHELL.replace("VALUE", "two")}, ["UPDATE Native"])
    assert before == ({"value": "one", "event": {"a": 1}}, None) and after[0]["value"] == "two"


@pytest.mark.alone
def test_thirty_functions_deploy_quickly(application, aws):
    function = "  F{n}: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: src/f{n}, Events: {{Get: {{Type: HttpApi, Properties: {{Path: /f{n}, Method: get}}}}}}}}}}\n"
    text = "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Runtime: python3.11, Handler: app.handler}}\nResources:\n"
    files = {"template.yaml": text + "".join(function.format(n=n) for n in range(30))}
    files.update({f"src/f{n}/app.py": python(f"f{n}") for n in range(30)})
    app = application(files)
    assert app.deploy().seconds < 10
    assert app.send("GET", "/f17").json["message"] == "f17" and app.send("GET", "/f29").json["message"] == "f29"
    again = app.deploy()
    assert again.seconds < 1 and app.changes(again) == []
    one = app.write({"src/f7/app.py": python("seven")}).deploy()
    assert one.seconds < 1.5 and app.changes(one) == ["UPDATE F7"]
    assert app.send("GET", "/f7").json["message"] == "seven"
    app.delete()
    assert traces(app.platform, app.stack) == []
