"""What can happen in the exercise: scenes of each category with weight, owner and texts in both languages.

After the owner and `@` stand the districts that the scene is bound to (HK Electric serves the Island, a
vessel needs the sea). A line that begins with `!` happens in storms only. `{street}` and `{area}` are filled from
places.PLACES. The texts are general and claim nothing of a real event.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scene:
    """One kind of incident: its weight, owner, texts, districts (none: everywhere), and whether it needs a storm."""

    category: str
    weight: float
    department: str
    participants: tuple[str, ...]
    title_en: str
    title_zh: str
    description_en: str
    description_zh: str
    districts: tuple[str, ...] = ()
    storm_only: bool = False


_TABLE = """
fallen_tree|70|LCSD|HKPF|Fallen tree at {street}, {area}|{area}{street}樹木倒塌|A roadside tree has fallen across the footpath.|路旁樹木倒塌，阻塞行人路。
fallen_tree|70|HyD|TD,HKPF|Fallen tree blocks {street}, {area}|{area}{street}塌樹阻路|A tree from the roadside slope blocks one lane.|路旁斜坡樹木倒塌，阻塞一條行車線。
fallen_tree|25|HD||Fallen tree in housing estate near {street}, {area}|{area}{street}附近屋邨塌樹|A tree has fallen in the estate's garden.|屋邨花園內有樹木倒塌。
fallen_tree|20|AFCD@ILD,NTH,SK,ST,STH,TM,TP,TW,YL||Fallen tree in country park near {area}|{area}附近郊野公園塌樹|A tree lies across the trail; hikers are asked to keep away.|樹木橫亙山徑，遠足人士請勿前往。
fallen_tree|15|LandsD||Fallen tree on government land near {street}, {area}|{area}{street}附近政府土地塌樹|A tree on unallocated government land has fallen.|未撥用政府土地上有樹木倒塌。
flood|45|DSD|HKPF|Flooding at {street}, {area}|{area}{street}水浸|Water covers the carriageway to about 0.3 m.|行車道積水約0.3米。
!flood|25|DSD@CW,EST,ILD,KT,SK,STH,TM,TP,YL,YTM|FSD,HAD|Seawater overtopping near {street}, {area}|{area}{street}附近海水倒灌|Seawater comes over the sea wall; low-lying premises are affected.|海水越過海堤，低窪處所受影響。
flood|12|HD|DSD|Flooding in housing estate near {street}, {area}|{area}{street}附近屋邨水浸|Water has entered the ground floor lobby.|地下大堂入水。
landslide|22|CEDD|HyD,FSD|Landslide at {street}, {area}|{area}{street}山泥傾瀉|Debris from a slope has come down; an engineer is on the way.|斜坡泥石瀉下，工程師正前往視察。
landslide|14|HyD|CEDD,TD|Landslide debris on {street}, {area}|{area}{street}山泥阻路|Soil and rock cover part of the carriageway.|泥石覆蓋部分行車道。
landslide|8|LandsD|CEDD|Slope failure near {street}, {area}|{area}{street}附近斜坡崩塌|A slope on government land shows distress.|政府土地上的斜坡出現損壞跡象。
landslide|5|ArchSD|CEDD|Washout of slope near {street}, {area}|{area}{street}附近斜坡沖刷|Surface water has eroded a slope beside a government building.|地面水沖刷政府建築物旁的斜坡。
road|35|TD|HKPF|Traffic accident at {street}, {area}|{area}{street}交通意外|Police and an ambulance are at the scene.|警員及救護員正在場處理。
road|20|HKPF|TD|Road closed by police: {street}, {area}|{area}{street}封路|The road is closed for safety.|道路因安全理由封閉。
road|25|HyD|TD|Damaged railing and debris on {street}, {area}|{area}{street}欄杆損壞及雜物阻路|Debris lies on the carriageway and a railing is bent.|行車道有雜物，欄杆彎曲。
road|12|EMSD|TD|Traffic lights out at {street}, {area}|{area}{street}交通燈失靈|The traffic signals at a junction do not work.|路口交通燈失靈。
dangerous_object|30|BD|HKPF,FSD|Loose scaffolding at {street}, {area}|{area}{street}棚架鬆脫|Bamboo scaffolding on an outer wall is loose.|外牆竹棚鬆脫。
dangerous_object|22|BD|HKPF|Signboard in danger of falling at {street}, {area}|{area}{street}招牌危危欲墮|A signboard hangs loose above the pavement.|招牌鬆脫，懸於行人路上。
dangerous_object|18|HKPF|FSD|Fallen object at {street}, {area}|{area}{street}墮下物件|Glass has fallen on the pavement.|玻璃墮下行人路。
!dangerous_object|10|FEHD||Large refuse blown onto {street}, {area}|{area}{street}大型垃圾被吹散|Large objects are blown about.|大型雜物被強風吹散。
building|16|BD|FSD|Window fallen from building at {street}, {area}|{area}{street}大廈窗戶墮下|A window has come off an upper floor.|高層單位窗戶鬆脫墮下。
building|10|BD|HAD|Canopy damaged at {street}, {area}|{area}{street}簷篷損壞|A canopy is damaged and fenced off.|簷篷損壞，已圍封。
!building|8|HD||Water seepage in public housing near {street}, {area}|{area}{street}附近公屋滲水|Rain comes in through windows of several flats.|多個單位窗戶入水。
building|6|HB-ICU|HD|Loose cladding on building near {street}, {area}|{area}{street}附近樓宇飾面鬆脫|Cladding on an outer wall is loose.|外牆飾面鬆脫。
!building|6|ArchSD||Roof damage at government building near {street}, {area}|{area}{street}附近政府建築物屋頂損壞|Part of the roof covering has come off.|部分屋頂覆蓋物脫落。
water_supply|14|WSD|TD|Burst water main at {street}, {area}|{area}{street}水管爆裂|A main has burst; water wagons are sent.|水管爆裂，已派出水車。
water_supply|8|WSD||Fresh water suspended near {street}, {area}|{area}{street}附近食水暫停供應|Supply is suspended for emergency repair.|因緊急維修暫停供水。
rescue|14|FSD|HKPF|Persons trapped in vehicle at {street}, {area}|{area}{street}有人被困車內|Firemen are at work.|消防員正進行拯救。
!rescue|8|FSD|HA|Person stranded by flood near {street}, {area}|{area}{street}附近有人被洪水圍困|A rescue team is on the way.|拯救隊正前往。
!rescue|5|HKPF@CW,EST,ILD,KC,SK,STH,TM,TP,TW,WC,YTM|FSD,MD|Persons at the waterfront near {street}, {area}|{area}{street}附近海旁有人逗留|People are told to leave the waterfront.|呼籲市民離開海旁。
other|8|CLP@KC,KLC,KT,NTH,SK,SSP,ST,TM,TP,TW,WTS,YL,YTM|EMSD|Power interruption near {street}, {area}|{area}{street}附近停電|Crews look for the fault.|搶修人員正查找故障。
other|5|HKE@CW,EST,STH,WC|EMSD|Voltage dip near {street}, {area}|{area}{street}附近電壓驟降|Lifts in several buildings have stopped.|多幢大廈升降機停頓。
other|4|Towngas@CW,EST,KC,KLC,KT,SSP,ST,TW,WC,WTS,YTM|EMSD,FSD|Smell of gas near {street}, {area}|{area}{street}附近有氣體氣味|A technician is on the way.|技術人員正前往。
!other|6|HAD|SWD|Temporary shelter opened near {area}|{area}附近開放臨時庇護中心|The shelter is open to those in need.|臨時庇護中心已開放。
!other|4|SWD|HAD|Relief goods needed near {area}|{area}附近需要援助物資|Blankets and meals are asked for.|需要毛氈及膳食。
!other|4|EDB||School premises damaged near {street}, {area}|{area}{street}附近校舍損壞|Windows of a school are broken.|學校窗戶破損。
!other|3|HA||Hospital entrance flooded near {area}|{area}附近醫院入口積水|Patients use another entrance.|病人須改用另一入口。
!other|3|EPD@EST,ILD,SK,STH,TM,TP||Refuse washed ashore near {area}|{area}附近岸邊垃圾堆積|Refuse collects on the shore.|岸邊積聚垃圾。
!other|3|MD@CW,EST,ILD,KC,SK,STH,TM,TP,WC,YTM|HKPF|Vessel adrift off {area}|{area}對開船隻漂浮|A barge has broken its moorings.|躉船斷纜漂浮。
!other|3|HKO||Automatic station silent near {area}|{area}附近自動氣象站沒有數據|The station sends no data.|氣象站沒有傳送數據。
!other|2|PlanD||Office closed near {area}|{area}附近辦事處關閉|The counter stays closed today.|櫃位今日關閉。
other|2|ImmD@NTH,YL||Long queues at control point, {area}|{area}管制站人龍|Passengers wait long.|旅客輪候需時。
!other|2|ISD||Press enquiry on conditions in {area}|{area}情況傳媒查詢|A statement is being prepared.|正準備回應。
other|2|SB-EMSC|HKPF,FSD|Coordination case: {area}|{area}協調個案|Several departments work together here.|多個部門在此協同工作。
other|3|MTR@CW,EST,KC,KLC,KT,NTH,SSP,ST,TP,TW,WC,WTS,YTM|TD|Train service slowed near {area}|{area}附近列車服務減慢|An object lies on the track.|路軌上有異物。
!other|2|AAHK@ILD||Stranded passengers, {area}|{area}旅客滯留|Passengers wait in the hall.|旅客在大堂等候。
!other|3|KMB|TD|Bus service suspended near {area}|{area}附近巴士服務暫停|Routes are suspended for safety.|路線因安全理由暫停。
other|3|CTB|TD|Bus diverted from {street}, {area}|{area}{street}巴士改道|Routes are diverted.|路線改道行駛。
other|2|NLB@ILD|TD|Bus stop out of use, {area}|{area}巴士站停用|A stop is closed.|巴士站暫停使用。
"""  # noqa: E501 - a table with one scene a line reads best


def _scene(line: str) -> Scene:
    category, weight, owner, others, title_en, title_zh, description_en, description_zh = line.split("|")
    department, _, districts = owner.partition("@")
    return Scene(
        category.lstrip("!"), float(weight), department, _listed(others),
        title_en, title_zh, description_en, description_zh, _listed(districts), category.startswith("!"),
    )  # fmt: skip


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


SCENES: tuple[Scene, ...] = tuple(_scene(line) for line in _TABLE.strip().splitlines())
