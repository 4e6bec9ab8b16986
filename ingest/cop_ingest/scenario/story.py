"""The story as one list of steps in the order of their times: each a record's first version, or a change of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from cop_ingest.scenario import calendar, registers, texts
from cop_ingest.scenario.chance import Numbers, minutes, named, weighted
from cop_ingest.scenario.life import Message, life
from cop_ingest.scenario.reports import SOURCE, Report, day_times, past_times, report
from cop_ingest.scenario.sources import NEWS, as_told
from cop_ingest.scenario.spots import IsLand
from cop_ingest.scenario.steps import Step

VERSION = 2
"""Raise it with every change that makes other steps: a store goes on only with the story that it began with."""
PAST_COUNT = 10_000
DAY_COUNT = 2_000
_DUPLICATES = 0.015
_KINDS = {"ask": 45.0, "assign": 20.0, "hand_over": 15.0, "inform": 20.0}
_OTHERS = ("SB-EMSC", "HKPF", "FSD", "HAD", "TD", "HyD", "DSD", "CEDD")


@dataclass(frozen=True)
class Story:
    """The whole of it, from a seed, the share of the past incidents that is told, and the land that they lie on."""

    seed: int
    scale: float
    is_land: IsLand
    day_count: int = DAY_COUNT

    @property
    def name(self) -> str:
        """What makes this story: another name is another story."""
        return f"exercise story {VERSION}, seed {self.seed}, scale {float(self.scale)!r}"

    @cached_property
    def steps(self) -> list[Step]:
        """All steps. Those of one time keep their order: an incident comes before what is said of it."""
        told = [*registers.steps(self.seed), *self._incidents()]
        return sorted((step for step in told if step.at <= calendar.DAY_ENDS), key=lambda step: step.at)

    def until(self, moment: datetime) -> list[Step]:
        """The steps up to a time."""
        return [step for step in self.steps if step.at <= moment]

    def _incidents(self) -> Iterator[Step]:
        numbers = {prefix: Numbers(prefix, named(self.seed, f"numbers {prefix}")) for prefix in "IPR"}
        # Scale leaves out past incidents; the typhoon day is always whole.
        past = past_times(self.seed, max(1, round(PAST_COUNT * self.scale)))
        yield from self._told(past, "past", numbers, played=False)
        yield from self._told(day_times(self.seed, self.day_count), "day", numbers, played=True)

    def _told(self, times: list[datetime], name: str, numbers: dict[str, Numbers], *, played: bool) -> Iterator[Step]:
        draw = named(self.seed, name)
        recent: list[tuple[str, Report]] = []
        news = 0
        for number, at in enumerate(times, 1):
            ref = f"S{self.seed}-{name.upper()}-{number:05d}"
            original = draw.choice(recent) if recent and played and draw.random() < _DUPLICATES else None
            one = report(draw, at, ref, self.is_land) if original is None else _again(draw, original[1], at, ref)
            if played:
                one = as_told(one, news)
                news += one.values["source"] == NEWS
            id_ = numbers["I"].next(at)
            values = {**one.values, "id": id_}
            yield Step(at, "incidents", id_, True, values, one.geometry)
            if original is not None:
                changes: dict[str, object] = {"status": "cancelled", "verification": "corroborated"}
                changes["duplicate_of"] = original[0]
                yield Step(at + minutes(draw, 20, 4), "incidents", id_, False, changes)
                continue
            yield from _moments(draw, one, id_, numbers, played=played)
            recent = [*recent[-30:], (id_, one)]


def story_named(name: str, is_land: IsLand) -> Story | None:
    """The story of a name that a store holds; None where this version of the generator makes others."""
    found = re.fullmatch(rf"exercise story {VERSION}, seed (\d+), scale ([\d.e-]+)", name)
    return Story(int(found[1]), float(found[2]), is_land) if found else None


def _again(draw: Random, first: Report, at: datetime, ref: str) -> Report:
    """The same incident reported by somebody else, a little beside it."""
    values = {**first.values, "external_ids": [f"{first.values['department']}:{ref}"], "source_ref": ref}
    values |= {"reported_at": at, "status": "reported", "verification": "unverified", "major": False}
    shape = first.geometry
    beside = Point(shape.x + draw.uniform(-2e-5, 2e-5), shape.y) if isinstance(shape, Point) else shape
    return replace(first, values=values, at=at, geometry=beside)


def _moments(draw: Random, one: Report, id_: str, numbers: dict[str, Numbers], *, played: bool) -> Iterator[Step]:
    moments = life(draw, one, played=played)
    for moment in moments:
        yield Step(moment.at, "incidents", id_, False, moment.changes)
        if moment.message is not None:
            yield _update(draw, one, id_, moment.at, moment.message, str(moment.changes.get("status") or ""), numbers)
    others = [name for name in (*one.scene.participants, *_OTHERS) if name != one.scene.department]
    if draw.random() < (0.11 if played else 0.015):
        yield from _request(draw, one, id_, draw.choice(others[:4]), numbers)


def _update(
    draw: Random, one: Report, incident: str, at: datetime, message: Message, status: str, numbers: dict[str, Numbers]
) -> Step:
    id_ = numbers["P"].next(at)
    text_en, text_zh = draw.choice(texts.PROGRESS[message.says])
    values: dict[str, object] = {
        "id": id_, "incident": incident, "at": at, "department": one.scene.department, "text_en": text_en,
        "text_zh": text_zh, "percent": message.percent, "estimated_completion_at": message.estimate,
        "status_after": status or None, "source": SOURCE, "source_ref": id_, "message_status": "exercise",
        "release": one.values["release"] if draw.random() < 0.7 else _narrower(one), **_position(one),
    }  # fmt: skip
    return Step(at, "progress-updates", id_, True, values, one.geometry)


def _request(draw: Random, one: Report, incident: str, to: str, numbers: dict[str, Numbers]) -> Iterator[Step]:
    at = one.at + minutes(draw, 45, 5)
    id_ = numbers["R"].next(at)
    kind = weighted(draw, _KINDS)
    text_en, text_zh = draw.choice(texts.REQUESTS[kind])
    due = at + timedelta(minutes=15 * draw.choice((1, 2, 2, 4, 8))) if kind != "inform" else None
    values: dict[str, object] = {
        "id": id_, "incident": incident, "asked_at": at, "department": one.scene.department,
        "from_department": one.scene.department, "to_department": to, "kind": kind, "text_en": text_en,
        "text_zh": text_zh, "due_at": due, "source": SOURCE, "source_ref": id_, "message_status": "exercise",
        "release": "public" if one.values["release"] == "public" and draw.random() < 0.4 else _narrower(one),
        **_position(one),
    }  # fmt: skip
    yield Step(at, "requests", id_, True, values, one.geometry)
    if draw.random() < 0.12:
        return  # nobody ever takes notice
    at += minutes(draw, 14)
    yield Step(at, "requests", id_, False, {"acknowledged_at": at, "acknowledged_by_role": draw.choice(texts.ROLES)})
    if kind != "inform" and draw.random() < 0.8:
        at += minutes(draw, 50, 3)
        yield Step(at, "requests", id_, False, {"answered_at": at, "answer": draw.choice(texts.ANSWERS)})


def _position(one: Report) -> dict[str, object]:
    """What is said of an incident lies where it does, and is shown to the public as it is."""
    return {name: one.values[name] for name in ("district", "position_released")}


def _narrower(one: Report) -> object:
    """What is said between departments is for them, unless its incident is for its owner alone."""
    return "owner" if one.values["release"] == "owner" else "departments"


def newest(story: Story, layer: str, moment: datetime) -> dict[str, tuple[dict[str, object], BaseGeometry | None]]:
    """Each record of a layer as the story has it at a time, by id: values and geometry."""
    found: dict[str, tuple[dict[str, object], BaseGeometry | None]] = {}
    for step in story.until(moment):
        if step.layer == layer:
            values, geometry = found.get(step.id, ({}, step.geometry))
            found[step.id] = ({**values, **step.values}, geometry)
    return found
