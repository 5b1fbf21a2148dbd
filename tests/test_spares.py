"""Cold starts: what becomes of them when spares, the processes that wait for an instance to be needed, die or hang; and many at once."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import eventually
from test_cold_starts import KINDS, SNAPSHOT, Spy, parents, settled


def answered_at_once(spy, times):
    for _ in range(times):
        begun = time.monotonic()
        spy.ask("clocks")
        assert time.monotonic() - begun < 5
        spy.leave()


@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_call_is_lost_to_a_spare_that_dies_or_hangs(fresh, kind, how):
    platform = fresh()
    spy = Spy(platform.client("lambda", read_timeout=10), kind)
    answered_at_once(spy, 2)
    spares = settled(platform)
    assert spares, "something waits for the next cold start"
    for position in range(len(spares)):
        # Each time the spares are others: those before were used.
        waiting = settled(platform)
        if position >= len(waiting):
            break
        victim = waiting[position]
        os.kill(victim, how)
        try:
            answered_at_once(spy, 10)
            assert Spy(spy.client, kind).ask("clocks"), "a function that is new meanwhile is answered too"
            assert set(settled(platform)) - {victim}, "there is another spare"
        finally:
            if victim in parents():
                os.kill(victim, signal.SIGKILL)


@pytest.mark.alone
@pytest.mark.parametrize("kind", KINDS)
def test_spares_that_die_all_at_once_are_replaced(fresh, kind):
    platform = fresh()
    spy = Spy(platform.client("lambda", max_pool_connections=16), kind)
    answered_at_once(spy, 2)
    for _ in range(3):
        for victim in random.sample(waiting := settled(platform), len(waiting)):
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it went with its parent
        with ThreadPoolExecutor(8) as pool:
            assert len(list(pool.map(lambda _: spy.ask("clocks"), range(8)))) == 8
        answered_at_once(spy, 8)


# Many at once.


@pytest.mark.alone
@pytest.mark.parametrize("functions, calls", [(1, 60), (6, 5)])
@pytest.mark.parametrize("kind", KINDS)
def test_first_calls_at_once_are_answered_by_no_more_instances_than_calls(fresh, kind, functions, calls):
    platform = fresh()
    client = platform.client("lambda", max_pool_connections=functions * calls)
    spies = [Spy(client, kind) for _ in range(functions)]
    wanted = [spy for spy in spies for _ in range(calls)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        answers = list(pool.map(lambda spy: (spy.name, spy.ask("clocks")[1]), wanted))
    logs = platform.client("logs")
    for spy in spies:
        instances = {instance for name, instance in answers if name == spy.name}

        def lines(word):
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{spy.name}")
            return [event["message"] for page in pages for event in page["events"] if event["message"].startswith(word)]

        eventually(lambda: len(lines("REPORT")) == calls)
        # What a snapshot is taken of was an instance, too.
        launched = len(lines("INIT_START")) - (1 if kind == SNAPSHOT else 0)
        if kind == SNAPSHOT:
            launched = max(launched, len(lines("RESTORE_START")))
        assert len(instances) <= launched <= calls, (len(instances), launched)
