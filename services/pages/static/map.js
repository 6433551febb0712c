// The one map of all pages. The drawn SVG stands until this has loaded, stays where it cannot, and is what is printed.
import { AttributionControl, Map as Live, NavigationControl, ScaleControl } from "./vendor/maplibre-gl.mjs";
import { style } from "./map-style.js";

const STORED = "karta.bakgrund";
const SWEDEN = [[4, 53], [31, 71]];
let asked;

const configuration = () => {
  asked ??= fetch("/v1/map", { headers: { accept: "application/json" } }).then((answer) => {
    if (!answer.ok) throw new Error(`map ${answer.status}`);
    return answer.json();
  });
  return asked;
};

class Buttons {
  constructor(parts) {
    this.parts = parts;
  }

  onAdd() {
    this.box = document.createElement("div");
    this.box.className = "maplibregl-ctrl maplibregl-ctrl-group map-buttons";
    this.box.append(...this.parts);
    return this.box;
  }

  onRemove() {
    this.box.remove();
  }
}

function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => press(made));
  return made;
}

const corners = (box) => [box.slice(0, 2), box.slice(2)];

function bounds(config, settings) {
  const points = settings.pins?.length ? settings.pins : null;
  if (settings.box) return corners(settings.box);
  if (!points) return corners(config.bounds);
  const reach = (p) => Math.max(p.radius ?? 0, 350) / 111320;
  const lon = points.flatMap((p) => [p.at[0] - 2 * reach(p), p.at[0] + 2 * reach(p)]);
  const lat = points.flatMap((p) => [p.at[1] - reach(p), p.at[1] + reach(p)]);
  return [[Math.min(...lon), Math.min(...lat)], [Math.max(...lon), Math.max(...lat)]];
}

function credits(config, settings) {
  const own = config.layers.find((l) => l.layer === settings.layer)?.credit;
  return [...new Set([...config.credits, own, settings.base ? config.base_map.credit : ""])].filter(Boolean).map((credit) => {
    const safe = document.createElement("span");
    safe.textContent = credit;
    return safe.innerHTML;
  });
}

export async function open(frame) {
  const written = () => JSON.parse(frame.querySelector("[data-settings]").textContent);
  const settings = written();
  const { texts } = settings;
  const config = await configuration();
  const has = config.base_map.kind !== "none";
  settings.base = has && localStorage.getItem(STORED) !== "av";
  const box = document.createElement("div");
  box.className = "live-map";
  frame.append(box);
  const map = new Live({
    container: box, style: style(config, settings), bounds: bounds(config, settings), fitBoundsOptions: { padding: 24, maxZoom: 17, animate: false },
    maxBounds: SWEDEN, minZoom: 3, maxZoom: 19, dragRotate: false, pitchWithRotate: false, touchPitch: false, renderWorldCopies: false,
    cooperativeGestures: !settings.alone, attributionControl: false, locale: texts.locale, fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  const home = button(texts.home, () => map.fitBounds(bounds(config, {}), { padding: 24 }));
  const switched = button(texts.base, (pressed) => {
    settings.base = !settings.base;
    localStorage.setItem(STORED, settings.base ? "pa" : "av");
    pressed.setAttribute("aria-pressed", String(settings.base));
    away.hidden = true;
    map.setStyle(style(config, settings));
  });
  switched.setAttribute("aria-pressed", String(settings.base));
  const town = settings.town && button(texts.town, () => map.fitBounds(corners(settings.town), { padding: 24 }));
  map.addControl(new Buttons([home, town, has && switched].filter(Boolean)), "top-left");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  map.addControl(new AttributionControl({ compact: false, customAttribution: credits(config, settings) }), "bottom-right");
  const away = frame.querySelector("[data-base-away]");
  const said = frame.querySelector("[data-said]");
  map.on("error", (event) => {
    if (event.sourceId === "base") away.hidden = false;
    else if (event.error) console.warn(event.error.message);
  });
  // Colours follow the theme: the browser says when it changes.
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
    matchMedia(query).addEventListener("change", () => map.setStyle(style(config, settings)));
  }
  frame.addEventListener("map-refresh", () => {
    Object.assign(settings, written());
    map.setStyle(style(config, settings));
  });
  if (settings.areas) pressable(map, settings, said);
  await new Promise((done) => { map.once("load", done); });
  // As high as what stood there: nothing below moves while it is being read.
  box.style.height = `${frame.querySelector(".drawn").getBoundingClientRect().height}px`;
  frame.classList.add("is-live");
  map.resize();
  map.fitBounds(bounds(config, settings), { padding: 24, maxZoom: 17, animate: false });
  map.on("idle", () => { frame.dataset.idle = ""; });
  map.on("movestart", () => { delete frame.dataset.idle; });
  frame.dispatchEvent(new CustomEvent("map-ready", { detail: { map, settings, config } }));
  return { map, settings, config };
}

// An area that is pressed is named with its number below the map; the table has them all.
function pressable(map, settings, said) {
  map.on("click", "areas", (event) => {
    const area = settings.areas.find(({ code }) => code === event.features[0].properties.area);
    map.setFilter("area-on", ["==", ["get", "area"], area?.code ?? ""]);
    said.textContent = area ? `${area.full}: ${area.count}` : "";
  });
}

async function begin(frame) {
  try {
    await open(frame);
  } catch (error) {
    // No WebGL, or geo is away: the drawn map stands.
    frame.querySelector(".live-map")?.remove();
    console.info("the drawn map stands", error.message);
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting)) {
    seen.unobserve(entry.target);
    begin(entry.target);
  }
}, { rootMargin: "200px" });
for (const frame of document.querySelectorAll("[data-livemap]")) seen.observe(frame);
