//! HTTP APIs.

use super::*;
use std::time::Duration;

const HOST: &str = "shop.localhost:4566";

#[tokio::test]
async fn an_http_api_is_reached_under_all_its_addresses() {
    let house = house();
    house.http_api(&["GET /pets/{id}", "$default"]).await;
    let hosts = [
        HOST,
        "shop.execute-api.localhost",
        "shop.execute-api.us-east-1.localhost:4566",
        "SHOP.execute-api.us-east-1.amazonaws.com",
        "shop.execute-api.localhost.localstack.cloud:4566",
    ];
    for host in hosts {
        let event = house.event("GET", host, "/pets/7").await;
        assert_eq!(
            (&event["routeKey"], &event["pathParameters"]["id"]),
            (&json!("GET /pets/{id}"), &json!("7")),
            "{host}"
        );
    }
    for path in ["/_fogbank/apis/shop/pets/7", "/_aws/execute-api/shop/$default/pets/7"] {
        let event = house.event("GET", "localhost:4566", path).await;
        assert_eq!(event["rawPath"], "/pets/7", "{path}");
    }
    assert_eq!(house.get("other.localhost", "/pets/7").await, "-");
    assert_eq!(house.get("other.execute-api.localhost", "/pets/7").await, r#"403 {"message":"Forbidden"}"#);
    assert_eq!(house.get("localhost:4566", "/restapis/shop").await, "-");
}

#[tokio::test]
async fn a_name_that_is_a_host_label_reaches_the_api_while_it_is_unique() {
    let house = house();
    let api = json!({"Name": "Orders", "ProtocolType": "HTTP", "Target": ECHO});
    house.v2("CreateApi", api.clone()).await;
    assert_eq!(house.event("GET", "orders.localhost", "/a").await["routeKey"], "$default");
    house.v2("CreateApi", api).await;
    assert_eq!(house.get("orders.localhost", "/a").await, "-");
    house.v2("CreateApi", json!({"Name": "lambda", "ProtocolType": "HTTP", "Target": ECHO})).await;
    assert_eq!(house.get("lambda.localhost", "/a").await, "-");
}

#[tokio::test]
async fn what_no_route_takes_is_not_found() {
    let house = house();
    house.http_api(&["GET /pets"]).await;
    for path in ["/", "/pets/1", "/prod/pets"] {
        assert_eq!(house.get(HOST, path).await, r#"404 {"message":"Not Found"}"#, "{path}");
    }
}

#[tokio::test]
async fn a_stage_has_its_prefix_its_variables_and_its_deployment() {
    let house = house();
    let id = house.http_api(&["GET /a b"]).await;
    let uri = "arn:aws:lambda:us-east-1:000000000000:function:echo:${stageVariables.alias}";
    house.route(&id, "GET /pets", json!({"IntegrationUri": uri})).await;
    let deployment = house.v2("CreateDeployment", json!({"ApiId": id})).await;
    let variables = json!({"alias": "blue"});
    let stage = json!({
        "ApiId": id, "StageName": "prod", "DeploymentId": deployment["DeploymentId"], "StageVariables": variables,
    });
    house.v2("CreateStage", stage).await;
    house.route(&id, "GET /later", json!({})).await;
    let event = house.event("GET", HOST, "/prod/a%20b").await;
    assert_eq!((&event["rawPath"], &event["requestContext"]["stage"]), (&json!("/prod/a b"), &json!("prod")));
    assert_eq!(event["stageVariables"], json!({"alias": "blue"}));
    house.event("GET", HOST, "/prod/pets").await;
    let function = house.echo.calls.lock().unwrap().last().unwrap().1.function.arn();
    assert_eq!(function.resource(), "function:echo:blue");
    assert_eq!(house.get(HOST, "/prod/later").await, r#"404 {"message":"Not Found"}"#);
    house.event("GET", HOST, "/later").await;
    // Without the variable the integration names no function.
    assert_eq!(house.get(HOST, "/pets").await, r#"500 {"message":"Internal Server Error"}"#);
}

#[tokio::test]
async fn a_call_that_fails_has_its_own_answer() {
    let house = house();
    house.http_api(&["$default"]).await;
    type Case = (fn() -> Result<Reply, InvokeError>, &'static str);
    let cases: [Case; 5] = [
        (|| Ok(Reply { error: Some("Unhandled"), ..reply("{}") }), r#"500 {"message":"Internal Server Error"}"#),
        (|| Ok(reply(r#"{"statusCode":"x"}"#)), r#"500 {"message":"Internal Server Error"}"#),
        (|| Err(InvokeError::NotFound("echo".into())), r#"500 {"message":"Internal Server Error"}"#),
        (|| Err(InvokeError::Throttled { reason: "x" }), r#"503 {"message":"Service Unavailable"}"#),
        (
            || Err(InvokeError::TooLarge { size: 9, limit: 6, kind: "RequestResponse" }),
            r#"413 {"message":"Request Entity Too Large"}"#,
        ),
    ];
    for (behaviour, expected) in cases {
        house.behave(move |_| behaviour());
        assert_eq!(house.get(HOST, "/").await, expected);
    }
}

#[tokio::test]
async fn an_integration_has_its_time() {
    let house = Arc::new(house());
    let id = house.http_api(&[]).await;
    house.route(&id, "GET /slow", json!({"TimeoutInMillis": 100})).await;
    house.echo.hangs.store(true, std::sync::atomic::Ordering::SeqCst);
    let asking = tokio::spawn({
        let house = house.clone();
        async move { house.get(HOST, "/slow").await }
    });
    while house.echo.calls.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    house.clock.advance(Duration::from_millis(99));
    tokio::task::yield_now().await;
    assert!(!asking.is_finished());
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(asking.await.unwrap(), r#"503 {"message":"Service Unavailable"}"#);
}

#[tokio::test]
async fn cors_is_answered_by_the_gateway() {
    let house = house();
    let id = house.http_api(&["GET /pets"]).await;
    let cors = json!({"AllowOrigins": ["https://shop.example"], "AllowMethods": ["GET"], "MaxAge": 60});
    house.v2("UpdateApi", json!({"ApiId": id, "CorsConfiguration": cors})).await;
    let preflight = [("origin", "https://shop.example"), ("access-control-request-method", "GET")];
    let (status, body, headers) = house.send("OPTIONS", HOST, "/pets", &preflight, "").await.unwrap();
    assert_eq!((status, body.as_str()), (204, ""));
    assert_eq!(headers["access-control-allow-origin"], "https://shop.example");
    assert_eq!(headers["access-control-max-age"], "60");
    let (_, _, headers) = house.send("GET", HOST, "/pets", &preflight[..1], "").await.unwrap();
    assert_eq!(headers["access-control-allow-origin"], "https://shop.example");
    assert!(headers.contains_key("apigw-requestid"));
    house.v2("DeleteCorsConfiguration", json!({"ApiId": id})).await;
    let (status, _, headers) = house.send("OPTIONS", HOST, "/pets", &preflight, "").await.unwrap();
    assert_eq!((status, headers.get("access-control-allow-origin")), (404, None));
}

#[tokio::test]
async fn an_api_outlives_the_process_and_goes_when_it_is_deleted() {
    let house = house();
    let id = house.http_api(&["GET /pets"]).await;
    let (auth, clock) = (Auth::Off(Arc::new(NoKeys)), house.clock.clone());
    let again = Gateway::open(house.store.clone(), clock, auth, house.echo.clone(), house.urls.clone()).unwrap();
    let (head, ()) = Request::builder().uri("/pets").header("host", HOST).body(()).unwrap().into_parts();
    assert!(again.serves(&head).is_some());
    house.v2("DeleteApi", json!({"ApiId": id})).await;
    assert!(house.gateway.serves(&head).is_none());
    let refused = house.refused("apigatewayv2", "GetApi", json!({"ApiId": id})).await;
    assert_eq!(refused, "404 NotFoundException Invalid API identifier specified 000000000000:shop");
}

#[tokio::test]
async fn an_openapi_document_makes_routes() {
    let house = house();
    let id = house.http_api(&["GET /old"]).await;
    let uri = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ECHO}/invocations");
    let integration = json!({"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "payloadFormatVersion": "1.0"});
    let operation = json!({"responses": {}, "x-amazon-apigateway-integration": integration});
    let document = json!({
        "openapi": "3.0.1",
        "info": {"title": "stack", "version": "1.0"},
        "paths": {
            "/pets/{id}": {"get": operation},
            "$default": {"x-amazon-apigateway-any-method": operation},
        },
    });
    let input = json!({"ApiId": id, "Body": document.to_string()});
    assert_eq!(house.v2("ReimportApi", input).await["Name"], "stack");
    let event = house.event("GET", HOST, "/pets/7").await;
    assert_eq!((&event["version"], &event["resource"]), (&json!("1.0"), &json!("/pets/{id}")));
    assert_eq!(house.event("PUT", HOST, "/old").await["resource"], "$default");
    let yaml = house.refused("apigatewayv2", "ReimportApi", json!({"ApiId": id, "Body": "openapi: 3.0.1"})).await;
    assert!(yaml.starts_with("400 BadRequestException Unable to parse the API definition as JSON"), "{yaml}");
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let house = house();
    let id = house.http_api(&[]).await;
    let integration = |kind: &str| json!({"ApiId": id, "IntegrationType": kind, "IntegrationUri": "https://a.example", "PayloadFormatVersion": "1.0"});
    let table = [
        (
            "CreateIntegration",
            integration("HTTP_PROXY"),
            "integrations of the type HTTP_PROXY yet; use AWS_PROXY with a function.",
        ),
        ("CreateApi", json!({"Name": "a", "ProtocolType": "WEBSOCKET"}), "the protocol WEBSOCKET yet; use HTTP."),
        (
            "CreateRoute",
            json!({"ApiId": id, "RouteKey": "GET /", "AuthorizationType": "JWT"}),
            "AuthorizationType with this value yet; leave it out.",
        ),
        (
            "CreateStage",
            json!({"ApiId": id, "StageName": "s", "AccessLogSettings": {"Format": "x"}}),
            "AccessLogSettings with this value yet; leave it out.",
        ),
    ];
    for (operation, input, expected) in table {
        let expected = format!("400 BadRequestException Fogbank does not support {expected}");
        assert_eq!(house.refused("apigatewayv2", operation, input).await, expected);
    }
    let plain = json!({"ApiId": id, "RouteKey": "GET /", "AuthorizationType": "NONE", "ApiKeyRequired": false});
    house.v2("CreateRoute", plain).await;
}

#[tokio::test]
async fn an_id_belongs_to_one_api() {
    let house = house();
    house.http_api(&[]).await;
    let taken = json!({"Name": "x", "ProtocolType": "HTTP", "Tags": {"fogbank:api-id": "shop"}});
    let refused = house.refused("apigatewayv2", "CreateApi", taken).await;
    assert_eq!(refused, "409 ConflictException There is already an API with the id shop; choose another one.");
    for id in ["lambda", "UPPER", "a.b", ""] {
        let input = json!({"Name": "x", "ProtocolType": "HTTP", "Tags": {"fogbank:api-id": id}});
        assert!(house.call("apigatewayv2", "CreateApi", input).await.is_err(), "{id}");
    }
    let other = house.router.call(
        "apigatewayv2",
        "GetApi",
        context("111111111111"),
        to_value(&json!({"ApiId": "shop"})).unwrap(),
    );
    assert_eq!(other.await.unwrap_err().code, "NotFoundException");
}

#[tokio::test]
async fn lists_come_in_parts() {
    let house = house();
    let id = house.http_api(&["GET /a", "GET /b", "GET /c"]).await;
    let mut keys = Vec::new();
    let mut token = Value::Null;
    loop {
        let page = house.v2("GetRoutes", json!({"ApiId": id, "MaxResults": "2", "NextToken": token})).await;
        let items = page["Items"].as_array().unwrap();
        keys.extend(items.iter().map(|item| item["RouteKey"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    keys.sort();
    assert_eq!(keys, ["GET /a", "GET /b", "GET /c"]);
}

#[tokio::test]
async fn an_integration_in_use_stays() {
    let house = house();
    let id = house.http_api(&["GET /a"]).await;
    let all = house.v2("GetIntegrations", json!({"ApiId": id})).await;
    let integration = &all["Items"][0]["IntegrationId"];
    let refused =
        house.refused("apigatewayv2", "DeleteIntegration", json!({"ApiId": id, "IntegrationId": integration})).await;
    assert!(refused.starts_with("409 ConflictException"), "{refused}");
}

#[tokio::test]
async fn every_operation_of_the_tables_is_modelled() {
    assert_eq!(house().router.unmodelled(), []);
}
