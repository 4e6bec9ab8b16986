"""True names and approximate places of sports centres, swimming pools, libraries, parks and beaches.

Positions are longitude and latitude (WGS 84), good to about 300 m, from general knowledge of Hong Kong. Parks and
beaches have their approximate area in hectares behind.
"""

from __future__ import annotations

from cop_ingest.territory.named import spots

SPORTS_CENTRES = spots("""
Sheung Wan Sports Centre|上環體育館|114.1500|22.2863
Shek Tong Tsui Sports Centre|石塘咀體育館|114.1350|22.2863
Smithfield Sports Centre|士美菲路體育館|114.1287|22.2815
Hong Kong Park Sports Centre|香港公園體育館|114.1615|22.2780
Sun Yat Sen Memorial Park Sports Centre|中山紀念公園體育館|114.1440|22.2893
Harbour Road Sports Centre|港灣道體育館|114.1765|22.2815
Lockhart Road Sports Centre|駱克道體育館|114.1800|22.2790
Wong Nai Chung Sports Centre|黃泥涌體育館|114.1840|22.2690
Causeway Bay Sports Centre|銅鑼灣體育館|114.1895|22.2800
Quarry Bay Sports Centre|鰂魚涌體育館|114.2130|22.2855
Sai Wan Ho Sports Centre|西灣河體育館|114.2225|22.2815
Island East Sports Centre|港島東體育館|114.2220|22.2835
Siu Sai Wan Sports Centre|小西灣體育館|114.2495|22.2640
Chai Wan Sports Centre|柴灣體育館|114.2400|22.2660
Aberdeen Sports Centre|香港仔體育館|114.1540|22.2485
Ap Lei Chau Sports Centre|鴨脷洲體育館|114.1550|22.2430
Stanley Sports Centre|赤柱體育館|114.2120|22.2195
Wong Chuk Hang Sports Centre|黃竹坑體育館|114.1680|22.2480
Kowloon Park Sports Centre|九龍公園體育館|114.1695|22.3010
Kwun Chung Sports Centre|官涌體育館|114.1695|22.3045
Macpherson Stadium|麥花臣場館|114.1715|22.3175
Boundary Street Sports Centre No. 1|界限街一號體育館|114.1740|22.3260
Fa Yuen Street Sports Centre|花園街體育館|114.1705|22.3210
Tai Kok Tsui Sports Centre|大角咀體育館|114.1620|22.3210
Cornwall Street Squash Centre|歌和老街壁球及乒乓球中心|114.1760|22.3355
Cheung Sha Wan Sports Centre|長沙灣體育館|114.1560|22.3365
Lai Chi Kok Park Sports Centre|荔枝角公園體育館|114.1385|22.3380
Pei Ho Street Sports Centre|北河街體育館|114.1635|22.3295
Shek Kip Mei Park Sports Centre|石硤尾公園體育館|114.1680|22.3360
Ho Man Tin Sports Centre|何文田體育館|114.1835|22.3140
Hung Hom Municipal Services Building Sports Centre|紅磡市政大廈體育館|114.1875|22.3085
Kowloon City Sports Centre|九龍城體育館|114.1905|22.3305
To Kwa Wan Sports Centre|土瓜灣體育館|114.1905|22.3175
Kai Tak Sports Park|啟德體育園|114.1930|22.3250
Morse Park Sports Centre|摩士公園體育館|114.1900|22.3365
Ngau Chi Wan Sports Centre|牛池灣體育館|114.2090|22.3355
Hammer Hill Road Sports Centre|斧山道體育館|114.2035|22.3370
Chuk Yuen Sports Centre|竹園體育館|114.1925|22.3445
Po Kong Village Road Sports Centre|蒲崗村道體育館|114.2025|22.3455
Kai Tak East Sports Centre|啟德(東)體育館|114.1965|22.3345
Kowloon Bay Sports Centre|九龍灣體育館|114.2110|22.3250
Lam Tin South Sports Centre|藍田南體育館|114.2370|22.3060
Ngau Tau Kok Road Sports Centre|牛頭角道體育館|114.2190|22.3175
Shun Lee Tsuen Sports Centre|順利邨體育館|114.2260|22.3300
Shui Wo Street Sports Centre|瑞和街體育館|114.2265|22.3145
Tai Wo Hau Sports Centre|大窩口體育館|114.1255|22.3695
North Kwai Chung Tang Shiu Kin Sports Centre|北葵涌鄧肇堅體育館|114.1365|22.3675
Osman Ramju Sadick Memorial Sports Centre|林士德體育館|114.1300|22.3590
Fung Shue Wo Sports Centre|楓樹窩體育館|114.1010|22.3540
Tsing Yi Sports Centre|青衣體育館|114.1050|22.3560
Tsuen King Circuit Sports Centre|荃景圍體育館|114.1090|22.3755
Tsuen Wan Sports Centre|荃灣體育館|114.1155|22.3680
Yeung Uk Road Sports Centre|楊屋道體育館|114.1160|22.3690
Wai Tsuen Sports Centre|蕙荃體育館|114.1240|22.3760
Tai Hing Sports Centre|大興體育館|113.9700|22.4040
Tuen Mun North West Swimming Pool and Sports Centre|屯門西北游泳池|113.9640|22.4080
Leung Tin Sports Centre|良田體育館|113.9615|22.4095
Yau Oi Sports Centre|友愛體育館|113.9715|22.3870
Tin Shui Sports Centre|天瑞體育館|114.0025|22.4580
Tin Ping Sports Centre|天平體育館|114.1345|22.5045
Tin Yip Road Sports Centre|天業路體育館|114.0085|22.4600
Yuen Long Sports Centre|元朗體育館|114.0290|22.4440
Long Ping Sports Centre|朗屏體育館|114.0240|22.4480
Lung Sum Avenue Sports Centre|龍琛路體育館|114.1290|22.5030
Luen Wo Hui Sports Centre|聯和墟體育館|114.1455|22.4990
Wo Hing Sports Centre|和興體育館|114.1365|22.4880
Fu Heng Sports Centre|富亨體育館|114.1790|22.4595
Fu Shin Sports Centre|富善體育館|114.1745|22.4550
Tai Po Hui Sports Centre|大埔墟體育館|114.1655|22.4465
Tai Wo Sports Centre|太和體育館|114.1605|22.4510
Heng On Sports Centre|恆安體育館|114.2260|22.4180
Hin Keng Sports Centre|顯徑體育館|114.1715|22.3650
Ma On Shan Sports Centre|馬鞍山體育館|114.2310|22.4235
Mei Lam Sports Centre|美林體育館|114.1745|22.3795
Yuen Chau Kok Sports Centre|圓洲角體育館|114.2030|22.3800
Yuen Wo Road Sports Centre|源禾路體育館|114.1920|22.3870
Hang Hau Sports Centre|坑口體育館|114.2655|22.3155
Po Lam Sports Centre|寶林體育館|114.2570|22.3235
Tseung Kwan O Sports Centre|將軍澳體育館|114.2600|22.3120
Tiu Keng Leng Sports Centre|調景嶺體育館|114.2535|22.3055
Sai Kung Squash Courts|西貢壁球場|114.2710|22.3815
Cheung Chau Sports Centre|長洲體育館|114.0280|22.2095
Mui Wo Sports Centre|梅窩體育館|113.9975|22.2660
Peng Chau Sports Centre|坪洲體育館|114.0390|22.2860
Tung Chung Man Tung Road Sports Centre|東涌文東路體育館|113.9435|22.2905
""")
"""Sports centres and squash courts; not complete."""

