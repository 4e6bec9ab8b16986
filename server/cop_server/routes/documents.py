"""The JSON documents: landing page, conformance, collections, schemas, OpenAPI."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import Response

from cop.catalogue import Catalogue, Layer
from cop.errors import NotFound
from cop.journal import exercise_now
from cop.query.parse import DOCUMENT, check_known
from cop.resources import resource
from cop_server.documents import asyncapi, root
from cop_server.documents import collections as documents
from cop_server.documents.links import JSON, SCHEMA, carrying
from cop_server.documents.state import states
from cop_server.routes.answers import LIVE, is_known
from cop_server.routes.road import Ask

_LayerDocument = Callable[[Layer, Catalogue, str, str, str], dict[str, Any]]


def json_response(ask: Ask, document: dict[str, Any], url: str, media_type: str = JSON) -> Response:
    """A document as JSON, its links in the mode that was asked for; known ones are 304."""
    body = orjson.dumps(carrying(document, url, ask.given.get("mode")))
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        "Vary": "Accept, Accept-Language",
        "Cache-Control": LIVE,
    }
    if is_known(ask, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _rendered(file: Path) -> dict[str, Any]:
    """What was rendered from the layers, read when it is asked for: as objects it would take 10 MB of each worker."""
    found: dict[str, Any] = orjson.loads(file.read_bytes())
    return found


class Documents:
    """The routes of documents."""

    def __init__(self, catalogue: Catalogue, url: str) -> None:
        self._catalogue = catalogue
        self._url = url

    def landing_page(self, ask: Ask) -> Response:
        """The way in."""
        check_known(ask.given, DOCUMENT)
        mode = ask.visible.mode
        now = exercise_now() if mode == "exercise" else None
        return json_response(ask, root.landing_page(self._url, ask.lang, mode, now), self._url)

    def conformance(self, ask: Ask) -> Response:
        """What the server conforms to."""
        check_known(ask.given, DOCUMENT)
        return json_response(ask, root.conformance(), self._url)

    def openapi(self, ask: Ask) -> Response:
        """The API; as OpenAPI 3.0 for clients that know no other (the document uses nothing that 3.0 lacks)."""
        version = "3.0" if ask.form == "json30" else "3.1"
        document = _rendered(Path(os.environ["PYGEOAPI_OPENAPI"])) | {
            "servers": [{"url": self._url}], "openapi": "3.0.3" if ask.form == "json30" else "3.1.0",
        }  # fmt: skip
        return json_response(ask, document, self._url, f"application/vnd.oai.openapi+json;version={version}")

    def asyncapi(self, ask: Ask) -> Response:
        """The stream of events."""
        check_known(ask.given, DOCUMENT)
        document = _rendered(resource("openapi") / "asyncapi.json") | {"servers": asyncapi.servers(self._url)}
        return json_response(ask, document, self._url, asyncapi.MEDIA_TYPE)

    def collections(self, ask: Ask) -> Response:
        """All collections."""
        check_known(ask.given, DOCUMENT)
        found = states(list(self._catalogue.layers.values()), ask.visible)
        return json_response(ask, documents.collections(found, self._catalogue, self._url, ask.lang), self._url)

    def collection(self, ask: Ask) -> Response:
        """One collection."""
        check_known(ask.given, DOCUMENT)
        ((layer, state),) = states([self._layer(ask)], ask.visible)
        return json_response(ask, documents.collection(layer, state, self._catalogue, self._url, ask.lang), self._url)

    def queryables(self, ask: Ask) -> Response:
        """What a filter may name."""
        return self._schema(ask, documents.queryables_document)

    def schema(self, ask: Ask) -> Response:
        """What an item holds."""
        return self._schema(ask, documents.schema_document)

    def sortables(self, ask: Ask) -> Response:
        """What `sortby` may name."""
        return self._schema(ask, documents.sortables_document)

    def _schema(self, ask: Ask, make: _LayerDocument) -> Response:
        check_known(ask.given, DOCUMENT)
        layer = self._layer(ask)
        document = make(layer, self._catalogue, self._url, ask.lang, ask.visible.profile_of(layer))
        return json_response(ask, document, self._url, SCHEMA)

    def _layer(self, ask: Ask) -> Layer:
        name = ask.path("collection")
        if name not in self._catalogue.layers:
            raise NotFound(
                f"there is no collection {name[:60]!r}; GET /collections lists all", "collection", "incidents"
            )
        return self._catalogue.layers[name]
