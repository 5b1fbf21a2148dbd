"""The platform as a whole: health, the list of operations, one process a directory, settings."""

import json
import os
import re
import subprocess

import pytest
from conftest import BINARY, ROOT, error_of, invoke, package, unique

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
OPERATIONS = ROOT / "docs/operations.md"


def test_health_answers_once_it_is_ready(platform):
    status, headers, body = platform.http("GET", "/_fogbank/health")
    assert (status, headers["content-type"], json.loads(body)["status"]) == (200, "application/json", "ready")


def test_the_list_of_operations_in_the_documentation_is_what_works(platform):
    """With FOGBANK_WRITE_DOCS set, writes the page instead."""
    supported = json.loads(platform.http("GET", "/_fogbank/operations")[2])
    lines = ["# Operations", "", "Every API operation that works, as `GET /_fogbank/operations` lists them.", ""]
    for service, names in sorted(supported.items()):
        lines += [f"**{service}** ({len(names)}): {', '.join(names)}", ""]
    text = "\n".join(lines)
    if "FOGBANK_WRITE_DOCS" in os.environ:
        OPERATIONS.write_text(text)
    assert OPERATIONS.read_text() == text, "run FOGBANK_WRITE_DOCS=1 cargo xtask test test_platform.py"


def test_a_second_process_on_the_same_directory_is_refused(platform):
    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", platform.data_dir]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 1
    assert f"in use by process {platform.process.pid}" in done.stderr and "--data-dir" in done.stderr


def test_a_directory_of_another_format_is_refused(fresh):
    first = fresh()
    first.stop()
    (first.data_dir / "format").write_text("99\n")
    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", first.data_dir]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 1 and "format 99" in done.stderr


def test_an_address_that_is_taken_is_named(platform, tmp_path):
    listen = platform.endpoint.removeprefix("http://")
    done = subprocess.run(
        [BINARY, "serve", "--listen", listen, "--data-dir", tmp_path / "data"], text=True, capture_output=True
    )
    assert done.returncode == 1 and listen in done.stderr and "--listen" in done.stderr


def test_signatures_cannot_go_unchecked_where_others_can_reach_it(tmp_path):
    command = [BINARY, "serve", "--listen", "0.0.0.0:0", "--auth", "off", "--data-dir", tmp_path / "data"]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 2 and "--auth on" in done.stderr


def test_the_root_key_is_the_first_way_in_where_signatures_are_checked(fresh):
    platform = fresh("--auth", "on")
    key_file = platform.data_dir / "root-key.json"
    assert key_file.stat().st_mode & 0o777 == 0o600
    variables = dict(re.findall(r"export (\w+)='([^']*)'", platform.cli("env", "--data-dir", platform.data_dir).stdout))
    done = subprocess.run(
        ["aws", "sts", "get-caller-identity"], env={**platform.environ(), **variables}, text=True, capture_output=True
    )
    assert json.loads(done.stdout)["Arn"] == "arn:aws:iam::000000000000:root"
    assert error_of(platform.client("sts").get_caller_identity)[0] == "InvalidClientTokenId"


def test_everything_is_there_after_a_restart(fresh):
    platform = fresh()
    client = platform.client("lambda")
    role = platform.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    code = {"ZipFile": package({"app.py": "def handler(event, context):\n    return 'kept'\n"})}
    client.create_function(FunctionName="kept", Runtime="python3.11", Handler="app.handler", Role=role, Code=code)
    assert invoke(client, "kept") == ("kept", None)
    platform.stop()
    platform.start()
    assert invoke(platform.client("lambda"), "kept") == ("kept", None)
    assert platform.client("iam").get_role(RoleName="kept")["Role"]["Arn"] == role


def test_a_million_gb_seconds_cost_16_67_at_the_default_price(fresh):
    """The bill of real calls follows the price list; the arithmetic of a million GB-seconds is a unit test of `functions::bill`."""
    platform = fresh()
    platform.stop()
    prices = {"bill": {"currency": "EUR", "per_gb_second": 0, "per_million_requests": 2_000_000 / 2, "rounding_ms": 100}}
    (platform.data_dir / "fogbank.json").write_text(json.dumps(prices))
    platform.start()
    client = platform.client("lambda")
    code = {"ZipFile": package({"app.py": "def handler(event, context):\n    return 1\n"})}
    client.create_function(
        FunctionName="paid", Runtime="python3.11", Handler="app.handler", Role="arn:aws:iam::000000000000:role/r", Code=code
    )
    for _ in range(3):
        assert invoke(client, "paid") == (1, None)
    bill = json.loads(platform.cli("bill", "--json").stdout)
    assert (bill["Total"], bill["Currency"]) == ("3.00", "EUR")
    line = bill["Lines"][0]
    assert (line["Function"], line["Requests"], line["ColdStarts"]) == ("paid", 3, 1)
    assert float(line["GbSeconds"]) >= 3 * 0.1 * 128 / 1024 - 0.001, "each call is rounded up to 100 ms"


def test_settings_that_make_no_sense_are_explained(fresh):
    platform = fresh()
    platform.stop()
    (platform.data_dir / "fogbank.json").write_text('{"bill": {"curency": "EUR"}}')
    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", platform.data_dir]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 1 and "fogbank.json" in done.stderr and "curency" in done.stderr


