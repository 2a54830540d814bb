// What does each button do: all of them from this frame, side by side.

import { arrowGlyph } from "./glyphs.js";
import { dialog } from "./dialogs.js";

const PRESSES = 4;

/** Show the sheet; `now` is the canvas with the frame from which the buttons are tried. */
export async function showSheet(game, world, now) {
  const element = document.getElementById("sheet");
  const [body, said] = [element.querySelector(".rows"), element.querySelector(".said")];
  body.replaceChildren();
  said.textContent = "Trying every button …";
  const closed = dialog(element);
  try {
    const bitmap = await createImageBitmap(await game.tryAll(PRESSES));
    said.textContent = `Each pressed ${PRESSES} times from this frame. Nothing has moved.`;
    body.replaceChildren(...world.buttons.map((button, i) => row(button, i, bitmap, world, now)));
  } catch (error) {
    said.textContent = error.message;
  }
  await closed;
}

function row(button, i, bitmap, { width, height, buttons }, now) {
  const canvas = document.createElement("canvas");
  const gap = Math.max(1, Math.round(width / 32));
  [canvas.width, canvas.height] = [(PRESSES + 1) * (width + gap) - gap, height];
  canvas.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
  const context = canvas.getContext("2d");
  context.globalAlpha = 0.45; // where they all begin
  context.drawImage(now, 0, 0, width, height);
  context.globalAlpha = 1;
  const [wide, high] = [bitmap.width / PRESSES, bitmap.height / buttons.length];
  for (let press = 0; press < PRESSES; press += 1) {
    context.drawImage(bitmap, press * wide, i * high, wide, high, (press + 1) * (width + gap), 0, width, height);
  }
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `The ${PRESSES} frames that button ${i + 1} makes`);
  const name = document.createElement("p");
  const glyph = arrowGlyph(button.arrow);
  if (glyph !== null) name.append(glyph);
  name.append(button.label || `Button ${i + 1}`);
  const element = document.createElement("div");
  element.append(name, canvas);
  return element;
}
