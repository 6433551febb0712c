// A line says that the numbers have moved; the reader decides when to see them. Nothing that is being read moves.
// Everything works without this file.
const line = document.querySelector("#nytt");
const figures = document.querySelector("#siffror");
let source;

function listen() {
  source?.close();
  const separator = line.dataset.query ? "&" : "";
  source = new EventSource(`/oversikt/live?${line.dataset.query}${separator}seen=${line.dataset.total}`);
  source.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    const nothing = String(change.total) === line.dataset.total;
    line.hidden = nothing;
    line.querySelector("[data-text]").textContent = nothing ? "" : change.text;
  });
  // Closed for good means that the login must be renewed: the page itself knows how.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(renew, 5000);
  });
}

async function fetchPage() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname !== location.pathname) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function renew() {
  if (await fetchPage().catch(() => null)) listen();
}

async function show() {
  const fresh = await fetchPage().catch(() => null);
  if (!fresh) return location.reload();
  const open = [...figures.querySelectorAll("details")].map((part) => part.open);
  const top = window.scrollY;
  const map = figures.querySelector(".map-frame.is-live");
  figures.replaceChildren(...fresh.querySelector("#siffror").childNodes);
  if (map) keep(map);
  figures.querySelectorAll("details").forEach((part, index) => {
    part.open = open[index] ?? part.open;
  });
  const said = document.querySelector("#uppdaterad");
  if (said) said.textContent = fresh.querySelector("#uppdaterad").textContent;
  line.dataset.total = fresh.querySelector("#nytt").dataset.total;
  line.hidden = true;
  window.scrollTo({ top, behavior: "instant" });
  figures.focus({ preventScroll: true });
  listen();
}

// The map stays where it was moved to, with the new numbers in it.
function keep(map) {
  const next = figures.querySelector(".map-frame");
  if (!next) return;
  for (const part of ["[data-settings]", ".drawn"]) map.querySelector(part).replaceWith(next.querySelector(part));
  next.replaceWith(map);
  map.dispatchEvent(new Event("map-refresh"));
}

line.querySelector("button").addEventListener("click", show);
window.addEventListener("pagehide", () => source?.close());
listen();
