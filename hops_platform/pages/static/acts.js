// Buttons of lists: what they do, and what went wrong.

import { confirmed } from "./dialogs.js";
import { busy, clearProblem, h, showProblem } from "./dom.js";

/** A button that does something with the list it stands in, and shows what went wrong there. */
export function act(scope, words, label, doing, work, style = "") {
  const button = h("button", { type: "button", class: `hops-button ${style}`, "aria-label": label }, words);
  button.addEventListener("click", async () => {
    clearProblem(scope);
    try {
      await busy(button, doing, work);
    } catch (error) {
      showProblem(scope, error);
    }
  });
  return button;
}

/** A button that asks first. */
export function ask(words, label, question, work, after) {
  const button = h("button", { type: "button", class: "hops-button hops-plain", "aria-haspopup": "dialog", "aria-label": label }, words);
  button.addEventListener("click", async () => {
    if (await confirmed(question, work)) await after();
  });
  return button;
}
