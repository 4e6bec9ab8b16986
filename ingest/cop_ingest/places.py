"""True places of Hong Kong for exercises: districts' centres, and streets in both languages.

Positions are rounded to 0.001 degree (about 100 m) and lie on land; they are for exercises only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A street in a neighbourhood: code of the district, names, longitude and latitude (WGS 84)."""

    district: str
    area_en: str
    area_zh: str
    street_en: str
    street_zh: str
    lon: float
    lat: float


DISTRICT_CENTRES: dict[str, tuple[float, float]] = {
    "CW": (114.150, 22.282), "EST": (114.222, 22.281), "ILD": (113.945, 22.262), "KC": (114.120, 22.350),
    "KLC": (114.187, 22.323), "KT": (114.226, 22.314), "NTH": (114.148, 22.510), "SK": (114.270, 22.385),
    "SSP": (114.158, 22.334), "ST": (114.197, 22.385), "STH": (114.176, 22.247), "TM": (113.963, 22.395),
    "TP": (114.176, 22.454), "TW": (114.098, 22.378), "WC": (114.180, 22.272), "WTS": (114.198, 22.344),
    "YL": (114.040, 22.448), "YTM": (114.169, 22.307),
}  # fmt: skip
"""Longitude and latitude (WGS 84) near the middle of each district's land."""

