// Drawing a surface on the map. The list of corners is the truth: what is drawn is written into it, and the other way round.
import { TerraDraw, TerraDrawPolygonMode, TerraDrawSelectMode } from "./vendor/terra-draw.mjs";
import { TerraDrawMapLibreGLAdapter } from "./vendor/terra-draw-maplibre-gl-adapter.mjs";
import "./map.js";

const DIGITS = 6;
const MOST = 200;
const frame = document.querySelector("[data-livemap]");
const list = document.querySelector("#corners");
const tools = document.querySelector("[data-tools]");

const pair = (line) => {
  const found = line.trim().match(/^(\d{2}[.,]\d+)\s*[,;]?\s+(\d{1,2}[.,]\d+)$|^(\d{2}\.\d+),(\d{1,2}\.\d+)$/);
  return found && [found[2] ?? found[4], found[1] ?? found[3]].map((n) => Number(n.replace(",", ".")));
};

// The rings of the list, null where it says more than the map can draw: a hole, other coordinates, very many corners.
function rings() {
  const parts = list.value.trim().split(/\n\s*\n/).filter(Boolean).map((part) => part.split("\n").map(pair));
  const whole = parts.every((part) => part.length > 2 && part.every(Boolean)) && parts.flat().length <= MOST;
  return whole ? parts.map((part) => [...part, part[0]]) : null;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function modes() {
  const look = { fillColor: colour("accent"), fillOpacity: 0.2, outlineColor: colour("accent"), outlineWidth: 3 };
  const point = { pointColor: colour("surface"), pointOutlineColor: colour("accent") };
  return [
    new TerraDrawPolygonMode({ styles: { ...look, closingPointColor: colour("surface"), closingPointOutlineColor: colour("accent"), closingPointWidth: 8 } }),
    new TerraDrawSelectMode({
      flags: { polygon: { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } } },
      styles: {
        selectedPolygonColor: look.fillColor, selectedPolygonFillOpacity: 0.2, selectedPolygonOutlineColor: look.outlineColor, selectedPolygonOutlineWidth: 3,
        selectionPointColor: point.pointColor, selectionPointOutlineColor: point.pointOutlineColor, selectionPointWidth: 8, selectionPointOutlineWidth: 2,
        midPointColor: look.fillColor, midPointOutlineColor: point.pointColor, midPointWidth: 5,
      },
    }),
  ];
}

function begin({ detail: { map } }) {
  const draw = new TerraDraw({ adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }), modes: modes() });
  draw.start();
  let writing = false;
  const held = document.querySelector("[data-held]");
  const drawn = () => draw.getSnapshot().filter((f) => f.geometry.type === "Polygon" && !f.properties.midPoint);

  function show() {
    const found = rings();
    const some = list.value.trim() !== "";
    held.hidden = Boolean(found) || !some;
    tools.hidden = !held.hidden;
    if (!held.hidden) draw.setMode("static"); // a click on the map draws nothing over what only the list can hold
    writing = true;
    draw.clear();
    if (found && some) {
      draw.addFeatures(found.map((ring) => ({
        type: "Feature", properties: { mode: "polygon" },
        geometry: { type: "Polygon", coordinates: [ring.map((c) => c.map((n) => Number(n.toFixed(9))))] },
      })));
    }
    writing = false;
  }

  function write() {
    if (writing || !held.hidden) return;
    const lines = drawn().map((f) => f.geometry.coordinates[0].slice(0, -1).map(([lon, lat]) => `${lat.toFixed(DIGITS)}, ${lon.toFixed(DIGITS)}`).join("\n"));
    list.value = lines.join("\n\n");
  }

  function choose(mode) {
    draw.setMode(mode);
    for (const tool of tools.querySelectorAll("[aria-pressed]")) tool.setAttribute("aria-pressed", String(tool.dataset.tool === mode));
    const [first] = drawn();
    if (mode === "select" && first) draw.selectFeature(first.id);
  }

  draw.on("finish", (_id, { action }) => {
    write();
    if (action === "draw") choose("select");
  });
  draw.on("change", (_ids, type) => { if (type === "delete" && !writing) write(); });
  list.addEventListener("input", show);
  tools.addEventListener("click", ({ target }) => {
    const tool = target.closest("[data-tool]")?.dataset.tool;
    if (tool === "clear") {
      list.value = "";
      show();
      choose("polygon");
    } else if (tool) choose(tool);
  });
  document.querySelector("[data-help]").hidden = false;
  show();
  if (held.hidden) choose(drawn().length ? "select" : "polygon");
}

frame.addEventListener("map-ready", begin);
