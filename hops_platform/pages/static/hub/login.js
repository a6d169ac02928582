// The login page, both steps: show what was typed as a password, and send the form once.

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
window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
