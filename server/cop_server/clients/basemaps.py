"""The basemaps that a project offers: those that MapProxy publishes in the Hong Kong grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from cop.catalogue.models import Bilingual
from cop.settings import get_settings
from cop_server.basemap_list import Listing, split
from cop_server.basemap_offer import Offer, read_configuration, read_offer
from cop_server.basemaps import configuration_file

GRID_CRS: Final = "EPSG:2326"
MERCATOR_CRS: Final = "EPSG:3857"
_FIRST: Final = "light"
_SIDE: Final = 256  # tiles of twice the pixels are for the page


@dataclass(frozen=True, slots=True)
class Basemap:
    """A basemap: its name in WMTS, what must be said of it, its grid in EPSG:2326 and the ending of its tiles."""

    name: str
    title: Bilingual
    abstract: Bilingual
    attribution: str
    grid: str
    file_type: str


def basemaps() -> tuple[Basemap, ...]:
    """The basemaps of this installation, the light one first."""
    settings = get_settings()
    offer = _offer(configuration_file(settings))
    listing = Listing(offer, settings.var / "basemap", settings.url)
    found = (_basemap(name, offer, listing.attribution(name)) for name in listing.layers())
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.name != _FIRST))


@lru_cache(maxsize=1)
def _offer(file: Path) -> Offer:
    return read_offer(read_configuration(file, get_settings()))


def _basemap(name: str, offer: Offer, attribution: str) -> Basemap | None:
    """A basemap; None for one without ordinary tiles in EPSG:2326."""
    grids = [grid for grid in offer.layer_grids[name]
             if offer.grid_srs[grid] == GRID_CRS and offer.tile_sides[grid] == _SIDE]  # fmt: skip
    if not grids:
        return None
    title, abstract = split(offer.titles[name]), split(offer.abstracts[name])
    return Basemap(
        name, Bilingual(en=title[0], zh=title[1]), Bilingual(en=abstract[0], zh=abstract[1]), attribution, grids[0],
        offer.tile_formats[name],
    )  # fmt: skip
