//! The crate as clients see it: signed requests through the router.

use super::*;
use bytes::Bytes;
use fogbank_model::{AccountId, Arn, RequestContext, RequestId, TestClock, Timestamp};
use fogbank_wire::{Auth, Body, Fault, Peer, Router, SigningKey, Value, sign};
use std::time::Duration;

const NOW: Timestamp = Timestamp(1_780_000_000_000);
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

struct House {
    identity: Arc<Identity>,
    router: Router,
    clock: Arc<TestClock>,
    store: Store,
    _directory: tempfile::TempDir,
}

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

async fn house() -> House {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new(NOW, 7));
    let store = Store::open(directory.path(), clock.clone()).unwrap();
    let identity = Arc::new(Identity::open(store.clone(), clock.clone()).await.unwrap());
    let router = Router::new(services(identity.clone()), Auth::On(identity.clone()), clock.clone());
    House { identity, router, clock, store, _directory: directory }
}

fn map(members: &[(&str, &str)]) -> Value {
    Value::Map(members.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect())
}

impl House {
    async fn call(&self, operation: &str, input: Value) -> Result<Value, Fault> {
        let context = RequestContext {
            account: account(),
            region: fogbank_model::Region::default_region(),
            caller: Caller::Root,
            request_id: RequestId("r".into()),
            source_ip: None,
            endpoint: "http://localhost".into(),
            trace: None,
        };
        let service = if operation == "AssumeRole" || operation.ends_with("SessionToken") { "sts" } else { "iam" };
        self.router.call(service, operation, context, input).await
    }

    async fn iam(&self, operation: &str, members: &[(&str, &str)]) -> Result<Value, Fault> {
        self.call(operation, map(members)).await
    }

    async fn fails(&self, operation: &str, members: &[(&str, &str)]) -> (String, String) {
        let fault = self.iam(operation, members).await.unwrap_err();
        (fault.code.into_owned(), fault.message)
    }

