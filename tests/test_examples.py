"""The examples' walk-through: every command of an example's README, run as it stands, answers what the README says."""

import re
import subprocess
import urllib.request

import pytest
from conftest import BINARY, ROOT, Platform, eventually

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/template.yaml"))


def walk_through(readme):
    """The (command, expected answer) pairs of the README's console blocks."""
    pairs = []
    for block in re.findall(r"```console\n(.*?)```", readme, re.S):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, answer = step.partition("\n")
            pairs.append((command, answer.rstrip("\n")))
    return pairs


def matches(expected, actual):
    """`…` in the README stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, actual, re.S)


class Up(Platform):
    """A running `fogbank up`."""

    def start(self, directory):
        command = [BINARY, "up", directory, "--listen", "127.0.0.1:0", "--data-dir", self.data_dir]
        self.log.touch()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        serving = re.compile(r"serving on (http://\S+)")

        def served():
            assert self.process.poll() is None, self.log.read_text()
            return serving.search(self.log.read_text())

        self.endpoint = eventually(served, timeout=300).group(1)
        return self


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_walk_through_answers_what_the_readme_says(example, tmp_path):
    up = Up(tmp_path / "data").start(example)
    try:
        steps = walk_through((example / "README.md").read_text())
        assert len(steps) >= 5
        for command, expected in steps:
            command = command.replace(":4566", f":{up.port}")
            done = subprocess.run(command, shell=True, text=True, capture_output=True)
            assert matches(expected, done.stdout.rstrip("\n")), f"$ {command}\n{done.stdout}{done.stderr}\nexpected {expected}"
        with urllib.request.urlopen(f"{up.endpoint}/_fogbank/health") as health:
            assert health.status == 200
    finally:
        if up.process.poll() is None:
            up.stop()