def test_doctor_env_and_completion_print_what_scripts_can_use(platform):
    findings = json.loads(platform.cli("doctor", "--json", check=False).stdout)
    assert {"what", "ok", "weakens", "remedy"} <= findings[0].keys()
    variables = json.loads(platform.cli("env", "--account", "123456789012", "--json").stdout)
    assert variables["AWS_ENDPOINT_URL"] == platform.endpoint and variables["AWS_ACCESS_KEY_ID"] == "123456789012"
    for shell in ["bash", "zsh", "fish"]:
        assert "fogbank" in platform.cli("completion", shell).stdout
    assert platform.cli("env", "--account", "12", check=False).returncode == 1


@pytest.mark.parametrize("words", [["nope"], ["invoke"], ["serve", "--listen", "x"], ["up", "--parameter", "x"]])
def test_a_wrong_call_exits_with_2(platform, words):
    assert platform.cli(*words, check=False).returncode == 2


def test_invoke_and_logs_from_the_command_line(platform, make_function):
    name = make_function("def handler(event, context):\n    print('seen', event)\n    return 1 / event['by']\n")
    done = platform.cli("invoke", name, "-p", '{"by": 2}', "--log")
    assert done.stdout == "0.5\n" and "REPORT RequestId" in done.stderr
    failed = platform.cli("invoke", name, "-p", '{"by": 0}', check=False)
    assert failed.returncode == 3 and "ZeroDivisionError" in failed.stdout
    missing = platform.cli("invoke", unique(), check=False)
    assert missing.returncode == 1 and "Function not found" in missing.stderr
    text = platform.cli("logs", name).stdout
    assert "seen {'by': 2}" in text and "[ERROR] ZeroDivisionError" in text
    entries = [json.loads(line) for line in platform.cli("logs", name, "--json").stdout.splitlines()]
    assert any("START RequestId" in entry["message"] for entry in entries)


def test_a_platform_that_was_killed_serves_at_once_when_it_is_started_again(fresh):
    """The killed one's sandboxes are still being cleared away then, by a spawner that outlives it for a moment."""
    platform = fresh()
    code = {"ZipFile": package({"app.py": "def handler(event, context):\n    return 1\n"})}
    role = "arn:aws:iam::000000000000:role/r"
    platform.client("lambda").create_function(
        FunctionName="again", Runtime="python3.11", Handler="app.handler", Role=role, Code=code
    )
    for _ in range(15):
        assert invoke(platform.client("lambda"), "again") == (1, None)
        platform.kill()
        platform.start()
    assert invoke(platform.client("lambda"), "again") == (1, None)


def test_a_function_learns_nothing_of_where_the_platform_lives(platform, aws, make_function):
    look = "import glob\ndef handler(event, context):\n    return [open(path).read() for path in glob.glob('/proc/[0-9]*/cmdline')]\n"
    words, error = invoke(aws("lambda"), make_function(look))
    assert error is None and words and not any(str(platform.data_dir) in word for word in words)


def test_the_readmes_commands_start_with_cargo_run():
    commands = re.findall(r"cargo run --release -- (\w+)", (ROOT / "README.md").read_text())
    assert "up" in commands
    done = subprocess.run(["cargo", "run", "--release", "--quiet", "--", "--help"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert all(re.search(rf"^  {command} ", done.stdout, re.M) for command in commands)


def test_web_pages_have_no_say_where_signatures_are_not_checked(platform, aws):
    """A form post needs no consent of the browser, and a rebound name even lets a page read the answer."""
    form = b"Action=CreateUser&UserName=intruder&Version=2010-05-08"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for headers, host in [
        ({"Origin": "https://evil.example"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, None),
        ({}, "rebound.evil.example"),
    ]:
        status, _, body = platform.http("POST", "/", form, {**kind, **headers}, host=host)
        assert status == 403 and b"--auth off" in body
    assert error_of(aws("iam").get_user, UserName="intruder")[0] == "NoSuchEntity"
    assert platform.http("POST", "/", form, {**kind, "Origin": "http://localhost:3000"})[0] == 200
    aws("iam").delete_user(UserName="intruder")


def test_accounts_do_not_reach_into_each_other(platform, aws, make_function):
    name = make_function("def handler(event, context):\n    return 1\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    other = platform.client("lambda", account="111111111111")
    for call in ["invoke", "get_function", "delete_function", "get_function_configuration", "get_policy"]:
        assert error_of(getattr(other, call), FunctionName=arn)[0] == "AccessDeniedException", call
    layer = aws("lambda").publish_layer_version(LayerName=unique(), Content={"ZipFile": package({"a": "b"})})
    assert error_of(other.get_layer_version_by_arn, Arn=layer["LayerVersionArn"])[0] == "AccessDeniedException"
    elsewhere = platform.client("lambda", region="eu-west-1")
    code, text = error_of(elsewhere.invoke, FunctionName=arn)
    assert code == "ResourceNotFoundException" and "not reachable in this region" in text
    role = platform.client("iam", account="222222222222").create_role(
        RoleName=unique(), AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    assume = {"RoleArn": role, "RoleSessionName": "session"}
    assert error_of(platform.client("sts", account="111111111111").assume_role, **assume)[0] == "AccessDenied"
    assert platform.client("sts", account="222222222222").assume_role(**assume)["Credentials"]
