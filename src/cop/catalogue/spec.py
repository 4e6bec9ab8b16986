"""What the store must know of a layer: the argument of the SQL function cop.apply_layer."""

from __future__ import annotations

from typing import Any

from cop.catalogue.models import ColumnType, Layer

POSTGRES_TYPES: dict[ColumnType, str] = {
    "text": "text",
    "code": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "time": "timestamptz",
    "date": "date",
    "text[]": "text[]",
}


def spec(layer: Layer) -> dict[str, Any]:
    """The layer as JSON for cop.apply_layer; only what tables, triggers and policies depend on."""
    roles = {role: layer.with_role(role) for role in ("time", "updated", "mode", "release")}
    return {
        "id": layer.id,
        "kind": layer.kind,
        "geometry": layer.geometry,
        "labelled": layer.is_labelled,
        "numbered": layer.numbered,
        "key": list(layer.key) if layer.kind == "register" and isinstance(layer.key, tuple) else None,
        "columns": [{"name": c.name, "type": POSTGRES_TYPES[c.type]} for c in layer.columns],
        "profiles": {name: [c.name for c in layer.visible_columns(name)] for name in layer.profiles},
        "owner": "department" if layer.is_labelled else None,
        **{role: column.name if column else None for role, column in roles.items()},
        **({"blurs": blurs} if (blurs := _blurs(layer)) else {}),
        **({"ticks": [tick.spec() for tick in layer.ticks]} if layer.ticks else {}),
    }


def _blurs(layer: Layer) -> dict[str, Any]:
    """By profile. Left out where there are none, so that other layers' specs stay as they were."""
    return {name: profile.blur.model_dump(mode="json") for name, profile in layer.profiles.items() if profile.blur}
