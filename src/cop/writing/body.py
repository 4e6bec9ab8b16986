"""Bodies in: GeoJSON features and merge patches, read with limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from cop.errors import Fault, Invalid, Refused

MAX_DEPTH: Final = 12
MAX_BATCH: Final = 1000
_IGNORED: Final = frozenset({"provenance"})  # sent with every feature, and never the client's to say


@dataclass(frozen=True, slots=True)
class Body:
    """What a client wrote of one feature; `has_geometry` tells a geometry of null from none given."""

    properties: dict[str, Any]
    geometry: dict[str, Any] | None
    has_geometry: bool
    id: str | None = None


def read_document(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises Refused where it is none, or nested too deeply."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise Refused(f"the body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}", "body") from exc
    if not isinstance(document, dict):
        raise Refused(f"the body is {_kind(document)}; wanted an object", "body", '{"type": "Feature", …}')
    if _depth(document) > MAX_DEPTH:
        raise Refused(f"the body is nested more than {MAX_DEPTH} levels deep", "body")
    return document


def read_feature(document: dict[str, Any]) -> Body:
    """A whole GeoJSON feature. Members that GeoJSON does not know are left alone, as the standard has it."""
    if document.get("type") != "Feature":
        raise Invalid([Fault("/type", document.get("type"), "wanted a GeoJSON Feature", "Feature")])
    if "geometry" not in document:
        raise Invalid([Fault("/geometry", None, "a Feature has a geometry; null where it is not known", None)])
    return _body(document)


def read_patch(document: dict[str, Any]) -> Body:
    """A merge patch (RFC 7396) of the GeoJSON form: properties that change, null to clear; a geometry as a whole."""
    if document.get("type", "Feature") != "Feature":
        raise Invalid([Fault("/type", document["type"], "a feature stays one", "Feature")])
    if not {"properties", "geometry"} & document.keys():
        raise Invalid([Fault("", None, "nothing is changed: wanted properties or geometry", {"properties": {}})])
    return _body(document)


def read_features(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The features of a batch, not read yet. Raises Invalid where there are none or too many."""
    found = document.get("features")
    if not isinstance(found, list) or not found:
        raise Invalid([Fault("/features", found, "wanted a list of features")])
    if len(found) > MAX_BATCH:
        raise Invalid([Fault("/features", len(found), f"at most {MAX_BATCH} features in one request")])
    return found


def _body(document: dict[str, Any]) -> Body:
    properties, geometry = document.get("properties"), document.get("geometry")
    faults = []
    if properties is not None and not isinstance(properties, dict):
        faults.append(Fault("/properties", _kind(properties), "wanted an object", {}))
    if geometry is not None and not isinstance(geometry, dict):
        faults.append(Fault("/geometry", _kind(geometry), "wanted a GeoJSON geometry or null"))
    if faults:
        raise Invalid(faults)
    told = {name: value for name, value in (properties or {}).items() if name not in _IGNORED}
    id_ = document.get("id")
    return Body(told, geometry, "geometry" in document, None if id_ is None else str(id_))


def _depth(document: object) -> int:
    """How deep arrays and objects are nested; found without recursion."""
    level, depth = [document], 0
    while level:
        depth += 1
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, dict | list)
        ]
    return depth


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
