"""Whether the feeds' files fit the catalogue: layers and columns that they name are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cop.catalogue import Catalogue
from cop_ingest.feeds.declared import Feed

_KINDS = {"register": ("register",), "latest": ("latest",), "whole": ("reference",)}


def faults_of(feeds: Mapping[str, Feed], catalogue: Catalogue) -> list[str]:
    """One line a fault: `file: key: found …, wanted …`."""
    return [f"{feed.id}.yml: {fault}" for feed in feeds.values() for fault in _faults(feed, catalogue)]


def _faults(feed: Feed, catalogue: Catalogue) -> Iterator[str]:
    if feed.department not in catalogue.codes["departments"]:
        yield f"department: found {feed.department}, wanted one of the departments"
    if feed.release not in catalogue.codes["releases"]:
        yield f"release: found {feed.release}, wanted one of {', '.join(catalogue.codes['releases'])}"
    layer = catalogue.layers.get(feed.target.layer)
    if layer is None:
        yield f"target.layer: there is no layer {feed.target.layer}"
        return
    if layer.kind not in _KINDS[feed.target.how]:
        yield f"target.how: found {feed.target.how}, and {layer.id} is a layer of kind {layer.kind}"
    for name in feed.target.absent or {}:
        if name not in layer.by_name:
            yield f"target.absent: {layer.id} has no column {name}"
    if feed.position is not None:
        of = catalogue.layers.get(feed.position.layer)
        if of is None or (feed.position.by != "id" and feed.position.by not in of.by_name):
            yield f"position: there is no column {feed.position.by} of a layer {feed.position.layer}"
        if feed.position.from_ not in layer.by_name:
            yield f"position.from: {layer.id} has no column {feed.position.from_}"
