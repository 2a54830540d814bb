// The page that makes worlds: what the server says of one, and what can be done with it.

import { ask } from "./api.js";
import { dialog } from "./dialogs.js";
import { recordFilm } from "./makefilm.js";
import { dropped, maybeVideo, Uploads } from "./makeuploads.js";
import { loadPictures, show, showList } from "./makeview.js";

const API = "../api/v1/making";
const SOON = 1500; // milliseconds, while something is at work
const LATER = 10_000;
const element = (id) => document.getElementById(id);

let limits = { slice_bytes: 1_000_000 };
let timer = 0;
let chosenFor = "";
let round = 0; // of looks: an older answer is dropped
const name = () => decodeURIComponent(location.hash.slice(1));

const uploads = new Uploads({
  onChange: () => look(LATER),
  onProblem: say,
  onDone: (world) => act(`${world}/read`),
});

function say(sentence, isWrong = true) {
  element("said").textContent = sentence;
  element("said").toggleAttribute("data-wrong", isWrong && sentence !== "");
}

async function json(path, options) {
  try {
    return await (await ask(`${API}${path}`, options)).json();
  } catch (error) {
    if (error.status === 401) location.reload(); // to be asked for the token
    throw error;
  }
}

/** Ask the server how things are, and show it; the next time after `pause`. */
async function look(pause) {
  clearTimeout(timer);
  const mine = (round += 1);
  let next = pause ?? LATER;
  try {
    const all = await json("");
    limits = all.limits;
    const one = name() === "" ? null : await json(`/${encodeURIComponent(name())}`);
    await loadPictures(one);
    if (mine !== round) return;
    if (one !== null && name() !== chosenFor) choose(one);
    show(one, all, uploads.of(name()));
    showList(all, name());
    if (one?.progress) next = SOON;
  } catch (error) {
    if (mine !== round) return;
    if (error.status === 404 && name() !== "") location.hash = "";
    else say(error.message);
  }
  timer = setTimeout(look, next);
}

/** What a world was given before: minutes, and whether it has gravity. */
function choose({ name, minutes, gravity }) {
  chosenFor = name;
  element("gravity").checked = gravity;
  if (minutes === null) return;
  const usual = document.querySelector(`[name=minutes][value="${minutes}"]`);
  (usual ?? document.querySelector("[name=minutes][value=own]")).checked = true;
  if (usual === null) element("own-minutes").value = minutes;
}

/** Ask for something; the page then shows what came of it. */
async function act(path, method = "POST") {
  say("");
  try {
    await ask(`${API}/${path}`, { method });
  } catch (error) {
    say(error.message);
  }
  await look();
}

/** Send files to the world that is shown, or to a new one. */
async function take(files) {
  const videos = files.filter(({ file }) => maybeVideo(file));
  const others = files.length - videos.length;
  say(others > 0 ? `${others} of ${files.length} files are no videos and stay where they are.` : "", false);
  if (videos.length === 0) return;
  try {
    if (name() === "") {
      const title = new URLSearchParams({ title: element("name-text").value });
      const made = await json(`?${title}`, { method: "POST" });
      history.pushState(null, "", `#${made.name}`); // no hashchange, which would clear what was said
    }
    uploads.add(name(), videos, limits.slice_bytes);
  } catch (error) {
    say(error.message);
  }
}

function fromInput(input) {
  input.addEventListener("change", () => {
    const files = [...input.files].map((file) => ({
      file,
      name: (file.webkitRelativePath || file.name).replaceAll("/", " - "),
    }));
    input.value = ""; // the same file again is a choice too
    take(files);
  });
}

function listenToDrops() {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files") && !element("drop").hidden;
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    document.body.toggleAttribute("data-dropping", true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.toggleAttribute("data-dropping", false);
  });
  addEventListener("drop", async (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    document.body.toggleAttribute("data-dropping", false);
    take(await dropped(event.dataTransfer));
  });
}

function minutes() {
  const chosen = document.querySelector("[name=minutes]:checked").value;
  return chosen === "own" ? Number(element("own-minutes").value) : Number(chosen);
}

function listenToButtons() {
  element("camera").addEventListener("click", async () => {
    try {
      const file = await recordFilm();
      if (file !== null) take([{ file, name: file.name }]);
    } catch (error) {
      say(error.message);
    }
  });
  element("own-minutes").addEventListener("focus", () => {
    document.querySelector("[name=minutes][value=own]").checked = true;
  });
  element("minutes").addEventListener("submit", (event) => event.preventDefault());
  element("start").addEventListener("click", () => {
    const before = Number(element("start").dataset.before);
    const more = Number(element("start").dataset.more);
    const all = before > 0 && !more ? before : before + minutes();
    act(`${name()}/train?${new URLSearchParams({ minutes: all, gravity: element("gravity").checked })}`);
  });
  element("read").addEventListener("click", () => act(`${name()}/read`));
  element("stop").addEventListener("click", () => act(`${name()}/stop`));
  element("delete").addEventListener("click", async () => {
    if ((await dialog(element("sure"))) !== "delete") return;
    const gone = name();
    for (const upload of uploads.of(gone)) uploads.cancel(gone, upload.name);
    location.hash = "";
    await act(gone, "DELETE");
  });
  element("files").addEventListener("click", ({ target }) => {
    const file = target.closest("[data-remove]")?.dataset.remove;
    if (file === undefined) return;
    if (uploads.of(name()).some((upload) => upload.name === file)) uploads.cancel(name(), file);
    else act(`${name()}/video?${new URLSearchParams({ file })}`, "DELETE");
  });
}

for (const id of ["pick", "pick-folder"]) fromInput(element(id));
listenToDrops();
listenToButtons();
addEventListener("hashchange", () => {
  say("");
  look();
});
addEventListener("beforeunload", (event) => {
  if (uploads.waiting.length > 0) event.preventDefault();
});
look();
