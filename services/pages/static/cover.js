// Boxes over faces and plates: two taps on the picture, or a box that the arrow keys move. The server covers for good.
const frame = document.querySelector("[data-cover]");
const form = document.querySelector("[data-cover-form]");
const pattern = document.querySelector("#ruta");
const said = document.querySelector("[data-cover-said]");
const STEP = 0.01;
const LEAST = 0.01;
const boxes = []; // {element, sides: [left, top, right, bottom]} as shares of the picture
let corner; // the first of two taps

const clamp = (value) => Math.min(1, Math.max(0, value));

function draw(box) {
  const [left, top, right, bottom] = box.sides;
  Object.assign(box.element.style, { left: `${left * 100}%`, top: `${top * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%` });
}

function tell() {
  form.elements.namedItem("boxes").value = JSON.stringify(boxes.map(({ sides }) => sides.map((side) => Number(side.toFixed(4)))));
  form.querySelector("[data-cover-button]").hidden = boxes.length === 0;
  said.textContent = boxes.length === 0 ? "" : boxes.length === 1 ? said.dataset.one : said.dataset.many.replace("{count}", boxes.length);
}

function add(from, to) {
  const sides = [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])];
  if (sides[2] - sides[0] < LEAST || sides[3] - sides[1] < LEAST) return;
  const box = { element: pattern.content.cloneNode(true).firstElementChild, sides };
  box.element.addEventListener("keydown", (event) => key(event, box));
  boxes.push(box);
  frame.append(box.element);
  draw(box);
  tell();
  box.element.focus();
}

function remove(box) {
  boxes.splice(boxes.indexOf(box), 1);
  box.element.remove();
  tell();
}

// Arrows move the box, with Shift its lower right corner; Delete takes it away.
function key(event, box) {
  const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    remove(box);
    (boxes.at(-1)?.element ?? document.querySelector("[data-add]")).focus();
  }
  if (!by) return;
  event.preventDefault();
  const [left, top, right, bottom] = box.sides;
  const moved = event.shiftKey ? [left, top, right + by[0], bottom + by[1]] : [left + by[0], top + by[1], right + by[0], bottom + by[1]];
  const sides = moved.map(clamp);
  if (sides[2] - sides[0] >= LEAST && sides[3] - sides[1] >= LEAST) box.sides = sides;
  draw(box);
  tell();
}

const at = (event) => {
  const area = frame.getBoundingClientRect();
  return [clamp((event.clientX - area.left) / area.width), clamp((event.clientY - area.top) / area.height)];
};

function mark(point) {
  frame.querySelector(".corner")?.remove();
  corner = point;
  if (!point) return;
  const dot = document.createElement("span");
  dot.className = "corner";
  Object.assign(dot.style, { left: `${point[0] * 100}%`, top: `${point[1] * 100}%` });
  frame.append(dot);
}

if (frame) {
  for (const part of document.querySelectorAll("[data-cover-help], [data-cover-tools]")) part.hidden = false;
  let pressed;
  frame.addEventListener("pointerdown", (event) => { if (!event.target.closest(".box")) pressed = at(event); });
  frame.addEventListener("pointerup", (event) => {
    if (!pressed) return;
    const here = at(event);
    const drawn = Math.abs(here[0] - pressed[0]) >= LEAST && Math.abs(here[1] - pressed[1]) >= LEAST;
    if (drawn) add(pressed, here);
    else if (corner) add(corner, here);
    mark(drawn || corner ? null : here);
    pressed = null;
  });
  frame.querySelector("img").addEventListener("dragstart", (event) => event.preventDefault());
  document.querySelector("[data-add]").addEventListener("click", () => add([0.4, 0.4], [0.6, 0.6]));
  document.querySelector("[data-undo]").addEventListener("click", () => {
    mark(null);
    if (boxes.length) remove(boxes.at(-1));
  });
}
