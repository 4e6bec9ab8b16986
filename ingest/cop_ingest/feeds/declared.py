"""What a feed's file `ingest/feeds/<id>.yml` may say: frozen, typed, and strict about names it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import ConfigDict, Field, ValidationError, model_validator

from cop.catalogue.base import Model, Name
from cop.catalogue.models import Bilingual, LayerId, Licence
from cop.errors import BrokenCatalogue
from cop.resources import resource

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Part(Model):
    """One address of a feed; an `optional` part that cannot be had does not fail the turn."""

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/\S*$")]
    optional: bool = False

    @property
    def host(self) -> str:
        """The host that is asked, without a port."""
        return urlsplit(self.url).hostname or ""


class Target(Model):
    """Where the records go, and how: load_register, load_observations (latest) or load_whole.

    `absent` is for registers: records of this source that an answer no longer holds get these values; the word `at`
    stands for the time of observation, else of receipt. Without it they stay as they are. `first` are times that keep
    the earliest word of a record (its announcement, not that of its newest version).

    `sudden` is the share of its records that a feed may lose from one answer to the next, for tables that look whole
    where they are cut between two rows: what a register loses so stays for a while, and such a whole copy is taken
    when it was told again and again. `coverage` is the layer that the answer's grid becomes.
    """

    layer: LayerId
    how: Literal["register", "latest", "whole"]
    absent: dict[Name, Any] | None = None
    first: tuple[Name, ...] = ()
    sudden: float | None = Field(default=None, gt=0, lt=1)
    coverage: LayerId | None = None

    @model_validator(mode="after")
    def _absence_belongs_to_registers(self) -> Self:
        if self.absent is not None and self.how != "register":
            raise ValueError("absent goes with how: register, and only with it")
        if self.first and self.how != "register":
            raise ValueError("first goes with how: register, and only with it")
        return self


class Position(Model):
    """Geometry by look-up in one of our own layers: its column `by` (or `id`) equals the record's property `from`."""

    layer: LayerId
    by: Name
    from_: Name = Field(alias="from")


class Declarative(Model):
    """A parser that is told and not written: its kind, and parameters that the kind knows."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Literal["csv", "json", "xml"]


class Feed(Model):
    """One real-time source, as its file declares it.

    `cadence_s` is how often it is asked; `late_s` and `stale_s` the ages from which it is late and stale, counted from
    the last good answer or from the newest observation, as `age_of` says. `empty` says what an answer without records
    means. `max_mb` bounds each part after decompression. `redirects` names hosts, beside a part's own, to which a
    redirect is followed. `follow` names a function from the payload of `parts` to the addresses of further parts by
    their names, which are asked in the same turn (a list, and a file for each thing on it). `address` is the mark of
    certainty of the address: R recorded, V verified, D documented only, U unverified.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,47}$")]
    title: Bilingual
    department: str
    source: int
    parts: Annotated[dict[Name, Part], Field(min_length=1)]
    follow: Annotated[str, Field(pattern=r"^[a-z_][\w.]*:[a-z_]\w*$")] | None = None
    redirects: tuple[str, ...] = ()
    tls: Literal["default", "seclevel1"] = "default"
    max_mb: Annotated[float, Field(gt=0, le=200)] = 5
    cadence_s: Annotated[int, Field(ge=5, le=86_400)]
    late_s: Annotated[int, Field(gt=0)]
    stale_s: Annotated[int, Field(gt=0)]
    age_of: Literal["answer", "observation"] = "answer"
    empty: Literal["quiet", "wrong"] = "wrong"
    parser: Annotated[str, Field(pattern=r"^[a-z_][\w.]*:[a-z_]\w*$")] | Declarative
    options: dict[str, Any] = Field(default_factory=dict)
    target: Target
    position: Position | None = None
    fallback_of: str | None = None
    address: Literal["R", "V", "D", "U"]
    licence: Licence
    attribution: Bilingual
    release: str = "public"

    @model_validator(mode="after")
    def _ages_in_order(self) -> Self:
        if not self.cadence_s <= self.late_s < self.stale_s:
            raise ValueError("wanted cadence_s <= late_s < stale_s")
        return self

    def __hash__(self) -> int:
        return hash(self.id)


@lru_cache(maxsize=1)
def feeds() -> Mapping[str, Feed]:
    """Every feed by id, in the order of the ids, read once."""
    return load_feeds(resource("feeds"))


def told_by_another(feed: Feed) -> str | None:
    """The feed that tells the same news: the main feed of a stand-in, or the stand-in of a main feed."""
    return feed.fallback_of or next((one.id for one in feeds().values() if one.fallback_of == feed.id), None)


def load_feeds(folder: Path) -> dict[str, Feed]:
    """Read every feed's file in a folder.

    Raises BrokenCatalogue with one line a fault: `file: key: wanted …`.
    """
    faults: list[str] = []
    found = {file.stem: feed for file in sorted(folder.glob("*.yml")) if (feed := _read(file, faults)) is not None}
    for feed in found.values():
        if feed.fallback_of is not None and feed.fallback_of not in found:
            faults.append(f"{feed.id}.yml: fallback_of: found {feed.fallback_of!r}, wanted a feed's id")
    if faults:
        raise BrokenCatalogue(faults)
    return found


def _read(file: Path, faults: list[str]) -> Feed | None:
    try:
        feed = Feed.model_validate(yaml.load(file.read_text(encoding="utf-8"), _LOADER))  # noqa: S506 - a safe loader
    except ValidationError as exc:
        faults += [f"{file.name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in exc.errors()]
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as exc:
        faults.append(f"{file.name}: cannot be read: {exc}")
    else:
        if feed.id == file.stem:
            return feed
        faults.append(f"{file.name}: id: found {feed.id!r}, wanted {file.stem!r} as the file is called")
    return None
