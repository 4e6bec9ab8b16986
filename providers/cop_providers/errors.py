"""Our errors in the form that pygeoapi passes on to its clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from pygeoapi.provider.base import ProviderGenericError, ProviderItemNotFoundError

from cop.errors import NotFound, Refused, StoreTrouble


class RequestRefused(ProviderGenericError):  # type: ignore[misc]
    """A request that cannot be answered as it stands."""

    ogc_exception_code = "InvalidParameterValue"
    http_status_code = HTTPStatus.BAD_REQUEST


class Unavailable(ProviderGenericError):  # type: ignore[misc]
    """The store does not answer at the moment."""

    ogc_exception_code = "NoApplicableCode"
    http_status_code = HTTPStatus.SERVICE_UNAVAILABLE


@contextmanager
def told_to_pygeoapi() -> Iterator[None]:
    """Turn our errors into those that pygeoapi answers with a status and a sentence."""
    try:
        yield
    except NotFound as exc:
        raise ProviderItemNotFoundError(user_msg=exc.detail) from exc
    except Refused as exc:
        error = RequestRefused(user_msg=exc.detail)
        error.http_status_code = HTTPStatus(exc.status)
        raise error from exc
    except StoreTrouble as exc:
        raise Unavailable(user_msg=exc.detail) from exc
