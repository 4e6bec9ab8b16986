"""What every source of incidents shares: the full set of columns, and the category that a text speaks of."""

from __future__ import annotations

import re
from functools import lru_cache

from cop.catalogue import catalogue
from cop.catalogue.models import Layer
from cop_ingest.texts import matching_form

# The first that matches wins: a road closed by a landslide is a landslide, and a tree in a flood is a flood.
_CATEGORY_WORDS: tuple[tuple[str, str], ...] = (
    ("landslide", r"landslip|landslide|mudslide|rockfall|boulder|山泥|滑坡|泥石|巨石"),
    ("water_supply", r"water ?main|burst (?:water )?pipe|pipe burst|water supply|水管|爆水|鹹水管|食水管"),
    ("flood", r"flood|inundat|水浸|積水|淹水"),
    (
        "fallen_tree",
        r"(?:fallen|collapsed|uprooted|falling) (?:\w+ )?(?:tree|branch)"
        r"|tree (?:has )?(?:fell|fallen|collapse)|塌樹|倒樹|樹木|大樹|樹枝",
    ),
    (
        "dangerous_object",
        r"(?:fallen|falling|dropped|dangerous|suspicious|hanging) (?:\w+ )?"
        r"(?:objects?|signboards?|signs?|scaffold\w*|glass)|墮物|墜物|飛墮|招牌|棚架|危險物|可疑物",
    ),
    (
        "building",
        r"building (?:collapse|incident|fire)|(?:wall|canopy|balcony) (?:has )?collaps"
        r"|樓宇|大廈倒塌|外牆|簷篷",
    ),
    ("rescue", r"\brescue|trapped|stranded|拯救|救援|被困"),
)


@lru_cache(maxsize=1)
def incidents_layer() -> Layer:
    """The catalogue's layer of incidents."""
    return catalogue().layers["incidents"]


def incident(known: dict[str, object]) -> dict[str, object]:
    """All columns of an incident: what is known, else None (lists: empty).

    What each incident has (severity, whether it is major) the load completes, from what others have told or by the
    layer's defaults. Raises KeyError for a name that is no column of the layer.
    """
    unknown = sorted(known.keys() - incidents_layer().by_name.keys())
    if unknown:
        raise KeyError(f"incidents has no column {', '.join(unknown)}")
    plain: dict[str, object] = {
        column.name: [] if column.type == "text[]" else None for column in incidents_layer().columns
    }
    return {**plain, **known}


def category_in(*texts: str | None) -> str | None:
    """The category that words speak of, in either language, or None where they speak of none.

    A name alone is no evidence (a road by a reservoir), so only words for what happened count.
    """
    text = matching_form(" ".join(part for part in texts if part))
    return next((category for category, words in _CATEGORY_WORDS if re.search(words, text)), None)


def category_of(*texts: str | None) -> str:
    """The category that the words of a traffic message speak of; `road` if no other."""
    return category_in(*texts) or "road"


def shortened(text: str, limit: int = 90) -> str:
    """A text cut at a blank (or anywhere, in Chinese) to at most `limit` characters, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,;，；、") + "…"
