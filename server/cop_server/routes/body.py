"""Bodies of requests, read within their limits."""

from __future__ import annotations

from starlette.requests import Request

from cop.errors import TooLarge


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request, of at most so many bytes. Raises TooLarge before the rest is read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge(f"the body is longer than {most} bytes", "body")
        parts.append(part)
    return b"".join(parts)
