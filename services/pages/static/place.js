// Where: the phone's position, an address with suggestions, or a point on the map. The form's fields hold the answer.
import { fill, texts, today } from "./phone.js";

export const form = document.querySelector("#rapport");
export const field = (name) => form.elements.namedItem(name);
const nameLine = form.querySelector("[data-name]");
const accuracyLine = form.querySelector("[data-accuracy]");
const POSITION = ["lon", "lat", "accuracy"];
const heard = new Set();

// `hear()` when the place has changed.
export const placed = (hear) => heard.add(hear);
const tell = () => heard.forEach((hear) => hear());

let wanted = 0;
let chosen = false; // the place was pointed out or brought back: the phone's position must not take it away
let asked = false; // for the map
let shown; // a place on the map, once that stands

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
  tell();
  shown?.([longitude, latitude], accuracy);
}

const clear = () => { for (const name of POSITION) field(name).value = ""; };

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
  if (box.hidden || asked) return;
  asked = true;
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
  await import("./map.js").catch(() => { asked = false; }); // no coverage: the box says so, and the next try is another
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
let soon = 0;

function typed() {
  if (!address.value.trim()) return;
  wanted += 1;
  if (field("lat").value) {
    address.dataset.near = `&lon=${field("lon").value}&lat=${field("lat").value}`;
    clear();
  }
  nameLine.textContent = address.value;
  accuracyLine.textContent = accuracyLine.dataset.typed;
  clearTimeout(soon);
  soon = setTimeout(suggest, 150);
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

export function again() {
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

// What the place is called, as it stands in the summary; empty for none.
export function where() {
  if (field("lat").value) return nameLine.textContent;
  const area = field("area");
  return area?.value ? area.selectedOptions[0].textContent : address.value.trim();
}

// The next report is somewhere else: a reset leaves hidden fields as they are.
export function forget() {
  chosen = false;
  clear();
}

// A place that was chosen before is brought back: what the phone says meanwhile must not take it away.
export function bringBack() {
  wanted += 1;
  chosen = true;
}

form.querySelector("[data-picker]").hidden = false;
form.querySelector("[data-open-map]").addEventListener("click", ({ currentTarget }) => openMap(currentTarget));
