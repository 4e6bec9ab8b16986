"""What every part of the OpenAPI document is made of."""

from __future__ import annotations

from typing import Any


def ref(kind: str, name: str) -> dict[str, str]:
    """A reference within the document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def given(*names: str) -> list[dict[str, Any]]:
    """Parameters that the document declares once."""
    return [ref("parameters", name) for name in names]


def operation(
    identifier: str, summary: str, tag: str, parameters: list[dict[str, Any]], success: dict[str, Any]
) -> dict[str, Any]:
    """A path with one way to read it."""
    refused = {"400": ref("responses", "BadRequest"), "404": ref("responses", "NotFound"),
               "429": ref("responses", "TooMany"), "503": ref("responses", "Unavailable")}  # fmt: skip
    return {
        "get": {
            "operationId": identifier,
            "summary": summary,
            "tags": [tag],
            "parameters": parameters,
            "responses": {
                "200": success,
                "304": {"description": "Not changed since the ETag that was sent"},
                **refused,
            },
        }
    }


def body(
    description: str, media_type: str = "application/json", schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An answer with a body."""
    return {"description": description, "content": {media_type: {"schema": schema or {"type": "object"}}}}


def binary(description: str, media_type: str) -> dict[str, Any]:
    """An answer of bytes."""
    return body(description, media_type, {"type": "string", "format": "binary"})
