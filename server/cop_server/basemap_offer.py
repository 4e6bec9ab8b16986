"""What mapproxy.yaml offers, as the guard needs it: layers, grids with their sizes, formats, CRS, versions, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mapproxy.config.configuration.base import ConfigurationError
from mapproxy.config.configuration.proxy import ProxyConfiguration
from mapproxy.config.loader import load_configuration_file, load_plugins
from mapproxy.config.spec import validate_options
from mapproxy.config.validator import validate

from cop.settings import Settings
from cop_tiles.keeping import install
from cop_tiles.outside import address, user_agent

# What the WMS and WMTS standards call the formats that MapProxy stores and serves.
_FORMATS = ("image/png", "image/jpeg")


@dataclass(frozen=True)
class Offer:
    """Everything that a request may name."""

    grids: Mapping[str, tuple[tuple[int, int], ...]]
    """Columns and rows of each level of a grid."""
    grid_srs: Mapping[str, str]
    layer_grids: Mapping[str, tuple[str, ...]]
    tile_formats: Mapping[str, str]
    """A layer's tile format as a file ending."""
    wms_formats: tuple[str, ...]
    wms_versions: tuple[str, ...]
    wms_srs: tuple[str, ...]
    largest_side: int
    grid_levels: Mapping[str, tuple[float, ...]]
    """Metres a pixel of each level of a grid."""
    grid_corners: Mapping[str, tuple[float, float, float, float]]
    """West, south, east, north of a grid in its CRS, easting first."""
    tile_sides: Mapping[str, int]
    titles: Mapping[str, str]
    abstracts: Mapping[str, str]
    attributions: Mapping[str, tuple[str, str]]
    """Words and link that must stand beside a layer from outside; layers of our own are not in it."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers."""
        return tuple(self.layer_grids)


def read_configuration(file: Path, settings: Settings, *, seed: bool = False) -> ProxyConfiguration:
    """MapProxy's configuration from a YAML file, with the cache and the basemap of these settings.

    `seed` reads it for drawing ahead, which some sources refuse.

    Raises MapProxy's ConfigurationError, which names the key, where the file is wrong.
    """
    load_plugins()
    found: dict[str, Any] = load_configuration_file([file.name], str(file.parent))
    cache = found.setdefault("globals", {}).setdefault("cache", {})
    cache.setdefault("base_dir", str(settings.var / "mapproxy"))
    cache.setdefault("tile_lock_dir", str(settings.var / "mapproxy" / "locks"))
    for source in (found.get("sources") or {}).values():
        if source.get("type") == "cop":
            source.setdefault("basemap", str(settings.var / "basemap"))
        if source.get("type") == "xyz":
            source["url"] = address(source["url"], settings)
            source.setdefault("user_agent", user_agent(settings))
    mistakes, _ = validate_options(found)
    mistakes = [*mistakes, *validate(found)]
    if mistakes:
        raise ConfigurationError(f"{file.name}: {'; '.join(map(str, mistakes))}")
    configuration = ProxyConfiguration(found, conf_base_dir=str(file.parent), seed=seed)
    install(configuration)
    return configuration


def read_offer(configuration: ProxyConfiguration) -> Offer:
    """What a configuration offers."""
    found = configuration.configuration
    wms = found["services"]["wms"]
    layer_grids = {layer["name"]: _grids_of(layer, found["caches"]) for layer in found["layers"]}
    used = sorted({grid for grids in layer_grids.values() for grid in grids})
    grids = {name: configuration.grids[name].tile_grid() for name in used}
    return Offer(
        grids={name: tuple(grid.grid_sizes[level] for level in range(grid.levels)) for name, grid in grids.items()},
        grid_srs={name: grid.srs.srs_code for name, grid in grids.items()},
        layer_grids=layer_grids,
        tile_formats={layer["name"]: _ending(layer, found["caches"]) for layer in found["layers"]},
        wms_formats=tuple(wms.get("image_formats", _FORMATS)),
        wms_versions=tuple(wms.get("versions", ("1.1.1", "1.3.0"))),
        wms_srs=tuple(wms["srs"]),
        largest_side=int(wms.get("max_output_pixels", [4096, 4096])[0]),
        grid_levels={
            name: tuple(float(grid.resolution(level)) for level in range(grid.levels)) for name, grid in grids.items()
        },
        grid_corners={name: _box(grid.bbox) for name, grid in grids.items()},
        tile_sides={name: int(grid.tile_size[0]) for name, grid in grids.items()},
        titles={layer["name"]: str(layer["title"]) for layer in found["layers"]},
        abstracts={layer["name"]: str(_about(layer).get("abstract", "")) for layer in found["layers"]},
        attributions={
            layer["name"]: (str(told["title"]), str(told.get("url", "")))
            for layer in found["layers"]
            if (told := _about(layer).get("attribution"))
        },
    )


def _box(edges: Sequence[float]) -> tuple[float, float, float, float]:
    west, south, east, north = edges
    return float(west), float(south), float(east), float(north)


def _about(layer: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = layer.get("md") or {}
    return about


def _tile_caches(layer: dict[str, Any], caches: dict[str, Any]) -> list[dict[str, Any]]:
    """The caches whose tiles a layer gives out."""
    return [caches[source] for source in layer.get("tile_sources", layer["sources"]) if source in caches]


def _grids_of(layer: dict[str, Any], caches: dict[str, Any]) -> tuple[str, ...]:
    return tuple(grid for cache in _tile_caches(layer, caches) for grid in cache["grids"])


def _ending(layer: dict[str, Any], caches: dict[str, Any]) -> str:
    formats = [cache.get("format", "image/png") for cache in _tile_caches(layer, caches)]
    return str(formats[0] if formats else "image/png").removeprefix("image/")
