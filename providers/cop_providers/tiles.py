"""The tile provider: every layer's vector tiles, for pygeoapi's own road and for the fast road alike."""

from __future__ import annotations

from typing import Any

from pygeoapi.provider.base_mvt import BaseMVTProvider
from pygeoapi.provider.tile import ProviderTileNotFoundError

from cop.catalogue import catalogue
from cop.errors import NotFound
from cop.query.question import Question
from cop_providers.errors import told_to_pygeoapi
from cop_providers.viewing import viewing
from cop_tiles import mvt
from cop_tiles.matrix import WEB_MERCATOR_QUAD, Tile, tile_of


class TileProvider(BaseMVTProvider):  # type: ignore[misc]
    """Vector tiles of one layer in WebMercatorQuad. `data` in pygeoapi-config.yml is the layer's id."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__({**provider_def, "options": {"schemes": [WEB_MERCATOR_QUAD], **provider_def["options"]}})
        self.layer = catalogue().layers[self.data]

    def tile(self, question: Question, at: Tile) -> bytes:
        """A tile's bytes."""
        return mvt.tile(question, at)

    def get_layer(self) -> str:
        """The name of the one layer inside the tiles."""
        return self.layer.id

    def get_fields(self) -> dict[str, Any]:
        """The attributes that tiles carry."""
        return {column.name: {"type": column.type} for column in self.layer.columns if column.tile}

    def get_tiles_service(
        self, baseurl: str | None = None, servicepath: str | None = None, dirpath: str | None = None,
        tile_type: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The links of the tiles' description."""
        super().get_tiles_service(baseurl, servicepath, dirpath, tile_type)
        self._service_url = servicepath
        links: dict[str, Any] = self.get_tms_links()
        return links

    def get_tiles(
        self, layer: str | None = None, tileset: str | None = None, z: str | int = 0, y: str | int = 0,
        x: str | int = 0, format_: str | None = None,
    ) -> bytes | None:  # fmt: skip
        """pygeoapi's question for a tile: bytes, or None where nothing lies in it."""
        with told_to_pygeoapi():
            try:
                at = tile_of(str(tileset), str(z), str(y), str(x))
                seen = viewing()
                return self.tile(Question(layer=self.layer, visible=seen.visible, asof=seen.asof), at) or None
            except NotFound as exc:
                raise ProviderTileNotFoundError(exc.detail) from exc

    def get_default_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str,
        keywords: str | None = None, **_: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """The tile set's metadata (OGC 17-083r4, 7.2)."""
        return tileset_metadata(self.layer.id, title, server_url)

    def get_html_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str,
        keywords: str | None = None, **_: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """What pygeoapi's page about the tile set shows."""
        template = f"{server_url}/collections/{dataset}/tiles/{tileset}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"
        metadata = f"{server_url}/collections/{dataset}/tiles/{tileset}?f=json"
        return {
            "id": dataset,
            "title": title,
            "tileset": tileset,
            "collections_path": template,
            "json_url": metadata,
        }

    def get_vendor_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str,
        keywords: str | None = None, **_: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """The tile set as TileJSON 3.0."""
        return tilejson(self.layer.id, title, server_url)


def tileset_metadata(layer: str, title: str, server_url: str) -> dict[str, Any]:
    """A layer's tile set as JSON (OGC 17-083r4, 7.2)."""
    base = f"{server_url}/collections/{layer}/tiles/{WEB_MERCATOR_QUAD}"
    return {
        "title": title,
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
        "links": [
            {"rel": "self", "type": "application/json", "title": "This tile set", "href": f"{base}?f=json"},
            {"rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", "type": "application/json",
             "title": "The tile matrix set", "href": f"{server_url}/tileMatrixSets/{WEB_MERCATOR_QUAD}?f=json"},
            {"rel": "item", "type": mvt.MEDIA_TYPE, "templated": True, "title": "Vector tiles",
             "href": f"{base}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"},
            {"rel": "describedby", "type": "application/json", "title": "TileJSON", "href": f"{base}?f=tilejson"},
        ],
    }  # fmt: skip


def tilejson(layer: str, title: str, server_url: str) -> dict[str, Any]:
    """A layer's tiles as TileJSON 3.0, for MapLibre and QGIS."""
    found = catalogue().layers[layer]
    fields = mvt.attributes(found)
    template = f"{server_url}/collections/{layer}/tiles/{WEB_MERCATOR_QUAD}/{{z}}/{{y}}/{{x}}?f=mvt"
    return {
        "tilejson": "3.0.0",
        "name": title,
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": found.tile.minzoom,
        "maxzoom": found.tile.maxzoom,
        "attribution": found.source.attribution.en,
        "vector_layers": [{"id": layer, "fields": fields}],
    }
