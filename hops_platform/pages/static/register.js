// An account: first a link is asked for, then, by the link, the account.

import { call, ProblemError } from "./api.js";
import { byId, h, onSubmit } from "./dom.js";
import { takeToken } from "./link.js";

const token = takeToken();
const ask = byId("ask-form");
const form = byId("register-form");

function done(place, words, more) {
  const note = h("div", { class: "hops-notice hops-good", role: "status", tabindex: "-1" }, h("strong", {}, words), h("span", {}, more));
  place.replaceWith(note);
  note.focus();
}

if (form) {
  ask.hidden = Boolean(token);
  form.hidden = !token;
  onSubmit(ask, "Sending…", async ({ address }) => {
    const { body } = await call("POST", "registrations", { body: { address } });
    done(ask, body.detail, "Open it to go on. It is good for a day.");
  });
  onSubmit(form, "Sending…", async ({ again, ...body }) => {
    if (again !== body.password) {
      throw new ProblemError({ status: 422, detail: "The password was not typed the same both times.", violations: [{ field: "again", message: "This differs from the password." }] });
    }
    await call("POST", "registrations:finish", { body: { ...body, name: body.name.trim(), title: body.title.trim(), token } });
    done(form, "Your registration waits for an administrator.", "You are told by mail when it is decided.");
  });
}
