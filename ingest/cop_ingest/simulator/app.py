"""The simulator as an ASGI application: `/host/path?query` answers as `https://host/path?query` would.

Beside the sources' addresses: `/_clock` (GET; POST {"to": time, "speed": number}), `/_faults` (GET; POST {"feed" or
"address", "fault", "times" or "seconds", "shift_s"}; DELETE, with ?feed= for one), `/_feeds` (the addresses).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Lifespan

from cop_ingest.simulator import faults as broken
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import Asked, Endpoint, find
from cop_ingest.simulator.faults import Fault, Faults
from cop_ingest.simulator.world.world import World
from cop_ingest.times import HKT

CACHE_MB = 96
_PACKED_FROM = 600
_SCENARIO_TIME = "COP-Scenario-Time"


@dataclass
class Served:
    """One published body with its validators."""

    body: bytes
    published: datetime

    @cached_property
    def etag(self) -> str:
        """A tag of the bytes."""
        return f'"{hashlib.blake2b(self.body, digest_size=10).hexdigest()}"'

    @cached_property
    def packed(self) -> bytes:
        """The body, gzipped; the same bytes each time."""
        return gzip.compress(self.body, 5, mtime=0)


@dataclass
class Simulator:
    """A world, its clock, its addresses and its faults; `application` serves them."""

    world: World
    clock: Clock
    endpoints: list[Endpoint]
    faults: Faults = field(default_factory=Faults)
    _kept: OrderedDict[tuple[object, ...], Served | None] = field(default_factory=OrderedDict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    def application(self, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
        """The ASGI application; `lifespan` is what goes on beside it."""
        return Starlette(
            lifespan=lifespan,
            routes=[
                Route("/", self._listed),
                Route("/_feeds", self._listed),
                Route("/_clock", self._clock, methods=["GET", "POST"]),
                Route("/_faults", self._faults, methods=["GET", "POST", "DELETE"]),
                Route("/{host}/{path:path}", self._answer),
            ],
        )

    async def _answer(self, request: Request) -> Response:
        host, path, query = request.path_params["host"], request.path_params["path"], dict(request.query_params)
        found = find(self.endpoints, host, path, query)
        if found is None:
            return self._with_time(Response(broken.NOT_THERE, 404, media_type="text/html"), self.clock.now())
        endpoint, asked = found
        fault = self.faults.meets((endpoint.feed, endpoint.also), _address(host, path, request.url.query))
        if fault is not None and fault.kind in ("timeout", "error500", "html", "gzip_bomb", "gone"):
            return await self._broken(fault, request)
        now, moment = self._times(endpoint, fault)
        served = await self.served(endpoint, asked, moment)
        if served is None:
            return self._with_time(Response(broken.NOT_THERE, 404, media_type="text/html"), now)
        return self._with_time(self._sent(request, endpoint, served, fault), now)

    def _times(self, endpoint: Endpoint, fault: Fault | None) -> tuple[datetime, datetime]:
        """What the source's clock shows, and of which time it answers."""
        now = self.clock.now()
        if fault is None:
            return now, now
        if fault.kind == "clock_jump":
            return now + fault.shift, now + fault.shift
        if fault.kind == "stale":
            return now, min(now, fault.since)
        if fault.kind == "duplicate" or (fault.kind == "out_of_order" and fault.seen % 2 == 0):
            before = endpoint.published(self.world, now) - timedelta(seconds=1)
            return now, before
        return now, now

    async def served(self, endpoint: Endpoint, asked: Asked, moment: datetime) -> Served | None:
        """What an address answers at a time; made once for each publication, and kept. None: there is no such thing."""
        async with self._making:
            published = await run_in_threadpool(endpoint.published, self.world, moment)
            key = (endpoint.feed, endpoint.host, endpoint.path, tuple(sorted(asked.items())), published)
            if key not in self._kept:
                body = await run_in_threadpool(endpoint.write, self.world, published, asked)
                self._kept[key] = None if body is None else Served(body, published)
                self._forget()
            self._kept.move_to_end(key)
            return self._kept[key]

    def _forget(self) -> None:
        size = sum(len(one.body) for one in self._kept.values() if one is not None)
        while size > CACHE_MB * 1_000_000 or len(self._kept) > 5000:
            _, gone = self._kept.popitem(last=False)
            size -= len(gone.body) if gone is not None else 0

    def _sent(self, request: Request, endpoint: Endpoint, served: Served, fault: Fault | None) -> Response:
        kind = fault.kind if fault is not None else None
        etag = f'"{served.etag[1:-1]}-{fault.seen}"' if fault is not None and kind == "duplicate" else served.etag
        headers = {
            "ETag": etag,
            "Last-Modified": format_datetime(served.published.astimezone(UTC), usegmt=True),
            "Vary": "Accept-Encoding",
        }
        if kind is None and _unchanged(request, etag, served.published):
            return Response(status_code=304, headers=headers)
        if kind == "huge":
            return StreamingResponse(broken.huge(served.body), media_type=endpoint.media)
        body = served.body
        if kind == "truncated":
            body = broken.truncated(body)
        elif kind == "wrong_encoding":
            body = broken.wrong_encoding(body)
        packs = "gzip" in request.headers.get("accept-encoding", "") and endpoint.media != "image/jpeg"
        if packs and len(body) >= _PACKED_FROM:
            headers["Content-Encoding"] = "gzip"
            body = served.packed if body is served.body else gzip.compress(body, 5, mtime=0)
        return Response(body, media_type=endpoint.media, headers=headers)

    async def _broken(self, fault: Fault, request: Request) -> Response:
        now = self.clock.now()
        if fault.kind == "timeout":
            await _until_gone(request)
        if fault.kind == "html":
            return self._with_time(Response(broken.HTML, media_type="text/html"), now)
        if fault.kind == "gzip_bomb":
            body = await run_in_threadpool(broken.bomb)
            return Response(body, media_type="application/json", headers={"Content-Encoding": "gzip"})
        if fault.kind == "gone":
            return self._with_time(Response(broken.NOT_THERE, 404, media_type="text/html"), now)
        return self._with_time(Response(b"Internal Server Error\n", 500, media_type="text/plain"), now)

    def _with_time(self, response: Response, now: datetime) -> Response:
        """The source's own clock, which is the scenario's."""
        response.headers["Date"] = format_datetime(now.astimezone(UTC).replace(microsecond=0), usegmt=True)
        response.headers[_SCENARIO_TIME] = now.astimezone(HKT).isoformat(timespec="seconds")
        return response

    async def _listed(self, _: Request) -> Response:
        listed = [
            {"feed": one.feed, "host": one.host, "path": one.path, "query": dict(one.query), "media": one.media}
            for one in self.endpoints
        ]
        return JSONResponse({"exercise": True, "feeds": listed})

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._set_clock(await _body(request))
            except ValueError as exc:
                return _problem(str(exc))
        now = self.clock.now()
        told = {
            "now": now.astimezone(HKT).isoformat(timespec="milliseconds"),
            "speed": self.clock.speed if now < self.clock.ends else 0.0,
            "starts": self.clock.begins.astimezone(HKT).isoformat(),
            "ends": self.clock.ends.astimezone(HKT).isoformat(),
        }
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    def _set_clock(self, body: object) -> None:
        if not isinstance(body, dict) or not body.keys() & {"to", "speed"}:
            raise ValueError("wanted a JSON object with to (a time) or speed (a number), or both")
        if "speed" in body:
            speed = body["speed"]
            if isinstance(speed, bool) or not isinstance(speed, int | float):
                raise ValueError(f"speed: found {speed!r}, wanted a number")
            self.clock.run(float(speed))
        if "to" in body:
            to = moment(str(body["to"]))
            if not self.clock.begins <= to <= self.clock.ends:
                raise ValueError(f"to: found {body['to']}, wanted a time of the scenario, {self.clock.span()}")
            self.clock.jump(to)

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear(request.query_params.get("feed"))
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if request.method == "POST":
            try:
                fault = self.faults.add(await _body(request), self.clock.now())
            except ValueError as exc:
                return _problem(str(exc))
            return JSONResponse(fault.told(self.faults.ticks()), HTTPStatus.CREATED)
        return JSONResponse(self.faults.told())


async def _until_gone(request: Request) -> None:
    """Hold a request until whoever asked goes away, at most HOLD_S seconds."""
    try:
        async with asyncio.timeout(broken.HOLD_S):
            while not await request.is_disconnected():
                await asyncio.sleep(0.05)
    except TimeoutError:
        return


async def _body(request: Request) -> object:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"the body is no JSON: {exc}") from exc


def _address(host: str, path: str, query: str) -> str:
    return f"{host}/{path}?{query}" if query else f"{host}/{path}"


def _problem(detail: str) -> Response:
    told = {"type": "about:blank", "title": "Bad request", "status": 400, "detail": detail}
    return JSONResponse(told, 400, media_type="application/problem+json")


def moment(text: str) -> datetime:
    """A time as it is written, Hong Kong time where no offset is told, in UTC. Raises ValueError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(f"{text} is no time; wanted one like 2025-09-24T03:00 (Hong Kong time)") from exc
    return (found if found.tzinfo else found.replace(tzinfo=HKT)).astimezone(UTC)


def _unchanged(request: Request, etag: str, published: datetime) -> bool:
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return published.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False
