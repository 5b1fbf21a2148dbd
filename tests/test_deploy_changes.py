"""What becomes of a stack when its template, its resources or the platform change in unusual ways."""

import subprocess
import threading

import pytest
from conftest import BINARY, error_of, unique
from test_sam_plain import HTTP, SHORT
from web import Application, python, send, traces

HEAD = "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Runtime: python3.11, Handler: app.handler, CodeUri: src}}\nResources:\n"
FIRST = "  First: {Type: AWS::Serverless::Function, Properties: {Events: {Get: {Type: HttpApi, Properties: {Path: /first, Method: get}}}}}\n"
SECOND = FIRST.replace("First", "Second").replace("/first", "/second")
BROKEN = "  Broken: {Type: AWS::Lambda::Alias, DependsOn: DEPENDS, Properties: {FunctionName: !Ref First, Name: 'no name', FunctionVersion: $LATEST}}\n"


def files(*resources, message="one"):
    return {"template.yaml": HEAD + "".join(resources), "src/app.py": python(message)}


def test_a_renamed_function_replaces_the_old_one(application):
    app = application(files(FIRST))
    app.deploy()
    old = app.resources["First"]
    changed = app.changes(app.write(files(FIRST.replace("First", "Renamed"))).deploy())
    assert "CREATE Renamed" in changed and "DELETE First" in changed and "DELETE FirstRole" in changed
    assert app.send("GET", "/first").json["message"] == "one"
    assert old not in traces(app.platform, app.stack)


def test_a_changed_function_name_means_a_new_function(application, aws):
    name, other = unique("fixed"), unique("fixed")
    named = FIRST.replace("Properties: {Events", "Properties: {FunctionName: NAME, Events")
    app = application(files(named.replace("NAME", name)))
    app.deploy()
    app.write(files(named.replace("NAME", other))).deploy()
    assert app.resources["First"] == other and app.send("GET", "/first").status == 200
    assert error_of(aws("lambda").get_function, FunctionName=name)[0] == "ResourceNotFoundException"
    app.delete()
    assert error_of(aws("lambda").get_function, FunctionName=other)[0] == "ResourceNotFoundException"


def test_a_removed_function_takes_its_routes_along(application):
    app = application(files(FIRST, SECOND))
    app.deploy()
    assert app.send("GET", "/second").status == 200
    api = app.resources["ServerlessHttpApi"]
    app.write(files(FIRST)).deploy()
    assert app.send("GET", "/second").status == 404 and app.send("GET", "/first").status == 200
    assert app.resources["ServerlessHttpApi"] == api and "SecondRole" not in app.resources
    assert not [name for name in traces(app.platform, app.stack) if "Second" in name]


