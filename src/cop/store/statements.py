"""Named SQL statements: text lives in .sql files, each behind a line `-- name --` and a sentence of comment."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

_NAME = re.compile(r"^-- ([a-z0-9_]+) --$", re.MULTILINE)


@lru_cache(maxsize=32)
def statements(file: Path) -> dict[str, str]:
    """Every statement of a file by its name.

    Raises ValueError where a name stands twice.
    """
    parts = _NAME.split(file.read_text(encoding="utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{file.name}: a statement's name stands twice")
    return {name: _without_comments(body) for name, body in zip(names, bodies, strict=True)}


def _without_comments(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().rstrip(";")
