// How a world in the making is shown: only what the server says, and what is on its way to it.

const element = (id) => document.getElementById(id);

const STATES = { // in a list, and about one
  videos: ["videos", "Add videos, and they are looked at."],
  reading: ["reading videos", "Its videos are looked at."],
  read: ["not made yet", "Choose the minutes, and make it."],
  training: ["being made", "It is being made."],
  stopped: ["stopped", "It is not finished: go on when you like."],
  ready: ["ready", "It is ready."],
};
const STAGES = {
  "": "Starting",
  ingest: "Cutting the videos into scenes",
  "evaluate the start": "Measuring the world that it starts from",
  tokenizer: "Learning to draw",
  tokens: "Turning the frames into tokens",
  world: "Learning how the world moves",
  evaluate: "Measuring it on videos that it has not seen",
};
const REASONS = {
  static: "nothing moves",
  black: "black",
  duplicate: "there twice",
  short: "too short a scene",
  damaged: "damaged",
};
const ABOUT = "Of your own videos: one game, one street, one robot. A character or a camera that moves is what its buttons are found from. Half an hour makes a good one, a minute something to play.";
const BEFORE = ["videos", "seen", "work", "figures", "minutes", "acts", "others"]; // in the order of the work
const LATER = ["figures", "minutes", "acts", "work", "videos", "seen", "others"]; // what is new comes first
const drawn = new Map(); // what a list was drawn from last: it is drawn anew only where that has changed