LIBRARIES = spots("""
Hong Kong Central Library|香港中央圖書館|114.1897|22.2803
City Hall Public Library|大會堂公共圖書館|114.1612|22.2822
Shek Tong Tsui Public Library|石塘咀公共圖書館|114.1352|22.2862
Smithfield Public Library|士美非路公共圖書館|114.1288|22.2817
Lockhart Road Public Library|駱克道公共圖書館|114.1802|22.2790
North Point Public Library|北角公共圖書館|114.2010|22.2915
Quarry Bay Public Library|鰂魚涌公共圖書館|114.2130|22.2858
Chai Wan Public Library|柴灣公共圖書館|114.2388|22.2655
Siu Sai Wan Public Library|小西灣公共圖書館|114.2495|22.2642
Aberdeen Public Library|香港仔公共圖書館|114.1540|22.2487
Ap Lei Chau Public Library|鴨脷洲公共圖書館|114.1555|22.2428
Stanley Public Library|赤柱公共圖書館|114.2122|22.2196
Yau Ma Tei Public Library|油麻地公共圖書館|114.1703|22.3125
Tsim Sha Tsui Public Library|尖沙咀公共圖書館|114.1750|22.2985
Tai Kok Tsui Public Library|大角咀公共圖書館|114.1622|22.3213
Fa Yuen Street Public Library|花園街公共圖書館|114.1706|22.3212
Po On Road Public Library|保安道公共圖書館|114.1575|22.3360
Lai Chi Kok Public Library|荔枝角公共圖書館|114.1400|22.3375
Shek Kip Mei Public Library|石硤尾公共圖書館|114.1680|22.3325
Kowloon Public Library|九龍公共圖書館|114.1780|22.3155
Hung Hom Public Library|紅磡公共圖書館|114.1876|22.3087
To Kwa Wan Public Library|土瓜灣公共圖書館|114.1905|22.3177
Kowloon City Public Library|九龍城公共圖書館|114.1905|22.3302
San Po Kong Public Library|新蒲崗公共圖書館|114.1970|22.3355
Ngau Chi Wan Public Library|牛池灣公共圖書館|114.2090|22.3357
Lok Fu Public Library|樂富公共圖書館|114.1870|22.3375
Tsz Wan Shan Public Library|慈雲山公共圖書館|114.2000|22.3490
Shui Wo Street Public Library|瑞和街公共圖書館|114.2266|22.3147
Ngau Tau Kok Public Library|牛頭角公共圖書館|114.2170|22.3185
Lam Tin Public Library|藍田公共圖書館|114.2365|22.3075
Shun Lee Estate Public Library|順利邨公共圖書館|114.2258|22.3302
South Kwai Chung Public Library|南葵涌公共圖書館|114.1265|22.3565
North Kwai Chung Public Library|北葵涌公共圖書館|114.1363|22.3677
Tsing Yi Public Library|青衣公共圖書館|114.1055|22.3585
Tsuen Wan Public Library|荃灣公共圖書館|114.1185|22.3755
Shek Wai Kok Public Library|石圍角公共圖書館|114.1232|22.3747
Tuen Mun Public Library|屯門公共圖書館|113.9762|22.3915
Tai Hing Public Library|大興公共圖書館|113.9703|22.4040
Butterfly Estate Public Library|蝴蝶邨公共圖書館|113.9645|22.3765
Yuen Long Public Library|元朗公共圖書館|114.0200|22.4420
Ping Shan Tin Shui Wai Public Library|屏山天水圍公共圖書館|114.0020|22.4475
Sheung Shui Public Library|上水公共圖書館|114.1290|22.5032
Fanling Public Library|粉嶺公共圖書館|114.1395|22.4930
Tai Po Public Library|大埔公共圖書館|114.1655|22.4467
Sha Tin Public Library|沙田公共圖書館|114.1885|22.3812
Ma On Shan Public Library|馬鞍山公共圖書館|114.2310|22.4260
Yuen Chau Kok Public Library|圓洲角公共圖書館|114.2030|22.3802
Tseung Kwan O Public Library|將軍澳公共圖書館|114.2590|22.3145
Tiu Keng Leng Public Library|調景嶺公共圖書館|114.2535|22.3057
Sai Kung Public Library|西貢公共圖書館|114.2710|22.3815
Cheung Chau Public Library|長洲公共圖書館|114.0282|22.2093
Mui Wo Public Library|梅窩公共圖書館|113.9975|22.2662
Peng Chau Public Library|坪洲公共圖書館|114.0388|22.2858
Tung Chung Public Library|東涌公共圖書館|113.9435|22.2905
Tai O Public Library|大澳公共圖書館|113.8650|22.2530
North Lamma Public Library|南丫島北段公共圖書館|114.1125|22.2265
""")
"""Public libraries; not complete."""

