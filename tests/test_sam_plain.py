"""Plain CloudFormation for the gateway: every resource written out, in YAML and in JSON."""

import json

import pytest
from conftest import unique
from web import Application, python, traces

ROLE = """
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']
  Function:
    Type: AWS::Lambda::Function
    DependsOn: Role
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Metadata: {cfn_nag: {rules_to_suppress: [{id: W58, reason: x}]}}
    Properties:
      Runtime: python3.11
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Tags: [{Key: a, Value: b}]
      Code:
        ZipFile: |
          import json
          def handler(event, context):
              return {"statusCode": 200, "body": json.dumps({"message": "MESSAGE", "path": event.get("path") or event["rawPath"]})}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !GetAtt Function.Arn, Action: 'lambda:InvokeFunction', Principal: apigateway.amazonaws.com, SourceArn: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*'}
"""
REST = """
AWSTemplateFormatVersion: '2010-09-09'
Metadata: {'AWS::CloudFormation::Interface': {ParameterGroups: []}}
Parameters: {AllowOrigin: {Type: String, Default: "'*'"}}
Resources:""" + ROLE + """
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {Name: !Sub "${AWS::StackName}-plain", Description: plain, EndpointConfiguration: {Types: [REGIONAL]}, Tags: [{Key: a, Value: b}]}
  Pets: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: pets}}
  Pet: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: !Ref Pets, PathPart: '{id}'}}
  GetPet:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Pet
      HttpMethod: GET
      AuthorizationType: NONE
      OperationName: getPet
      RequestParameters: {method.request.path.id: true}
      MethodResponses: [{StatusCode: 200, ResponseModels: {application/json: Empty}}]
      Integration:
        Type: AWS_PROXY
        IntegrationHttpMethod: POST
        Uri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations'
  PetOptions:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Pet
      HttpMethod: OPTIONS
      AuthorizationType: NONE
      MethodResponses:
        - StatusCode: 200
          ResponseModels: {application/json: Empty}
          ResponseParameters:
            method.response.header.Access-Control-Allow-Headers: false
            method.response.header.Access-Control-Allow-Methods: 'false'
            method.response.header.Access-Control-Allow-Origin: false
      Integration:
        Type: MOCK
        PassthroughBehavior: WHEN_NO_MATCH
        RequestTemplates: {application/json: '{"statusCode": 200}'}
        IntegrationResponses:
          - StatusCode: 200
            ResponseParameters:
              method.response.header.Access-Control-Allow-Headers: "'Content-Type,X-Api-Key'"
              method.response.header.Access-Control-Allow-Methods: "'GET,OPTIONS'"
              method.response.header.Access-Control-Allow-Origin: !Ref AllowOrigin
            ResponseTemplates: {application/json: ''}
"""
STAGED = REST + """
  Deployment: {Type: AWS::ApiGateway::Deployment, DependsOn: [GetPet, PetOptions], Properties: {RestApiId: !Ref Api}}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: v1, Variables: {a: '1'}, TracingEnabled: true, Tags: [{Key: a, Value: b}]}}
"""
SHORT = REST + """
  Deployment1: {Type: AWS::ApiGateway::Deployment, DependsOn: [GetPet, PetOptions], Properties: {RestApiId: !Ref Api, StageName: v1}}
"""
HTTP = """
Resources:""" + ROLE + """
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: plain, ProtocolType: HTTP, Tags: {a: b}, CorsConfiguration: {AllowOrigins: ['*']}}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Function.Arn, IntegrationMethod: POST, PayloadFormatVersion: '2.0', TimeoutInMillis: 5000, Description: x}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: 'GET /pets/{id}', Target: !Sub 'integrations/${Integration}'}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true, StageVariables: {a: '1'}, Tags: {a: b}}}
"""


@pytest.mark.parametrize("template", [STAGED, SHORT], ids=["stage", "deployment with a stage's name"])
def test_a_rest_api_with_every_resource_written_out(application, aws, template):
    app = application({"template.yaml": template})
    app.deploy()
    assert app.send("GET", "/v1/pets/7").json == {"message": "MESSAGE", "path": "/pets/7"}
    answer = app.send("OPTIONS", "/v1/pets/7")
    assert answer.status == 200 and answer.body == b"" and answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET,OPTIONS"
    client, api = aws("apigateway"), app.resources["Api"]
    method = client.get_method(restApiId=api, resourceId=app.resources["Pet"], httpMethod="GET")
    assert method["operationName"] == "getPet" and method["requestParameters"] == {"method.request.path.id": True}
    assert method["methodResponses"]["200"]["responseModels"] == {"application/json": "Empty"}
    assert app.changes(app.deploy()) == []

    changed = template.replace("GET,OPTIONS", "GET,OPTIONS,PUT").replace("getPet", "fetchPet")
    assert app.changes(app.write({"template.yaml": changed}).deploy()) == ["UPDATE GetPet", "UPDATE PetOptions"]
    assert app.send("OPTIONS", "/v1/pets/7").headers["access-control-allow-methods"] == "GET,OPTIONS", "not deployed yet"
    renamed = changed.replace("  Deployment1:", "  Deployment2:").replace("  Deployment:", "  NewDeployment:").replace("!Ref Deployment", "!Ref NewDeployment")
    app.write({"template.yaml": renamed}).deploy()
    assert app.send("OPTIONS", "/v1/pets/7").headers["access-control-allow-methods"] == "GET,OPTIONS,PUT"
    assert app.send("GET", "/v1/pets/7").status == 200
    app.delete()
    assert traces(app.platform, app.stack) == [] and app.resources == {}


