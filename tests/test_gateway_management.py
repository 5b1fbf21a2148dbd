"""The management APIs of API Gateway through boto3: making APIs by hand, serving them, listing, changing, refusing."""

import json

import pytest
from conftest import ACCOUNT, REGION, ROLE, error_of, package, unique
from web import ECHO, send


def arn_of(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def uri_of(name):
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn_of(name)}/invocations"


@pytest.fixture
def http_api(aws):
    made = []

    def make(**settings):
        api = aws("apigatewayv2").create_api(**{"Name": unique("api"), "ProtocolType": "HTTP", **settings})
        made.append(api["ApiId"])
        return api

    yield make
    for api in made:
        try:
            aws("apigatewayv2").delete_api(ApiId=api)
        except aws("apigatewayv2").exceptions.NotFoundException:
            pass


@pytest.fixture
def rest_api(aws):
    made = []

    def make(**settings):
        api = aws("apigateway").create_rest_api(**{"name": unique("api"), **settings})
        made.append(api["id"])
        return api["id"], aws("apigateway").get_resources(restApiId=api["id"])["items"][0]["id"]

    yield make
    for api in made:
        try:
            aws("apigateway").delete_rest_api(restApiId=api)
        except aws("apigateway").exceptions.NotFoundException:
            pass


def get(platform, api, path, method="GET", **options):
    return send(platform, method, path, host=f"{api}.execute-api.{REGION}.amazonaws.com", **options)


def test_quick_create_serves_every_request(platform, aws, http_api, make_function):
    function = make_function(ECHO)
    api = http_api(Target=arn_of(function))
    assert api["ApiEndpoint"] and api["ApiKeySelectionExpression"] == "$request.header.x-api-key"
    assert api["RouteSelectionExpression"] == "$request.method $request.path"
    event = get(platform, api["ApiId"], "/any/path", method="PUT").event
    assert event["routeKey"] == "$default" and event["rawPath"] == "/any/path"
    stages = aws("apigatewayv2").get_stages(ApiId=api["ApiId"])["Items"]
    assert [stage["StageName"] for stage in stages] == ["$default"] and stages[0]["AutoDeploy"] is True


def test_an_http_api_made_piece_by_piece(platform, aws, http_api, make_function):
    client, api = aws("apigatewayv2"), http_api()["ApiId"]
    blue, green = make_function(ECHO), make_function(ECHO)
    ids = {}
    for name in (blue, green):
        made = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn_of(name), PayloadFormatVersion="2.0")
        ids[name] = made["IntegrationId"]
        assert made["TimeoutInMillis"] == 30000
    route = client.create_route(ApiId=api, RouteKey="GET /x/{id}", Target=f"integrations/{ids[blue]}")
    assert get(platform, api, "/x/1").status == 404, "nothing is served without a stage"
    client.create_stage(ApiId=api, StageName="dev", AutoDeploy=True, StageVariables={"a": "1"})
    client.create_deployment(ApiId=api)
    client.create_stage(ApiId=api, StageName="fixed", DeploymentId=client.get_deployments(ApiId=api)["Items"][-1]["DeploymentId"])
    answer = get(platform, api, "/dev/x/1")
    assert answer.json["function"] == blue and answer.event["rawPath"] == "/dev/x/1"
    assert answer.event["stageVariables"] == {"a": "1"} and answer.event["requestContext"]["stage"] == "dev"
    client.update_route(ApiId=api, RouteId=route["RouteId"], Target=f"integrations/{ids[green]}")
    assert get(platform, api, "/dev/x/1").json["function"] == green, "an automatic stage follows"
    assert get(platform, api, "/fixed/x/1").json["function"] == blue, "another serves what was deployed"
    client.delete_route(ApiId=api, RouteId=route["RouteId"])
    assert get(platform, api, "/dev/x/1").status == 404 and get(platform, api, "/fixed/x/1").status == 200
    client.delete_stage(ApiId=api, StageName="fixed")
    assert get(platform, api, "/fixed/x/1").status == 404
    client.delete_api(ApiId=api)
    assert get(platform, api, "/dev/x/1").status == 403


def test_http_apis_are_listed_in_pages_tagged_and_changed(aws, http_api):
    client = aws("apigatewayv2")
    mine = {http_api(Tags={"team": "a"})["ApiId"] for _ in range(3)}
    pages = list(client.get_paginator("get_apis").paginate(PaginationConfig={"PageSize": 1}))
    listed = {item["ApiId"] for page in pages for item in page["Items"]}
    assert mine <= listed and len(pages) >= 3
    api = mine.pop()
    changed = client.update_api(ApiId=api, Description="new", CorsConfiguration={"AllowOrigins": ["*"]})
    assert changed["Description"] == "new" and changed["CorsConfiguration"] == {"AllowOrigins": ["*"]}
    client.delete_cors_configuration(ApiId=api)
    assert "CorsConfiguration" not in client.get_api(ApiId=api)
    arn = f"arn:aws:apigateway:{REGION}::/apis/{api}"
    client.tag_resource(ResourceArn=arn, Tags={"b": "2"})
    client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert client.get_tags(ResourceArn=arn)["Tags"] == {"b": "2"}


