// Full screen: the world alone. Where a browser gives its screen to videos only, it fills the window.

const root = document.documentElement;

export function listenToFullScreen(button, screen) {
  const show = (isFull) => {
    root.toggleAttribute("data-full", isFull);
    button.setAttribute("aria-pressed", String(isFull));
    scrollTo(0, 0);
    screen.fit();
  };
  const toggle = async () => {
    const isFull = !root.hasAttribute("data-full");
    show(isFull);
    try {
      await (isFull ? root.requestFullscreen({ navigationUI: "hide" }) : document.exitFullscreen());
    } catch {
      // refused, or there is no such thing here: the window is filled all the same
    }
  };
  button.addEventListener("click", toggle);
  document.addEventListener("fullscreenchange", () => show(document.fullscreenElement !== null));
  addEventListener("keydown", (event) => {
    const leaves = event.key === "Escape" && root.hasAttribute("data-full") && !document.querySelector("dialog[open]");
    if (leaves) toggle();
  });
  return toggle;
}
