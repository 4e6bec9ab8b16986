"""Which collections a test of all collections tries: one of each kind, and every one at length.

The layers differ in data and not in code, so what goes wrong goes wrong for a kind. A test that takes its collections
from here carries the mark `conformance`: `make conformance` runs it with all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from places import EMPTY

from cop.catalogue import Layer, catalogue

LONG = os.environ.get("COP_TEST_LENGTH") == "long"


def kind(layer: Layer) -> tuple[object, ...]:
    """What the code tells layers apart by: their geometry, who may see them, how they are drawn and kept."""
    return layer.geometry, layer.is_labelled, layer.style.frame is None, layer.kind, layer.series_days is None


def one_of_each_kind(layers: Iterable[Layer]) -> list[Layer]:
    """The first layer of each kind that has features as the exercise opens, and incidents."""
    found: dict[tuple[object, ...], Layer] = {}
    for layer in sorted(layers, key=lambda one: (one.id != "incidents", one.id in EMPTY, one.id)):
        found.setdefault(kind(layer), layer)
    return sorted(found.values(), key=lambda one: one.id)


def tried(layers: Iterable[Layer]) -> list[Layer]:
    """These layers at length (COP_TEST_LENGTH=long), otherwise one of each kind."""
    return list(layers) if LONG else one_of_each_kind(layers)


TRIED = tried(catalogue().layers.values())
TRIED_FEATURES = tried(catalogue().feature_layers)
