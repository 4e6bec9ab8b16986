"""The audit at /audit: what administrators may know of who read and wrote their department's records."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.responses import JSONResponse, Response

from cop.audit import Entry, audited, read_filters, written_cursor
from cop.errors import NotPermitted, NotRecognised
from cop.identity import Principal
from cop.store.reading import reading
from cop_server.documents.links import JSON, carrying, link
from cop_server.noting import note_read
from cop_server.routes.items import address
from cop_server.routes.road import Ask


class Audits:
    """The route of the audit."""

    def __init__(self, url: str) -> None:
        self._url = url

    def listed(self, ask: Ask) -> Response:
        """Entries of the request's mode, newest first; who looks is noted too."""
        seen_by = _seen_by(ask.principal)
        filters = read_filters(ask.given, ask.visible.mode)
        with reading(ask.visible) as connection:
            found = audited(connection, filters, seen_by)
        note_read(ask.principal, ask.visible.mode, ["audit"], "audit", request=ask.request.scope.get("cop.request_id"))
        here = address(f"{self._url}/audit", ask.given)
        links = [link(here({}), "self", JSON, "This page")]
        if len(found) == filters.limit:
            links.append(link(here({"cursor": written_cursor(found[-1])}), "next", JSON, "Next page"))
        document: dict[str, Any] = {
            "entries": [told(entry) for entry in found], "numberReturned": len(found),
            "links": carrying(links, self._url, ask.given.get("mode")),
        }  # fmt: skip
        return JSONResponse(document, headers={"Cache-Control": "no-store"})


def told(entry: Entry) -> dict[str, Any]:
    """An entry as JSON: times as RFC 3339 in UTC."""
    return {name: value.isoformat().replace("+00:00", "Z") if name in ("at", "until") else value
            for name, value in asdict(entry).items()}  # fmt: skip


def _seen_by(principal: Principal) -> str | None:
    """The department whose administrator asks; None for emsc, who see all.

    Raises NotRecognised or NotPermitted. Whoever entered an exercise by one click may be anybody, and sees no audit.
    """
    if not principal.is_known:
        raise NotRecognised("the audit needs a key or token: send it as Authorization: Bearer, or sign in")
    if principal.only_mode is not None:
        raise NotPermitted("the audit is for keys and tokens; the exercise's one-click entry does not see it")
    if principal.role == "emsc":
        return None
    if principal.role != "administrator":
        raise NotPermitted(f"a {principal.role} does not see the audit; it takes an administrator or emsc")
    return principal.department
