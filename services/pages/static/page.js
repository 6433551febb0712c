// What every page has: it says so when an answer takes its time, and prints itself. Everything works without this file.
const said = document.querySelector("[data-busy]");
const SLOW_MS = 400; // below this a word would only flicker
let slow;

function rest() {
  clearTimeout(slow);
  said.textContent = "";
  document.querySelector("form[aria-busy]")?.removeAttribute("aria-busy");
}

// Heard last: a form that a page's own module takes care of is not waited for here.
window.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  rest();
  slow = setTimeout(() => {
    event.target.setAttribute("aria-busy", "true");
    said.textContent = said.dataset.busy;
  }, SLOW_MS);
});
window.addEventListener("pageshow", rest); // also when the reader comes back to it

for (const printing of document.querySelectorAll("[data-print]")) {
  printing.hidden = false;
  printing.addEventListener("click", () => window.print());
}
