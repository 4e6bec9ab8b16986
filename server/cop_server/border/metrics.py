"""Metrics of a server's processes, in the form of Prometheus. Labels are few and known: templates, words, layers.

Where PROMETHEUS_MULTIPROC_DIR is set (`cop serve` does so), each process writes its numbers to a file there, and any of
them answers for all; else a process answers for itself.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from cop_server.border.about import About

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STREAM: Final = "/events"
CUTS: Final = ("half-open", "slow headers", "large headers", "slow body", "stalled", "unread")

REQUESTS = Counter(
    "cop_requests",
    "Requests answered, by route, method, status and audience",
    ["route", "method", "status", "audience"],
)
DURATION = Histogram("cop_request_seconds", "Time to a whole answer; streams apart", ["route"], buckets=_SECONDS)
SENT = Counter("cop_sent_bytes", "Bytes of answers, before what the connection adds", ["route"])
LIMITED = Counter("cop_limited", "Requests that were refused because there were too many", ["bucket", "audience"])
WRITES = Counter("cop_writes", "Writes, by method and status", ["method", "status"])
DROPPED = Counter("cop_streams_dropped", "Streams of events that were ended because the client read too slowly")
CONNECTIONS_CUT = Counter("cop_connections_cut", "Connections that were cut at the border, by why", ["why"])
CACHE = Counter("cop_cache_asked", "Answers looked for in the cache, by outcome", ["outcome"])
TICKS = Counter("cop_ticks", "Runs of the ticker, by outcome", ["outcome"])

CACHE_BYTES = Gauge("cop_cache_bytes", "Bytes of answers kept in memory", multiprocess_mode="livesum")
STREAMS = Gauge("cop_streams", "Open streams of events", multiprocess_mode="livesum")
POOL = Gauge("cop_pool_connections", "Connections to the store", ["pool", "state"], multiprocess_mode="livesum")
DEAF = Gauge("cop_listeners_lost", "Processes whose listener has lost the store", multiprocess_mode="livesum")
TICKED = Gauge("cop_ticked_timestamp_seconds", "When a ticker last reached the store", multiprocess_mode="max")
BUILD = Gauge("cop_build_info", "Version of COP and of Python", ["version", "python"], multiprocess_mode="livemax")


def note(known: About) -> None:
    """Count an answered request."""
    method = known.method if known.method in _METHODS else "other"
    status = str(known.status or 499)  # nothing was sent: the client had gone
    REQUESTS.labels(known.route, method, status, known.audience).inc()
    SENT.labels(known.route).inc(known.sent)
    if known.route != _STREAM:
        DURATION.labels(known.route).observe(known.ms / 1000)
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        WRITES.labels(method, status).inc()


def begin() -> None:
    """Say which version this is, and begin at nought what an alert asks for before it has ever happened."""
    BUILD.labels(version("cop"), platform.python_version()).set(1)
    for outcome in ("done", "failed"):
        TICKS.labels(outcome)
    for why in CUTS:
        CONNECTIONS_CUT.labels(why)
    LIMITED.labels("reads", "public")
    WRITES.labels("POST", "201")


def exposition(more: Collector) -> bytes:
    """Everything that is measured, of all processes, and what a collector reads of the store now."""
    registry = CollectorRegistry()
    if folder := os.environ.get(FOLDER):
        _forget_the_dead(Path(folder))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Own())
    registry.register(more)
    return generate_latest(registry)


class _Own(Collector):
    """What this process has counted."""

    def collect(self) -> Iterator[Any]:
        """The metrics of the process' own registry."""
        yield from REGISTRY.collect()


def _forget_the_dead(folder: Path) -> None:
    """Gauges of processes that have ended tell nothing any more; what they counted stays."""
    for file in folder.glob("gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]
