// The pictures that a game can start from: the world's own, and one from the player.

export const UPLOAD = "upload";

export class Gallery {
  /** `onChoose(choice)`: "0", "1", ... or UPLOAD. `onFile(file)`: the player's own picture. */
  constructor(list, input, world, { onChoose, onFile }) {
    Object.assign(this, { list, world, onChoose });
    const zoom = Math.max(0.5, Math.round(64 / world.width)); // crisp: whole pixels, or every second
    list.style.setProperty("--thumb-width", `${world.width * zoom}px`);
    list.style.setProperty("--thumb-height", `${world.height * zoom}px`);
    list.style.setProperty("--thumb-shape", `${world.width} / ${world.height}`);
    world.prompts.forEach((prompt, i) => this.add(String(i), prompt.url.slice(1), `Picture ${prompt.name}`));
    input.addEventListener("change", () => {
      if (input.files.length > 0) onFile(input.files[0]);
      input.value = ""; // the same file again is a choice too
    });
    listenToDrops(onFile);
  }

  add(choice, url, label) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.choice = choice;
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", label);
    const image = document.createElement("img");
    image.src = url;
    image.alt = "";
    button.append(image);
    button.addEventListener("click", () => this.onChoose(choice));
    const item = document.createElement("li");
    item.append(button);
    this.list.append(item);
    return image;
  }

  /** Put the player's picture among the others. */
  showUpload(file) {
    const shown = this.list.querySelector(`[data-choice="${UPLOAD}"] img`);
    if (shown !== null) URL.revokeObjectURL(shown.src);
    const image = shown ?? this.add(UPLOAD, "", "Your picture");
    image.src = URL.createObjectURL(file);
  }

  mark(choice) {
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
    }
  }
}

function listenToDrops(onFile) {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  const body = document.body;
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    body.toggleAttribute("data-dropping", true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) body.toggleAttribute("data-dropping", false);
  });
  addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    body.toggleAttribute("data-dropping", false);
    if (event.dataTransfer.files.length > 0) onFile(event.dataTransfer.files[0]);
  });
}
