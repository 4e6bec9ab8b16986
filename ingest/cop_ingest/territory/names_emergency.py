"""True names and approximate places of the emergency services: hospitals, fire stations, depots, police stations.

Positions are longitude and latitude (WGS 84), good to about 300 m, from general knowledge of Hong Kong.
"""

from __future__ import annotations

from cop_ingest.territory.named import spots

HOSPITALS = spots("""
Alice Ho Miu Ling Nethersole Hospital|雅麗氏何妙齡那打素醫院|114.1747|22.4585
Caritas Medical Centre|明愛醫院|114.1526|22.3411
Kwong Wah Hospital|廣華醫院|114.1725|22.3152
North District Hospital|北區醫院|114.1246|22.4968
North Lantau Hospital|北大嶼山醫院|113.9391|22.2830
Pamela Youde Nethersole Eastern Hospital|東區尤德夫人那打素醫院|114.2364|22.2693
Pok Oi Hospital|博愛醫院|114.0418|22.4452
Prince of Wales Hospital|威爾斯親王醫院|114.2015|22.3800
Princess Margaret Hospital|瑪嘉烈醫院|114.1340|22.3415
Queen Elizabeth Hospital|伊利沙伯醫院|114.1752|22.3089
Queen Mary Hospital|瑪麗醫院|114.1312|22.2700
Ruttonjee Hospital|律敦治醫院|114.1754|22.2759
St John Hospital|長洲醫院|114.0316|22.2082
Tin Shui Wai Hospital|天水圍醫院|113.9963|22.4583
Tseung Kwan O Hospital|將軍澳醫院|114.2702|22.3179
Tuen Mun Hospital|屯門醫院|113.9764|22.4070
United Christian Hospital|基督教聯合醫院|114.2279|22.3223
Yan Chai Hospital|仁濟醫院|114.1196|22.3698
""")
"""The 18 public hospitals with an accident and emergency department (SOURCES 3.19)."""

