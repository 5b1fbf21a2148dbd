"""Asynchronous calls: retries, destinations, dead-letter queues."""

import json

import pytest
from conftest import ROLE, create, unique, until

CODE = """
import json

def handler(event, context):
    if event.get("fail"):
        raise ValueError("no good")
    return {"echo": event}
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A platform whose retries do not take minutes."""
    from conftest import Platform

    platform = Platform(tmp_path_factory.mktemp("quick") / "data", "--retry-seconds", "0").start()
    yield platform
    platform.stop()
