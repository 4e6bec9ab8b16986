"""Visible sets: who asks, and in which mode. Every plan, count, mark and cache key carries one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cop.catalogue import Layer
from cop.settings import Mode

Audience = Literal["public"]


@dataclass(frozen=True, slots=True)
class VisibleSet:
    """An audience, its department where it has one, and exactly one mode."""

    audience: Audience = "public"
    department: str | None = None
    mode: Mode = "exercise"

    @property
    def profile(self) -> str:
        """The release profile whose columns this set sees."""
        return "public"

    @property
    def classes(self) -> tuple[str, ...]:
        """The label classes that this set sees: those of unlabelled layers, then those of its mode."""
        return ("public", f"{self.mode}:public")

    def classes_of(self, layer: Layer) -> tuple[str, ...]:
        """The label classes of one layer that this set sees."""
        if not layer.is_labelled:
            return ("public",)
        return tuple(cls for cls in self.classes if cls.startswith(f"{self.mode}:"))