FIRE_STATIONS = spots("""
Aberdeen Fire Station|香港仔消防局|114.1725|22.2487
Ap Lei Chau Fire Station|鴨脷洲消防局|114.1553|22.2415
Braemar Hill Fire Station|寶馬山消防局|114.2010|22.2855
Central Fire Station|中區消防局|114.1622|22.2785
Chai Wan Fire Station|柴灣消防局|114.2385|22.2665
Chung Hom Kok Fire Station|舂磡角消防局|114.2040|22.2190
Kennedy Town Fire Station|堅尼地城消防局|114.1265|22.2825
Kong Wan Fire Station|港灣消防局|114.1772|22.2807
Kotewall Fire Station|旭龢消防局|114.1468|22.2815
North Point Fire Station|北角消防局|114.2035|22.2905
Pok Fu Lam Fire Station|薄扶林消防局|114.1335|22.2600
Sai Wan Ho Fire Station|西灣河消防局|114.2225|22.2820
Shau Kei Wan Fire Station|筲箕灣消防局|114.2285|22.2775
Sheung Wan Fire Station|上環消防局|114.1480|22.2868
Tung Lo Wan Fire Station|銅鑼灣消防局|114.1895|22.2808
Victoria Peak Fire Station|山頂消防局|114.1500|22.2708
Wan Chai Fire Station|灣仔消防局|114.1775|22.2770
Cheung Sha Wan Fire Station|長沙灣消防局|114.1535|22.3355
Hung Hom Fire Station|紅磡消防局|114.1862|22.3060
Kai Tak Fire Station|啟德消防局|114.2020|22.3230
Kowloon Bay Fire Station|九龍灣消防局|114.2125|22.3225
Kowloon Tong Fire Station|九龍塘消防局|114.1795|22.3365
Kwun Tong Fire Station|觀塘消防局|114.2290|22.3125
Lai Chi Kok Fire Station|荔枝角消防局|114.1445|22.3370
Lam Tin Fire Station|藍田消防局|114.2380|22.3110
Ma Tau Chung Fire Station|馬頭涌消防局|114.1885|22.3230
Mongkok Fire Station|旺角消防局|114.1660|22.3225
Ngau Chi Wan Fire Station|牛池灣消防局|114.2110|22.3365
Shek Kip Mei Fire Station|石硤尾消防局|114.1665|22.3340
Shun Lee Fire Station|順利消防局|114.2250|22.3290
Tsim Sha Tsui Fire Station|尖沙咀消防局|114.1722|22.2992
Tsim Tung Fire Station|尖東消防局|114.1790|22.3000
Wong Tai Sin Fire Station|黃大仙消防局|114.1935|22.3440
Yau Ma Tei Fire Station|油麻地消防局|114.1685|22.3110
Yau Tong Fire Station|油塘消防局|114.2372|22.2965
Po Lam Fire Station|寶林消防局|114.2560|22.3245
Tai Chik Sha Fire Station|大赤沙消防局|114.2690|22.2935
Castle Peak Bay Fire Station|青山灣消防局|113.9880|22.3765
Fanling Fire Station|粉嶺消防局|114.1425|22.4970
Fu Tei Fire Station|虎地消防局|113.9830|22.4095
Heung Yuen Wai Fire Station|香園圍消防局|114.1570|22.5480
Kwai Chung Fire Station|葵涌消防局|114.1310|22.3650
Lai King Fire Station|荔景消防局|114.1285|22.3490
Lau Fau Shan Fire Station|流浮山消防局|113.9870|22.4655
Lei Muk Shue Fire Station|梨木樹消防局|114.1375|22.3740
Ma On Shan Fire Station|馬鞍山消防局|114.2270|22.4195
Ma Wan Fire Station|馬灣消防局|114.0600|22.3500
Mai Po Fire Station|米埔消防局|114.0600|22.4880
Pat Heung Fire Station|八鄉消防局|114.0760|22.4345
Pillar Point Fire Station|望后石消防局|113.9430|22.3800
Sai Kung Fire Station|西貢消防局|114.2705|22.3830
Sha Tau Kok Fire Station|沙頭角消防局|114.2160|22.5440
Sha Tin Fire Station|沙田消防局|114.1910|22.3890
Sham Tseng Fire Station|深井消防局|114.0590|22.3690
Sheung Shui Fire Station|上水消防局|114.1290|22.5060
Siu Lek Yuen Fire Station|小瀝源消防局|114.2085|22.3830
Tai Po Fire Station|大埔消防局|114.1690|22.4500
Tai Po East Fire Station|大埔東消防局|114.1890|22.4555
Tin Sum Fire Station|田心消防局|114.1795|22.3650
Tin Shui Wai Fire Station|天水圍消防局|114.0030|22.4560
Tsing Yi Fire Station|青衣消防局|114.1040|22.3565
Tsing Yi South Fire Station|青衣南消防局|114.0985|22.3390
Tsuen Wan Fire Station|荃灣消防局|114.1135|22.3730
Tuen Mun Fire Station|屯門消防局|113.9750|22.3960
Yuen Long Fire Station|元朗消防局|114.0320|22.4455
Cheung Chau Fire Station|長洲消防局|114.0290|22.2100
Cheung Sha Fire Station|長沙消防局|113.9510|22.2340
Chek Lap Kok South Fire Station|赤鱲角南消防局|113.9330|22.2980
Discovery Bay Fire Station|愉景灣消防局|114.0130|22.2965
Lamma Fire Station|南丫消防局|114.1145|22.2270
Mui Wo Fire Station|梅窩消防局|113.9970|22.2650
Peng Chau Fire Station|坪洲消防局|114.0385|22.2855
Penny's Bay Fire Station|竹篙灣消防局|114.0480|22.3175
Tai O Fire Station|大澳消防局|113.8650|22.2525
Tung Chung Fire Station|東涌消防局|113.9430|22.2885
""")
"""Fire stations; the list is not complete, and fireboat stations and the airport's own are left out."""

AMBULANCE_DEPOTS = spots("""
Aberdeen Ambulance Depot|香港仔救護站|114.1600|22.2485
Chai Wan Ambulance Depot|柴灣救護站|114.2375|22.2670
Morrison Hill Ambulance Depot|摩理臣山救護站|114.1785|22.2755
Mount Davis Ambulance Depot|摩星嶺救護站|114.1275|22.2755
Cheung Sha Wan Ambulance Depot|長沙灣救護站|114.1540|22.3365
Ho Man Tin Ambulance Depot|何文田救護站|114.1800|22.3140
Lam Tin Ambulance Depot|藍田救護站|114.2380|22.3120
Ma Tau Chung Ambulance Depot|馬頭涌救護站|114.1880|22.3235
Mongkok Ambulance Depot|旺角救護站|114.1665|22.3235
Ngau Tau Kok Ambulance Depot|牛頭角救護站|114.2170|22.3185
Pak Tin Ambulance Depot|白田救護站|114.1665|22.3375
Wong Tai Sin Ambulance Depot|黃大仙救護站|114.1940|22.3435
Yau Ma Tei Ambulance Depot|油麻地救護站|114.1695|22.3090
Fanling Ambulance Depot|粉嶺救護站|114.1410|22.4960
Kwai Chung Ambulance Depot|葵涌救護站|114.1305|22.3640
Lei Muk Shue Ambulance Depot|梨木樹救護站|114.1370|22.3745
Po Lam Ambulance Depot|寶林救護站|114.2565|22.3240
Sha Tin Ambulance Depot|沙田救護站|114.1920|22.3880
Sheung Shui Ambulance Depot|上水救護站|114.1285|22.5050
Tai Po Ambulance Depot|大埔救護站|114.1700|22.4505
Tin Shui Wai Ambulance Depot|天水圍救護站|114.0035|22.4570
Tin Sum Ambulance Depot|田心救護站|114.1790|22.3655
Tsing Yi Ambulance Depot|青衣救護站|114.1045|22.3560
Tsuen Wan Ambulance Depot|荃灣救護站|114.1125|22.3735
Tuen Mun Ambulance Depot|屯門救護站|113.9755|22.3970
Tung Chung Ambulance Depot|東涌救護站|113.9435|22.2880
Yuen Long Ambulance Depot|元朗救護站|114.0325|22.4450
""")
"""Ambulance depots; the list is not complete."""

