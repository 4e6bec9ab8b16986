"""A summary as JSON: every number with the link to exactly its records, and in words what it is a number of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from cop.catalogue import Catalogue, Layer
from cop.catalogue.models import Bilingual
from cop.query import answer
from cop.query.counted import written
from cop.query.counting import Counted, Group
from cop.query.summary import Tally, beside, narrowed
from cop.query.words import both, joined, question_in_words, value_title
from cop_server.documents.links import JSON, link


class _Links:
    """Links to items, pinned to the number that was counted at."""

    def __init__(self, url: str, mode: str) -> None:
        self._url, self._mode = url, mode

    def items(self, layer: Layer, parameters: Mapping[str, str], n: int) -> str:
        """The address of the items that some parameters pick out, as they were at a number."""
        pinned = {"asof": str(n)} if n else {}
        told = {**{k: v for k, v in parameters.items() if k not in ("mode", "asof", "lang")}, "mode": self._mode}
        return f"{self._url}/collections/{layer.id}/items?{urlencode(told | pinned, safe=',:/')}"


def summary_document(
    tally: Tally, counted: Counted, given: Mapping[str, str], catalogue: Catalogue, url: str, lang: str
) -> dict[str, Any]:
    """The whole document."""
    layer, links = tally.layer, _Links(url, tally.question.visible.mode)
    n = tally.question.asof if tally.question.asof is not None else counted.n

    def items(*conditions: str | None) -> str:
        return links.items(layer, narrowed(given, tally.kept, *conditions), n)

    current, doubts = _beside(tally, catalogue, links, lang)
    parameters = {name: text for name, text in given.items() if name != "f"}
    return {
        "title": _in(both(f"Summary: {layer.title.en}", f"摘要：{layer.title.zh}"), lang),
        "collection": layer.id,
        "mode": tally.question.visible.mode,
        "moment": written(tally.moment),
        "sequence": counted.n,
        "said": _dump(_said(tally)),
        "caveats": [_dump(doubt) for doubt in doubts],
        "leftOut": list(tally.left_out),
        "filter": narrowed(given, tally.kept).get("filter"),
        "numberMatched": counted.matched,
        "items": items(),
        "totals": [
            {"name": name, "title": _in(one.title, lang), "count": counted.totals[name],
             "items": items(tally.total(name))}
            for name, one in layer.summary.totals.items()
        ],
        "counts": [
            {"column": column.name, "title": _in(column.title, lang),
             **({"by": "hour", "from": written(tally.first_hour)} if column.type == "time" else {}),
             "groups": [_group(tally, column.name, one, lang) | {"items": items(one.condition)}
                        for one in counted.groups[column.name]]}
            for column in tally.columns
        ],
        "current": current,
        "links": [
            link(f"{url}/summary?{urlencode(parameters, safe=',:/')}" if parameters else f"{url}/summary", "self",
                 JSON, "This summary"),
            link(f"{url}/collections/{layer.id}?f=json", "collection", JSON, _in(layer.title, lang)),
        ],
    }  # fmt: skip


def _in(text: Bilingual, lang: str) -> str:
    return text.zh if lang == "zh" else text.en


def _dump(text: Bilingual) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _group(tally: Tally, column: str, group: Group, lang: str) -> dict[str, Any]:
    about = tally.layer.by_name[column]
    if about.type != "time":
        title = value_title(about, group.value)
    elif group.value is None:
        title = both("Earlier, or not known", "更早或不詳")
    else:
        title = both(group.value, group.value)
    return {"value": group.value, "title": _in(title, lang), "count": group.count}


def _said(tally: Tally) -> Bilingual:
    """What the numbers are numbers of."""
    said = question_in_words(tally.question, tally.asked, tally.moment, past=tally.question.asof is not None)
    if not tally.left_out:
        return both(f"{said.en}.", f"{said.zh}。")
    kinds = joined([tally.layer.summary.left_out[name].title for name in tally.left_out], " and ", "及")
    return both(f"{said.en}; {kinds.en} are left out.", f"{said.zh}；不計{kinds.zh}。")


def _beside(
    tally: Tally, catalogue: Catalogue, links: _Links, lang: str
) -> tuple[list[dict[str, Any]], list[Bilingual]]:  # fmt: skip
    """What matters now in other layers, and what of it makes the counts doubtful."""
    shown, doubts = [], []
    for layer in shown_beside(catalogue):
        current = layer.summary.current
        assert current is not None
        question, condition = beside(layer, tally.question, tally.moment)
        page = answer.page(question)
        records = [orjson.loads(text) for text in page.features]
        n = question.asof if question.asof is not None else page.n
        shown.append({
            "collection": layer.id, "title": _in(current.title, lang), "count": page.matched,
            "items": links.items(layer, {"filter": condition}, n),
            "records": [{"id": one["id"], **one["properties"]} for one in records],
        })  # fmt: skip
        if current.caveat and page.matched:
            doubts.append(_doubt(layer, current.title, records))
    return shown, doubts


def _doubt(layer: Layer, title: Bilingual, records: list[dict[str, Any]]) -> Bilingual:
    names = []
    for record in records:
        told = {role: record["properties"].get(column.name) if (column := layer.with_role(role)) else None
                for role in ("title", "title_zh")}  # fmt: skip
        names.append(both(told["title"] or record["id"], told["title_zh"] or told["title"] or record["id"]))
    listed = joined(names, ", ", "、")
    return both(f"{title.en}: {listed.en}. What they would have brought is not counted.",
                f"{title.zh}：{listed.zh}。其應有資料未計算在內。")  # fmt: skip


def shown_beside(catalogue: Catalogue) -> tuple[Layer, ...]:
    """The layers of which every summary shows something."""
    return tuple(layer for layer in catalogue.feature_layers if layer.summary.current is not None)
