// The login page, both steps: show what was typed as a password, and send the form once.

import { askKey, knowsKeys, whyNot } from "./security-key.js";

const field = document.getElementById("password_input");
const toggle = document.getElementById("show-password");

if (toggle) {
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    toggle.textContent = shown ? "Show" : "Hide";
    toggle.setAttribute("aria-pressed", String(!shown));
    field.focus();
  });
}

document.querySelector("form")?.addEventListener("submit", () => {
  // Browsers keep passwords apart from other text only while the field says that it is one.
  if (field) field.type = "password";
  const button = document.getElementById("login_submit");
  const spinner = document.createElement("span");
  spinner.className = "hops-spinner";
  spinner.setAttribute("aria-hidden", "true");
  button.disabled = true;
  button.replaceChildren(spinner, "Logging in…");
});
const way = document.getElementById("key-way");
if (way && knowsKeys()) {
  way.hidden = false;
  document.getElementById("use-key").addEventListener("click", async () => {
    const problem = document.getElementById("key-problem");
    problem.textContent = "Touch the key…";
    try {
      const answer = await askKey(JSON.parse(way.dataset.options));
      document.getElementById("assertion").value = JSON.stringify(answer);
      const code = document.getElementById("code_input");
      code.required = false;
      code.form.requestSubmit();
    } catch (error) {
      problem.textContent = whyNot(error);
    }
  });
}

window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
