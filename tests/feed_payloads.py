"""A small good payload for every feed, written here so that no sample is needed."""

from __future__ import annotations

import json
from typing import Any

_AT = "2026-10-09T21:00:00+08:00"
_MAIL = "Fri, 09 Oct 2026 21:00:00 +0800"
_WARNING = {"name": "Landslip Warning", "code": "WL", "actionCode": "ISSUE", "issueTime": _AT, "updateTime": _AT}
_WIND = (
    "Date time,Automatic Weather Station,10-Minute Mean Wind Direction(Compass points),"
    "10-Minute Mean Speed(km/hour),10-Minute Maximum Gust(km/hour)\n202610092100,Kai Tak,North,17,30\n"
)
_ENDS = ("202610092130", "202610092200", "202610092230", "202610092300")
_NOWCAST = (
    "Updated Date and Time (in Hong Kong Time),Ending Date and Time (in Hong Kong Time),Latitude (degree),"
    "Longitude (degree),Half-hourly Nowcast Accumulated Rainfall (mm)\n"
) + "\n".join(
    f"202610092100,{end},{22.5 - 0.02 * i:.3f},{114 + 0.02 * j:.3f},{12.0 if i == j else 0:.2f}"
    for end in _ENDS
    for i in range(4)
    for j in range(4)
)
_REPORT = {
    "rainfall": {"data": [{"unit": "mm", "place": "Sha Tin", "max": 4, "min": 1, "main": "FALSE"}], "startTime": _AT, "endTime": _AT},
    "temperature": {"data": [{"place": "King's Park", "value": 31, "unit": "C"}], "recordTime": _AT},
    "humidity": {"data": [{"place": "Hong Kong Observatory", "value": 80, "unit": "percent"}], "recordTime": _AT},
    "updateTime": _AT,
}  # fmt: skip
_TRACK = """<TropicalCycloneTrack tcid="2601"><BulletinHeader><BulletinTime>2026-10-09T21:00:10+08:00</BulletinTime>
</BulletinHeader><WeatherReport><PastInformation><Index>1</Index><Intensity>Typhoon</Intensity><MaximumWind>145km/h</MaximumWind>
<Time>2026-10-09T06:00:00+00:00</Time><Latitude>20.40N</Latitude><Longitude>118.00E</Longitude></PastInformation>
<AnalysisInformation><Intensity>Typhoon</Intensity><MaximumWind>--</MaximumWind><Time>2026-10-09T12:00:00+00:00</Time>
<Latitude>20.90N</Latitude><Longitude>117.10E</Longitude></AnalysisInformation></WeatherReport></TropicalCycloneTrack>"""
_NEWS_V2 = f"""<list><message><INCIDENT_NUMBER>IN-26-1</INCIDENT_NUMBER><LOCATION_CN>青山公路　–　元朗段</LOCATION_CN>
<ANNOUNCEMENT_DATE>{_AT[:19]}</ANNOUNCEMENT_DATE><INCIDENT_STATUS_EN>NEW</INCIDENT_STATUS_EN>
<LATITUDE>22.3</LATITUDE><LONGITUDE>114.1</LONGITUDE></message></list>"""
_NEWS_V1 = """<body xmlns='http://data.one.gov.hk/td'><message><msgID>36839</msgID><CurrentStatus>3</CurrentStatus>
<ChinText>因水管爆裂，昌榮路封閉。</ChinText><EngText>Due to watermain burst, a lane is closed.</EngText>
<ReferenceDate> 2026/10/9 下午 09:00:43</ReferenceDate></message></body>"""
_SPEEDS = """<raw_speed_volume_list><date>2026-10-09</date><periods><period><period_from>21:00:00</period_from>
<period_to>21:00:30</period_to><detectors><detector><detector_id>AID01101</detector_id><direction>South</direction><lanes>
<lane><lane_id>Fast Lane</lane_id><speed>70</speed><occupancy>0</occupancy><volume>6</volume><s.d.>0</s.d.><valid>Y</valid></lane>
</lanes></detector></detectors></period></periods></raw_speed_volume_list>"""
_JOURNEY = f"""<jtis_journey_list xmlns="http://data.one.gov.hk/td"><jtis_journey_time><LOCATION_ID>H2</LOCATION_ID>
<DESTINATION_ID>CH</DESTINATION_ID><CAPTURE_DATE>{_AT[:19]}</CAPTURE_DATE><JOURNEY_TYPE>1</JOURNEY_TYPE>
<JOURNEY_DATA>7</JOURNEY_DATA><COLOUR_ID>3</COLOUR_ID><JOURNEY_DESC/></jtis_journey_time></jtis_journey_list>"""
_CAMERAS = b"\xff\xfe\xff\xfe" + (
    "key\tregion\tdistrict\tdescription\teasting\tnorthing\tlatitude\tlongitude\turl\r\n"
    "H429F\tHong Kong Island\tSouthern\tAberdeen Praya Road\t833514\t812196\t22.2485255\t114.1501576\tu\r\n"
).encode("utf-16-le")
_HOSPITAL = {
    "hospName": "Queen Mary Hospital", "t1wt": "0 minute", "manageT1case": "Y", "t2wt": "less than 15 minutes",
    "manageT2case": "N/A", "t3p50": "25 minutes", "t3p95": "68 minutes", "t45p50": "3.5 hours", "t45p95": "6 hours",
}  # fmt: skip
_WATER = (
    "SUSPENSION_ID|WATER_TYPE_DESCRIPTION|WATER_TYPE_DESCRIPTION_ZHT|DISTRICT_ENG|DISTRICT_ZHT|NATURE_DESCRIPTION|"
    "NATURE_DESCRIPTION_ZHT|SUSPENSION_DATE_TIME|ACTUAL_RESUMPTION_DATE_TIME|LONG_ADDRESS|LONG_ADDRESS_ZHT|CAUSE|CAUSE_ZHT|"
    "STATUS|STATUS_ZHT\n100001|Fresh Water|食水|Yuen Long|元朗|Emergency|緊急|2026-10-09 14:30||KAM TIN|錦田|Burst|爆裂|Suspended|停水中\n"
)
_FIELDS = {
    "fields": ["Date time", "Automatic Weather Station", "10 minute mean visibility"],
    "data": [["202610092100", "Central", "35 km"]],
}
_LIGHTNING = {"fields": ["Date time", "Type", "Region", "Lightning count"],
              "data": [["202610092000 - 202610092059", "Cloud-to-Ground", "Lantau", "0"]]}  # fmt: skip