SWIMMING_POOLS = spots("""
Kennedy Town Swimming Pool|堅尼地城游泳池|114.1265|22.2838
Sun Yat Sen Memorial Park Swimming Pool|中山紀念公園游泳池|114.1432|22.2892
Victoria Park Swimming Pool|維多利亞公園游泳池|114.1898|22.2822
Morrison Hill Swimming Pool|摩理臣山游泳池|114.1790|22.2762
Wan Chai Swimming Pool|灣仔游泳池|114.1765|22.2815
Chai Wan Swimming Pool|柴灣游泳池|114.2400|22.2672
Island East Swimming Pool|港島東游泳池|114.2220|22.2838
Siu Sai Wan Swimming Pool|小西灣游泳池|114.2493|22.2643
Pao Yue Kong Swimming Pool|包玉剛游泳池|114.1705|22.2480
Kowloon Park Swimming Pool|九龍公園游泳池|114.1697|22.3022
Tai Kok Tsui Swimming Pool|大角咀游泳池|114.1623|22.3215
Lai Chi Kok Park Swimming Pool|荔枝角公園游泳池|114.1392|22.3387
Lei Cheng Uk Swimming Pool|李鄭屋游泳池|114.1590|22.3380
Sham Shui Po Park Swimming Pool|深水埗公園游泳池|114.1600|22.3310
Ho Man Tin Swimming Pool|何文田游泳池|114.1835|22.3142
Tai Wan Shan Swimming Pool|大環山游泳池|114.1910|22.3030
Hammer Hill Road Swimming Pool|斧山道游泳池|114.2040|22.3375
Morse Park Swimming Pool|摩士公園游泳池|114.1880|22.3380
Kwun Tong Swimming Pool|觀塘游泳池|114.2295|22.3105
Jordan Valley Swimming Pool|佐敦谷游泳池|114.2180|22.3260
Lam Tin Swimming Pool|藍田游泳池|114.2375|22.3070
Kwai Shing Swimming Pool|葵盛游泳池|114.1270|22.3635
North Kwai Chung Jockey Club Swimming Pool|北葵涌賽馬會游泳池|114.1365|22.3700
Tsing Yi Swimming Pool|青衣游泳池|114.1020|22.3570
Tsing Yi Southwest Swimming Pool|青衣西南游泳池|114.0960|22.3500
Shing Mun Valley Swimming Pool|城門谷游泳池|114.1260|22.3755
Wai Tsuen Road Swimming Pool|荃灣蕙荃路游泳池|114.1235|22.3765
Tuen Mun Swimming Pool|屯門游泳池|113.9728|22.3830
The Jockey Club Yan Oi Tong Swimming Pool|賽馬會仁愛堂游泳池|113.9725|22.3925
Tin Shui Wai Swimming Pool|天水圍游泳池|114.0035|22.4570
Ping Shan Tin Shui Wai Swimming Pool|屏山天水圍游泳池|114.0015|22.4480
Yuen Long Swimming Pool|元朗游泳池|114.0180|22.4430
Fanling Swimming Pool|粉嶺游泳池|114.1400|22.4905
Sheung Shui Swimming Pool|上水游泳池|114.1260|22.5040
Tai Po Swimming Pool|大埔游泳池|114.1735|22.4520
Hin Tin Swimming Pool|顯田游泳池|114.1755|22.3660
Sha Tin Jockey Club Swimming Pool|沙田賽馬會游泳池|114.1930|22.3862
Ma On Shan Swimming Pool|馬鞍山游泳池|114.2320|22.4270
Tseung Kwan O Swimming Pool|將軍澳游泳池|114.2600|22.3155
Sai Kung Swimming Pool|西貢游泳池|114.2705|22.3795
Mui Wo Swimming Pool|梅窩游泳池|113.9985|22.2685
Tung Chung Swimming Pool|東涌游泳池|113.9435|22.2910
""")
"""Public swimming pools; not complete."""

