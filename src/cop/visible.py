"""Visible sets: who asks, and in which mode. Every plan, count, mark and cache key carries one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cop.catalogue import Layer, catalogue
from cop.limits import Audience as Audience
from cop.settings import Mode

# The release labels that each audience sees beside its own department's `owner` records (contract: Audiences).
LABELS: dict[Audience, tuple[str, ...]] = {
    "public": ("public",),
    "press": ("public", "press"),
    "partner": ("public", "partner"),
    "departments": ("public", "press", "partner", "departments"),
    "emsc": ("public", "press", "partner", "departments"),
}
# Who sees the columns that the public and the press do not.
_INTERNAL: frozenset[Audience] = frozenset({"partner", "departments", "emsc"})


@dataclass(frozen=True, slots=True)
class VisibleSet:
    """An audience, its department where it has one, and exactly one mode."""

    audience: Audience = "public"
    department: str | None = None
    mode: Mode = "exercise"

    @property
    def is_public(self) -> bool:
        """Whether this is what everybody sees; only then may a shared cache keep an answer."""
        return self.audience == "public"

    @property
    def sees_inside(self) -> bool:
        """Whether this set is of those who work on the records: it sees who changed one, and why."""
        return self.audience in _INTERNAL

    def profile_of(self, layer: Layer) -> str:
        """The release profile of a layer whose columns this set sees."""
        return "internal" if self.sees_inside and "internal" in layer.profiles else "public"

    @property
    def classes(self) -> tuple[str, ...]:
        """The label classes that this set sees: those of unlabelled layers, then those of its mode."""
        return _classes(self)

    def classes_of(self, layer: Layer) -> tuple[str, ...]:
        """The label classes of one layer that this set sees."""
        if not layer.is_labelled:
            return ("public",)
        return self.classes[1:]


@lru_cache(maxsize=256)
def _classes(visible: VisibleSet) -> tuple[str, ...]:
    labels = (*LABELS[visible.audience], *(f"owner/{department}" for department in _owned(visible)))
    return ("public", *(f"{visible.mode}:{label}" for label in labels))


def _owned(visible: VisibleSet) -> tuple[str, ...]:
    """The departments whose own records this set sees."""
    if visible.audience == "emsc":
        return tuple(sorted(catalogue().codes["departments"]))
    return (visible.department,) if visible.audience == "departments" and visible.department else ()
