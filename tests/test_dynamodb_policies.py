"""DynamoDB: tags and resource policies, and what they can be of. Texts are AWS's, from probes of its control plane in 2026."""

import json

import pytest
from conftest import ACCOUNT, REGION, error_of
from test_dynamodb import make_table  # noqa: F401

WRONG = "ValidationException"
INVALID = "One or more parameter values were invalid: "
NO_RESOURCE = "Requested resource not found"


@pytest.fixture(scope="module")
def raw(platform):
    """A client that sends what it is given."""
    return platform.client("dynamodb", parameter_validation=False)


def arn(name, region=REGION, account=ACCOUNT):
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


def tags_of(dynamodb, resource):
    return {tag["Key"]: tag["Value"] for tag in dynamodb.list_tags_of_resource(ResourceArn=resource)["Tags"]}


def test_tags_are_set_all_or_none(raw, make_table):
    table = arn(make_table())
    tag = lambda *tags: raw.tag_resource(ResourceArn=table, Tags=[dict(zip(("Key", "Value"), one, strict=False)) for one in tags])
    tag(("Env", ""), ("env", "x"), (" sp ace", "a b+c-d=e.f_g:h/i@j"), ("ключ", "café"))
    tag(("env", "y"))
    raw.untag_resource(ResourceArn=table, TagKeys=["absent", "ключ"])
    assert tags_of(raw, table) == {"Env": "", "env": "y", " sp ace": "a b+c-d=e.f_g:h/i@j"}
    key, value = "The Tag Key provided is invalid, Key: ", "The Tag Value provided is invalid, Value: "
    long = "k" * 129
    for tags, why in [
        ([(long, "v")], key + long),
        ([("", "v")], key),
        ([()], key + "null"),
        ([("k",)], value + "null"),
        ([("k", "v" * 257)], value + "v" * 257),
        ([("bad#char", "v")], key + "bad#char"),
        ([("k", "100%")], value + "100%"),
        ([("AWS:foo", "v")], "Tag Key cannot be prefixed with aws:, Key: AWS:foo"),
        ([("dup", "1"), ("dup", "2")], "Duplicate Tag Keys provided as input: Duplicate Tag Key found dup"),
    ]:
        assert error_of(tag, ("good", "v"), *tags) == (WRONG, why)
    for keys, why in [([long], key + long), ([""], key), (["aws:foo"], "Tag Key cannot be prefixed with aws:, Key: aws:foo")]:
        assert error_of(raw.untag_resource, ResourceArn=table, TagKeys=keys) == (WRONG, why)
    assert "good" not in tags_of(raw, table)


def test_a_table_has_fifty_tags(raw, make_table):
    table = arn(make_table())
    tags = lambda values: [{"Key": f"k{at:02}", "Value": value} for at, value in enumerate(values)]
    tag = lambda values: raw.tag_resource(ResourceArn=table, Tags=tags(values))
    tag(["v"] * 50)
    tag(["w"] * 50)
    too_many = (WRONG, "Number of Tags exceed the current limit for the provided ResourceArn")
    assert error_of(raw.tag_resource, ResourceArn=table, Tags=[{"Key": "one-more", "Value": ""}]) == too_many
    assert error_of(tag, ["v"] * 51) == too_many
    assert error_of(raw.untag_resource, ResourceArn=table, TagKeys=[f"k{at}" for at in range(51)]) == too_many
    assert error_of(tag, ["v" * 250] * 50) == (WRONG, "Tag set size 12650 bytes is above max size limit of 10240 bytes")
    assert set(tags_of(raw, table).values()) == {"w"}
    made = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
    create = lambda tags: raw.create_table(TableName="tags-that-cannot-be", BillingMode="PAY_PER_REQUEST", Tags=tags, **made)
    assert error_of(create, tags(["v"] * 51)) == too_many
    assert error_of(create, [{}]) == (WRONG, "The Tag Key provided is invalid, Key: null")


def test_a_stream_has_tags_of_its_own(dynamodb, make_table):
    name = make_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    stream = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    assert tags_of(dynamodb, stream) == {}
    dynamodb.tag_resource(ResourceArn=stream, Tags=[{"Key": "of", "Value": "stream"}])
    assert (tags_of(dynamodb, stream), tags_of(dynamodb, arn(name))) == ({"of": "stream"}, {})


def test_what_tags_and_policies_can_be_of(dynamodb, make_table):
    name = make_table(indexes=[("gsi", [("g", "S", "HASH")], "ALL")])
    tags, policy = dynamodb.list_tags_of_resource, dynamodb.get_resource_policy
    other, backup, index = arn(name, "eu-west-1"), f"{arn(name)}/backup/01700000000000-abcdefgh", f"{arn(name)}/index/gsi"
    foreign, stream = arn(name, account="111111111111"), f"{arn(name)}/stream/2000-01-01T00:00:00.000"
    for call in (tags, policy):
        assert error_of(call, ResourceArn=name) == (WRONG, f"{INVALID}ARNs must start with 'arn:': {name}")
        assert error_of(call, ResourceArn=backup) == (WRONG, f"{INVALID}Provided Arn is not a DynamoDB resource arn: {backup}")
        why = f"{INVALID}Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {index}"
        assert error_of(call, ResourceArn=index) == (WRONG, why)
    assert error_of(tags, ResourceArn=other) == (WRONG, f"Invalid TableArn: Invalid ResourceArn provided as input {other}")
    assert error_of(tags, ResourceArn=foreign) == ("AccessDeniedException", "Access is denied")
    assert error_of(tags, ResourceArn=stream) == ("ResourceNotFoundException", f"{NO_RESOURCE}: ResourceArn: {stream} not found")
    assert error_of(policy, ResourceArn=other) == (WRONG, f"{INVALID}Invalid resource Arn: {other}")
    assert error_of(policy, ResourceArn=foreign) == (WRONG, "This action is only supported by accounts that match the resource owner’s account.")
    assert error_of(policy, ResourceArn=stream) == ("ResourceNotFoundException", f"{NO_RESOURCE}: Stream: 2000-01-01T00:00:00.000 not found for Table: {name}")
    assert error_of(policy, ResourceArn=arn("nobody")) == ("ResourceNotFoundException", f"{NO_RESOURCE}: Table: nobody not found")
    describe = dynamodb.describe_table
    assert describe(TableName=arn(name))["Table"]["TableName"] == name
    assert error_of(describe, TableName=other) == (WRONG, f"1 validation error detected: Invalid AWS region in '{other}'")
    assert error_of(describe, TableName=index) == (WRONG, f"1 validation error detected: Invalid resource type in '{index}'")
    assert error_of(describe, TableName=foreign) == ("AccessDeniedException", "Access is denied")


