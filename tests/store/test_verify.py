"""Verification: whatever is altered, removed, inserted, cut or written again is found, and what is sound is not accused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.heads import FOLDER, Verifier, ensure_key, kept_heads, sign_head
from cop.upkeep import redact
from cop.verify import Report, examine, verify
from cop_server.cluster import Cluster, create_database, drop_database

INCIDENTS = catalogue().layers["incidents"]
INSERT = """
INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at,
                             source, source_ref, dead, geom)
VALUES ('flood', %s, 'DSD', 'reported', false, 'exercise', %s, '2025-09-23 01:02:03+08', 'test', %s, 1,
        ST_SetSRID(ST_Point(114.1, 22.3), 4326)) RETURNING id
"""
Verify = Callable[[], Report]
LAYERS = ("incidents", "place_names")


@pytest.fixture
def owner(store: Cluster) -> Any:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def insert(owner: Any, ref: str, release: str = "public") -> str:
    return str(owner.execute(INSERT, [f"Flood {ref}", release, ref]).fetchone()[0])


def load(owner: Any, *names: str) -> None:
    """One bulk load of place names: those that are named stay or come, the others go."""
    with owner.transaction():
        owner.execute("SELECT cop.begin_load('place_names', %s)", ["/".join(names).encode()])
        owner.execute("DELETE FROM layer.place_names WHERE NOT id = ANY (%s)", [list(names)])
        for name in names:
            owner.execute("INSERT INTO layer.place_names (id, name_en) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET"
                          " name_en = excluded.name_en || '!'", [name, name])  # fmt: skip


@pytest.fixture
def told(owner: Any) -> list[str]:
    return tell(owner)


def tell(owner: Any) -> list[str]:
    """A store with a past: inserts, updates, a relabelling, a deletion, and loads that bring, change and end."""
    ids = [insert(owner, ref) for ref in "abc"]
    owner.execute("UPDATE layer.incidents SET status = 'confirmed' WHERE id = %s", [ids[0]])
    owner.execute("UPDATE layer.incidents SET release = 'departments', geom = NULL WHERE id = %s", [ids[1]])
    owner.execute("UPDATE layer.incidents SET release = 'public' WHERE id = %s", [ids[1]])
    load(owner, "p", "q", "r")
    load(owner, "p", "q")
    owner.execute("DELETE FROM layer.incidents WHERE id = %s", [ids[2]])
    with owner.transaction():
        owner.execute("UPDATE layer.incidents SET status = 'responding'")
        owner.execute("UPDATE layer.place_names SET name_en = 'by hand' WHERE id = 'p'")
    return ids


@pytest.fixture
def checked(store: Cluster, tmp_path: Path) -> Verify:
    ensure_key(tmp_path)
    return lambda: verify(store.owner_dsn, kept_heads(tmp_path), Verifier(tmp_path), only=LAYERS)


@pytest.fixture(scope="module")
def kept(cluster: Cluster, template: str) -> Iterator[tuple[str, list[str]]]:
    """The same store for all tests that take back what they do: the owner's address, and the ids of its incidents."""
    name = f"t_verify_{os.getpid()}"
    made = create_database(cluster, name, template)
    with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
        ids = tell(connection)
    yield made.owner_dsn, ids
    drop_database(cluster, name)


@pytest.fixture
def at_hand(kept: tuple[str, list[str]]) -> Iterator[Any]:
    with psycopg.connect(kept[0]) as connection:
        yield connection
        connection.rollback()


def places(report: Report) -> set[tuple[str, str | None]]:
    return {(fault.where, fault.what.split(":")[0] if ":" in fault.what else None) for fault in report.faults}


def test_what_is_sound_is_not_accused(told: list[str], store: Cluster, checked: Verify, tmp_path: Path) -> None:
    assert checked().faults == []
    sign_head(store.owner_dsn, tmp_path)
    report = checked()
    assert report.faults == []
    assert (report.head, report.entries, report.heads, report.unsealed_loads) == (12, 12, 2, 0)


def test_a_whole_installation_is_sound(loaded: Cluster, tmp_path: Path) -> None:
    report = verify(loaded.owner_dsn, [], Verifier(tmp_path))
    assert [str(fault) for fault in report.faults[:5]] == []
    assert report.layers == len(catalogue().feature_layers)
    assert report.entries > 100


