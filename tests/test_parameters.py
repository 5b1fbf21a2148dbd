"""Systems Manager's Parameter Store, by boto3, and as templates use it."""

import json

import pytest
from conftest import ACCOUNT, REGION, error_of, unique


@pytest.fixture
def ssm(aws):
    return aws("ssm")


@pytest.fixture
def path(ssm):
    """A path whose parameters go with the test."""
    path = f"/{unique('p')}"
    yield path
    found = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    for parameter in [parameter for page in found for parameter in page["Parameters"]]:
        ssm.delete_parameter(Name=parameter["Name"])


def test_a_parameter_has_versions(ssm, path):
    name = f"{path}/a"
    assert ssm.put_parameter(Name=name, Value="one", Type="String", Description="d")["Version"] == 1
    assert error_of(ssm.put_parameter, Name=name, Value="x", Type="String")[0] == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name=name, Value="two", Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name=name)["Parameter"]
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"
    assert (found["Value"], found["Version"], found["Type"], found["ARN"]) == ("two", 2, "String", arn)
    assert ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == "one"
    assert error_of(ssm.get_parameter, Name=f"{name}:3")[0] == "ParameterVersionNotFound"
    history = ssm.get_parameter_history(Name=name)["Parameters"]
    assert [(past["Version"], past["Value"], past["Description"]) for past in history] == [(1, "one", "d"), (2, "two", "d")]
    ssm.delete_parameter(Name=name)
    assert error_of(ssm.get_parameter, Name=name)[0] == "ParameterNotFound"
    assert ssm.put_parameter(Name=name, Value="new", Type="String")["Version"] == 1, "nothing is left of the first"
    assert len(ssm.get_parameter_history(Name=name)["Parameters"]) == 1


def test_several_are_had_and_deleted_at_once(ssm, path):
    for name in "ab":
        ssm.put_parameter(Name=f"{path}/{name}", Value=name, Type="StringList")
    names = [f"{path}/a", f"{path}/none", f"{path}/b"]
    found = ssm.get_parameters(Names=names)
    assert [parameter["Value"] for parameter in found["Parameters"]] == ["a", "b"]
    assert found["InvalidParameters"] == [f"{path}/none"]
    gone = ssm.delete_parameters(Names=names)
    assert (gone["DeletedParameters"], gone["InvalidParameters"]) == ([names[0], names[2]], [names[1]])


def test_paths_and_filters(ssm, path):
    for number in range(12):
        ssm.put_parameter(Name=f"{path}/n/{number:02}", Value="x", Type="String", Tags=[{"Key": "even", "Value": str(number % 2 == 0)}])
    ssm.put_parameter(Name=f"{path}/top", Value="x", Type="StringList")
    first = ssm.get_parameters_by_path(Path=f"{path}/n")
    assert len(first["Parameters"]) == 10
    rest = ssm.get_parameters_by_path(Path=f"{path}/n/", NextToken=first["NextToken"])
    assert [parameter["Name"][-2:] for parameter in rest["Parameters"]] == ["10", "11"] and "NextToken" not in rest

    def described(*filters):
        found = ssm.describe_parameters(ParameterFilters=[dict(zip(("Key", "Option", "Values"), given)) for given in filters])
        return [parameter["Name"].removeprefix(path) for parameter in found["Parameters"]]

    below = ("Path", "Recursive", [path])
    assert described(below, ("Type", "Equals", ["StringList"])) == ["/top"]
    assert described(("Path", "OneLevel", [path])) == ["/top"]
    assert described(("Name", "BeginsWith", [f"{path}/n/1"])) == ["/n/10", "/n/11"]
    assert len(described(below, ("tag:even", "Equals", ["True"]))) == 6


def test_tags(ssm, path):
    name = f"{path}/t"
    ssm.put_parameter(Name=name, Value="x", Type="String", Tags=[{"Key": "a", "Value": "1"}])
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=["a"])
    ssm.put_parameter(Name=name, Value="y", Overwrite=True)
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"] == [{"Key": "b", "Value": "2"}]
    assert error_of(ssm.list_tags_for_resource, ResourceType="Parameter", ResourceId="none")[0] == "InvalidResourceId"


