"""Parsers run in a process of their own: one that hangs, eats memory or crashes is ended, and the worker lives.

The process imports parsers and nothing else, has no secret, and ends with its parent.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from cop.errors import LoadRefused
from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading

MEMORY_BYTES = 4 << 30  # of addresses; numpy and GDAL map more than they use
SECONDS = 20.0
PROCESSES = 2
_SETTINGS = ("PATH", "PYTHONPATH", "LANG", "COP_LAYERS", "PROJ_DATA", "GDAL_DATA")


class Readers:
    """Processes that parse, each kept for the next payload; who finds all of them at work waits for one."""

    def __init__(self, seconds: float = SECONDS, processes: int = PROCESSES) -> None:
        self._seconds = seconds
        self._free = threading.Semaphore(processes)
        self._idle: list[_Process] = []
        self._lock = threading.Lock()

    def read(self, feed: Feed, payload: Payload) -> Reading:
        """What the payload says.

        Raises NotThisFeed with the reason where the parser refuses it, fails, crashes, or takes too long or too much.
        """
        answer = self._ask(feed, payload, follows=False)
        if isinstance(answer, Reading):
            return answer
        raise NotThisFeed(str(answer))

    def follow(self, feed: Feed, payload: Payload) -> dict[str, str]:
        """The addresses that an answer leads to, by the names of their parts; raises NotThisFeed as `read` does."""
        answer = self._ask(feed, payload, follows=True)
        if isinstance(answer, dict):
            return answer
        raise NotThisFeed(str(answer))

    def _ask(self, feed: Feed, payload: Payload, *, follows: bool) -> object:
        with self._free:
            with self._lock:
                process = self._idle.pop() if self._idle else _Process()
            try:
                answer = process.ask((feed, payload, self._seconds, follows), self._seconds)
            except BaseException:
                process.end()
                raise
            with self._lock:
                self._idle.append(process)
            return answer

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            for process in self._idle:
                process.end()
            self._idle.clear()


class _Process:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cop_ingest.feeds.reader", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _SETTINGS if name in os.environ},
            )
        self._pipe: Connection[Any, Any] = Connection(ours.detach())

    def ask(self, question: object, seconds: float) -> object:
        try:
            self._pipe.send(question)
            # A new process first imports what it needs.
            if not self._pipe.poll(seconds + 10):
                raise NotThisFeed(f"the parser had not ended after {seconds:g} s and was stopped")
            return self._pipe.recv()
        except (EOFError, OSError) as exc:
            code = self._process.wait(5)
            if code == -signal.SIGALRM:
                raise NotThisFeed(f"the parser had not ended after {seconds:g} s and was stopped") from exc
            raise NotThisFeed(f"the parser's process ended ({code}); the payload may be made to break it") from exc

    def end(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()


def _answer(feed: Feed, payload: Payload, *, follows: bool) -> Reading | dict[str, str] | str:
    # Here and not above: the worker itself needs none of what parsers import.
    from cop_ingest.feeds.parse import led_by, parser_of

    try:
        return led_by(feed, payload) if follows else parser_of(feed)(payload)
    except NotThisFeed as exc:
        return exc.reason
    except LoadRefused as exc:
        return str(exc)
    except MemoryError:
        return "the parser would take more memory than it may have"
    except RecursionError:
        return "the payload is nested too deeply"
    except Exception as exc:  # whatever a parser does, the payload is kept and the reason is told
        return f"the parser failed: {type(exc).__name__}: {str(exc)[:300]}"


def _serve(pipe: Connection[Any, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # Thousands of records that all live until they are sent: looking for cycles among them takes half of a parser's
    # time. It is done once they are gone.
    gc.disable()
    with suppress(EOFError, OSError):
        while True:
            feed, payload, seconds, follows = pipe.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds)  # ends the process, also inside a C function
            answer = _answer(feed, payload, follows=follows)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send(answer)
            del answer, payload
            gc.collect()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(Connection(int(sys.argv[1])))
