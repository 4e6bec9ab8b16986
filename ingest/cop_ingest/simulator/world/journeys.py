"""Journey times to tunnels and along trunk roads, as the boards beside the road show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cop_ingest.simulator.chance import share
from cop_ingest.simulator.world.traffic import Traffic

# Origins and destinations of the boards with the minutes of a recorded afternoon (2018-10-15).
_BOARDS = """
H11 CH 23|H11 EH 4|H1 CH 20|H1 EH 9|H2 CH 21|H2 EH 11|H2 WH 11|H3 CH 21|H3 WH 10|K01 CH 12|K01 WH 7|K02 CH 6|K02 EH 11
K03 CH 8|K03 EH 15|K03 WH 14|K04 CH 6|K04 WH 16|K05 CH 11|K05 EH 14|K06 CH 7|K06 WH 12|SJ1 LRT 7|SJ1 SMT 7|SJ1 TSCA 7
SJ2 LRT 7|SJ2 TCT 5|SJ2 TSCA 12|SJ3 LRT 10|SJ3 TCT 9|SJ3 TSCA 10|SJ4 TKTL 9|SJ4 TKTM 22|SJ5 TWCP 28|SJ5 TWTM 15
"""
_BRIDGES = ("TKTL", "TKTM")
_BRIDGES_CLOSE_KMH = 118.0
_NEVER_SLOWER = 4.5


@dataclass(frozen=True, slots=True)
class Journey:
    """What a board shows: type 1 with minutes (-1: no value), or type 2, a picture with a state (3: closed)."""

    origin: str
    destination: str
    kind: int
    data: int
    colour: int


def _board(text: str) -> tuple[str, str, int]:
    origin, destination, minutes = text.split()
    return origin, destination, int(minutes)


BOARDS = tuple(_board(part) for line in _BOARDS.strip().splitlines() for part in line.split("|"))


def journeys(traffic: Traffic, at: datetime) -> list[Journey]:
    """The boards at a time, in their order."""
    pace = traffic.general_pace(at)
    shut = traffic.winds.gust(at) > _BRIDGES_CLOSE_KMH
    return [_journey(traffic.seed, board, pace, at, shut=shut) for board in BOARDS]


def _journey(seed: int, board: tuple[str, str, int], pace: float, at: datetime, *, shut: bool) -> Journey:
    origin, destination, usual = board
    if shut and destination in _BRIDGES:
        return Journey(origin, destination, 2, 3, 1)
    drawn = share(seed, "journey", origin, destination, at)
    if drawn < 0.015:
        return Journey(origin, destination, 1, -1, 1)
    slower = min(_NEVER_SLOWER, (0.75 + 0.3 * drawn) * 0.8 / max(pace, 0.15))
    minutes = max(2, round(0.62 * usual * slower))
    return Journey(origin, destination, 1, minutes, 3 if slower < 1.0 else 2 if slower < 1.35 else 1)
