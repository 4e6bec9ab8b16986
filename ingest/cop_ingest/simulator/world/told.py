"""The story's incidents of the typhoon day, each with what was known of it when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from cop_ingest.scenario.calendar import DAY_STARTS
from cop_ingest.scenario.sources import NEWS_DEPARTMENT
from cop_ingest.scenario.steps import Step

TRAFFIC = NEWS_DEPARTMENT


@dataclass(slots=True)
class Incident:
    """One incident: its id in the story, the number that its department gave it, and its versions by time.

    A version is the time (UTC) and all values by the columns of the layer `incidents`; `updates` are the progress
    messages. The geometry is EPSG:4326 lon, lat, or None.
    """

    id: str
    geometry: BaseGeometry | None
    versions: list[tuple[datetime, dict[str, object]]]
    updates: list[tuple[datetime, dict[str, object]]] = field(default_factory=list)

    @property
    def reported_at(self) -> datetime:
        """When it was first told."""
        return self.versions[0][0]

    @property
    def ref(self) -> str:
        """The department's own number."""
        return str(self.versions[0][1]["source_ref"])

    @property
    def department(self) -> str:
        """The owner."""
        return str(self.versions[0][1]["department"])

    def at(self, moment: datetime) -> dict[str, object] | None:
        """What was known at a time; None before it was told."""
        return next((values for at, values in reversed(self.versions) if at <= moment), None)


def incidents(steps: list[Step]) -> list[Incident]:
    """The day's incidents in the order of their reports, with versions and progress."""
    found: dict[str, Incident] = {}
    for step in steps:
        if step.at < DAY_STARTS:
            continue
        if step.layer == "incidents" and step.new:
            found[step.id] = Incident(step.id, step.geometry, [(step.at, step.values)])
        elif step.layer == "incidents" and step.id in found:
            versions = found[step.id].versions
            versions.append((step.at, {**versions[-1][1], **step.values}))
        elif step.layer == "progress-updates" and str(step.values.get("incident")) in found:
            found[str(step.values["incident"])].updates.append((step.at, step.values))
    return list(found.values())


def closures(told: list[Incident]) -> Iterator[tuple[datetime, datetime | None, Incident, bool]]:
    """Roads and lanes that are closed: from, to (None: not opened again), the incident, and whether the whole road."""
    for incident in told:
        first = incident.versions[0][1]
        whole = bool(first["road_closed"])
        if not whole and not first["lanes_closed"]:
            continue
        over = next((at for at, values in incident.versions if values["status"] in ("completed", "cancelled")), None)
        yield incident.reported_at, over, incident, whole
