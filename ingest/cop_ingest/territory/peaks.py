"""True peaks and reservoirs: names in both languages, approximate positions (good to some 200 m), heights.

Facts of general knowledge, written by hand: longitude and latitude (WGS 84, degrees), metres above datum.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peak:
    """A mountain's names, longitude, latitude and height in metres."""

    name_en: str
    name_zh: str
    lon: float
    lat: float
    height: float


@dataclass(frozen=True, slots=True)
class Reservoir:
    """A reservoir's names, the middle of its water, and the radius in metres of a circle of about its area."""

    name_en: str
    name_zh: str
    lon: float
    lat: float
    radius: float


_PEAKS = """
Tai Mo Shan|大帽山|114.124|22.410|957
Sze Fong Shan|四方山|114.133|22.417|785
Lantau Peak|鳳凰山|113.920|22.250|934
Sunset Peak|大東山|113.953|22.257|869
Nei Lak Shan|彌勒山|113.905|22.262|751
Yi Tung Shan|二東山|113.961|22.258|747
Lin Fa Shan (Lantau)|蓮花山|113.974|22.264|766
Por Kai Shan|婆髻山|113.932|22.276|482
Keung Shan|羌山|113.885|22.241|459
Lo Fu Tau|老虎頭|114.002|22.293|465
Tai Che Tung|大輋峒|113.994|22.300|293
Fa Peng Teng|花坪頂|114.020|22.313|273
Lo Yan Shan|老人山|113.935|22.230|303
Shek Pik Au|石壁坳|113.890|22.220|302
Tiu Tang Lung|吊燈籠|114.262|22.517|416
Ma On Shan|馬鞍山|114.243|22.409|702
The Hunch Backs|牛押山|114.238|22.418|677
Pyramid Hill|大金鐘|114.251|22.401|536
Buffalo Hill|水牛山|114.227|22.379|606
West Buffalo Hill|黃牛山|114.219|22.381|604
Shek Nga Shan|石芽山|114.222|22.396|541
Turret Hill|女婆山|114.214|22.399|399
Kowloon Peak|飛鵝山|114.223|22.341|602
Tate's Cairn|大老山|114.217|22.358|577
Tung Shan|東山|114.225|22.350|544
Temple Hill|慈雲山|114.205|22.352|488
Lion Rock|獅子山|114.187|22.353|495
Beacon Hill|筆架山|114.172|22.350|457
Golden Hill|金山|114.144|22.365|369
Needle Hill|針山|114.157|22.392|532
Grassy Hill|草山|114.164|22.408|647
Lead Mine Pass|鉛礦坳|114.153|22.413|410
Smugglers' Ridge|孖指徑|114.146|22.377|337
Lin Fa Shan (Tsuen Wan)|蓮花山|114.084|22.398|578
Shek Lung Kung|石龍拱|114.078|22.381|473
Ha Fa Shan|下花山|114.101|22.386|347
Kwun Yam Shan (Lam Tsuen)|觀音山|114.123|22.432|546
Tai To Yan|大刀屻|114.120|22.466|566
Pak Tai To Yan|北大刀屻|114.126|22.478|480
Kai Kung Leng|雞公嶺|114.080|22.470|585
Lo Tin Teng|羅天頂|114.087|22.469|585
Kau Keng Shan|九逕山|113.995|22.397|507
Tai Lam Shan|大欖山|114.010|22.397|420
Castle Peak|青山|113.951|22.388|583
Tsing Shan Monastery Ridge|青山寺脊|113.955|22.397|430
Yuen Tau Shan|圓頭山|113.948|22.424|375
Leung Tin Au|良田坳|113.950|22.410|300
Wong Leng|黃嶺|114.200|22.483|639
Pat Sin Leng|八仙嶺|114.225|22.486|591
Hsien Ku Fung|仙姑峰|114.233|22.487|511
Cloudy Hill|九龍坑山|114.168|22.483|440
Lung Shan|龍山|114.155|22.486|360
Robin's Nest|紅花嶺|114.190|22.546|492
Wa Shan|華山|114.139|22.518|183
Wu Tip Shan|蝴蝶山|114.128|22.489|230
Ngau Tam Shan|牛潭山|114.090|22.493|337
Ping Fung Shan|屏風山|114.192|22.485|540
Tiu Yue Ridge|橫嶺|114.215|22.500|360
Sharp Peak|蚺蛇尖|114.371|22.437|468
Nam She Tsim Ridge|南蛇坳|114.365|22.428|330
Tai Mun Shan|大蚊山|114.361|22.413|370
Shek Uk Shan|石屋山|114.310|22.430|481
Cheung Shan|嶂上|114.298|22.428|407
Kai Kung Shan|雞公山|114.315|22.417|399
Wa Mei Shan|畫眉山|114.335|22.395|391
Sai Wan Shan|西灣山|114.378|22.395|314
Ngam Tau Shan|巖頭山|114.325|22.455|277
Tai Cham Koi|大枕蓋|114.335|22.379|408
High Junk Peak|釣魚翁|114.290|22.288|344
Miu Tsai Tun|廟仔墩|114.283|22.306|334
Razor Hill|鷓鴣山|114.253|22.335|432
Black Hill|五桂山|114.243|22.311|304
Tai Sheung Tok|大上托|114.236|22.327|419
Devil's Peak|炮台山|114.244|22.295|222
Victoria Peak|太平山|114.144|22.276|552
High West|西高山|114.131|22.273|494
Mount Davis|摩星嶺|114.122|22.278|269
Mount Kellett|奇力山|114.147|22.265|501
Mount Gough|歌賦山|114.151|22.270|479
Mount Cameron|金馬倫山|114.173|22.264|439
Mount Nicholson|聶高信山|114.181|22.263|430
Jardine's Lookout|渣甸山|114.196|22.268|433
Mount Butler|畢拿山|114.204|22.264|436
Violet Hill|紫羅蘭山|114.198|22.252|433
Mount Parker|柏架山|114.214|22.270|532
Siu Ma Shan|小馬山|114.207|22.275|424
Pottinger Peak|砵甸乍山|114.242|22.257|312
Mount Collinson|歌連臣山|114.244|22.248|348
D'Aguilar Peak|鶴咀山|114.250|22.225|325
The Twins|孖崗山|114.204|22.231|386
Ma Kong Shan|馬崗山|114.205|22.225|363
Brick Hill|南朗山|114.174|22.240|284
Yuk Kwai Shan|玉桂山|114.154|22.237|196
Mount Stenhouse|山地塘|114.138|22.188|353
Ling Kok Shan|菱角山|114.128|22.202|250
Sam Chi Heung|三支香|114.101|22.341|334
Tsing Yi Peak|青衣山|114.095|22.345|218
Pak Sha Tso|芝麻灣頂|113.998|22.226|248
Lo Yau Kei|老人山東|113.985|22.232|260
Kau Nga Ling|狗牙嶺|113.918|22.238|539
Tung Wan Shan|東灣山|113.870|22.228|250
Ngau Kwu Long|牛牯塱|113.868|22.240|280
Tap Mun Shan|茅坪山|114.362|22.474|125
Wan Tsai Shan|赤徑頂|114.345|22.422|320
Pak Kung Au|伯公坳|113.938|22.254|420
Po Toi Peak|烏㟨門|114.262|22.167|244
Kwo Chau Peak|北果洲頂|114.298|22.262|160
Tung Lung Chau|東龍洲|114.290|22.250|232
Hei Ling Chau|喜靈洲|114.033|22.250|187
Double Island|往灣洲|114.300|22.518|138
Crooked Island|吉澳|114.296|22.551|122
"""


