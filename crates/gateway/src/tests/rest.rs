//! REST APIs.

use super::*;

const HOST: &str = "store.localhost:4566";
const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:echo/invocations";

impl House {
    /// A REST API `store` with nothing but its root. The answer is the root's id.
    async fn rest_api(&self) -> String {
        let input = json!({"name": "Store", "tags": {"fogbank:api-id": "store"}, "binaryMediaTypes": ["image/png"]});
        self.v1("CreateRestApi", input).await["rootResourceId"].as_str().unwrap().to_owned()
    }

    /// A resource under `parent` with one method that calls the echo function.
    async fn resource(&self, parent: &str, part: &str, method: &str) -> String {
        let input = json!({"restApiId": "store", "parentId": parent, "pathPart": part});
        let id = self.v1("CreateResource", input).await["id"].as_str().unwrap().to_owned();
        self.method(&id, method, json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": URI})).await;
        id
    }

    async fn method(&self, resource: &str, method: &str, integration: Value) {
        let mut input = json!({"restApiId": "store", "resourceId": resource, "httpMethod": method});
        let mut put = input.clone();
        put["authorizationType"] = json!("NONE");
        self.v1("PutMethod", put).await;
        input.as_object_mut().unwrap().extend(integration.as_object().unwrap().clone());
        self.v1("PutIntegration", input).await;
    }

    async fn deploy(&self, stage: &str) -> String {
        let made = self.v1("CreateDeployment", json!({"restApiId": "store", "stageName": stage})).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_rest_api_needs_its_stage_but_for_the_short_way() {
    let house = house();
    let root = house.rest_api().await;
    let pets = house.resource(&root, "pets", "GET").await;
    house.resource(&pets, "{id}", "ANY").await;
    house.deploy("prod").await;
    let certain = ["store.execute-api.localhost", "store.execute-api.us-east-1.amazonaws.com"];
    for host in certain.iter().chain(&[HOST]) {
        let event = house.event("GET", host, "/prod/pets/a%20b?x=1&x=2").await;
        assert_eq!(event["resource"], "/pets/{id}", "{host}");
        assert_eq!((&event["path"], &event["pathParameters"]["id"]), (&json!("/pets/a%20b"), &json!("a b")));
        assert_eq!(event["requestContext"]["path"], "/prod/pets/a%20b");
        assert_eq!(event["multiValueQueryStringParameters"]["x"], json!(["1", "2"]));
    }
    for path in [
        "/_aws/execute-api/store/prod/pets",
        "/restapis/store/prod/_user_request_/pets",
        "/_fogbank/apis/store/prod/pets",
    ] {
        assert_eq!(house.event("GET", "localhost:4566", path).await["path"], "/pets", "{path}");
    }
    assert_eq!(house.event("GET", HOST, "/pets/").await["requestContext"]["stage"], "prod");
    for host in certain {
        assert_eq!(house.get(host, "/pets").await, r#"403 {"message":"Forbidden"}"#);
    }
    assert_eq!(house.get(HOST, "/prod/cats").await, r#"403 {"message":"Missing Authentication Token"}"#);
    house.deploy("test").await;
    assert_eq!(house.get(HOST, "/pets").await, r#"403 {"message":"Forbidden"}"#);
}

#[tokio::test]
async fn a_deployment_is_a_copy_and_a_stage_can_go_back() {
    let house = house();
    let root = house.rest_api().await;
    house.resource(&root, "a", "GET").await;
    let first = house.deploy("prod").await;
    house.resource(&root, "b", "GET").await;
    assert_eq!(house.get(HOST, "/prod/b").await, r#"403 {"message":"Missing Authentication Token"}"#);
    house.deploy("prod").await;
    house.event("GET", HOST, "/prod/b").await;
    let back = json!([{"op": "replace", "path": "/deploymentId", "value": first}]);
    house.v1("UpdateStage", json!({"restApiId": "store", "stageName": "prod", "patchOperations": back})).await;
    assert_eq!(house.get(HOST, "/prod/b").await, r#"403 {"message":"Missing Authentication Token"}"#);
    let refused =
        house.refused("apigateway", "DeleteDeployment", json!({"restApiId": "store", "deploymentId": first})).await;
    assert_eq!(refused, "400 BadRequestException Active stages pointing to this deployment must be moved or deleted");
}

#[tokio::test]
async fn a_call_that_fails_has_its_own_answer() {
    let house = house();
    let root = house.rest_api().await;
    house.resource(&root, "{proxy+}", "ANY").await;
    house.deploy("prod").await;
    type Case = (fn() -> Result<Reply, InvokeError>, &'static str);
    let cases: [Case; 4] = [
        (|| Ok(Reply { error: Some("Handled"), ..reply("{}") }), r#"502 {"message": "Internal server error"}"#),
        (|| Ok(reply(r#"{"hello":"you"}"#)), r#"502 {"message": "Internal server error"}"#),
        (|| Err(InvokeError::NotFound("echo".into())), r#"500 {"message": "Internal server error"}"#),
        (
            || Err(InvokeError::TooLarge { size: 9, limit: 6, kind: "RequestResponse" }),
            r#"413 {"message":"Request Too Long"}"#,
        ),
    ];
    for (behaviour, expected) in cases {
        house.behave(move |_| behaviour());
        assert_eq!(house.get(HOST, "/prod/x").await, expected);
    }
}

#[tokio::test]
async fn a_method_has_29_seconds() {
    let house = Arc::new(house());
    let root = house.rest_api().await;
    house.resource(&root, "slow", "GET").await;
    house.deploy("prod").await;
    house.echo.hangs.store(true, std::sync::atomic::Ordering::SeqCst);
    let asking = tokio::spawn({
        let house = house.clone();
        async move { house.get(HOST, "/prod/slow").await }
    });
    while house.echo.calls.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    house.clock.advance(std::time::Duration::from_secs(29));
    assert_eq!(asking.await.unwrap(), r#"504 {"message": "Endpoint request timed out"}"#);
}

#[tokio::test]
async fn binary_bodies_go_both_ways_in_base64() {
    let house = house();
    let root = house.rest_api().await;
    house.resource(&root, "logo", "POST").await;
    house.deploy("prod").await;
    house.behave(|call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        Ok(reply(json!({"body": event["body"], "isBase64Encoded": event["isBase64Encoded"]}).to_string()))
    });
    let png = [("content-type", "image/png"), ("accept", "image/png")];
    let (_, body, _) = house.send("POST", HOST, "/prod/logo", &png, "png").await.unwrap();
    assert_eq!(body, "png");
    // A client that asks for something else gets the base64 text.
    let (_, body, _) = house.send("POST", HOST, "/prod/logo", &png[..1], "png").await.unwrap();
    assert_eq!(body, "cG5n");
    let (_, body, headers) = house.send("POST", HOST, "/prod/logo", &[], "text").await.unwrap();
    assert_eq!(body, "text");
    for name in ["x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id"] {
        assert!(headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn a_document_makes_resources_methods_and_mocks() {
    let house = house();
    let root = house.rest_api().await;
    house.resource(&root, "old", "GET").await;
    let proxy = json!({"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": URI}});
    let cors = json!({
        "responses": {"200": {"headers": {"Access-Control-Allow-Origin": {"type": "string"}}}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
            "responses": {"default": {
                "statusCode": "200",
                "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
            }},
        },
    });
    let document = json!({
        "swagger": "2.0",
        "info": {"title": "stack", "version": "1.0"},
        "paths": {"/": {"get": proxy}, "/pets/{id}": {"x-amazon-apigateway-any-method": proxy, "options": cors}},
    });
    let mut input = vec![("restApiId".to_owned(), WireValue::from("store")), ("mode".to_owned(), "overwrite".into())];
    input.push(("body".into(), WireValue::Blob(document.to_string().into())));
    let put = house.router.call("apigateway", "PutRestApi", context("000000000000"), WireValue::Map(input)).await;
    assert_eq!(put.unwrap().get("rootResourceId").unwrap().as_str(), Some(root.as_str()));
    house.deploy("prod").await;
    assert_eq!(house.event("GET", HOST, "/prod").await["path"], "/");
    assert_eq!(house.event("PUT", HOST, "/prod/pets/1").await["resource"], "/pets/{id}");
    assert_eq!(house.get(HOST, "/prod/old").await, r#"403 {"message":"Missing Authentication Token"}"#);
    let (status, _, headers) = house.send("OPTIONS", HOST, "/prod/pets/1", &[], "").await.unwrap();
    assert_eq!((status, &headers["access-control-allow-origin"]), (200, &::http::HeaderValue::from_static("*")));
    let all = house.v1("GetResources", json!({"restApiId": "store", "embed": ["methods"]})).await;
    let pet = all["items"].as_array().unwrap().iter().find(|item| item["path"] == "/pets/{id}").unwrap();
    assert_eq!(pet["resourceMethods"]["OPTIONS"]["methodIntegration"]["type"], "MOCK");
}

#[tokio::test]
async fn an_import_makes_an_api_and_refuses_parameters_that_ask_for_more() {
    let house = house();
    let proxy = json!({"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": URI}});
    let document = json!({"openapi": "3.0.1", "info": {"title": "made"}, "paths": {"/a": {"get": proxy}}}).to_string();
    let import = |name: &str, value: &str| {
        let parameters = vec![(name.to_owned(), WireValue::from(value))];
        let members = [("body", WireValue::Blob(document.clone().into())), ("parameters", WireValue::Map(parameters))];
        let input = WireValue::Map(members.map(|(name, value)| (name.to_owned(), value)).to_vec());
        house.router.call("apigateway", "ImportRestApi", context("000000000000"), input)
    };
    assert_eq!(import("mode", "import").await.unwrap().get("name").unwrap().as_str(), Some("made"));
    assert!(import("basepath", "prepend").await.unwrap_err().message.contains("basepath=prepend"));
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_api_gateways_words() {
    let house = house();
    let root = house.rest_api().await;
    let pets = house.resource(&root, "pets", "GET").await;
    house.resource(&pets, "{id}", "GET").await;
    let method = json!({"restApiId": "store", "resourceId": pets, "httpMethod": "POST", "authorizationType": "NONE"});
    let with = |name: &str, value: Value| {
        let mut input = method.clone();
        input[name] = value;
        input
    };
    let table = [
        (
            "GetRestApi",
            json!({"restApiId": "x"}),
            "404 NotFoundException Invalid API identifier specified 000000000000:x",
        ),
        (
            "GetResource",
            json!({"restApiId": "store", "resourceId": "x"}),
            "404 NotFoundException Invalid Resource identifier specified",
        ),
        (
            "CreateResource",
            json!({"restApiId": "store", "parentId": root, "pathPart": "pets"}),
            "409 ConflictException Another resource with the same parent already has this name: pets",
        ),
        (
            "CreateResource",
            json!({"restApiId": "store", "parentId": pets, "pathPart": "{name}"}),
            "400 BadRequestException A sibling ({id}) of this resource already has a variable path part -- only one is allowed",
        ),
        (
            "DeleteResource",
            json!({"restApiId": "store", "resourceId": root}),
            "400 BadRequestException Cannot delete the root resource.",
        ),
        (
            "PutMethod",
            with("httpMethod", json!("GET")),
            "409 ConflictException Method already exists for this resource",
        ),
        (
            "PutMethod",
            with("authorizationType", json!("AWS_IAM")),
            "400 BadRequestException Fogbank does not support authorizationType with this value yet; leave it out.",
        ),
        (
            "PutMethod",
            with("apiKeyRequired", json!(true)),
            "400 BadRequestException Fogbank does not support apiKeyRequired with this value yet; leave it out.",
        ),
        (
            "CreateStage",
            json!({"restApiId": "store", "stageName": "s", "deploymentId": "x"}),
            "404 NotFoundException Invalid Deployment identifier specified",
        ),
        (
            "UpdateRestApi",
            json!({"restApiId": "store", "patchOperations": [{"op": "replace", "path": "/policy", "value": "{}"}]}),
            "400 BadRequestException Invalid patch path '/policy' specified for op 'replace'.",
        ),
    ];
    for (operation, input, expected) in table {
        assert_eq!(house.refused("apigateway", operation, input).await, expected, "{operation}");
    }
    house.v1("PutMethod", method).await;
    let refused = house.refused("apigateway", "CreateDeployment", json!({"restApiId": "store"})).await;
    assert_eq!(refused, "400 BadRequestException No integration defined for method");
    let http = json!({"restApiId": "store", "resourceId": pets, "httpMethod": "POST", "type": "HTTP_PROXY", "uri": "https://a.example"});
    let refused = house.refused("apigateway", "PutIntegration", http).await;
    assert!(
        refused.starts_with("400 BadRequestException Fogbank does not support integrations of the type HTTP_PROXY yet"),
        "{refused}"
    );
}

#[tokio::test]
async fn patches_change_variables_media_types_and_paths() {
    let house = house();
    let root = house.rest_api().await;
    let pets = house.resource(&root, "pets", "GET").await;
    house.resource(&pets, "{id}", "GET").await;
    let moved = json!([{"op": "replace", "path": "/pathPart", "value": "animals"}]);
    house.v1("UpdateResource", json!({"restApiId": "store", "resourceId": pets, "patchOperations": moved})).await;
    let types = json!([
        {"op": "add", "path": "/binaryMediaTypes/application~1pdf"},
        {"op": "remove", "path": "/binaryMediaTypes/image~1png"},
    ]);
    let api = house.v1("UpdateRestApi", json!({"restApiId": "store", "patchOperations": types})).await;
    assert_eq!(api["binaryMediaTypes"], json!(["application/pdf"]));
    house.deploy("prod").await;
    let variables = json!([{"op": "replace", "path": "/variables/color", "value": "blue"}]);
    house.v1("UpdateStage", json!({"restApiId": "store", "stageName": "prod", "patchOperations": variables})).await;
    let event = house.event("GET", HOST, "/prod/animals/7").await;
    assert_eq!(event["stageVariables"], json!({"color": "blue"}));
    house.v1("DeleteResource", json!({"restApiId": "store", "resourceId": pets})).await;
    let left = house.v1("GetResources", json!({"restApiId": "store"})).await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tags_are_kept_but_the_id_stays() {
    let house = house();
    house.rest_api().await;
    let arn = "arn:aws:apigateway:us-east-1::/restapis/store";
    house.v1("TagResource", json!({"resourceArn": arn, "tags": {"team": "a"}})).await;
    let tags = house.v1("GetTags", json!({"resourceArn": arn})).await;
    assert_eq!(tags["tags"], json!({"fogbank:api-id": "store", "team": "a"}));
    house.v1("UntagResource", json!({"resourceArn": arn, "tagKeys": ["team"]})).await;
    assert_eq!(house.v1("GetTags", json!({"resourceArn": arn})).await["tags"], json!({"fogbank:api-id": "store"}));
    let refused =
        house.refused("apigateway", "UntagResource", json!({"resourceArn": arn, "tagKeys": ["fogbank:api-id"]})).await;
    assert!(refused.starts_with("400 BadRequestException"), "{refused}");
}
