"""The simulator's world: the exercise's own story, the same each time, with fields that agree with each other."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from simulated import ADDRESSES, DETECTORS, NEWS_V1, NEWS_V2, NIGHT, NOWCAST, WEATHER, body_of

from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.parse.traffic_news import parse_v2
from cop_ingest.feeds.parse.warnsum import parse as parse_warnsum
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.records import Parsed
from cop_ingest.scenario.calendar import DAY_EVENT, NOT_IN_THE_SUMMARY, SIGNALS, hong_kong
from cop_ingest.scenario.land import is_land
from cop_ingest.scenario.story import Story, newest
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.forms.incidents import reports
from cop_ingest.simulator.publishing import warnings_change
from cop_ingest.simulator.world import warnings
from cop_ingest.simulator.world.told import TRAFFIC, closures
from cop_ingest.simulator.world.traffic import Traffic
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.simulator.writers import hko_warnings
from cop_ingest.simulator.writers.hko_grid import NORTH, STEP, WEST, half_hour
from cop_ingest.territory.names_weather import RAIN_STATIONS
from cop_ingest.traffic_news import parse_traffic_news_v1, parse_traffic_news_v2
from cop_ingest.traffic_text import closure

BEFORE_ALL = STARTS - timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.5)


def _hours(start: datetime, end: datetime, minutes: int = 30) -> list[datetime]:
    return [
        start + timedelta(minutes=minutes * step) for step in range(int((end - start) / timedelta(minutes=minutes)) + 1)
    ]


def test_its_incidents_are_those_of_the_exercise_at_every_time(world: World) -> None:
    story = Story(1, 0.5, is_land())
    changed = world.told[700].versions[1][0]
    for at in (hong_kong("2025-09-23 18:00"), changed, NIGHT, ENDS):
        told = {
            key: values for key, (values, _) in newest(story, "incidents", at).items()
            if isinstance(values["reported_at"], datetime) and values["reported_at"] >= STARTS
        }  # fmt: skip
        ours = {incident.id: values for incident, values in world.known(at)}
        assert ours.keys() == told.keys()
        assert {key: values["status"] for key, values in ours.items()} == {
            key: values["status"] for key, values in told.items()
        }


def test_each_incident_comes_once_by_the_news_or_by_a_return(world: World) -> None:
    by_news = {incident.id for incident in world.news.numbers.values()}
    by_returns = {line.incident.id for line in reports(world, BEFORE_ALL, ENDS)}
    assert not by_news & by_returns
    assert by_news | by_returns == {incident.id for incident in world.told}
    assert len(by_news | by_returns) == 2_000
    assert {incident.department for incident in world.news.numbers.values()} == {TRAFFIC}


def test_what_the_story_has_told_and_what_the_sources_say_stand_under_one_number(world: World) -> None:
    """By source and number there, as a feed's turn and a return find their records."""
    told = {(values["source"], values["source_ref"]): values for _, values in world.known(NIGHT)}
    news = {record.id for record in parse_v2(_payload(world, NEWS_V2)).parsed.records}
    assert len(news) > 20
    assert {("td_news_v2", number) for number in news} <= told.keys()
    sent = {(line.incident.department, line.incident.ref) for line in reports(world, BEFORE_ALL, NIGHT)}
    assert sent | {key for key in told if key[0] == "td_news_v2"} == told.keys()
    assert len(told) == len(list(world.known(NIGHT)))
    summary = {record.id for record in _summary(world).parsed.records}
    in_force = newest(world.story, "warnings", NIGHT).values()
    assert len(summary) == 4
    assert {("hko_warnsum", number) for number in summary} == {
        (values["source"], values["source_ref"]) for values, _ in in_force
        if values["action"] == "issue" and values["code"] not in NOT_IN_THE_SUMMARY
    }  # fmt: skip


def _payload(world: World, address: str) -> Payload:
    return Payload({"news": body_of(world, address)}, NIGHT, {})


def _summary(world: World) -> Reading:
    bodies = {lang: body_of(world, f"{WEATHER.replace('lang=en', f'lang={lang}')}warnsum") for lang in ("en", "tc")}
    return parse_warnsum(Payload(bodies, NIGHT, feeds()["hko_warnsum"].options))


def test_returns_of_many_spans_say_the_same_as_one_of_the_whole_day(world: World) -> None:
    times = [BEFORE_ALL, *_hours(STARTS, ENDS, 45), ENDS]
    last: dict[str, object] = {}
    new: Counter[str] = Counter()
    for since, until in pairwise(times):
        for line in reports(world, since, until):
            last[line.incident.id] = line.values["status"]
            new[line.incident.id] += line.new
    whole = {line.incident.id: line.values["status"] for line in reports(world, BEFORE_ALL, ENDS)}
    assert last == whole
    assert set(new.values()) == {1}, "each is new in one return, and only there"


