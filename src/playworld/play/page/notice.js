// Something to tell the player beside the game: said aloud, and put away with a click.

const box = document.getElementById("notice");
const [words, action, close] = ["p", "[data-action]", "[data-away]"].map((part) => box.querySelector(part));
let act = null;
let timer = 0;

close.addEventListener("click", () => tell(""));
action.addEventListener("click", () => {
  const chosen = act;
  tell("");
  chosen?.();
});

/**
 * "" says nothing any more. `offer` is `{label, act}`: a button beside the sentence. `seconds`: it
 * passes by itself, as it can be found elsewhere too.
 */
export function tell(sentence, offer = null, seconds = Infinity) {
  clearTimeout(timer);
  if (seconds < Infinity) timer = setTimeout(() => tell(""), 1000 * seconds);
  words.textContent = sentence;
  act = offer?.act ?? null;
  action.hidden = offer === null;
  action.textContent = offer?.label ?? "";
  box.toggleAttribute("data-shown", sentence !== "");
}
