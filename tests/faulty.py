"""A platform under which faults are put by a library (faults.c): of its disk, and of its clock."""

import os
import subprocess

import pytest
from conftest import Platform

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    made = tmp_path_factory.mktemp("faults") / "faults.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", made, os.path.join(HERE, "faults.c"), "-ldl"]
    subprocess.run(command, check=True)
    return made


class Faulty(Platform):
    """A platform under which faults can be put."""

    def __init__(self, directory, library, *arguments):
        self.faults = directory / "faults"
        environment = {"LD_PRELOAD": str(library), "FAULTS": str(self.faults), "FAULTY": f"{directory}/data/"}
        super().__init__(directory / "data", *arguments, environment=environment)

    def suffer(self, what=""):
        """From now on; nothing by default. Put in place whole, because the platform reads it at any time."""
        fresh = self.faults.with_suffix(".new")
        fresh.write_text(what)
        fresh.rename(self.faults)


@pytest.fixture
def faulty(tmp_path, library):
    platform = Faulty(tmp_path, library).start()
    yield platform
    if platform.process.poll() is None:
        platform.kill()
