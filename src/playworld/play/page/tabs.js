// Tabs as ARIA describes them: arrows move between them, one panel is seen.

import { tab as memory } from "./memory.js";

export function listenToTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const show = (chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
    memory.remember("tab", chosen.id);
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("mousedown", (event) => event.preventDefault()); // the arrows go on playing
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs.at((tabs.indexOf(document.activeElement) + step) % tabs.length);
    show(next);
    next.focus();
  });
  show(tabs.find((tab) => tab.id === memory.recall("tab")) ?? tabs[0]);
}
