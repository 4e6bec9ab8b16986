"""Threads shared fairly: who asks much waits for himself; nothing is lost, and work keeps its context."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Any

import pytest

from cop_server.fair import FairThreads, work_for

LONG = 30


@contextmanager
def executor(count: int, most: int) -> Iterator[FairThreads]:
    made = FairThreads(count, most, "test")
    yield made
    made.shutdown()


def asked_by(who: str, call: Callable[[], Any]) -> Any:
    """What a call of a client comes to, in a context of its own as each request has one."""

    def asking() -> Any:
        work_for(who)
        return call()

    return contextvars.copy_context().run(asking)


def test_another_client_is_served_before_what_one_has_piled_up() -> None:
    order: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        assert gate.wait(LONG)

    with executor(1, 1) as threads:
        handed = [asked_by("greedy", lambda: threads.submit(first))]
        assert begun.wait(LONG)
        handed += [asked_by("greedy", lambda: threads.submit(order.append, "greedy")) for _ in range(50)]
        handed.append(asked_by("other", lambda: threads.submit(order.append, "other")))
        gate.set()
        wait(handed, LONG)
    assert order.index("other") <= 1, "one of the greedy ones at most came before it"
    assert len(order) == 51


def test_no_client_holds_all_threads() -> None:
    gate = threading.Event()
    with executor(3, 2) as threads:
        held = [asked_by("greedy", lambda: threads.submit(gate.wait, LONG)) for _ in range(10)]
        assert asked_by("other", lambda: threads.submit(lambda: "at once")).result(LONG) == "at once"
        assert sum(one.running() for one in held) == 2
        gate.set()
        assert all(one.result(LONG) for one in held)


def test_the_servers_own_work_may_have_all_threads() -> None:
    together = threading.Barrier(3)
    with executor(3, 1) as threads:
        handed = [threads.submit(together.wait, LONG) for _ in range(3)]
        assert sorted(one.result(LONG) for one in handed) == [0, 1, 2]


def test_faults_come_back_and_the_thread_lives() -> None:
    with executor(1, 1) as threads:
        with pytest.raises(ZeroDivisionError):
            threads.submit(lambda: 1 / 0).result(LONG)
        assert threads.submit(lambda: "on").result(LONG) == "on"


def test_work_sees_the_variables_of_whoever_handed_it_over() -> None:
    seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen")
    with executor(1, 1) as threads:
        seen.set("here")
        assert threads.submit(seen.get).result(LONG) == "here"


def test_cancelled_work_is_not_done() -> None:
    gate = threading.Event()
    done: list[int] = []
    with executor(1, 1) as threads:
        threads.submit(gate.wait, LONG)
        waiting = threads.submit(done.append, 1)
        assert waiting.cancel()
        gate.set()
        threads.submit(done.append, 2).result(LONG)
    assert done == [2]


def test_what_waits_is_done_before_the_threads_are_let_go() -> None:
    done: list[int] = []
    made = FairThreads(2, 1, "test")
    for number in range(20):
        asked_by("one", lambda number=number: made.submit(done.append, number))  # type: ignore[misc]
    made.shutdown()
    assert done == list(range(20)), "one client's work in its order"
    with pytest.raises(RuntimeError):
        made.submit(done.append, 99)
