"""The feature provider: every layer's items, for pygeoapi's own road and for the fast road alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pygeoapi.provider.base import BaseProvider, SchemaType
from pygeofilter import ast

from cop.catalogue import catalogue
from cop.crs import CRS84, crs_of
from cop.query import answer
from cop.query.delta import Change, Place, changes
from cop.query.filter import queryables
from cop.query.parse import Asked, equality, most_rows, read_interval
from cop.query.question import MAX_OFFSET, Box, Question, SortKey
from cop.writing import perform
from cop.writing.body import Body
from cop.writing.perform import Order
from cop.writing.repeat import Answer
from cop.writing.write import Expected
from cop_providers.errors import RequestRefused, told_to_pygeoapi
from cop_providers.schema import properties_schema
from cop_providers.viewing import viewing


class FeatureProvider(BaseProvider):  # type: ignore[misc]
    """Items of one layer. `data` in pygeoapi-config.yml is the layer's id.

    pygeoapi calls `query` and `get`, which answer in dicts; the fast road calls `page` and `item`, which answer
    in bytes. Both ask the same question and run the same plan.
    """

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self.layer = catalogue().layers[self.data]
        self.get_fields()

    def get_fields(self) -> dict[str, Any]:
        """The queryable columns as JSON Schema; geometry is not among them, as pygeoapi wants it."""
        columns = queryables(self.layer, viewing().visible.profile_of(self.layer)).values()
        self._fields: dict[str, Any] = properties_schema(self.layer, columns, catalogue(), geometry=False)
        return self._fields

    def get_schema(self, schema_type: SchemaType = SchemaType.item) -> tuple[str, dict[str, Any]]:
        """The layer's schema; the same for reading and for writing."""
        columns = self.layer.visible_columns(viewing().visible.profile_of(self.layer))
        properties = properties_schema(self.layer, columns, catalogue())
        return "application/schema+json", {
            "type": "object",
            "title": self.layer.title.en,
            "properties": properties,
        }

    def page(self, question: Question) -> answer.Page:
        """A page of features as the texts that the store keeps."""
        return answer.page(question)

    def item(self, question: Question, feature: str) -> answer.Item:
        """One feature as the text that the store keeps."""
        return answer.item(question, feature)

    def changes(self, question: Question, after: Place, until: int) -> Iterator[Change]:
        """What changed behind a place up to a number, in order, as the texts that the store keeps."""
        return changes(question, after, until)

    def query(
        self,
        offset: int = 0,
        limit: int = 10,
        resulttype: str = "results",
        bbox: list[float] | None = None,
        datetime_: str | None = None,
        properties: list[tuple[str, str]] | None = None,
        sortby: list[dict[str, str]] | None = None,
        select_properties: list[str] | None = None,
        skip_geometry: bool = False,
        q: str | None = None,
        filterq: ast.Node | None = None,
        crs_transform_spec: Any = None,
        **_: Any,
    ) -> dict[str, Any]:
        """pygeoapi's question: a GeoJSON feature collection as a dict.

        `bbox` is west, south, east, north in CRS84, as pygeoapi has transformed it.
        """
        with told_to_pygeoapi():
            if q:
                raise RequestRefused(user_msg="q: there is no text search here; use filter with LIKE")
            if offset > MAX_OFFSET:
                raise RequestRefused(user_msg=f"offset: at most {MAX_OFFSET}; ask for JSON and follow its links next")
            question = Question(
                layer=self.layer,
                visible=viewing().visible,
                asof=viewing().asof,
                limit=min(limit, most_rows(viewing().visible)),
                offset=offset,
                box=Box(bbox[0], bbox[1], bbox[2], bbox[3]) if bbox else None,
                interval=read_interval(datetime_ or None),
                where=self._where(properties or [], filterq),
                sort=tuple(SortKey(key["property"], key["order"] == "-") for key in sortby or []),
                properties=tuple(select_properties) if select_properties else None,
                skip_geometry=skip_geometry,
                crs=crs_of(crs_transform_spec.target_crs_uri, "crs") if crs_transform_spec else CRS84,
                hits=resulttype == "hits",
            )
            found = self.page(question)
        return {
            "type": "FeatureCollection",
            "features": [json.loads(text) for text in found.features],
            "numberMatched": found.matched,
            "numberReturned": len(found.features),
        }

    def get(self, identifier: str, crs_transform_spec: Any = None, **_: Any) -> dict[str, Any]:
        """pygeoapi's question for one feature, as a GeoJSON dict."""
        with told_to_pygeoapi():
            seen = viewing()
            question = Question(
                layer=self.layer,
                visible=seen.visible,
                asof=seen.asof,
                limit=1,
                crs=crs_of(crs_transform_spec.target_crs_uri, "crs") if crs_transform_spec else CRS84,
            )
            feature: dict[str, Any] = json.loads(self.item(question, str(identifier)).feature)
        return feature

    def write_new(self, order: Order, body: Body) -> Answer:
        """A new record."""
        return perform.create_one(order, body)

    def write_batch(self, order: Order, features: list[Any], *, atomic: bool) -> Answer:
        """New records: all or none, or each by itself with a report."""
        return perform.create_all(order, features) if atomic else perform.create_each(order, features)

    def write_changed(self, order: Order, id_: str, body: Body, expected: Expected, *, whole: bool) -> Answer:
        """A record changed by all its properties, or by those that are named."""
        return perform.change_one(order, id_, body, expected, whole=whole)

    def write_withdrawn(self, order: Order, id_: str, expected: Expected) -> Answer:
        """A record withdrawn; its history stays."""
        return perform.withdraw_one(order, id_, expected)

    def resolved(self, asked: Asked) -> Question:
        """The fast road's question, with its moment and place in the walk made plain."""
        return answer.resolved(asked)

    def _where(self, equal: list[tuple[str, str]], filterq: ast.Node | None) -> ast.Node | None:
        known = queryables(self.layer, viewing().visible.profile_of(self.layer))
        parts = [equality(known[name], value) for name, value in equal if name in known]
        if filterq is not None:
            parts.append(filterq)
        return ast.And.from_items(*parts) if len(parts) > 1 else next(iter(parts), None)

    def __repr__(self) -> str:
        return f"<FeatureProvider> {self.data}"