_QUAKE = {
    "lat": 22.1,
    "lon": 114.2,
    "mag": 3.1,
    "region": "Lema Channel",
    "ptime": _AT,
    "updateTime": _AT,
    "intensity": "III",
}
_PARK = {"park_id": "10", "vehicle_type": [{"type": "P", "service_category": [
    {"category": "HOURLY", "vacancy_type": "A", "vacancy": 33, "lastupdate": "2026-10-09 20:59:49"}]}]}  # fmt: skip
_WORKS = {"roadworks_id": "1001", "latitude": "22.2992961", "longitude": "114.1894218", "worksstatus_tc": "進行中",
          "roadname_tc": "漆咸道南", "starttime": "2026-10-09 10:00", "endtime": "2026-10-09 16:00"}  # fmt: skip
_TRAIL = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[113.98, 22.26], [113.99, 22.265]]},
          "properties": {"TRAIL_ID": "T1", "FAC_ID": "F1", "TRAIL_NAME_TC": "示例徑", "EFFECTIVE_DATE": 1758600000000}}  # fmt: skip
_TRAIN = {
    "data": {
        "ISL-ADM": {
            "curr_time": "2026-10-09 21:00:00",
            "UP": [{"seq": "1", "dest": "CHW", "time": "2026-10-09 21:01:00"}],
        }
    }
}
_BUS = {
    "data": [{"co": "KMB", "route": "1", "dir": "O", "stop": "001145", "eta_seq": 1, "eta": _AT, "data_timestamp": _AT}]
}
_ITEM = f"<item><title>Central/Western : 2 : Low</title><link>https://x/P1.htm</link><pubDate>{_MAIL}</pubDate></item>"
_RSS = f"<rss><channel>{_ITEM}</channel></rss>"

