// The account: the password, and the example with this site's address.

import { call, ProblemError } from "./api.js";
import { announce, byId, onSubmit } from "./dom.js";

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
  await call("PUT", "me/password", { body });
  form.reset();
  byId("must-change")?.remove();
  announce("Your password is changed.");
});