POLICE_STATIONS = spots("""
Central Police Station|中區警署|114.1512|22.2878
Peak Police Station|山頂警署|114.1505|22.2706
Western Police Station|西區警署|114.1405|22.2875
Aberdeen Police Station|香港仔警署|114.1605|22.2480
Stanley Police Station|赤柱警署|114.2140|22.2195
Wan Chai Police Station|灣仔警署|114.1672|22.2785
Happy Valley Police Station|跑馬地警署|114.1835|22.2695
North Point Police Station|北角警署|114.2050|22.2912
Chai Wan Police Station|柴灣警署|114.2365|22.2665
Tsim Sha Tsui Police Station|尖沙咀警署|114.1715|22.3000
Yau Ma Tei Police Station|油麻地警署|114.1668|22.3085
Mong Kok Police Station|旺角警署|114.1700|22.3246
Sham Shui Po Police Station|深水埗警署|114.1610|22.3312
Cheung Sha Wan Police Station|長沙灣警署|114.1485|22.3368
Kowloon City Police Station|九龍城警署|114.1835|22.3255
Hung Hom Police Station|紅磡警署|114.1855|22.3050
Wong Tai Sin Police Station|黃大仙警署|114.1940|22.3440
Sau Mau Ping Police Station|秀茂坪警署|114.2300|22.3235
Kwun Tong Police Station|觀塘警署|114.2310|22.3095
Ngau Tau Kok Police Station|牛頭角警署|114.2140|22.3195
Tseung Kwan O Police Station|將軍澳警署|114.2570|22.3170
Sai Kung Police Station|西貢警署|114.2705|22.3795
Kwai Chung Police Station|葵涌警署|114.1295|22.3600
Tsing Yi Police Station|青衣警署|114.1045|22.3555
Tsuen Wan Police Station|荃灣警署|114.1190|22.3705
Lantau North Police Station|大嶼山北警署|113.9450|22.2880
Lantau South Police Station|大嶼山南警署|113.9990|22.2660
Airport Police Station|機場警署|113.9310|22.2985
Cheung Chau Police Station|長洲警署|114.0290|22.2125
Peng Chau Police Post|坪洲警崗|114.0378|22.2858
Lamma Island Police Post|南丫島警崗|114.1130|22.2265
Tuen Mun Police Station|屯門警署|113.9765|22.3955
Castle Peak Police Station|青山警署|113.9725|22.3800
Yuen Long Police Station|元朗警署|114.0285|22.4455
Tin Shui Wai Police Station|天水圍警署|114.0030|22.4490
Pat Heung Police Station|八鄉警署|114.0850|22.4340
Lok Ma Chau Police Station|落馬洲警署|114.0780|22.5080
Sheung Shui Police Station|上水警署|114.1285|22.5055
Ta Kwu Ling Police Station|打鼓嶺警署|114.1600|22.5320
Sha Tau Kok Police Station|沙頭角警署|114.2150|22.5440
Tai Po Police Station|大埔警署|114.1665|22.4490
Sha Tin Police Station|沙田警署|114.1915|22.3885
Tin Sum Police Station|田心警署|114.1795|22.3655
Ma On Shan Police Station|馬鞍山警署|114.2280|22.4230
""")
"""Police stations and some posts; the list is not complete."""

CONTROL_POINTS = spots("""
Heung Yuen Wai Control Point|香園圍管制站|114.1565|22.5530|HYW|road
Hong Kong-Zhuhai-Macao Bridge Control Point|港珠澳大橋管制站|113.9495|22.3165|HZM|road
Lok Ma Chau Control Point|落馬洲管制站|114.0735|22.5110|LMC|road
Lok Ma Chau Spur Line Control Point|落馬洲支線管制站|114.0655|22.5145|LSC|rail
Lo Wu Control Point|羅湖管制站|114.1130|22.5290|LWS|rail
Man Kam To Control Point|文錦渡管制站|114.1290|22.5345|MKT|road
Shenzhen Bay Control Point|深圳灣管制站|113.9455|22.5035|SBC|road
Sha Tau Kok Control Point|沙頭角管制站|114.2270|22.5500|STK|road
""")
"""The eight control points of SOURCES 3.21 with code and way; that of Shenzhen Bay lies in Shenzhen."""
