// Keys of the meeting screen: each follows a link that is on the page. Everything works without this file.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const link = [...document.querySelectorAll("[data-key]")].find((a) => a.dataset.key.split(" ").includes(name));
  if (!link) return;
  event.preventDefault();
  link.click();
});
