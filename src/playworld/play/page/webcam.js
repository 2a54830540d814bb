// One picture from the player's camera.

import { dialog } from "./dialogs.js";

/** Resolves to an ImageBitmap, or null. Throws an Error with a sentence where there is no camera. */
export async function askForPhoto() {
  if (navigator.mediaDevices === undefined) {
    throw new Error("A browser gives its camera only to pages at localhost or over https.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    throw new Error(error.name === "NotFoundError" ? "No camera was found." : "The browser did not give the camera to the page.");
  }
  const element = document.getElementById("webcam");
  const video = element.querySelector("video");
  video.srcObject = stream;
  let photo = null;
  try {
    const answer = await dialog(element, {
      onClose: () => { if (video.videoWidth > 0) photo = createImageBitmap(video); },
    });
    return answer === "use" ? await photo : null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
