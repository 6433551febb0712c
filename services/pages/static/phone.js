// What both of the reporter's pages share: the queue is sent when there is a chance, and what waits is shown.
import { all, flush, keep, remove } from "./queue.js";

const body = document.body;
const texts = JSON.parse(document.querySelector("[data-phone-texts]").textContent);
const owner = body.dataset.owner;
const list = document.querySelector("[data-queue]");
const section = document.querySelector("[data-queue-section]");
const banner = document.querySelector("[data-offline]");
const login = document.querySelector("[data-login]");
const template = document.querySelector("#qcard");
const sending = new Set();
const heard = new Set();
let timer;

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const listen = (hear) => heard.add(hear);
export { owner, texts };

const ZONE = { timeZone: "Europe/Stockholm" };
const day = new Intl.DateTimeFormat("sv-SE", { day: "numeric", month: "short", ...ZONE });
const long = new Intl.DateTimeFormat("sv-SE", { weekday: "long", day: "numeric", month: "long", year: "numeric", ...ZONE });
const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit", ...ZONE });
const oclock = (at) => `kl. ${clock.format(at).replace(":", ".")}`;
const moment = (at) => `${day.format(at).replace(".", "")} ${oclock(at)}`;
export const today = (at) => `${long.format(at).replace(" den ", " ")} ${oclock(at)}`;

function age(ms) {
  const hours = Math.floor(ms / 3_600_000);
  if (hours < 1) return texts.age_minutes;
  if (hours < 48) return fill(texts.age_hours, { count: hours });
  return fill(texts.age_days, { count: Math.floor(hours / 24) });
}

function card(record) {
  const made = template.content.cloneNode(true).firstElementChild;
  const state = record.state === "act" ? "act" : sending.has(record.id) ? "sending" : "waiting";
  made.classList.toggle("act", state === "act");
  made.querySelector("h3").textContent = record.title;
  made.querySelector("[data-when]").textContent = [moment(record.made), record.where, record.photo && texts.one_photo].filter(Boolean).join(" · ");
  for (const chip of made.querySelectorAll("[data-state]")) chip.hidden = chip.dataset.state !== state;
  const why = made.querySelector("[data-why]");
  why.hidden = state !== "act";
  why.textContent = record.error;
  for (const part of made.querySelectorAll("[data-act]")) part.hidden = state !== "act";
  made.querySelector("[data-retry]").addEventListener("click", async () => {
    await keep({ ...record, state: "waiting", next: 0, error: "" });
    attempt(true);
  });
  const bare = made.querySelector("[data-no-photo]");
  bare.hidden = !record.badPhoto;
  bare.addEventListener("click", async () => {
    await keep({ ...record, photo: null, badPhoto: false, state: "waiting", next: 0, error: "" });
    attempt(true);
  });
  made.querySelector("[data-file]").addEventListener("click", () => save(record));
  const gone = made.querySelector("[data-remove]");
  gone.addEventListener("click", async () => {
    if (!confirm(texts.remove_confirm)) return;
    await remove(record.id);
    await show();
    section.focus();
  });
  made.querySelector("[data-correct]")?.addEventListener("click", () => {
    for (const hear of heard) hear("correct", record);
  });
  return made;
}

function save(record) {
  const photo = record.photo && btoa(Array.from(new Uint8Array(record.photo), (byte) => String.fromCharCode(byte)).join(""));
  const link = document.createElement("a");
  link.href = `data:application/json;charset=utf-8,${encodeURIComponent(JSON.stringify({ ...record, photo }, null, 1))}`;
  link.download = `rapport-${record.id}.json`;
  link.click();
}

export async function show() {
  const records = await all();
  const mine = records.filter((record) => record.owner === owner);
  section.hidden = records.length === 0;
  list?.replaceChildren(...mine.map(card));
  const others = document.querySelector("[data-others]");
  if (others) {
    others.hidden = mine.length === records.length;
    others.textContent = fill(texts.others, { count: records.length - mine.length });
  }
  const summary = document.querySelector("[data-waiting]");
  if (summary && mine.length) {
    summary.textContent = mine.length === 1 ? fill(texts.queue_one, { age: age(Date.now() - mine[0].made) }) : fill(texts.queue, { count: mine.length, age: age(Date.now() - mine[0].made) });
  }
  for (const badge of document.querySelectorAll("[data-badge]")) {
    badge.hidden = mine.length === 0;
    badge.firstChild.textContent = mine.length;
  }
  return mine;
}

function tell(event, record, outcome) {
  if (event === "sending") sending.add(record.id);
  else sending.delete(record.id);
  if (outcome) {
    banner.hidden = !outcome.offline;
    login.hidden = !outcome.login;
  }
  for (const hear of heard) hear(event, record, outcome);
  show();
}

export async function attempt(now = false) {
  clearTimeout(timer);
  const wait = await flush(owner, tell, { now });
  await show();
  if (wait) timer = setTimeout(attempt, wait);
}

// Once, after the first report that arrived: on the home screen the browser keeps what waits.
const install = document.querySelector("[data-install]");
if (location.search.includes("framme=") && !localStorage.getItem("rapport.installera") && !matchMedia("(display-mode: standalone)").matches) {
  install.hidden = false;
  localStorage.setItem("rapport.installera", "visad");
}

addEventListener("online", () => {
  banner.hidden = true;
  attempt(true);
});
addEventListener("offline", () => { banner.hidden = false; });
addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") attempt(true); });
banner.hidden = navigator.onLine;
// After the page itself: what the worker fetches for another day must not stand in the way of what is needed now.
const register = () => navigator.serviceWorker?.register("/sw.js").catch(() => {});
if (document.readyState === "complete") register();
else addEventListener("load", register, { once: true });
if ("indexedDB" in globalThis) attempt(true).catch(() => {});
