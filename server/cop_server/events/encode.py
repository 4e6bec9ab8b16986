"""From changes to bytes: CloudEvents 1.0 in JSON, framed as Server-Sent Events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from heapq import merge
from itertools import islice

import orjson

from cop.query.delta import Change, Place, changes, feature_text
from cop.query.parse_changes import event_id
from cop.query.question import Question
from cop.visible import VisibleSet
from cop_tiles.matrix import WEB_MERCATOR_QUAD, tiles_meeting

UPDATED = "org.ogc.api.collection.item.update"
DELETED = "org.ogc.api.collection.item.delete"
STREAM = "cop.stream."
_PAGE = 200  # changes read, encoded and handed on at once
_CHUNK = 32_000  # bytes of frames that are sent at once

Told = tuple[str, Change]  # a collection and what changed in it


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes between two places as frames, and the same joined to a few chunks for those who take them all."""

    after: Place
    until: Place
    frames: tuple[tuple[Place, bytes], ...]
    chunks: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes of the frames."""
        return sum(map(len, self.chunks))


@lru_cache(maxsize=2048)
def data_of(url: str, visible: VisibleSet, collection: str, change: Change) -> bytes:
    """A change as a CloudEvent in JSON, the same in a stream, to a webhook and to a broker.

    Kept, so that it is made once for a visible set, however many read it.
    """
    assert visible is not None  # part of what it is kept by: no two sets ever share a text
    envelope = {
        "specversion": "1.0",
        "id": f"{collection}/{change.id}@{change.n}",
        "source": f"{url}/collections/{collection}",
        "type": UPDATED if change.text is not None else DELETED,
        "subject": change.id,
        "datacontenttype": "application/geo+json",
        "collection": collection,
        "sequence": str(change.n),
    }
    if change.at is not None:
        envelope["time"] = change.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if change.box is not None:
        envelope |= _where(change.box[4:-1].replace(" ", ","))
    return b'%s,"data":%s}' % (orjson.dumps(envelope)[:-1], feature_text(change))


def _where(bbox: str) -> dict[str, str]:
    west, south, east, north = map(float, bbox.split(","))
    tiles = tiles_meeting((west, south, east, north))
    return {
        "bbox": bbox,
        "tilematrixset": WEB_MERCATOR_QUAD,
        "tiles": " ".join(f"{tile.z}/{tile.row}/{tile.col}" for tile in tiles),
    }


def marker(kind: str, reason: str) -> bytes:
    """What happened to the stream itself: an event of its own name, without an id, so that it moves no place."""
    body = {
        "specversion": "1.0", "id": f"{kind}@{datetime.now(UTC).isoformat()}", "source": "/events",
        "type": f"{STREAM}{kind}", "datacontenttype": "application/json", "data": {"reason": reason},
    }  # fmt: skip
    return b"event: stream\ndata: %s\n\n" % orjson.dumps(body)


def standing(place: Place) -> bytes:
    """A client's place without an event: it is where a new stream goes on."""
    return b"id: %s\n\n" % event_id(place).encode()


def moved(questions: tuple[Question, ...], known: dict[str, int], after: Place) -> list[Question]:
    """The questions of layers in which the visible set may have seen a change behind a place."""
    first = after.n if after.feature is not None else after.n + 1
    return [question for question in questions if known.get(question.layer.id, 0) >= first]


def told(questions: list[Question], after: Place, until: int) -> Iterator[Told]:
    """The changes of several layers in one order. A number belongs to one layer, so numbers are order enough."""
    return merge(*(_of_layer(question, after, until) for question in questions), key=lambda one: one[1].n)


def _of_layer(question: Question, after: Place, until: int) -> Iterator[Told]:
    for change in changes(question, after, until, told=True):
        yield question.layer.id, change


def next_batch(url: str, visible: VisibleSet, walk: Iterator[Told], after: Place, until: int) -> Batch:
    """The next changes of a walk; the last batch reaches up to its end."""
    page = list(islice(walk, _PAGE))
    frames = tuple(
        (change.place, b"id: %s\ndata: %s\n\n" % (event_id(change.place).encode(),
                                               data_of(url, visible, collection, change)))
        for collection, change in page
    )  # fmt: skip
    ends = Place(until) if len(page) < _PAGE else page[-1][1].place
    return Batch(after, ends, frames, tuple(_chunks([frame for _, frame in frames])))


def _chunks(frames: list[bytes]) -> Iterator[bytes]:
    some: list[bytes] = []
    size = 0
    for frame in frames:
        if some and size + len(frame) > _CHUNK:
            yield b"".join(some)
            some, size = [], 0
        some.append(frame)
        size += len(frame)
    if some:
        yield b"".join(some)
