"""Who asks, as the border has recognised it: once a request, whatever the route."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

from cop.errors import CopError
from cop.identity import Principal
from cop_server.identity.credentials import recognise, recognised_at_once

KEY: Final = "cop.asker"


def asker_at_once(request: HTTPConnection) -> Principal | None:
    """Who asks, where nobody need be asked any more.

    Raises NotRecognised, or StoreTrouble, where the border met it.
    """
    found: Principal | CopError | None = request.scope.get(KEY)
    if isinstance(found, CopError):
        raise found
    return found if found is not None else recognised_at_once(request.headers)


def asker(request: HTTPConnection) -> Principal:
    """The same, where the store may be asked. To be called in a thread."""
    return asker_at_once(request) or recognise(request.headers)
