"""Bodies as they come over the wire, unpacked piece by piece, so that nothing grows larger than what is allowed."""

from __future__ import annotations

import zlib

CODINGS = "gzip, deflate"
_PIECE = 1 << 18
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Unreadable(Exception):
    """A body that is longer than allowed, packed in a way we did not ask for, or broken off."""


class Unpacker:
    """Takes a body's pieces as they come; raises Unreadable as soon as more than `limit` bytes have come out."""

    def __init__(self, coding: str, limit: int) -> None:
        coding = coding.strip().lower()
        if coding not in ("", "identity") and coding not in _WINDOWS:
            raise Unreadable(f"is packed as {coding[:40]!r}; asked for was {CODINGS}")
        self._inflater = zlib.decompressobj(_WINDOWS[coding]) if coding in _WINDOWS else None
        self._limit = limit
        self._body = bytearray()

    def take(self, piece: bytes) -> None:
        """The next piece, still packed."""
        if self._inflater is None:
            self._add(piece)
            return
        try:
            while piece:
                self._add(self._inflater.decompress(piece, _PIECE))
                piece = self._inflater.unconsumed_tail
        except zlib.error as exc:
            raise Unreadable(f"is not packed as it says: {exc}") from exc

    def whole(self) -> bytes:
        """The body, after its last piece."""
        if self._inflater is not None and not self._inflater.eof:
            raise Unreadable("broke off within its compressed body")
        return bytes(self._body)

    def _add(self, part: bytes) -> None:
        self._body += part
        if len(self._body) > self._limit:
            raise Unreadable(f"brings more than the {self._limit:,} bytes allowed")
