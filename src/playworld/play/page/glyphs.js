// Arrows drawn on a 9 by 9 grid, so that they match the pixels of the world.

const RIGHT = [
  "....#....",
  "....##...",
  "....###..",
  "########.",
  "#########",
  "########.",
  "....###..",
  "....##...",
  "....#....",
];
const UP_RIGHT = [
  "..#######",
  "...######",
  "....#####",
  "...######",
  "..#######",
  ".#####.##",
  "#####...#",
  ".###.....",
  "..#......",
];
const DOT = Array.from({ length: 9 }, (_, y) => (y > 2 && y < 6 ? "...###..." : "........."));

// Each arrow: a grid, and how many quarter turns clockwise it takes from there.
const ARROWS = {
  "→": [RIGHT, 0], "↓": [RIGHT, 1], "←": [RIGHT, 2], "↑": [RIGHT, 3],
  "↗": [UP_RIGHT, 0], "↘": [UP_RIGHT, 1], "↙": [UP_RIGHT, 2], "↖": [UP_RIGHT, 3],
  "•": [DOT, 0],
};
const SVG = "http://www.w3.org/2000/svg";

/** An SVG of the arrow, or null where there is no such arrow. */
export function arrowGlyph(arrow) {
  if (!(arrow in ARROWS)) return null;
  const [grid, turns] = ARROWS[arrow];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 9 9");
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("transform", `rotate(${90 * turns} 4.5 4.5)`);
  path.setAttribute("d", grid.flatMap((row, y) =>
    [...row].map((cell, x) => (cell === "#" ? `M${x} ${y}h1v1h-1z` : ""))).join(""));
  svg.append(path);
  return svg;
}
