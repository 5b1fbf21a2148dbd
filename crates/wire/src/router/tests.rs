#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Blob, NoKeys};
use fogbank_model::{Caller, SystemClock};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    function_name: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    function_name: Option<String>,
    function_arn: Option<String>,
    memory_size: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    function_name: String,
    code: Code,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Code {
    zip_file: Blob,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    account: String,
    arn: String,
}

async fn get(_: Arc<()>, context: RequestContext, input: Named) -> Result<Configuration, Fault> {
    if input.function_name == "missing" {
        let arn = context.arn("lambda", "function:missing");
        return Err(Fault::client("ResourceNotFoundException", format!("Function not found: {arn}")));
    }
    if input.function_name == "broken" {
        return Err(Fault::internal("the secret reason"));
    }
    let arn = context.arn("lambda", &format!("function:{}", input.function_name)).to_string();
    Ok(Configuration { function_name: Some(input.function_name), function_arn: Some(arn), memory_size: None })
}

async fn create(_: Arc<()>, _: RequestContext, input: Create) -> Result<Configuration, Fault> {
    let memory_size = Some(input.code.zip_file.0.len() as i64);
    Ok(Configuration { function_name: Some(input.function_name), memory_size, ..Configuration::default() })
}

async fn invoke(_: Arc<()>, mut input: Input) -> Result<Output, Fault> {
    let payload = input.value.take("Payload").unwrap_or_default();
    let mut members = vec![("StatusCode".into(), Value::Int(200)), ("ExecutedVersion".into(), "$LATEST".into())];
    members.push(("Payload".into(), payload));
    Ok(Output::Value(Value::Map(members)))
}

async fn who(_: Arc<()>, context: RequestContext, _: serde::de::IgnoredAny) -> Result<Identity, Fault> {
    let arn = format!("arn:aws:iam::{}:{:?}", context.account, context.caller);
    Ok(Identity { account: context.account.to_string(), arn })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Queue {
    queue_url: String,
}

async fn delete_queue(_: Arc<()>, _: RequestContext, input: Queue) -> Result<(), Fault> {
    Err(Fault::client("QueueDoesNotExist", input.queue_url))
}

fn router() -> Router {
    let state = Arc::new(());
    let lambda = Service::new("lambda")
        .operation("GetFunctionConfiguration", &state, get)
        .operation("CreateFunction", &state, create)
        .raw_operation("Invoke", &state, invoke)
        .body_limit("CreateFunction", 70_167_211);
    let sts = Service::new("sts").operation("GetCallerIdentity", &state, who);
    let sqs = Service::new("sqs").addressed_by("QueueUrl").operation("DeleteQueue", &state, delete_queue);
    Router::new(vec![lambda, sts, sqs], Auth::Off(Arc::new(NoKeys)), Arc::new(SystemClock))
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &'static str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(uri);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Bytes::from_static(body.as_bytes())).unwrap()
}

async fn send(router: &Router, request: Request<Bytes>) -> (u16, http::HeaderMap, String) {
    let (head, body) = router.handle(request, Peer::default()).await.into_parts();
    let Body::Full(body) = body else { panic!("not a whole body") };
    (head.status.as_u16(), head.headers, String::from_utf8_lossy(&body).into_owned())
}

const SIGNED: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=123456789012/20260504/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0",
);

#[tokio::test]
async fn a_rest_request_reaches_its_operation_in_the_claimed_account_and_region() {
    let request = request("GET", "/2015-03-31/functions/orders/configuration", &[SIGNED], "");
    let (status, headers, body) = send(&router(), request).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        r#"{"FunctionName":"orders","FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:orders"}"#
    );
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-amzn-requestid"].len(), 36);
}

#[tokio::test]
async fn an_unsigned_request_is_recognised_by_its_path() {
    let request = request("GET", "/2015-03-31/functions/orders/configuration/", &[], "");
    let (status, _, body) = send(&router(), request).await;
    assert_eq!(status, 200);
    assert!(body.contains("arn:aws:lambda:us-east-1:000000000000:function:orders"), "{body}");
}

#[tokio::test]
async fn a_payload_passes_through_untouched() {
    let request = request("POST", "/2015-03-31/functions/orders/invocations", &[SIGNED], "{\"a\":1}");
    let (status, headers, body) = send(&router(), request).await;
    assert_eq!((status, body.as_str()), (200, "{\"a\":1}"));
    assert_eq!(headers["x-amz-executed-version"], "$LATEST");
}

