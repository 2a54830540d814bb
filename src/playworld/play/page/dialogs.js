// The browser's own dialogs, awaited: they keep the keyboard inside, and Escape closes them.

/** Show a <dialog>; resolves to the value of the button that closed it, "" where none did. */
export function dialog(element, { onClose = () => {} } = {}) {
  return new Promise((resolve) => {
    element.returnValue = "";
    element.showModal();
    element.addEventListener("close", () => {
      onClose();
      resolve(element.returnValue);
    }, { once: true });
  });
}

// A <form method="dialog"> would need a content security policy that allows forms.
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close(button.dataset.close));
}
