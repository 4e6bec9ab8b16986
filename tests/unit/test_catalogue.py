"""The catalogue: what a layer file may say, and how a wrong one is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from cop.catalogue import catalogue, load_catalogue
from cop.catalogue.spec import spec
from cop.errors import BrokenCatalogue
from cop.resources import resource
from cop_ingest.reference import READERS
from cop_server.render import outdated, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resource("layers"), tmp_path / "layers"))


def change(folder: Path, name: str, **changes: object) -> None:
    file = folder / f"{name}.yml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}, allow_unicode=True))


def faults(folder: Path) -> list[str]:
    with pytest.raises(BrokenCatalogue) as caught:
        load_catalogue(folder)
    return caught.value.faults


def test_every_shipped_layer_is_well_formed() -> None:
    assert {"districts", "roads_b50k", "traffic_cameras", "incidents", "terrain"} <= set(catalogue().layers)


def test_a_fault_names_file_key_found_and_wanted(folder: Path) -> None:
    change(folder, "districts", geometry="Blob")
    (fault,) = faults(folder)
    assert fault.startswith("layers/districts.yml: geometry: found 'Blob', wanted: ")
    assert "Polygon" in fault


def test_every_fault_is_told_at_once(folder: Path) -> None:
    change(folder, "districts", group="nothing")
    change(folder, "roads_b50k", colour="red")
    change(folder, "land", department="XYZ")
    told = "\n".join(faults(folder))
    assert "districts.yml: group" in told
    assert "roads_b50k.yml: colour" in told
    assert "land.yml: department: found 'XYZ'" in told


def made(rule: dict[str, object]) -> dict[str, object]:
    """A column of two codes that is derived by a rule."""
    title = {"en": "a", "zh": "a"}
    return {"name": "a", "type": "code", "title": title, "codes": {"x": title, "y": title}, "derived": rule}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"key": ["nothing"]}, "no column is called nothing"),
        ({"columns": [{"name": "a", "type": "text", "title": {"en": "a", "zh": "a"}}] * 2, "key": "geometry"}, "named twice"),
        ({"columns": [{"name": "seq", "type": "text", "title": {"en": "a", "zh": "a"}}], "key": "geometry"}, "the store's own"),
        ({"columns": [{"name": "a", "type": "code", "title": {"en": "a", "zh": "a"}}], "key": "geometry"}, "codes"),
        ({"kind": "coverage"}, "geometry: null is for coverages"),
        ({"kind": "latest", "key": "geometry"}, "role time"),
        ({"kind": "register"}, "a register needs"),
        ({"columns": [made({"from": "none", "levels": [3]})], "key": "geometry", "places": None}, "no column is called none"),
        ({"columns": [made({"from": "a", "levels": [3, 4]})], "key": "geometry", "places": None}, "2 thresholds, wanted one less than the 2"),
        ({"columns": [made({"from": "a", "trend_minutes": 5})], "key": "geometry", "places": None}, "trend_minutes is for layers of latest"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(folder: Path, changes: dict[str, object], wanted: str) -> None:
    change(folder, "districts", **changes)
    assert wanted in "\n".join(faults(folder))


def test_the_file_is_called_as_the_layer(folder: Path) -> None:
    (folder / "districts.yml").rename(folder / "regions.yml")
    assert faults(folder) == ["layers/regions.yml: id: found 'districts', wanted 'regions' as the file is called"]


def test_two_layers_of_one_id_are_refused(folder: Path) -> None:
    shutil.copy(folder / "districts.yml", folder / "boundaries.yml")
    assert faults(folder) == ["layers/boundaries.yml: id: found 'districts', wanted 'boundaries' as the file is called"]


def test_what_is_not_yaml_is_told(folder: Path) -> None:
    (folder / "broken.yml").write_text("id: [")
    assert "layers/broken.yml: is not YAML" in faults(folder)[0]
    (folder / "broken.yml").write_text("- a")
    assert "wanted a mapping" in faults(folder)[0]


def test_the_version_follows_the_files(folder: Path) -> None:
    before = load_catalogue(folder).version
    change(folder, "districts", description={"en": "Other", "zh": "其他"})
    assert load_catalogue(folder).version != before


def test_rendered_files_are_what_the_layers_say() -> None:
    root = Path(__file__).parent.parent.parent
    assert outdated(catalogue(), root) == []


def test_a_changed_layer_makes_rendered_files_outdated(folder: Path, tmp_path: Path) -> None:
    write(load_catalogue(folder), tmp_path)
    assert outdated(load_catalogue(folder), tmp_path) == []
    change(folder, "districts", title={"en": "Regions", "zh": "區域"})
    assert outdated(load_catalogue(folder), tmp_path) == [
        "pygeoapi-config.yml",
        "openapi/openapi.json",
        "openapi/asyncapi.json",
    ]


def test_hidden_columns_are_in_the_table_and_not_in_the_profile() -> None:
    told = spec(catalogue().layers["incidents"])
    assert {"name": "dead", "type": "bigint"} in told["columns"]
    assert "dead" not in told["profiles"]["public"]


def test_every_reader_that_a_layer_names_is_there() -> None:
    for layer in catalogue().layers.values():
        named = {layer.source.reader, layer.source.published.reader if layer.source.published else None} - {None}
        assert named <= set(READERS), layer.id


def test_what_only_departments_see_is_labelled_with_a_mode() -> None:
    """An exercise's one-click entry is bound to a mode; it must not open columns of layers that know none."""
    for layer in catalogue().layers.values():
        if "internal" in layer.profiles:
            assert layer.is_labelled, layer.id
            assert layer.with_role("mode") is not None, layer.id
