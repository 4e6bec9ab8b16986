"""Verification: the journal's chain, its signed heads, and every row of every layer against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from cop.heads import Chain, SignedHead, Verifier
from cop.store.statements import statements

_SQL = Path(__file__).parent / "sql" / "verify.sql"
_MOST = 1000  # faults that are told one by one; the rest are counted
_CHAINS: dict[Chain, tuple[str, str, str]] = {
    "journal": ("cop.signed_head", "signed_heads", "hash_at"),
    "audit": ("cop.signed_audit_head", "signed_audit_heads", "audit_hash_at"),
}
_OWN = ("id", "provenance", "geom", "geom_3857", "cls", "seq")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as the journal says: in which table, at which record and number, and what."""

    where: str
    feature: str | None
    n: int | None
    what: str

    def __str__(self) -> str:
        record = f" {self.feature}" if self.feature is not None else ""
        number = f" at {self.n}" if self.n is not None else ""
        return f"{self.where}{record}{number}: {self.what}"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A version that a redaction covers."""

    layer: str
    feature: str
    seq: int
    n: int
    columns: list[str]
    reason: str


@dataclass(slots=True)
class Report:
    """What a verification found; `total` counts the faults that are not listed too."""

    head: int = 0
    entries: int = 0
    unsealed_loads: int = 0
    layers: int = 0
    heads: int = 0
    reads: int = 0
    total: int = 0
    faults: list[Fault] = field(default_factory=list)
    redacted: list[Redacted] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return self.total == 0

    def add(self, found: Iterable[Fault]) -> None:
        """Take faults in; memory stays bounded however many there are."""
        for fault in found:
            self.total += 1
            if len(self.faults) < _MOST:
                self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class _Layer:
    id: str
    spec: dict[str, Any]
    horizon: int
    payload: str
    label: str
    documents: dict[str, str]


def verify(
    owner_dsn: str,
    kept_heads: Iterable[SignedHead],
    verifier: Verifier,
    *,
    only: Collection[str] = (),
    follow: Callable[[str], None] | None = None,
) -> Report:
    """Look at everything, in one state of the store and in bounded memory.

    `kept_heads` are those kept outside the database; `only` names the layers whose rows are compared, none is all;
    `follow` is told each layer that is looked at.
    """
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return examine(connection, kept_heads, verifier, only=only, follow=follow)


def examine(
    connection: psycopg.Connection[Any],
    kept_heads: Iterable[SignedHead],
    verifier: Verifier,
    *,
    only: Collection[str] = (),
    follow: Callable[[str], None] | None = None,
) -> Report:
    """The same as the transaction at hand sees the store."""
    report = Report()
    row = connection.execute(_text("counted")).fetchone()
    assert row is not None
    report.head, report.entries, report.unsealed_loads, report.reads = row
    report.add(Fault("cop.journal", None, n, what) for n, what in _rows(connection, "chain"))
    report.add(Fault("cop.head", None, n, what) for n, what in _rows(connection, "head"))
    report.add(_of_heads(connection, kept_heads, verifier, report))
    for table, name in (("audit", "audit"), ("audit_head", "audit_head"), ("write_about", "written_about")):
        report.add(Fault(f"cop.{table}", None, n, what) for n, what in _rows(connection, name))
    report.add(Fault(f"layer.{name}", None, None, what) for name, what in _rows(connection, "layers_out_of_sight"))
    report.add(Fault("cop.redaction", None, n, what) for n, what in _rows(connection, "redactions"))
    for layer in _layers(connection):
        if only and layer.id not in only:
            continue
        if follow is not None:
            follow(layer.id)
        report.layers += 1
        report.add(_of_layer(connection, layer))
    report.redacted = [Redacted(*found) for found in connection.execute(_text("redacted")).fetchmany(_MOST)]
    return report


def _text(name: str) -> str:
    return statements(_SQL)[name]


def _rows(
    connection: psycopg.Connection[Any], name: str, about: dict[str, Any] | None = None, **parts: sql.Composable
) -> Iterator[tuple[Any, ...]]:
    """A statement's rows, some at a time."""
    text = sql.SQL(_text(name)).format(**parts) if parts else sql.SQL(_text(name))
    with connection.cursor(f"verify_{name}") as cursor:
        cursor.itersize = 500
        yield from cursor.execute(text, about)