#[tokio::test]
async fn a_modelled_error_has_its_status_and_type() {
    let request = request("GET", "/2015-03-31/functions/missing/configuration", &[SIGNED], "");
    let (status, headers, body) = send(&router(), request).await;
    assert_eq!(status, 404);
    assert_eq!(headers["x-amzn-errortype"], "ResourceNotFoundException");
    assert_eq!(
        body,
        r#"{"Type":"User","Message":"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:missing"}"#
    );
}

#[tokio::test]
async fn an_internal_reason_is_not_told() {
    let request = request("GET", "/2015-03-31/functions/broken/configuration", &[SIGNED], "");
    let (status, _, body) = send(&router(), request).await;
    assert_eq!(status, 500);
    assert!(!body.contains("secret"), "{body}");
}

#[tokio::test]
async fn constraints_are_reported_in_awss_words() {
    let long = format!("/2015-03-31/functions/{}/configuration", "a".repeat(300));
    let (status, headers, body) = send(&router(), request("GET", &long, &[SIGNED], "")).await;
    assert_eq!(status, 400);
    assert_eq!(headers["x-amzn-errortype"], "ValidationException");
    assert!(body.contains("1 validation error detected: Value 'aaa"), "{body}");
    assert!(
        body.contains("at 'functionName' failed to satisfy constraint: Member must have length less than or equal to")
    );
    let empty = request("POST", "/2015-03-31/functions", &[SIGNED], "{}");
    let (_, _, body) = send(&router(), empty).await;
    assert!(
        body.contains("Value null at 'functionName' failed to satisfy constraint: Member must not be null"),
        "{body}"
    );
    assert!(body.contains("3 validation errors detected: "), "{body}");
}

