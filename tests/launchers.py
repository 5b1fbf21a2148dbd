"""The ways in which the platform starts an instance. Each carries the same attacks, so that what holds for one is shown for all."""

from pathlib import Path

from conftest import eventually

ATTACKS = (Path(__file__).parent / "attacks.py").read_text()
PYTHON, NODE, NATIVE, SNAPSHOT = "python3.11", "nodejs22.x", "provided.al2023", "python3.12 with SnapStart"
LAUNCHERS = [PYTHON, NODE, NATIVE, SNAPSHOT]

# The attack runs as a child of Node.js. What it says goes through a file, which nobody waits for who has inherited it.
UNDER_NODE = """
const fs = require("fs");
const { spawn } = require("child_process");
exports.handler = (event) => new Promise((done, fail) => {
  const said = fs.openSync("/tmp/said", "w");
  const child = spawn("/usr/bin/python3", ["/var/task/attacks.py", JSON.stringify(event)], { stdio: ["ignore", said, "inherit"] });
  child.on("exit", (code, signal) => {
    fs.closeSync(said);
    // Who dies of too much memory is the kernel's choice; here it is always all of them.
    if (signal === "SIGKILL") process.kill(process.pid, "SIGKILL");
    code === 0 ? done(JSON.parse(fs.readFileSync("/tmp/said"))) : fail(new Error(`${code} ${signal}`));
  });
});
"""

# A program that the platform knows nothing of: it speaks the Runtime API itself.
BOOTSTRAP = """#!/usr/bin/python3
import json, os, urllib.error, urllib.request
import attacks
calls = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{calls}/next") as call:
        request, event = call.headers["Lambda-Runtime-Aws-Request-Id"], json.load(call)
    answer = json.dumps(attacks.handler(event, None)).encode()
    try:
        urllib.request.urlopen(urllib.request.Request(f"{calls}/{request}/response", answer, method="POST"))
    except urllib.error.HTTPError:
        pass
"""

FILES = {
    PYTHON: {"app.py": ATTACKS},
    NODE: {"app.js": UNDER_NODE, "attacks.py": ATTACKS},
    NATIVE: {"bootstrap": (BOOTSTRAP, 0o755), "attacks.py": ATTACKS},
    SNAPSHOT: {"app.py": ATTACKS},
}


def attacking_function(client, make_function, launcher, **settings):
    """Makes the function; answers how `invoke` names it: as (name, options)."""
    if launcher != SNAPSHOT:
        return make_function(FILES[launcher], runtime=launcher, **settings), {}
    name = make_function(FILES[launcher], runtime=launcher.split()[0], SnapStart={"ApplyOn": "PublishedVersions"}, **settings)
    version = {"Qualifier": client.publish_version(FunctionName=name)["Version"]}
    eventually(lambda: client.get_function_configuration(FunctionName=name, **version)["State"] != "Pending", timeout=30)
    assert client.get_function_configuration(FunctionName=name, **version)["State"] == "Active"
    return name, version
