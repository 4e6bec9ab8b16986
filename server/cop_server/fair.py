"""Threads that are shared fairly: whoever asks much waits for himself, and others go on.

What each client asks is a queue of its own; queues are served in turn, and no client holds all threads. So three
hundred large answers for one client delay another's small one by one of them, not by three hundred.
"""

from __future__ import annotations

import contextvars
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

_whose: contextvars.ContextVar[str | None] = contextvars.ContextVar("whose", default=None)


def work_for(who: str) -> None:
    """From here on, what this task hands to threads is work for this client; without it, it is the server's own."""
    _whose.set(who)


class ContextExecutor(ThreadPoolExecutor):
    """Threads that see the context variables of whoever hands them work, for loops that take no other executor."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in a copy of the caller's context."""
        return super().submit(contextvars.copy_context().run, fn, *args, **kwargs)


@dataclass(slots=True)
class _Task:
    """A call that waits for a thread, with the context variables of whoever handed it over."""

    future: Future[Any]
    run: Callable[[], Any]


@dataclass(slots=True)
class _Lane:
    """What one client waits for, and in how many threads it is served."""

    waiting: deque[_Task] = field(default_factory=deque)
    running: int = 0


class FairThreads(Executor):
    """An executor with a fixed number of threads, of which one client has at most so many at a time."""

    def __init__(self, count: int, most: int, name: str) -> None:
        """`count`: all threads; `most`: those of one client. The server's own work may have all."""
        self._most = most
        self._count = count
        self._changed = threading.Condition()
        self._lanes: dict[str | None, _Lane] = {}
        self._ready: OrderedDict[str | None, None] = OrderedDict()  # lanes that wait and may have one more thread
        self._closing = False
        self._threads = [threading.Thread(target=self._serve, name=f"{name}_{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in a copy of the caller's context, when it is its client's turn."""
        context, future = contextvars.copy_context(), Future[Any]()
        with self._changed:
            if self._closing:
                raise RuntimeError("the threads have been let go")
            lane = self._lanes.setdefault(_whose.get(), _Lane())
            lane.waiting.append(_Task(future, lambda: context.run(fn, *args, **kwargs)))
            self._line_up(_whose.get(), lane)
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; what waits is done first, or cancelled."""
        with self._changed:
            self._closing = True
            for lane in self._lanes.values() if cancel_futures else ():
                while lane.waiting:
                    lane.waiting.popleft().future.cancel()
            self._changed.notify_all()
        for thread in self._threads if wait else ():
            thread.join()

    def _line_up(self, who: str | None, lane: _Lane) -> None:
        if lane.waiting and lane.running < (self._count if who is None else self._most):
            self._ready.setdefault(who)

    def _serve(self) -> None:
        while (found := self._next()) is not None:
            who, task = found
            _done(task)
            del task  # what it held is not kept until the next one comes
            with self._changed:
                lane = self._lanes[who]
                lane.running -= 1
                self._line_up(who, lane)
                if not lane.running and not lane.waiting:
                    del self._lanes[who]
                    self._ready.pop(who, None)
                self._changed.notify()

    def _next(self) -> tuple[str | None, _Task] | None:
        with self._changed:
            while True:
                while self._ready:
                    who, _ = self._ready.popitem(last=False)
                    lane = self._lanes[who]
                    if not lane.waiting:
                        continue
                    task = lane.waiting.popleft()
                    lane.running += 1
                    self._line_up(who, lane)
                    return who, task
                if self._closing and not any(lane.waiting for lane in self._lanes.values()):
                    return None
                self._changed.wait()


def _done(task: _Task) -> None:
    if not task.future.set_running_or_notify_cancel():
        return
    try:
        task.future.set_result(task.run())
    except BaseException as exc:
        task.future.set_exception(exc)
