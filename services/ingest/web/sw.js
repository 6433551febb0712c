// Keeps the reporter's pages on the phone: files of one version, and each page as it was last seen.
const VERSION = "filer-{{ version }}";
const SEEN = "sidor";
const FILES = new Set([{% for name in files %}"/static/{{ name }}", {% endfor %}]);
const PAGES = new Set([{% for path in pages %}"{{ path }}", {% endfor %}]);
const LOGINS = new Set(["/logga-ut", "/logga-in/kod", "/logga-in/passnyckel"]);
const PATIENCE = 4000;

self.addEventListener("install", (event) => {
  const fresh = [...FILES].map((path) => new Request(path, { cache: "reload" }));
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== VERSION && name !== SEEN) await caches.delete(name);
    await self.clients.claim();
  })());
});

async function file(request) {
  return (await (await caches.open(VERSION)).match(new URL(request.url).pathname)) ?? fetch(request);
}

// Who has seen one of the pages will want the others without coverage too.
async function others(seen, path) {
  for (const other of PAGES) {
    if (other === path || (await seen.match(other))) continue;
    const answer = await fetch(other).catch(() => null);
    if (answer?.ok && !answer.redirected) await seen.put(other, answer);
  }
}

// The net first, for as long as a person waits; then the page as it was last seen.
async function page(request, url) {
  const seen = await caches.open(SEEN);
  const fetched = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) {
      if (url.search === "") await seen.put(url.pathname, answer.clone());
      others(seen, url.pathname);
    }
    return answer;
  });
  const kept = await seen.match(url.pathname);
  if (!kept) return fetched;
  const late = new Promise((done) => { setTimeout(done, PATIENCE, kept); });
  // A server in trouble is as good as none: the page from before takes the report in.
  return Promise.race([fetched.then((answer) => (answer.status >= 500 ? kept : answer)).catch(() => kept), late]);
}

async function silent() {
  const subscription = await self.registration.pushManager?.getSubscription().catch(() => null);
  await subscription?.unsubscribe();
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin) return;
  // Who signs out, or in, finds no page of the one before; what waits to be sent stays.
  if ((event.request.method === "POST" && LOGINS.has(url.pathname)) || url.pathname.startsWith("/logga-in/med/")) event.waitUntil(caches.delete(SEEN));
  // Whoever has the device next sees nothing of the one before.
  if (event.request.method === "POST" && url.pathname === "/logga-ut") event.waitUntil(silent());
  if (event.request.method !== "GET") return;
  if (FILES.has(url.pathname)) event.respondWith(file(event.request));
  else if (event.request.mode === "navigate" && PAGES.has(url.pathname)) event.respondWith(page(event.request, url));
});

// A message from the voice. Safari shows it by itself out of the same words; elsewhere this does.
self.addEventListener("push", (event) => {
  const { title, body, tag, lang, navigate } = event.data.json().notification;
  event.waitUntil(self.registration.showNotification(title, { body, tag, lang, icon: "/static/icon-192.png", data: navigate, renotify: true }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil((async () => {
    const address = event.notification.data;
    const open = (await self.clients.matchAll({ type: "window" })).find((one) => one.url === address);
    return open ? open.focus() : self.clients.openWindow(address);
  })());
});

// Browsers change their address for messages now and then.
self.addEventListener("pushsubscriptionchange", (event) => {
  const before = event.oldSubscription;
  if (!before) return;
  event.waitUntil((async () => {
    const fresh = event.newSubscription ?? (await self.registration.pushManager.subscribe(before.options));
    await fetch("/logga-in/fornya?till=/healthz", { redirect: "manual" }); // the short token has run out by now
    const form = navigator.userAgentData?.mobile ? "phone" : "computer";
    await fetch("/v1/devices", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ ...fresh.toJSON(), form }) });
  })());
});
