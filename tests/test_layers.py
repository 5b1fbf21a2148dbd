"""Layers: published, shared, merged in order under /opt, and found by the interpreters."""

import re
import urllib.request

import pytest
from conftest import ACCOUNT, REGION, error_of, invoke, package, unique
from test_functions import TIME, digest, members, status


def layer_arn(name, version=None):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}"
    return f"{arn}:{version}" if version else arn


@pytest.fixture
def publish(client):
    """Publishes a layer of some files; answers what the platform said."""
    made = []

    def run(files, name=None, **settings):
        name = name or unique("layer")
        answer = client.publish_layer_version(LayerName=name, Content={"ZipFile": package(files)}, **settings)
        made.append((name, answer["Version"]))
        return answer

    yield run
    for name, version in made:
        client.delete_layer_version(LayerName=name, VersionNumber=version)


def test_a_layer_version_is_published_and_read(client, publish):
    name, files = unique("layer"), {"python/lib.py": "X = 1\n"}
    answer = publish(files, name, Description="a library", CompatibleRuntimes=["python3.11"], LicenseInfo="MIT")
    assert status(answer) == 201
    content = answer["Content"]
    assert content["CodeSha256"] == digest(package(files)) and content["CodeSize"] == len(package(files))
    assert members(answer) == {
        "Content": content,
        "LayerArn": layer_arn(name),
        "LayerVersionArn": layer_arn(name, 1),
        "Description": "a library",
        "CreatedDate": answer["CreatedDate"],
        "Version": 1,
        "CompatibleRuntimes": ["python3.11"],
        "LicenseInfo": "MIT",
    }
    assert re.fullmatch(TIME, answer["CreatedDate"])
    with urllib.request.urlopen(content["Location"]) as download:
        assert download.read() == package(files)
    for read in (
        client.get_layer_version(LayerName=name, VersionNumber=1),
        client.get_layer_version(LayerName=layer_arn(name), VersionNumber=1),
        client.get_layer_version_by_arn(Arn=layer_arn(name, 1)),
    ):
        assert {**members(read), "Content": 0} == {**members(answer), "Content": 0}
    assert publish({"a": "b"}, name)["Version"] == 2


def test_layers_are_listed_with_their_newest_version(client, publish):
    name = unique("layer")
    publish({"a": "1"}, name, CompatibleRuntimes=["python3.11"])
    publish({"a": "2"}, name, CompatibleRuntimes=["nodejs20.x"])
    versions = client.list_layer_versions(LayerName=name)["LayerVersions"]
    assert [version["Version"] for version in versions] == [2, 1], "the newest first"
    assert versions[0]["LayerVersionArn"] == layer_arn(name, 2)
    only = client.list_layer_versions(LayerName=name, CompatibleRuntime="python3.11")["LayerVersions"]
    assert [version["Version"] for version in only] == [1]
    pages = client.get_paginator("list_layers").paginate()
    mine = [layer for page in pages for layer in page["Layers"] if layer["LayerName"] == name]
    assert len(mine) == 1 and mine[0]["LayerArn"] == layer_arn(name)
    assert mine[0]["LatestMatchingVersion"]["Version"] == 2


def test_a_deleted_version_is_gone_but_functions_keep_it(client, publish, make_function):
    answer = publish({"python/lib.py": "WHO = 'layer'\n"})
    function = make_function("import lib\ndef handler(e, c): return lib.WHO", Layers=[answer["LayerVersionArn"]])
    name = answer["LayerVersionArn"].split(":")[-2]
    assert status(client.delete_layer_version(LayerName=name, VersionNumber=1)) == 204
    assert status(client.delete_layer_version(LayerName=name, VersionNumber=1)) == 204
    assert error_of(client.get_layer_version, LayerName=name, VersionNumber=1)[0] == "ResourceNotFoundException"
    assert invoke(client, function) == ("layer", None)
    client.update_function_configuration(FunctionName=function, Timeout=9)
    assert invoke(client, function) == ("layer", None), "a new instance finds it too"
    assert publish({"a": "b"}, name)["Version"] == 2, "numbers are not used again"


WALK = """
import os
def handler(event, context):
    found = {}
    for folder, _, names in os.walk('/opt'):
        for name in names:
            path = os.path.join(folder, name)
            found[path] = open(path).read()
    return found
"""