def _peak(line: str) -> Peak:
    name_en, name_zh, lon, lat, height = line.split("|")
    return Peak(name_en, name_zh, float(lon), float(lat), float(height))


PEAKS: tuple[Peak, ...] = tuple(_peak(line) for line in _PEAKS.strip().splitlines())

RESERVOIRS: tuple[Reservoir, ...] = (
    Reservoir("Plover Cove Reservoir", "船灣淡水湖", 114.255, 22.482, 1700),
    Reservoir("High Island Reservoir", "萬宜水庫", 114.355, 22.372, 900),
    Reservoir("Tai Lam Chung Reservoir", "大欖涌水塘", 114.020, 22.382, 700),
    Reservoir("Shek Pik Reservoir", "石壁水塘", 113.900, 22.236, 500),
    Reservoir("Shing Mun Reservoir", "城門水塘", 114.147, 22.388, 400),
    Reservoir("Tai Tam Tuk Reservoir", "大潭篤水塘", 114.213, 22.244, 380),
    Reservoir("Tai Tam Upper Reservoir", "大潭上水塘", 114.206, 22.256, 150),
    Reservoir("Kowloon Reservoir", "九龍水塘", 114.154, 22.352, 220),
    Reservoir("Lower Shing Mun Reservoir", "下城門水塘", 114.160, 22.377, 250),
    Reservoir("Aberdeen Upper Reservoir", "香港仔上水塘", 114.166, 22.260, 120),
    Reservoir("Pok Fu Lam Reservoir", "薄扶林水塘", 114.138, 22.265, 90),
    Reservoir("Ho Pui Reservoir", "河背水塘", 114.078, 22.412, 120),
)