def statement(table, **more):
    return {"Sid": "s", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "dynamodb:GetItem", "Resource": table, **more}


def document(*statements, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": statements, **more}, separators=(",", ":"))


def test_a_policy_that_says_the_same_is_the_same(dynamodb, make_table):
    table = arn(make_table())
    put = lambda policy, **more: dynamodb.put_resource_policy(ResourceArn=table, Policy=policy, **more)["RevisionId"]
    plain = document(statement(table))
    first = put(plain)
    loose = statement(table, Principal={"AWS": [ACCOUNT]}, Action=["dynamodb:GetItem"], Resource=[table], Effect="allow")
    assert put(json.dumps({"Statement": loose, "Version": "2012-10-17"}, indent=4)) == first
    assert dynamodb.get_resource_policy(ResourceArn=table)["Policy"] == plain
    other = document(statement(table, Action=["dynamodb:Query", "dynamodb:GetItem"]))
    second = put(other, ExpectedRevisionId=first)
    third = put(plain)
    assert len({first, second, third}) == 3 and first < second < third
    without = json.dumps({"Statement": [statement(table)]}, separators=(",", ":"))
    fourth = put(without)
    oldest = dynamodb.get_resource_policy(ResourceArn=table)["Policy"]
    assert oldest == plain.replace("2012-10-17", "2008-10-17") and put(without) == fourth != put(oldest)


def test_a_policy_changes_only_from_the_revision_that_is_expected(dynamodb, make_table):
    name = make_table()
    table, begin = arn(name), "Resource-based policy not found for the provided ResourceArn: "
    put = lambda revision: dynamodb.put_resource_policy(ResourceArn=table, Policy=document(statement(table)), ExpectedRevisionId=revision)
    delete = lambda **more: dynamodb.delete_resource_policy(ResourceArn=table, **more)
    assert "RevisionId" not in delete() and "RevisionId" not in delete()
    for call in (lambda: put("123456789"), lambda: delete(ExpectedRevisionId="123456789")):
        code, message = error_of(call)
        assert code == "PolicyNotFoundException"
        assert message.startswith(f"{begin}Requested update for policy with revision id 123456789, but table {name} has no associated")
    revision = put("NO_POLICY")["RevisionId"]
    for call in (lambda: put("123456789"), lambda: delete(ExpectedRevisionId="123456789")):
        code, message = error_of(call)
        assert code == "PolicyNotFoundException"
        assert message.startswith(f"{begin}Requested update for policy with revision id 123456789, but the policy associated to target table {name}")
    assert delete(ExpectedRevisionId=revision)["RevisionId"] == revision
    assert error_of(dynamodb.get_resource_policy, ResourceArn=table) == ("PolicyNotFoundException", begin + table)


def test_policies_that_cannot_be(raw, make_table):
    name = make_table()
    table = arn(name)
    put = lambda policy, **more: raw.put_resource_policy(ResourceArn=table, Policy=policy, **more)
    bad = f"{INVALID}Invalid policy document: "
    without_resource = {key: value for key, value in statement(table).items() if key != "Resource"}
    for policy, why in [
        ("", bad + "This policy contains invalid Json"),
        ("{}", bad + "Syntax error at position (1,3)"),
        (document(), bad + "Could not parse the policy: Statement is empty!"),
        (document(without_resource), bad + "Missing required field Resource"),
        (document(statement(table), statement(table)), bad + "The Statement Ids in the policy are not unique"),
        (document(statement(table)) + " " * 20480, f"{INVALID}Maximum policy size of 20480 bytes exceeded"),
        (
            document(statement(table, Principal="*")),
            "Resource-based policy grants unbounded access in one or more elements. Please revise the policy to ensure least-privilege form of access",
        ),
    ]:
        assert error_of(put, policy) == (WRONG, why)
        made = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
        assert error_of(raw.create_table, TableName="never", BillingMode="PAY_PER_REQUEST", ResourcePolicy=policy, **made) == (WRONG, why)
    shut = document(statement(table, Effect="Deny", Principal="*", Action="dynamodb:PutResourcePolicy"))
    denied = ("AccessDeniedException", "The new resource policy will not allow you to update the resource policy in the future.")
    assert error_of(put, shut) == error_of(put, shut, ConfirmRemoveSelfResourceAccess=False) == denied
    assert error_of(raw.get_resource_policy, ResourceArn=table)[0] == "PolicyNotFoundException"
    put(shut, ConfirmRemoveSelfResourceAccess=True)
    put(document(statement(table, Effect="Deny", Principal="*", Action="dynamodb:DeleteResourcePolicy")))