ALTERED = {
    "a journal row's actor": ("UPDATE cop.journal SET actor = 'nobody' WHERE n = 2", "cop.journal", None),
    "a journal row's label": ("UPDATE cop.journal SET cls_after = 'exercise:emsc' WHERE n = 2", "cop.journal", None),
    "a journal row away": ("DELETE FROM cop.journal WHERE n = 2", "cop.journal", None),
    "a journal's number": ("UPDATE cop.journal SET n = 100 WHERE n = 12", "cop.journal", None),
    "the head": ("UPDATE cop.head SET n = 11", "cop.head", None),
    "a version's content": ("UPDATE history.incidents SET title_en = 'x' WHERE seq = 1", "history.incidents", "altered"),
    "a version's place": (
        "UPDATE history.incidents SET geom = ST_SetSRID(ST_Point(114.2, 22.3), 4326) WHERE seq = 1", "history.incidents", "altered"),
    "a version's text": (
        "UPDATE history.incidents SET doc_public = replace(doc_public, 'Flood', 'Dry') WHERE seq = 1", "history.incidents", "altered"),
    "a version's drawn place": (
        "UPDATE history.incidents SET geom_3857 = ST_Translate(geom_3857, 1, 0) WHERE seq = 1", "history.incidents", "altered"),
    "a version's label": ("UPDATE history.incidents SET cls = 'exercise:public' WHERE cls = 'exercise:departments'", "history.incidents", "altered"),
    "a label of today": ("UPDATE history.incidents SET cls_now = 'exercise:owner/FSD' WHERE seq = 1", "history.incidents", "altered"),
    "a version's end": ("UPDATE history.incidents SET seq_to = 11 WHERE seq = 1", "history.incidents", "altered"),
    "a version's time": ("UPDATE history.incidents SET updated_at = '2999-01-01' WHERE seq = 1", "history.incidents", "altered"),
    "a version away": ("DELETE FROM history.incidents WHERE seq = 1", "history.incidents", "removed"),
    "a version more": (
        "INSERT INTO history.incidents (id, cls, cls_now, seq, seq_to, payload_hash) VALUES ('I', 'exercise:public', 'exercise:public', 1, 2, '')",
        "history.incidents", "inserted"),
    "a loaded version's content": ("UPDATE history.place_names SET name_en = 'x' WHERE id = 'q' AND seq = 7", "history.place_names", "altered"),
    "a loaded version away": ("DELETE FROM history.place_names WHERE id = 'q' AND seq = 7", "history.place_names", "altered, removed or inserted"),
    "a loaded version more": (
        "INSERT INTO history.place_names (id, cls, cls_now, seq, seq_to, payload_hash) VALUES ('z', 'public', 'public', 7, 8, '')",
        "history.place_names", "altered, removed or inserted"),
    "a loaded end": ("UPDATE history.place_names SET seq_to = 9223372036854775807 WHERE id = 'r'", "history.place_names", "altered, removed or inserted"),
    "a layer's declaration": ("DELETE FROM cop.layer WHERE id = 'place_names'", "layer.place_names", None),
    "a pruning that never was": ("INSERT INTO cop.horizon VALUES ('incidents', 5, 5)", "history.incidents", "altered, removed or inserted"),
    "a count": ("UPDATE cop.mark SET count = 7 WHERE layer = 'incidents' AND cls = 'exercise:public'", "layer.incidents", "exercise"),
    "what a load brought": ("DELETE FROM cop.load WHERE n = 7", "history.place_names", "removed"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_what_is_altered_by_hand_is_found(at_hand: Any, tmp_path: Path, what: str) -> None:
    statement, where, kind = ALTERED[what]
    assert at_hand.execute(statement).rowcount > 0
    assert (where, kind) in places(examine(at_hand, [], Verifier(tmp_path), only=LAYERS))


OF_LAYERS = {
    "altered": "UPDATE layer.incidents SET title_en = 'x' WHERE id = %s",
    "removed": "DELETE FROM layer.incidents WHERE id = %s",
    "inserted": "INSERT INTO layer.incidents SELECT * FROM jsonb_populate_record(NULL::layer.incidents, (SELECT to_jsonb(t)"
    ' || \'{"id": "I-forged", "source_ref": "f"}\' FROM layer.incidents AS t WHERE id = %s))',
}


@pytest.mark.parametrize("what", OF_LAYERS)
def test_a_layers_row_past_the_triggers_is_found(
    at_hand: Any, kept: tuple[str, list[str]], tmp_path: Path, what: str
) -> None:
    at_hand.execute("SELECT set_config('cop.own_write', '1', true)")
    assert at_hand.execute(OF_LAYERS[what], [kept[1][0]]).rowcount == 1
    assert ("layer.incidents", what) in places(examine(at_hand, [], Verifier(tmp_path), only=LAYERS))


def test_a_loaded_row_with_a_fitting_hash_is_found_by_the_loads_seal(
    told: list[str], owner: Any, checked: Verify
) -> None:
    expression = owner.execute(
        "SELECT cop.payload_expression(spec, 't') FROM cop.layer WHERE id = 'place_names'"
    ).fetchone()[0]
    documents = owner.execute(
        "SELECT cop.doc_expression(spec, 'public', 't') FROM cop.layer WHERE id = 'place_names'"
    ).fetchone()[0]
    for table in ("layer", "history"):
        with owner.transaction():
            owner.execute("SELECT set_config('cop.own_write', '1', true)")
            owner.execute(f"UPDATE {table}.place_names SET name_en = 'forged' WHERE id = 'q'")
            owner.execute(f"UPDATE {table}.place_names AS t SET doc_public = {documents} WHERE id = 'q'")
    owner.execute(f"UPDATE history.place_names AS t SET payload_hash = {expression} WHERE id = 'q'")
    assert places(checked()) == {("history.place_names", "altered, removed or inserted")}


CUT = """
DELETE FROM history.incidents WHERE seq = 4;
UPDATE history.incidents SET seq_to = 9223372036854775807 WHERE seq_to = 4;
DELETE FROM cop.journal WHERE n = 4;
UPDATE cop.head SET (n, hash) = (SELECT n, hash FROM cop.journal ORDER BY n DESC LIMIT 1);
"""


def test_a_tail_that_was_cut_is_found_by_the_signed_head(
    store: Cluster, owner: Any, checked: Verify, tmp_path: Path
) -> None:
    ids = [insert(owner, ref) for ref in "abc"]
    owner.execute("UPDATE layer.incidents SET status = 'confirmed' WHERE id = %s", [ids[0]])
    sign_head(store.owner_dsn, tmp_path)
    with owner.transaction():
        owner.execute(CUT)
        owner.execute("SELECT set_config('cop.own_write', '1', true)")
        owner.execute("DELETE FROM layer.incidents WHERE id = %s", [ids[0]])
        columns = "id, provenance, geom, geom_3857, cls, seq, doc_public, doc_internal, " + ", ".join(
            c.name for c in INCIDENTS.columns
        )
        owner.execute(
            f"INSERT INTO layer.incidents ({columns}) SELECT {columns} FROM history.incidents WHERE id = %s", [ids[0]]
        )
        owner.execute("DELETE FROM cop.signed_head")
    faults = checked().faults
    assert {fault.where for fault in faults} == {"the file of heads", "cop.signed_head"}, "all else was put right"
    assert any("the chain was cut" in fault.what for fault in faults)


REWRITE = """
DO $$
DECLARE j cop.journal; before_ bytea := '\\x';
BEGIN
    FOR j IN SELECT * FROM cop.journal ORDER BY n LOOP
        IF j.n = 2 THEN j.actor := 'somebody else'; END IF;
        j.hash_before := before_;
        before_ := sha256(before_ || convert_to(concat_ws(E'\\x1f', j.n, extract(epoch FROM j.at)::text, j.layer,
            coalesce(j.feature, E'\\x1e'), j.op, j.actor, coalesce(j.cause, E'\\x1e'), coalesce(j.cls_before, E'\\x1e'),
            coalesce(j.cls_after, E'\\x1e'), extract(epoch FROM j.told_at)::text), 'UTF8') || j.payload_hash);
        UPDATE cop.journal SET actor = j.actor, hash_before = j.hash_before, hash = before_ WHERE n = j.n;
    END LOOP;
    UPDATE cop.head SET hash = before_;
END $$
"""


def test_a_chain_that_was_written_again_is_found_by_the_signed_head(
    told: list[str], store: Cluster, owner: Any, checked: Verify, tmp_path: Path
) -> None:
    sign_head(store.owner_dsn, tmp_path)
    owner.execute(REWRITE)
    report = checked()
    assert {fault.where for fault in report.faults} == {"cop.signed_head", "the file of heads"}
    assert all("written again" in fault.what for fault in report.faults)
    owner.execute("DELETE FROM cop.signed_head")
    assert any("written again" in fault.what for fault in checked().faults), "the file beside the store still knows"
    owner.execute("UPDATE cop.journal SET actor = actor")
    forged = ensure_key(tmp_path / "elsewhere")
    assert forged
    sign_head(store.owner_dsn, tmp_path / "elsewhere")
    assert any("not in the folder" in fault.what for fault in checked().faults), (
        "a key of somebody else is none of ours"
    )


def test_a_forged_signature_is_found(
    told: list[str], store: Cluster, owner: Any, checked: Verify, tmp_path: Path
) -> None:
    sign_head(store.owner_dsn, tmp_path)
    owner.execute("UPDATE cop.signed_head SET signed_at = signed_at - interval '1 day'")
    assert "its signature is not good" in {fault.what for fault in checked().faults}


def test_the_key_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    first = ensure_key(tmp_path).public_key().public_bytes_raw()
    assert ensure_key(tmp_path).public_key().public_bytes_raw() == first
    assert ((tmp_path / FOLDER / "key.pem").stat().st_mode & 0o777) == 0o600


def test_a_redaction_empties_all_versions_and_the_chain_still_proves(
    told: list[str], store: Cluster, owner: Any, checked: Verify
) -> None:
    before = owner.execute(
        "SELECT seq, payload_hash FROM history.incidents WHERE id = %s ORDER BY seq", [told[0]]
    ).fetchall()
    assert redact(store.owner_dsn, INCIDENTS, told[0], ["title_en", "geometry"], reason="a name", by="DPO") == (3, 4)
    texts = owner.execute(
        "SELECT title_en, geom, geom_3857, doc_public || doc_internal FROM history.incidents WHERE id = %(id)s UNION ALL"
        " SELECT title_en, geom, geom_3857, doc_public || doc_internal FROM layer.incidents WHERE id = %(id)s", {"id": told[0]},
    ).fetchall()  # fmt: skip
    assert len(texts) == 5
    assert all(row[:3] == (None, None, None) and "Flood" not in row[3] and "114.1" not in row[3] for row in texts)
    after = owner.execute(
        "SELECT seq, payload_hash FROM history.incidents WHERE id = %s ORDER BY seq", [told[0]]
    ).fetchall()
    assert after[:3] == before, "the hashes of what was there stay"
    report = checked()
    assert report.faults == []
    assert {one.seq for one in report.redacted} == {row[0] for row in before}
    entry = owner.execute("SELECT actor, cause, op FROM cop.journal ORDER BY n DESC LIMIT 1").fetchone()
    assert entry == ("DPO", "redaction: a name", "redact")


def test_a_deleted_record_is_redacted_too_and_its_readers_caches_are_told(
    told: list[str], store: Cluster, owner: Any, checked: Verify
) -> None:
    mark = "SELECT n FROM cop.mark WHERE layer = 'incidents' AND cls = 'exercise:public'"
    before = owner.execute(mark).fetchone()[0]
    assert redact(store.owner_dsn, INCIDENTS, told[2], ["title_en"], reason="a name", by="DPO") == (1, 1)
    assert owner.execute(mark).fetchone()[0] > before
    assert checked().faults == []


def test_only_what_a_redaction_covers_is_accepted(told: list[str], store: Cluster, owner: Any, checked: Verify) -> None:
    redact(store.owner_dsn, INCIDENTS, told[0], ["title_en"], reason="a name", by="DPO")
    owner.execute("UPDATE history.incidents SET location_en = 'x' WHERE id = %s AND seq = 1", [told[0]])
    assert ("history.incidents", "altered") in places(checked())
    owner.execute("UPDATE history.incidents SET location_en = NULL WHERE id = %s AND seq = 1", [told[0]])
    assert checked().faults == []
    owner.execute("UPDATE cop.redaction SET reason = 'another'")
    assert ("cop.redaction", None) in places(checked())
    owner.execute("DELETE FROM cop.redaction")
    assert {("cop.redaction", None), ("history.incidents", "altered")} <= places(checked())


def test_what_cannot_be_redacted_is_said(told: list[str], store: Cluster, owner: Any) -> None:
    before = owner.execute("SELECT n FROM cop.head").fetchone()
    for feature, columns, reason in (
        ("I-none", ["title_en"], "r"), (told[0], ["release"], "r"), (told[0], ["department"], "r"), (told[0], ["nonsense"], "r"),
        (told[0], [], "r"), (told[0], ["title_en"], " "),
    ):  # fmt: skip
        with pytest.raises(SetupTrouble):
            redact(store.owner_dsn, INCIDENTS, feature, columns, reason=reason, by="DPO")
    assert owner.execute("SELECT n FROM cop.head").fetchone() == before
