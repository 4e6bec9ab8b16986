"""`/session`: who am I, and the page's way in and out."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cop.catalogue import catalogue
from cop.errors import NotPermitted, NotRecognised, Refused
from cop.identity import OF_A_DEPARTMENT, ROLES, Principal
from cop.settings import get_settings
from cop_server.identity.asker import asker
from cop_server.identity.credentials import CREDENTIAL_HEADERS, good_until, has_credentials
from cop_server.identity.sessions import (
    Session,
    begin,
    begin_exercise,
    clear_cookie,
    entry_is_open,
    session_of,
    set_cookie,
)

_LARGEST_BODY = 2000
_EXAMPLE = '{"role": "reporter", "department": "DSD"}'


def session_routes() -> list[BaseRoute]:
    """The routes of sessions."""
    return [
        Route("/session", _who, methods=["GET"]),
        Route("/session", _sign_in, methods=["POST"]),
        Route("/session", _sign_out, methods=["DELETE"]),
    ]


async def _who(request: Request) -> Response:
    who = await run_in_threadpool(asker, request)
    session = None if has_credentials(request.headers) else await run_in_threadpool(session_of, request.headers)
    return _told(who, session)


async def _sign_in(request: Request) -> Response:
    if has_credentials(request.headers):
        who = await run_in_threadpool(asker, request)
        session = begin(who, good_until(request.headers))
    else:
        session = _entered(await _body(request))
    return _told(session.principal, session, set_cookie(session))


async def _sign_out(_: Request) -> Response:
    return Response(status_code=204, headers={"Set-Cookie": clear_cookie(), "Cache-Control": "no-store"})


def _entered(body: dict[str, Any]) -> Session:
    """The one-click entry into the exercise."""
    if not entry_is_open(get_settings()):
        raise NotPermitted(
            "Here nobody enters by choosing a role; send an API key or token in the header Authorization."
        )
    role, department = str(body.get("role")), body.get("department")
    try:
        return begin_exercise(role, None if department is None else str(department))
    except ValueError as exc:
        named = "department" if role in OF_A_DEPARTMENT else "role"
        raise Refused(str(exc)[:600], named, _EXAMPLE) from exc


async def _body(request: Request) -> dict[str, Any]:
    # A form of another site could not send this type without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        if not entry_is_open(get_settings()):
            raise NotRecognised("Send an API key or token in the header Authorization.")
        raise Refused("wanted credentials in the header Authorization, or a role as application/json", None, _EXAMPLE)
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > _LARGEST_BODY:
            raise Refused(f"the body is longer than {_LARGEST_BODY} bytes", None, _EXAMPLE)
    try:
        found = orjson.loads(read)
    except orjson.JSONDecodeError as exc:
        raise Refused("the body is no JSON", None, _EXAMPLE) from exc
    if not isinstance(found, dict):
        raise Refused("the body is no JSON object", None, _EXAMPLE)
    return found


def _told(who: Principal, session: Session | None, cookie: str | None = None) -> Response:
    visible = who.visible(who.only_mode or get_settings().mode)
    body = {
        "known": who.is_known,
        "subject": who.subject,
        "role": who.role,
        "department": who.department,
        "audience": visible.audience,
        "only_mode": who.only_mode,
        "expires_at": session.expires_at if session else None,
        "csrf": session.csrf if session else None,
        "entry": _entry() if entry_is_open(get_settings()) else None,
    }
    headers = {"Cache-Control": "no-store", "Vary": CREDENTIAL_HEADERS}
    if cookie is not None:
        headers["Set-Cookie"] = cookie
    told = {name: value for name, value in body.items() if value is not None}
    return Response(orjson.dumps(told), headers=headers, media_type="application/json")


def _entry() -> dict[str, Any]:
    """What the one-click entry may be asked for."""
    departments = [
        {"code": code, "title": {"en": title.en, "zh": title.zh}}
        for code, title in catalogue().codes["departments"].items()
    ]
    roles = [{"role": role, "of_a_department": role in OF_A_DEPARTMENT} for role in ROLES]
    return {"roles": roles, "departments": departments}