def test_later_layers_cover_earlier_ones(client, publish, make_function):
    low = publish({"both/a.txt": "low", "low.txt": "low", "both/low.txt": "low"})
    high = publish({"both/a.txt": "high", "high.txt": "high"})
    arns = [low["LayerVersionArn"], high["LayerVersionArn"]]
    function = make_function(WALK, Layers=arns)
    expected = {"/opt/both/a.txt": "high", "/opt/low.txt": "low", "/opt/both/low.txt": "low", "/opt/high.txt": "high"}
    assert invoke(client, function) == (expected, None)
    shown = client.get_function_configuration(FunctionName=function)["Layers"]
    assert shown == [{"Arn": arn, "CodeSize": layer["Content"]["CodeSize"]} for arn, layer in zip(arns, (low, high))]
    client.update_function_configuration(FunctionName=function, Layers=arns[::-1])
    assert invoke(client, function) == ({**expected, "/opt/both/a.txt": "low"}, None)
    assert "Layers" not in client.update_function_configuration(FunctionName=function, Layers=[])
    assert invoke(client, function) == ({}, None)


def test_python_finds_modules_of_layers(client, publish, make_function):
    plain = publish({"python/one.py": "X = 1\n"})
    versioned = publish({"python/lib/python3.11/site-packages/two.py": "X = 2\n"})
    code = "import one, two\ndef handler(e, c): return [one.X, two.X]"
    function = make_function(code, Layers=[plain["LayerVersionArn"], versioned["LayerVersionArn"]])
    assert invoke(client, function) == ([1, 2], None)


def test_the_functions_own_module_comes_before_a_layers(client, publish, make_function):
    layer = publish({"python/lib.py": "X = 'layer'\n"})
    files = {"app.py": "import lib\ndef handler(e, c): return lib.X", "lib.py": "X = 'own'\n"}
    assert invoke(client, make_function(files, Layers=[layer["LayerVersionArn"]])) == ("own", None)


def test_node_finds_packages_of_layers(client, publish, make_function):
    plain = publish({"nodejs/node_modules/one/index.js": "module.exports = 1"})
    versioned = publish({"nodejs/node20/node_modules/two/index.js": "module.exports = 2"})
    code = "exports.handler = async () => [require('one'), require('two')]"
    arns = [plain["LayerVersionArn"], versioned["LayerVersionArn"]]
    function = make_function(code, runtime="nodejs20.x", Layers=arns)
    assert invoke(client, function) == ([1, 2], None)


def test_programs_and_libraries_of_layers_are_on_the_search_paths(client, publish, make_function):
    layer = publish({"bin/tool": ("#!/bin/sh\necho from a layer\n", 0o755)})
    code = "import subprocess\ndef handler(e, c): return subprocess.run(['tool'], capture_output=True, text=True).stdout"
    assert invoke(client, make_function(code, Layers=[layer["LayerVersionArn"]])) == ("from a layer\n", None)


def test_layers_that_cannot_be_used_are_refused(client, publish, make_function):
    function = make_function("def handler(e, c): return 1")
    layers = [publish({"a": str(number)})["LayerVersionArn"] for number in range(6)]
    update = lambda arns: error_of(client.update_function_configuration, FunctionName=function, Layers=arns)
    assert update(layers)[0] == "InvalidParameterValueException", "at most five"
    code, message = update([layer_arn(unique("none"), 1)])
    assert code == "InvalidParameterValueException" and message.startswith("Layer version arn:") and "does not exist" in message
    twice = publish({"a": "new"}, layers[0].split(":")[-2])["LayerVersionArn"]
    code, message = update([layers[0], twice])
    assert code == "InvalidParameterValueException" and "Two different versions of the same layer" in message
    assert update([layers[0].rsplit(":", 1)[0]])[0] in ("InvalidParameterValueException", "ValidationException")
    assert "Layers" not in client.get_function_configuration(FunctionName=function)


def test_a_layer_versions_policy(client, publish):
    answer = publish({"a": "b"})
    name = answer["LayerVersionArn"].split(":")[-2]
    which = {"LayerName": name, "VersionNumber": 1}
    assert error_of(client.get_layer_version_policy, **which)[0] == "ResourceNotFoundException"
    added = client.add_layer_version_permission(
        StatementId="all", Action="lambda:GetLayerVersion", Principal="*", **which
    )
    assert status(added) == 201
    policy = client.get_layer_version_policy(**which)
    assert policy["RevisionId"] == added["RevisionId"] and '"Sid":"all"' in policy["Policy"]
    again = error_of(
        client.add_layer_version_permission, StatementId="all", Action="lambda:GetLayerVersion", Principal="*", **which
    )
    assert again[0] == "ResourceConflictException"
    assert status(client.remove_layer_version_permission(StatementId="all", **which)) == 204
    assert error_of(client.get_layer_version_policy, **which)[0] == "ResourceNotFoundException"
