"""What departments write in the exercise: progress and requests, in both languages. General, and of no real event."""

from __future__ import annotations

PROGRESS: dict[str, tuple[tuple[str, str], ...]] = {
    "responding": (
        ("Team at the scene; work has begun.", "人員已到場，展開處理。"),
        ("Contractor on site, clearing under way.", "承辦商已到場，正在清理。"),
        ("Area cordoned off, inspection in progress.", "現場已圍封，正在視察。"),
    ),
    "slipped": (
        ("Work is taking longer; new estimate given.", "工程需時較長，已更新預計完成時間。"),
        ("Heavy plant delayed by closed roads.", "道路封閉，重型機械延誤到場。"),
        ("Work paused for the safety of staff in strong gusts.", "陣風強勁，為人員安全暫停工作。"),
        ("More damage found than reported; more staff called.", "損毀較報告嚴重，已增派人手。"),
    ),
    "controlled": (
        ("Immediate danger removed; clearing goes on.", "即時危險已消除，繼續清理。"),
        ("Site made safe; repair to follow.", "現場已處理至安全狀態，隨後維修。"),
    ),
    "completed": (
        ("Work completed, area reopened.", "工作完成，現場重開。"),
        ("Cleared; nothing further needed.", "已清理，無須跟進。"),
        ("Repair completed and checked.", "維修完成並已檢查。"),
    ),
    "cancelled": (
        ("Nothing found at the place reported.", "於報告地點並無發現。"),
        ("Same as another report; closed here.", "與另一報告相同，在此結案。"),
    ),
    "reopened": (("Trouble has come back; team returns.", "問題再次出現，人員重返現場。"),),
}
"""Sentences by occasion."""

REQUESTS: dict[str, tuple[tuple[str, str], ...]] = {
    "ask": (
        ("Please send a team to close the road while we clear it.", "清理期間請派員封路。"),
        ("Please confirm whether the slope is stable.", "請確認斜坡是否穩定。"),
        ("Please lend a pump and a crew.", "請借調水泵及人員。"),
        ("Please give an estimate of completion.", "請提供預計完成時間。"),
    ),
    "assign": (
        ("Please take up this case as it is on your road.", "事故位於貴署道路，請跟進。"),
        ("Please inspect and report back.", "請視察及回報。"),
    ),
    "hand_over": (
        ("Please take over; the tree is on land that you maintain.", "樹木位於貴署管理的土地，請接手。"),
        ("Immediate danger removed; the rest is for you.", "即時危險已消除，其餘工作請接手。"),
    ),
    "inform": (
        ("For your information: the road stays closed until morning.", "知會：道路封閉至早上。"),
        ("For your information: residents were moved to a shelter.", "知會：居民已遷往庇護中心。"),
    ),
}
"""Sentences by the kind of a request."""

ANSWERS = (
    "Done / 已完成",
    "Team on the way / 人員正前往",
    "Agreed / 同意",
    "Not ours; see Lands Department / 非本署負責，請聯絡地政總署",
)
ROLES = ("duty officer", "control room", "shift engineer")
