"""XML from strangers: no document type, hence no entities of its own and nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers import expat

from cop.errors import LoadRefused

_CHUNK = 1 << 20
_DEEPEST = 200


def parse_xml(body: bytes, name: str) -> Element:
    """The root element of an XML document.

    Raises LoadRefused where it is not well-formed (with line and column), has a DOCTYPE, is nested more than
    200 deep, or says an encoding that its bytes are not.
    """
    check_xml(iter([body]), name)
    try:
        return fromstring(body)  # noqa: S314 - check_xml has refused every DOCTYPE, so there are no entities
    except (ParseError, ValueError, LookupError) as exc:
        raise LoadRefused(f"{name}: is not well-formed XML: {exc}; fetch the file again") from exc


def check_xml_file(path: Path) -> None:
    """Like parse_xml, for a file that may be large: reads it in pieces and keeps nothing."""
    try:
        with path.open("rb") as file:
            check_xml(iter(lambda: file.read(_CHUNK), b""), path.name)
    except OSError as exc:
        raise LoadRefused(f"{path.name}: cannot be read: {exc.strerror}; check the file and its rights") from exc


def check_xml(pieces: Iterator[bytes], name: str) -> None:
    """Raise LoadRefused unless the pieces together are well-formed XML without a DOCTYPE."""
    parser = expat.ParserCreate()
    depth = 0

    def opened(_tag: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise LoadRefused(f"{name}: elements are nested more than {_DEEPEST} deep; wanted a plain feed")

    def closed(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(kind: str, _system: str | None, _public: str | None, _subset: int) -> None:
        if kind.lower() == "html":
            raise LoadRefused(f"{name}: is an HTML page, probably the server's error page; wanted XML")
        raise LoadRefused(f"{name}: has a DOCTYPE, which could define entities; wanted XML without one")

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.StartDoctypeDeclHandler = doctype
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as exc:
        raise LoadRefused(f"{name}: is not well-formed XML: {exc}; fetch the file again") from exc


def local_name(element: Element) -> str:
    """An element's name without its namespace (v1 of the traffic news has one, v2 has none)."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def fields_of(element: Element) -> dict[str, str]:
    """The texts of an element's children by local name, stripped; the first of equal names wins."""
    found: dict[str, str] = {}
    for child in element:
        found.setdefault(local_name(child), "".join(child.itertext()).strip())
    return found
