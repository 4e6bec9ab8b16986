"""Errors out: one table from an error to its status, as problem details (RFC 9457)."""

from __future__ import annotations

import logging
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cop.errors import (
    ChangedMeanwhile,
    Conflict,
    CopError,
    Gone,
    Invalid,
    NotAcceptable,
    NotFound,
    NotPermitted,
    NotRecognised,
    Refused,
    StoreTrouble,
    TooLarge,
    VersionWanted,
    Withdrawn,
    WrongMedia,
)

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_TITLES = {
    Refused: "The request cannot be answered as it stands",
    NotFound: "Nothing is here",
    Withdrawn: "Withdrawn",
    Gone: "Kept no longer",
    NotPermitted: "Not permitted",
    Conflict: "In conflict with another record",
    ChangedMeanwhile: "Changed meanwhile",
    TooLarge: "Too large",
    WrongMedia: "Not in a form that is read here",
    Invalid: "The record does not fit its layer",
    VersionWanted: "Say which version you change",
    NotAcceptable: "Not in this form",
    NotRecognised: "Not recognised",
}


def problem(
    request: Request,
    status: int,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: object,
) -> Response:
    """A problem's answer; `instance` is the request's id, to quote to those who keep the logs."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{request.scope.get('cop.request_id', '')}",
        **{name: value for name, value in more.items() if value is not None},
    }
    # The answer to a fault passes the border by, so these stand here too.
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
            "X-Request-Id": str(request.scope.get("cop.request_id", ""))}  # fmt: skip
    return Response(orjson.dumps(body, default=str), status, safe | (headers or {}), MEDIA_TYPE)


async def on_refused(request: Request, exc: Exception) -> Response:
    """A request that was refused: names the parameter, and an example that would be right."""
    assert isinstance(exc, Refused)
    # Browsers are never challenged with Basic here: they would ask for a password.
    headers = {"WWW-Authenticate": 'Bearer realm="cop"'} if isinstance(exc, NotRecognised) else None
    errors = [asdict(fault) for fault in exc.faults] if isinstance(exc, Invalid) else None
    return problem(
        request, exc.status, _TITLES[type(exc)], exc.detail, headers, parameter=exc.parameter, example=exc.example,
        errors=errors,
    )  # fmt: skip


async def on_trouble(request: Request, exc: Exception) -> Response:
    """The store does not answer: try again."""
    assert isinstance(exc, StoreTrouble)
    return problem(request, exc.status, "Not at the moment", exc.detail, {"Retry-After": "5"})


async def on_http(request: Request, exc: Exception) -> Response:
    """What the router itself refuses."""
    assert isinstance(exc, HTTPException)
    title = HTTPStatus(exc.status_code).phrase
    detail = f"{request.method} {request.url.path}: {title.lower()}"
    return problem(request, exc.status_code, title, detail, dict(exc.headers or {}))


async def on_anything(request: Request, exc: Exception) -> Response:
    """A fault of ours: the log has the whole of it, the client an id to quote."""
    _log.error("request %s failed", request.scope.get("cop.request_id"), exc_info=exc)
    detail = "The server failed at this request; the log has it under the id in `instance`."
    return problem(request, 500, "A fault of the server", detail)


async def on_cop_error(request: Request, exc: Exception) -> Response:
    """An error of ours that is no client's: told as a fault, its text stays in the log."""
    return await on_anything(request, exc)


HANDLERS = {
    Refused: on_refused,
    StoreTrouble: on_trouble,
    CopError: on_cop_error,
    HTTPException: on_http,
    Exception: on_anything,
}