    /// What a signed `GetCallerIdentity` is answered.
    async fn whoami(&self, key: &SigningKey) -> (u16, String) {
        let body = Bytes::from_static(b"Action=GetCallerIdentity&Version=2011-06-15");
        let mut request = http::Request::post("http://localhost:4566/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .unwrap();
        sign(&mut request, key, "eu-west-1", "sts", self.identity.clock.now()).unwrap();
        let (head, body) = self.router.handle(request, Peer::default()).await.into_parts();
        let Body::Full(body) = body else { panic!("not a whole body") };
        (head.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
    }

    async fn role(&self, name: &str) -> Arn {
        let made = self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
        made.get("Role").unwrap().get("Arn").unwrap().as_str().unwrap().parse().unwrap()
    }
}

fn key_of(credentials: &Value, id: &str) -> SigningKey {
    let text = |name: &str| credentials.get(name).and_then(Value::as_str).map(str::to_owned);
    SigningKey {
        access_key_id: text(id).unwrap(),
        secret: text("SecretAccessKey").unwrap(),
        session_token: text("SessionToken"),
    }
}

#[tokio::test]
async fn a_users_key_signs_until_it_is_made_inactive() {
    let house = house().await;
    house.iam("CreateUser", &[("UserName", "ada"), ("Path", "/team/")]).await.unwrap();
    let made = house.iam("CreateAccessKey", &[("UserName", "ada")]).await.unwrap();
    let key = key_of(made.get("AccessKey").unwrap(), "AccessKeyId");
    assert!(key.access_key_id.starts_with("AKIA") && key.access_key_id.len() == 20 && key.secret.len() == 40);

    let (status, body) = house.whoami(&key).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<Arn>arn:aws:iam::123456789012:user/team/ada</Arn>"), "{body}");
    let wrong = SigningKey { secret: "x".repeat(40), ..key.clone() };
    let (status, body) = house.whoami(&wrong).await;
    assert!(status == 403 && body.contains("<Code>SignatureDoesNotMatch</Code>"), "{body}");

    let id = key.access_key_id.as_str();
    house.iam("UpdateAccessKey", &[("UserName", "ada"), ("AccessKeyId", id), ("Status", "Inactive")]).await.unwrap();
    let (status, body) = house.whoami(&key).await;
    assert!(status == 403 && body.contains("<Code>InvalidClientTokenId</Code>"), "{body}");
    assert_eq!(house.fails("DeleteUser", &[("UserName", "ada")]).await.0, "DeleteConflictException");
    house.iam("DeleteAccessKey", &[("UserName", "ada"), ("AccessKeyId", id)]).await.unwrap();
    house.iam("DeleteUser", &[("UserName", "ADA")]).await.unwrap();
    assert_eq!(house.fails("GetUser", &[("UserName", "ada")]).await.1, "The user with name ada cannot be found.");
}

#[tokio::test]
async fn an_accounts_root_key_is_made_once() {
    let house = house().await;
    let first = house.identity.root_key(&account()).await.unwrap();
    assert_eq!(house.identity.root_key(&account()).await.unwrap(), first);
    let key = SigningKey { access_key_id: first.0, secret: first.1, session_token: None };
    assert!(house.whoami(&key).await.1.contains("<Arn>arn:aws:iam::123456789012:root</Arn>"));
}

#[tokio::test]
async fn an_assumed_roles_credentials_end_with_their_time() {
    let house = house().await;
    let arn = house.role("orders").await;
    let input = map(&[("RoleArn", arn.as_str()), ("RoleSessionName", "me")]);
    let made = house.call("AssumeRole", input).await.unwrap();
    let user = made.get("AssumedRoleUser").unwrap();
    assert_eq!(user.get("Arn"), Some(&Value::from("arn:aws:sts::123456789012:assumed-role/orders/me")));
    let key = key_of(made.get("Credentials").unwrap(), "AccessKeyId");

    let (status, body) = house.whoami(&key).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<Arn>arn:aws:sts::123456789012:assumed-role/orders/me</Arn>"), "{body}");
    assert!(body.contains(&format!("<UserId>{}</UserId>", user.get("AssumedRoleId").unwrap().as_str().unwrap())));

    let mut token = key.session_token.clone().unwrap();
    token.replace_range(..1, if token.starts_with('e') { "f" } else { "e" });
    let (_, body) = house.whoami(&SigningKey { session_token: Some(token), ..key.clone() }).await;
    assert!(body.contains("<Code>InvalidClientTokenId</Code>"), "{body}");
    let (_, body) = house.whoami(&SigningKey { session_token: None, ..key.clone() }).await;
    assert!(body.contains("<Code>InvalidClientTokenId</Code>"), "{body}");

    house.clock.advance(Duration::from_secs(3600));
    let (status, body) = house.whoami(&key).await;
    assert!(status == 403 && body.contains("<Code>ExpiredToken</Code>"), "{body}");
}

#[tokio::test]
async fn a_role_that_is_not_there_cannot_be_assumed() {
    let house = house().await;
    let input = map(&[("RoleArn", "arn:aws:iam::123456789012:role/nobody"), ("RoleSessionName", "me")]);
    let fault = house.call("AssumeRole", input).await.unwrap_err();
    assert_eq!((fault.code.as_ref(), fault.status), ("AccessDenied", 403));
    assert_eq!(
        fault.message,
        "User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::123456789012:role/nobody"
    );
}

#[tokio::test]
async fn an_instances_session_is_the_roles_also_after_a_restart() {
    let house = house().await;
    let role: Arn = "arn:aws:iam::123456789012:role/service/orders".parse().unwrap();
    let credentials = house.identity.session(&account(), &role, "orders").unwrap();
    assert_eq!(credentials.expiration, NOW.plus(Duration::from_secs(12 * 3600)));
    let again = Identity::open(house.store.clone(), house.clock.clone()).await.unwrap();
    let owner = again.lookup(&credentials.access_key_id, Some(&credentials.token)).unwrap();
    assert_eq!(owner.secret, credentials.secret);
    assert_eq!(owner.caller, Caller::Role { role, session: "orders".into() });
    assert!(matches!(again.lookup("ASIAOTHER", Some(&credentials.token)), Err(LookupError::Invalid)));
}

#[tokio::test]
async fn a_role_lives_as_iam_describes_it() {
    let house = house().await;
    house.role("Orders").await;
    let taken = house.fails("CreateRole", &[("RoleName", "ORDERS"), ("AssumeRolePolicyDocument", TRUST)]).await;
    assert_eq!(taken, ("EntityAlreadyExistsException".into(), "Role with name ORDERS already exists.".into()));
    let malformed = house.fails("CreateRole", &[("RoleName", "x"), ("AssumeRolePolicyDocument", "{}")]).await;
    assert_eq!(malformed.0, "MalformedPolicyDocumentException");

    let role = house.iam("GetRole", &[("RoleName", "orders")]).await.unwrap();
    let role = role.get("Role").unwrap();
    assert_eq!(role.get("CreateDate"), Some(&Value::Int(NOW.0)));
    assert!(role.get("RoleId").unwrap().as_str().unwrap().starts_with("AROA"));
    assert!(role.get("AssumeRolePolicyDocument").unwrap().as_str().unwrap().starts_with("%7B%22Version%22%3A"));

    house.iam("AttachRolePolicy", &[("RoleName", "Orders"), ("PolicyArn", BASIC)]).await.unwrap();
    house.iam("AttachRolePolicy", &[("RoleName", "Orders"), ("PolicyArn", BASIC)]).await.unwrap();
    let unknown = "arn:aws:iam::aws:policy/Nothing";
    let missing = house.fails("AttachRolePolicy", &[("RoleName", "Orders"), ("PolicyArn", unknown)]).await;
    assert_eq!(missing.1, "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.");
    let attached = house.iam("ListAttachedRolePolicies", &[("RoleName", "Orders")]).await.unwrap();
    let expected = map(&[("PolicyName", "AWSLambdaBasicExecutionRole"), ("PolicyArn", BASIC)]);
    assert_eq!(attached.get("AttachedPolicies"), Some(&Value::List(vec![expected])));

    let inline = [("RoleName", "Orders"), ("PolicyName", "read"), ("PolicyDocument", ALLOW)];
    house.iam("PutRolePolicy", &inline).await.unwrap();
    let conflict = house.fails("DeleteRole", &[("RoleName", "Orders")]).await;
    assert_eq!(conflict.1, "Cannot delete entity, must detach all policies first.");
    house.iam("DetachRolePolicy", &[("RoleName", "Orders"), ("PolicyArn", BASIC)]).await.unwrap();
    let conflict = house.fails("DeleteRole", &[("RoleName", "Orders")]).await;
    assert_eq!(conflict.1, "Cannot delete entity, must delete policies first.");
    house.iam("DeleteRolePolicy", &inline[..2]).await.unwrap();
    assert_eq!(house.fails("GetRolePolicy", &inline[..2]).await.1, "The role policy with name read cannot be found.");
    house.iam("DeleteRole", &[("RoleName", "Orders")]).await.unwrap();
    assert_eq!(house.fails("GetRole", &[("RoleName", "Orders")]).await.0, "NoSuchEntityException");
}

#[tokio::test]
async fn a_managed_policy_has_up_to_five_versions() {
    let house = house().await;
    let made = house.iam("CreatePolicy", &[("PolicyName", "read"), ("PolicyDocument", ALLOW)]).await.unwrap();
    let arn = made.get("Policy").unwrap().get("Arn").unwrap().as_str().unwrap().to_owned();
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/read");
    let version = [("PolicyArn", arn.as_str()), ("PolicyDocument", ALLOW)];
    for _ in 0..4 {
        house.iam("CreatePolicyVersion", &version).await.unwrap();
    }
    assert_eq!(house.fails("CreatePolicyVersion", &version).await.0, "LimitExceededException");
    house.iam("SetDefaultPolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v5")]).await.unwrap();
    let conflict = house.fails("DeletePolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v5")]).await;
    assert_eq!(conflict.0, "DeleteConflictException");
    let policy = house.iam("GetPolicy", &[("PolicyArn", &arn)]).await.unwrap();
    assert_eq!(policy.get("Policy").unwrap().get("DefaultVersionId"), Some(&Value::from("v5")));
    assert_eq!(house.fails("DeletePolicy", &[("PolicyArn", &arn)]).await.0, "DeleteConflictException");
    for old in ["v1", "v2", "v3", "v4"] {
        house.iam("DeletePolicyVersion", &[("PolicyArn", &arn), ("VersionId", old)]).await.unwrap();
    }
    house.role("orders").await;
    house.iam("AttachRolePolicy", &[("RoleName", "orders"), ("PolicyArn", &arn)]).await.unwrap();
    let conflict = house.fails("DeletePolicy", &[("PolicyArn", &arn)]).await;
    assert_eq!(conflict.1, "Cannot delete a policy attached to entities.");
}

#[tokio::test]
async fn a_listing_comes_in_parts() {
    let house = house().await;
    for name in ["a", "b", "c"] {
        house.role(name).await;
    }
    let names = |part: &Value| {
        let Some(Value::List(roles)) = part.get("Roles") else { panic!("no roles") };
        roles.iter().map(|role| role.get("RoleName").unwrap().as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let two = Value::Map(vec![("MaxItems".into(), Value::Int(2))]);
    let first = house.call("ListRoles", two).await.unwrap();
    assert_eq!((names(&first), first.get("IsTruncated")), (vec!["a".into(), "b".into()], Some(&Value::Bool(true))));
    let marker = first.get("Marker").unwrap().as_str().unwrap();
    let second = house.iam("ListRoles", &[("Marker", marker)]).await.unwrap();
    assert_eq!((names(&second), second.get("Marker")), (vec!["c".into()], None));
    assert_eq!(house.fails("ListRoles", &[("Marker", "%")]).await.0, "InvalidInputException");
}

#[tokio::test]
async fn every_operation_is_a_modelled_one() {
    assert_eq!(house().await.router.unmodelled(), []);
}
