// The account: the password, and the example with this site's address.

import { call, get, ProblemError } from "./api.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem } from "./dom.js";

for (const place of document.querySelectorAll("[data-origin]")) place.textContent = window.location.origin;

const form = document.getElementById("password-form");
// Whose password is kept elsewhere has none to change here.
if (form) onSubmit(form, "Changing…", async ({ again, ...body }) => {
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
  // This browser's log-in was made with the old password, and ends with all others of before.
  const base = document.querySelector('meta[name="hops-base"]').content;
  const onward = h("a", { href: `${base}logout` }, "Log in again");
  const words = "Log in with the new password, and restart the notebook servers that run; their Spark sessions end.";
  byId("must-change")?.remove();
  form.replaceWith(
    h("div", { class: "hops-notice hops-good", role: "status" }, h("strong", {}, "All browsers are logged out, this one too."), h("span", {}, words), onward),
  );
  onward.focus();
  announce("Your password is changed.");
});

// The mail address
const addressForm = byId("address-form");

async function showAddress() {
  const { address, mail } = await get("me/address");
  byId("address-state").textContent = address ? `Yours is ${address}.` : mail ? "You have none." : "This site sends no mail.";
  byId("remove-address").hidden = !address;
  addressForm.hidden = !mail && !address;
}

addressForm?.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearProblem(addressForm);
  const { address, password } = Object.fromEntries(new FormData(addressForm));
  const removes = event.submitter?.value === "remove";
  try {
    await busy(event.submitter ?? byId("remove-address"), "Sending…", () =>
      removes ? call("POST", "me/address:remove", { body: { password } }) : call("PUT", "me/address", { body: { address, password } }),
    );
    addressForm.reset();
    await showAddress();
    announce(removes ? "Your address is removed." : `A link is on its way to ${address}. Open it to confirm the address.`);
  } catch (error) {
    showProblem(addressForm, error);
  }
});
if (addressForm) loaded(byId("address"), showAddress);
