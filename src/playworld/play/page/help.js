// What the keys do, as they are now.

import { dialog } from "./dialogs.js";
import { actionName } from "./keys.js";

const FIXED = { "Help": "?", "Leave full screen, close a sheet": "Esc" };

export function showHelp(keys, buttons) {
  const element = document.getElementById("keys-help");
  const named = keys.actions.map((action) => [actionName(action, buttons), keys.label(action, false)]);
  const rows = [...named, ...Object.entries(FIXED)].filter(([, signs]) => signs !== "");
  element.querySelector(".shortcuts").replaceChildren(...rows.map(([name, signs]) => row(name, signs)));
  dialog(element);
}

function row(name, signs) {
  const row = document.createElement("div");
  const [what, which] = ["dt", "dd"].map((part) => document.createElement(part));
  what.textContent = name;
  which.append(...signs.split(" ").map((sign) => Object.assign(document.createElement("kbd"), { textContent: sign })));
  row.append(what, which);
  return row;
}