def test_a_failed_change_restores_routes_and_code(application):
    app = application(files(FIRST, SECOND))
    app.deploy()
    before = app.resources
    third = FIRST.replace("First", "Third").replace("/first", "/third")
    last = BROKEN.replace("DEPENDS", "[ServerlessHttpApi, First, Third]").replace("!Ref First", "!Ref Third")
    moved = FIRST.replace("/first", "/moved")
    app.write(files(moved, third, message="two"))
    (app.directory / "template.yaml").write_text(HEAD + moved + third + last)
    done = app.deploy(check=False)
    assert done.returncode == 1 and "Broken" in done.stderr, done.stderr
    assert app.resources == before and app.described["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    for path, status in {"/first": 200, "/second": 200, "/moved": 404, "/third": 404}.items():
        assert app.send("GET", path).status == status, path
    assert app.send("GET", "/first").json["message"] == "one"
    app.write(files(moved, message="two")).deploy()
    assert app.send("GET", "/moved").json["message"] == "two"


def test_a_failed_first_deployment_leaves_nothing_and_can_be_repeated(application):
    app = application(files(FIRST, BROKEN.replace("DEPENDS", "ServerlessHttpApi")))
    assert app.deploy(check=False).returncode == 1
    assert traces(app.platform, app.stack) == [] and app.resources == {}
    app.write(files(FIRST)).deploy()
    assert app.send("GET", "/first").status == 200


def test_what_is_retained_stays(application, aws):
    kept = FIRST.replace("{Type: AWS::Serverless::Function,", "{Type: AWS::Serverless::Function, DeletionPolicy: Retain,")
    app = application(files(kept, SECOND))
    app.deploy()
    name = app.resources["First"]
    app.delete()
    try:
        assert app.resources == {}
        assert aws("lambda").get_function_configuration(FunctionName=name)["FunctionName"] == name
        assert not [name for name in traces(app.platform, app.stack) if "Second" in name]
    finally:
        aws("lambda").delete_function(FunctionName=name)


def test_a_stack_whose_parts_were_deleted_by_hand_is_deleted(application, aws):
    app = application(files(FIRST, SECOND))
    app.deploy()
    made = app.resources
    aws("lambda").delete_function(FunctionName=made["First"])
    aws("apigatewayv2").delete_api(ApiId=made["ServerlessHttpApi"])
    role = made["SecondRole"]
    for policy in aws("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        aws("iam").detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    role = made["FirstRole"]
    for policy in aws("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        aws("iam").detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    aws("iam").delete_role(RoleName=role)
    app.delete()
    assert traces(app.platform, app.stack) == [] and app.resources == {}


def test_a_renamed_api_moves_to_another_address(application):
    api = "  Api: {Type: AWS::Serverless::HttpApi}\n"
    routed = FIRST.replace("{Path", "{ApiId: !Ref Api, Path")
    app = application(files(api, routed))
    app.deploy()
    assert app.resources["Api"] == app.stack
    app.write(files(api.replace("Api:", "Other:"), routed.replace("!Ref Api", "!Ref Other"))).deploy()
    other = app.resources["Other"]
    assert other != app.stack and app.send("GET", "/first").status == 200, "by its name, which is the stack's"
    assert send(app.platform, "GET", "/first", host=f"{other}.localhost").status == 200


def test_two_accounts_deploy_stacks_of_one_name(application, platform):
    app = application(files(FIRST))
    app.deploy()
    account = "222222222222"
    done = subprocess.run(
        [BINARY, "deploy", app.directory, "--stack", app.stack], env=platform.environ(account), text=True, capture_output=True
    )
    try:
        assert done.returncode == 0, done.stderr
        theirs = [api["ApiId"] for api in platform.client("apigatewayv2", account=account).get_apis()["Items"]]
        assert len(theirs) == 1 and theirs[0] != app.stack
        event = send(platform, "GET", "/first", host=f"{theirs[0]}.localhost")
        assert event.status == 200 and app.send("GET", "/first").status == 200
    finally:
        subprocess.run([BINARY, "delete", app.stack], env=platform.environ(account), capture_output=True)
    assert app.send("GET", "/first").status == 200


def test_a_stack_may_have_the_name_of_a_service(application, platform, tmp_path):
    directory = tmp_path / "events"
    directory.mkdir()
    app = Application(platform, directory).write(files(FIRST))
    try:
        app.deploy()
        api = app.resources["ServerlessHttpApi"]
        assert api != "events" and send(platform, "GET", "/first", host=f"{api}.localhost").status == 200
    finally:
        app.delete()


def test_of_two_deployments_at_once_the_second_is_refused(application, platform, aws):
    app = application(files(FIRST, *(FIRST.replace("First", f"F{n}").replace("/first", f"/f{n}") for n in range(40))))
    words = [BINARY, "deploy", app.directory, "--stack", app.stack]
    outcomes, gate = [], threading.Barrier(2)

    def deploy():
        gate.wait()
        outcomes.append(subprocess.run(words, env=platform.environ(), text=True, capture_output=True))

    threads = [threading.Thread(target=deploy) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    codes = sorted(done.returncode for done in outcomes)
    refused = [done for done in outcomes if done.returncode]
    assert codes[0] == 0
    # Both may also have been served one after the other; a refusal says why.
    assert all("is being changed" in done.stderr for done in refused), [done.stderr for done in refused]
    assert app.send("GET", "/f39").status == 200


@pytest.mark.parametrize("kind", ["sam", "plain rest", "plain http"])
def test_a_deployment_goes_through_after_the_platform_was_killed_within_it(fresh, tmp_path, kind):
    platform = fresh()
    more = [FIRST.replace("First", f"F{n}").replace("/first", f"/f{n}") for n in range(4)]
    template = {"sam": files(FIRST, *more)["template.yaml"], "plain rest": SHORT, "plain http": HTTP}[kind]
    path = {"sam": "/f3", "plain rest": "/v1/pets/7", "plain http": "/pets/7"}[kind]
    steps = 2
    for round in range(6):
        directory = tmp_path / f"killed{round}"
        directory.mkdir()
        app = Application(platform, directory).write({"template.yaml": template, "src/app.py": python("x")})
        words = [BINARY, "deploy", app.directory, "--stack", app.stack]
        running = subprocess.Popen(words, env=platform.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seen = 0
        for line in running.stderr:
            seen += "_COMPLETE" in line
            if seen >= steps:
                break
        platform.kill()
        running.stderr.close()
        running.wait()
        port = platform.port
        platform.start(f"127.0.0.1:{port}")
        app.deploy()
        assert app.send("GET", path).status == 200, round
        app.delete()
        assert traces(platform, app.stack) == []
        steps += 2
