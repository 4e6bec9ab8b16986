"""Trains, buses, ferries and vessels (SOURCES 3.24, 3.25): next arrivals, and none while services are suspended."""

from __future__ import annotations

from datetime import datetime, timedelta

from cop_ingest.simulator.chance import chosen, number, share
from cop_ingest.simulator.world.services import ferries_sail, gale, hurricane
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import XML, as_json, element, iso, local, spaced
from cop_ingest.territory.names_transport import MTR_STATIONS

_ENDS = {
    "AEL": ("AWE", "HOK"), "TCL": ("TUC", "HOK"), "TML": ("WKS", "TUM"), "TKL": ("POA", "NOP"), "EAL": ("LOW", "ADM"),
    "SIL": ("SOH", "ADM"), "TWL": ("TSW", "CEN"), "ISL": ("CHW", "KET"), "KTL": ("TIK", "WHA"), "DRL": ("DIS", "SUN"),
}  # fmt: skip


def next_trains(world: World, at: datetime, line: str, station: str) -> bytes:
    """The next trains of a line at a station, both ways. In the hurricane few run."""
    now = spaced(at)
    if line not in _ENDS or station not in {spot.more[0] for spot in MTR_STATIONS}:
        return as_json({"resultCode": 0, "timestamp": now, "status": 0, "message": "The contents are empty!"})
    every = 15 if hurricane(at) else 8 if gale(at) else 4
    trains = {
        way: [_train(world, at, line, way, count, every) for count in range(4)] for way in ("UP", "DOWN")
    }  # fmt: skip
    return as_json({
        "sys_time": now,
        "curr_time": now,
        "data": {f"{line}-{station}": {"curr_time": now, "sys_time": now, **trains}},
        "isdelay": "Y" if hurricane(at) else "N",
        "status": 1,
        "message": "successful",
    })  # fmt: skip


def _train(world: World, at: datetime, line: str, way: str, count: int, every: int) -> dict[str, str]:
    wait = 1 + every * count + number(world.seed, "train", line, way, int(at.timestamp()) // 60) % every
    return {
        "seq": str(count + 1), "dest": _ENDS[line][way == "DOWN"], "plat": "1" if way == "UP" else "2",
        "time": spaced(at.replace(second=0) + timedelta(minutes=wait)), "ttnt": str(wait), "valid": "Y", "source": "-",
    }  # fmt: skip


def kmb_arrivals(world: World, at: datetime, stop: str, route: str, service: str) -> bytes:
    """The next buses of a route at a stop; empty while services are suspended."""
    place = chosen(("尖沙咀碼頭", "中環", "荃灣"), world.seed, "kmb", route)
    name = {"尖沙咀碼頭": "STAR FERRY", "中環": "CENTRAL", "荃灣": "TSUEN WAN"}[place]
    rows = [
        {"co": "KMB", "route": route, "dir": "O", "service_type": int(service), "seq": 1, "dest_tc": place,
         "dest_sc": place, "dest_en": name, "eta_seq": count + 1, "eta": iso(due), "rmk_tc": "", "rmk_sc": "",
         "rmk_en": "", "data_timestamp": iso(at - timedelta(seconds=5))}
        for count, due in enumerate(_due(world, at, "kmb", stop, route))
    ]  # fmt: skip
    return as_json({"type": "ETA", "version": "1.0", "generated_timestamp": iso(at), "data": rows})


def citybus_arrivals(world: World, at: datetime, stop: str, route: str) -> bytes:
    """As KMB's, in Citybus' words."""
    rows = [
        {"co": "CTB", "route": route, "dir": "O", "seq": 1, "stop": stop, "dest_tc": "中環碼頭",
         "dest_en": "Central Ferry Piers", "eta_seq": count + 1, "eta": iso(due), "rmk_tc": "", "rmk_en": "",
         "dest_sc": "中环码头", "rmk_sc": "", "data_timestamp": iso(at)}
        for count, due in enumerate(_due(world, at, "ctb", stop, route))
    ]  # fmt: skip
    return as_json({"type": "ETA", "version": "2.0", "generated_timestamp": iso(at), "data": rows})


def minibus_arrivals(world: World, at: datetime, route: str, stop: str) -> bytes:
    """The next minibuses of a route at a stop."""
    due = _due(world, at, "gmb", stop, route)
    eta = [
        {"eta_seq": count + 1, "diff": round((one - at) / timedelta(minutes=1)), "timestamp": iso(one),
         "remarks_tc": None, "remarks_sc": None, "remarks_en": None}
        for count, one in enumerate(due)
    ]  # fmt: skip
    told = [{"route_seq": 1, "stop_seq": 1, "enabled": bool(due), "eta": eta}]
    return as_json({"type": "ETA-RouteStop", "version": "1.0", "generated_timestamp": iso(at), "data": told})


def _due(world: World, at: datetime, company: str, stop: str, route: str) -> list[datetime]:
    if gale(at):
        return []
    minute = at.replace(second=0)
    first = number(world.seed, company, stop, route, int(minute.timestamp()) // 600) % 9
    return [minute + timedelta(minutes=first + 9 * count) for count in range(3)]


_PIERS = (("梅窩", "新世界第一渡輪", "中環六號碼頭"), ("長洲", "新渡輪", "中環五號碼頭"),
          ("坪洲", "港九小輪", "中環六號碼頭"), ("榕樹灣", "港九小輪", "中環四號碼頭"))  # fmt: skip


def ferries(world: World, at: datetime) -> bytes:
    """The arrivals of ferries, cells parted by pipes; the header alone while none sails."""
    lines = ["抵達時間|出發地|營運公司|碼頭|泊位|現況"]
    for count, (origin, company, pier) in enumerate(_PIERS if ferries_sail(at) else ()):
        quay = 1 + count % 2
        due = local(at.replace(second=0) + timedelta(minutes=6 + 11 * count))
        late = share(world.seed, "ferry", origin, due.hour) < 0.2
        lines.append(f"{due:%H:%M}|{origin}|{company}|{pier}|{quay}|{'延誤' if late else '準時'}")
    return ("\n".join(lines) + "\n").encode()


def vessels(world: World, at: datetime) -> bytes:
    """Vessels that arrived; none while the port is closed."""
    rows = []
    for count in range(12 if ferries_sail(at) else 0):
        arrived = local(at.replace(minute=0, second=0) - timedelta(hours=count))
        values = (
            ("VESSEL_NAME", f"EXERCISE {number(world.seed, 'vessel', count) % 900 + 100}"),
            ("SHIP_TYPE_DESC", chosen(("Container", "Bulk Carrier", "Tug"), world.seed, "ship", count)),
            ("LIC_MD_REF", f"EX{number(world.seed, 'licence', count) % 90000 + 10000}"),
            ("ARRIVAL_TIME", f"{arrived:%d-%m-%Y %H:%M}"),
        )
        rows.append("".join(f"  {element(name, value)}\n" for name, value in values))
    body = "".join(f" <G_SQL1>\n{row} </G_SQL1>\n" for row in rows)
    return f"{XML}<RN0010>\n{body}</RN0010>\n".encode()