PARKS = spots("""
Victoria Park|維多利亞公園|114.1885|22.2820|19
Hong Kong Park|香港公園|114.1617|22.2770|8
Hong Kong Zoological and Botanical Gardens|香港動植物公園|114.1565|22.2780|5
Tamar Park|添馬公園|114.1655|22.2815|2
Sun Yat Sen Memorial Park|中山紀念公園|114.1437|22.2897|4
Quarry Bay Park|鰂魚涌公園|114.2160|22.2880|9
Chai Wan Park|柴灣公園|114.2380|22.2670|7
Aberdeen Promenade|香港仔海濱公園|114.1540|22.2475|2
Kowloon Park|九龍公園|114.1700|22.3005|13
King's Park Recreation Ground|京士柏遊樂場|114.1745|22.3105|6
Lai Chi Kok Park|荔枝角公園|114.1390|22.3385|17
Shek Kip Mei Park|石硤尾公園|114.1675|22.3370|9
Sham Shui Po Park|深水埗公園|114.1595|22.3310|4
Kowloon Walled City Park|九龍寨城公園|114.1905|22.3322|3
Ko Shan Road Park|高山道公園|114.1860|22.3140|7
Hoi Sham Park|海心公園|114.1915|22.3145|2
Morse Park|摩士公園|114.1900|22.3370|16
Po Kong Village Road Park|蒲崗村道公園|114.2030|22.3460|9
Kai Tak Runway Park|啟德跑道公園|114.2165|22.3045|1
Jordan Valley Park|佐敦谷公園|114.2175|22.3270|6
Lam Tin Park|藍田公園|114.2390|22.3090|8
Kwun Tong Promenade|觀塘海濱花園|114.2190|22.3105|4
Central Kwai Chung Park|中葵涌公園|114.1280|22.3640|12
Tsing Yi Park|青衣公園|114.1030|22.3570|6
Tsing Yi Northeast Park|青衣東北公園|114.1060|22.3610|5
Shing Mun Valley Park|城門谷公園|114.1265|22.3765|11
Tsuen Wan Park|荃灣公園|114.1120|22.3690|4
Tuen Mun Park|屯門公園|113.9745|22.3910|13
Butterfly Beach Park|蝴蝶灣公園|113.9595|22.3750|6
Yuen Long Park|元朗公園|114.0190|22.4410|8
Tin Shui Wai Park|天水圍公園|114.0020|22.4550|15
Tin Yip Road Park|天業路公園|114.0085|22.4590|4
North District Park|北區公園|114.1315|22.4975|9
Tai Po Waterfront Park|大埔海濱公園|114.1850|22.4510|22
Sha Tin Park|沙田公園|114.1905|22.3800|8
Ma On Shan Park|馬鞍山公園|114.2330|22.4275|6
Ma On Shan Promenade|馬鞍山海濱長廊|114.2260|22.4270|4
Po Tsui Park|寶翠公園|114.2600|22.3180|2
Hong Kong Velodrome Park|香港單車館公園|114.2590|22.3140|5
Sai Kung Waterfront Park|西貢海濱公園|114.2725|22.3805|2
Tung Chung North Park|東涌北公園|113.9440|22.2920|3
Penfold Park|彭福公園|114.2060|22.4010|8
""")
"""Parks, with hectares; not complete."""

