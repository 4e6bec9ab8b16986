"""The names that no layer carries: waters, reservoirs, summits, neighbours, and the places that come first."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

NAMES_FILE = Path(__file__).with_name("names.yml")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Name(_Model):
    """A bilingual name at a position (lon, lat in EPSG:4326) from a zoom on."""

    zh: str
    en: str
    at: tuple[float, float]
    z: float
    until: float | None = None


class Summit(_Model):
    """A named hilltop at a position (lon, lat in EPSG:4326); height in metres above HKPD."""

    zh: str
    en: str
    at: tuple[float, float]
    height: int


class Names(_Model):
    """Everything in names.yml."""

    seas: tuple[Name, ...]
    reservoirs: tuple[Name, ...]
    summits: tuple[Summit, ...]
    neighbours: tuple[Name, ...]
    landmarks: frozenset[str]


@lru_cache(maxsize=1)
def names() -> Names:
    """The names shipped with this installation, read once."""
    return Names.model_validate(yaml.safe_load(NAMES_FILE.read_text(encoding="utf-8")))
