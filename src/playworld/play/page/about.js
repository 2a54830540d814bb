// What the world's makers say of it: its card, which is Markdown and may be a stranger's.

import { dialog } from "./dialogs.js";
import { engine } from "./engine.js";

const LINK = /\[([^\]]+)\]\((https?:[^\s)]+)\)|(https?:[^\s)]+)/; // the rest is shown as it stands

export async function showCard() {
  const element = document.getElementById("about");
  const body = element.querySelector(".card");
  body.replaceChildren();
  const closed = dialog(element);
  try {
    const card = await engine.card();
    body.append(...(card.trim() === "" ? [part("p", "This world brings no description.")] : blocks(card)));
  } catch (error) {
    body.append(part("p", error.message));
  }
  await closed;
}

/** Headings, lists, tables, code and paragraphs, as elements. */
function blocks(card) {
  const text = card.replaceAll("\r", "").replace(/^---\n.*?\n---\n/s, ""); // the Hub's own header
  return text.split(/^```.*$/m).flatMap((stretch, i) => (i % 2 === 1 ? [code(stretch)] : paragraphs(stretch)));
}

function paragraphs(text) {
  return text.split(/\n\s*\n/).filter((block) => block.trim() !== "").map((block) => {
    const lines = block.trim().split("\n");
    if (lines[0].startsWith("#")) return part("h3", lines.join(" ").replace(/^#+\s*/, ""));
    if (lines[0].startsWith("|")) return table(lines);
    if (/^[-*] /.test(lines[0])) return list(block.trim().split(/^[-*] /m).slice(1));
    return part("p", lines.join(" "));
  });
}

function code(text) {
  const element = part("pre", "");
  element.textContent = text.trim();
  element.tabIndex = 0; // it scrolls
  return element;
}

function list(items) {
  const element = document.createElement("ul");
  element.append(...items.map((item) => part("li", item)));
  return element;
}

function table(lines) {
  const rows = lines.filter((line) => !/^[|\s:-]*$/.test(line)).map((line) => line.replace(/^\||\|$/g, "").split("|"));
  const element = document.createElement("table");
  for (const cells of rows) element.insertRow().append(...cells.map((cell) => part("td", cell.trim())));
  return element;
}

/** An element with text in which addresses are links. */
function part(name, text) {
  const element = document.createElement(name);
  for (let rest = text; rest !== "";) {
    const [found, label, target, bare] = rest.match(LINK) ?? [""];
    const before = found === "" ? rest : rest.slice(0, rest.indexOf(found));
    element.append(before.replaceAll(/[`*]{1,2}/g, ""));
    if (found !== "") element.append(link(label ?? bare, target ?? bare));
    rest = rest.slice(before.length + found.length);
  }
  return element;
}

function link(label, target) {
  return Object.assign(document.createElement("a"), { textContent: label, href: target, target: "_blank", rel: "noreferrer" });
}
