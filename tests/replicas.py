"""What the suites of changes and events share: every audience with its key, and a life of random edits."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from cop_server.cluster import Cluster
from cop_server.identity import keys

RELEASES = ("public", "press", "partner", "departments", "owner")
DEPARTMENTS = ("DSD", "FSD")
AUDIENCES: dict[str, tuple[str, str | None] | None] = {
    "public": None, "press": ("press", None), "partner": ("partner", None),
    "viewer": ("viewer", "DSD"), "emsc": ("emsc", None),
}  # fmt: skip


def audiences(store: Cluster) -> dict[str, dict[str, str]]:
    """The headers of each audience."""
    return {
        name: {} if of is None else {"X-API-Key": keys.create(store.owner_dsn, name, *of, None)[1]}
        for name, of in AUDIENCES.items()
    }


INSERT = """
INSERT INTO layer.incidents (id, category, title_en, department, status, message_status, release, reported_at, source,
                             source_ref, position_released, district, geom)
VALUES (%(id)s, %(category)s, %(title)s, %(department)s, 'reported', %(mode)s, %(release)s, '2025-09-23 01:02:03+08',
        'test', %(id)s, %(released)s, 'STH', ST_SetSRID(ST_Point(%(lon)s, 22.3), 4326))
"""


def incident(owner: psycopg.Connection[Any], id_: str, **more: object) -> str:
    """Insert an incident: public, exercise, a flood of DSD at 114.1, its position released, unless told otherwise."""
    about = {"id": id_, "category": "flood", "title": f"title of {id_}", "department": "DSD", "mode": "exercise",
             "release": "public", "lon": 114.1, "released": True, **more}  # fmt: skip
    owner.execute(INSERT, about)
    return id_


@dataclass
class Life:
    """Random edits by the owner, the same for the same seed: rows, several in one transaction, and bulk loads."""

    owner: psycopg.Connection[Any]
    seed: int = 1
    alive: list[str] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def go_on(self, edits: int) -> None:
        """So many edits."""
        for _ in range(edits):
            with self.owner.transaction():
                for _ in range(self.dice.choice((1, 1, 1, 3))):
                    self._edit()
            if self.dice.random() < 0.1:
                self.load()

    def _edit(self) -> None:
        roll = self.dice.random()
        if not self.alive or roll < 0.35:
            self.made += 1
            self.alive.append(incident(self.owner, f"R-{self.seed}-{self.made}", **self._labels(), lon=self._lon()))
            return
        one = self.dice.choice(self.alive)
        if roll < 0.45:
            self.owner.execute("DELETE FROM layer.incidents WHERE id = %s", [one])
            self.alive.remove(one)
        elif roll < 0.7:
            self.owner.execute(
                "UPDATE layer.incidents SET release = %(release)s, department = %(department)s,"
                " position_released = %(released)s, message_status = %(mode)s WHERE id = %(id)s", {**self._labels(), "id": one})  # fmt: skip
        elif roll < 0.85:
            self.owner.execute("UPDATE layer.incidents SET geom = ST_SetSRID(ST_Point(%s, 22.3), 4326) WHERE id = %s",
                               [self._lon(), one])  # fmt: skip
        else:
            self.owner.execute("UPDATE layer.incidents SET category = %s, title_en = %s WHERE id = %s",
                               [self.dice.choice(("flood", "landslide")), str(self.dice.random()), one])  # fmt: skip

    def _labels(self) -> dict[str, object]:
        return {
            "release": self.dice.choice(RELEASES), "department": self.dice.choice(DEPARTMENTS),
            "category": self.dice.choice(("flood", "landslide")),
            "mode": self.dice.choice(("exercise", "exercise", "exercise", "actual")),
            "released": self.dice.choice((True, False)),
        }  # fmt: skip

    def _lon(self) -> float:
        return 114.0 + self.dice.randrange(100) / 500

    def load(self) -> None:
        """One number for many records, of a layer with labels and of one without."""
        with self.owner.transaction():
            self.owner.execute("SELECT cop.begin_load('incidents', '\\x01')")
            self.owner.execute("UPDATE layer.incidents SET release = %s WHERE hashtext(id) %% 5 = %s",
                               [self.dice.choice(RELEASES), self.dice.randrange(5)])  # fmt: skip
            self.owner.execute("UPDATE layer.incidents SET title_en = %s WHERE hashtext(id) %% 3 = 0",
                               [str(self.dice.random())])  # fmt: skip
        with self.owner.transaction():
            self.owner.execute("SELECT cop.begin_load('place_names', '\\x02')")
            first = self.dice.randrange(20)
            self.owner.execute("DELETE FROM layer.place_names WHERE id::int %% 7 = %s", [first % 7])
            self.owner.execute(
                "INSERT INTO layer.place_names (id, name_en, geom) SELECT g::text, %s,"
                " ST_SetSRID(ST_Point(114 + g / 200.0, 22.3), 4326) FROM generate_series(%s::int, %s) AS g"
                " WHERE NOT EXISTS (SELECT FROM layer.place_names p WHERE p.id = g::text)",
                [str(self.dice.random()), first, first + 20])  # fmt: skip


def features(http: httpx.Client, path: str, headers: dict[str, str], **query: str) -> dict[str, Any]:
    """All that an audience sees now, by id: the original that a replica is held against."""
    answer = http.get(path, params={"limit": "10000", **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["numberMatched"] == document["numberReturned"]
    return {feature["id"]: feature for feature in document["features"]}


class Replica:
    """A copy that is kept by changes alone."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.tombstones = 0

    def take(self, feature: dict[str, Any]) -> None:
        """One change."""
        told = json.loads(json.dumps(feature))
        told.pop("seq")
        if told.pop("deleted", False):
            assert (told["geometry"], told["properties"]) == (None, None)
            self.tombstones += 1
            self.kept.pop(told["id"], None)
        else:
            self.kept[told["id"]] = told
