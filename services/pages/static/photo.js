// A photo on its way into the queue: made small on the phone, so that the net and the phone's memory suffice for an evening.
// What was beside the picture (position, time, camera) goes here; the server makes sure of it once more.
import { texts } from "./phone.js";

const LONGEST = 1600;
const QUALITY = 0.8;
const box = document.querySelector("[data-photo]");
const input = box?.querySelector("input");
const preview = box?.querySelector("canvas");
const said = box?.querySelector("[data-photo-said]");
let taking = Promise.resolve(null);
let newest = 0; // what was chosen before, or taken away again, says nothing any more

async function small(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", QUALITY); });
  return { canvas, bytes: await blob.arrayBuffer() };
}

// Drawn on a canvas: an address of a blob would need more than our policy of contents allows.
function show(canvas) {
  preview.width = 320;
  preview.height = Math.round((320 * canvas.height) / canvas.width);
  preview.getContext("2d").drawImage(canvas, 0, 0, preview.width, preview.height);
}

async function take(file) {
  const mine = ++newest;
  said.textContent = texts.photo_working;
  try {
    const { canvas, bytes } = await small(file);
    if (mine !== newest) return null;
    show(canvas);
    said.textContent = texts.photo_ready;
    preview.hidden = false;
    box.querySelector("[data-photo-remove]").hidden = false;
    return bytes;
  } catch {
    if (mine !== newest) return null;
    preview.hidden = true;
    box.querySelector("[data-photo-remove]").hidden = false;
    said.textContent = texts.photo_unreadable;
    return null;
  }
}

export function clear() {
  if (!box) return;
  newest += 1;
  taking = Promise.resolve(null);
  input.value = "";
  preview.hidden = true;
  said.textContent = "";
  box.querySelector("[data-photo-remove]").hidden = true;
}

// The photo as it is sent, when it is ready; null for none.
export const taken = () => taking;

if (input?.files[0]) taking = take(input.files[0]); // chosen before this part of the page was here
input?.addEventListener("change", () => { if (input.files[0]) taking = take(input.files[0]); });
box?.querySelector("[data-photo-remove]").addEventListener("click", () => {
  clear();
  input.focus();
});
