"""The published originals of layers: what a layer's file says of them, fetched, checked and kept.

`fetch` brings a layer's files into its folder below COP_VAR/published; nothing of them is in use before the loader has
read them and says `accept`. What can go wrong on the way is a LoadRefused with reason and remedy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from cop.catalogue.models import Layer, Licence
from cop.errors import LoadRefused
from cop_ingest.published.keeping import FileNote, Folder, Manifest, given
from cop_ingest.published.manners import Manners
from cop_ingest.published.web import Web
from cop_ingest.published.wfs import fetch_features
from cop_ingest.published.whole import fetch_file

LICENCES: dict[Licence, str] = {
    "DG": "DATA.GOV.HK Terms and Conditions of Use (https://data.gov.hk/en/terms-and-conditions)",
    "CSDI": "CSDI Portal Terms and Conditions of Use (https://portal.csdi.gov.hk/csdi-webpage/doc/TNC)",
    "GEO": "CEDD GEO Open Data Terms of Use",
    "ODbL": "Open Database License 1.0 (https://opendatacommons.org/licenses/odbl/1-0/)",
    "PD": "public domain",
    "JMA": "Japan Meteorological Agency, terms of its website (https://www.jma.go.jp/jma/en/copyright.html)",
    "exercise": "made up for exercises",
}

__all__ = ["LICENCES", "Folder", "Manifest", "Manners", "as_published", "fetch", "licence_line", "only_one"]


def licence_line(layer: Layer) -> str:
    """What a person must know before a download: where from, whose, under which licence."""
    published = layer.source.published
    assert published is not None
    doubt = "" if published.verified else " (address and names are from documentation and were not seen at work)"
    return (
        f"{layer.id}: {published.address}{doubt}; {layer.source.attribution.en}; "
        f"licence: {LICENCES[layer.source.licence]}"
    )


def as_published(layer: Layer) -> Layer:
    """The layer as its published original is to be read: reader, names and coordinates of the original."""
    published = layer.source.published
    if published is None:
        return layer
    source = layer.source.model_copy(update={
        "file": None,
        "published": None,
        "more": (),
        "unplaced": False,
        "reader": published.reader or layer.source.reader or "vector",
        "crs": published.crs,
        "layer": published.layer.rpartition(":")[2] if published.layer else None,
        "records": published.records or layer.source.records,
        "x": published.x or layer.source.x,
        "y": published.y or layer.source.y,
    })  # fmt: skip
    columns = tuple(
        column.model_copy(update={"source_name": published.fields[column.name] or ""})
        if column.name in published.fields
        else column
        for column in layer.columns
    )
    return layer.model_copy(update={"source": source, "columns": columns})


def fetch(layer: Layer, folder: Folder, manners: Manners) -> tuple[Manifest, Path] | None:
    """Fetch a layer's original; its manifest and what a reader is given, or None where what is in use is the newest.

    Raises LoadRefused; what is in use stays so.
    """
    published = layer.source.published
    if published is None:
        raise LoadRefused(f"layers/{layer.id}.yml has no source.published: there is nothing to fetch")
    before = folder.manifest()
    with closing(Web(manners)) as web:
        if published.kind == "wfs":
            folder.incoming.mkdir(parents=True, exist_ok=True)
            notes = [fetch_features(web, published, folder.incoming)]
        else:
            notes = _files(web, (published.address, *published.more), folder, before)
    if before is not None and [note.sha256 for note in notes] == [note.sha256 for note in before.files]:
        folder.forget_incoming()
        return None
    attribution = layer.source.attribution.en
    fetched_at = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(layer.id, fetched_at, LICENCES[layer.source.licence], attribution, tuple(notes))
    return manifest, given(folder.incoming, notes)


def _files(web: Web, addresses: tuple[str, ...], folder: Folder, before: Manifest | None) -> list[FileNote]:
    known = {note.address: note for note in before.files} if before else {}
    notes = []
    for address in addresses:
        note = fetch_file(web, address, folder.incoming, known.get(address))
        if note is None:
            note = known[address]
            (folder.incoming / note.name).write_bytes((folder.files / note.name).read_bytes())
        notes.append(note)
    if len({note.name for note in notes}) < len(notes):
        raise LoadRefused(f"{addresses[0]}: two of the files have one name; correct source.published.more")
    return notes


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the folder of downloads for this process. Raises LoadRefused where another has it."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except OSError:
            raise LoadRefused(f"{root}: another download is running; wait for it to end") from None
        yield
