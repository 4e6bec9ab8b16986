"""What the OpenAPI document says of who asks: the ways to say so, and the page's sessions."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Catalogue
from cop.identity import ROLES
from cop.visible import LABELS

SECURITY: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"apiKey": []}, {"basic": []}, {"session": []}]
"""Any one of them, or none: then the answer is what everybody may see."""


def security_schemes() -> dict[str, Any]:
    """The ways in which a client says who asks."""
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of the OIDC issuer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key"},
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "An API key as the password, any user name; below /auth the server asks for it",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "cop_session",
            "description": "The page's session, from POST /session; __Host-cop_session where the server's address is "
            "https. What changes something needs the header COP-CSRF too: the member csrf of GET /session.",
        },
    }


def session_paths() -> dict[str, Any]:
    """The path of sessions."""
    told = {"description": "Who asks", "content": {"application/json": {"schema": _ref("schemas", "Session")}}}
    refused = {"400": _ref("responses", "BadRequest"), "401": _problem("The credentials are not good"),
               "403": _problem("Not allowed: no one-click entry here, or sent by another site's page")}  # fmt: skip
    entry = {"application/json": {"schema": _ref("schemas", "Entry")}}
    csrf = {"name": "COP-CSRF", "in": "header", "required": False, "schema": {"type": "string"},
            "description": "The member csrf of GET /session, where a session's cookie is sent"}  # fmt: skip
    return {
        "/session": {
            "get": _operation("session", "Who am I", {"200": told, "401": refused["401"]}),
            "post": {
                **_operation("signIn", "Begin a session: with credentials, or in an exercise with a role",
                             {"200": told, **refused}),
                "requestBody": {"required": False, "content": entry},
            },
            "delete": {
                **_operation("signOut", "End the session", {"204": {"description": "Ended"}, "403": refused["403"]}),
                "parameters": [csrf],
            },
        }
    }  # fmt: skip


def session_schemas(catalogue: Catalogue) -> dict[str, Any]:
    """What is sent and answered there."""
    role = {"type": "string", "enum": list(ROLES)}
    department = {"type": "string", "enum": list(catalogue.codes["departments"])}
    words = {"type": "string"}
    return {
        "Entry": {"type": "object", "required": ["role"], "properties": {"role": role, "department": department}},
        "Session": {
            "type": "object",
            "required": ["known", "subject", "audience"],
            "properties": {
                "known": {"type": "boolean"}, "subject": words, "role": words, "department": words,
                "audience": {"type": "string", "enum": list(LABELS)},
                "only_mode": {"type": "string", "description": "The one mode in which the session is anybody"},
                "expires_at": {"type": "integer", "description": "Seconds since 1970"},
                "csrf": {"type": "string", "description": "What COP-CSRF must say"},
                "entry": {"type": "object", "description": "Roles and departments of the one-click entry"},
            },
        },
    }  # fmt: skip


def _operation(identifier: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": identifier, "summary": summary, "tags": ["server"], "responses": responses}


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _ref("schemas", "Problem")}}}
