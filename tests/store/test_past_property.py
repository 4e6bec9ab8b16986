"""Whatever is written: as of N every audience has what it had at N, less what has been withdrawn from it since."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cop.catalogue import catalogue
from cop.heads import Verifier
from cop.query import answer
from cop.query.parse import read_items
from cop.verify import verify
from cop.visible import VisibleSet
from cop_server.cluster import Cluster
from cop_tiles.matrix import tile_of
from cop_tiles.mvt import tile

# About 200 edits in `make test`, 5,000 in `make soak`.
EXAMPLES = 200 if os.environ.get("COP_TEST_LENGTH") == "long" else 8
INCIDENTS = catalogue().layers["incidents"]
AUDIENCES = (
    VisibleSet(mode="exercise"),
    VisibleSet("press", mode="exercise"),
    VisibleSet("departments", "DSD", mode="exercise"),
    VisibleSet("emsc", mode="exercise"),
    VisibleSet(mode="actual"),
)
TILE = tile_of("WebMercatorQuad", "9", "223", "418")
Edit = tuple[str, int, Any]

_WHICH = st.integers(0, 5)
EDIT: st.SearchStrategy[Edit] = st.one_of(
    st.tuples(st.just("insert"), _WHICH, st.sampled_from(["public", "departments", "owner"])),
    st.tuples(st.just("status"), _WHICH, st.sampled_from(["reported", "confirmed", "completed"])),
    st.tuples(st.just("dead"), _WHICH, st.integers(0, 2)),
    st.tuples(st.just("release"), _WHICH, st.sampled_from(["public", "press", "departments", "owner"])),
    st.tuples(st.just("department"), _WHICH, st.sampled_from(["DSD", "FSD"])),
    st.tuples(st.just("message_status"), _WHICH, st.sampled_from(["exercise", "actual"])),
    st.tuples(st.just("move"), _WHICH, st.none() | st.integers(0, 5)),
    st.tuples(st.just("withdraw"), _WHICH, st.none()),
)
TRANSACTIONS = st.lists(st.lists(EDIT, min_size=1, max_size=4), min_size=8, max_size=12)


@dataclass(frozen=True)
class Seen:
    """What one audience has: items by id, the tile's features by id, and the count."""

    items: dict[str, Any]
    tile: dict[str, Any]
    count: int

    def without(self, hidden: set[str]) -> Seen:
        items, drawn = ({k: v for k, v in kind.items() if k not in hidden} for kind in (self.items, self.tile))
        return Seen(items, drawn, self.count - len(hidden & self.items.keys()))


@dataclass
class Writer:
    """Edits as a department's system makes them; knows each record's last labels, also of those that are gone."""

    owner: Any
    ids: dict[int, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    made: int = 0

    def run(self, edits: list[Edit]) -> None:
        with self.owner.transaction():
            for what, which, value in edits:
                self._edit(what, which, value)

    def _edit(self, what: str, which: int, value: Any) -> None:
        id_ = self.ids.get(which)
        if id_ is None:
            if what == "insert":
                self._insert(which, value)
        elif what == "withdraw":
            self.owner.execute("DELETE FROM layer.incidents WHERE id = %s", [self.ids.pop(which)])
        elif what == "move":
            shape = None if value is None else f"SRID=4326;POINT({114.0 + which / 100 + value / 1000} 22.3)"
            self.owner.execute("UPDATE layer.incidents SET geom = %s::geometry WHERE id = %s", [shape, id_])
        elif what != "insert":
            self.owner.execute(f"UPDATE layer.incidents SET {what} = %s WHERE id = %s", [value, id_])
            if what in self.labels[id_]:
                self.labels[id_][what] = value

    def _insert(self, which: int, release: str) -> None:
        self.made += 1
        labels = {"release": release, "department": "DSD", "message_status": "exercise"}
        row = {"category": "flood", "title_en": f"No {self.made}", "status": "reported", "major": False, "source": "t",
               "reported_at": "2025-09-23T00:00:00Z", "source_ref": f"{id(self)}-{self.made}", **labels}  # fmt: skip
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        statement = f"INSERT INTO layer.incidents ({names}, geom) VALUES ({marks}, %s::geometry) RETURNING id"
        place = f"SRID=4326;POINT({114.0 + which / 100} 22.3)"
        self.ids[which] = self.owner.execute(statement, [*row.values(), place]).fetchone()[0]
        self.labels[self.ids[which]] = labels

    def hidden_from(self, visible: VisibleSet) -> set[str]:
        """Records whose last label this audience may not see."""
        classes = set(visible.classes_of(INCIDENTS))
        return {id_ for id_, label in self.labels.items() if _class(label) not in classes}


def _class(label: dict[str, str]) -> str:
    owner = f"/{label['department']}" if label["release"] == "owner" else ""
    return f"{label['message_status']}:{label['release']}{owner}"


def _seen(visible: VisibleSet, asof: int | None = None) -> Seen:
    more = {} if asof is None else {"asof": str(asof)}
    question = answer.resolved(read_items(INCIDENTS, visible, {"limit": "1000", **more}))
    found = answer.page(question)
    hits = answer.page(answer.resolved(read_items(INCIDENTS, visible, {"resulttype": "hits", **more}))).matched
    assert found.matched == hits
    body = tile(answer.resolved(read_items(INCIDENTS, visible, more)), TILE)
    drawn = mapbox_vector_tile.decode(body)["incidents"]["features"] if body else []
    items = {feature["id"]: feature for feature in map(json.loads, found.features)}
    # Records are at least 400 m apart, so that no two of them merge into one mark of the tile.
    return Seen(items, {f["properties"]["id"]: (f["geometry"], f["properties"]) for f in drawn}, hits)


def _last(visible: VisibleSet) -> int:
    return answer.current_state(read_items(INCIDENTS, visible, {}).question).n


@pytest.fixture
def owner(store: Cluster) -> Iterator[Any]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TRANSACTIONS)
def test_as_of_n_is_the_snapshot_taken_at_n_for_every_audience_soak(
    owner: Any, store: Cluster, transactions: list[list[Edit]]
) -> None:
    owner.execute("DELETE FROM layer.incidents")
    writer = Writer(owner)
    taken: dict[VisibleSet, dict[int, Seen]] = {visible: {} for visible in AUDIENCES}
    for edits in transactions:
        writer.run(edits)
        n = owner.execute("SELECT n FROM cop.head").fetchone()[0]
        for visible in AUDIENCES:
            taken[visible][n] = _seen(visible)
    for visible in AUDIENCES:
        hidden, last = writer.hidden_from(visible), _last(visible)
        for n, snapshot in taken[visible].items():
            # A number that this audience has not heard of is the last that it has.
            if last:
                assert _seen(visible, min(n, last)) == snapshot.without(hidden)


def test_a_store_of_random_edits_verifies(owner: Any, store: Cluster, tmp_path: Any) -> None:
    writer = Writer(owner)
    for turn in range(60):
        kinds = ("insert", "status", "dead", "release", "move", "withdraw")
        values = {"insert": "public", "status": "confirmed", "dead": turn % 3, "move": turn % 7,
                  "release": ("public", "owner")[turn % 2], "withdraw": None}  # fmt: skip
        writer.run([(kind, (turn + place) % 5, values[kind]) for place, kind in enumerate(kinds[: 1 + turn % 6])])
    report = verify(store.owner_dsn, [], Verifier(tmp_path), only=("incidents",))
    assert report.faults == []
    assert report.entries > 60
