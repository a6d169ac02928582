// A window that Lab has opened.

for (const button of document.querySelectorAll("[data-close-window]")) {
  button.addEventListener("click", () => window.close());
}
