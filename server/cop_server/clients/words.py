"""Names as a project shows them: in English, in Chinese, or in both, with the mark of an exercise."""

from __future__ import annotations

from typing import Final, Literal, get_args

from cop.catalogue.models import Bilingual, Group
from cop.errors import Refused

Tongue = Literal["en", "zh", "both"]
TONGUES: Final[tuple[Tongue, ...]] = get_args(Tongue)

# In the order of the picture: what happens now above what stays.
GROUPS: Final[dict[Group, Bilingual]] = {
    "incident": Bilingual(en="Incidents", zh="事故"),
    "weather": Bilingual(en="Weather", zh="天氣"),
    "traffic": Bilingual(en="Traffic", zh="交通情況"),
    "slopes": Bilingual(en="Slopes", zh="斜坡"),
    "drainage": Bilingual(en="Drainage", zh="渠務"),
    "emergency services": Bilingual(en="Emergency services", zh="緊急服務"),
    "shelters": Bilingual(en="Shelters", zh="庇護中心"),
    "transport": Bilingual(en="Transport", zh="運輸"),
    "terrain and base": Bilingual(en="Terrain and base", zh="地形及底層資料"),
    "administration": Bilingual(en="Administration", zh="行政分區"),
}
BASEMAPS: Final = Bilingual(en="Basemaps", zh="底圖")
TABLES: Final = Bilingual(en="Records as tables", zh="記錄表")
TABLE: Final = Bilingual(en="table", zh="記錄表")
TITLE: Final = Bilingual(en="Common Operational Picture", zh="聯合運作平台")
LICENCE: Final = Bilingual(en="Licence", zh="授權條款")
SOURCE: Final = Bilingual(en="Source", zh="來源")
PROVENANCE: Final = Bilingual(en="Provenance", zh="資料性質")
NUMBER: Final = Bilingual(en="Number", zh="編號")
MODES: Final = {
    "actual": Bilingual(en="", zh=""),
    "exercise": Bilingual(en="EXERCISE", zh="演習"),
    "test": Bilingual(en="TEST", zh="測試"),
}
ORIGINS: Final = {
    "real": Bilingual(en="Real", zh="真實"),
    "exercise": Bilingual(en="Exercise", zh="演習"),
    "test": Bilingual(en="Test", zh="測試"),
}
BOOLEANS: Final = {"true": Bilingual(en="Yes", zh="是"), "false": Bilingual(en="No", zh="否")}


def read_tongue(given: str | None) -> Tongue:
    """The language asked for by `lang`, else both. Raises Refused for any other word."""
    if given is None:
        return "both"
    for tongue in TONGUES:
        if tongue == given.lower().split("-")[0]:
            return tongue
    raise Refused(f"lang: {given[:40]!r} is none of {', '.join(TONGUES)}", "lang", "both")


def told(text: Bilingual, tongue: Tongue, between: str = " ") -> str:
    """A text in the language asked for; in both, the English first, once where the two agree."""
    if tongue == "both" and text.en and text.zh and text.en != text.zh:
        return f"{text.en}{between}{text.zh}"
    return (text.zh or text.en) if tongue == "zh" else (text.en or text.zh)


def marked(name: str, mark: str) -> str:
    """A name with the mark of an exercise or a test behind it."""
    return f"{name} · {mark}" if mark else name
