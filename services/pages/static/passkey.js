// Passkeys: added on one's own page, used on the login page. Without this file, or in an older browser, the code by mail is there.
const part = document.querySelector("[data-passkey]");
const tell = (words) => { part.querySelector("[data-said]").textContent = words; };
const able = "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return { ok: answer.ok, ...(await answer.json()) };
}

async function add(event) {
  event.preventDefault();
  try {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await post("/konto/passnycklar/borja", {}));
    const credential = await navigator.credentials.create({ publicKey });
    const said = await post("/konto/passnycklar", { credential: credential.toJSON(), label: new FormData(event.target).get("label") });
    if (!said.ok) return tell(said.says ?? part.dataset.failed);
    return location.assign("/konto/passnycklar?klart=ny");
  } catch {
    return tell(part.dataset.failed); // the owner changed their mind, or the device could not
  }
}

async function enter() {
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post("/logga-in/passnyckel/borja", {}));
    const credential = await navigator.credentials.get({ publicKey });
    const said = await post("/logga-in/passnyckel", { credential: credential.toJSON(), till: part.dataset.till });
    if (!said.ok) return tell(said.says ?? part.dataset.failed);
    return location.assign(said.to);
  } catch {
    return tell(part.dataset.failed);
  }
}

if (part) {
  const form = part.querySelector("form[data-new]");
  const button = part.querySelector("button[data-enter]");
  if (!able) {
    if (form) tell(part.dataset.cannot);
    form?.remove();
  } else {
    form?.addEventListener("submit", add);
    if (button) part.hidden = false;
    button?.addEventListener("click", enter);
  }
}
