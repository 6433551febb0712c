// The report form: kept on the phone first and sent when there is a net; the latest types first, a summary on the send bar.
// Without this file the form is an ordinary one.
import { all, keep } from "./queue.js";
import { attempt, fill, listen, owner, show, texts } from "./phone.js";
import { again, bringBack, field, forget, form, placed, where } from "./place.js";

// Fetched when they are wanted: the page answers to the first tap without them. The phone keeps them with the rest.
let photos;
const withPhotos = () => (photos ??= import("./photo.js"));
form.querySelector("details").addEventListener("toggle", () => { withPhotos().catch(() => { photos = undefined; }); });

// The photo that was taken, small; as it is where that part of the page could not be fetched, since the door makes it small too.
async function taken() {
  const file = form.querySelector("#bild")?.files[0];
  if (!file) return null;
  const part = await withPhotos().catch(() => null);
  return part ? part.taken() : file.arrayBuffer();
}

const RECENT = "rapport.senaste";
const MOST_RECENT = 2;
let begun = performance.now();
let sent = {};
const AT_ONCE = 8000;
const TWICE = 800;

document.querySelector("#fel a")?.focus();

function summarise() {
  const group = form.querySelector('[name="l1"]:checked');
  const kind = group && form.querySelector(`[name="l2_${group.value}"]:checked`);
  const when = form.querySelector('[name="when"]:checked');
  const parts = [kind ?? group, when].filter(Boolean).map((input) => input.parentElement.textContent.trim());
  form.querySelector("[data-summary]").textContent = [...parts, where()].filter(Boolean).join(" · ");
}

form.addEventListener("input", summarise);
form.addEventListener("change", summarise);
placed(summarise);
summarise();

// The types that this phone reported last stand first: one tap.
function recent() {
  const codes = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
  const box = form.querySelector("[data-recent]");
  const tiles = codes.map((code) => form.querySelector(`.sub input[value="${CSS.escape(code)}"]`)).filter(Boolean).map((input) => {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.className = "tile sub";
    tile.textContent = input.parentElement.textContent.trim();
    tile.addEventListener("click", () => {
      form.querySelector(`[name="l1"][value="${input.name.slice(3)}"]`).checked = true;
      input.checked = true;
      summarise();
      document.querySelector(".sendbar button").focus();
    });
    return tile;
  });
  box.querySelector(".tiles").replaceChildren(...tiles);
  box.hidden = tiles.length === 0;
}

function remember(code) {
  const codes = JSON.parse(localStorage.getItem(RECENT) ?? "[]").filter((c) => c !== code);
  localStorage.setItem(RECENT, JSON.stringify([code, ...codes].slice(0, MOST_RECENT)));
}

// What the server would refuse for want of it is asked for here, before it is queued.
function missing() {
  const group = form.querySelector('[name="l1"]:checked')?.value;
  const faults = [];
  if (!group || !form.querySelector(`[name="l2_${group}"]:checked`)) faults.push(["what", texts.error_what]);
  if (!where()) faults.push(["where", texts.error_where]);
  const when = form.querySelector('[name="when"]:checked').value;
  if ((when === "at" && !field("at").value) || (when === "between" && !field("from").value)) faults.push(["when", texts.error_when]);
  return faults;
}

// Words about a person are marked where they are written; what is certain must be changed before it is queued.
async function guarded(input) {
  const look = () => import("./guard.js").then(({ findings }) => findings(input.value));
  const found = input.value ? await look().catch(() => []) : []; // without its rules the phone leaves it to the door
  const lines = found.map(({ code, name, word, sure }) => ({ sure, text: fill(texts.guard.word, { word, what: texts.guard[`${code}_${name}`] }) }));
  const box = form.querySelector(`[data-guard="${input.id}"]`);
  box.replaceChildren(...lines.map(({ sure, text }) => {
    const line = document.createElement("span");
    line.className = sure ? "error-text" : "hint";
    line.textContent = text;
    return line;
  }));
  input.setAttribute("aria-invalid", String(lines.some((line) => line.sure)));
  return lines.filter((line) => line.sure).map((line) => [input.id, line.text]);
}
const written = [form.querySelector("#text"), form.querySelector("#address")].filter(Boolean);
for (const input of written) {
  let asked;
  input.addEventListener("input", () => {
    clearTimeout(asked);
    asked = setTimeout(guarded, 300, input);
  });
}

function complain(faults) {
  const box = document.querySelector("[data-faults]");
  box.hidden = faults.length === 0;
  box.querySelector("[data-fault-list]").replaceChildren(...faults.map(([at, text]) => {
    const line = document.createElement("p");
    const link = document.createElement("a");
    link.href = `#${at}`;
    link.textContent = text;
    line.append(link);
    return line;
  }));
  box.querySelector("a")?.focus();
}

