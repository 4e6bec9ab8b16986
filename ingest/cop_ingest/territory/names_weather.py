"""True names and approximate places of weather, tide, rain and air quality stations.

Positions are longitude and latitude (WGS 84), good to about 300 m (the wind stations to 1 km).
"""

from __future__ import annotations

from cop_ingest.territory.named import spots

WIND_STATIONS = spots("""
Central Pier|中環碼頭|114.158|22.288|0.8
Chek Lap Kok|赤鱲角|113.922|22.309|1.0
Cheung Chau|長洲|114.027|22.201|1.3
Cheung Chau Beach|長洲泳灘|114.030|22.211|1.2
Green Island|青洲|114.112|22.285|1.3
Hong Kong Sea School|香港航海學校|114.214|22.218|0.9
Kai Tak|啟德|114.213|22.310|0.9
King's Park|京士柏|114.173|22.312|0.7
Lamma Island|南丫島|114.109|22.226|0.9
Lau Fau Shan|流浮山|113.984|22.469|0.9
Ngong Ping|昂坪|113.913|22.259|1.7
North Point|北角|114.200|22.294|0.9
Peng Chau|坪洲|114.043|22.291|1.0
Sai Kung|西貢|114.274|22.376|0.9
Sha Chau|沙洲|113.891|22.346|1.0
Sha Tin|沙田|114.210|22.402|0.6
Shek Kong|石崗|114.085|22.436|0.5
Stanley|赤柱|114.219|22.214|0.8
Star Ferry|天星碼頭|114.169|22.293|0.8
Ta Kwu Ling|打鼓嶺|114.157|22.529|0.6
Tai Mei Tuk|大美督|114.238|22.475|1.2
Tai Po Kau|大埔滘|114.184|22.443|0.7
Tap Mun|塔門|114.361|22.471|1.1
Tate's Cairn|大老山|114.218|22.358|1.5
Tseung Kwan O|將軍澳|114.256|22.316|0.5
Tsing Yi|青衣|114.110|22.344|0.7
Tuen Mun|屯門|113.964|22.386|0.6
Waglan Island|橫瀾島|114.303|22.182|1.5
Wetland Park|濕地公園|114.009|22.467|0.5
Wong Chuk Hang|黃竹坑|114.174|22.248|0.6
""")
"""The Observatory's 30 wind stations, and how open to the wind they are."""

RAIN_STATIONS = spots("""
Hong Kong Observatory|香港天文台|114.174|22.302
King's Park|京士柏|114.173|22.312
Kai Tak Runway Park|啟德跑道公園|114.217|22.304
Kowloon City|九龍城|114.173|22.335
Kwun Tong|觀塘|114.225|22.319
Sham Shui Po|深水埗|114.137|22.336
Wong Tai Sin|黃大仙|114.205|22.339
Happy Valley|跑馬地|114.184|22.271
Hong Kong Park|香港公園|114.162|22.278
Shau Kei Wan|筲箕灣|114.236|22.282
Stanley|赤柱|114.219|22.214
Wong Chuk Hang|黃竹坑|114.174|22.248
Chek Lap Kok|赤鱲角|113.922|22.309
Cheung Chau|長洲|114.027|22.201
Ngong Ping|昂坪|113.913|22.259
Peng Chau|坪洲|114.043|22.291
Waglan Island|橫瀾島|114.303|22.182
Clear Water Bay|清水灣|114.300|22.263
Kau Sai Chau|滘西洲|114.313|22.370
Pak Tam Chung|北潭涌|114.323|22.403
Sai Kung|西貢|114.274|22.376
Tseung Kwan O|將軍澳|114.256|22.316
Sha Tin|沙田|114.210|22.402
Tai Po|大埔|114.179|22.446
Tai Mei Tuk|大美督|114.238|22.475
Tai Mo Shan|大帽山|114.124|22.411
Tsuen Wan Ho Koon|荃灣可觀|114.108|22.384
Tsuen Wan Shing Mun Valley|荃灣城門谷|114.127|22.376
Tsing Yi|青衣|114.110|22.344
Beas River|雙魚河|114.105|22.493
Ta Kwu Ling|打鼓嶺|114.157|22.529
Lau Fau Shan|流浮山|113.984|22.469
Shek Kong|石崗|114.085|22.436
Tuen Mun|屯門|113.964|22.386
Yuen Long Park|元朗公園|114.019|22.441
Wetland Park|濕地公園|114.009|22.467
""")
"""Automatic weather stations that measure rain, by true names; the Observatory's list may differ."""

TIDE_GAUGES = spots("""
Quarry Bay|鰂魚涌|114.2133|22.2911|HKO|QUB
Shek Pik|石壁|113.8944|22.2203|HKO|SPW
Tai Miu Wan|大廟灣|114.2886|22.2697|HKO|TMW
Tai Po Kau|大埔滘|114.1839|22.4425|HKO|TPK
Tsim Bei Tsui|尖鼻咀|114.0142|22.4872|HKO|TBT
Waglan Island|橫瀾島|114.3028|22.1831|HKO|WAG
Cheung Chau|長洲|114.0231|22.2142|MD|CCH
Chi Ma Wan|芝麻灣|114.0000|22.2392|HKO|CMW
Kwai Chung|葵涌|114.1230|22.3240|MD|KCT
Ma Wan|馬灣|114.0713|22.3640|MD|MWC
Ko Lau Wan|高流灣|114.3608|22.4586|HKO|KLW
Lok On Pai|樂安排|114.0017|22.3611|HKO|LOP
""")
"""Tide stations, past and present, with the department that keeps them and a code (that of this list)."""

AQHI_STATIONS = spots("""
Central/Western|中西區|114.1444|22.2849|general
Eastern|東區|114.2194|22.2829|general
Kwun Tong|觀塘|114.2312|22.3096|general
Sham Shui Po|深水埗|114.1591|22.3302|general
Kwai Chung|葵涌|114.1297|22.3571|general
Tsuen Wan|荃灣|114.1146|22.3718|general
Tseung Kwan O|將軍澳|114.2596|22.3176|general
Yuen Long|元朗|114.0227|22.4452|general
Tuen Mun|屯門|113.9767|22.3911|general
Tung Chung|東涌|113.9437|22.2889|general
Tai Po|大埔|114.1646|22.4510|general
Sha Tin|沙田|114.1845|22.3763|general
North|北區|114.1283|22.4967|general
Tap Mun|塔門|114.3607|22.4713|general
Southern|南區|114.1601|22.2475|general
Causeway Bay|銅鑼灣|114.1851|22.2801|roadside
Central|中環|114.1582|22.2818|roadside
Mong Kok|旺角|114.1683|22.3226|roadside
""")
"""The 18 air quality stations: at roofs (general) or at the roadside."""
