// The draft of a lägesbild saves itself while it is written, and says so; two who write do not overwrite each other.
// Everything works without this file: the form has its button.
const form = document.querySelector("#bedomning");
let waiting;
let saving = Promise.resolve();
let ready = false;

async function save() {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams(new FormData(form)),
  }).catch(() => null);
  const said = document.querySelector("[data-saved]");
  const read = answer?.headers.get("content-type")?.startsWith("application/json");
  const result = read ? await answer.json() : { saved: false };
  result.says ??= said.dataset.failed;
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
  // Writing the draft anew shows another page: what is written is kept first.
  document.querySelector("#rakna-om")?.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    saving.then(save).finally(() => event.target.submit());
  });
  // Adopting carries the text itself; a save that is on its way must end first, or the page would be behind itself.
  form.addEventListener("submit", (event) => {
    if (ready) return;
    const button = event.submitter;
    event.preventDefault();
    clearTimeout(waiting);
    // Not at once: a form that is being submitted takes no other submission.
    saving.finally(() => setTimeout(() => {
      ready = true;
      form.requestSubmit(button);
      ready = false;
    }));
  });
}
