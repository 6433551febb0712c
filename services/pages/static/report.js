// The report form: kept on the phone first and sent when there is a net; position filled in by itself, the latest types
// first, a summary on the send bar. Without this file the form is an ordinary one.
import { findings } from "./guard.js";
import { all, keep } from "./queue.js";
import { attempt, fill, listen, owner, show, texts, today } from "./phone.js";

const RECENT = "rapport.senaste";
const MOST_RECENT = 2;
let begun = performance.now();
let sent = {};
const AT_ONCE = 8000;
const form = document.querySelector("#rapport");
const field = (name) => form.elements.namedItem(name);
const nameLine = form.querySelector("[data-name]");
const accuracyLine = form.querySelector("[data-accuracy]");

document.querySelector("#fel a")?.focus();

function summarise() {
  const group = form.querySelector('[name="l1"]:checked');
  const kind = group && form.querySelector(`[name="l2_${group.value}"]:checked`);
  const when = form.querySelector('[name="when"]:checked');
  const parts = [kind ?? group, when].filter(Boolean).map((input) => input.parentElement.textContent.trim());
  const area = field("area");
  if (field("lat").value) parts.push(nameLine.textContent);
  else if (area?.value) parts.push(area.selectedOptions[0].textContent);
  else if (field("address").value) parts.push(field("address").value);
  form.querySelector("[data-summary]").textContent = parts.join(" · ");
}

let wanted = 0;

let chosen = false; // the place was pointed out or brought back: the phone's position must not take it away
let shown; // the map, once it has been asked for

async function place(position, request, said = accuracyLine.dataset.text) {
  if (request !== wanted) return; // an address was written meanwhile, or asked again
  const { longitude, latitude, accuracy } = position.coords;
  field("lon").value = longitude.toFixed(6);
  field("lat").value = latitude.toFixed(6);
  field("accuracy").value = Math.round(accuracy);
  accuracyLine.textContent = said.replace("{metres}", String(Math.round(accuracy)));
  nameLine.textContent = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  try {
    const answer = await fetch(`/v1/locate?lon=${longitude}&lat=${latitude}`, { headers: { accept: "application/json" } });
    if (answer.ok) nameLine.textContent = (await answer.json()).name;
  } catch {
    // Without coverage the coordinates stand; the place is settled when the report arrives.
  }
  summarise();
  shown?.([longitude, latitude], accuracy);
}

// A place is pointed out by a tap or under the cross; never by dragging alone. The map is fetched when it is asked for.
function pick(longitude, latitude) {
  address.value = "";
  chosen = true;
  place({ coords: { longitude, latitude, accuracy: 10 } }, ++wanted, texts.map_accuracy);
}

async function openMap(button) {
  const box = document.querySelector("#karta");
  box.hidden = !box.hidden;
  button.setAttribute("aria-expanded", String(!box.hidden));
  if (box.hidden || shown) return;
  const frame = box.querySelector("[data-livemap]");
  frame.addEventListener("map-ready", async ({ detail: { map, settings, config } }) => {
    const { style } = await import("./map-style.js");
    shown = (at, radius) => {
      settings.pins = [{ at, radius, no: "•" }];
      map.setStyle(style(config, settings));
      map.easeTo({ center: at, zoom: Math.max(map.getZoom(), 15) });
    };
    if (field("lat").value) shown([Number(field("lon").value), Number(field("lat").value)], Number(field("accuracy").value));
    map.on("click", ({ lngLat }) => pick(lngLat.lng, lngLat.lat));
    box.querySelector("[data-here]").addEventListener("click", () => pick(map.getCenter().lng, map.getCenter().lat));
  }, { once: true });
  const css = document.createElement("link");
  css.rel = "stylesheet";
  css.href = "/static/vendor/maplibre-gl.css";
  document.head.append(css);
  await import("./map.js").catch(() => {});
}

function locate() {
  accuracyLine.textContent = accuracyLine.dataset.searching;
  const request = ++wanted;
  navigator.geolocation.getCurrentPosition((position) => place(position, request), () => { accuracyLine.textContent = ""; }, {
    enableHighAccuracy: true, timeout: 15000, maximumAge: 30000,
  });
}

// Who writes an address is somewhere else by now, or corrects the phone: the position goes, and comes back by the button.
const address = field("address");
const suggestions = form.querySelector("#forslag");
let asked = 0;

function typed() {
  if (!address.value.trim()) return;
  wanted += 1;
  const { lon, lat } = { lon: field("lon").value, lat: field("lat").value };
  if (lat) {
    for (const name of ["lon", "lat", "accuracy"]) field(name).value = "";
    address.dataset.near = `&lon=${lon}&lat=${lat}`;
  }
  nameLine.textContent = address.value;
  accuracyLine.textContent = accuracyLine.dataset.typed;
  clearTimeout(asked);
  asked = setTimeout(suggest, 150);
}

