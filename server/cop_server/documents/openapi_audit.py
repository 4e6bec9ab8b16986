"""The audit in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from cop.audit import READS, WRITES
from cop_server.documents.openapi_pieces import body, given, operation, ref

Json = dict[str, Any]


def audit_paths() -> Json:
    """One address, for administrators."""
    path = operation(
        "audit", "Who wrote, read or took away what not everybody may see; for administrators, of their department",
        "server",
        given("datetime", "auditActor", "auditDepartment", "auditCollection", "auditFeature", "auditDeed",
              "auditRequest", "limit", "cursor", "mode"),
        body("Entries, the newest first", schema=ref("schemas", "Audit")),
    )  # fmt: skip
    del path["get"]["responses"]["304"], path["get"]["responses"]["404"]
    path["get"]["responses"] |= {"401": ref("responses", "NotRecognised"), "403": ref("responses", "NotPermitted")}
    return {"/audit": path}


def audit_parameters() -> Json:
    """The filters that this address alone has."""
    texts = {
        "Actor": ("actor", "Who, as in the journal"),
        "Department": ("department", "The actor's department"),
        "Collection": ("collection", "The collection"),
        "Feature": ("feature", "A record's id"),
        "Request": ("request", "The id of a request, as in X-Request-Id"),
    }
    found: Json = {
        f"audit{key}": {"name": name, "in": "query", "required": False, "description": says,
                        "schema": {"type": "string"}}
        for key, (name, says) in texts.items()
    }  # fmt: skip
    deed = {"type": "string", "enum": [*READS, *WRITES]}
    return found | {
        "auditDeed": {"name": "deed", "in": "query", "required": False, "description": "What was done",
                      "schema": deed},
    }  # fmt: skip


def audit_schemas() -> Json:
    """A page of the audit."""
    text, maybe, number = {"type": "string"}, {"type": "string", "nullable": True}, {"type": "integer", "minimum": 0}
    time = {"type": "string", "format": "date-time"}
    entry = {
        "type": "object",
        "properties": {
            "at": time, "kind": {"type": "string", "enum": ["read", "write"]}, "n": number, "until": time, "deed": text,
            "form": text, "actor": text, "role": maybe, "department": maybe, "mode": maybe, "collection": text,
            "feature": maybe, "count": number, "request": maybe,
        },
    }  # fmt: skip
    return {"Audit": {
        "type": "object",
        "required": ["entries", "numberReturned", "links"],
        "properties": {"entries": {"type": "array", "items": entry}, "numberReturned": number,
                       "links": {"type": "array", "items": {"type": "object"}}},
    }}  # fmt: skip
