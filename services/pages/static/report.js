// The report form's comforts: position filled in by itself, a summary on the send bar, focus on the first fault.
// Everything works without this file.
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

async function place(position, request) {
  if (request !== wanted) return; // an address was written meanwhile, or asked again
  const { longitude, latitude, accuracy } = position.coords;
  field("lon").value = longitude.toFixed(6);
  field("lat").value = latitude.toFixed(6);
  field("accuracy").value = Math.round(accuracy);
  accuracyLine.textContent = accuracyLine.dataset.text.replace("{metres}", String(Math.round(accuracy)));
  nameLine.textContent = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  try {
    const answer = await fetch(`/v1/locate?lon=${longitude}&lat=${latitude}`, { headers: { accept: "application/json" } });
    if (answer.ok) nameLine.textContent = (await answer.json()).name;
  } catch {
    // Without coverage the coordinates stand; the place is settled when the report arrives.
  }
  summarise();
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

if ("geolocation" in navigator) {
  for (const part of form.querySelectorAll("[data-position]")) part.hidden = false;
  form.querySelector("[data-locate]").addEventListener("click", locate);
  if (!field("lat").value) locate();
}
form.addEventListener("input", summarise);
summarise();
