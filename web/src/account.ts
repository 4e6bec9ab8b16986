/** Signing in: in an exercise by one click as any role of any department, else by key or token; who I am; signing out. */

import { byId, el, say } from "./dom";
import { form, labelled, whyNot } from "./form";
import { modeName } from "./filters";
import { pick, t } from "./i18n";
import { enter, heardSession, NotSignedIn, session, signIn, signOut, countsIn, type Entry, type Session } from "./session";
import { closeSheet, openSheet } from "./sheet";
import type { TextKey } from "./texts";
import type { Mode } from "./view";

const ROLE_TEXT: Readonly<Record<string, TextKey>> = {
  press: "rolePress",
  partner: "rolePartner",
  viewer: "roleViewer",
  reporter: "roleReporter",
  administrator: "roleAdministrator",
  emsc: "roleEmsc",
};
const FIRST_ROLE = "reporter";

function roleName(role: string): string {
  const key = ROLE_TEXT[role];
  return key === undefined ? role : t(key);
}

function nameOf({ role, department }: Session): string {
  return [department, roleName(role)].filter((part) => part !== "").join(t("listSeparator"));
}

/** Write who reads the page, and whether that counts for the records shown. */
export function writeAccount(mode: Mode | null): void {
  const who = session();
  const button = byId("account", HTMLButtonElement);
  say(button, who.known ? nameOf(who) : t("signIn"));
  button.title = who.known ? t("signedInAs", { name: nameOf(who) }) : t("signInWhy");
  const bound = who.known && !countsIn(mode) && who.onlyMode !== null;
  say(byId("account-notice", HTMLDivElement), bound ? t("onlyInMode", { mode: modeName(who.onlyMode) }) : "");
}

function whyNotIn(error: unknown): string {
  if (!(error instanceof NotSignedIn)) return whyNot(error);
  return [t(error.status === 401 ? "notRecognised" : "notSignedIn"), error.detail].filter((words) => words !== "").join(t("colon"));
}

/** Run a step of signing in or out; the sheet closes when it is done. */
async function done(step: Promise<Session>, onChange: (now: Session) => void, trouble: HTMLElement): Promise<void> {
  try {
    const now = await step;
    closeSheet();
    onChange(now);
  } catch (error) {
    say(trouble, whyNotIn(error));
  }
}

function entryForm(entry: Entry, onChange: (now: Session) => void, trouble: HTMLElement): HTMLElement {
  const select = el("select", {}, ...entry.roles.map(({ role }) => el("option", { value: role }, roleName(role))));
  select.value = FIRST_ROLE;
  const list = el("div", { class: "entry-list", role: "group", "aria-label": t("department") });
  const go = (department: string | null): void => void done(enter(select.value, department), onChange, trouble);
  const write = (): void => {
    const ofDepartment = entry.roles.find(({ role }) => role === select.value)?.ofDepartment === true;
    const offered = ofDepartment ? entry.departments.map(({ code, title }) => ({ code, name: pick(title) })) : [{ code: null, name: roleName(select.value) }];
    list.replaceChildren(
      ...offered.map(({ code, name }) => {
        const label = code === null ? [t("enterAs", { name })] : [el("strong", {}, code), " ", el("span", {}, name)];
        const button = el("button", { type: "button", class: "entry-button", "data-department": code ?? "" }, ...label);
        button.addEventListener("click", () => go(code));
        return button;
      }),
    );
  };
  select.addEventListener("change", write);
  write();
  return el("section", {}, el("p", { class: "note" }, t("entryWords")), labelled(t("role"), select, "role"), list);
}

function keyForm(onChange: (now: Session) => void): HTMLElement {
  const input = el("input", { type: "password", autocomplete: "off", spellcheck: "false", required: "" });
  const trouble = el("p", { class: "form-trouble", role: "alert", hidden: "" });
  const made = form([labelled(t("keyOrToken"), input, "key")], t("signIn"), () => done(signIn(input.value.trim()), onChange, trouble));
  made.append(trouble);
  return made;
}

function signInSheet(onChange: (now: Session) => void): void {
  const { entry } = session();
  const trouble = el("p", { class: "form-trouble", role: "alert", hidden: "" });
  const byKey = keyForm(onChange);
  const parts = entry === null ? [byKey] : [entryForm(entry, onChange, trouble), trouble, el("details", {}, el("summary", {}, t("withKey")), byKey)];
  openSheet(t("signIn"), [el("p", { class: "note" }, t("signInWhy")), ...parts]);
}

function whoSheet(onChange: (now: Session) => void): void {
  const who = session();
  const trouble = el("p", { class: "form-trouble", role: "alert", hidden: "" });
  const out = el("button", { type: "button", class: "primary", id: "sign-out" }, t("signOut"));
  out.addEventListener("click", () => void done(signOut(), onChange, trouble));
  const other = who.entry === null ? null : el("button", { type: "button", id: "change-role" }, t("otherRole"));
  other?.addEventListener("click", () => signInSheet(onChange));
  openSheet(t("signedInAs", { name: nameOf(who) }), [
    who.onlyMode === null ? null : el("p", { class: "note" }, t("onlyInMode", { mode: modeName(who.onlyMode) })),
    trouble,
    el("div", { class: "form-foot" }, other, out),
  ]);
}

/** Open what the header's button is for. `onChange` is told who reads the page from then on. */
export async function openAccount(onChange: (now: Session) => void): Promise<void> {
  if ((await heardSession()).known) whoSheet(onChange);
  else signInSheet(onChange);
}
