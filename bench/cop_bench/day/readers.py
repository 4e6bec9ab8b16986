"""People who look at the picture all the day long: counts, lists, tiles, and open streams of events."""

from __future__ import annotations

import asyncio
import re
import statistics
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle

import httpx

_EVENT = re.compile(rb'"sequence":"(\d+)","time":"([^"]+)"')
_BREAK = 100  # bytes of an event that may stand at the end of a piece
QUESTIONS = {
    "summary": "/summary",
    "items of incidents": "/collections/incidents/items?limit=100",
    "items of feeds": "/collections/feeds/items?limit=100",
    "items of warnings": "/collections/warnings/items?limit=100",
    "tile of incidents": "/collections/incidents/tiles/WebMercatorQuad/11/892/1673",
    "tile of detectors": "/collections/detector_speeds/tiles/WebMercatorQuad/12/1785/3347",
}


@dataclass
class Looked:
    """What the readers met: milliseconds by question, answers that were none, events with lag and arrival."""

    answers_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    events_ms: list[float] = field(default_factory=list)
    arrived: dict[int, float] = field(default_factory=dict)
    streams_ended: int = 0


class Readers:
    """So many questions a second, one after the other, and so many streams, until told to stop."""

    def __init__(self, url: str, per_second: float, streams: int) -> None:
        self.looked = Looked()
        self._url = url
        self._pause = 1 / per_second
        self._streams = streams
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()), daemon=True)
        self._thread.start()

    def stop(self) -> Looked:
        """End; what they met."""
        self._ends.set()
        self._thread.join(60)
        return self.looked

    async def _read(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=60) as client:
            streams = [asyncio.create_task(self._hold(client)) for _ in range(self._streams)]
            asking: set[asyncio.Task[None]] = set()
            for name in cycle(QUESTIONS):
                if self._ends.is_set():
                    break
                task = asyncio.create_task(self._ask(client, name))
                asking.add(task)
                task.add_done_callback(asking.discard)
                await asyncio.sleep(self._pause)
            await asyncio.gather(*asking)
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)

    async def _ask(self, client: httpx.AsyncClient, name: str) -> None:
        began = time.monotonic()
        try:
            answer = await client.get(QUESTIONS[name])
            good = answer.status_code in (200, 204)
        except httpx.HTTPError:
            good = False
        self.looked.answers_ms[name].append(1000 * (time.monotonic() - began))
        self.looked.failed[name] += not good

    async def _hold(self, client: httpx.AsyncClient) -> None:
        last = 0
        while True:
            rest = b""
            try:
                async with client.stream("GET", "/events", timeout=None) as answer:
                    answer.raise_for_status()
                    async for piece in answer.aiter_raw():
                        last = self._noted(rest + piece, last)
                        rest = (rest + piece)[-_BREAK:]
            except httpx.HTTPError:
                pass
            self.looked.streams_ended += 1
            await asyncio.sleep(1)

    def _noted(self, piece: bytes, last: int) -> int:
        now = time.time()
        for number, at in _EVENT.findall(piece):
            if int(number) > last:
                last = int(number)
                self.looked.arrived.setdefault(last, now)
                self.looked.events_ms.append(1000 * (now - datetime.fromisoformat(at.decode()).timestamp()))
        return last


def spread(values: list[float]) -> dict[str, float]:
    """How many there are, the median, the 99th percentile and the most, to a tenth."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    at = min(len(ordered) - 1, int(len(ordered) * 0.99))
    told = {"p50": statistics.median(ordered), "p99": ordered[at], "most": ordered[-1]}
    return {"count": len(ordered)} | {name: round(value, 1) for name, value in told.items()}
