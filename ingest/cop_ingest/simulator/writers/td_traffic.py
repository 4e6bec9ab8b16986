"""The Transport Department's detectors, road segments and journey times as XML (SOURCES 3.13 to 3.15)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cop_ingest.simulator.chance import number, share
from cop_ingest.simulator.world.journeys import journeys
from cop_ingest.simulator.world.traffic import LANES, PERIOD, Lanes
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import UTF8_MARK, XML, element, local, plain

_NAMES = LANES[3]
_OLD = timedelta(minutes=7)
_MISSING, _REPEATED = 0.4, 0.09
_INFO = "AID_ID_Number,District,Road_EN,Road_TC,Road_SC,Easting,Northing,Latitude,Longitude,Direction,Rotation"
_INFO_KEYS = ("detector_id", "district", "road_en", "road_zh", "road_zh", "easting", "northing", "latitude",
              "longitude", "direction", "rotation")  # fmt: skip


def periods(world: World, at: datetime) -> list[datetime]:
    """The beginnings of the 30-second periods in the file of a minute.

    What it holds is seven minutes old. Four periods of ten are missing, but never both of a file; now and then the
    last one of the file before stands in it again.
    """
    minute = at.replace(second=0, microsecond=0)
    own = _own(world, minute)
    if share(world.seed, "repeated", minute) < 2 * _REPEATED:
        return [_own(world, minute - timedelta(minutes=1))[-1], *own]
    return own


def _own(world: World, minute: datetime) -> list[datetime]:
    starts = [minute - _OLD - PERIOD * 2, minute - _OLD - PERIOD]
    if share(world.seed, "missing", minute) < 2 * _MISSING:
        return [starts[number(world.seed, "which", minute) % 2]]
    return starts


def raw_speed(world: World, at: datetime) -> bytes:
    """The file of a minute."""
    starts = periods(world, at)
    # The date is that of the moment before the first period: the period from 00:00:00 carries the day before.
    date = local(starts[0] - timedelta(seconds=1)).strftime("%Y-%m-%d")
    lines = [f"{XML}<raw_speed_volume_list>", f" <date>{date}</date>", " <periods>"]
    for start in starts:
        ends = start + PERIOD
        lines += [
            "  <period>",
            f"   <period_from>{local(start):%H:%M:%S}</period_from>",
            f"   <period_to>{local(ends):%H:%M:%S}</period_to>",
            "   <detectors>",
            *_detectors(world, world.traffic.period(start)),
            "   </detectors>",
            "  </period>",
        ]
    return ("\n".join([*lines, " </periods>", "</raw_speed_volume_list>"]) + "\n").encode()


def _detectors(world: World, found: Lanes) -> list[str]:
    columns = (found.there, found.speed, found.occupancy, found.volume, found.deviation, found.valid)
    rows = zip(world.traffic.detectors, *(column.tolist() for column in columns), strict=True)
    lines: list[str] = []
    for detector, there, speed, occupancy, volume, deviation, valid in rows:
        if not any(there):
            continue
        lines.append(
            f"    <detector>\n     <detector_id>{detector.id}</detector_id>\n"
            f"     <direction>{detector.direction}</direction>\n     <lanes>"
        )
        for lane in range(3):
            if there[lane]:
                lines.append(
                    f"      <lane><lane_id>{_NAMES[lane]}</lane_id><speed>{speed[lane]}</speed>"
                    f"<occupancy>{occupancy[lane]}</occupancy><volume>{volume[lane]}</volume>"
                    f"<s.d.>{deviation[lane]:g}</s.d.><valid>{'Y' if valid[lane] else 'N'}</valid></lane>"
                )
        lines.append("     </lanes>\n    </detector>")
    return lines


def detector_list(world: World, _: datetime) -> bytes:
    """Where the detectors stand: CSV with byte-order mark and CRLF, a blank at the end of the road's name."""
    lines = [_INFO]
    for detector in world.traffic.detectors:
        values = [_listed(key, detector.listed[key]) for key in _INFO_KEYS]
        values[1] = values[1].replace(" and ", " & ")
        values[2] += " "
        lines.append(",".join(f'"{value}"' if "," in value else value for value in values))
    return UTF8_MARK + ("\r\n".join(lines) + "\r\n").encode()


def _listed(key: str, value: object) -> str:
    """Positions in the grid are whole metres there."""
    return f"{float(str(value)):.0f}" if key in ("easting", "northing") else str(value)


def segment_speed(world: World, at: datetime) -> bytes:
    """Mean speeds of road segments; their ids are those of the road network's ROUTE_ID."""
    minute = at.replace(minute=at.minute // 2 * 2, second=0, microsecond=0)
    here = local(minute)
    pace = world.traffic.general_pace(minute)
    lines = [
        f"{XML}<segment_speed_list>",
        f" <date>{here:%Y-%m-%d}</date>",
        f" <time>{here:%H:%M:%S}</time>",
        " <segments>",
    ]
    for route, limit in world.segments:
        drawn = share(world.seed, "segment", route, minute)
        valid = drawn > 0.05
        speed = round(limit * pace * (0.75 + 0.3 * drawn)) if valid else 0
        told = f"<segment_id>{route}</segment_id><speed>{speed}</speed><valid>{'Y' if valid else 'N'}</valid>"
        lines.append(f"  <segment>{told}</segment>")
    return ("\n".join([*lines, " </segments>", "</segment_speed_list>"]) + "\n").encode()


_JOURNEYS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<jtis_journey_list xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="'
    'http://data.one.gov.hk/td http://data.one.gov.hk/xsd/td/journeytime.xsd" xmlns="http://data.one.gov.hk/td">'
)


def journey_times(world: World, at: datetime) -> bytes:
    """The boards' journey times."""
    captured = at.replace(minute=at.minute // 2 * 2, second=0, microsecond=0)
    lines = [_JOURNEYS]
    for one in journeys(world.traffic, captured):
        values = (
            ("LOCATION_ID", one.origin), ("DESTINATION_ID", one.destination), ("CAPTURE_DATE", plain(captured)),
            ("JOURNEY_TYPE", one.kind), ("JOURNEY_DATA", one.data), ("COLOUR_ID", one.colour), ("JOURNEY_DESC", ""),
        )  # fmt: skip
        inner = "".join(f"        {element(name, value)}\n" for name, value in values)
        lines.append(f"    <jtis_journey_time>\n{inner}    </jtis_journey_time>")
    return ("\n".join([*lines, "</jtis_journey_list>"]) + "\n").encode()
