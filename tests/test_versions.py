"""Versions and aliases: what is published does not change, and an alias splits its calls as its weights say."""

import collections
import math

import pytest
from conftest import ACCOUNT, REGION, error_of, invoke, package
from test_functions import arn_of, digest, members, status

CODE = "import os\ndef handler(event, context):\n    return [{mark!r}, context.function_version, context.invoked_function_arn]\n"


def code(mark):
    return package({"app.py": CODE.format(mark=mark)})


@pytest.fixture
def function(make_function):
    return make_function(CODE.format(mark="first"))


def publish_two(client, name):
    """Version 1 is the first code, version 2 and $LATEST the second."""
    client.publish_version(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=code("second"), Publish=True)


def test_a_version_keeps_its_code_and_configuration(client, function):
    latest = client.get_function_configuration(FunctionName=function)
    answer = client.publish_version(FunctionName=function, Description="the first")
    assert status(answer) == 201
    assert answer["Version"] == "1" and answer["FunctionArn"] == arn_of(function, 1)
    same = set(latest) - {"Version", "FunctionArn", "Description", "RevisionId", "ResponseMetadata", "LastModified"}
    assert {key: answer[key] for key in same} == {key: latest[key] for key in same}
    assert answer["Description"] == "the first"
    client.update_function_code(FunctionName=function, ZipFile=code("second"))
    client.update_function_configuration(FunctionName=function, Timeout=30, Description="newer")
    kept = members(client.get_function_configuration(FunctionName=function, Qualifier="1"))
    assert kept == members(answer)
    assert invoke(client, f"{function}:1") == (["first", "1", arn_of(function, 1)], None)
    assert invoke(client, function) == (["second", "$LATEST", arn_of(function)], None)
    assert invoke(client, function, Qualifier="$LATEST") == (["second", "$LATEST", arn_of(function, "$LATEST")], None)


def test_publishing_the_same_again_answers_the_same_version(client, function):
    first = client.publish_version(FunctionName=function)
    assert client.publish_version(FunctionName=function)["Version"] == "1"
    client.update_function_configuration(FunctionName=function, Timeout=11)
    assert client.publish_version(FunctionName=function)["Version"] == "2"
    assert first["Timeout"] == 3


def test_a_version_is_published_only_if_the_code_is_the_expected_one(client, function):
    sha = client.get_function_configuration(FunctionName=function)["CodeSha256"]
    other = digest(b"other")
    refused = error_of(client.publish_version, FunctionName=function, CodeSha256=other)
    assert refused[0] == "InvalidParameterValueException"
    assert refused[1].startswith(f"CodeSHA256 ({other}) is different from current CodeSHA256 in $LATEST ({sha}).")
    assert client.publish_version(FunctionName=function, CodeSha256=sha)["Version"] == "1"


def test_versions_are_listed_in_pages(client, function):
    for timeout in range(4, 9):
        client.update_function_configuration(FunctionName=function, Timeout=timeout)
        client.publish_version(FunctionName=function)
    pages = list(client.get_paginator("list_versions_by_function").paginate(FunctionName=function, PaginationConfig={"PageSize": 4}))
    versions = [version for page in pages for version in page["Versions"]]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2", "3", "4", "5"]
    assert [version["FunctionArn"] for version in versions][:2] == [arn_of(function, "$LATEST"), arn_of(function, 1)]
    assert [version["Timeout"] for version in versions] == [8, 4, 5, 6, 7, 8]


def test_one_version_is_deleted_and_its_number_not_used_again(client, function):
    publish_two(client, function)
    assert status(client.delete_function(FunctionName=function, Qualifier="2")) == 204
    assert error_of(client.invoke, FunctionName=function, Qualifier="2")[0] == "ResourceNotFoundException"
    client.update_function_configuration(FunctionName=function, Timeout=12)
    assert client.publish_version(FunctionName=function)["Version"] == "3"
    code_, message = error_of(client.delete_function, FunctionName=function, Qualifier="$LATEST")
    assert (code_, message) == (
        "InvalidParameterValueException",
        "$LATEST version cannot be deleted without deleting the function.",
    )
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    code_, message = error_of(client.delete_function, FunctionName=function, Qualifier="1")
    assert code_ == "ResourceConflictException" and arn_of(function, "live") in message


