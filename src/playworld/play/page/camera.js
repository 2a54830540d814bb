// The player's camera.

/**
 * Resolves to what `use(stream)` resolves to, while the camera shows in a <video>.
 * Throws an Error with a sentence where there is no camera.
 */
export async function withCamera(video, use) {
  if (navigator.mediaDevices === undefined) {
    throw new Error("A browser gives its camera only to pages at localhost or over https.");
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    throw new Error(error.name === "NotFoundError" ? "No camera was found." : "The browser did not give the camera to the page.");
  }
  const stream = video.srcObject;
  try {
    return await use(stream);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