async function suggest() {
  const written = address.value.trim();
  if (written.length < 2) return;
  try {
    const query = `q=${encodeURIComponent(written)}${address.dataset.near ?? ""}`;
    const answer = await fetch(`/v1/suggest?${query}`, { headers: { accept: "application/json" } });
    if (!answer.ok || address.value.trim() !== written) return;
    const options = (await answer.json()).suggestions.map(({ label, district }) => {
      const option = document.createElement("option");
      option.value = district ? `${label}, ${district}` : label;
      return option;
    });
    suggestions.replaceChildren(...options);
  } catch {
    // Without coverage what is written is sent as it stands.
  }
}

address.addEventListener("input", typed);

// Who has walked on stands somewhere else: asked for anew after each report and when the page is looked at again.
function tick() {
  const now = form.querySelector("[data-now]");
  now.textContent = fill(now.dataset.now, { now: today(Date.now()) });
}

function again() {
  tick();
  if ("geolocation" in navigator && !chosen && !address.value.trim()) locate();
}
addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") again(); });
setInterval(tick, 30_000);
tick();

if ("geolocation" in navigator) {
  for (const part of form.querySelectorAll("[data-position]")) part.hidden = false;
  form.querySelector("[data-locate]").addEventListener("click", () => {
    chosen = false;
    locate();
  });
  if (!field("lat").value) locate();
}
form.addEventListener("input", summarise);
form.addEventListener("change", summarise);
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
  if (!field("lat").value && !field("area")?.value && !address.value.trim()) faults.push(["where", texts.error_where]);
  const when = form.querySelector('[name="when"]:checked').value;
  if ((when === "at" && !field("at").value) || (when === "between" && !field("from").value)) faults.push(["when", texts.error_when]);
  return faults;
}

// Words about a person are marked where they are written; what is certain must be changed before it is queued.
async function guarded(input) {
  const found = await findings(input.value).catch(() => []);
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
const written = [form.querySelector("#text"), form.querySelector("#address")];
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

function record(fields, title, where) {
  return { id: fields.id, owner, made: Date.now(), fields, title, where, state: "waiting", tries: 0, next: 0, error: "" };
}

async function queue(made) {
  await keep(made);
  navigator.storage?.persist?.();
  say(texts.saved);
  sent = { id: made.id, at: performance.now() };
  form.reset();
  chosen = false;
  for (const name of ["lon", "lat", "accuracy"]) field(name).value = ""; // a reset leaves hidden fields as they are
  form.querySelector("details").open = false;
  field("id").value = crypto.randomUUID();
  begun = performance.now();
  recent();
  again();
  summarise();
  await attempt(true);
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
    wanted += 1;
    chosen = true;
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
    field("text").focus();
  }
});

form.addEventListener("submit", async (event) => {
  if (!("indexedDB" in globalThis)) return;
  event.preventDefault();
  const faults = [...missing(), ...(await Promise.all(written.map(guarded))).flat()];
  if (faults.some(([at]) => at === "text")) form.querySelector("details").open = true;
  complain(faults);
  if (faults.length) return;
  const fields = Object.fromEntries(new FormData(form));
  // A report that is being corrected has its place in the queue; its time is that of the first try.
  const before = (await all()).find((waiting) => waiting.id === fields.id);
  const code = fields[`l2_${fields.l1}`];
  const seconds = String(Math.round((performance.now() - begun) / 100) / 10);
  const title = form.querySelector(`.sub input[value="${CSS.escape(code)}"]`).parentElement.textContent.trim();
  const where = fields.lat ? nameLine.textContent : fields.address || field("area")?.selectedOptions[0].textContent;
  remember(code);
  try {
    await queue({ ...record({ ...fields, seconds }, title, where), ...(before && { made: before.made }) });
  } catch (error) {
    say(error.name === "QuotaExceededError" ? texts.storage_full : texts.not_saved);
  }
});

form.noValidate = true; // faults are told beside the fields, in our words
form.querySelector("[data-picker]").hidden = false;
form.querySelector("[data-open-map]").addEventListener("click", ({ currentTarget }) => openMap(currentTarget));
const quiet = document.querySelector("#lugnt-form");
quiet.addEventListener("submit", (event) => {
  if (!("indexedDB" in globalThis)) return;
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(quiet));
  queue(record({ ...fields, id: crypto.randomUUID() }, texts.zero_title, "")).catch(() => quiet.submit());
});

// The page may be one that was kept: its id was used before, and the second report would take the first one's place.
field("id").value = crypto.randomUUID();
recent();
show().catch(() => {});