REFUSED = {
    "no type": (dict(), "ValidationException", "A parameter type is required"),
    "a secret": (dict(Type="SecureString"), "ValidationException", "SecureString is not supported"),
    "its size": (dict(Type="String", Value="x" * 4097), "ValidationException", "maximum parameter value of 4096"),
    "its pattern": (dict(Type="String", AllowedPattern="[a-z]"), "ParameterPatternMismatchException", "[a-z]"),
    "no pattern": (dict(Type="String", AllowedPattern="["), "InvalidAllowedPatternException", "["),
    "AWS's names": (dict(Type="String", Name="/aws/x"), "ValidationException", "can't be prefixed"),
    "half a path": (dict(Type="String", Name="a/b"), "ValidationException", "fully qualified"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_put_is_refused(ssm, path, name):
    given, code, reason = REFUSED[name]
    found = error_of(ssm.put_parameter, **{"Name": f"{path}/x", "Value": "1", **given})
    assert found[0] == code and reason in found[1], found


def test_an_advanced_parameter_holds_more_and_stays_advanced(ssm, path):
    name = f"{path}/large"
    assert ssm.put_parameter(Name=name, Value="x" * 5000, Type="String", Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    assert ssm.put_parameter(Name=name, Value="x", Overwrite=True)["Tier"] == "Advanced"
    assert "can't downgrade" in error_of(ssm.put_parameter, Name=name, Value="x", Tier="Standard", Overwrite=True)[1]


def test_parameters_outlive_the_platform(fresh):
    platform = fresh()
    platform.client("ssm").put_parameter(Name="/a", Value="kept", Type="String")
    platform.kill()
    platform.start()
    assert platform.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "kept"
    assert error_of(platform.client("ssm", account="111111111111").get_parameter, Name="/a")[0] == "ParameterNotFound"


def test_a_template_makes_parameters_and_takes_values_from_others(aws, ssm, path):
    cloudformation, stack = aws("cloudformation"), unique("stack")
    ssm.put_parameter(Name=f"{path}/given", Value="one", Type="String")
    template = {
        "Parameters": {"Given": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"{path}/given"}},
        "Resources": {
            "Made": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": f"{path}/made", "Type": "String", "Value": {"Ref": "Given"}, "Tags": {"own": "1"}},
            }
        },
        "Outputs": {"Value": {"Value": {"Fn::GetAtt": ["Made", "Value"]}}, "Name": {"Value": {"Ref": "Made"}}},
    }

    def settled(event):
        cloudformation.get_waiter(f"stack_{event}_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

    missing = error_of(cloudformation.create_stack, StackName=stack, TemplateBody=json.dumps(template).replace("/given", "/gone"))
    assert missing[0] == "ValidationError"
    assert f"Unable to fetch parameters [{path}/gone] from parameter store for this account." in missing[1]
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template), Tags=[{"Key": "team", "Value": "fog"}])
    settled("create")
    shown = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    assert shown["Parameters"] == [{"ParameterKey": "Given", "ParameterValue": f"{path}/given", "ResolvedValue": "one"}]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in shown["Outputs"]}
    assert outputs == {"Value": "one", "Name": f"{path}/made"}
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"{path}/made")["TagList"]
    assert tags == [{"Key": "own", "Value": "1"}, {"Key": "team", "Value": "fog"}]

    assert error_of(cloudformation.update_stack, StackName=stack, UsePreviousTemplate=True)[1] == "No updates are to be performed."
    ssm.put_parameter(Name=f"{path}/given", Value="two", Overwrite=True)
    cloudformation.update_stack(StackName=stack, UsePreviousTemplate=True)
    settled("update")
    assert ssm.get_parameter(Name=f"{path}/made")["Parameter"]["Value"] == "two"
    cloudformation.delete_stack(StackName=stack)
    settled("delete")
    assert error_of(ssm.get_parameter, Name=f"{path}/made")[0] == "ParameterNotFound"
