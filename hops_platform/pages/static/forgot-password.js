// A forgotten password: a link is asked for.

import { call } from "./api.js";
import { byId, h, onSubmit } from "./dom.js";

const form = byId("forgot-form");
if (form) {
  onSubmit(form, "Asking…", async ({ who }) => {
    const { body } = await call("POST", "password-resets", { body: { who } });
    const note = h("div", { class: "hops-notice hops-good", role: "status", tabindex: "-1" }, h("strong", {}, body.detail), h("span", {}, "It is good for an hour. If nothing comes, look among unwanted mail, or ask an administrator."));
    form.replaceWith(note);
    note.focus();
  });
}
