"""A layer that a feed and a download both fill: the copy that was published later stands, whoever brought it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from feed_source import NOON, Shop, http_date

from cop.catalogue import catalogue
from cop_ingest.feeds.declared import feeds
from cop_ingest.published import Folder, Manifest
from cop_ingest.published.keeping import FileNote, sha256_of
from cop_ingest.reference import Outcome, Place, load_reference

FEED = feeds()["td_cameras"]
AT = "/static.data.gov.hk/td/traffic-snapshot-images/code/Traffic_Camera_Locations_En.csv"
HEADER = "key\tregion\tdistrict\tdescription\teasting\tnorthing\tlatitude\tlongitude\turl\r\n"


def cameras(*keys: str) -> bytes:
    rows = (
        f"{key}\tKowloon\tKwun Tong\tRoad\t836694\t819069\t22.3106\t114.1810\thttp://x/{key}.JPG\r\n" for key in keys
    )
    return ("\ufeff\ufeff" + HEADER + "".join(rows)).encode("utf-16-le")


def reference(shop: Shop, data: Path | None, published: Path | None = None) -> Outcome:
    place = Place(shop.owner, data, shop.workshop.blobs, published)
    (outcome,) = load_reference(catalogue(), place, ["traffic_cameras"])
    assert outcome.failure is None
    return outcome


def downloaded(root: Path, body: bytes, last_modified: str) -> Path:
    """A download in use, as `cop ingest reference --published` leaves it."""
    folder = Folder(root, "traffic_cameras")
    folder.incoming.mkdir(parents=True)
    notes = []
    for name in ("Traffic_Camera_Locations_En.csv", "Traffic_Camera_Locations_Tc.csv"):
        file = folder.incoming / name
        file.write_bytes(body)
        notes.append(FileNote(name, f"https:/{AT}", len(body), sha256_of(file), None, last_modified))
    folder.accept(Manifest("traffic_cameras", NOON.isoformat(), "DG", "TD", tuple(notes)))
    return root


def keys(shop: Shop) -> set[str]:
    return {row[0] for row in shop.owner.execute("SELECT id FROM layer.traffic_cameras").fetchall()}


def says(shop: Shop, made: Any, *names: str) -> str:
    shop.source.says(cameras(*names), AT, Last_Modified=http_date(made))
    return shop.turn(FEED).outcome


def test_the_copy_that_was_published_later_stands_whoever_brought_it(shop: Shop, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "td_cameras").mkdir(parents=True)
    (data / "td_cameras" / "list.csv").write_bytes(cameras("FILE"))
    reference(shop, data)
    assert keys(shop) == {"FILE"}

    assert says(shop, NOON - timedelta(hours=2), "FEED1", "FEED2") == "loaded"
    assert keys(shop) == {"FEED1", "FEED2"}
    assert "was published later" in str(reference(shop, data).skipped), "a start does not turn the list back"
    assert says(shop, NOON - timedelta(hours=2), "FEED1", "FEED2") == "same"

    older = downloaded(tmp_path / "older", cameras("OLD"), http_date(NOON - timedelta(days=9)))
    assert "was published later" in str(reference(shop, None, older).skipped)
    newer = downloaded(tmp_path / "newer", cameras("NEW"), http_date(NOON - timedelta(hours=1)))
    assert reference(shop, None, newer).reports
    assert keys(shop) == {"NEW"}

    assert says(shop, NOON - timedelta(hours=2), "FEED1", "FEED2") == "late"
    assert keys(shop) == {"NEW"}
    assert says(shop, NOON - timedelta(minutes=1), "FEED1") == "loaded"
    assert keys(shop) == {"FEED1"}


def test_a_list_that_lacks_much_is_taken_when_it_was_told_again_and_again(shop: Shop) -> None:
    """Cut between two rows it looks whole."""
    all_ = [f"K{number:03d}" for number in range(20)]
    made = NOON + timedelta(hours=1)
    assert says(shop, made, *all_) == "loaded"
    told = [says(shop, made + timedelta(minutes=1 + turn), *all_[:12]) for turn in range(6)]
    assert told == ["failed"] * 5 + ["loaded"]
    assert keys(shop) == set(all_[:12])
    assert says(shop, made + timedelta(hours=1), *all_[:10]) == "loaded", "two that are gone are no doubt"


def test_a_cut_list_changes_nothing_and_says_why(shop: Shop) -> None:
    all_ = [f"K{number:03d}" for number in range(20)]
    says(shop, NOON, *all_)
    assert says(shop, NOON + timedelta(minutes=1), *all_[:12]) == "failed"
    assert keys(shop) == set(all_)
    state, cause = shop.health("td_cameras")
    assert state == "down"
    assert "holds 12 of the 20 records" in cause
