"""Download one file: to a .part beside its place, going on where an earlier attempt stopped, and only if it is new."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cop_ingest.published.checks import check_content
from cop_ingest.published.keeping import FileNote, sha256_of, write_whole
from cop_ingest.published.web import Answer, TryAgain, Web

_SUFFIXES = frozenset({".zip", ".geojson", ".json", ".gml", ".xml", ".csv", ".txt", ".gpkg"})
_BY_TYPE = {
    "application/zip": ".zip",
    "application/geo+json": ".geojson",
    "application/vnd.geo+json": ".geojson",
    "application/json": ".json",
    "application/gml+xml": ".gml",
    "text/csv": ".csv",
}


def fetch_file(web: Web, address: str, folder: Path, known: FileNote | None) -> FileNote | None:
    """Fetch an address into a folder; what came, or None where the server says that `known` is still the newest.

    Raises LoadRefused with reason and remedy; the part that came stays for the next run where it can be gone on with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{_stem(address)}.part"
    note = web.retried(lambda: _attempt(web, address, part, known), address)
    if note is None:
        return None
    etag, last_modified, content_type = note
    try:
        check_content(part, address)
    except Exception:
        # An error page is nothing to go on with.
        part.unlink(missing_ok=True)
        raise
    name = _stem(address) + _suffix(address, content_type, part)
    part.replace(folder / name)
    _state(part).unlink(missing_ok=True)
    whole = folder / name
    return FileNote(name, address, whole.stat().st_size, sha256_of(whole), etag, last_modified)


_Told = tuple[str | None, str | None, str]


def _attempt(web: Web, address: str, part: Path, known: FileNote | None) -> _Told | None:
    here, validator = _to_go_on(part, address)
    headers = {}
    if here:
        headers = {"Range": f"bytes={here}-", "If-Range": validator}
    elif known is not None and known.address == address:
        headers = _conditions(known)
    with web.get(address, headers) as answer:
        if answer.status == 304:
            return None
        if answer.status == 416 or (answer.status == 206 and not _begins_at(answer, here)):
            part.unlink(missing_ok=True)
            raise TryAgain(f"{address}: the part at hand fits no longer")
        told = answer.headers.get("ETag"), answer.headers.get("Last-Modified"), _type(answer)
        goes_on = answer.status == 206
        _remember(part, address, told)
        with part.open("ab" if goes_on else "wb") as file:
            web.read(answer, address, file.write)
        return told


def _type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _conditions(known: FileNote) -> dict[str, str]:
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.last_modified} if known.last_modified else {}


def _to_go_on(part: Path, address: str) -> tuple[int, str]:
    """How many bytes are here, and the validator that the server must still agree with; 0 where it cannot go on."""
    try:
        state = json.loads(_state(part).read_text(encoding="utf-8"))
        size = part.stat().st_size
        strong = state["etag"] if state["etag"] and not state["etag"].startswith("W/") else state["last_modified"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
    return (size, strong) if strong and state["address"] == address else (0, "")


def _remember(part: Path, address: str, told: _Told) -> None:
    write_whole(_state(part), json.dumps({"address": address, "etag": told[0], "last_modified": told[1]}).encode())


def _state(part: Path) -> Path:
    return part.with_suffix(".state")


def _begins_at(answer: Answer, here: int) -> bool:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == here


def _stem(address: str) -> str:
    last = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2]
    stem = Path(last).stem if Path(last).suffix.lower() in _SUFFIXES else last
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "file"


def _suffix(address: str, content_type: str, path: Path) -> str:
    """From the bytes where they tell, else from the address, else from what the server calls it."""
    with path.open("rb") as file:
        start = file.read(4).lstrip(b"\xef\xbb\xbf")
    named = Path(unquote(urlsplit(address).path)).suffix.lower()
    if start.startswith(b"PK"):
        return ".zip"
    if named in _SUFFIXES:
        return named
    if content_type in _BY_TYPE:
        return _BY_TYPE[content_type]
    return ".json" if start[:1] in (b"{", b"[") else ".gml" if start[:1] == b"<" else ".csv"
