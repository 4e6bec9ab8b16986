"""The commands that keep the record, and what letting go of old versions leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from cop.catalogue import Catalogue, Layer, catalogue
from cop.errors import Gone, SetupTrouble
from cop.heads import Verifier, kept_heads
from cop.query import answer
from cop.query.parse import read_items
from cop.settings import get_settings
from cop.upkeep import prune
from cop.verify import verify
from cop.visible import VisibleSet
from cop_server.cli import app
from cop_server.cluster import Cluster

INCIDENTS = catalogue().layers["incidents"]
PUBLIC = VisibleSet(mode="exercise")
NOW = 1e-9  # days


@pytest.fixture
def owner(store: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COP_VAR", str(tmp_path))
    get_settings.cache_clear()
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def insert(owner: Any, ref: str) -> str:
    statement = (
        "INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at, source,"
        " source_ref, geom) VALUES ('flood', %s, 'DSD', 'reported', false, 'exercise', 'public', '2025-09-23 01:02:03+08', 't', %s,"
        " ST_SetSRID(ST_Point(114.1, 22.3), 4326)) RETURNING id"
    )
    return str(owner.execute(statement, [f"Flood {ref}", ref]).fetchone()[0])


@pytest.fixture
def told(owner: Any) -> list[str]:
    """Seven numbers: two records, one of them changed and deleted; a layer loaded twice."""
    ids = [insert(owner, "a"), insert(owner, "b")]
    for status in ("confirmed", "responding"):
        owner.execute("UPDATE layer.incidents SET status = %s WHERE id = %s", [status, ids[0]])
    owner.execute("DELETE FROM layer.incidents WHERE id = %s", [ids[0]])
    for name in ("one", "two"):
        with owner.transaction():
            owner.execute("SELECT cop.begin_load('place_names', %s)", [name.encode()])
            owner.execute("DELETE FROM layer.place_names")
            owner.execute("INSERT INTO layer.place_names (id, name_en) VALUES ('p', %s), (%s, 'own')", [name, name])
    return ids


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def page(asof: int) -> list[bytes]:
    return answer.page(answer.resolved(read_items(INCIDENTS, PUBLIC, {"asof": str(asof)}))).features


def pruned(store: Cluster, days: float | None, *, really: bool, of: Catalogue | None = None) -> dict[str, int]:
    return {one.layer: one.versions for one in prune(store.owner_dsn, of or catalogue(), days, really=really)}


def test_verify_ends_well_or_names_the_row(told: list[str], owner: Any) -> None:
    signed = run("head", "sign")
    assert signed.exit_code == 0
    assert signed.stdout.startswith("7 ")
    assert run("verify", "--layer", "incidents").exit_code == 0
    owner.execute("UPDATE history.incidents SET title_en = 'x' WHERE id = %s AND seq = 2", [told[1]])
    found = run("verify", "--layer", "incidents")
    assert found.exit_code == 1
    assert f"history.incidents {told[1]} at 2: altered" in found.stdout
    assert run("verify", "--layer", "place_names").exit_code == 0
    assert isinstance(run("verify", "--layer", "nothing").exception, SetupTrouble)


def test_redact_by_command(told: list[str], owner: Any, tmp_path: Path) -> None:
    done = run(
        "redact", "incidents", told[0], "--columns", "title_en,description_en", "--reason", "a name", "--by", "DPO"
    )
    assert done.exit_code == 0, done.output
    assert owner.execute("SELECT count(*) FROM history.incidents WHERE title_en = 'Flood a'").fetchone() == (0,)
    assert len(kept_heads(tmp_path)) == 1, "the head is signed with it"
    assert run("verify", "--layer", "incidents").exit_code == 0
    assert isinstance(
        run("redact", "nothing", "x", "--columns", "a", "--reason", "r", "--by", "b").exception, SetupTrouble
    )


def test_prune_by_command_says_before_it_does(
    told: list[str], owner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("history", "prune", "--really")
    assert isinstance(refused.exception, SetupTrouble)
    assert "kept for ever" in str(refused.exception)
    monkeypatch.setenv("COP_HISTORY_DAYS", str(NOW))
    get_settings.cache_clear()
    count = "SELECT (SELECT count(*) FROM history.incidents) + (SELECT count(*) FROM history.place_names)"
    before = owner.execute(count).fetchone()[0]
    dry = run("history", "prune")
    assert "incidents: 3 versions" in dry.stdout
    assert "place_names: 2 versions" in dry.stdout
    assert owner.execute(count).fetchone()[0] == before
    assert run("history", "prune", "--really").stdout == dry.stdout
    assert owner.execute(count).fetchone()[0] == before - 5
    assert [head.n for head in kept_heads(tmp_path)] == [9]
    assert run("verify").exit_code == 0


def test_the_past_ends_at_the_horizon_and_is_whole_behind_it(told: list[str], owner: Any, store: Cluster) -> None:
    last = page(7)
    with pytest.raises(Gone):
        page(0)
    assert len(page(1)) == 1
    assert pruned(store, NOW, really=True) == {
        layer.id: {"incidents": 3, "place_names": 2}.get(layer.id, 0) for layer in catalogue().feature_layers
    }
    with pytest.raises(Gone) as gone:
        page(1)
    assert page(7) == last
    assert gone.value.example is not None
    by_time = answer.resolved(read_items(INCIDENTS, PUBLIC, {"asof": gone.value.example}))
    assert by_time.asof == 7
    districts = catalogue().layers["districts"]
    assert answer.page(answer.resolved(read_items(districts, PUBLIC, {"asof": "1"}))).matched == 0, (
        "nothing of it has gone"
    )


def test_what_prunings_leave_is_vouched_for(told: list[str], owner: Any, store: Cluster, tmp_path: Path) -> None:
    pruned(store, NOW, really=True)
    with owner.transaction():
        owner.execute("SELECT cop.begin_load('place_names', 'three')")
        owner.execute("DELETE FROM layer.place_names WHERE id = 'p'")
    pruned(store, NOW, really=True)

    def faults() -> set[str]:
        report = verify(store.owner_dsn, [], Verifier(tmp_path), only=("incidents", "place_names"))
        return {fault.where for fault in report.faults}

    assert faults() == set()
    expression = owner.execute(
        "SELECT cop.payload_expression(spec, 't') FROM cop.layer WHERE id = 'place_names'"
    ).fetchone()[0]
    for table in ("layer", "history"):
        with owner.transaction():
            owner.execute("SELECT set_config('cop.own_write', '1', true)")
            owner.execute(f"UPDATE {table}.place_names SET name_en = 'x', doc_public = replace(doc_public, 'own', 'x')")
    owner.execute(f"UPDATE history.place_names AS t SET payload_hash = {expression}")
    assert faults() == {"history.place_names"}, "a fitting hash is not enough, for the pruning has one of all"


def test_a_layer_may_keep_its_history_shorter_or_longer(told: list[str], store: Cluster, owner: Any) -> None:
    raw = INCIDENTS.model_dump(by_alias=True)
    places = catalogue().layers["place_names"]

    def of(days: float | None) -> Catalogue:
        other = Layer.model_validate(raw | {"history_days": days})
        return Catalogue({"incidents": other, "place_names": places}, catalogue().codes, "t")

    assert pruned(store, None, really=False, of=of(NOW)) == {"incidents": 3}
    assert pruned(store, NOW, really=False, of=of(30)) == {"place_names": 2}, "nothing was committed 30 days ago"
    assert pruned(store, None, really=False, of=of(None)) == {}
