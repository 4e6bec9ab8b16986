"""Layers applied: additive changes in place, others refused with the way out, nothing half-made."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from cop.catalogue import Catalogue, Layer, catalogue
from cop.catalogue.spec import spec
from cop.errors import SetupTrouble
from cop.resources import package_folder
from cop.store.migrate import apply_layers, migrate
from cop_server.cluster import Cluster, create_database, drop_database


@pytest.fixture
def owner(store: Cluster) -> Any:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def changed(layer: str, **changes: object) -> Catalogue:
    before = catalogue()
    raw = before.layers[layer].model_dump(by_alias=True) | changes
    return Catalogue({layer: Layer.model_validate(raw)}, before.codes, before.version)


def with_column(layer: str, *columns: dict[str, object]) -> Catalogue:
    raw = [column.model_dump(by_alias=True) for column in catalogue().layers[layer].columns]
    return changed(layer, columns=[*raw, *columns])


NOTE: dict[str, object] = {"name": "note", "type": "text", "title": {"en": "Note", "zh": "備註"}}


def test_applying_again_changes_nothing(store: Cluster) -> None:
    assert set(apply_layers(store.owner_dsn, catalogue()).values()) == {"unchanged"}


def test_a_new_column_comes_into_table_history_and_texts(store: Cluster, owner: Any) -> None:
    owner.execute("INSERT INTO layer.districts (id, code) VALUES ('X', 'X')")
    assert apply_layers(store.owner_dsn, with_column("districts", NOTE)) == {"districts": "changed"}
    ((text, seq),) = owner.execute("SELECT doc_public, seq FROM layer.districts").fetchall()
    assert json.loads(text)["properties"]["note"] is None
    assert seq == 1, "the record is the same, so it takes no number"
    assert owner.execute("SELECT count(*) FROM cop.journal").fetchone() == (1,)
    ((old,),) = owner.execute("SELECT doc_public FROM history.districts").fetchall()
    assert "note" in json.loads(old)["properties"]
    owner.execute("UPDATE layer.districts SET note = 'seen'")
    ((new,),) = owner.execute("SELECT doc_public FROM layer.districts").fetchall()
    assert json.loads(new)["properties"]["note"] == "seen"


def test_hiding_a_column_takes_it_out_of_the_texts(store: Cluster, owner: Any) -> None:
    owner.execute("INSERT INTO layer.districts (id, code) VALUES ('X', 'secret')")
    apply_layers(store.owner_dsn, changed("districts", profiles={"public": {"hide": ["code"]}}))
    for table in ("layer", "history"):
        ((text,),) = owner.execute(f"SELECT doc_public FROM {table}.districts").fetchall()
        assert "secret" not in text


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (changed("districts", geometry="Point"), "geometry is geometry(Polygon,4326) in the store and Point in the file"),
        (changed("roads_b50k", columns=[]), "the store has columns that the file has not: theme"),
        (changed("roads_b50k", columns=[{"name": "theme", "type": "integer", "title": {"en": "T", "zh": "T"}}]),
         "column theme is text in the store and bigint in the file"),
    ],
)  # fmt: skip
def test_other_changes_are_refused_with_the_way_out(store: Cluster, layer: Catalogue, told: str) -> None:
    with pytest.raises(SetupTrouble) as caught:
        apply_layers(store.owner_dsn, layer)
    assert told in str(caught.value)
    assert any(way in str(caught.value) for way in ("another id", "Put them back", "Keep the type"))
    assert set(apply_layers(store.owner_dsn, catalogue()).values()) == {"unchanged"}, "nothing was changed"


def test_labels_are_not_turned_off_in_silence(store: Cluster) -> None:
    raw = [column.model_dump(by_alias=True) for column in catalogue().layers["incidents"].columns]
    plain = [column | {"role": None} if column["role"] in ("mode", "release") else column for column in raw]
    other = changed(
        "incidents", columns=plain, kind="reference", key=["source_ref"], numbered=None, writes=None, ticks=()
    )
    with pytest.raises(SetupTrouble, match="labels are made of other columns"):
        apply_layers(store.owner_dsn, other)


def test_a_new_ordinary_layer_is_one_declaration(store: Cluster, owner: Any) -> None:
    new = changed("roads_b50k", id="new_roads")
    assert apply_layers(store.owner_dsn, new) == {"new_roads": "made"}
    owner.execute("INSERT INTO layer.new_roads (id, theme) VALUES ('1', 'road')")
    with psycopg.connect(store.app_dsn) as app:
        assert app.execute("SELECT count(*) FROM layer.new_roads").fetchone() == (1,)


def test_every_table_function_and_policy_is_there_for_every_layer(owner: Any) -> None:
    for layer in catalogue().feature_layers:
        functions = owner.execute(
            "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace"
            " WHERE nspname = 'layer_code' AND proname = ANY (%s) AND prosecdef AND proconfig IS NOT NULL",
            [[f"{layer.id}_{part}" for part in ("before", "commit", "load")]],
        ).fetchone()
        assert functions == (3,), layer.id
        secured = owner.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [f'layer."{layer.id}"'])
        assert secured.fetchone() == (layer.is_labelled,)


def test_migrations_come_to_what_the_schema_file_says(cluster: Cluster) -> None:
    """All migrations on an empty database give the committed schema; a change needs the next migration."""
    name = "t_migrations"
    drop_database(cluster, name)
    made = create_database(cluster, name)
    try:
        migrate(made.owner_dsn)
        with psycopg.connect(made.owner_dsn) as connection:
            found = describe_schema(connection)
        expected = (package_folder() / "sql" / "schema.txt").read_text(encoding="utf-8")
        assert found == expected, "run: python -m cop.store.schema > src/cop/sql/schema.txt, and read the difference"
        assert migrate(made.owner_dsn) == []
    finally:
        drop_database(cluster, name)


def describe_schema(connection: Any) -> str:
    from cop.store.schema import describe

    return describe(connection)


def test_the_spec_is_plain_json() -> None:
    for layer in catalogue().feature_layers:
        assert json.loads(json.dumps(spec(layer)))["id"] == layer.id


def test_what_a_summary_reads_lies_in_an_index(store: Cluster, owner: Any) -> None:
    """Made once, and made anew where other columns are counted."""

    def indexes() -> list[str]:
        found = owner.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'incidents' AND indexname LIKE 'incidents_counted_%'"
        )
        return [row[0] for row in found]

    (before,) = indexes()
    assert "INCLUDE (category, department, district, duplicate_of, estimated_completion_at" in before
    columns = [column.model_dump(by_alias=True) for column in catalogue().layers["incidents"].columns]
    for column in columns:
        column["counted"] = column["counted"] or column["name"] == "road_closed"
    apply_layers(store.owner_dsn, changed("incidents", columns=columns))
    (after,) = indexes()
    assert "road_closed" in after
    apply_layers(store.owner_dsn, changed("incidents", columns=columns))
    assert indexes() == [after]
