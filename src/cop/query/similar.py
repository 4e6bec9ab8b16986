"""Records that may tell of one thing: a list of candidates with reasons, for a person to decide.

A question like any other finds the records near in time; what speaks for each is weighed here. Nothing is merged by
likeness: a person writes the layer's `into` column, or `apart` where the two are not one, and both can be taken back.
Only a number of another party in common is proof.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any

import orjson
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from cop.catalogue import Bilingual, Layer
from cop.catalogue.alike import Alike
from cop.errors import NotFound, Refused
from cop.query import answer
from cop.query.question import Interval, Question, SortKey

MOST_COMPARED = 500
LIKELY = 0.5
_EARTH_M = 6_371_008.8  # mean radius, IUGG
_NEAR, _PLACE, _TIME, _KIND = 0.4, 0.35, 0.2, 0.2
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3400-\u9fff]")
# Words of streets that two places share without being one.
_COMMON = frozenset({"road", "street", "lane", "avenue", "path", "drive", "near", "at", "the", "of", "in", "and", "to",
                     "bound", "estate", "village", "house", "no"})  # fmt: skip

Feature = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Similar:
    """A candidate, how much speaks for it (0 to 1), and what, in both languages."""

    feature: Feature
    score: float
    reasons: tuple[Bilingual, ...]


def similar(question: Question, id_: str) -> list[Similar]:
    """The records that may tell of the same thing as one, the likeliest first.

    `question` says layer and visible set. Raises NotFound where the set has no such record, Refused where the layer's
    records are not compared or this set does not see their positions.
    """
    rules = rules_of(question)
    one = orjson.loads(answer.item(question, id_).feature)
    if one["properties"].get(rules.into):
        return []  # it is decided
    found = (weighed(rules, question.layer, one, other) for other in _around(question, rules, one))
    likely = [candidate for candidate in found if candidate is not None and candidate.score >= LIKELY]
    return sorted(likely, key=lambda candidate: (-candidate.score, str(candidate.feature["id"])))


def rules_of(question: Question) -> Alike:
    """How the layer's records are compared. Raises NotFound or Refused where they are not, for this visible set."""
    layer = question.layer
    if layer.alike is None:
        raise NotFound(f"records of {layer.id} are not compared")
    if layer.profiles[question.visible.profile_of(layer)].blur is not None:
        # At the middle of its district everything is near.
        raise Refused("what may be the same is for departments: the public positions are too coarse to tell")
    return layer.alike


