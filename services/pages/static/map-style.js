// How the map looks: every colour from styles/tokens.css, so that themes, contrast and print follow; no colour of its own.
export const FONT = ["-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "Arial", "sans-serif"];

const css = () => {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
};
const zoomed = (...stops) => ["interpolate", ["exponential", 1.6], ["zoom"], ...stops];
const absolute = (address) => new URL(address, location.href).href.replace(/%7B/g, "{").replace(/%7D/g, "}");

function vector(tiles, config) {
  return { type: "vector", tiles: [absolute(tiles)], minzoom: 3, maxzoom: config.max_zoom };
}

function label(id, source, layer, field, size, c, more = {}) {
  return {
    id, type: "symbol", source, ...(layer && { "source-layer": layer }), ...more.at,
    layout: { "text-field": field, "text-font": FONT, "text-size": size, "text-max-width": 8, ...more.layout },
    paint: { "text-color": c("ink"), "text-halo-color": c("map-halo"), "text-halo-width": 1.6, ...more.paint },
  };
}

// The base map: a picture, or vector tiles drawn as quiet as ours, whatever their layers are called.
function baseMap(config, c) {
  const base = config.base_map;
  if (base.kind === "none") return { sources: {}, layers: [] };
  const source = { tiles: [absolute(base.tiles)], minzoom: base.min_zoom, maxzoom: base.max_zoom };
  if (base.kind === "raster") {
    return {
      sources: { base: { type: "raster", tileSize: base.tile_size, ...source } },
      layers: [{ id: "base", type: "raster", source: "base", paint: { "raster-saturation": -0.6, "raster-opacity": 0.85 } }],
    };
  }
  const areal = { water: "seq-2", landuse: "sunken", landcover: "sunken", park: "sunken", earth: "map-ground", buildings: "line", building: "line" };
  const layers = base.layers.flatMap((name) => {
    const at = { source: "base", "source-layer": name };
    const shown = areal[name] ? [{ id: `base-${name}`, type: "fill", ...at, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": c(areal[name]) } }] : [];
    const lines = { id: `base-${name}-line`, type: "line", ...at, filter: ["==", ["geometry-type"], "LineString"] };
    if (["places", "pois", "place", "poi"].includes(name)) return shown;
    return [...shown, { ...lines, paint: { "line-color": c("surface"), "line-width": zoomed(8, 0.4, 14, 2, 18, 12) } }];
  });
  return { sources: { base: { type: "vector", ...source } }, layers };
}

// Outlines and names of Sweden, streets where a register is loaded.
function ground(c, areas) {
  const line = (id, layer, color, width) => ({
    id, type: "line", source: "ground", "source-layer": layer, paint: { "line-color": c(color), "line-width": width },
  });
  const round = { "line-cap": "round", "line-join": "round" };
  const names = (level, from, to, size) => label(`${level}-name`, "ground", "namn", ["get", "name"], size, c, {
    at: { filter: ["==", ["get", "level"], level], minzoom: from, maxzoom: to }, paint: { "text-color": c("ink-2") },
  });
  return {
    lines: [
      { ...line("street-case", "gator", "line-strong", zoomed(12, 0.9, 14, 3.5, 16, 9, 19, 24)), layout: round },
      { ...line("street", "gator", "surface", zoomed(12, 0.5, 14, 2.5, 16, 7.5, 19, 22)), layout: round },
      ...(areas ? [] : [{ ...line("regso", "regso"), paint: { "line-color": c("line-strong"), "line-width": zoomed(10, 0.4, 15, 1), "line-dasharray": [4, 3] } }]),
      line("kommun", "kommun", "line-strong", zoomed(5, 0.3, 9, 1, 14, 2)),
      line("lan", "lan", "line-strong", zoomed(4, 0.6, 8, 1.4)),
    ],
    names: [
      names("lan", 3, 6.5, 12),
      label("street-name", "ground", "gator", ["get", "name"], zoomed(13, 10, 17, 13), c, {
        at: { minzoom: 13 },
        layout: { "symbol-placement": "line", "text-max-angle": 40, "symbol-sort-key": ["-", 0, ["get", "size"]], "symbol-spacing": 400 },
        paint: { "text-color": c("ink-2") },
      }),
      label("number", "ground", "nummer", ["get", "number"], 10, c, { at: { minzoom: 16.5 }, paint: { "text-color": c("ink-2") } }),
      label("town", "ground", "orter", ["get", "name"], zoomed(6, 11, 12, 15), c, {
        layout: { "symbol-sort-key": ["get", "rank"], "text-padding": 4 },
        paint: { "text-color": c("ink-2") },
        at: { maxzoom: 14.5 },
      }),
      names("kommun", 8, 9.5, 11),
      ...(areas ? [] : [names("regso", 11, 15, 11)]),
    ],
  };
}

// Areas with numbers: the classes of the legend, number and name in each, the one that was pressed with a strong line.
function figures(settings, c) {
  const step = (wanted) => ["match", ["get", "area"], ...wanted.flatMap((a) => [a.code, c(`seq-${a.step}`)]), "rgba(0,0,0,0)"];
  const points = settings.areas.map((a) => ({
    type: "Feature",
    properties: { name: a.name, count: a.count, dark: a.step >= 4, order: -a.number, from: a.from },
    geometry: { type: "Point", coordinates: a.at },
  }));
  const at = { source: "areas", "source-layer": settings.layer };
  const inverse = (dark, light) => ["case", ["get", "dark"], c(dark), c(light)];
  return {
    sources: { labels: { type: "geojson", data: { type: "FeatureCollection", features: points } } },
    fills: settings.areas.length ? [
      { id: "areas", type: "fill", ...at, paint: { "fill-color": step(settings.areas), "fill-opacity": settings.over ? 0.72 : 1, "fill-antialias": false } },
      { id: "area-lines", type: "line", ...at, paint: { "line-color": c("map-line"), "line-width": 1.2 } },
      { id: "area-on", type: "line", ...at, filter: ["==", ["get", "area"], ""], paint: { "line-color": c("map-line-strong"), "line-width": 2.5 } },
    ] : [],
    names: [label("figures", "labels", null, ["format", ["get", "name"], { "font-scale": 0.85 }, "\n", {}, ["get", "count"], {}], 14, c, {
      at: { filter: ["<=", ["get", "from"], ["zoom"]] },
      layout: { "symbol-sort-key": ["get", "order"], "text-padding": 1, "text-variable-anchor": ["center", "top", "bottom", "left", "right"], "text-radial-offset": 0.4, "text-justify": "center" },
      paint: { "text-color": inverse("seq-text-light", "ink"), "text-halo-color": inverse("seq-5", "map-halo") },
    })],
  };
}

// Numbered candidates, each with the ring within which it is true (a polygon, so that it grows with the map).
function ring(at, metres) {
  const [lon, lat] = at;
  const wide = metres / (111320 * Math.cos((lat * Math.PI) / 180));
  const round = Array.from({ length: 49 }, (_, i) => (i * Math.PI) / 24);
  return [round.map((a) => [lon + wide * Math.cos(a), lat + (metres / 111320) * Math.sin(a)])];
}

function pins(settings, c) {
  const point = (p, i) => ({ type: "Feature", properties: { no: String(p.no ?? i + 1), on: i === 0 }, geometry: { type: "Point", coordinates: p.at } });
  const around = (p) => ({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: ring(p.at, p.radius) } });
  const data = (features) => ({ type: "geojson", data: { type: "FeatureCollection", features } });
  const on = (yes, no) => ["case", ["get", "on"], c(yes), c(no)];
  return {
    sources: { pins: data(settings.pins.map(point)), rings: data(settings.pins.filter((p) => p.radius).map(around)) },
    layers: [
      { id: "rings", type: "fill", source: "rings", paint: { "fill-color": c("accent"), "fill-opacity": 0.12 } },
      { id: "ring-lines", type: "line", source: "rings", paint: { "line-color": c("accent"), "line-width": 1.5, "line-dasharray": [3, 2.4] } },
      { id: "pins", type: "circle", source: "pins", layout: { "circle-sort-key": ["case", ["get", "on"], 1, 0] }, paint: { "circle-radius": 14, "circle-color": on("accent", "surface"), "circle-stroke-color": c("map-line-strong"), "circle-stroke-width": 2 } },
      label("pin-numbers", "pins", null, ["get", "no"], 13, c, { layout: { "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": on("on-accent", "ink"), "text-halo-width": 0 } }),
    ],
  };
}

// A layer's own surfaces with their names, without the one that is being drawn.
function surfaces(settings, c) {
  const rest = (type) => ({ source: "shapes", filter: ["all", ["!=", ["get", "area"], settings.without ?? ""], ["==", ["geometry-type"], type]] });
  return {
    sources: { shapes: { type: "geojson", data: absolute(settings.shapes) } },
    layers: [
      { id: "shapes", type: "fill", ...rest("Polygon"), paint: { "fill-color": c("seq-3"), "fill-opacity": 0.35 } },
      { id: "shape-lines", type: "line", ...rest("Polygon"), paint: { "line-color": c("accent"), "line-width": 1.5 } },
      label("shape-names", "shapes", null, ["get", "name"], 12, c, { at: { filter: rest("Point").filter } }),
    ],
  };
}

export function style(config, settings) {
  const c = css();
  const base = settings.base ? baseMap(config, c) : { sources: {}, layers: [] };
  const under = ground(c, settings.areas);
  const set = config.layers.find((l) => l.layer === settings.layer);
  const shown = settings.areas ? figures({ ...settings, over: settings.base && base.layers.length }, c) : { sources: {}, fills: [], names: [] };
  const points = settings.pins ? pins(settings, c) : { sources: {}, layers: [] };
  const own = settings.shapes ? surfaces(settings, c) : { sources: {}, layers: [] };
  const plain = { id: "land", type: "fill", source: "ground", "source-layer": "kommun", paint: { "fill-color": c("seq-1"), "fill-opacity": 0.55 } };
  return {
    version: 8,
    sources: { ground: vector(config.ground, config), ...(set && { areas: vector(set.tiles, config) }), ...base.sources, ...shown.sources, ...own.sources, ...points.sources },
    layers: [
      { id: "paper", type: "background", paint: { "background-color": c("map-ground") } },
      ...base.layers, ...(base.layers.length || settings.areas ? [] : [plain]),
      ...shown.fills, ...under.lines, ...own.layers.slice(0, 2), ...points.layers.slice(0, 2), ...under.names, ...own.layers.slice(2), ...shown.names, ...points.layers.slice(2),
    ],
  };
}