def test_an_alias_is_made_read_moved_and_deleted(client, function):
    publish_two(client, function)
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", Description="for users")
    assert status(made) == 201
    assert members(made) == {
        "AliasArn": arn_of(function, "live"),
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "for users",
        "RevisionId": made["RevisionId"],
    }
    assert members(client.get_alias(FunctionName=function, Name="live")) == members(made)
    assert invoke(client, f"{function}:live") == (["first", "1", arn_of(function, "live")], None)
    moved = client.update_alias(FunctionName=function, Name="live", FunctionVersion="2")
    assert moved["RevisionId"] != made["RevisionId"] and moved["Description"] == "for users"
    assert invoke(client, function, Qualifier="live") == (["second", "2", arn_of(function, "live")], None)
    shown = client.get_function(FunctionName=function, Qualifier="live")["Configuration"]
    assert (shown["Version"], shown["FunctionArn"]) == ("2", arn_of(function, "live"))
    assert status(client.delete_alias(FunctionName=function, Name="live")) == 204
    assert status(client.delete_alias(FunctionName=function, Name="live")) == 204, "deleting is idempotent"
    missing = ("ResourceNotFoundException", f"Cannot find alias arn: {arn_of(function, 'live')}")
    assert error_of(client.get_alias, FunctionName=function, Name="live") == missing
    assert error_of(client.update_alias, FunctionName=function, Name="live", FunctionVersion="1") == missing
    assert error_of(client.invoke, FunctionName=f"{function}:live")[0] == "ResourceNotFoundException"


def test_an_alias_is_refused_that_could_not_work(client, function):
    publish_two(client, function)
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    taken = error_of(client.create_alias, FunctionName=function, Name="live", FunctionVersion="2")
    assert taken == ("ResourceConflictException", f"Alias already exists: {arn_of(function, 'live')}")
    gone = error_of(client.create_alias, FunctionName=function, Name="other", FunctionVersion="9")
    assert gone == ("ResourceNotFoundException", f"Function not found: {arn_of(function, 9)}")
    assert error_of(client.create_alias, FunctionName=function, Name="12", FunctionVersion="1")[0] == "ValidationException"
    for weights in ({"1": 0.5}, {"9": 0.5}, {"2": 0.5, "3": 0.1}, {"2": 1.5}, {"$LATEST": 0.5}):
        refused = error_of(
            client.update_alias, FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": weights}
        )
        assert refused[0] in ("InvalidParameterValueException", "ResourceNotFoundException", "ValidationException"), weights
    latest = error_of(
        client.create_alias,
        FunctionName=function,
        Name="both",
        FunctionVersion="$LATEST",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}},
    )
    assert latest[0] == "InvalidParameterValueException"
    assert [alias["Name"] for alias in client.list_aliases(FunctionName=function)["Aliases"]] == ["live"]
    stale = error_of(client.update_alias, FunctionName=function, Name="live", FunctionVersion="2", RevisionId="0" * 8)
    assert stale[0] == "PreconditionFailedException"


def test_aliases_are_listed_in_pages_and_by_version(client, function):
    publish_two(client, function)
    for number in range(5):
        client.create_alias(FunctionName=function, Name=f"a{number}", FunctionVersion=str(1 + number % 2))
    pages = list(client.get_paginator("list_aliases").paginate(FunctionName=function, PaginationConfig={"PageSize": 2}))
    assert [alias["Name"] for page in pages for alias in page["Aliases"]] == ["a0", "a1", "a2", "a3", "a4"]
    of_two = client.list_aliases(FunctionName=function, FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in of_two] == ["a1", "a3"]


@pytest.mark.parametrize("weight", [0.5, 0.1])
def test_a_weighted_alias_splits_its_calls(client, function, weight):
    publish_two(client, function)
    made = client.create_alias(
        FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": weight}}
    )
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": weight}}
    calls, seen = 1000, collections.Counter()
    for _ in range(calls):
        reply = client.invoke(FunctionName=function, Qualifier="live")
        seen[reply["ExecutedVersion"]] += 1
    sigma = math.sqrt(calls * weight * (1 - weight))
    assert abs(seen["2"] - calls * weight) <= 3 * sigma, seen
    assert seen["1"] + seen["2"] == calls
    ended = client.update_alias(FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in ended
    assert {client.invoke(FunctionName=function, Qualifier="live")["ExecutedVersion"] for _ in range(50)} == {"1"}


def test_function_name_and_qualifier_must_agree(client, function):
    publish_two(client, function)
    refused = error_of(client.invoke, FunctionName=f"{function}:1", Qualifier="2")
    assert refused == (
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )
    assert invoke(client, f"{ACCOUNT}:function:{function}:1", Qualifier="1")[0][1] == "1"
    assert invoke(client, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:2")[0][1] == "2"
