"""Many calls at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import invoke

SLOW_START = "import time\ntime.sleep(0.5)\ndef handler(event, context):\n    return context.log_stream_name\n"


@pytest.mark.alone
def test_64_first_calls_of_a_function_that_starts_slowly_are_answered_side_by_side(platform, make_function):
    client = platform.client("lambda", max_pool_connections=64)
    name = make_function(SLOW_START, Timeout=10)
    with ThreadPoolExecutor(64) as pool:
        begun = time.monotonic()
        replies = [pool.submit(invoke, client, name) for _ in range(64)]
        answers = [reply.result() for reply in replies]
        took = time.monotonic() - begun
    assert all(error is None for _, error in answers)
    assert took < 1.5, f"{took:.2f} s"


def test_an_idle_instance_is_reused_and_a_busy_one_is_not_waited_for(aws, make_function):
    name = make_function("import time\ndef handler(event, context):\n    time.sleep(event.get('for', 0))\n    return context.log_stream_name\n")
    first, _ = invoke(aws("lambda"), name)
    assert invoke(aws("lambda"), name)[0] == first
    with ThreadPoolExecutor(2) as pool:
        streams = list(pool.map(lambda _: invoke(aws("lambda"), name, {"for": 0.4})[0], range(2)))
    assert len(set(streams)) == 2 and first in streams


def test_a_burst_makes_no_more_instances_than_calls_at_once(platform, make_function):
    client = platform.client("lambda", max_pool_connections=16)
    name = make_function("def handler(event, context):\n    return context.log_stream_name\n")
    with ThreadPoolExecutor(16) as pool:
        streams = set(pool.map(lambda _: invoke(client, name)[0], range(64)))
    assert len(streams) <= 16


@pytest.mark.alone
def test_200_first_calls_of_a_function_are_all_admitted(platform, make_function):
    client = platform.client("lambda", max_pool_connections=200)
    name = make_function("import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return context.log_stream_name\n", MemorySize=128, Timeout=30)
    with ThreadPoolExecutor(200) as pool:
        replies = list(pool.map(lambda _: invoke(client, name), range(200)))
    assert all(error is None for _, error in replies)


@pytest.mark.alone
def test_a_burst_of_one_function_does_not_hold_up_another(platform, make_function):
    client = platform.client("lambda", max_pool_connections=80)
    slow = make_function("import time\ntime.sleep(6)\ndef handler(event, context):\n    return 1\n", Timeout=20)
    other = make_function("def handler(event, context):\n    return 2\n")
    with ThreadPoolExecutor(60) as pool:
        burst = [pool.submit(invoke, client, slow) for _ in range(60)]
        assert invoke(client, other) == (2, None)
        assert not any(reply.done() for reply in burst), "the other function was answered first"
        assert all(reply.result() == (1, None) for reply in burst)
