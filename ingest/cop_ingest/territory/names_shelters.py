"""True names and approximate places of community halls and typhoon shelters.

Positions are longitude and latitude (WGS 84), good to about 300 m, from general knowledge of Hong Kong.
"""

from __future__ import annotations

from cop_ingest.territory.named import spots

COMMUNITY_HALLS = spots("""
Sai Ying Pun Community Complex|西營盤社區綜合大樓|114.1425|22.2860|CW|
Mid-Levels Community Hall|半山區社區會堂|114.1460|22.2820|CW|
Causeway Bay Community Centre|銅鑼灣社區中心|114.1905|22.2790|WC|
Leighton Hill Community Hall|禮頓山社區會堂|114.1850|22.2770|WC|
Wan Chai Activities Centre|灣仔活動中心|114.1740|22.2765|WC|
Aldrich Bay Community Hall|愛秩序灣社區會堂|114.2275|22.2820|EST|
Fortress Hill Community Hall|炮台山社區會堂|114.1940|22.2870|EST|
Chai Wan Community Hall|柴灣社區會堂|114.2370|22.2655|EST|shelter
Hing Wah Community Hall|興華社區會堂|114.2340|22.2640|EST|
North Point Community Hall|北角社區會堂|114.2010|22.2905|EST|
Quarry Bay Community Hall|鰂魚涌社區會堂|114.2110|22.2860|EST|shelter
Siu Sai Wan Community Hall|小西灣社區會堂|114.2500|22.2640|EST|
Yue Wan Community Hall|漁灣社區會堂|114.2385|22.2660|EST|
Ap Lei Chau Community Hall|鴨脷洲社區會堂|114.1560|22.2430|STH|shelter
Lei Tung Community Hall|利東社區會堂|114.1570|22.2410|STH|
Stanley Community Hall|赤柱社區會堂|114.2125|22.2195|STH|shelter
Wah Kwai Community Centre|華貴社區中心|114.1370|22.2510|STH|shelter
Henry G. Leong Yaumatei Community Centre|梁顯利油麻地社區中心|114.1690|22.3090|YTM|shelter
Mong Kok Community Hall|旺角社區會堂|114.1650|22.3210|YTM|shelter
Cheung Sha Wan Community Centre|長沙灣社區中心|114.1560|22.3360|SSP|
Lai Kok Community Hall|麗閣社區會堂|114.1600|22.3330|SSP|
Mei Foo Community Hall|美孚社區會堂|114.1390|22.3365|SSP|
Nam Cheong District Community Centre|南昌社區中心|114.1600|22.3290|SSP|shelter
Pak Tin Community Hall|白田社區會堂|114.1665|22.3365|SSP|
Shek Kip Mei Community Hall|石硤尾社區會堂|114.1680|22.3340|SSP|shelter
Tai Hang Tung Community Centre|大坑東社區中心|114.1705|22.3330|SSP|
Hung Hom Community Hall|紅磡社區會堂|114.1870|22.3065|KLC|shelter
Kai Tak Community Hall|啟德社區會堂|114.1995|22.3320|KLC|
Sheung Lok Community Hall|常樂社區會堂|114.1770|22.3175|KLC|
Choi Hung Community Centre|彩虹社區中心|114.2070|22.3350|WTS|
Chuk Yuen Estate Community Centre|竹園邨社區中心|114.1920|22.3450|WTS|
Fung Tak Community Centre|鳳德社區中心|114.2005|22.3440|WTS|
Tsz Wan Shan (South) Community Centre|慈雲山(南)社區中心|114.2000|22.3470|WTS|shelter
Tung Tau Community Centre|東頭社區中心|114.1930|22.3355|WTS|
Wong Tai Sin Community Centre|黃大仙社區中心|114.1935|22.3425|WTS|shelter
Kai Yip Community Hall|啟業社區會堂|114.2110|22.3265|KT|
Lam Tin (West) Estate Community Centre|藍田(西)社區中心|114.2340|22.3085|KT|
Lok Wah Estate Community Centre|樂華邨社區中心|114.2170|22.3200|KT|
Sau Mau Ping Community Centre|秀茂坪社區中心|114.2320|22.3195|KT|shelter
Shun Lee Community Centre|順利社區中心|114.2250|22.3300|KT|shelter
Yau Tong Community Hall|油塘社區會堂|114.2380|22.2970|KT|
Kwai Fong Community Hall|葵芳社區會堂|114.1270|22.3575|KC|
Kwai Shing Community Hall|葵盛社區會堂|114.1260|22.3650|KC|shelter
Lai King Community Hall|荔景社區會堂|114.1285|22.3505|KC|
Shek Lei Community Hall|石籬社區會堂|114.1380|22.3670|KC|
Cheung Hang Community Centre|長亨社區中心|114.1030|22.3580|KC|
Tsing Yi Estate Community Hall|青衣邨社區會堂|114.1020|22.3540|KC|shelter
Lei Muk Shue Community Hall|梨木樹社區會堂|114.1352|22.3765|TW|shelter
Princess Alexandra Community Centre|雅麗珊社區中心|114.1195|22.3715|TW|shelter
Shek Wai Kok Community Hall|石圍角社區會堂|114.1230|22.3745|TW|
Butterfly Bay Community Centre|蝴蝶灣社區中心|113.9640|22.3750|TM|
Kin Sang Community Hall|建生社區會堂|113.9680|22.4065|TM|
Leung King Community Centre|良景社區中心|113.9625|22.4075|TM|shelter
On Ting/Yau Oi Community Centre|安定/友愛社區中心|113.9740|22.3875|TM|
Shan King Community Hall|山景社區會堂|113.9645|22.4005|TM|
Tai Hing Community Hall|大興社區會堂|113.9705|22.4030|TM|
Tuen Mun Town Hall|屯門大會堂|113.9765|22.3910|TM|
Wu Shan Road Community Hall|湖山路社區會堂|113.9680|22.3785|TM|shelter
Long Ping Community Hall|朗屏社區會堂|114.0230|22.4490|YL|
Tin Ching Community Hall|天晴社區會堂|114.0010|22.4685|YL|
Tin Shui Community Hall|天瑞社區會堂|114.0015|22.4585|YL|shelter
Tin Yiu Community Centre|天耀社區中心|114.0030|22.4500|YL|
Yuen Long Town Hall|元朗大會堂|114.0290|22.4460|YL|shelter
Cheung Wah Community Hall|祥華社區會堂|114.1425|22.4930|NTH|
Luen Wo Hui Community Hall|聯和墟社區會堂|114.1460|22.4985|NTH|shelter
Sha Tau Kok Community Hall|沙頭角社區會堂|114.2200|22.5455|NTH|
Ta Kwu Ling Community Hall|打鼓嶺社區會堂|114.1600|22.5290|NTH|shelter
Wo Hing Community Hall|和興社區會堂|114.1370|22.4870|NTH|
Fu Heng Community Hall|富亨社區會堂|114.1790|22.4600|TP|
Fu Shin Community Hall|富善社區會堂|114.1745|22.4545|TP|
Kwong Fuk Community Hall|廣福社區會堂|114.1740|22.4480|TP|
Tai Po Community Centre|大埔社區中心|114.1665|22.4485|TP|shelter
Tai Yuen Community Hall|大元社區會堂|114.1680|22.4550|TP|
Tai Wo Neighbourhood Community Centre|太和鄰里社區中心|114.1600|22.4510|TP|
Heng On Estate Community Hall|恆安社區會堂|114.2265|22.4175|ST|
Hin Keng Neighbourhood Community Centre|顯徑鄰里社區中心|114.1720|22.3650|ST|
Lek Yuen Community Hall|瀝源社區會堂|114.1930|22.3840|ST|shelter
Lung Hang Estate Community Centre|隆亨邨社區中心|114.1790|22.3680|ST|
Mei Tin Community Hall|美田社區會堂|114.1700|22.3790|ST|
Pok Hong Community Hall|博康社區會堂|114.2000|22.3790|ST|
Sun Tin Wai Community Hall|新田圍社區會堂|114.1850|22.3725|ST|
Wo Che Community Hall|禾輋社區會堂|114.1935|22.3890|ST|shelter
Hang Hau Community Hall|坑口社區會堂|114.2645|22.3165|SK|
King Lam Neighbourhood Community Centre|景林鄰里社區中心|114.2570|22.3195|SK|
Sai Kung Jockey Club Town Hall|西貢賽馬會大會堂|114.2715|22.3820|SK|shelter
Sheung Tak Community Hall|尚德社區會堂|114.2610|22.3090|SK|shelter
Cheung Chau Community Hall|長洲社區會堂|114.0285|22.2085|ILD|shelter
Discovery Bay Community Hall|愉景灣社區會堂|114.0150|22.2960|ILD|
Mui Wo Community Hall|梅窩社區會堂|113.9985|22.2655|ILD|
Peng Chau Community Hall|坪洲社區會堂|114.0385|22.2850|ILD|
Tung Chung Community Hall|東涌社區會堂|113.9420|22.2860|ILD|shelter
""")
"""Halls with the district's code; `shelter` where this exercise opens a temporary shelter. Not complete."""