function record(fields, title, where, photo = null) {
  return { id: fields.id, owner, made: Date.now(), fields, title, where, photo, state: "waiting", tries: 0, next: 0, error: "" };
}

// On the phone, or a failure and the form as it was; that it could not be sent now is no failure, and is tried again.
async function queue(made, here) {
  let told = texts.saved;
  try {
    await keep(made);
  } catch (error) {
    const full = error.name === "QuotaExceededError";
    if (!full || !made.photo || !(await keep({ ...made, photo: null }).then(() => true, () => false))) {
      say(full ? texts.storage_full : texts.not_saved);
      return;
    }
    told = texts.storage_full_photo;
  }
  navigator.storage?.persist?.();
  say(here ? texts.saved_again : told);
  sent = here ? {} : { id: made.id, at: performance.now() }; // one more is coming: no receipt takes the form away
  form.reset();
  photos?.then(({ clear }) => clear());
  if (here) stay(here);
  else forget();
  form.querySelector("details").open = false;
  field("id").value = crypto.randomUUID();
  field("submission").value = here ? here.submission : "";
  begun = performance.now();
  recent();
  again();
  summarise();
  attempt(true).catch(() => {});
}

// The next one is of the same place and time, and of the same hand: several things seen at once are several reports.
const SAME = ["lon", "lat", "accuracy", "area", "address", "when", "at", "from", "to"];
function stay(fields) {
  bringBack();
  for (const name of SAME) {
    for (const input of [...form.elements].filter((element) => element.name === name)) {
      if (input.type === "radio") input.checked = input.value === fields[name];
      else input.value = fields[name] ?? "";
    }
  }
}

const said = document.querySelector("[data-said]");
function say(text) {
  said.querySelector("strong").textContent = text;
  said.hidden = false;
  scrollTo({ top: 0, behavior: "instant" });
}

// What has just been handed in and has arrived leads to its receipt; what had to wait leaves in silence, from the list.
listen((event, about, outcome) => {
  if (event === "sent" && about.id === sent.id && performance.now() - sent.at < AT_ONCE) location.assign(`/mina-rapporter?framme=${outcome.number}`);
  if (event === "correct") {
    bringBack();
    for (const box of form.querySelectorAll('[type="checkbox"]')) box.checked = false; // what was not ticked was not sent
    for (const [name, value] of Object.entries(about.fields)) {
      const inputs = [...form.elements].filter((input) => input.name === name);
      for (const input of inputs) {
        if (["radio", "checkbox"].includes(input.type)) input.checked = input.value === value;
        else input.value = value;
      }
    }
    form.querySelector("details").open = true;
    summarise();
    (field("text") ?? field("address")).focus();
  }
});

form.addEventListener("submit", async (event) => {
  if (!("indexedDB" in globalThis)) return;
  event.preventDefault();
  // Cold fingers: the same tap again finds the form empty already, and is no fault.
  if (performance.now() - sent.at < TWICE && !form.querySelector('[name="l1"]:checked')) return;
  const faults = [...missing(), ...(await Promise.all(written.map(guarded))).flat()];
  if (faults.some(([at]) => at === "text")) form.querySelector("details").open = true;
  complain(faults);
  if (faults.length) return;
  const photo = await taken();
  if (!photo && form.querySelector("#bild")?.files[0]) {
    complain([["photo", texts.photo_unreadable]]);
    return;
  }
  const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  const here = event.submitter?.name === "again" && { ...fields, submission: fields.submission || crypto.randomUUID() };
  if (here) fields.submission = here.submission;
  // A report that is being corrected has its place in the queue; its time is that of the first try.
  const before = (await all().catch(() => [])).find((waiting) => waiting.id === fields.id);
  const code = fields[`l2_${fields.l1}`];
  const seconds = String(Math.round((performance.now() - begun) / 100) / 10);
  const title = form.querySelector(`.sub input[value="${CSS.escape(code)}"]`).parentElement.textContent.trim();
  remember(code);
  const made = record({ ...fields, seconds }, title, where(), photo ?? before?.photo);
  await queue({ ...made, ...(before && { made: before.made }) }, here);
});

form.noValidate = true; // faults are told beside the fields, in our words
const quiet = document.querySelector("#lugnt-form");
quiet.addEventListener("submit", (event) => {
  if (!("indexedDB" in globalThis)) return;
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(quiet));
  queue(record({ ...fields, id: crypto.randomUUID() }, texts.zero_title, ""));
});

// The page may be one that was kept: its id was used before, and the second report would take the first one's place.
field("id").value = crypto.randomUUID();
recent();
show().catch(() => {});