/** A new element with text or children. */
function make(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

/** A cell of a table; one that heads a row or a column says so. */
function cell(tag, text, scope) {
  return make(tag, tag === "th" ? { textContent: text, scope } : { textContent: text });
}

function fill(id, from, rows) {
  const key = JSON.stringify(from);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  element(id).replaceChildren(...rows());
}

const bytes = (count) => {
  if (count < 1e6) return `${Math.ceil(count / 1e3)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${Number((count / 1e9).toPrecision(3))} GB`;
};
const share = (part) => `${Math.round(100 * part)}%`;
const time = (seconds) => (seconds < 90 ? `${Math.max(0, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
const decibels = (value) => (value === null ? "–" : value.toFixed(2));
const several = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/** Load the pictures of a world before it is shown: one that is late moves what is below it. */
export async function loadPictures(world) {
  const { frames, scenes } = world?.understood ?? {};
  await Promise.all([
    world?.understood && load("scenes", `${world.name}/sheet?of=${frames}-${scenes}`),
    world?.picture && load("picture", `${world.name}/picture?at=${world.picture}`),
  ]);
}

async function load(id, path) {
  const address = `../api/v1/making/${path}`;
  if (element(id).getAttribute("src") === address) return;
  const picture = element(id).cloneNode();
  picture.src = address;
  await picture.decode().catch(() => {}); // what cannot be shown has its words
  picture.toggleAttribute("data-small", picture.naturalWidth < 800); // its pixels are the world's own
  element(id).replaceWith(picture);
}

/** Every world of this server that was made here, but the one that is shown. */
export function showList({ worlds, folder }, name) {
  const others = worlds.filter((world) => world.name !== name);
  element("others").hidden = others.length === 0;
  element("folder").textContent = folder;
  fill("made", others.map(({ name, title, state }) => [name, title, state]), () =>
    others.map((world) => make("li", {}, make("a", { href: `#${world.name}`, textContent: world.title }), make("span", { textContent: STATES[world.state][0] }))));
}

/** One world, or what a new one needs where it is null; its pictures are there. */
export function show(world, { limits, at_work }, uploads) {
  const state = world?.state ?? "new";
  const isAtWork = state === "reading" || state === "training";
  element("title").textContent = world?.title ?? "Make a world";
  document.title = `${world?.title ?? "Make a world"} · Playworld`;
  element("how").textContent = world === null ? ABOUT : about(world, at_work);
  element("another").hidden = world === null;
  element("name").hidden = world !== null;
  element("drop").hidden = isAtWork || (world?.is_fixed ?? false);
  element("room").textContent = `up to ${bytes(Math.min(limits.video_bytes, limits.room_bytes))} each`;
  arrange(["training", "stopped", "ready"].includes(state) ? LATER : BEFORE);
  showFiles(world, uploads);
  showSeen(world);
  showWork(world);
  showFigures(world);
  showActs(world, uploads.length > 0);
}

function arrange(order) {
  const main = document.querySelector("main");
  if (main.dataset.first === order[0]) return;
  main.dataset.first = order[0];
  main.append(...order.map(element));
}

function about({ name, state, said, is_stopping: isStopping }, atWork) {
  if (isStopping) return "It is saving what it has, and stops.";
  if (said !== "") return `${said[0].toUpperCase()}${said.slice(1)}${/[.!?]$/.test(said) ? "" : "."}`;
  if (atWork !== null && atWork !== name && state !== "ready") return "Another world is being made on this machine: one at a time.";
  return STATES[state][1];
}

function showFiles(world, uploads) {
  const sending = new Map(uploads.map((upload) => [upload.name, upload]));
  const there = (world?.files ?? []).filter((file) => file.whole || !sending.has(file.name));
  const isFixed = world === null || world.is_fixed || world.progress !== null;
  const rows = [
    ...there.map((file) => [file.name, bytes(file.bytes), null, !file.whole, !isFixed]),
    ...uploads.map(({ name, file, sent }) => [name, `${bytes(sent)} of ${bytes(file.size)}`, sent / file.size, false, true]),
  ];
  element("videos").hidden = rows.length === 0 && element("drop").hidden;
  fill("files", rows, () => rows.map(([name, size, sent, isCut, canGo]) => {
    const row = make("li", {}, make("span", { className: "file", textContent: name, title: name }), make("span", { className: "size", textContent: isCut ? `${size}, not all of it` : size }));
    if (canGo) {
      const remove = make("button", { type: "button", textContent: "×", title: `Take ${name} out` });
      remove.setAttribute("aria-label", remove.title);
      remove.dataset.remove = name;
      row.append(remove);
    } else row.append(make("span"));
    if (sent !== null) {
      const bar = make("progress", { max: 1, value: sent });
      bar.setAttribute("aria-label", `${name} on its way`);
      row.append(bar);
    }
    return row;
  }));
}

function leftOut(frames, fps) {
  return Object.entries(frames).map(([reason, count]) => `${(count / fps).toFixed(1)} s ${REASONS[reason] ?? reason}`).join(", ");
}

function showSeen(world) {
  const seen = world?.understood ?? null;
  element("seen").hidden = seen === null;
  if (seen === null) return;
  const [used, unused] = seen.files;
  element("seen-facts").textContent = `${several(used, "file")} of ${used + unused} used: ${several(seen.scenes, "scene")}, ${several(seen.frames, "frame")}, ${time(seen.seconds)} at ${seen.fps} frames a second.`;
  const out = leftOut(seen.left_out, seen.fps);
  const notes = [
    ...(out === "" ? [] : [`Left out: ${out}.`]),
    ...(seen.seconds < 60 ? ["This is less than a minute of video: it will play, and know little. More makes it better."] : []),
    ...seen.warnings,
    ...seen.unused.map(({ name, reason }) => `${name}: ${reason}`),
  ];
  fill("seen-notes", notes, () => notes.map((note) => make("li", { textContent: note })));
  const body = element("seen-files").querySelector("tbody");
  body.replaceChildren(...seen.used.map((file) => make("tr", {},
    ...[file.name, file.scenes, file.seconds.toFixed(1), leftOut(file.left_out, seen.fps)].map((text) => make("td", { textContent: text })))));
}

function showWork(world) {
  const progress = world?.progress ?? null;
  const hasPicture = Boolean(world?.picture);
  element("work").hidden = progress === null && !hasPicture;
  for (const id of ["bar", "work-facts", "work-note"]) element(id).hidden = progress === null;
  element("work-title").textContent = progress === null ? "What it makes of its videos" : STAGES[progress.stage] ?? progress.stage;
  element("drawn").hidden = !hasPicture;
  if (progress === null) return;
  const whole = 60 * world.minutes;
  const isTraining = world.state === "training";
  const part = isTraining ? progress.seconds / whole : progress.of > 0 ? progress.done / progress.of : 0;
  element("bar").value = Math.min(part, 1);
  const facts = isTraining
    ? [share(Math.min(part, 1)), whole > progress.seconds ? `${time(whole - progress.seconds)} left` : "nearly done"]
    : [progress.of > 0 ? share(part) : "", time(progress.seconds)];
  if (isTraining && progress.of > 0) facts.push(`${progress.done.toLocaleString("en")} of ${progress.of.toLocaleString("en")}`);
  element("work-facts").textContent = [...facts, progress.note].filter(Boolean).join(", ");
}

function showFigures(world) {
  const figures = world?.figures ?? null;
  element("figures").hidden = figures === null;
  if (figures === null) return;
  fill("figures-table", figures, () => {
    const head = ["generated frame", ...figures.frames.map(({ frame }) => frame)];
    const row = (title, key) => [title, ...figures.frames.map((frame) => decibels(frame[key]))];
    const rows = [
      row("this world, PSNR in dB", "psnr"),
      row("a copy of the last frame", "copy"),
      row("this world, where the picture moves", "moving"),
      row("a copy, where it moves", "moving_copy"),
    ];
    const line = (tag, cells) => make("tr", {}, ...cells.map((text, i) => cell(i === 0 ? "th" : tag, text, tag === "th" && i > 0 ? "col" : "row")));
    return [make("thead", {}, line("th", head)), make("tbody", {}, ...rows.map((cells) => line("td", cells)))];
  });
  const works = figures.works === "" ? "" : `; ${figures.works}`;
  const done = figures.done === "" ? "" : `${figures.done[0].toUpperCase()}${figures.done.slice(1)}. `;
  const answers = figures.answers ? "" : " Nothing shows yet that it answers its buttons: more minutes, or more video in which something moves, help.";
  element("figures-facts").textContent = `${done}Its buttons change frame 4 by ${decibels(figures.delta[0])} dB, at least ${decibels(figures.delta[1])}${works}.${answers}`;
  element("printed").textContent = figures.printed;
}

function showActs(world, isSending) {
  const state = world?.state ?? "new";
  const play = element("play");
  play.hidden = !world?.is_playable;
  play.href = `../w/${world?.name}/`;
  play.textContent = state === "training" ? "Play the newest state" : "Play it";
  element("name-buttons").hidden = state !== "ready";
  element("name-buttons").href = `../buttons/${world?.name}/`;
  const hasVideo = (world?.files ?? []).some((file) => file.whole);
  const start = element("start");
  start.hidden = isSending || !["read", "stopped", "ready"].includes(state);
  Object.assign(start.dataset, { before: state === "read" ? 0 : world?.minutes ?? 0, more: state === "ready" ? "1" : "" });
  start.textContent = { stopped: "Go on", ready: "Train it further" }[state] ?? "Make it";
  start.classList.toggle("strong", state !== "ready");
  element("minutes").hidden = start.hidden || state === "stopped";
  element("side").hidden = state !== "read";
  element("minutes-title").textContent = state === "ready" ? "How much longer it may take" : "How long it may take";
  element("read").hidden = isSending || state !== "videos" || !hasVideo;
  element("stop").hidden = world?.progress === null || world === null;
  element("stop").disabled = world?.is_stopping ?? false;
  element("delete").hidden = world === null;
}
