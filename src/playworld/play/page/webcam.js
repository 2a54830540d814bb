// One picture from the player's camera.

import { withCamera } from "./camera.js";
import { dialog } from "./dialogs.js";

/** Resolves to an ImageBitmap, or null. Throws an Error with a sentence where there is no camera. */
export function askForPhoto() {
  const element = document.getElementById("webcam");
  const video = element.querySelector("video");
  return withCamera(video, async () => {
    let photo = null;
    const answer = await dialog(element, {
      onClose: () => { if (video.videoWidth > 0) photo = createImageBitmap(video); },
    });
    return answer === "use" ? photo : null;
  });
}