BEACHES = spots("""
Big Wave Bay Beach|大浪灣泳灘|114.2465|22.2455|1.2
Chung Hom Kok Beach|舂坎角泳灘|114.2045|22.2165|0.6
Deep Water Bay Beach|深水灣泳灘|114.1855|22.2440|2.0
Hairpin Beach|夏萍灣泳灘|114.2165|22.2220|0.5
Middle Bay Beach|中灣泳灘|114.1935|22.2345|0.6
Repulse Bay Beach|淺水灣泳灘|114.1965|22.2365|2.5
Shek O Beach|石澳泳灘|114.2515|22.2290|1.5
South Bay Beach|南灣泳灘|114.1955|22.2310|0.8
St. Stephen's Beach|聖士提反灣泳灘|114.2135|22.2135|0.6
Stanley Main Beach|赤柱正灘泳灘|114.2155|22.2190|1.0
Turtle Cove Beach|龜背灣泳灘|114.2225|22.2330|0.5
Cheung Chau Tung Wan Beach|長洲東灣泳灘|114.0315|22.2100|1.5
Kwun Yam Beach|觀音灣泳灘|114.0335|22.2075|0.5
Hung Shing Yeh Beach|洪聖爺灣泳灘|114.1190|22.2190|0.6
Lo So Shing Beach|蘆鬚城泳灘|114.1195|22.2090|0.5
Lower Cheung Sha Beach|下長沙泳灘|113.9560|22.2345|1.5
Upper Cheung Sha Beach|上長沙泳灘|113.9450|22.2335|2.0
Pui O Beach|貝澳泳灘|113.9790|22.2395|1.5
Silver Mine Bay Beach|銀礦灣泳灘|114.0005|22.2700|1.5
Tong Fuk Beach|塘福泳灘|113.9330|22.2275|1.0
Clear Water Bay First Beach|清水灣第一灣泳灘|114.2885|22.2905|0.6
Clear Water Bay Second Beach|清水灣第二灣泳灘|114.2880|22.2865|1.2
Hap Mun Bay Beach|廈門灣泳灘|114.2955|22.3650|0.6
Kiu Tsui Beach|橋咀泳灘|114.2925|22.3710|0.5
Silverstrand Beach|銀線灣泳灘|114.2735|22.3275|0.6
Trio Beach|三星灣泳灘|114.2735|22.3640|0.4
Anglers' Beach|釣魚灣泳灘|114.0575|22.3665|0.5
Approach Beach|近水灣泳灘|114.0920|22.3665|0.3
Casam Beach|更生灣泳灘|114.0775|22.3685|0.3
Gemini Beaches|雙仙灣泳灘|114.0705|22.3675|0.4
Hoi Mei Beach|海美灣泳灘|114.0845|22.3680|0.3
Lido Beach|麗都灣泳灘|114.0800|22.3685|0.5
Ma Wan Tung Wan Beach|馬灣東灣泳灘|114.0625|22.3485|0.8
Ting Kau Beach|汀九灣泳灘|114.0810|22.3680|0.4
Butterfly Beach|蝴蝶灣泳灘|113.9580|22.3735|1.5
Cafeteria New Beach|新咖啡灣泳灘|113.9895|22.3725|0.6
Cafeteria Old Beach|舊咖啡灣泳灘|113.9870|22.3735|0.5
Castle Peak Beach|青山灣泳灘|113.9845|22.3755|0.6
Golden Beach|黃金泳灘|113.9920|22.3700|1.5
Kadoorie Beach|加多利灣泳灘|113.9855|22.3745|0.4
Lung Mei Beach|龍尾灘|114.2380|22.4720|1.0
""")
"""Gazetted bathing beaches, with hectares of sand."""
