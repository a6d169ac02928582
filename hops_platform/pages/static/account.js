// The account: the password, and the example with this site's address.

import { call, ProblemError } from "./api.js";
import { announce, byId, h, onSubmit } from "./dom.js";

for (const place of document.querySelectorAll("[data-origin]")) place.textContent = window.location.origin;

const form = byId("password-form");
onSubmit(form, "Changing…", async ({ again, ...body }) => {
  if (again !== body.new_password) {
    throw new ProblemError({
      status: 422,
      detail: "The new password was not typed the same both times.",
      violations: [{ field: "again", message: "This differs from the new password." }],
    });
  }
  try {
    await call("PUT", "me/password", { body });
  } catch (error) {
    if (error.problem?.type !== "urn:hopslab:problem:wrong-credentials") throw error;
    // The answer is worded for a log-in; here the person is logged in and only one field can be wrong.
    throw new ProblemError({
      ...error.problem,
      detail: "The password was not changed.",
      violations: [{ field: "old_password", message: "This is not your present password." }],
    });
  }
  form.reset();
  const onward = h("a", { href: document.querySelector('meta[name="hops-base"]').content }, "Go to my projects");
  byId("must-change")?.replaceWith(h("div", { class: "hops-notice hops-good" }, h("strong", {}, "All is open to you now."), onward));
  if (onward.isConnected) onward.focus();
  announce("Your password is changed.");
});
