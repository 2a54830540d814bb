// Puts the page together: the game, the screen, the film, the pad, and what is behind the tabs.

import { showCard } from "./about.js";
import { listenToControls } from "./controls.js";
import { Drawing } from "./draw.js";
import { engine, isServed } from "./engine.js";
import { Frames } from "./frames.js";
import { Gallery } from "./gallery.js";
import { Game } from "./game.js";
import { Intake } from "./intake.js";
import { Meter } from "./meter.js";
import { tell } from "./notice.js";
import { copyOf } from "./paper.js";
import { Pictures } from "./pictures.js";
import { replayFromLink } from "./replay.js";
import { Roll } from "./roll.js";
import { RollKeys } from "./rollkeys.js";
import { length } from "./saved.js";
import { Screen } from "./screen.js";
import { Settings } from "./settings.js";
import { Share } from "./share.js";
import { showState } from "./state.js";
import { listenToTabs } from "./tabs.js";
import { Time } from "./time.js";

const SMALL = "(max-width: 819px), (max-height: 520px)"; // as in layout.css
const element = (id) => document.getElementById(id);

async function main() {
  listenToTabs(element("tabs"));
  const world = await findWorld();
  if (world === null) return;
  describe(world);
  const page = {};
  const screen = new Screen(element("screen"), world.width, world.height);
  const meter = new Meter(element("rate"), element("delay"), element("count"));
  const pictures = new Pictures(world);
  const game = new Game(engine, world, pictures, {
    film() {
      page.frames.clear();
      page.roll.changed();
      page.time.clear();
      page.share.clear();
      page.gallery.mark(game.chosen);
    },
    resumed() {
      page.share.resume();
    },
    left(record) {
      tell(`The game before is kept: ${length(record)}.`, { label: "Back to it", act: () => game.keeper.restore(record) }, 15);
    },
    remaking(record) {
      tell(`Making your game again: ${length(record)}.`, { label: "Stop here", act: () => game.keeper.end() });
    },
    remade(record, isWhole) {
      const said = isWhole ? "is back" : `stops here; all ${length(record)} are kept under Time`;
      tell(`Your game ${said}.`, null, 6);
    },
    picture(bitmap, node, { frame, isNewest, delay }) {
      page.frames.put(node, bitmap);
      if (!isNewest) return;
      screen.draw(bitmap);
      meter.picture(frame, delay);
      Object.assign(element("screen").dataset, { frame, node });
      page.roll.changed();
    },
    changed() {
      if (page.isReady) showAll();
    },
    problem: tell,
  });
  page.frames = new Frames((node) => engine.frame(node), world.width * world.height, () => {
    page.roll.draw();
    page.time.paint();
    if (page.peeked !== null) peek(page.peeked);
  });
  const peek = (node) => {
    page.peeked = node;
    const picture = game.timeline.length === 0 ? null : page.frames.get(node ?? game.timeline.at);
    if (picture !== null) screen.draw(picture);
    element("stage").toggleAttribute("data-peeking", node !== null);
    element("count").textContent = String(game.timeline.frames[node ?? game.timeline.at] ?? 0);
  };
  page.peeked = null;
  page.roll = new Roll(element("roll"), game.timeline, page.frames, world, {
    onGo: (node) => game.go(node),
    onPeek: peek,
  });
  page.rollKeys = new RollKeys(page.roll, game.timeline, world);
  page.time = new Time(game, page.frames, world);
  page.share = new Share(game, world, (range) => {
    page.roll.range = range;
    page.roll.draw();
  });
  const { pad, keys } = listenToControls(game, world, screen);
  page.settings = new Settings(game, world, keys);
  const most = engine.offers.pictures;
  const onStart = (chosen) => {
    game.start(chosen, page.settings.nextSeed());
    if (matchMedia(SMALL).matches) scrollTo(0, 0); // the screen and the buttons are above the pictures
  };
  const onRemove = (picture) => {
    const restore = pictures.remove(picture, engine);
    tell(`${picture.label} is deleted.`, { label: "Undo", act: () => { restore(); page.gallery.show(); } });
  };
  page.gallery = new Gallery(element("gallery"), element("several"), pictures, world, most, { onStart, onRemove });
  const own = (canvases) => page.gallery.add(canvases.map((canvas) => pictures.add(canvas)));
  new Intake(world, most, { input: element("file"), camera: element("camera"), paste: element("paste") }, own, tell);
  element("about-world").addEventListener("click", showCard);
  const drawing = new Drawing(element("drawing"), world, () => screen.canvas);
  element("draw-one").addEventListener("click", async () => {
    const canvas = await drawing.ask();
    if (canvas !== null) own([canvas]);
  });
  const startHere = () => own([copyOf(screen.canvas)]);
  element("time-here").addEventListener("click", startHere);
  const showAll = () => {
    showState(game, world, { pad, share: page.share, startHere });
    page.time.changed();
    page.share.changed();
    page.settings.changed();
  };
  page.roll.changed(); // the screen has what the film leaves
  screen.fit();
  page.isReady = true;
  game.open(await replayFromLink(game, world, pictures));
  showAll();
}

/** The world, once there is a server where one is needed; null where there is no way in. */
async function findWorld() {
  for (;;) {
    try {
      const world = await engine.world();
      element("note").textContent = "";
      return world;
    } catch (error) {
      if (error.status === 401) location.reload(); // to be asked for the token
      const isRefused = error.status === 403 || !isServed;
      element("note").textContent = isRefused ? error.message : "The server does not answer. Start it: this page tries again.";
      if (isRefused) return null;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

function describe(world) {
  if (isServed) leadElsewhere(world.places);
  for (const [name, text] of Object.entries(engine.offers.says)) {
    Object.assign(document.querySelector(`[data-says=${name}]`), { textContent: text, hidden: false });
  }
  document.title = `${world.name} · Playworld`;
  const facts = [world.name, `${world.width} × ${world.height}`, `${world.fps} frames a second`];
  element("facts").replaceChildren(...facts.map((fact) => {
    const span = document.createElement("span");
    span.textContent = fact;
    return span;
  }));
}

/** Links to the server's other pages; one world has no others, and not every server makes some. */
function leadElsewhere({ worlds, make, buttons }) {
  const isOneOfSeveral = /\/w\/[^/]+\/$/.test(location.pathname);
  element("worlds").hidden = worlds === undefined && !isOneOfSeveral;
  element("make").hidden = make === undefined;
  element("name-buttons").hidden = buttons === undefined;
  if (worlds !== undefined) element("worlds").href = worlds;
  if (make !== undefined) element("make").href = make;
  if (buttons !== undefined) element("name-buttons").href = buttons;
}

main();
