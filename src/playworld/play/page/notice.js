// Something to tell the player that does not pass by itself: said aloud, and put away with a click.

const box = document.getElementById("notice");
const [words, action, close] = ["p", "[data-action]", "[data-away]"].map((part) => box.querySelector(part));
let act = null;

close.addEventListener("click", () => tell(""));
action.addEventListener("click", () => {
  const chosen = act;
  tell("");
  chosen?.();
});

/** "" says nothing any more. `offer` is `{label, act}`: a button beside the sentence. */
export function tell(sentence, offer = null) {
  words.textContent = sentence;
  act = offer?.act ?? null;
  action.hidden = offer === null;
  action.textContent = offer?.label ?? "";
  box.toggleAttribute("data-shown", sentence !== "");
}
