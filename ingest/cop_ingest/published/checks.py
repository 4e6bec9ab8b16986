"""Is it what it should be? A server's error often comes with the status 200."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from cop.errors import LoadRefused
from cop_ingest.texts import refuse_html

_START = 4000


def check_content(path: Path, address: str) -> None:
    """Raise LoadRefused where a downloaded file is empty, an error in the form of data, or an archive that is cut."""
    with path.open("rb") as file:
        start = file.read(_START)
    if not start.strip():
        raise LoadRefused(f"{address}: the answer is empty; try again later")
    if start.startswith(b"PK"):
        _check_zip(path, address)
        return
    check_start(start, address)


def check_start(start: bytes, address: str) -> None:
    """Raise LoadRefused where a body begins like an HTML page, an OGC ExceptionReport or an ArcGIS error."""
    text = start[:_START].decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    refuse_html(text, address)
    if re.match(
        r"(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)?<(\w+:)?(ExceptionReport|ServiceExceptionReport)\b", text, re.DOTALL
    ):
        said = re.search(r"<(?:\w+:)?(?:ExceptionText|ServiceException)[^>]*>(.*?)</", text, re.DOTALL)
        words = " ".join(said[1].split())[:300] if said else "no text"
        raise LoadRefused(
            f"{address}: answered 200 with an ExceptionReport: {words}; "
            "check source.published in the layer's file (dataset, layer), or try again later"
        )
    if text.startswith("{") and (fault := _arcgis_error(text)):
        raise LoadRefused(f"{address}: answered 200 with an error: {fault}; try again later")


def _arcgis_error(text: str) -> str | None:
    if not re.match(r'\{\s*"error"\s*:', text):
        return None
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return "no text"
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)


def _check_zip(path: Path, address: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as exc:
        raise LoadRefused(f"{address}: is not a whole zip archive ({exc}); fetch it again") from exc
    if broken is not None:
        raise LoadRefused(f"{address}: {broken} in the archive is damaged; fetch it again")
