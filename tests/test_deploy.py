"""Templates through the command line: difference, roll-back, problems with their lines, watching."""

import json
import re
import subprocess
import time

import pytest
from conftest import BINARY, REGION, eventually, invoke, unique

HANDLER = "def handler(event, context):\n    return {answer!r}\n"
FUNCTION = """
  {id}:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
"""


@pytest.fixture
def app(tmp_path):
    """An application directory whose template and code a test writes."""
    directory = tmp_path / unique("app")
    (directory / "src").mkdir(parents=True)
    (directory / "src/app.py").write_text(HANDLER.format(answer="one"))

    def write(resources, rest=""):
        text = f"Transform: AWS::Serverless-2016-10-31\n{rest}Resources:{resources}"
        (directory / "template.yaml").write_text(text)
        return directory

    return write


@pytest.fixture
def deploy(platform):
    stacks = []

    def run(directory, *words, check=True):
        stacks.append(directory.name)
        done = platform.cli("deploy", directory, "--stack", directory.name, *words, check=False)
        if check:
            assert done.returncode == 0, done.stderr
        return done

    yield run
    for stack in set(stacks):
        platform.cli("delete", stack, check=False)


def resources(platform, stack):
    listed = json.loads(platform.cli("ls", "--json").stdout)
    found = next((entry["Resources"] for entry in listed if entry["Name"] == stack), [])
    return {entry["Id"]: entry["PhysicalId"] for entry in found}


def test_a_function_is_deployed_called_changed_and_deleted(platform, aws, app, deploy):
    directory = app(FUNCTION.format(id="Fn"), rest="Globals: {Function: {MemorySize: 256}}\n")
    assert "CREATE_COMPLETE" in deploy(directory).stderr
    name = resources(platform, directory.name)["Fn"]
    assert aws("lambda").get_function_configuration(FunctionName=name)["MemorySize"] == 256
    assert invoke(aws("lambda"), name) == ("one", None)

    second = deploy(directory).stderr
    assert "UPDATE_COMPLETE" in second and "AWS::Lambda::Function" not in second, "nothing was changed"

    (directory / "src/app.py").write_text(HANDLER.format(answer="two"))
    third = deploy(directory).stderr
    assert re.search(r"UPDATE_COMPLETE +AWS::Lambda::Function +Fn", third)
    assert "AWS::IAM::Role" not in third, "only the difference is applied"
    assert invoke(aws("lambda"), name) == ("two", None)

    platform.cli("delete", directory.name)
    assert resources(platform, directory.name) == {}
    listed = aws("lambda").get_paginator("list_functions").paginate().search("Functions[].FunctionName")
    assert name not in list(listed)


def test_a_failed_deployment_leaves_everything_as_it_was(platform, aws, app, deploy):
    directory = app(FUNCTION.format(id="Fn"))
    deploy(directory)
    before = resources(platform, directory.name)
    (directory / "src/app.py").write_text(HANDLER.format(answer="two"))
    broken = FUNCTION.format(id="Fn") + FUNCTION.format(id="Other").replace("python3.11", "cobol1.x")
    app(broken)
    done = deploy(directory, check=False)
    assert done.returncode == 1 and "Other" in done.stderr and "cobol1.x" in done.stderr
    assert resources(platform, directory.name) == before
    assert invoke(aws("lambda"), before["Fn"]) == ("one", None), "the changed code was put back too"


def test_all_unsupported_types_are_listed_with_their_lines_and_nothing_is_touched(platform, app, deploy):
    directory = app(FUNCTION.format(id="Fn") + "\n  Q:\n    Type: AWS::KinesisFirehose::DeliveryStream\n  T:\n    Type: AWS::DynamoDB::Table\n")
    done = deploy(directory, check=False)
    assert done.returncode == 1
    lines = [int(line) for line in re.findall(r"template\.yaml:(\d+):\d+: \w+: the resource type", done.stderr)]
    text = (directory / "template.yaml").read_text().splitlines()
    assert [text[line - 1].strip() for line in lines] == ["Q:", "T:"]
    assert resources(platform, directory.name) == {}