def test_a_stages_and_an_apis_settings_change_in_place(application, aws):
    app = application({"template.yaml": STAGED})
    app.deploy()
    client, api = aws("apigateway"), app.resources["Api"]
    changed = STAGED.replace("Description: plain,", "BinaryMediaTypes: ['image/png'],").replace("TracingEnabled: true, Tags: [{Key: a, Value: b}]", "Tags: [{Key: c, Value: d}]").replace("Variables: {a: '1'}", "Variables: {b: '2'}")
    assert app.changes(app.write({"template.yaml": changed}).deploy()) == ["UPDATE Api", "UPDATE Stage"]
    stage = client.get_stage(restApiId=api, stageName="v1")
    assert stage["tracingEnabled"] is False and stage["variables"] == {"b": "2"} and stage["tags"] == {"c": "d"}
    made = client.get_rest_api(restApiId=api)
    assert made["binaryMediaTypes"] == ["image/png"] and not made.get("description")
    assert app.resources["Api"] == api


def test_a_failed_change_leaves_a_deployments_stage_where_it_was(application):
    app = application({"template.yaml": SHORT})
    app.deploy()
    broken = SHORT.replace("Deployment1:", "Deployment2:").replace("MESSAGE", "other") + """
  Bad: {Type: AWS::Lambda::Alias, DependsOn: Deployment2, Properties: {FunctionName: !Ref Function, Name: 'bad name', FunctionVersion: $LATEST}}
"""
    done = app.write({"template.yaml": broken}).deploy(check=False)
    assert done.returncode == 1 and "Bad" in done.stderr
    assert app.send("GET", "/v1/pets/7").json["message"] == "MESSAGE"
    assert sorted(app.resources) == sorted(["Role", "Function", "Permission", "Api", "Pets", "Pet", "GetPet", "PetOptions", "Deployment1"])


def test_an_http_api_with_every_resource_written_out(application, aws):
    app = application({"template.yaml": HTTP})
    app.deploy()
    assert app.send("GET", "/pets/7").json["path"] == "/pets/7"
    client, api = aws("apigatewayv2"), app.resources["Api"]
    changed = HTTP.replace("GET /pets/{id}", "GET /animals/{id}").replace(", TimeoutInMillis: 5000, Description: x", "").replace("StageVariables: {a: '1'}, Tags: {a: b}", "Tags: {c: d}").replace("Tags: {a: b}, Cors", "Tags: {c: d}, Cors")
    assert app.changes(app.write({"template.yaml": changed}).deploy()) == ["UPDATE Api", "UPDATE Integration", "UPDATE Route", "UPDATE Stage"]
    assert app.send("GET", "/animals/7").status == 200 and app.send("GET", "/pets/7").status == 404
    stage = client.get_stage(ApiId=api, StageName="$default")
    assert stage.get("StageVariables", {}) == {} and stage["Tags"] == {"c": "d"}
    integration = client.get_integrations(ApiId=api)["Items"][0]
    assert integration["TimeoutInMillis"] == 30000 and not integration.get("Description")
    tags = client.get_api(ApiId=api)["Tags"]
    assert tags["c"] == "d" and "a" not in tags and app.resources["Api"] == api
    app.delete()
    assert traces(app.platform, app.stack) == []


def test_a_template_in_json(platform, tmp_path):
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": ["AWS::Serverless-2016-10-31"],
        "Resources": {
            "Fn": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.11", "Handler": "app.handler", "CodeUri": "src", "MemorySize": 256,
                    "Environment": {"Variables": {"APP_X": {"Fn::Join": ["", [{"Ref": "AWS::StackName"}, "!"]]}}},
                    "Events": {"Get": {"Type": "HttpApi", "Properties": {"Path": "/", "Method": "GET"}}},
                },
            }
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Fn", "Arn"]}}},
    }
    directory = tmp_path / unique("json")
    app = Application(platform, directory).write({"template.json": template, "src/app.py": python("json")})
    try:
        app.deploy()
        assert app.send("GET", "/").json["env"] == {"APP_X": f"{app.stack}!"}
        assert app.outputs["Arn"].endswith(app.resources["Fn"])
    finally:
        app.delete()


REFUSED = {
    "an access log": ("Stage", "AccessLogSetting", {"Format": "x"}),
    "a domain's policy": ("Api", "Policy", {"Statement": []}),
    "method settings": ("Stage", "MethodSettings", [{"HttpMethod": "*"}]),
    "an authorizer": ("GetPet", "AuthorizerId", "x"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_done_is_refused_with_its_line(application, what):
    resource, name, value = REFUSED[what]
    lines = STAGED.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"  {resource}:"))
    start = next(n for n, line in enumerate(lines[at:], at) if "Properties:" in line)
    if lines[start].rstrip().endswith("Properties:"):
        lines.insert(start + 1, f"      {name}: {json.dumps(value)}")
    else:
        lines[start] = lines[start].replace("Properties: {", f"Properties: {{{name}: {json.dumps(value)}, ")
    app = application({"template.yaml": "\n".join(lines)})
    done = app.deploy(check=False)
    assert done.returncode == 1 and f"{name} is not supported yet" in done.stderr, done.stderr
    assert app.resources == {}
