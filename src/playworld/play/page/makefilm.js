// A film from the player's camera.

import { withCamera } from "./camera.js";
import { dialog } from "./dialogs.js";
import { videoType } from "./video.js";

const BITS = 4e6; // a second

/** Resolves to a File, or null. Throws an Error with a sentence where there is no camera. */
export async function recordFilm() {
  if (videoType === undefined) throw new Error("This browser records no video. Add a file that another program recorded.");
  const element = document.getElementById("recorder");
  return withCamera(element.querySelector("video"), (stream) => record(stream, element));
}

async function record(stream, element) {
  const [button, said] = ["#record", ".said"].map((part) => element.querySelector(part));
  const recorder = new MediaRecorder(stream, { mimeType: videoType, videoBitsPerSecond: BITS });
  const parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  let since = 0;
  const clock = setInterval(() => {
    if (since > 0) said.textContent = `${Math.floor((performance.now() - since) / 1000)} seconds`;
  }, 500);
  button.textContent = "Record";
  said.textContent = "";
  const press = () => {
    if (since > 0) return element.close("use");
    since = performance.now();
    recorder.start(1000);
    button.textContent = "Stop and use it";
  };
  button.addEventListener("click", press);
  try {
    if ((await dialog(element)) !== "use") return null;
    await new Promise((resolve) => {
      recorder.addEventListener("stop", resolve, { once: true });
      recorder.stop();
    });
  } finally {
    clearInterval(clock);
    button.removeEventListener("click", press);
  }
  const ending = videoType.startsWith("video/mp4") ? "mp4" : "webm";
  const name = `camera ${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.${ending}`;
  return new File(parts, name, { type: videoType });
}