PROBLEMS = {
    "unknown reference": ("Fn: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref Nope}}", 3, "'Nope' is neither"),
    "unknown attribute source": ("Fn: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !GetAtt Nope.Arn}}", 3, "no resource"),
    "circle": ("A: {Type: AWS::Logs::LogGroup, DependsOn: B}\n  B: {Type: AWS::Logs::LogGroup, DependsOn: A}", 3, "A -> B -> A"),
    "wrong type": ("A: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: soon}}", 3, "a whole number, not 'soon'"),
    "duplicate": ("A: {Type: AWS::Logs::LogGroup}\n  A: {Type: AWS::Logs::LogGroup}", 4, "stands twice"),
    "unknown property": ("A: {Type: AWS::Logs::LogGroup, Properties: {Retention: 1}}", 3, "no property 'Retention'"),
    "missing property": ("A: {Type: AWS::Lambda::Permission, Properties: {Action: a, Principal: b}}", 3, "needs the property FunctionName"),
    "no type": ("A: {Properties: {}}", 3, "has no Type"),
    "bad id": ("A-b: {Type: AWS::Logs::LogGroup}", 3, "letters and digits"),
    "unknown dependency": ("A: {Type: AWS::Logs::LogGroup, DependsOn: Zed}", 3, "'Zed' is no resource"),
    "unknown condition": ("A: {Type: AWS::Logs::LogGroup, Condition: Zed}", 3, "not declared"),
    "unknown function": ("A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Reff B}}", 3, "no function"),
    "bad policy": ("A: {Type: AWS::Logs::LogGroup, DeletionPolicy: Perhaps}", 3, "Delete or Retain"),
    "broken yaml": ("A: [1", 4, "not valid YAML"),
    "unknown section": ("A: {Type: AWS::Logs::LogGroup}\nResorces: {}", 4, "no section"),
    "unknown global": ("A: {Type: AWS::Logs::LogGroup}\nGlobals: {Lambda: {}}", 4, "not supported"),
    "unknown attribute": ("A: {Type: AWS::Logs::LogGroup, Propertys: {}}", 3, "no attribute of a resource"),
    "not a mapping": ("A: text", 3, "must be a mapping"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_wrong_template_is_explained_with_file_and_line(platform, app, deploy, name):
    entry, line, reason = PROBLEMS[name]
    directory = app(f"\n  {entry}\n")
    done = deploy(directory, check=False)
    assert done.returncode == 1
    assert f"template.yaml:{line}:" in done.stderr and reason in done.stderr, done.stderr
    assert resources(platform, directory.name) == {}


def test_a_missing_parameter_is_named(app, deploy):
    directory = app(FUNCTION.format(id="Fn"), rest="Parameters:\n  Size: {Type: Number}\n")
    done = deploy(directory, check=False)
    assert done.returncode == 1 and "template.yaml:3:" in done.stderr and "--parameter Size=" in done.stderr
    assert "must be a number" in deploy(directory, "--parameter", "Size=big", check=False).stderr
    deploy(directory, "--parameter", "Size=3")


def test_outputs_conditions_and_mappings(app, deploy):
    rest = """Parameters: {Stage: {Type: String, Default: dev}}
Mappings: {Sizes: {dev: {mb: 128}, prod: {mb: 1024}}}
Conditions: {IsProd: !Equals [!Ref Stage, prod]}
"""
    outputs = """
Outputs:
  Name: {Value: !Sub "${Fn}|${AWS::Region}|${Stage}"}
  Size: {Value: !FindInMap [Sizes, !Ref Stage, mb]}
  Only: {Condition: IsProd, Value: "yes"}
"""
    resource = FUNCTION.format(id="Fn") + "      MemorySize: !FindInMap [Sizes, !Ref Stage, mb]\n"
    directory = app(resource + outputs, rest=rest)
    text = deploy(directory).stdout
    assert f"|{REGION}|dev" in text and re.search(r"Size +128", text) and "Only" not in text
    text = deploy(directory, "--parameter", "Stage=prod").stdout
    assert re.search(r"Size +1024", text) and re.search(r"Only +yes", text)


def test_a_layer_with_requirements_and_a_makefile_function_are_built(platform, aws, app, deploy):
    directory = app(
        """
  Lib:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: python3.11}
    Properties: {ContentUri: lib, CompatibleRuntimes: [python3.11], RetentionPolicy: Delete}
  Py:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.11, Handler: app.handler, CodeUri: src, Layers: [!Ref Lib]}
  Sh:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties: {Runtime: python3.11, Handler: made.handler, CodeUri: made}
"""
    )
    (directory / "lib").mkdir()
    (directory / "lib/requirements.txt").write_text("six==1.17.0\n")
    (directory / "src/app.py").write_text("import six\ndef handler(event, context):\n    return six.__version__\n")
    (directory / "made").mkdir()
    makefile = "build-Sh:\n\techo 'def handler(e, c): return \"made\"' > $(ARTIFACTS_DIR)/made.py\n"
    (directory / "made/Makefile").write_text(makefile)
    deploy(directory)
    names = resources(platform, directory.name)
    assert invoke(aws("lambda"), names["Py"]) == ("1.17.0", None)
    assert invoke(aws("lambda"), names["Sh"]) == ("made", None)


@pytest.mark.alone
def test_watching_deploys_a_saved_change_within_a_second(tmp_path, app):
    directory = app(FUNCTION.format(id="Fn").replace("CodeUri: src", "CodeUri: src\n      FunctionName: watched"))
    log = tmp_path / "up.log"
    command = [BINARY, "up", directory, "--watch", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data"]
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        endpoint = eventually(lambda: re.search(r"serving on (\S+)", log.read_text()), timeout=120).group(1)

        def answer():
            done = subprocess.run(
                [BINARY, "invoke", "watched", "--endpoint", endpoint], text=True, capture_output=True
            )
            return done.stdout.strip()

        assert answer() == '"one"'
        (directory / "src/app.py").write_text(HANDLER.format(answer="saved"))
        saved = time.monotonic()
        eventually(lambda: answer() == '"saved"', timeout=10)
        assert time.monotonic() - saved < 1.5, "a second for the deployment, and the calls that find out"
    finally:
        process.terminate()
        process.wait(timeout=20)