TYPHOON_SHELTERS = spots("""
Aberdeen South Typhoon Shelter|香港仔南避風塘|114.1625|22.2445|650x250@100
Aberdeen West Typhoon Shelter|香港仔西避風塘|114.1505|22.2475|750x300@100
Causeway Bay Typhoon Shelter|銅鑼灣避風塘|114.1860|22.2840|620x260@75
Cheung Chau Typhoon Shelter|長洲避風塘|114.0235|22.2095|500x900@165
Hei Ling Chau Typhoon Shelter|喜靈洲避風塘|114.0260|22.2520|700x900@10
Kwun Tong Typhoon Shelter|觀塘避風塘|114.2170|22.3095|300x1100@145
New Yau Ma Tei Typhoon Shelter|新油麻地避風塘|114.1575|22.3130|550x1300@170
Rambler Channel Typhoon Shelter|藍巴勒海峽避風塘|114.1155|22.3615|300x700@35
Sam Ka Tsuen Typhoon Shelter|三家村避風塘|114.2350|22.2895|250x350@20
Shau Kei Wan Typhoon Shelter|筲箕灣避風塘|114.2305|22.2825|700x350@100
Shuen Wan Typhoon Shelter|船灣避風塘|114.2050|22.4610|500x450@20
To Kwa Wan Typhoon Shelter|土瓜灣避風塘|114.1965|22.3145|350x800@150
Tuen Mun Typhoon Shelter|屯門避風塘|113.9735|22.3735|700x700@20
Yim Tin Tsai Typhoon Shelter|鹽田仔避風塘|114.2150|22.4520|450x350@20
""")
"""Typhoon shelters: the middle of the sheltered water, its extent across and along in metres, and its bearing."""