def _of_heads(
    connection: psycopg.Connection[Any], kept: Iterable[SignedHead], verifier: Verifier, report: Report
) -> Iterator[Fault]:
    """Signed heads, of the database and of the file beside it, that are not good or do not lie on their chain."""
    outside = list(kept)
    for chain, (table, heads, hash_at) in _CHAINS.items():
        stored = [replace(SignedHead(*row), of=chain) for row in connection.execute(_text(heads)).fetchall()]
        beside = [head for head in outside if head.of == chain]
        for place, found in ((table, stored), ("the file of heads", beside)):
            for head in found:
                report.heads += 1
                yield from _of_head(connection, head, place, hash_at, verifier)
        known = {(head.n, head.key_id) for head in stored}
        for head in beside:
            if (head.n, head.key_id) not in known:
                yield Fault(table, None, head.n, "removed: the file of heads has it")


def _of_head(
    connection: psycopg.Connection[Any], head: SignedHead, place: str, hash_at: str, verifier: Verifier
) -> Iterator[Fault]:
    row = connection.execute(_text(hash_at), {"n": head.n}).fetchone()
    hash_, let_go = row or (None, False)
    if trouble := verifier.trouble_with(head):
        yield Fault(place, None, head.n, trouble)
    elif head.n > 0 and hash_ is None and not let_go:
        yield Fault(place, None, head.n, "the chain was cut: it ended here or later when this head was signed")
    elif head.n > 0 and hash_ is not None and bytes(hash_) != bytes(head.hash):
        yield Fault(place, None, head.n, "the chain was written again: it had another hash when this was signed")


def _layers(connection: psycopg.Connection[Any]) -> list[_Layer]:
    layers = []
    for id_, spec, horizon, payload, label in connection.execute(_text("layers"), {}).fetchall():
        documents = {}
        for profile in spec["profiles"]:
            about = {"spec": json.dumps(spec), "profile": profile}
            row = connection.execute(_text("document_expression"), about).fetchone()
            assert row is not None
            documents[f"doc_{profile}"] = row[0]
        layers.append(_Layer(id_, spec, horizon, payload, label, documents))
    return layers


def _of_layer(connection: psycopg.Connection[Any], layer: _Layer) -> Iterator[Fault]:
    about = {"layer": layer.id, "horizon": layer.horizon}
    parts = _parts(layer)
    past, present = f"history.{layer.id}", f"layer.{layer.id}"

    def asked(name: str) -> Iterator[tuple[Any, ...]]:
        return _rows(connection, name, about, **parts)

    for place, name in ((past, "versions"), (past, "missing"), (present, "present")):
        yield from (Fault(place, feature, n, what) for feature, n, what in asked(name))
    for name in ("loads", "horizon"):
        yield from (Fault(past, None, n, what) for n, what in asked(name))
    yield from (Fault(present, None, None, f"{cls}: {what}") for cls, what in asked("marks"))


def _parts(layer: _Layer) -> dict[str, sql.Composable]:
    """What the statements of a layer are put together from. Expressions come from the store's own functions."""
    names = [*_OWN, *(column["name"] for column in layer.spec["columns"]), *layer.documents]
    # Another version of PROJ may differ in the last digits; a shape that was moved differs in centimetres.
    derived = [
        _raw(
            "(t.geom_3857 IS DISTINCT FROM ST_Transform(t.geom, 3857) AND coalesce(ST_NPoints(t.geom_3857) <>"
            " ST_NPoints(t.geom) OR ST_HausdorffDistance(t.geom_3857, ST_Transform(t.geom, 3857)) > 0.01, true))"
        ),
        *(
            sql.SQL("t.{} IS DISTINCT FROM {}").format(sql.Identifier(name), _raw(text))
            for name, text in layer.documents.items()
        ),
    ]
    updated = layer.spec.get("updated")
    # On a clock that runs a row is stamped when it is written and numbered a little later, never before.
    stamped = sql.SQL("t.{0} IS NULL OR t.{0} > coalesce(j.told_at, j.at)")
    return {
        "history": sql.Identifier("history", layer.id),
        "present": sql.Identifier("layer", layer.id),
        "payload": _raw(layer.payload),
        "class": _raw(layer.label),
        "derived": sql.SQL(" OR ").join(derived),
        "stamped": stamped.format(sql.Identifier(updated)) if updated else sql.SQL("false"),
        "present_columns": _columns("t", names),
        "open_columns": _columns("v", names),
    }


def _raw(text: str) -> sql.SQL:
    """An expression as the store's own functions write it; a per cent sign in it is no placeholder."""
    return sql.SQL(text.replace("%", "%%"))


def _columns(row: str, names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(row, name) for name in names)
