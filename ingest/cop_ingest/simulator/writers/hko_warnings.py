"""The Observatory's warning summary, warning information and special tips (SOURCES 3.1, 3.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cop_ingest.scenario.calendar import WARNING_NAMES, Signal
from cop_ingest.simulator.world.warnings import Shown, shown, surge
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import as_json, iso, local

_KINDS: dict[str, tuple[str, str]] = {
    "WTCSGNL": ("Tropical Cyclone Warning Signal", "熱帶氣旋警告信號"),
    "WRAIN": ("Rainstorm Warning Signal", "暴雨警告信號"),
    "WL": ("Landslip Warning", "山泥傾瀉警告"),
    "WFNTSA": ("Special Announcement on Flooding in the Northern New Territories", "新界北部水浸特別報告"),
}
_TYPES: dict[str, tuple[str, str]] = {
    "WRAINA": ("Amber", "黃色"), "WRAINR": ("Red", "紅色"), "WRAINB": ("Black", "黑色"),
}  # fmt: skip
_LANGUAGES = {"en": 0, "tc": 1, "sc": 1}
_TIPS = (
    ("Members of the public should finish their preparations against the storm, and stay in a safe place.",
     "市民應完成所有防風措施，並留在安全地方。"),
    ("Beware of rapidly rising water levels in low-lying areas near the shore.", "低窪沿岸地區的市民應提防水位急升。"),
)  # fmt: skip


def warnsum(_: World, at: datetime, language: str) -> bytes:
    """The summary; `{}` where no warning is in force."""
    return as_json({entry.key: _entry(entry, language) for entry in shown(at)})


def _entry(entry: Shown, language: str) -> dict[str, str]:
    told = {"name": _KINDS[entry.key][_LANGUAGES[language]], "code": entry.signal.code, "actionCode": entry.action}
    if (kind := _type(entry.signal.code, language)) is not None:
        told["type"] = kind
    times = {"issueTime": iso(entry.signal.issued_at), "updateTime": iso(entry.updated_at)}
    return {**told, **times}


def _type(code: str, language: str) -> str | None:
    if code.startswith("TC"):
        return WARNING_NAMES[code][_LANGUAGES[language]]
    return _TYPES[code][_LANGUAGES[language]] if code in _TYPES else None


def warning_information(_: World, at: datetime, language: str) -> bytes:
    """What the warnings say; `{}` where none is in force."""
    details = [_statement(entry, language) for entry in shown(at) if entry.action != "CANCEL"]
    return as_json({"details": details} if details else {})


def _statement(entry: Shown, language: str) -> dict[str, object]:
    told: dict[str, object] = {"contents": _contents(entry, language)}
    if entry.signal.code != entry.key:
        told["subtype"] = entry.signal.code
    return {**told, "warningStatementCode": entry.key, "updateTime": iso(entry.updated_at)}


def _contents(entry: Shown, language: str) -> list[str]:
    name_en, name_zh = WARNING_NAMES[entry.signal.code]
    issued, updated = local(entry.signal.issued_at), local(entry.updated_at)
    if language == "en":
        return [
            f"The {name_en} was issued by the Hong Kong Observatory at {issued:%H:%M}.",
            f"This bulletin was updated at {updated:%H:%M}. {_TIPS[0][0]}",
        ]
    return [f"天文台在{_spoken(issued)}發出{name_zh}。", f"（{updated:%H:%M} 更新）{_TIPS[0][1]}"]


def _spoken(at: datetime) -> str:
    """`上午 11 時 15 分`."""
    return f"{'上午' if at.hour < 12 else '下午'} {(at.hour - 1) % 12 + 1} 時 {at.minute} 分"


def special_tips(_: World, at: datetime, language: str) -> bytes:
    """Special weather tips: the storm surge, and what to do in the gale; `{"swt": []}` where there is none."""
    tips = [_tip(signal, language) for signal in surge(at)]
    gales = [entry for entry in shown(at) if entry.signal.code.startswith(("TC8", "TC9", "TC10"))]
    if gales:
        at_ = gales[0].updated_at + timedelta(minutes=2)
        tips.append({"desc": _TIPS[0][_LANGUAGES[language]], "updateTime": iso(min(at, at_))})
    return as_json({"swt": tips})


def _tip(signal: Signal, language: str) -> dict[str, str]:
    name = WARNING_NAMES[signal.code][_LANGUAGES[language]]
    return {"desc": f"{name}. {_TIPS[1][0]}" if language == "en" else f"{name}。{_TIPS[1][1]}",
            "updateTime": iso(signal.issued_at)}  # fmt: skip
