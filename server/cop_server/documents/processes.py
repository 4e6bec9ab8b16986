"""The process `summary` (OGC 18-062r2, OGC API - Processes 1): its description, and what an execution asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from cop.catalogue import Catalogue
from cop.errors import Refused
from cop_server.documents.links import JSON, OGC_REL, link

NAME: Final = "summary"
_EXAMPLE: Final = '{"inputs": {"collection": "incidents"}}'
_TITLE: Final = {"en": "Counts of a collection's records", "zh": "圖層記錄統計"}
_ABOUT: Final = {
    "en": "How many records match a filter: in all, by each counted column, by hour, and active, done, major and"
          " overdue, each with a link to exactly these records. The inputs are the parameters of /summary.",
    "zh": "符合條件的記錄數目：總數、按各統計欄位、按小時，以及處理中、已完成、重大及逾期，"
          "每個數目均附連結至相應記錄。輸入項即 /summary 的參數。",
}  # fmt: skip
_INPUTS: Final = {
    "collection": "The collection; incidents without one",
    "bbox": "Four or six numbers in the axis order of bbox-crs",
    "bbox-crs": "CRS of bbox",
    "datetime": "An instant or an interval, RFC 3339",
    "filter": "CQL2",
    "filter-lang": "cql2-text or cql2-json",
    "filter-crs": "CRS of geometries in the filter",
    "asof": "What was known: a time (RFC 3339) or a sequence number",
    "mode": "actual, exercise or test",
    "include": "What would be left out: duplicates, cancelled",
    "hours": "How many hours before the moment are counted one by one, 1 to 744",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """The inputs of an execution as parameters, and whether the output is to be sent as it is."""

    inputs: dict[str, str]
    raw: bool


def listed(url: str, lang: str) -> dict[str, Any]:
    """The list of processes."""
    return {
        "processes": [_about(url, lang)],
        "links": [link(f"{url}/processes?f=json", "self", JSON, "The processes")],
    }


def _about(url: str, lang: str) -> dict[str, Any]:
    return {
        "id": NAME, "version": "1.0.0", "title": _TITLE[lang], "description": _ABOUT[lang],
        "jobControlOptions": ["sync-execute"], "outputTransmission": ["value"],
        "links": [link(f"{url}/processes/{NAME}?f=json", "self", JSON, _TITLE[lang]),
                  link(f"{url}/processes/{NAME}/execution", f"{OGC_REL}/execute", JSON, "Run it")],
    }  # fmt: skip


def described(catalogue: Catalogue, url: str, lang: str) -> dict[str, Any]:
    """The process with its inputs and its output."""
    counted = [layer.id for layer in catalogue.feature_layers if any(column.counted for column in layer.columns)]
    inputs = {
        name: {"title": about, "minOccurs": 0, "schema": {"type": "string"}} for name, about in _INPUTS.items()
    }  # fmt: skip
    inputs["collection"]["schema"] = {"type": "string", "enum": counted}
    return _about(url, lang) | {
        "inputs": inputs,
        "outputs": {NAME: {"title": _TITLE[lang], "schema": {"type": "object"}}},
    }


def execution(body: bytes) -> Execution:
    """What an execution's body asks. Raises Refused where it is no such body."""
    try:
        asked = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise Refused("the body is not JSON", "body", _EXAMPLE) from None
    inputs = asked.get("inputs", {}) if isinstance(asked, dict) else None
    if not isinstance(inputs, dict):
        raise Refused("the body is a JSON object with an object `inputs`", "inputs", _EXAMPLE)
    response = asked.get("response", "raw")
    if response not in ("raw", "document"):
        raise Refused(f"response: {str(response)[:40]!r} is neither raw nor document", "response", "raw")
    texts = {str(name): _text(str(name), value) for name, value in inputs.items()}
    if isinstance(inputs.get("filter"), dict):
        texts |= {"filter-lang": "cql2-json"}
    return Execution(texts, response == "raw")


def _text(name: str, value: object) -> str:
    """An input as the parameter that it is: lists with commas, CQL2 as JSON text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, (str, int, float)) for part in value):
        return ",".join(map(str, value))
    if isinstance(value, dict) and name == "filter":
        return orjson.dumps(value).decode()
    raise Refused(f"{name[:60]}: a text, a number, true, false or a list of these is wanted", name[:60])
