"""Measure how fast tiles are drawn ahead: .venv/bin/python bench/seed.py --help. Needs a built basemap (`make run`).

It draws into a folder of its own, so no kept tile is touched, and puts the figures into docs/speed.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from cop_bench import report
from rich.console import Console

from cop.resources import resource
from cop.settings import Settings, get_settings
from cop_server.basemap_offer import read_configuration
from cop_tiles import seed
from cop_tiles.basemap.folder import built
from cop_tiles.pool import close_shared_pool

ROOT = Path(__file__).parent.parent
_TARGET = 50
_console = Console()


def main() -> int:
    """Measure, print, and write the table; 1 where there is no basemap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", default="light,dark,relief", help="with commas between them")
    parser.add_argument("--dry", action="store_true", help="print only; leave docs/speed.md")
    chosen = parser.parse_args()
    folder = built(get_settings().var / "basemap")
    if folder is None:
        _console.print("✗ there is no basemap to draw from; `make run` or `cop basemap` builds it")
        return 1
    rows = [_measured(layer, folder) for layer in chosen.layers.split(",")]
    if not chosen.dry:
        _write(rows)
    return 0


def _measured(layer: str, folder: Path) -> str:
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="cop-bench-seed-") as made:
        state = Path(made)
        (state / "basemap").mkdir()
        (state / "basemap" / "current").symlink_to(folder)
        configuration = read_configuration(resource("mapproxy") / "mapproxy.yaml", Settings(var=state), seed=True)
        try:
            found = seed.seed(seed.levels(configuration, resource("mapproxy") / "seed.yaml", [layer]), lambda *_: None)
        finally:
            close_shared_pool()
    rate = found.drawn / found.seconds
    word = "met" if rate >= _TARGET else "missed"
    row = f"| {layer} | {found.drawn:,} | {found.seconds:.0f} | {rate:.0f} | {_TARGET} | {word} | {busy:.1f} |"
    _console.print(row, markup=False)
    return row


def _write(rows: list[str]) -> None:
    head = "| layer | tiles | seconds | tiles/s | target |  | load average before |\n|---|---|---|---|---|---|---|"
    report.put_into(ROOT / "docs" / "speed.md", "\n".join([head, *rows]), "seed")


if __name__ == "__main__":
    raise SystemExit(main())
