"""The feeds' files: they fit the catalogue, their parsers are there, the documents and commands know them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from feed_source import Source, feed_of
from pydantic import ValidationError
from typer.testing import CliRunner

from cop.catalogue import catalogue
from cop.errors import BrokenCatalogue, SetupTrouble
from cop.settings import get_settings
from cop_ingest.feeds import table
from cop_ingest.feeds.check import faults_of
from cop_ingest.feeds.declared import Declarative, feeds, load_feeds
from cop_ingest.inbox.declared import mappings
from cop_server.cli import app
from cop_server.cluster import Cluster
from cop_server.console import console

ROOT = Path(__file__).parent.parent.parent


def test_every_feed_fits_the_catalogue() -> None:
    assert faults_of(feeds(), catalogue()) == []


def test_every_parser_is_there() -> None:
    for feed in feeds().values():
        for name in filter(None, (feed.follow, None if isinstance(feed.parser, Declarative) else feed.parser)):
            module, _, function = name.partition(":")
            assert callable(getattr(import_module(module), function)), feed.id


def test_the_table_of_the_documents_is_that_of_the_files() -> None:
    told = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    found = told.partition("<!-- feeds: begin -->\n")[2].partition("<!-- feeds: end -->")[0]
    assert found == table.markdown(feeds()), "put what `cop ingest feeds --markdown` prints between the marks"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"target": {"layer": "nothing", "how": "latest"}}, "there is no layer nothing"),
        ({"target": {"layer": "warnings", "how": "latest"}}, "of kind register"),
        ({"target": {"layer": "warnings", "how": "register", "absent": {"gone": 1}}}, "no column gone"),
        ({"position": {"layer": "weather_stations", "by": "name", "from": "station_en"}}, "no column name"),
        ({"department": "XYZ"}, "found XYZ"),
    ],
)
def test_a_feed_that_does_not_fit_is_named(more: dict[str, Any], fault: str) -> None:
    feed = feed_of(**more)
    assert any(fault in line and line.startswith("stub_wind.yml: ") for line in faults_of({feed.id: feed}, catalogue()))


@pytest.mark.parametrize(
    "more",
    [
        {"late_s": 900}, {"cadence_s": 600}, {"cadence": 60}, {"parts": {}}, {"parts": {"en": {"url": "ftp://x/y"}}},
        {"target": {"layer": "wind_10min", "how": "latest", "absent": {}}}, {"tls": "none"},
    ],
)  # fmt: skip
def test_a_file_says_only_what_is_known(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        feed_of(**more)


def test_a_broken_file_is_told_by_name_and_key(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("id: a\ncadence: 5\n")
    (tmp_path / "b.yml").write_text("id: [")
    with pytest.raises(BrokenCatalogue, match=r"a\.yml: (.|\n)*b\.yml: cannot be read"):
        load_feeds(tmp_path)


@pytest.fixture
def cop(
    database_once: Cluster, owner: Any, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[int, str]]]:
    """The command `cop ingest` over the module's database, with the tests' server for a mirror: exit code and words."""
    for name, value in {
        "COP_DATABASE_URL": database_once.owner_dsn, "COP_APP_DATABASE_URL": database_once.app_dsn,
        "COP_VAR": str(tmp_path), "COP_FEEDS": "live", "COP_FEEDS_URL": source.url,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    said = io.StringIO()
    monkeypatch.setattr(console, "file", said)

    def run(*words: str) -> tuple[int, str]:
        said.seek(0)
        said.truncate()
        result = CliRunner().invoke(app, ["ingest", *words])
        trouble = str(result.exception) if isinstance(result.exception, SetupTrouble) else ""
        return result.exit_code, said.getvalue() + result.output + trouble

    yield run
    get_settings.cache_clear()


def test_commands_ask_report_and_say_what_is_wrong(
    cop: Callable[..., tuple[int, str]], source: Source, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/data.weather.gov.hk/weatherAPI/opendata/weather.php?dataType=warnsum&lang="
    for language in ("en", "tc"):
        source.says(b"{}", path=path + language)
    code, told = cop("once", "--feed", "hko_warnsum")
    assert (code, "hko_warnsum: quiet" in told) == (0, True), told
    assert owner.execute("SELECT state FROM layer.feeds WHERE id = 'hko_warnsum'").fetchone() == ("quiet",)
    source.says(b"<html>", path=path + "en")
    assert cop("once", "--feed", "hko_warnsum")[0] == 1
    code, told = cop("report", "--feed", "hko_warnsum")
    assert code == 0
    assert "1 turns quiet: 0 seen" in told
    assert "failed 1: " in told
    assert "down" in next(line for line in cop("feeds")[1].splitlines() if line.startswith("hko_warnsum "))
    code, told = cop("rerun", "--feed", "hko_warnsum", "--from", "2020-01-01T00:00")
    assert (code, told.count("turn ")) == (0, 2)
    assert cop("rerun", "--feed", "hko_warnsum", "--from", "yesterday")[0] == 1
    assert "let go of 0 turns" in cop("prune")[1]
    code, told = cop("once", "--feed", "hko_nothing")
    assert (code, "there is no feed hko_nothing" in told) == (1, True)
    monkeypatch.setenv("COP_FEEDS", "off")
    get_settings.cache_clear()
    assert "COP_FEEDS is off" in cop("run")[1]


def test_every_layer_names_the_feeds_that_stand_behind_it() -> None:
    behind: dict[str, set[str]] = {}
    for feed in feeds().values():
        behind.setdefault(feed.target.layer, set()).add(feed.id)
        if feed.target.coverage:
            behind.setdefault(feed.target.coverage, set()).add(feed.id)
    for form in mappings().values():
        if form.every_s is not None:
            behind.setdefault(form.layer, set()).add(form.id)
    assert not set(mappings()) & set(feeds())
    told = {layer.id: set(layer.feeds) for layer in catalogue().layers.values() if layer.feeds}
    assert told == behind