#[tokio::test]
async fn wrong_types_and_broken_json_are_serialization_exceptions() {
    for body in ["{\"FunctionName\":5}", "{\"FunctionName\"", "[]", "{\"Code\":{\"ZipFile\":\"%%\"}}", "nul"] {
        let (status, headers, text) = send(&router(), request("POST", "/2015-03-31/functions", &[SIGNED], body)).await;
        assert_eq!(
            (status, &headers["x-amzn-errortype"]),
            (400, &HeaderValue::from_static("SerializationException")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_form_reaches_its_operation_and_is_answered_in_xml() {
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let post = request("POST", "/", &[form], "Action=GetCallerIdentity&Version=2011-06-15");
    let (status, headers, body) = send(&router(), post).await;
    assert_eq!((status, &headers["content-type"]), (200, &HeaderValue::from_static("text/xml")));
    assert!(body.starts_with("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Account>000000000000</Account>"), "{body}");
    let unknown = request("POST", "/", &[form], "Action=Nonsense&Version=2011-06-15");
    let (status, _, body) = send(&router(), unknown).await;
    assert_eq!(status, 400);
    assert!(body.contains("<Type>Sender</Type><Code>InvalidAction</Code>"), "{body}");
}

#[tokio::test]
async fn a_form_may_come_to_a_resources_own_address() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let named = "Action=DeleteQueue&Version=2012-11-05&QueueUrl=http%3A%2F%2Fh%2F111111111111%2Fother";
    for (body, expected) in [
        ("Action=DeleteQueue&Version=2012-11-05", "<Message>/123456789012/orders</Message>"),
        (named, "<Message>http://h/111111111111/other</Message>"),
    ] {
        let (status, _, body) = send(&router(), request("POST", "/123456789012/orders", &[form], body)).await;
        assert_eq!(status, 400);
        assert!(body.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), "{body}");
        assert!(body.contains(expected), "{body}");
    }
    // Without a sign of such a service it is none.
    let (status, ..) = send(&router(), request("POST", "/123456789012/orders", &[form], "Action=DeleteQueue")).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn what_is_modelled_but_not_there_says_so_in_the_clients_protocol() {
    let json = [("x-amz-target", "DynamoDB_20120810.PutItem"), ("content-type", "application/x-amz-json-1.0")];
    let (status, headers, body) = send(&router(), request("POST", "/", &json, "{}")).await;
    assert_eq!((status, &headers["content-type"]), (501, &HeaderValue::from_static("application/x-amz-json-1.0")));
    assert_eq!(
        body,
        r##"{"__type":"com.amazon.coral.service#NotImplemented","message":"Fogbank does not support the operation PutItem of DynamoDB yet."}"##
    );
    let (status, _, body) = send(&router(), request("DELETE", "/2015-03-31/functions/x", &[SIGNED], "")).await;
    assert_eq!(status, 501);
    assert!(body.contains("DeleteFunction of Lambda"), "{body}");
}

#[tokio::test]
async fn a_request_that_is_for_no_aws_api_is_not_found() {
    for uri in ["/", "/index.html", "/bucket/key"] {
        let (status, headers, body) = send(&router(), request("GET", uri, &[], "")).await;
        assert_eq!((status, &headers["content-type"]), (404, &HeaderValue::from_static("application/json")));
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    }
}

#[tokio::test]
async fn a_door_decides_who_calls() {
    let account: fogbank_model::AccountId = "210987654321".parse().unwrap();
    let role = fogbank_model::Arn::global("iam", &account, "role/orders");
    let caller = Caller::Role { role, session: "orders".into() };
    let door = crate::Door { account, region: "eu-central-1".parse().unwrap(), caller };
    let peer = Peer { ip: None, door: Some(door) };
    let claimed = request("GET", "/2015-03-31/functions/orders/configuration", &[SIGNED], "");
    let (_, body) = router().handle(claimed, peer.clone()).await.into_parts();
    let Body::Full(body) = body else { panic!("not a whole body") };
    assert!(String::from_utf8_lossy(&body).contains("arn:aws:lambda:eu-west-1:210987654321:function:orders"));
}

#[tokio::test]
async fn operations_can_be_called_in_process_with_the_same_checks() {
    let context = RequestContext {
        account: "123456789012".parse().unwrap(),
        region: fogbank_model::Region::default_region(),
        caller: Caller::Root,
        request_id: RequestId("r".into()),
        source_ip: None,
        endpoint: "http://localhost".into(),
        trace: None,
    };
    let input = Value::Map(vec![("FunctionName".into(), "orders".into())]);
    let router = router();
    let output = router.call("lambda", "GetFunctionConfiguration", context.clone(), input).await.unwrap();
    assert_eq!(output.get("FunctionName"), Some(&Value::from("orders")));
    let fault = router.call("lambda", "GetFunctionConfiguration", context, Value::Map(vec![])).await.unwrap_err();
    assert_eq!(fault.code, "ValidationException");
}

#[test]
fn large_bodies_are_for_the_operations_that_ask_for_them() {
    let router = router();
    let head = |uri: &str, length: &str| {
        let (head, ()) = Request::post(uri).header("content-length", length).body(()).unwrap().into_parts();
        head
    };
    assert_eq!(router.body_limit(&head("/2015-03-31/functions", "60000000")), 70_167_211);
    assert_eq!(router.body_limit(&head("/2015-03-31/functions/x/invocations", "60000000")), DEFAULT_BODY_LIMIT);
    let (bodiless, ()) = Request::get("/2015-03-31/functions").body(()).unwrap().into_parts();
    assert_eq!(router.body_limit(&bodiless), UNQUESTIONED_BODY);
    let chunked = Request::post("/2015-03-31/functions").header("transfer-encoding", "chunked").body(()).unwrap();
    assert_eq!(router.body_limit(&chunked.into_parts().0), 70_167_211);
    assert!(router.unmodelled().is_empty());
}

struct OneKey;

impl crate::Credentials for OneKey {
    fn lookup(&self, id: &str, token: Option<&str>) -> Result<crate::KeyOwner, crate::LookupError> {
        match (id, token) {
            ("AKIAONE", None) => Ok(crate::KeyOwner {
                secret: "secret".into(),
                account: "123456789012".parse().unwrap(),
                caller: Caller::Root,
            }),
            ("ASIAOLD", _) => Err(crate::LookupError::Expired),
            _ => Err(crate::LookupError::Invalid),
        }
    }
}

/// Answers that the caller is nobody as a fault, so that a test sees it.
async fn leave(_: Arc<()>, context: RequestContext, _: serde::de::IgnoredAny) -> Result<(), Fault> {
    match context.caller {
        Caller::Service(UNSIGNED) => Ok(()),
        known => Err(Fault::client("InvalidParameterException", format!("{known:?}"))),
    }
}

fn guarded() -> Router {
    let state = Arc::new(());
    let services = ["lambda", "sns", "sts"].map(|name| match name {
        "sns" => Service::new(name).unsigned("Unsubscribe").operation("Unsubscribe", &state, leave).operation(
            "DeleteTopic",
            &state,
            leave,
        ),
        "lambda" => Service::new(name).operation("GetFunctionConfiguration", &state, get),
        name => Service::new(name).operation("GetCallerIdentity", &state, who),
    });
    Router::new(services.into(), Auth::On(Arc::new(OneKey)), Arc::new(SystemClock))
}

fn signed(id: &str, secret: &str, service: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    let key = crate::SigningKey { access_key_id: id.into(), secret: secret.into(), session_token: None };
    crate::sign(&mut request, &key, "eu-west-1", service, SystemClock.now()).unwrap();
    request
}

#[tokio::test]
async fn with_authentication_on_only_signed_requests_pass() {
    let lambda = || request("GET", "http://x/2015-03-31/functions/orders/configuration", &[], "");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sts = || request("POST", "http://x/", &form, "Action=GetCallerIdentity&Version=2011-06-15");
    let target = [("x-amz-target", "DynamoDB_20120810.ListTables"), ("content-type", "application/x-amz-json-1.0")];
    let dynamodb = || request("POST", "http://x/", &target, "{}");
    assert_eq!(send(&guarded(), signed("AKIAONE", "secret", "lambda", lambda())).await.0, 200);
    for (request, status, code) in [
        (lambda(), 403, "MissingAuthenticationTokenException"),
        (sts(), 403, "MissingAuthenticationToken"),
        (dynamodb(), 400, "MissingAuthenticationTokenException"),
        (signed("AKIAONE", "wrong", "lambda", lambda()), 403, "InvalidSignatureException"),
        (signed("AKIAONE", "wrong", "sts", sts()), 403, "SignatureDoesNotMatch"),
        (signed("AKIATWO", "secret", "lambda", lambda()), 403, "UnrecognizedClientException"),
        (signed("AKIATWO", "secret", "sts", sts()), 403, "InvalidClientTokenId"),
        (signed("ASIAOLD", "secret", "sts", sts()), 403, "ExpiredToken"),
        (signed("123456789012", "secret", "sts", sts()), 403, "InvalidClientTokenId"),
        (signed("AKIAONE", "secret", "s3", sts()), 403, "SignatureDoesNotMatch"),
    ] {
        let (found, headers, body) = send(&guarded(), request).await;
        let named = headers.get("x-amzn-errortype").is_some_and(|kind| kind == code);
        assert!(
            found == status
                && (named || body.contains(&format!("<Code>{code}<")) || body.contains(&format!("#{code}\""))),
            "{code}: {found} {body}"
        );
    }
}

#[tokio::test]
async fn a_link_needs_no_signature_and_no_version() {
    let link =
        |action: &str| request("GET", &format!("http://x/?Action={action}&SubscriptionArn=a&TopicArn=a"), &[], "");
    assert_eq!(send(&guarded(), link("Unsubscribe")).await.0, 200);
    let (status, _, body) = send(&guarded(), link("DeleteTopic")).await;
    assert_eq!((status, body.contains("<Code>MissingAuthenticationToken<")), (403, true), "{body}");
    assert_eq!(send(&guarded(), link("Nothing")).await.0, 404);
    let (status, _, body) = send(&guarded(), signed("AKIAONE", "secret", "sns", link("Unsubscribe"))).await;
    assert_eq!((status, body.contains("Root")), (400, true), "who signs is known: {body}");
}

#[tokio::test]
async fn a_door_needs_no_signature() {
    let account: fogbank_model::AccountId = "210987654321".parse().unwrap();
    let door = crate::Door { account, region: "eu-central-1".parse().unwrap(), caller: Caller::Root };
    let peer = Peer { ip: None, door: Some(door) };
    let plain = request("GET", "/2015-03-31/functions/orders/configuration", &[], "");
    let (head, body) = guarded().handle(plain, peer).await.into_parts();
    let Body::Full(body) = body else { panic!("not a whole body") };
    assert_eq!(head.status, 200);
    assert!(String::from_utf8_lossy(&body).contains("arn:aws:lambda:eu-central-1:210987654321:function:orders"));
}
