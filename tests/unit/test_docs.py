"""The documents say what is true: settings, commands, layers, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cop.catalogue import catalogue
from cop.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `COP_{name.upper()}` \| (.*?) \|", text, re.MULTILINE)
        assert row, f"docs/settings.md lacks COP_{name.upper()}"
        if isinstance(field.default, (int, str)) and not isinstance(field.default, bool):
            assert f"`{field.default}`" == row[1], name
    named = set(re.findall(r"^\| `COP_(\w+)`", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}, "a setting that is no more"


def test_every_layer_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for layer in catalogue().layers:
        assert f"`{layer}`" in text


def test_every_target_of_make_is_known_where_it_is_named() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in DOCS:
        for named in re.findall(r"`make ([a-z]+)", file.read_text()):
            assert named in targets, f"{file.name}: make {named}"


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", file.read_text()):
        if not target.startswith("http"):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_files_named_in_the_architecture_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    folders = ["", "src/", "providers/", "server/", "server/cop_server/", "tiles/cop_tiles/", "ingest/", "ingest/cop_ingest/",
               "providers/cop_providers/", "src/cop/"]  # fmt: skip
    for named in re.findall(r"`([\w/]+\.(?:py|sql|yml))", text):
        assert any((ROOT / folder / named).is_file() for folder in folders), named
