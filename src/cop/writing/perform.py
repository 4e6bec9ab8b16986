"""Writes as the door asks for them: one or many records, each in one transaction with its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from cop.catalogue import Layer
from cop.errors import Fault, Invalid, NotFound, Refused
from cop.query import answer
from cop.query.question import Question
from cop.store.pools import Connection
from cop.store.writing import writing
from cop.writing.body import Body, read_feature
from cop.writing.draft import Writer
from cop.writing.repeat import Answer, Repeat
from cop.writing.write import Expected, change, create, number, withdraw

ATOMIC_MOST = 100  # more would hold the head too long: others wait until all are numbered


class _DryRun(Exception):
    """Leaves the transaction, so that nothing of it stays."""

    def __init__(self, found: Answer) -> None:
        self.answer = found


@dataclass(frozen=True, slots=True)
class Order:
    """How a write is to be done: for whom, where the record will be found, once only, or only tried."""

    layer: Layer
    writer: Writer
    base: str  # address of the layer's items
    repeat: Repeat | None = None
    dry_run: bool = False


def create_one(order: Order, body: Body) -> Answer:
    """A new record: 201, with where it is; 200 where it was only tried."""

    def work(connection: Connection) -> Answer:
        id_ = create(connection, order.layer, order.writer, body)
        return _told(connection, order, id_, 201)

    return _done(order, work)


def change_one(order: Order, id_: str, body: Body, expected: Expected, *, whole: bool) -> Answer:
    """A changed record: 200 with it as it is now."""

    def work(connection: Connection) -> Answer:
        change(connection, order.layer, order.writer, id_, body, expected, whole=whole)
        return _told(connection, order, id_, 200)

    return _done(order, work)


def withdraw_one(order: Order, id_: str, expected: Expected) -> Answer:
    """A withdrawn record: 204."""

    def work(connection: Connection) -> Answer:
        withdraw(connection, order.layer, order.writer, id_, expected)
        number(connection)
        return Answer(204)

    return _done(order, work)


def create_all(order: Order, features: Sequence[Any]) -> Answer:
    """New records, all or none; at most ATOMIC_MOST. Raises Invalid with the faults of every one."""
    if len(features) > ATOMIC_MOST:
        wanted = f"at most {ATOMIC_MOST} in one transaction; send them with batch=each"
        raise Invalid([Fault("/features", len(features), wanted)])

    def work(connection: Connection) -> Answer:
        ids, faults = [], []
        for place, feature in enumerate(features):
            try:
                ids.append(create(connection, order.layer, order.writer, _feature(feature)))
            except Invalid as exc:
                faults += [Fault(f"/features/{place}{f.pointer}", f.value, f.reason, f.example) for f in exc.faults]
        if faults:
            raise Invalid(faults)
        number(connection)
        report = [{"index": place, "status": 201, "id": id_} for place, id_ in enumerate(ids)]
        return _report(201, report)

    return _done(order, work)


def create_each(order: Order, features: Sequence[Any]) -> Answer:
    """New records, each by itself: those that are good are written, the others are reported with their faults."""
    report = [{"index": place, **_tried(order, feature)} for place, feature in enumerate(features)]
    return _report(207, report)


def _tried(order: Order, feature: Any) -> dict[str, Any]:
    single = Order(order.layer, order.writer, order.base, None, order.dry_run)
    try:
        done = create_one(single, _feature(feature))
    except Invalid as exc:
        return {"status": exc.status, "detail": exc.detail, "errors": [asdict(fault) for fault in exc.faults]}
    except Refused as exc:
        return {"status": exc.status, "detail": exc.detail}
    return {"status": done.status, "id": orjson.loads(done.body)["id"] if done.body else None}


def _feature(document: Any) -> Body:
    if not isinstance(document, dict):
        raise Invalid([Fault("", None, "wanted a GeoJSON Feature")])
    return read_feature(document)


def _report(status: int, results: list[dict[str, Any]]) -> Answer:
    written = sum(200 <= result["status"] < 300 for result in results)
    body = {"written": written, "refused": len(results) - written, "results": results}
    return Answer(status, orjson.dumps(body, default=str), {"Content-Type": "application/json"})


def _done(order: Order, work: Callable[[Connection], Answer]) -> Answer:
    writer = order.writer
    try:
        who = writer.principal
        with writing(
            writer.visible, who.subject, writer.reason,
            request=writer.request, role=who.role or "", department=who.department or "",
        ) as connection:  # fmt: skip
            known = order.repeat.recall(connection) if order.repeat else None
            if known is not None:
                return known
            found = work(connection)
            if order.dry_run:
                raise _DryRun(found)
            if order.repeat is not None:
                order.repeat.keep(connection, found)
            return found
    except _DryRun as tried:
        return _as_tried(tried.answer)


def _as_tried(found: Answer) -> Answer:
    """Nothing was written, so there is no address, and no version to change later."""
    headers = {name: value for name, value in found.headers.items() if name not in ("Location", "ETag")}
    return Answer(200, found.body, headers)


def _told(connection: Connection, order: Order, id_: str, status: int) -> Answer:
    """The record as its writer sees it now; without a body where he sees it no longer (it was handed over)."""
    number(connection)
    question = Question(layer=order.layer, visible=order.writer.visible, limit=1, crs=order.writer.crs)
    try:
        found = answer.item_through(connection, question, id_)
    except NotFound:
        return Answer(204)
    headers = {
        "Content-Type": "application/geo+json",
        "ETag": f'"{answer.version_tag(found.id, found.version)}"',
        "Content-Crs": question.crs.header,
        "COP-Sequence": str(found.n),
    }
    if status == 201:
        headers["Location"] = f"{order.base}/{found.id}"
    return Answer(status, found.feature, headers)
