// My projects: each with my role and my server, and the dialog that creates one.

import { call, idempotencyKey, page, path } from "./api.js";
import { open } from "./dialogs.js";
import { busy, byId, clearProblem, h, loaded, onSubmit, ROLES, showProblem } from "./dom.js";
import { watchServer } from "./server.js";
import { isSlug, slugOf } from "./slug.js";

const base = document.querySelector('meta[name="hops-base"]').content;
const PAGE = 24;
const list = byId("projects");
const more = byId("more-projects");

function card(project) {
  const title = project.title || project.name;
  const state = h("span", { role: "status" });
  const actions = h("div", { class: "hops-row hops-actions" });
  const item = h(
    "li",
    { class: "hops-card hops-project" },
    h(
      "div",
      { class: "hops-project-head" },
      h("div", { class: "hops-stack-tight" },
        h("h2", {}, h("a", { href: `${base}projects/${path(project.name)}` }, title)),
        h("p", { class: "hops-row hops-small hops-muted" }, h("span", { class: "hops-mono" }, project.name),
          project.role ? h("span", { class: "hops-badge" }, ROLES[project.role] ?? project.role) : null)),
      state,
    ),
    project.description ? h("p", { class: "hops-muted hops-clamp" }, project.description) : null,
    h("div", { dataset: { problemBox: "" }, tabindex: "-1" }),
    actions,
    h("p", { class: "hops-small" }, h("a", { href: `${base}projects/${path(project.name)}#datasets`, "aria-label": `Datasets of ${title}` }, "Datasets")),
  );
  return { item, watch: () => watchServer({ project: project.name, title, state, actions, scope: item }) };
}

async function load(after = null) {
  const answer = await page("projects", { after, limit: PAGE });
  const cards = answer.items.map(card);
  if (after === null) list.replaceChildren();
  list.append(...cards.map(({ item }) => item));
  for (const { watch } of cards) watch();
  list.setAttribute("aria-busy", "false");
  const none = list.children.length === 0;
  byId("no-projects").hidden = !none;
  byId("create-project").hidden = none;
  list.hidden = none;
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(byId("home"), error));
  return cards;
}

// Creating
const dialog = byId("create-dialog");
const form = byId("create-form");
const title = byId("project-title");
const name = byId("project-name");
const hint = byId("project-name-hint");
const rule = hint.textContent;
let nameIsTyped = false;
let key = idempotencyKey();

function showPath() {
  hint.textContent = isSlug(name.value) ? `${rule} Files will lie in /Projects/${name.value}/.` : rule;
}

function openDialog() {
  nameIsTyped = false;
  key = idempotencyKey();
  open(dialog);
  showPath();
}

title.addEventListener("input", () => {
  if (!nameIsTyped) name.value = slugOf(title.value);
  showPath();
});
name.addEventListener("input", () => {
  nameIsTyped = name.value !== "";
  showPath();
});
form.addEventListener("change", () => (key = idempotencyKey()));
byId("create-project").addEventListener("click", openDialog);
byId("create-first").addEventListener("click", openDialog);
onSubmit(form, "Creating…", async (values) => {
  const { body } = await call("POST", "projects", { body: { ...values, title: values.title.trim(), name: values.name.trim() }, key });
  window.location.assign(`${base}projects/${path(body.name)}`);
});

clearProblem(byId("home"));
loaded(byId("home"), load, () => (list.hidden = true));
