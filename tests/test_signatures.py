"""Signatures on a platform that checks them: what is not signed rightly is refused, and what is acts as its owner."""

import datetime
import json
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import ACCOUNT, REGION, Platform, error_of, package

ROLE = f"arn:aws:iam::{ACCOUNT}:role/tests"
LIST = "/2015-03-31/functions/"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("guarded") / "data", "--auth", "on").start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def root(guarded):
    """The first key that there is; only the owner of the data directory can read it."""
    path = guarded.data_dir / "root-key.json"
    assert path.stat().st_mode & 0o777 == 0o600
    found = json.loads(path.read_text())
    return found["access_key_id"], found["secret_access_key"]


def client(platform, service, key, secret, token=None):
    import boto3
    from botocore.config import Config

    return boto3.client(
        service, endpoint_url=platform.endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, config=Config(retries={"max_attempts": 0}),
    )  # fmt: skip


def test_the_root_key_may_do_everything_and_is_the_root(guarded, root):
    who = client(guarded, "sts", *root).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert client(guarded, "lambda", *root).list_functions()["Functions"] == []
    assert client(guarded, "logs", *root).describe_log_groups()["logGroups"] == []


def test_a_user_acts_as_itself_until_its_key_is_switched_off(guarded, root):
    iam = client(guarded, "iam", *root)
    arn = iam.create_user(UserName="ada")["User"]["Arn"]
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    sts = client(guarded, "sts", key["AccessKeyId"], key["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"] == arn
    iam.update_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert error_of(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_temporary_credentials_act_as_their_role_and_need_their_token(guarded, root):
    iam, sts = client(guarded, "iam", *root), client(guarded, "sts", *root)
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    key, secret, token = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    assert client(guarded, "sts", key, secret, token).get_caller_identity()["Arn"].endswith("assumed-role/r/me")
    for wrong in (None, token[:-4] + "AAAA", "nonsense"):
        assert error_of(client(guarded, "sts", key, secret, wrong).get_caller_identity)[0] == "InvalidClientTokenId"
    assert error_of(client(guarded, "sts", *root, token).get_caller_identity)[0] == "InvalidClientTokenId"
    assert error_of(client(guarded, "sts", key, "wrong", token).get_caller_identity)[0] == "SignatureDoesNotMatch"


WRONG = {
    "lambda": ("list_functions", "UnrecognizedClientException", "InvalidSignatureException", 403),
    "logs": ("describe_log_groups", "UnrecognizedClientException", "InvalidSignatureException", 400),
    "iam": ("list_roles", "InvalidClientTokenId", "SignatureDoesNotMatch", 403),
    "sts": ("get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch", 403),
}


@pytest.mark.parametrize("service", WRONG)
def test_an_unknown_key_and_a_wrong_secret_are_refused_in_each_protocol(guarded, root, service):
    operation, unknown, mismatch, status = WRONG[service]
    for key, secret, expected in (("AKIAIOSFODNN7EXAMPLE", "x", unknown), (ACCOUNT, "any", unknown), (root[0], "x", mismatch)):
        caller = client(guarded, service, key, secret)
        with pytest.raises(caller.exceptions.ClientError) as caught:
            getattr(caller, operation)()
        answer = caught.value.response
        assert answer["Error"]["Code"] == expected
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
        assert root[1] not in str(answer)


def signed(platform, root, method="GET", path=LIST, body=b"", at=None, service="lambda", region=REGION, presign=None):
    """A request as botocore signs it, which can then be spoilt."""
    request = botocore.awsrequest.AWSRequest(method, platform.endpoint + path, data=body)
    credentials = botocore.credentials.Credentials(*root)
    kind = botocore.auth.SigV4QueryAuth if presign else botocore.auth.SigV4Auth
    words = {"expires": presign} if presign else {}
    signer = kind(credentials, service, region, **words)
    if at:
        real = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: at.replace(tzinfo=None if remove_tzinfo else datetime.timezone.utc)
        try:
            signer.add_auth(request)
        finally:
            botocore.auth.get_current_datetime = real
    else:
        signer.add_auth(request)
    return request.prepare()


def send(request, headers=None, url=None, body=None, method=None):
    whole = {**dict(request.headers.items()), **(headers or {})}
    whole = {name: value for name, value in whole.items() if value is not None}
    data = request.body if body is None else body
    plain = urllib.request.Request(url or request.url, data=data or None, headers=whole, method=method or request.method)
    try:
        with urllib.request.urlopen(plain) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("x-amzn-errortype") or error.read().decode()


def now(**shift):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**shift)


def test_a_request_without_a_signature_is_refused(guarded):
    assert guarded.http("GET", LIST)[0] == 403
    status, headers, _ = guarded.http("GET", LIST)
    assert headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert guarded.http("GET", "/_fogbank/health")[0] == 200, "only this is open"


SPOILT = {
    "untouched": (lambda p, r: send(signed(p, r)), 200, None),
    "no authorization": (lambda p, r: send(signed(p, r), {"Authorization": None}), 403, "MissingAuthenticationTokenException"),
    "broken authorization": (lambda p, r: send(signed(p, r), {"Authorization": "AWS4-HMAC-SHA256 nonsense"}), 400, "IncompleteSignatureException"),
    "another scheme": (lambda p, r: send(signed(p, r), {"Authorization": "Basic YTpi"}), (400, 403), None),
    "a changed signature": (lambda p, r: send(signed(p, r), {"Authorization": signed(p, r).headers["Authorization"][:-4] + "0000"}), 403, "InvalidSignatureException"),
    "a changed path": (lambda p, r: send(signed(p, r), url=p.endpoint + "/2015-03-31/functions/x"), 403, "InvalidSignatureException"),
    "a changed query": (lambda p, r: send(signed(p, r), url=p.endpoint + LIST + "?MaxItems=1"), 403, "InvalidSignatureException"),
    "a changed method": (lambda p, r: send(signed(p, r, "DELETE", LIST + "x"), method="GET"), 403, "InvalidSignatureException"),
    "a changed body": (lambda p, r: send(signed(p, r, "POST", "/2015-03-31/functions/x/invocations", b"{}"), body=b"[]"), 403, "InvalidSignatureException"),
    "no date": (lambda p, r: send(signed(p, r), {"X-Amz-Date": None}), (400, 403), None),
    "an old date": (lambda p, r: send(signed(p, r, at=now(minutes=-20))), 403, "InvalidSignatureException"),
    "a future date": (lambda p, r: send(signed(p, r, at=now(minutes=20))), 403, "InvalidSignatureException"),
    "another service's scope": (lambda p, r: send(signed(p, r, service="iam")), (400, 403, 404), None),
    "presigned": (lambda p, r: send(signed(p, r, presign=60)), 200, None),
    "presigned and expired": (lambda p, r: send(signed(p, r, presign=60, at=now(minutes=-2))), 403, "InvalidSignatureException"),
    "presigned and changed": (lambda p, r: send(signed(p, r, presign=60), url=signed(p, r, presign=60).url.replace("Expires=60", "Expires=6000")), 403, "InvalidSignatureException"),
    "presigned for too long": (lambda p, r: send(signed(p, r, presign=700_000)), (400, 403), None),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_signature_is_refused(guarded, root, kind):
    attempt, status, code = SPOILT[kind]
    answered, said = attempt(guarded, root)
    assert answered in (status if isinstance(status, tuple) else (status,)), said
    assert code is None or said == code
    assert guarded.http("GET", "/_fogbank/health")[0] == 200


def test_a_function_needs_no_key_for_its_own_endpoint_and_its_keys_work_outside(guarded, root):
    caller = client(guarded, "lambda", *root)
    code = """
import os, boto3
def handler(event, context):
    keys = [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    return [boto3.client("sts").get_caller_identity()["Arn"], keys]
"""
    caller.create_function(
        FunctionName="self", Runtime="python3.11", Handler="app.handler", Role=ROLE, Timeout=20, MemorySize=512,
        Code={"ZipFile": package({"app.py": code})},
    )  # fmt: skip
    arn, keys = json.loads(caller.invoke(FunctionName="self")["Payload"].read())
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/tests/self"
    assert client(guarded, "sts", *keys).get_caller_identity()["Arn"] == arn


def test_nothing_works_for_those_who_were_refused(guarded, root):
    stranger = client(guarded, "lambda", "AKIAIOSFODNN7EXAMPLE", "x")
    given = {"FunctionName": "evil", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
    assert error_of(stranger.create_function, Code={"ZipFile": package({"app.py": ""})}, **given)[0] == "UnrecognizedClientException"
    names = [function["FunctionName"] for function in client(guarded, "lambda", *root).list_functions()["Functions"]]
    assert "evil" not in names
