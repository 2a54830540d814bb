// The page of all worlds: the arrows of buttons in the world's pixels, and arrow keys between cards.

import { arrowGlyph } from "./glyphs.js";

for (const arrow of document.querySelectorAll(".arrow")) {
  const glyph = arrowGlyph(arrow.textContent);
  if (glyph !== null) arrow.replaceChildren(glyph);
}

const links = [...document.querySelectorAll("#worlds h2 a")];
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  const at = links.indexOf(document.activeElement);
  const next = at === -1 ? links[0] : neighbour(links[at], step);
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
  next.closest("li").scrollIntoView({ block: "nearest" });
});

/** The nearest card in this direction. */
function neighbour(from, [x, y]) {
  const centre = (link) => {
    const box = link.closest("li").getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const [fromX, fromY] = centre(from);
  const ahead = links
    .map((link) => ({ link, dx: centre(link)[0] - fromX, dy: centre(link)[1] - fromY }))
    .filter(({ dx, dy }) => dx * x + dy * y > 1 && Math.abs(x === 0 ? dy : dx) >= Math.abs(x === 0 ? dx : dy));
  return ahead.sort((a, b) => Math.hypot(a.dx, a.dy) - Math.hypot(b.dx, b.dy))[0]?.link;
}
