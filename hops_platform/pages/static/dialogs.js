// Dialogs: the browser's own <dialog>, which keeps the focus inside and closes with Escape.

import { busy, clearProblem, h, showProblem } from "./dom.js";

/**
 * Asks before something that can't be taken back, and does it while the dialog shows the progress.
 * @param {{title: string, text: string, action: string, doing: string, danger?: boolean, typed?: string}} question
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} whether it was done
 */
export function confirmed({ title, text, action, doing, danger = false, typed = "" }, work) {
  const input = typed
    ? h("input", { id: "confirm-typed", type: "text", autocomplete: "off", spellcheck: "false", maxlength: 64 })
    : null;
  const yes = h("button", { type: "submit", class: `hops-button hops-primary ${danger ? "hops-danger" : ""}` }, action);
  const no = h("button", { type: "button", class: "hops-button" }, "Cancel");
  const form = h(
    "form",
    { class: "hops-stack" },
    h("h2", { id: "confirm-title" }, title),
    h("p", {}, text),
    h("div", { dataset: { problemBox: "" }, tabindex: "-1" }),
    typed
      ? h("div", { class: "hops-field" }, h("label", { for: "confirm-typed" }, "Type ", h("code", {}, typed), " to confirm"), input)
      : null,
    h("div", { class: "hops-row hops-end" }, no, yes),
  );
  const dialog = h("dialog", { class: "hops-dialog", "aria-labelledby": "confirm-title" }, form);
  document.body.append(dialog);
  const allow = () => (yes.disabled = typed !== "" && input.value.trim() !== typed);
  allow();
  input?.addEventListener("input", allow);
  let done = false;
  no.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearProblem(form);
    try {
      await busy(yes, doing, work);
      done = true;
      dialog.close();
    } catch (error) {
      showProblem(form, error);
    }
  });
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    dialog.showModal();
  });
}

/** Opens a dialog of the page with a clean form. */
export function open(dialog) {
  const form = dialog.querySelector("form");
  form.reset();
  clearProblem(form);
  dialog.showModal();
}

for (const button of document.querySelectorAll("[data-close-dialog]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
