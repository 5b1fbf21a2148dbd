"""Applications as people write them for AWS SAM: deployed, called, changed, deployed again, deleted without a trace."""

import json
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from conftest import invoke
from web import life, python, send, traces

HELLO = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Description: >
  hello

  Sample SAM Template for hello

Globals:
  Function:
    Timeout: 3
    MemorySize: 128
    Tracing: Active
  Api:
    TracingEnabled: true

Resources:
  HelloWorldFunction:
    Type: AWS::Serverless::Function
    Metadata:
      SamResourceId: HelloWorldFunction
      cfn_nag: {rules_to_suppress: [{id: W89, reason: no VPC}]}
    Properties:
      CodeUri: hello_world/
      Handler: app.handler
      Runtime: RUNTIME
      Architectures:
        - x86_64
      Events:
        HelloWorld:
          Type: Api
          Properties:
            Path: /hello
            Method: get

Outputs:
  HelloWorldApi:
    Description: "API Gateway endpoint URL for Prod stage for Hello World function"
    Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/Prod/hello/"
  HelloWorldFunction:
    Value: !GetAtt HelloWorldFunction.Arn
  HelloWorldFunctionIamRole:
    Description: "Implicit IAM Role created for Hello World function"
    Value: !GetAtt HelloWorldFunctionRole.Arn
"""
NODE_CJS = """exports.handler = async (event, context) => ({
  statusCode: 200, body: JSON.stringify({message: 'MESSAGE', path: event.path}),
});
"""
NODE_ESM = """export const handler = async (event, context) => {
  return {statusCode: 200, body: JSON.stringify({message: 'MESSAGE', path: event.path})};
};
"""
HELLO_CODE = {
    "python": ("python3.12", "hello_world/app.py", lambda message: python(message)),
    "nodejs": ("nodejs20.x", "hello_world/app.js", lambda message: NODE_CJS.replace("MESSAGE", message)),
    "nodejs-esm": ("nodejs20.x", "hello_world/app.mjs", lambda message: NODE_ESM.replace("MESSAGE", message)),
}


@pytest.mark.parametrize("kind", HELLO_CODE)
def test_hello_world(application, platform, kind):
    runtime, file, code = HELLO_CODE[kind]
    app = application({"template.yaml": HELLO.replace("RUNTIME", runtime), file: code("hello world")})

    def calls():
        url = urllib.parse.urlsplit(app.outputs["HelloWorldApi"])
        answer = send(platform, "GET", url.path.rstrip("/"), host=url.hostname)
        assert send(platform, "GET", url.path, host=url.hostname).status == 200, "the Output as it stands, with its slash"
        assert answer.status == 200
        return answer.json["message"]

    assert life(app, calls, {file: code("changed")}, ["UPDATE HelloWorldFunction"]) == ("hello world", "changed")


CRUD = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Origin: {Type: String, Default: https://app.example}
Globals:
  Function:
    Runtime: python3.11
    Handler: app.handler
    Environment: {Variables: {APP_TABLE: items, APP_STAGE: !Ref "AWS::StackName"}}
    Tags: {project: crud}
  Api:
    Cors: {AllowOrigin: !Sub "'${Origin}'", AllowMethods: "'GET,POST,PUT,DELETE'"}
    EndpointConfiguration: REGIONAL
Resources:
  ItemsApi:
    Type: AWS::Serverless::Api
    Properties: {StageName: v1, Description: items}
  ListFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Environment: {Variables: {APP_WHO: list}}
      Events: {Api: {Type: Api, Properties: {Path: /items, Method: GET, RestApiId: !Ref ItemsApi}}}
  CreateFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Environment: {Variables: {APP_WHO: create}}
      Events: {Api: {Type: Api, Properties: {Path: /items, Method: POST, RestApiId: !Ref ItemsApi}}}
  ItemFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Environment: {Variables: {APP_WHO: item}}
      Policies: [AWSLambdaBasicExecutionRole, {Statement: [{Effect: Allow, Action: 'dynamodb:*', Resource: '*'}]}]
      Events:
        Get: {Type: Api, Properties: {Path: '/items/{id}', Method: GET, RestApiId: !Ref ItemsApi}}
        Delete: {Type: Api, Properties: {Path: '/items/{id}', Method: DELETE, RestApiId: !Ref ItemsApi}}
"""


def test_a_crud_api_of_several_functions(application, aws):
    app = application({"template.yaml": CRUD, "src/app.py": python("crud")})

    def calls():
        who = {}
        for method, path in [("GET", "/v1/items"), ("POST", "/v1/items"), ("GET", "/v1/items/1"), ("DELETE", "/v1/items/1")]:
            answer = app.send(method, path)
            assert answer.status == 200 and answer.json["env"]["APP_TABLE"] == "items", answer.body
            who[f"{method} {path}"] = answer.json["env"]["APP_WHO"]
        answer = app.send("OPTIONS", "/v1/items/1")
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        name = app.resources["ListFunction"]
        assert aws("lambda").list_tags(Resource=app_arn(aws, name))["Tags"] == {"project": "crud", "lambda:createdBy": "SAM"}
        return who

    change = CRUD.replace("Delete: {Type: Api, Properties: {Path: '/items/{id}', Method: DELETE", "Put: {Type: Api, Properties: {Path: '/items/{id}', Method: PUT")
    app.deploy()
    assert calls() == {"GET /v1/items": "list", "POST /v1/items": "create", "GET /v1/items/1": "item", "DELETE /v1/items/1": "item"}
    changed = app.changes(app.write({"template.yaml": change}).deploy())
    assert not [name for name in changed if "Function" in name and "Permission" not in name], changed
    assert app.send("PUT", "/v1/items/1").status == 200 and app.send("DELETE", "/v1/items/1").status == 403
    app.delete()
    assert traces(app.platform, app.stack) == []


