// Keys for the review page, and pointing on its map. Everything works without this file: links, buttons and the search field.
const maps = document.querySelectorAll("[data-map]");
const keys = document.querySelector("[data-keys]");
const search = document.querySelector("[data-search]");
const stored = "granska.tangenter";
let on = localStorage.getItem(stored) !== "av";

if (keys) {
  keys.hidden = false;
  const toggle = keys.querySelector("[data-toggle]");
  const say = () => { toggle.textContent = on ? toggle.dataset.off : toggle.dataset.on; };
  toggle.addEventListener("click", () => {
    on = !on;
    localStorage.setItem(stored, on ? "pa" : "av");
    say();
  });
  say();
}

document.addEventListener("keydown", (event) => {
  if (!on || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  if (key === "j") document.querySelector("[data-after]")?.click();
  else if (key === "k") document.querySelector("[data-before]")?.click();
  else if (key === "z") document.querySelector("[data-undo]")?.click();
  else if (/^[0-9]$/.test(key)) document.querySelector(`button[name="choice"][value="${key}"]`)?.click();
});

// A point on the map becomes coordinates in the search field, as if they had been written.
function point(map) {
  map.addEventListener("click", (event) => {
    const pin = event.target.closest("[data-choice]");
    if (pin) {
      document.querySelector(`button[name="choice"][value="${pin.dataset.choice}"]`)?.focus();
      return;
    }
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    const { lon, lat, lonStep, latStep } = map.dataset;
    seek(Number(lat) + at.y * Number(latStep), Number(lon) + at.x * Number(lonStep));
  });
}

function seek(lat, lon) {
  search.elements.namedItem("sok").value = `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
  search.submit();
}

// The same on the live map, once it stands in the drawn one's place.
document.querySelector("[data-livemap]")?.addEventListener("map-ready", ({ detail: { map } }) => {
  map.getCanvas().classList.add("pointing");
  map.on("click", (event) => {
    const [pin] = map.queryRenderedFeatures(event.point, { layers: ["pins"] });
    if (pin) document.querySelector(`button[name="choice"][value="${pin.properties.no}"]`)?.focus();
    else if (search) seek(event.lngLat.lat, event.lngLat.lng);
  });
});

if (maps.length && search) {
  document.querySelector("[data-point]").hidden = false;
  maps.forEach(point);
}
