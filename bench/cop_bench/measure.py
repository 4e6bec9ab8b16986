"""The run: both servers up at once, each case asked of one and then the other, medians of the rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from cop_bench.cases import EXTRAS, Case, Extra, same_features
from cop_bench.load import SLOW, LoadFailed, Rate, Reply, ask, rate
from cop_bench.servers import Server


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
    features, stock_reply, cop_reply = _compared(case, stock, cop)
    slow = {server.name: ask(server.url + case.paths[0]).seconds > SLOW for server in (stock, cop)}
    taken: dict[str, list[Rate]] = {stock.name: [], cop.name: []}
    for server in (stock, cop):
        if not slow[server.name]:
            rate(server.url, case.paths, {}, pace.warm_up)
    for _ in range(pace.rounds):
        for server in (stock, cop):
            taken[server.name].append(rate(server.url, case.paths, {}, pace.seconds, slow=slow[server.name]))
    ratios = tuple(b.per_second / a.per_second for a, b in zip(taken[stock.name], taken[cop.name], strict=True))
    return Result(
        case, features, len(stock_reply.body), len(cop_reply.body),
        _median(taken[stock.name]), _median(taken[cop.name]), ratios,
    )  # fmt: skip


def _compared(case: Case, stock: Server, cop: Server) -> tuple[int, Reply, Reply]:
    """The features, and both replies, of the first path; the other samples are compared as well."""
    compared = []
    for path in case.samples:
        theirs, ours = ask(stock.url + path), ask(cop.url + path)
        compared.append((same_features(case, theirs, ours), theirs, ours))
    return compared[0]


def measure_extras(cases: list[Case], cop: Server, pace: Pace) -> list[ExtraResult]:
    """The questions that only COP is asked: with its cache on."""
    paths = {case.id: case.paths[0] for case in cases}
    return [_measure_extra(extra, cop.url, paths[extra.case], pace) for extra in EXTRAS]


def _measure_extra(extra: Extra, url: str, path: str, pace: Pace) -> ExtraResult:
    headers = dict(extra.headers)
    if extra.known:
        headers["If-None-Match"] = ask(url + path).headers["etag"]
    reply = ask(url + path, headers)
    if reply.status != (304 if extra.known else 200):
        raise LoadFailed(f"{extra.title}: answered {reply.status}")
    rate(url, [path], headers, pace.warm_up)
    return ExtraResult(extra, len(reply.body), rate(url, [path], headers, pace.seconds))


def _median(rates: list[Rate]) -> Rate:
    def middle(of: Callable[[Rate], float]) -> float:
        return statistics.median(of(one) for one in rates)

    return Rate(middle(lambda r: r.per_second), middle(lambda r: r.p50_ms), middle(lambda r: r.p99_ms))