def test_ten_times_the_day_is_twenty_thousand_incidents() -> None:
    tenfold = World(1, times=10, scale=0.001)
    assert len(tenfold.told) == 20_000
    assert len(tenfold.news.numbers) > 800


def test_the_news_lists_what_is_open_and_what_was_closed_lately(world: World) -> None:
    for at in (hong_kong("2025-09-23 20:00"), NIGHT, hong_kong("2025-09-24 16:00")):
        listed = {message.number: message.status for message in world.news.at(at)}
        for number, incident in world.news.numbers.items():
            values = incident.at(at)
            if values is None or values["status"] == "cancelled":
                assert number not in listed
            elif values["status"] in ("reported", "confirmed"):
                assert listed[number] == "NEW"
            elif values["status"] in ("responding", "controlled"):
                assert listed[number] == "UPDATED"
            else:
                assert listed.get(number, "CLOSED") == "CLOSED"


def test_our_reader_takes_both_versions_of_the_news_whole(world: World) -> None:
    status = {"NEW": "confirmed", "UPDATED": "responding", "CLOSED": "completed"}
    for at in _hours(hong_kong("2025-09-23 12:00"), ENDS, 120):
        messages = {f"TD:{message.number}": message for message in world.news.at(at)}
        second = parse_traffic_news_v2(body_of(world, NEWS_V2, at), "exercise")
        first: Parsed = parse_traffic_news_v1(body_of(world, NEWS_V1, at), "exercise")
        assert not second.refusals
        assert not first.refusals
        assert len(first.records) == len(messages)
        assert {record.id for record in second.records} == messages.keys()
        for record in second.records:
            message = messages[record.id]
            assert record.properties["status"] == status[message.status]
            assert record.properties["reported_at"] == message.at.replace(microsecond=0)
            assert record.properties["category"] == "road"
            assert (record.geometry is not None) == (message.position is not None)
            content = record.properties["description_en"]
            assert isinstance(content, str)
            if message.status != "CLOSED":
                assert closure(content) == (
                    message.lanes if not message.closed else None,
                    True if message.closed else None,
                )


def test_echoes_tell_what_other_departments_close_too() -> None:
    world = World(1, scale=0.01, echoes=True)
    owners = Counter(incident.department for incident in world.news.numbers.values())
    assert owners["HKPF"] > 20
    assert all(
        incident.department == TRAFFIC
        or incident.versions[0][1]["road_closed"]
        or incident.versions[0][1]["lanes_closed"]
        for incident in world.news.numbers.values()
    )


