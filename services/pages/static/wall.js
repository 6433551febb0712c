// Keys of the meeting screen: each follows a link that is on the page. No letters: they belong to those who speak or type
// to their computer (WCAG 2.1.4). Everything works without this file.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = [...document.querySelectorAll("[data-key]")].find((a) => a.dataset.key === event.key);
  if (!link) return;
  event.preventDefault();
  link.click();
});
