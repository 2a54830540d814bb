// A film from the player's camera.

import { dialog } from "./dialogs.js";

const KINDS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** Resolves to a File, or null. Throws an Error with a sentence where there is no camera. */
export async function recordFilm() {
  if (navigator.mediaDevices === undefined || window.MediaRecorder === undefined) {
    throw new Error("A browser gives its camera only to pages at localhost or over https.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    throw new Error(error.name === "NotFoundError" ? "No camera was found." : "The browser did not give the camera to the page.");
  }
  const element = document.getElementById("recorder");
  const [video, button, said] = ["video", "#record", ".said"].map((part) => element.querySelector(part));
  const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
  const recorder = new MediaRecorder(stream, { mimeType: kind, videoBitsPerSecond: 4_000_000 });
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
  video.srcObject = stream;
  video.play();
  try {
    const answer = await dialog(element);
    if (answer !== "use") return null;
    await new Promise((resolve) => {
      recorder.addEventListener("stop", resolve, { once: true });
      recorder.stop();
    });
    const ending = kind.startsWith("video/mp4") ? "mp4" : "webm";
    const name = `camera ${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.${ending}`;
    return new File(parts, name, { type: kind });
  } finally {
    clearInterval(clock);
    button.removeEventListener("click", press);
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
