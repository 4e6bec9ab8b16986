"""Versions of a feature: who changed what and when, as far as a visible set and its profile show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from psycopg import sql

import cop
from cop.catalogue import Layer
from cop.errors import NotFound
from cop.query import columns
from cop.query.parse import DOCUMENT, check_known, read_limit, read_number
from cop.store.reading import reading
from cop.store.statements import statements
from cop.visible import VisibleSet

_SQL = Path(cop.__file__).parent / "sql" / "versions.sql"
_NEWEST = 2**63 - 1
Operation = Literal["insert", "update", "delete", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Version:
    """A feature between two numbers; a tombstone has no feature."""

    n: int
    n_to: int | None
    operation: Operation
    at: datetime
    told_at: datetime | None
    actor: str | None
    cause: str | None
    feature: dict[str, Any] | None
    changed: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of versions, the newest first, how many there are, and where the next page begins."""

    versions: list[Version]
    matched: int
    next_before: int | None


@dataclass(frozen=True, slots=True)
class VersionsAsked:
    """Which versions are asked for: those that begin before a number."""

    layer: Layer
    visible: VisibleSet
    feature: str
    limit: int
    before: int


def read_versions(layer: Layer, visible: VisibleSet, feature: str, given: Mapping[str, str]) -> VersionsAsked:
    """What a request for versions asks. Raises Refused that names the parameter."""
    check_known(given, DOCUMENT | {"limit", "before"})
    before = read_number(given.get("before"), "before", 1, "42")
    return VersionsAsked(layer, visible, feature, read_limit(given.get("limit"), visible), before or _NEWEST)


def versions(asked: VersionsAsked) -> Versions:
    """A page of a feature's versions.

    Raises NotFound where the visible set has never seen the feature, or may see it no longer.
    """
    missing = NotFound(f"{asked.layer.id} has no feature {asked.feature[:100]!r}")
    if "\0" in asked.feature:
        raise missing
    about = {"feature": asked.feature, "classes": list(asked.visible.classes_of(asked.layer)),
             "before": asked.before, "limit": asked.limit}  # fmt: skip
    with reading(asked.visible) as connection:
        rows = connection.execute(_statement(asked), about).fetchall()
    if not rows:
        raise missing
    matched, remaining = rows[0][-2:]
    found = [_version(row[:-2], asked) for row in rows[: min(remaining, asked.limit)]]
    return Versions(found, int(matched), found[-1].n if found and remaining > len(found) else None)


def _statement(asked: VersionsAsked) -> sql.Composed:
    profile = asked.visible.profile_of(asked.layer)
    # The time of the store's own making changes with what nobody here sees; it makes no version.
    shown = [column.name for column in asked.layer.visible_columns(profile) if column.role != "updated"]
    content = [columns.value(asked.layer, profile, name) for name in (*shown, "provenance")]
    content.append(columns.geometry(asked.layer, profile))
    return sql.SQL(statements(_SQL)["versions"]).format(
        document=sql.Identifier(f"doc_{profile}"),
        content=sql.SQL("ROW({})::text").format(sql.SQL(", ").join(content)),
        history=sql.Identifier("history", asked.layer.id),
    )


def _version(row: tuple[Any, ...], asked: VersionsAsked) -> Version:
    n, n_to, doc, doc_before, op, at, told_at, actor, cause = row
    # Texts come as bytes where a statement is answered in binary, which the connection decides.
    op, actor, cause = (value.decode() if isinstance(value, bytes) else value for value in (op, actor, cause))
    now, before = _feature(doc), _feature(doc_before)
    operation: Operation = "update" if before else "insert"
    if now is None:
        operation = "delete" if op == "delete" or (op == "load" and n_to is None) else "withdrawn"
    # Who and why are words of the inside; and of what took a record out of sight, nothing but the number is known.
    inside = asked.visible.sees_inside and operation != "withdrawn"
    return Version(
        n, n_to, operation, at, told_at if asked.visible.mode == "exercise" else None,
        actor if inside else None, cause if inside else None, now, _changed(before, now, asked.layer),
    )  # fmt: skip


def _feature(text: bytes | None) -> dict[str, Any] | None:
    feature: dict[str, Any] | None = orjson.loads(text) if text is not None else None
    return feature


def _changed(before: dict[str, Any] | None, now: dict[str, Any] | None, layer: Layer) -> dict[str, dict[str, Any]]:
    """The names of what differs, each with both values; the time of the change itself is told beside them."""
    if before is None or now is None:
        return {}
    updated = layer.with_role("updated")
    names = [name for name in now["properties"] if updated is None or name != updated.name]
    old, new = before["properties"], now["properties"]
    changed = {name: {"before": old.get(name), "after": new[name]} for name in names if old.get(name) != new[name]}
    if before["geometry"] != now["geometry"]:
        changed["geometry"] = {"before": before["geometry"], "after": now["geometry"]}
    return changed