def app_arn(aws, name):
    return aws("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]


OPENAPI = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Pets:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.11, Handler: app.handler, CodeUri: src, PropagateTags: true}
  PetsPermission:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Pets, Action: "lambda:InvokeFunction", Principal: apigateway.amazonaws.com}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: live
      Tags: {team: pets}
      PropagateTags: true
      DefinitionBody:
        openapi: 3.0.1
        info: {title: !Sub "${AWS::StackName}-pets", version: '1.0'}
        paths:
          /pets/{id}:
            get:
              operationId: getPet
              parameters: [{name: id, in: path, required: true, schema: {type: string}}]
              responses: {'200': {description: a pet}}
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                payloadFormatVersion: '2.0'
                uri: !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Pets.Arn}/invocations
Outputs:
  Url: {Value: !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"}
  Endpoint: {Value: !GetAtt Api.ApiEndpoint}
"""


def test_an_http_api_from_an_openapi_document(application, platform):
    app = application({"template.yaml": OPENAPI, "src/app.py": python("pet")})

    def calls():
        url = urllib.parse.urlsplit(app.outputs["Url"])
        return [send(platform, "GET", f"{url.path}{path}", host=url.hostname).status for path in ("/pets/1", "/cats/1")]

    change = OPENAPI.replace("/pets/{id}:", "/cats/{id}:")
    assert life(app, calls, {"template.yaml": change}, ["UPDATE Api"]) == ([200, 404], [404, 200])


SHARED = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.11, CodeUri: src, Layers: [!Ref Shared]}}
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {LayerName: !Sub "${AWS::StackName}-shared", ContentUri: layer, CompatibleRuntimes: [python3.11], RetentionPolicy: Delete}
  One: {Type: AWS::Serverless::Function, Properties: {Handler: one.handler}}
  Two: {Type: AWS::Serverless::Function, Properties: {Handler: two.handler}}
"""


def test_a_layer_shared_by_two_functions(application, aws):
    code = "import shared\ndef handler(event, context):\n    return [__name__, shared.VALUE]\n"
    app = application(
        {"template.yaml": SHARED, "layer/python/shared.py": "VALUE = 1\n", "src/one.py": code, "src/two.py": code}
    )

    def calls():
        return [invoke(aws("lambda"), app.resources[name])[0] for name in ("One", "Two")]

    expected = ["CREATE Shared", "DELETE Shared", "UPDATE One", "UPDATE Two"]
    before, after = life(app, calls, {"layer/python/shared.py": "VALUE = 2\n"}, expected)
    assert before == [["one", 1], ["two", 1]] and after == [["one", 2], ["two", 2]]
    layers = aws("lambda").get_paginator("list_layers").paginate().search("Layers[].LayerName")
    assert f"{app.stack}-shared" not in list(layers)


ALIAS = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      AutoPublishAlias: live
      Events: {Get: {Type: HttpApi, Properties: {Path: /, Method: get}}}
Outputs:
  Version: {Value: !GetAtt Fn.Version.Version}
  Alias: {Value: !Ref Fn.Alias}
"""


def test_a_published_alias_moves_with_the_code(application, aws):
    app = application({"template.yaml": ALIAS, "src/app.py": python("one")})
    app.deploy()
    outputs = app.outputs
    assert outputs["Version"] == "1" and outputs["Alias"].endswith(":live")
    assert app.send("GET", "/").json["message"] == "one"
    app.write({"src/app.py": python("two")}).deploy()
    assert app.outputs["Version"] == "2" and app.send("GET", "/").json["message"] == "two"
    old = json.loads(aws("lambda").invoke(FunctionName=f"{app.resources['Fn']}:1")["Payload"].read())
    assert json.loads(old["body"])["message"] == "one", "SAM keeps published versions"
    app.delete()
    assert traces(app.platform, app.stack) == []


def test_the_aws_cli_sees_what_was_deployed(application, platform):
    app = application({"template.yaml": HELLO.replace("RUNTIME", "python3.11"), "hello_world/app.py": python("x")})
    app.deploy()
    cli = shutil.which("aws") or str(Path(sys.executable).parent / "aws")
    words = ["cloudformation", "describe-stacks", "--stack-name", app.stack, "--query", "Stacks[0].StackStatus", "--output", "text"]
    done = subprocess.run([cli, *words], env=platform.environ(), text=True, capture_output=True)
    assert done.stdout.strip() == "CREATE_COMPLETE", done.stderr
