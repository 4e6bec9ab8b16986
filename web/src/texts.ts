/** Every word of the page, in English and Traditional Chinese. */

import type { Bilingual } from "./i18n";

const texts = {
  skipToList: { en: "Skip to the list of incidents", zh: "跳至事故列表" },
  title: { en: "Common Operational Picture", zh: "聯合運作平台" },
  hongKongTime: { en: "{time} HKT", zh: "{time}（香港時間）" },
  justNow: { en: "just now", zh: "剛才" },
  minutesAgo: { en: "{n} min ago", zh: "{n} 分鐘前" },
  hoursAgo: { en: "{n} h ago", zh: "{n} 小時前" },

  mode: { en: "Records", zh: "記錄" },
  modeActual: { en: "Actual", zh: "真實" },
  modeExercise: { en: "Exercise", zh: "演習" },
  modeTest: { en: "Test", zh: "測試" },
  language: { en: "中文", zh: "English" },
  switchLanguage: { en: "改用中文", zh: "Switch to English" },
  darkMap: { en: "Dark map", zh: "深色地圖" },
  lightMap: { en: "Light map", zh: "淺色地圖" },

  incidents: { en: "Incidents", zh: "事故" },
  latestIncidents: { en: "Latest incidents", zh: "最新事故" },
  filters: { en: "Which incidents", zh: "篩選事故" },
  onlyMajor: { en: "Major only", zh: "只看重大個案" },
  onlyActive: { en: "Active only", zh: "只看處理中個案" },
  fold: { en: "Fold the list", zh: "收起列表" },
  unfold: { en: "Show the list", zh: "展開列表" },
  loading: { en: "Loading…", zh: "載入中……" },
  countOne: { en: "{n} incident", zh: "{n} 宗事故" },
  countMany: { en: "{n} incidents", zh: "{n} 宗事故" },
  countUnknown: { en: "Number not known", zh: "數目不詳" },
  wordsMode: { en: "{mode} records", zh: "{mode}記錄" },
  wordsAll: { en: "active and completed", zh: "包括處理中及已完成" },
  wordsActive: {
    en: "active only (reported, confirmed, responding or controlled)",
    zh: "只計處理中(已報告、已確認、處理中或已受控)",
  },
  wordsMajor: { en: "major cases only", zh: "只計重大個案" },
  wordsLeftOut: { en: "cancelled and repeated ones left out", zh: "不計已取消及重複者" },
  wordsListed: { en: "The {n} reported last are listed.", zh: "下列為最近報告的 {n} 宗。" },
  wordsNotOnMap: {
    en: "Not on the map, as no position is known: {n}.",
    zh: "其中 {n} 宗位置不詳，不在地圖上。",
  },
  wordsSeparator: { en: "; ", zh: "；" },
  wordsEnd: { en: ". ", zh: "。" },
  caveat: { en: "Caveat: {text}", zh: "注意：{text}" },
  noIncidents: {
    en: "The server answered: there is no incident of this kind.",
    zh: "伺服器回覆：沒有符合條件的事故。",
  },
  notOnMap: { en: "not on the map", zh: "不在地圖上" },
  notOnMapWhy: { en: "Not on the map: no position is known yet.", zh: "不在地圖上：位置暫時不詳。" },
  major: { en: "Major", zh: "重大" },
  overdue: { en: "Overdue", zh: "逾期" },
  untitled: { en: "(no title)", zh: "(沒有標題)" },

  layersAndLegend: { en: "Layers and legend", zh: "圖層及圖例" },
  legendIncidents: { en: "Incidents", zh: "事故" },
  legendActive: { en: "Active: filled circle", zh: "處理中：實心圓" },
  legendMajor: { en: "Major and active: red diamond", zh: "重大而處理中：紅色菱形" },
  legendDone: { en: "Completed: hollow ring", zh: "已完成：空心圓" },
  legendDots: {
    en: "Where marks would cover each other, small dots are incidents too, and several on one spot share a dot. Zoom in, or click for all of them.",
    zh: "標記重疊之處以小點表示，同樣是事故；同一位置者共用一點。放大或點選可逐一查看。",
  },
  standIn: { en: "exercise stand-in, not real data", zh: "演習替代資料，並非真實" },
  inBasemap: { en: "drawn in the basemap", zh: "已繪於底圖" },
  layersUnknown: { en: "The list of layers could not be read.", zh: "未能讀取圖層清單。" },
  attributionData: { en: "Data: {names}", zh: "資料：{names}" },
  attributionMap: { en: "Map drawn by MapLibre", zh: "地圖以 MapLibre 繪製" },

  close: { en: "Close", zh: "關閉" },
  details: { en: "Details", zh: "詳情" },
  fullRecord: { en: "Full record", zh: "完整記錄" },
  severalHere: { en: "{n} incidents here", zh: "此處有 {n} 宗事故" },
  moreHere: { en: "and {n} more: zoom in, or use the list", zh: "另有 {n} 宗：請放大地圖或使用列表" },
  detailsFailed: { en: "The details could not be read: {reason}", zh: "未能讀取詳情：{reason}" },
  asOf: { en: "as of {time}", zh: "截至 {time}" },
  notGiven: { en: "not given", zh: "未有提供" },
  notKnown: { en: "not known", zh: "不詳" },
  yes: { en: "Yes", zh: "是" },
  no: { en: "No", zh: "否" },
  incidentNumber: { en: "Incident number", zh: "事故編號" },
  place: { en: "Place", zh: "地點" },
  position: { en: "Position", zh: "位置" },
  within: { en: "{method}, within {n} m", zh: "{method}，誤差 {n} 米" },
  source: { en: "Source", zh: "來源" },
  verification: { en: "Verification", zh: "核實狀況" },

  zoomIn: { en: "Zoom in", zh: "放大" },
  zoomOut: { en: "Zoom out", zh: "縮小" },
  north: { en: "Turn north up", zh: "轉回正北" },
  home: { en: "All of Hong Kong", zh: "返回全港" },
  map: {
    en: "Map of incidents. Arrow keys move it, plus and minus zoom.",
    zh: "事故地圖。方向鍵移動，加減號縮放。",
  },
  noWebgl: {
    en: "This browser cannot draw the map (WebGL 2 is not available). The list of incidents still works.",
    zh: "此瀏覽器未能繪製地圖(沒有 WebGL 2)。事故列表仍可使用。",
  },
  tilesFailed: {
    en: "Parts of these could not be loaded, so the map is incomplete: {names}.",
    zh: "以下部分未能載入，地圖並不完整：{names}。",
  },
  basemap: { en: "basemap", zh: "底圖" },
  listSeparator: { en: ", ", zh: "、" },

  updated: { en: "Updated {time}", zh: "更新於 {time}" },
  sequence: { en: "state no. {n}", zh: "狀態編號 {n}" },
  connecting: { en: "Connecting to the server…", zh: "正在連接伺服器……" },
  unreachable: { en: "Cannot reach the server since {since}", zh: "自 {since} 起未能連接伺服器" },
  refused: {
    en: "The server answers with an error ({status}) since {since}",
    zh: "自 {since} 起伺服器回覆錯誤({status})",
  },
  unreadable: {
    en: "The server's answer cannot be read since {since}",
    zh: "自 {since} 起未能讀取伺服器的回覆",
  },
  showsStateOf: {
    en: "; the map shows the state of {time}. Trying again.",
    zh: "；地圖顯示 {time} 的狀態。正在重試。",
  },
  nothingLoaded: { en: "; nothing has been loaded yet. Trying again.", zh: "；尚未載入任何資料。正在重試。" },
  reasonUnreachable: { en: "the server cannot be reached", zh: "未能連接伺服器" },
  reasonRefused: { en: "the server answered with an error ({status})", zh: "伺服器回覆錯誤({status})" },
  reasonUnreadable: { en: "the answer cannot be read", zh: "未能讀取回覆" },
  reasonGone: { en: "the record is not there (any more)", zh: "記錄不存在或已撤回" },
} as const satisfies Record<string, Bilingual>;

export type TextKey = keyof typeof texts;
export const TEXTS: Readonly<Record<TextKey, Bilingual>> = texts;

/** Groups of layers, in the order of the panel. */
export const GROUPS: Readonly<Record<string, Bilingual>> = {
  incident: { en: "Incidents", zh: "事故" },
  weather: { en: "Weather", zh: "天氣" },
  traffic: { en: "Traffic", zh: "交通情況" },
  slopes: { en: "Slopes", zh: "斜坡" },
  drainage: { en: "Drainage", zh: "渠務" },
  "emergency services": { en: "Emergency services", zh: "緊急服務" },
  shelters: { en: "Shelters", zh: "庇護中心" },
  transport: { en: "Transport", zh: "運輸" },
  administration: { en: "Administration", zh: "行政" },
  "terrain and base": { en: "Terrain and base", zh: "地形及底圖" },
};
