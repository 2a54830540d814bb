// A page that was opened by a replay link plays it.

import { Replay } from "./agents.js";
import { tell } from "./notice.js";
import { honestNote, readLink } from "./replaylink.js";

const TOO_MANY = "This link starts from several pictures: open it in a page that playworld play or serve makes.";

/** What to do once the server is there: starts the replay; null where the page's address is no link. */
export async function replayFromLink(game, world, pictures) {
  addEventListener("hashchange", () => location.reload()); // a link opened in this very tab
  let link;
  try {
    link = await readLink(location.hash, world);
    if (link !== null && link.prompt.length > game.engine.offers.pictures) throw new Error(TOO_MANY);
  } catch (error) {
    forgetLink();
    tell(error.message);
    return null;
  }
  if (link === null) return null;
  forgetLink();
  return async () => {
    const kept = game.keeper.saved.left.length > 0 ? " The games before are kept under Time." : "";
    tell(honestNote(link, world, game.engine.build) + kept);
    const prompt = link.prompt.map((name) => pictures.find(name) ?? pictures.add(name));
    game.player.setSampler({ steps: null, temperature: null });
    await game.start(prompt, link.seed);
    game.player.set({ agent: new Replay(link.actions, link.samplers, (sampler) => game.player.setSampler(sampler)) });
  };
}

/** A reload goes on where the game is, rather than play it all again. */
function forgetLink() {
  history.replaceState(null, "", location.pathname + location.search);
}
