"""The run: both servers up at once, each case asked of one and then the other, medians of the rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cop_bench.cases import EXTRAS, Case, Extra, same_features
from cop_bench.load import SLOW, LoadFailed, Rate, ask, rate
from cop_bench.servers import Server

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often each case is measured."""

    seconds: int
    rounds: int
    warm_up: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """One case: what was answered, and both sides' medians over the rounds."""

    case: Case
    features: int
    stock_bytes: int
    cop_bytes: int
    stock: Rate
    cop: Rate
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """COP's rate in parts of stock's: the median of the rounds' own ratios."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None where there is none."""
        return None if self.case.target is None else self.ratio >= self.case.target


@dataclass(frozen=True, slots=True)
class ExtraResult:
    """A question to COP alone."""

    extra: Extra
    size: int
    rate: Rate


def measure(case: Case, stock: Server, cop: Server, pace: Pace) -> Result:
    """One case: checked, warmed up, and asked of both sides by turns.

    Raises LoadFailed where the two sides answer with different features.
    """
    slow: dict[str, bool] = {}
    replies = {}
    for server in (stock, cop):
        replies[server.name] = ask(server.url + case.path)
        slow[server.name] = ask(server.url + case.path).seconds > SLOW
    features = same_features(case, replies[stock.name], replies[cop.name])
    taken: dict[str, list[Rate]] = {stock.name: [], cop.name: []}
    for server in (stock, cop):
        if not slow[server.name]:
            rate(server.url + case.path, {}, pace.warm_up, slow=False)
    for _ in range(pace.rounds):
        for server in (stock, cop):
            taken[server.name].append(rate(server.url + case.path, {}, pace.seconds, slow[server.name]))
    ratios = tuple(b.per_second / a.per_second for a, b in zip(taken[stock.name], taken[cop.name], strict=True))
    return Result(
        case, features, len(replies[stock.name].body), len(replies[cop.name].body),
        _median(taken[stock.name]), _median(taken[cop.name]), ratios,
    )  # fmt: skip


def measure_extras(cases: list[Case], cop: Server, pace: Pace) -> list[ExtraResult]:
    """The questions that only COP is asked: with its cache on."""
    paths = {case.id: case.path for case in cases}
    return [_measure_extra(extra, cop.url + paths[extra.case], pace) for extra in EXTRAS]


def _measure_extra(extra: Extra, url: str, pace: Pace) -> ExtraResult:
    headers = dict(extra.headers)
    if extra.known:
        headers["If-None-Match"] = ask(url).headers["etag"]
    reply = ask(url, headers)
    if reply.status != (304 if extra.known else 200):
        raise LoadFailed(f"{extra.title}: answered {reply.status}")
    rate(url, headers, pace.warm_up, slow=False)
    return ExtraResult(extra, len(reply.body), rate(url, headers, pace.seconds, slow=False))


def _median(rates: list[Rate]) -> Rate:
    def middle(of: Callable[[Rate], Any]) -> float:
        return statistics.median(of(one) for one in rates)

    return Rate(middle(lambda r: r.per_second), middle(lambda r: r.p50_ms), middle(lambda r: r.p99_ms))