_TABLE = """
CW|Central|中環|Queen's Road Central|皇后大道中|114.156|22.283
CW|Sheung Wan|上環|Des Voeux Road Central|德輔道中|114.151|22.286
CW|Sai Ying Pun|西營盤|Third Street|第三街|114.142|22.285
CW|Kennedy Town|堅尼地城|Belcher's Street|卑路乍街|114.128|22.282
CW|Mid-Levels|半山區|Robinson Road|羅便臣道|114.148|22.280
CW|The Peak|山頂|Lugard Road|盧吉道|114.146|22.275
STH|Pok Fu Lam|薄扶林|Pok Fu Lam Road|薄扶林道|114.136|22.261
WC|Wan Chai|灣仔|Hennessy Road|軒尼詩道|114.174|22.278
WC|Wan Chai|灣仔|Queen's Road East|皇后大道東|114.172|22.275
WC|Causeway Bay|銅鑼灣|Leighton Road|禮頓道|114.184|22.278
WC|Tai Hang|大坑|Tai Hang Road|大坑道|114.192|22.275
WC|Happy Valley|跑馬地|Blue Pool Road|藍塘道|114.185|22.266
WC|Stubbs Road|司徒拔道|Stubbs Road|司徒拔道|114.178|22.268
EST|North Point|北角|King's Road|英皇道|114.199|22.290
EST|Quarry Bay|鰂魚涌|Java Road|渣華道|114.203|22.291
EST|Tai Koo Shing|太古城|Taikoo Shing Road|太古城道|114.217|22.286
EST|Shau Kei Wan|筲箕灣|Shau Kei Wan Road|筲箕灣道|114.226|22.280
EST|Chai Wan|柴灣|Chai Wan Road|柴灣道|114.236|22.265
EST|Siu Sai Wan|小西灣|Siu Sai Wan Road|小西灣道|114.249|22.264
STH|Aberdeen|香港仔|Aberdeen Main Road|香港仔大道|114.155|22.250
STH|Ap Lei Chau|鴨脷洲|Ap Lei Chau Bridge Road|鴨脷洲橋道|114.157|22.243
STH|Wong Chuk Hang|黃竹坑|Wong Chuk Hang Road|黃竹坑道|114.171|22.248
STH|Repulse Bay|淺水灣|Repulse Bay Road|淺水灣道|114.194|22.240
STH|Stanley|赤柱|Stanley Village Road|赤柱村道|114.212|22.220
STH|Shek O|石澳|Shek O Road|石澳道|114.243|22.238
STH|Wah Fu|華富|Wah Fu Road|華富道|114.137|22.251
YTM|Tsim Sha Tsui|尖沙咀|Nathan Road|彌敦道|114.172|22.299
YTM|Jordan|佐敦|Jordan Road|佐敦道|114.171|22.305
YTM|Yau Ma Tei|油麻地|Waterloo Road|窩打老道|114.172|22.314
YTM|Mong Kok|旺角|Argyle Street|亞皆老街|114.171|22.320
YTM|Tai Kok Tsui|大角咀|Tai Kok Tsui Road|大角咀道|114.163|22.321
YTM|West Kowloon|西九龍|Canton Road|廣東道|114.168|22.309
SSP|Sham Shui Po|深水埗|Cheung Sha Wan Road|長沙灣道|114.162|22.331
SSP|Cheung Sha Wan|長沙灣|Castle Peak Road|青山道|114.154|22.337
SSP|Lai Chi Kok|荔枝角|Lai Chi Kok Road|荔枝角道|114.147|22.335
SSP|Shek Kip Mei|石硤尾|Tai Hang Tung Road|大坑東道|114.170|22.333
SSP|Mei Foo|美孚|Mei Lai Road|美荔道|114.139|22.337
KLC|Kowloon City|九龍城|Prince Edward Road West|太子道西|114.188|22.328
KLC|Hung Hom|紅磡|Ma Tau Wai Road|馬頭圍道|114.187|22.309
KLC|To Kwa Wan|土瓜灣|To Kwa Wan Road|土瓜灣道|114.190|22.316
KLC|Ho Man Tin|何文田|Fat Kwong Street|佛光街|114.181|22.314
KLC|Kowloon Tong|九龍塘|Cornwall Street|歌和老街|114.178|22.335
KLC|Kai Tak|啟德|Concorde Road|協調道|114.199|22.331
WTS|Wong Tai Sin|黃大仙|Lung Cheung Road|龍翔道|114.194|22.342
WTS|Diamond Hill|鑽石山|Choi Hung Road|彩虹道|114.199|22.337
WTS|Tsz Wan Shan|慈雲山|Tsz Wan Shan Road|慈雲山道|114.200|22.349
WTS|San Po Kong|新蒲崗|Tai Yau Street|大有街|114.197|22.336
WTS|Lok Fu|樂富|Junction Road|聯合道|114.187|22.337
KT|Kwun Tong|觀塘|Kwun Tong Road|觀塘道|114.224|22.313
KT|Ngau Tau Kok|牛頭角|Ngau Tau Kok Road|牛頭角道|114.219|22.316
KT|Kowloon Bay|九龍灣|Wang Chiu Road|宏照道|114.208|22.324
KT|Lam Tin|藍田|Kai Tin Road|啟田道|114.239|22.308
KT|Yau Tong|油塘|Cha Kwo Ling Road|茶果嶺道|114.237|22.297
KT|Sau Mau Ping|秀茂坪|Sau Mau Ping Road|秀茂坪道|114.232|22.320
KC|Kwai Chung|葵涌|Kwai Chung Road|葵涌道|114.129|22.356
KC|Kwai Fong|葵芳|Hing Fong Road|興芳路|114.127|22.358
KC|Kwai Hing|葵興|Tai Wo Hau Road|大窩口道|114.131|22.364
KC|Wo Yi Hop|和宜合|Cheung Wing Road|昌榮路|114.135|22.370
KC|Tsing Yi|青衣|Tsing King Road|青敬路|114.106|22.358
KC|Tsing Yi|青衣|Fung Shue Wo Road|楓樹窩路|114.101|22.353
TW|Tsuen Wan|荃灣|Sha Tsui Road|沙咀道|114.116|22.370
TW|Tsuen Wan|荃灣|Castle Peak Road - Tsuen Wan|青山公路－荃灣段|114.114|22.373
TW|Chai Wan Kok|柴灣角|Hoi Hing Road|海興路|114.107|22.374
TW|Sham Tseng|深井|Castle Peak Road - Sham Tseng|青山公路－深井段|114.060|22.369
TW|Lo Wai|老圍|Lo Wai Road|老圍路|114.121|22.379
TM|Tuen Mun|屯門|Tuen Mun Heung Sze Wui Road|屯門鄉事會路|113.977|22.392
TM|San Hui|新墟|Castle Peak Road - San Hui|青山公路－新墟段|113.977|22.397
TM|Tai Hing|大興|Tai Hing Street|大興街|113.971|22.405
TM|So Kwun Wat|掃管笏|So Kwun Wat Road|掃管笏路|114.003|22.376
TM|Lam Tei|藍地|Castle Peak Road - Lam Tei|青山公路－藍地段|113.982|22.421
TM|Lung Kwu Tan|龍鼓灘|Lung Kwu Tan Road|龍鼓灘路|113.925|22.399
YL|Yuen Long|元朗|Castle Peak Road - Yuen Long|青山公路－元朗段|114.030|22.444
YL|Tin Shui Wai|天水圍|Tin Shui Road|天瑞路|114.003|22.459
YL|Kam Tin|錦田|Kam Tin Road|錦田公路|114.062|22.438
YL|Pat Heung|八鄉|Fan Kam Road|粉錦公路|114.105|22.441
YL|San Tin|新田|Castle Peak Road - San Tin|青山公路－新田段|114.078|22.494
YL|Lau Fau Shan|流浮山|Lau Fau Shan Road|流浮山道|113.988|22.466
YL|Hung Shui Kiu|洪水橋|Tin Ha Road|田廈路|113.993|22.434
NTH|Sheung Shui|上水|San Fung Avenue|新豐路|114.128|22.502
NTH|Fanling|粉嶺|Jockey Club Road|馬會道|114.139|22.497
NTH|Luen Wo Hui|聯和墟|Sha Tau Kok Road - Lung Yeuk Tau|沙頭角公路－龍躍頭段|114.146|22.499
NTH|Ta Kwu Ling|打鼓嶺|Ping Che Road|坪輋路|114.164|22.527
NTH|Wo Hang|禾坑|Sha Tau Kok Road - Wo Hang|沙頭角公路－禾坑段|114.190|22.527
NTH|Kwu Tung|古洞|Ho Sheung Heung Road|河上鄉路|114.111|22.510
TP|Tai Po Market|大埔墟|Kwong Fuk Road|廣福道|114.166|22.447
TP|Tai Po|大埔|Ting Kok Road|汀角路|114.178|22.454
TP|Lam Tsuen|林村|Lam Kam Road|林錦公路|114.146|22.453
TP|Tai Po Kau|大埔滘|Tai Po Road - Tai Po Kau|大埔公路－大埔滘段|114.182|22.431
TP|Tai Mei Tuk|大美督|Tai Mei Tuk Road|大美督路|114.235|22.474
TP|Hong Lok Yuen|康樂園|Hong Lok Road Central|康樂中路|114.152|22.462
ST|Sha Tin|沙田|Sha Tin Centre Street|沙田正街|114.188|22.382
ST|Tai Wai|大圍|Tai Po Road - Tai Wai|大埔公路－大圍段|114.176|22.375
ST|Fo Tan|火炭|Fo Tan Road|火炭路|114.194|22.396
ST|Ma On Shan|馬鞍山|Sai Sha Road|西沙路|114.231|22.425
ST|Siu Lek Yuen|小瀝源|Siu Lek Yuen Road|小瀝源路|114.207|22.384
ST|Shek Mun|石門|On Lai Street|安麗街|114.209|22.389
SK|Sai Kung|西貢|Po Tung Road|普通道|114.269|22.381
SK|Tseung Kwan O|將軍澳|Po Lam Road North|寶琳北路|114.256|22.323
SK|Hang Hau|坑口|Po Ning Road|寶寧路|114.265|22.317
SK|Tseng Lan Shue|井欄樹|Clear Water Bay Road|清水灣道|114.243|22.341
SK|Pak Tam Chung|北潭涌|Tai Mong Tsai Road|大網仔路|114.318|22.398
SK|Tiu Keng Leng|調景嶺|Chui Ling Road|翠嶺路|114.254|22.306
ILD|Tung Chung|東涌|Tat Tung Road|達東路|113.941|22.289
ILD|Mui Wo|梅窩|Mui Wo Ferry Pier Road|梅窩碼頭路|113.996|22.265
ILD|Tai O|大澳|Tai O Road|大澳道|113.866|22.252
ILD|Cheung Chau|長洲|Cheung Chau Church Road|長洲教堂路|114.029|22.206
ILD|Discovery Bay|愉景灣|Discovery Bay Road|愉景灣道|114.014|22.299
ILD|Pui O|貝澳|South Lantau Road|嶼南道|113.976|22.243
ILD|Chek Lap Kok|赤鱲角|Airport Road|機場路|113.935|22.314
ILD|Yung Shue Wan|榕樹灣|Yung Shue Long Old Village Road|榕樹塱舊村路|114.113|22.229
"""


def _place(line: str) -> Place:
    district, area_en, area_zh, street_en, street_zh, lon, lat = line.split("|")
    return Place(district, area_en, area_zh, street_en, street_zh, float(lon), float(lat))


PLACES: tuple[Place, ...] = tuple(_place(line) for line in _TABLE.strip().splitlines())
