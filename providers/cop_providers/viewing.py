"""Whose eyes a provider looks through. pygeoapi hands a provider no request, so this travels beside it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from cop.settings import get_settings
from cop.visible import VisibleSet


@dataclass(frozen=True, slots=True)
class Viewing:
    """A visible set, and the moment that was asked for (a sequence number) or None for now."""

    visible: VisibleSet
    asof: int | None = None


_CURRENT: ContextVar[Viewing | None] = ContextVar("viewing", default=None)


def viewing() -> Viewing:
    """What the request at hand sees; under pygeoapi's own application, the public in the server's mode."""
    return _CURRENT.get() or Viewing(VisibleSet(mode=get_settings().mode))


def look_through(current: Viewing) -> None:
    """Set what the request at hand sees."""
    _CURRENT.set(current)
