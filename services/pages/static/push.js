// Notifications on this device: by a button, never by themselves. Without this file the page says how else one is told.
const card = document.querySelector("[data-push]");
const tell = (key) => { card.querySelector("[data-said]").textContent = card.dataset[key]; };
const bytes = (written) => Uint8Array.from(atob(written.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

async function subscribed() {
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const wanted = { userVisibleOnly: true, applicationServerKey: bytes(card.dataset.key) };
  try {
    return await pushManager.subscribe(wanted);
  } catch (error) {
    const before = await pushManager.getSubscription();
    if (!before) throw error;
    await before.unsubscribe(); // one by another key, from before the instance got its present one
    return pushManager.subscribe(wanted);
  }
}

async function add() {
  if ((await Notification.requestPermission()) !== "granted") return tell("denied");
  try {
    const form = matchMedia("(pointer: coarse)").matches ? "phone" : "computer";
    const body = JSON.stringify({ ...(await subscribed()).toJSON(), form });
    const answer = await fetch("/v1/devices", { method: "POST", headers: { "content-type": "application/json" }, body });
    if (answer.status === 401) return location.assign("/logga-in/fornya?till=/utskick"); // the page was open for long
    if (!answer.ok) throw new Error(String(answer.status));
    return location.assign("/utskick?klart=enhet");
  } catch {
    return tell("failed");
  }
}

if (card) {
  const button = card.querySelector("button[data-add]");
  if ("PushManager" in window && "serviceWorker" in navigator) {
    button.hidden = false;
    button.addEventListener("click", add);
  } else {
    tell("cannot");
  }
}
