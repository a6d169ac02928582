// The menu behind a person's name: closes with Escape and with a click elsewhere.

const menu = document.querySelector("details.hops-menu");
menu?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});
