// The draft of a lägesbild saves itself while it is written, and says so; two who write do not overwrite each other.
// Everything works without this file: the form has its button.
const form = document.querySelector("#bedomning");
const printing = document.querySelector("[data-print]");
if (printing) {
  printing.hidden = false;
  printing.addEventListener("click", () => window.print());
}

let waiting;
let saving = Promise.resolve();

async function save() {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams(new FormData(form)),
  }).catch(() => null);
  const said = document.querySelector("[data-saved]");
  if (!answer) return;
  if (!answer.headers.get("content-type")?.startsWith("application/json")) return;
  const result = await answer.json();
  said.textContent = result.says;
  if (result.saved) {
    for (const field of document.querySelectorAll('[name="seen"]')) field.value = result.seen;
  }
}

if (form) {
  const later = (event) => {
    if (event.target.form !== form) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { saving = saving.then(save); }, 800);
  };
  document.addEventListener("input", later);
  for (const box of document.querySelectorAll("[data-unhide]")) {
    box.addEventListener("change", () => {
      const kept = document.querySelector(`input[type="hidden"][name="dolj-${box.dataset.unhide}"]`);
      kept.disabled = box.checked;
    });
  }
}