def test_an_openapi_document_becomes_an_http_api(platform, aws, http_api, make_function):
    integration = {"type": "aws_proxy", "uri": uri_of(make_function(ECHO)), "httpMethod": "POST", "payloadFormatVersion": "2.0"}
    document = {
        "openapi": "3.0.1",
        "info": {"title": "imported", "version": "7"},
        "paths": {"/pets/{id}": {"get": {"x-amazon-apigateway-integration": integration}}},
        "x-amazon-apigateway-cors": {"allowOrigins": ["https://a.example"]},
    }
    client = aws("apigatewayv2")
    api = client.import_api(Body=json.dumps(document))
    try:
        assert api["Name"] == "imported" and api["Version"] == "7"
        client.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
        assert get(platform, api["ApiId"], "/pets/3").event["pathParameters"] == {"id": "3"}
        assert [route["RouteKey"] for route in client.get_routes(ApiId=api["ApiId"])["Items"]] == ["GET /pets/{id}"]
    finally:
        client.delete_api(ApiId=api["ApiId"])


def test_a_rest_api_made_piece_by_piece(platform, aws, rest_api, make_function):
    client = aws("apigateway")
    api, root = rest_api()
    function = make_function(ECHO)
    pets = client.create_resource(restApiId=api, parentId=root, pathPart="pets")["id"]
    pet = client.create_resource(restApiId=api, parentId=pets, pathPart="{id}")["id"]
    method = {"restApiId": api, "resourceId": pet, "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    code, message = error_of(client.create_deployment, restApiId=api, stageName="v1")
    assert code == "BadRequestException" and "No integration defined for method" in message
    client.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri_of(function + ":${stageVariables.alias}"))
    version = aws("lambda").publish_version(FunctionName=function)["Version"]
    aws("lambda").create_alias(FunctionName=function, Name="live", FunctionVersion=version)
    client.create_deployment(restApiId=api, stageName="v1", variables={"alias": "live"})
    answer = get(platform, api, "/v1/pets/9")
    assert answer.json["version"] == version and answer.event["pathParameters"] == {"id": "9"}
    client.delete_method(**method)
    assert get(platform, api, "/v1/pets/9").status == 200, "a stage serves what was deployed"
    options = {**method, "httpMethod": "OPTIONS"}
    client.put_method(**options, authorizationType="NONE")
    client.put_method_response(**options, statusCode="204", responseParameters={"method.response.header.X-A": False})
    client.put_integration(**options, type="MOCK", requestTemplates={"application/json": '{"statusCode": 204}'})
    client.put_integration_response(**options, statusCode="204", responseParameters={"method.response.header.X-A": "'b'"})
    client.create_deployment(restApiId=api, stageName="v1")
    answer = get(platform, api, "/v1/pets/9", method="OPTIONS")
    assert answer.status == 204 and answer.headers["x-a"] == "b" and answer.body == b""
    assert get(platform, api, "/v1/pets/9").status == 403
    paths = [item["path"] for item in client.get_resources(restApiId=api, embed=["methods"])["items"]]
    assert sorted(paths) == ["/", "/pets", "/pets/{id}"]
    client.delete_stage(restApiId=api, stageName="v1")
    assert get(platform, api, "/v1/pets/9").status == 403


def test_a_stage_goes_back_to_an_earlier_deployment(platform, aws, rest_api, make_function):
    client = aws("apigateway")
    api, root = rest_api()
    method = {"restApiId": api, "resourceId": root, "httpMethod": "ANY"}
    client.put_method(**method, authorizationType="NONE")
    deployments, functions = [], [make_function(ECHO), make_function(ECHO)]
    for function in functions:
        client.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri_of(function))
        deployments.append(client.create_deployment(restApiId=api, stageName="prod")["id"])
    assert get(platform, api, "/prod").json["function"] == functions[1]
    change = [{"op": "replace", "path": "/deploymentId", "value": deployments[0]}]
    client.update_stage(restApiId=api, stageName="prod", patchOperations=change)
    assert get(platform, api, "/prod/").json["function"] == functions[0]
    code, message = error_of(client.delete_deployment, restApiId=api, deploymentId=deployments[0])
    assert code == "BadRequestException" and "Active stages" in message