def _around(question: Question, rules: Alike, one: Feature) -> list[Feature]:
    """The records that are compared: the nearest in time before and after, as many of each as can be weighed."""
    time = question.layer.with_role("time")
    assert time is not None
    at = _time(one, time.name)
    if at is None:
        return []
    span = timedelta(minutes=rules.within_minutes)
    sides = (
        (Interval(at - span, at), SortKey(time.name, True)),
        (Interval(at, at + span), SortKey(time.name, False)),
    )
    found: dict[str, Feature] = {}
    for interval, order in sides:
        # One more of each side, for the record itself is on both.
        asked = replace(question, interval=interval, limit=MOST_COMPARED // 2 + 1, sort=(order,))
        features = map(orjson.loads, answer.page(asked).features)
        found |= {feature["id"]: feature for feature in features}
    return list(found.values())


def weighed(rules: Alike, layer: Layer, one: Feature, other: Feature) -> Similar | None:
    """What speaks for two records being one, or None where they are known not to be, or nothing of place speaks."""
    here, there = one["properties"], other["properties"]
    if one["id"] == other["id"] or there.get(rules.into) or _apart(rules, one, other):
        return None
    shared = sorted(set(here.get(rules.numbers) or ()) & set(there.get(rules.numbers) or ()))
    if shared:
        return Similar(other, 1.0, (Bilingual(en=f"the same number {shared[0]}", zh=f"編號相同：{shared[0]}"),))
    near, place = _near(rules, one, other), _same_place(rules, here, there)
    if near is None and place is None:
        return None
    more = (_soon(rules, layer, one, other), _same_kind(rules, layer, here, there))
    parts = [part for part in (near, place, *more) if part]
    return Similar(other, round(min(1.0, sum(weight for weight, _ in parts)), 3), tuple(why for _, why in parts))


Part = tuple[float, Bilingual]


def _apart(rules: Alike, one: Feature, other: Feature) -> bool:
    return (other["id"] in (one["properties"].get(rules.apart) or ())
            or one["id"] in (other["properties"].get(rules.apart) or ()))  # fmt: skip


def _near(rules: Alike, one: Feature, other: Feature) -> Part | None:
    """Nearness, less what the positions may be wrong by; positions known to a district only tell nothing."""
    radii = [float(feature["properties"].get(rules.uncertainty_m) or 0.0) for feature in (one, other)]
    if max(radii) > rules.within_m or not (one["geometry"] and other["geometry"]):
        return None
    metres = distance_m(shape(one["geometry"]), shape(other["geometry"]))
    if metres > rules.within_m + sum(radii):
        return None
    closeness = 1.0 - min(1.0, max(0.0, metres - sum(radii)) / rules.within_m)
    told = f"{metres:.0f}"
    return _NEAR * closeness, Bilingual(en=f"{told} m away", zh=f"相距 {told} 米")


def _same_place(rules: Alike, here: Mapping[str, Any], there: Mapping[str, Any]) -> Part | None:
    """A place that both name; in another district it is another place of that name."""
    districts = {here.get(rules.district), there.get(rules.district)} - {None}
    if len(districts) > 1:
        return None
    ours, theirs = _words(here, rules.places), _words(there, rules.places)
    shared = ours & theirs
    if not shared:
        return None
    share = len(shared) / min(len(ours), len(theirs))
    named = next((str(here[name]) for name in rules.places if here.get(name)), "")
    return _PLACE * share, Bilingual(en=f"the same place is named: {named}", zh=f"地點名稱相同：{named}")


def _soon(rules: Alike, layer: Layer, one: Feature, other: Feature) -> Part | None:
    time = layer.with_role("time")
    first, second = (_time(feature, time.name) if time else None for feature in (one, other))
    if first is None or second is None:
        return None
    minutes = abs((first - second).total_seconds()) / 60
    told = f"{minutes:.0f}"
    closeness = max(0.0, 1.0 - minutes / rules.within_minutes)
    return _TIME * closeness, Bilingual(en=f"{told} minutes apart", zh=f"相隔 {told} 分鐘")


def _same_kind(rules: Alike, layer: Layer, here: Mapping[str, Any], there: Mapping[str, Any]) -> Part | None:
    code = here.get(rules.kind)
    if code is None or code != there.get(rules.kind):
        return None
    title = (layer.by_name[rules.kind].codes or {}).get(code)
    return _KIND, Bilingual(
        en=f"both are {title.en.lower() if title else code}", zh=f"同為{title.zh if title else code}"
    )


def _words(properties: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    """What the texts of a place are made of: words, and pairs of Chinese characters."""
    found: set[str] = set()
    for name in names:
        for word in _WORD.findall(unicodedata.normalize("NFKC", str(properties.get(name) or "")).casefold()):
            if _CJK.search(word):
                found |= {word[place : place + 2] for place in range(len(word) - 1)}
            elif word not in _COMMON:
                found.add(word)
    return found


def _time(feature: Feature, name: str) -> datetime | None:
    told = feature["properties"].get(name)
    return None if told is None else datetime.fromisoformat(str(told)).astimezone(UTC)


def distance_m(one: BaseGeometry, other: BaseGeometry) -> float:
    """Metres between the nearest points of two geometries (EPSG:4326, lon lat), on a sphere; Hong Kong is small."""
    (lon1, lat1), (lon2, lat2) = shapely.shortest_line(one, other).coords
    half_lat, half_lon = radians(lat2 - lat1) / 2, radians(lon2 - lon1) / 2
    chord = sin(half_lat) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(half_lon) ** 2
    return 2 * _EARTH_M * asin(sqrt(chord))
