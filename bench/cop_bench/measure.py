"""The run: both servers up at once, each case asked of one and then the other, medians of the rounds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from cop_bench.cases import EXTRAS, Case, Extra, same_features
from cop_bench.load import SLOW, LoadFailed, Rate, ask, rate
from cop_bench.servers import Server, cpu_seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often each case is measured."""

    seconds: int
    rounds: int
    warm_up: int = 1


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a case: the size of the first answer, rate and processor milliseconds an answer, of each round."""

    size: int
    rates: tuple[Rate, ...]
    cpu_ms: tuple[float, ...]

    @property
    def rate(self) -> Rate:
        """The medians of the rounds."""
        middle = statistics.median
        return Rate(
            middle(r.per_second for r in self.rates), sum(r.answers for r in self.rates),
            middle(r.p50_ms for r in self.rates), middle(r.p99_ms for r in self.rates),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One case: how many features it has, and what both sides came to."""

    case: Case
    features: int
    stock: Side
    cop: Side

    @property
    def ratios(self) -> list[float]:
        """COP's rate in parts of stock's, of each round."""
        pairs = zip(self.stock.rates, self.cop.rates, strict=True)
        return [ours.per_second / theirs.per_second for theirs, ours in pairs]

    @property
    def ratio(self) -> float:
        """The median of the rounds' own ratios: what both sides suffer alike in a round falls out."""
        return statistics.median(self.ratios)

    @property
    def cpu_ratio(self) -> float:
        """How many times the processor time stock takes for an answer, database included: steady on a busy machine."""
        return statistics.median(self.stock.cpu_ms) / statistics.median(self.cop.cpu_ms)

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


@dataclass(frozen=True, slots=True)
class Bench:
    """Both servers, the process id of their database, and the pace."""

    stock: Server
    cop: Server
    database: int
    pace: Pace

    def measure(self, case: Case) -> Result:
        """One case: checked, warmed up, and asked of both sides by turns.

        Raises LoadFailed where the two sides answer with different features.
        """
        features, *sizes = _compared(case, self.stock, self.cop)
        sides = (self.stock, self.cop)
        slow = [ask(server.url + case.paths[0]).seconds > SLOW for server in sides]
        for server, patient in zip(sides, slow, strict=True):
            if not patient:
                rate(server.url, case.paths, {}, self.pace.warm_up)
        taken: list[list[tuple[Rate, float]]] = [[], []]
        for _ in range(self.pace.rounds):
            for which, server in enumerate(sides):
                taken[which].append(self._round(server, case, slow[which]))
        theirs, ours = (
            Side(size, tuple(one for one, _ in rounds), tuple(cpu for _, cpu in rounds))
            for size, rounds in zip(sizes, taken, strict=True)
        )
        return Result(case, features, theirs, ours)

    def _round(self, server: Server, case: Case, slow: bool) -> tuple[Rate, float]:
        """The rate, and milliseconds of processor an answer took in the server and the database."""
        before = self._cpu(server)
        found = rate(server.url, case.paths, {}, self.pace.seconds, slow=slow)
        return found, (self._cpu(server) - before) * 1000 / found.answers

    def _cpu(self, server: Server) -> float:
        return server.cpu_seconds() + cpu_seconds(self.database)


def _compared(case: Case, stock: Server, cop: Server) -> tuple[int, int, int]:
    """Features, and bytes of both sides, of the first path; the other samples are compared as well."""
    compared = []
    for path in case.samples:
        theirs, ours = ask(stock.url + path), ask(cop.url + path)
        compared.append((same_features(case, theirs, ours), len(theirs.body), len(ours.body)))
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
