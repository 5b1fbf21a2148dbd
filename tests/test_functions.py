"""Functions over the Lambda API: made, read, changed, listed, deleted; answers compared whole with what AWS answers."""

import base64
import hashlib
import io
import re
import urllib.request
import zipfile

import pytest
from conftest import ACCOUNT, REGION, ROLE, error_of, invoke, package, unique

HANDLER = "def handler(event, context):\n    return {answer!r}\n"
ONE, TWO = package({"app.py": HANDLER.format(answer="one")}), package({"app.py": HANDLER.format(answer="two")})
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def digest(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def arn_of(name, qualifier=None, account=ACCOUNT, region=REGION):
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def members(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def create(client):
    """Makes a function and answers what the platform said to it."""
    made = []

    def run(code=ONE, **settings):
        given = {"FunctionName": unique("fn"), "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
        answer = client.create_function(Code={"ZipFile": code}, **{**given, **settings})
        made.append(answer["FunctionName"])
        return answer

    yield run
    for name in made:
        try:
            client.delete_function(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            pass


def test_a_new_function_is_described_as_aws_describes_it(create):
    answer = create(Description="what it does", Environment={"Variables": {"ONE": "1"}})
    assert status(answer) == 201
    name = answer["FunctionName"]
    expected = {
        "FunctionName": name,
        "FunctionArn": arn_of(name),
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(ONE),
        "Description": "what it does",
        "Timeout": 3,
        "MemorySize": 128,
        "CodeSha256": digest(ONE),
        "Version": "$LATEST",
        "Environment": {"Variables": {"ONE": "1"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": answer["Architectures"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        "LastModified": answer["LastModified"],
        "RevisionId": answer["RevisionId"],
        "RuntimeVersionConfig": answer["RuntimeVersionConfig"],
    }
    assert members(answer) == expected
    assert re.fullmatch(TIME, answer["LastModified"]) and re.fullmatch(UUID, answer["RevisionId"])
    runtime_version = answer["RuntimeVersionConfig"]["RuntimeVersionArn"]
    assert re.fullmatch(rf"arn:aws:lambda:{REGION}::runtime:[0-9a-f]{{64}}", runtime_version)
    assert answer["Architectures"] in (["x86_64"], ["arm64"])


def test_a_function_is_read_by_name_partial_arn_and_arn(client, create):
    made = create()
    name = made["FunctionName"]
    for reference in (name, f"{ACCOUNT}:function:{name}", arn_of(name)):
        answer = client.get_function(FunctionName=reference)
        assert status(answer) == 200
        assert set(members(answer)) == {"Configuration", "Code"}
        assert answer["Configuration"] == members(made)
        assert answer["Code"]["RepositoryType"] == "S3"
        assert members(client.get_function_configuration(FunctionName=reference)) == members(made)
    latest = client.get_function(FunctionName=name, Qualifier="$LATEST")["Configuration"]
    assert latest["FunctionArn"] == arn_of(name, "$LATEST")


def test_tags_and_reserved_concurrency_show_in_get_function(client, create):
    name = create(Tags={"team": "shop"})["FunctionName"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    answer = client.get_function(FunctionName=name)
    assert answer["Tags"] == {"team": "shop"}
    assert answer["Concurrency"] == {"ReservedConcurrentExecutions": 2}


def test_the_package_can_be_downloaded_from_its_location_without_a_signature(client, create):
    location = client.get_function(FunctionName=create()["FunctionName"])["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.status == 200
        content = answer.read()
    assert content == ONE
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["app.py"]


def test_a_package_cannot_be_downloaded_without_its_token(client, create, platform):
    location = client.get_function(FunctionName=create()["FunctionName"])["Code"]["Location"]
    path = location.removeprefix(platform.endpoint)
    for wrong in (path.split("?")[0], path[:-1] + ("0" if path[-1] != "0" else "1")):
        assert platform.http("GET", wrong)[0] in (403, 404)


def test_a_name_is_taken_once(client, create):
    name = create()["FunctionName"]
    with pytest.raises(client.exceptions.ResourceConflictException) as caught:
        create(FunctionName=name)
    assert caught.value.response["Error"]["Message"] == f"Function already exist: {name}"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert caught.value.response["Type"] == "User"


def test_what_is_not_there_is_named_in_the_error(client):
    name = unique("nowhere")
    message = f"Function not found: {arn_of(name)}"
    for call in (
        client.get_function,
        client.get_function_configuration,
        client.delete_function,
        client.list_versions_by_function,
        client.list_aliases,
        client.publish_version,
        client.get_function_concurrency,
        client.invoke,
    ):
        assert error_of(call, FunctionName=name) == ("ResourceNotFoundException", message), call
    assert error_of(client.update_function_code, FunctionName=name, ZipFile=ONE)[0] == "ResourceNotFoundException"
    assert error_of(client.update_function_configuration, FunctionName=name)[0] == "ResourceNotFoundException"
    qualified = f"Function not found: {arn_of(name, 'live')}"
    assert error_of(client.get_function, FunctionName=name, Qualifier="live") == ("ResourceNotFoundException", qualified)


def test_new_code_is_called_at_once(client, create):
    made = create()
    name = made["FunctionName"]
    assert invoke(client, name) == ("one", None)
    answer = client.update_function_code(FunctionName=name, ZipFile=TWO)
    assert status(answer) == 200
    assert answer["CodeSha256"] == digest(TWO) and answer["CodeSize"] == len(TWO)
    assert answer["RevisionId"] != made["RevisionId"]
    assert answer["LastUpdateStatus"] == "Successful" and answer["Version"] == "$LATEST"
    assert invoke(client, name) == ("two", None)
    unchanged = {"FunctionArn", "Role", "Handler", "MemorySize", "Timeout", "Runtime", "LoggingConfig"}
    assert {key: answer[key] for key in unchanged} == {key: made[key] for key in unchanged}


def test_a_dry_run_of_new_code_changes_nothing(client, create):
    made = create()
    name = made["FunctionName"]
    answer = client.update_function_code(FunctionName=name, ZipFile=TWO, DryRun=True)
    assert answer["CodeSha256"] == digest(TWO)
    assert members(client.get_function_configuration(FunctionName=name)) == members(made)
    assert invoke(client, name) == ("one", None)


def test_configuration_changes_only_where_it_is_named(client, create):
    made = create(Description="old", Environment={"Variables": {"ONE": "1", "TWO": "2"}})
    name = made["FunctionName"]
    answer = client.update_function_configuration(FunctionName=name, Timeout=7, MemorySize=256)
    assert status(answer) == 200
    changed = {"Timeout": 7, "MemorySize": 256, "RevisionId": answer["RevisionId"], "LastModified": answer["LastModified"]}
    assert members(answer) == {**members(made), **changed}
    assert answer["RevisionId"] != made["RevisionId"]
    answer = client.update_function_configuration(
        FunctionName=name,
        Description="",
        Environment={"Variables": {"THREE": "3"}},
        EphemeralStorage={"Size": 600},
        TracingConfig={"Mode": "Active"},
        LoggingConfig={"LogGroup": "/somewhere/else"},
        Handler="other.handler",
        Role=ROLE + "-other",
    )
    assert answer["Description"] == ""
    assert answer["Environment"] == {"Variables": {"THREE": "3"}}, "variables are replaced, not merged"
    assert answer["EphemeralStorage"] == {"Size": 600} and answer["TracingConfig"] == {"Mode": "Active"}
    assert answer["LoggingConfig"]["LogGroup"] == "/somewhere/else"
    assert (answer["Handler"], answer["Role"]) == ("other.handler", ROLE + "-other")
    assert "Environment" not in client.update_function_configuration(FunctionName=name, Environment={"Variables": {}})


def test_a_changed_environment_reaches_the_next_call(client, make_function):
    name = make_function("import os\ndef handler(e, c): return os.environ.get('WHO')", Environment={"Variables": {"WHO": "a"}})
    assert invoke(client, name) == ("a", None)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"WHO": "b"}})
    assert invoke(client, name) == ("b", None)


def test_a_change_with_an_outdated_revision_is_refused(client, create):
    made = create()
    name, old = made["FunctionName"], made["RevisionId"]
    new = client.update_function_configuration(FunctionName=name, Timeout=9, RevisionId=old)["RevisionId"]
    for call, arguments in (
        (client.update_function_configuration, {"Timeout": 10}),
        (client.update_function_code, {"ZipFile": TWO}),
        (client.publish_version, {}),
    ):
        code, message = error_of(call, FunctionName=name, RevisionId=old, **arguments)
        assert code == "PreconditionFailedException"
        assert message == (
            "The RevisionId provided does not match the latest RevisionId. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )
    assert client.get_function_configuration(FunctionName=name)["RevisionId"] == new
    assert client.update_function_code(FunctionName=name, ZipFile=TWO, RevisionId=new)["CodeSha256"] == digest(TWO)


def test_a_deleted_function_is_gone_with_all_that_belongs_to_it(client, create):
    name = create(Publish=True, Tags={"a": "b"})["FunctionName"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert status(client.delete_function(FunctionName=name)) == 204
    assert error_of(client.get_function, FunctionName=name, Qualifier="1")[0] == "ResourceNotFoundException"
    assert error_of(client.invoke, FunctionName=name + ":live")[0] == "ResourceNotFoundException"
    again = create(FunctionName=name)
    assert "Tags" not in client.get_function(FunctionName=name)
    assert [version["Version"] for version in client.list_versions_by_function(FunctionName=name)["Versions"]] == ["$LATEST"]
    assert client.list_aliases(FunctionName=name)["Aliases"] == []
    assert client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []
    assert again["Version"] == "$LATEST"


@pytest.fixture
def account(platform):
    """A client of an account that no other test uses."""
    return platform.client("lambda", account=str(int(unique("").lstrip("-"), 16))[:12].rjust(12, "7"))


def test_lists_are_cut_into_pages(account):
    given = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": ONE}}
    names = sorted(unique("page") for _ in range(7))
    for name in names:
        account.create_function(FunctionName=name, **given)
    first = account.list_functions(MaxItems=3)
    assert len(first["Functions"]) == 3 and first["NextMarker"]
    pages = list(account.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Functions"]) for page in pages] == [3, 3, 1]
    assert "NextMarker" not in pages[-1]
    assert [function["FunctionName"] for page in pages for function in page["Functions"]] == names
    whole = account.list_functions()
    assert set(members(whole)) == {"Functions"}
    assert error_of(account.list_functions, Marker="nonsense")[0] == "InvalidParameterValueException"
    settings = account.get_account_settings()
    assert settings["AccountUsage"] == {"TotalCodeSize": len(ONE), "FunctionCount": 7}
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }
    for name in names:
        account.delete_function(FunctionName=name)


def test_all_versions_can_be_listed_with_their_qualified_arns(account):
    name = unique("all")
    account.create_function(
        FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": ONE}, Publish=True
    )
    listed = account.list_functions(FunctionVersion="ALL")["Functions"]
    assert [(f["Version"], f["FunctionArn"].rsplit(":", 1)[1]) for f in listed] == [("$LATEST", "$LATEST"), ("1", "1")]
    account.delete_function(FunctionName=name)


def test_accounts_and_regions_do_not_see_each_other(platform, client, create):
    name = create()["FunctionName"]
    other, elsewhere = platform.client("lambda", account="111122223333"), platform.client("lambda", region="eu-central-1")
    for stranger, arn in (
        (other, arn_of(name, account="111122223333")),
        (elsewhere, arn_of(name, region="eu-central-1")),
    ):
        assert error_of(stranger.get_function, FunctionName=name) == ("ResourceNotFoundException", f"Function not found: {arn}")
        assert name not in [function["FunctionName"] for function in stranger.list_functions()["Functions"]]
        made = stranger.create_function(
            FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": TWO}
        )
        assert made["FunctionArn"] == arn
        assert invoke(stranger, name) == ("two", None)
    assert invoke(client, name) == ("one", None)
    for stranger in (other, elsewhere):
        stranger.delete_function(FunctionName=name)
    assert invoke(client, name) == ("one", None)
    assert platform.client("sts", account="111122223333").get_caller_identity()["Account"] == "111122223333"


def test_tags_are_added_replaced_and_removed(client, create):
    made = create(Tags={"a": "1", "b": "2"})
    arn = made["FunctionArn"]
    assert members(client.list_tags(Resource=arn)) == {"Tags": {"a": "1", "b": "2"}}
    assert status(client.tag_resource(Resource=arn, Tags={"b": "3", "c": ""})) == 204
    assert status(client.untag_resource(Resource=arn, TagKeys=["a", "unknown"])) == 204
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "3", "c": ""}
    code, _ = error_of(client.tag_resource, Resource=arn, Tags={f"k{n}": "v" for n in range(49)})
    assert code == "InvalidParameterValueException"
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "3", "c": ""}
    assert error_of(client.list_tags, Resource=arn_of(unique("no")))[0] == "ResourceNotFoundException"


def test_every_answer_carries_a_request_id(client, create):
    metadata = client.get_function(FunctionName=create()["FunctionName"])["ResponseMetadata"]
    assert re.fullmatch(UUID, metadata["RequestId"])
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]
    assert metadata["HTTPHeaders"]["content-type"] == "application/json"


@pytest.mark.parametrize(
    "setting",
    [
        {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
        {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"},
        {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "nodejs22.x"},
        {"FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-01234567890123456", "LocalMountPath": "/mnt/a"}]},
        {"LoggingConfig": {"LogFormat": "JSON"}},
        {"PackageType": "Image"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_what_is_not_supported_is_refused_by_name(client, create, setting):
    name = unique("refused")
    with pytest.raises(client.exceptions.ClientError) as caught:
        create(FunctionName=name, **setting)
    assert "not supported" in caught.value.response["Error"]["Message"]
    assert error_of(client.get_function, FunctionName=name)[0] == "ResourceNotFoundException"