GOOD: dict[str, dict[str, Any]] = {
    "hko_warnsum": {"en": {"WL": _WARNING}, "tc": {"WL": _WARNING}},
    "hko_warninginfo": {"en": {"details": [{"contents": ["a"], "warningStatementCode": "WL", "updateTime": _AT}]}},
    "hko_swt": {"en": {"swt": [{"desc": "Heavy rain", "updateTime": _AT}]}},
    "hko_rhrread": {"en": _REPORT},
    "hko_rhrread_rain": {"en": _REPORT},
    "hko_hourly_rainfall": {"en": {"obsTime": _AT, "hourlyRainfall": [
        {"automaticWeatherStation": "Lau Fau Shan", "automaticWeatherStationID": "RF001", "value": "0", "unit": "mm"}]}},
    "hko_wind_10min": {"en": _WIND},
    "hko_nowcast": {"grid": _NOWCAST},
    "hko_cyclones": {"list": "<TropicalCycloneList><TropicalCyclone><TropicalCycloneID>2601</TropicalCycloneID>"
                     "</TropicalCyclone></TropicalCycloneList>", "track_2601": _TRACK},
    "td_news_v2": {"news": _NEWS_V2},
    "td_news_v1": {"news": _NEWS_V1},
    "td_detectors": {"all": _SPEEDS},
    "td_journey_times": {"all": _JOURNEY},
    "td_cameras": {"en": _CAMERAS},
    "ha_waiting": {"en": {"waitTime": [_HOSPITAL], "updateTime": "9/10/2026 9:00PM"}},
    "wsd_suspensions": {"all": _WATER},
    "hko_temperature": {"all": "Date time,Automatic Weather Station,Air Temperature(degree Celsius)\n202610092100,Chek Lap Kok,27.3\n"},
    "hko_visibility": {"all": _FIELDS},
    "hko_lightning": {"all": _LIGHTNING},
    "hko_earthquake": {"all": _QUAKE},
    "hko_felt_earthquake": {"all": _QUAKE},
    "td_segment_speeds": {"all": "<a><date>2026-10-09</date><time>20:55:00</time><segments><segment><segment_id>91151</segment_id>"
                          "<speed>57</speed><valid>Y</valid></segment></segments></a>"},
    "td_car_parks": {"all": {"car_park": [_PARK]}},
    "td_roadworks": {"all": [_WORKS]},
    "epd_aqhi": {"all": _RSS},
    "epd_pollutants": {"all": "<AQHI24HrPollutantConcentration><PollutantConcentration><StationName>Eastern</StationName>"
                       f"<DateTime>{_MAIL}</DateTime><NO2>31.2</NO2><PM2.5>8.0</PM2.5></PollutantConcentration>"
                       "</AQHI24HrPollutantConcentration>"},
    "immd_queues": {"residents": {"LWS": {"arrQueue": 0, "depQueue": 99}}},
    "afcd_trails": {"all": {"features": [_TRAIL]}},
    "afcd_facilities": {"all": {"features": [_TRAIL]}},
    "mtr_next_train": {"isl_adm": _TRAIN},
    "kmb_eta": {"a60ae774b09a5e44": _BUS},
    "ctb_eta": {"s001145_11": _BUS},
    "md_ferries": {"all": "抵達時間|出發地|營運公司|碼頭|泊位|現況\n21:00|澳門|噴射飛航|港澳碼頭|1|已到\n"},
    "md_vessels": {"all": "<RN0010><G_SQL1><VESSEL_NAME>A</VESSEL_NAME><SHIP_TYPE_DESC>Tug</SHIP_TYPE_DESC>"
                   "<LIC_MD_REF>1</LIC_MD_REF></G_SQL1></RN0010>"},
    "hko_lampposts": {"gf3637_01": {"PI": "GF3637", "BODY": {"HKO": {"RH": "71.7", "T0": "33.5", "TS": "20261009205900"}}}},
    "isd_press_en": {"all": _RSS},
    "isd_press_zh": {"all": _RSS},
}  # fmt: skip
"""By feed: the parts of a good answer, as bytes, text, or what becomes JSON."""


def as_bytes(body: Any) -> bytes:
    """A part as it would come."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode("utf-8", "surrogatepass")