def test_what_is_not_there_is_said_in_awss_words(aws, http_api, rest_api):
    v2, v1 = aws("apigatewayv2"), aws("apigateway")
    api, (rest, root) = http_api()["ApiId"], rest_api()
    table = [
        (v2.get_api, {"ApiId": "nope"}, "Invalid API identifier specified"),
        (v2.get_route, {"ApiId": api, "RouteId": "nope"}, "Unable to find Route by ID nope"),
        (v2.get_integration, {"ApiId": api, "IntegrationId": "nope"}, "Invalid Integration identifier specified"),
        (v2.get_stage, {"ApiId": api, "StageName": "nope"}, "Invalid stage identifier specified"),
        (v2.delete_api, {"ApiId": "nope"}, "Invalid API identifier specified"),
        (v1.get_rest_api, {"restApiId": "nope"}, "Invalid API identifier specified"),
        (v1.get_resource, {"restApiId": rest, "resourceId": "nope"}, "Invalid resource identifier specified"),
        (v1.get_method, {"restApiId": rest, "resourceId": root, "httpMethod": "GET"}, "Invalid Method identifier specified"),
        (v1.get_stage, {"restApiId": rest, "stageName": "nope"}, "Invalid stage identifier specified"),
        (v1.get_deployment, {"restApiId": rest, "deploymentId": "nope"}, "Invalid Deployment identifier specified"),
    ]
    for call, arguments, text in table:
        code, message = error_of(call, **arguments)
        assert code == "NotFoundException" and text.lower() in message.lower(), (call.__name__, code, message)


def test_what_cannot_be_done_is_refused(aws, http_api, rest_api, make_function):
    v2, v1 = aws("apigatewayv2"), aws("apigateway")
    api, (rest, root) = http_api()["ApiId"], rest_api()
    v2.create_route(ApiId=api, RouteKey="GET /a")
    method = {"restApiId": rest, "resourceId": root, "httpMethod": "GET"}
    v1.put_method(**method, authorizationType="NONE")
    table = [
        (v2.create_api, {"Name": "w", "ProtocolType": "WEBSOCKET"}),
        (v2.create_route, {"ApiId": api, "RouteKey": "GET a"}),
        (v2.create_route, {"ApiId": api, "RouteKey": "GET /b", "Target": "integrations/nope"}),
        (v2.create_route, {"ApiId": api, "RouteKey": "GET /b", "AuthorizationType": "JWT"}),
        (v2.create_route, {"ApiId": api, "RouteKey": "GET /a"}),
        (v2.create_integration, {"ApiId": api, "IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x"}),
        (v2.create_integration, {"ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": arn_of("f"), "PayloadFormatVersion": "3.0"}),
        (v2.create_stage, {"ApiId": api, "StageName": "a b"}),
        (v2.update_api, {"ApiId": api, "CorsConfiguration": {"AllowOrigins": ["*"], "AllowCredentials": True}}),
        (v1.put_method, {**method, "authorizationType": "NONE"}),
        (v1.put_method, {**method, "httpMethod": "POST", "authorizationType": "AWS_IAM"}),
        (v1.put_method, {**method, "httpMethod": "POST", "authorizationType": "NONE", "apiKeyRequired": True}),
        (v1.put_integration, {**method, "type": "AWS_PROXY", "integrationHttpMethod": "GET", "uri": uri_of("f")}),
        (v1.put_integration, {**method, "type": "HTTP", "integrationHttpMethod": "GET", "uri": "http://x"}),
        (v1.create_resource, {"restApiId": rest, "parentId": root, "pathPart": "a/b"}),
        (v1.create_rest_api, {"name": ""}),
    ]
    for call, arguments in table:
        code, message = error_of(call, **arguments)
        assert code in ("BadRequestException", "ConflictException") and message, (call.__name__, arguments, code, message)


def test_apis_of_other_accounts_and_regions_are_not_seen(platform, http_api):
    api = http_api()["ApiId"]
    for client in (platform.client("apigatewayv2", account="111111111111"), platform.client("apigatewayv2", region="eu-west-1")):
        assert error_of(client.get_api, ApiId=api)[0] == "NotFoundException"
        assert api not in [item["ApiId"] for item in client.get_apis()["Items"]]


def test_apis_are_served_after_a_restart(fresh):
    platform = fresh()
    client, function = platform.client("lambda"), unique("fn")
    code = {"ZipFile": package({"app.py": ECHO})}
    client.create_function(FunctionName=function, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)
    client.get_waiter("function_active_v2").wait(FunctionName=function)
    api = platform.client("apigatewayv2").create_api(Name="kept", ProtocolType="HTTP", Target=arn_of(function))["ApiId"]
    assert get(platform, api, "/x").status == 200
    platform.kill()
    platform.start()
    assert get(platform, api, "/x").status == 200