def test_rain_agrees_with_the_rainstorm_warnings(world: World) -> None:
    reached = {"WRAINA": (30, 50), "WRAINR": (50, 70), "WRAINB": (70, 200)}
    warned = [signal for signal in SIGNALS if signal.event == DAY_EVENT and signal.code in reached]
    assert len(warned) == 3
    for signal in warned:
        start, end = signal.issued_at + timedelta(minutes=20), signal.ended_at - timedelta(minutes=70)
        most = [float(world.gauges.fallen(at).max()) for at in _hours(start, max(start, end), 10)]
        least, below = reached[signal.code]
        assert most[len(most) // 2] >= least, signal
        assert max(most) < below, signal
        assert min(most) > least - 6, signal
    dry = [at for at in _hours(STARTS, ENDS, 15)
           if not any(signal.issued_at - timedelta(hours=1) <= at < signal.ended_at + timedelta(hours=1) for signal in warned)]  # fmt: skip
    assert max(float(world.gauges.fallen(at).max()) for at in dry) < 30


def test_gauges_districts_and_nowcast_are_of_one_field(world: World) -> None:
    run = hong_kong("2025-09-24 03:00")
    ahead = half_hour(run, 0)
    fallen = world.gauges.fallen(run + timedelta(minutes=30), 0.5)
    for spot, gauge in zip(RAIN_STATIONS, fallen, strict=True):
        row, column = round((NORTH - spot.lat) / STEP), round((spot.lon - WEST) / STEP)
        assert abs(float(ahead[row, column]) - float(gauge)) < 6, spot.name_en
    rain = json.loads(body_of(world, WEATHER + "rhrread", run + timedelta(minutes=5)))["rainfall"]
    until = datetime.fromisoformat(rain["endTime"])
    gauges = world.gauges.fallen(until)
    districts = [row["max"] for row in rain["data"]]
    assert abs(max(districts) - float(gauges.max())) < 12
    assert abs(float(np.mean(districts)) - float(gauges.mean())) < 12


def test_warnings_are_in_the_summary_exactly_while_they_are_in_force() -> None:
    for signal in SIGNALS:
        if signal.event != DAY_EVENT or signal.code == "SURGE":
            continue
        for at, wanted in (
            (signal.issued_at, True),
            (signal.ended_at - timedelta(seconds=1), True),
            (signal.ended_at, False),
        ):
            codes = [entry.signal.code for entry in warnings.shown(at) if entry.action != "CANCEL"]
            assert (signal.code in codes) is wanted, (signal, at)


def test_some_warnings_end_by_word_and_the_others_by_disappearing(world: World) -> None:
    landslip = next(signal for signal in SIGNALS if signal.event == DAY_EVENT and signal.code == "WL")
    after = landslip.ended_at + timedelta(minutes=5)
    assert json.loads(body_of(world, WEATHER + "warnsum", after))["WL"]["actionCode"] == "CANCEL"
    assert "WL" not in json.loads(body_of(world, WEATHER + "warnsum", landslip.ended_at + timedelta(minutes=31)))
    flood = next(signal for signal in SIGNALS if signal.event == DAY_EVENT and signal.code == "WFNTSA")
    assert "WFNTSA" not in json.loads(body_of(world, WEATHER + "warnsum", flood.ended_at + timedelta(seconds=1)))
    calm = hong_kong("2025-09-22 11:00")
    assert hko_warnings.warnsum(world, calm, "en") == b"{}"
    assert hko_warnings.warning_information(world, calm, "en") == b"{}"


def test_traffic_thins_out_slows_down_and_stops_where_a_road_is_closed(world: World) -> None:
    traffic = world.traffic
    calm, gale, rain = (hong_kong(f"2025-09-{time}") for time in ("23 09:00", "23 17:00", "24 03:00"))
    volumes = [int(traffic.period(at).volume.sum()) for at in (calm, gale, rain)]
    assert volumes[0] > 3 * volumes[1] > 3 * volumes[2]
    assert traffic.general_pace(rain) < 0.6 * traffic.general_pace(calm)
    whole = [(starts, incident) for starts, ends, incident, all_ in closures(world.told)
             if all_ and incident.geometry is not None and starts > hong_kong("2025-09-23 14:00")]  # fmt: skip
    stopped = 0
    alone = Traffic(1, traffic.detectors, [], world.winds)
    for starts, _ in whole[:40]:
        stopped += bool((traffic.pace(starts) < 0.05).any()) and not bool((alone.pace(starts) < 0.05).any())
    assert stopped > 10


def test_two_worlds_of_one_seed_give_the_same_bytes_in_any_order(world: World) -> None:
    one, other, third = world, World(1, scale=0.5), World(6, scale=0.001)
    asked = [NEWS_V2, NEWS_V1, DETECTORS, NOWCAST, WEATHER + "warnsum", WEATHER + "rhrread",
             "www.ha.org.hk/opendata/aed/aedwtdata2-tc.json", "resource.data.one.gov.hk/td/jss/Journeytimev2.xml"]  # fmt: skip
    times = [hong_kong("2025-09-24 04:00"), hong_kong("2025-09-23 16:00")]
    first = {(address, at): body_of(one, address, at) for address in asked for at in times}
    second = {(address, at): body_of(other, address, at) for at in reversed(times) for address in reversed(asked)}
    assert first == second
    assert body_of(third, NEWS_V2, times[0]) != first[(NEWS_V2, times[0])]


def test_publication_never_lies_ahead_and_bytes_change_only_with_it(world: World) -> None:
    for endpoint in ADDRESSES:
        before = None
        for at in _hours(STARTS, STARTS + timedelta(hours=6), 7):
            published = endpoint.published(world, at)
            assert published <= at, endpoint
            assert before is None or published >= before, endpoint
            assert endpoint.published(world, published) == published, endpoint
            before = published


def test_the_clock_runs_jumps_and_stands_still_at_the_end() -> None:
    seconds = [0.0]
    clock = Clock(STARTS, ENDS, STARTS, 60, lambda: seconds[0])
    seconds[0] = 30.0
    assert clock.now() == STARTS + timedelta(minutes=30)
    clock.run(600)
    seconds[0] = 36.0
    assert clock.now() == STARTS + timedelta(minutes=90)
    clock.jump(STARTS)
    assert clock.now() == STARTS
    seconds[0] = 1e6
    assert clock.now() == ENDS
    with pytest.raises(ValueError, match="speed: found 601, wanted 0 to 600"):
        clock.run(601)


def test_warnings_are_published_when_they_change(world: World) -> None:
    for at in (hong_kong("2025-09-24 02:40"), hong_kong("2025-09-24 01:25")):
        assert warnings_change(world, at) == at
        assert warnings_change(world, at - timedelta(seconds=1)) < at


def test_detectors_go_dark_in_the_worst_hours_and_come_back(world: World) -> None:
    traffic = world.traffic
    there = [
        int(traffic.period(hong_kong(f"2025-09-{time}")).there.any(axis=1).sum())
        for time in ("23 12:00", "24 06:00", "24 19:00")
    ]
    assert there[1] < there[0] == there[2]


def test_xml_of_every_hour_is_well_formed(world: World) -> None:
    for address in (NEWS_V2, NEWS_V1, DETECTORS, "www.weather.gov.hk/wxinfo/currwx/hko_tctrack_2518.xml"):
        for at in _hours(STARTS, ENDS, 240):
            ET.fromstring(body_of(world, address, at))
