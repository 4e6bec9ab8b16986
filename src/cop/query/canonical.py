"""One text for one question, in every process: what ETags, cache keys and cursors are made of."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum

from pygeofilter import ast, values

_PLAIN = (bool, int, float, str, type(None))


def canonical(value: object) -> str:
    """A value's text by its type and parts, never by where it lies in memory.

    Raises TypeError for a type that it does not know: two of those might be taken for one another.
    """
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (date, Enum)):
        return f"{type(value).__name__}:{value}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{canonical(k)}:{canonical(value[k])}' for k in sorted(value))}}}"
    if isinstance(value, (ast.Node, values.Geometry, values.Interval, values.Envelope)):
        return f"{type(value).__name__}({canonical(vars(value))})"
    if is_dataclass(value):
        return f"{type(value).__name__}({','.join(canonical(getattr(value, f.name)) for f in fields(value))})"
    raise TypeError(f"{type(value).__name__} has no canonical text")


def question_hash(*parts: object) -> str:
    """What answers, tags and cursors of a question are known by."""
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]
