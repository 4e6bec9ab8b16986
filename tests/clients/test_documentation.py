"""docs/clients.md says what is so: its commands and scripts run, its addresses answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
WRITTEN = "http://127.0.0.1:8000"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = _BLOCK.findall(TEXT)
ADDRESSES = sorted(set(re.findall(rf"[`\"]({re.escape(WRITTEN)}[^`\"]*)[`\"]", _BLOCK.sub("", TEXT))))
PLACE = {"z": 10, "x": 836, "y": 447}  # a tile over Hong Kong


def test_the_page_holds_what_is_tested_here() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "python"}
    assert len(ADDRESSES) > 10


@pytest.mark.parametrize(("kind", "script"), BLOCKS, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(BLOCKS)])
def test_a_script_runs(server: str, run: Callable[..., str], tmp_path: Path, kind: str, script: str) -> None:
    file = tmp_path / f"script.{kind}"
    file.write_text(script.replace(WRITTEN, server), encoding="utf-8")
    interpreter = [sys.executable, "-W", "error"] if kind == "python" else ["bash", "-eu"]
    told = run("env", "-C", str(tmp_path), *interpreter, str(file), seconds=240)
    assert "ERROR" not in told
    assert "Traceback" not in told
    assert told.strip()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_answers(server: str, http: httpx.Client, address: str) -> None:
    answer = http.get(re.sub(r"{(\w)}", lambda part: str(PLACE[part[1]]), address.replace(WRITTEN, server)))
    assert answer.status_code == 200, answer.text[:300]
    assert answer.content
