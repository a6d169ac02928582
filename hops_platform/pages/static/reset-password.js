// A new password, by a link.

import { call, ProblemError } from "./api.js";
import { byId, h, onSubmit } from "./dom.js";
import { takeToken } from "./link.js";

const token = takeToken();
const form = byId("reset-form");
form.hidden = !token;
byId("no-link").hidden = Boolean(token);
onSubmit(form, "Changing…", async ({ password, again, end_keys: ends }) => {
  if (again !== password) {
    throw new ProblemError({ status: 422, detail: "The password was not typed the same both times.", violations: [{ field: "again", message: "This differs from the new password." }] });
  }
  const { body } = await call("POST", "password-resets:finish", { body: { token, password, end_keys: ends === "on" } });
  const onward = h("a", { href: document.querySelector('meta[name="hops-base"]').content }, "Log in");
  form.replaceWith(h("div", { class: "hops-notice hops-good", role: "status" }, h("strong", {}, `The password of ${body.user} is changed.`), h("span", {}, "All log-ins and tokens of before have ended."), onward));
  onward.focus();
});
