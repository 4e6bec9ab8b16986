"""Streams end when the server is told to stop. uvicorn tells an application so only when all its answers are sent."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cop_server.events.hub import Hub


@contextmanager
def ending_with_the_server(hub: Hub) -> Iterator[None]:
    """End the streams at the signals that stop the server, and then let it do what it would have done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    ours = {name: handler for name, handler in before.items() if callable(handler)}

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(hub.end_streams)
        handler = ours[signal.Signals(number)]
        handler(number, frame)

    for name in ours:
        signal.signal(name, on_signal)
    try:
        yield
    finally:
        for name, handler in ours.items():
            signal.signal(name, handler)
