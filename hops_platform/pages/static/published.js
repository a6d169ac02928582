// Datasets that are published for everybody here, and adding one to a project of one's own.

import { call, get, page, path } from "./api.js";
import { open } from "./dialogs.js";
import { announce, busy, byId, h, loaded, onSubmit, showProblem } from "./dom.js";

const base = document.querySelector('meta[name="hops-base"]').content;
const only = document.querySelector('meta[name="hops-project"]')?.content ?? "";
const SHOWN = 12;
const box = byId("published");
const rows = byId("published-datasets");
const more = byId("more-published");
const dialog = byId("add-dialog");
let sought = new URLSearchParams(location.search).get("search")?.slice(0, 200) ?? "";
let chosen = null;

/** The projects that one can be added to: the window of a project is for that one alone. */
async function ownProjects() {
  if (only) return [await get(`projects/${path(only)}`)].filter(({ role }) => role === "data_owner");
  const { items } = await page("projects", { limit: 100 });
  return items.filter(({ role }) => role === "data_owner");
}

async function choose(dataset) {
  const having = new Set(dataset.yours);
  const targets = (await ownProjects()).filter((project) => !having.has(project.name));
  chosen = dataset;
  open(dialog);
  byId("add-title").textContent = `Add ${dataset.project}/${dataset.dataset} to a project`;
  byId("add-project").replaceChildren(...targets.map((project) => h("option", { value: project.name }, project.title || project.name)));
  byId("add-none").hidden = targets.length > 0;
  byId("add-fields").hidden = targets.length === 0;
  byId("add-submit").hidden = targets.length === 0;
}

function publishedRow(dataset) {
  const what = `${dataset.project}/${dataset.dataset}`;
  const add = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Add ${what} to a project` }, "Add…");
  add.addEventListener("click", () => busy(add, "Loading…", () => choose(dataset)).catch((error) => showProblem(box, error)));
  return h(
    "li",
    { class: "hops-between" },
    h(
      "div",
      { class: "hops-stack-tight" },
      h("strong", { class: "hops-break" }, what),
      h("span", { class: "hops-muted hops-small" }, [dataset.title, dataset.owners.length ? `Data Owner: ${dataset.owners.join(", ")}` : ""].filter(Boolean).join(" · ")),
      dataset.description ? h("span", { class: "hops-small hops-clamp" }, dataset.description) : null,
      dataset.yours.length
        ? h("span", { class: "hops-small" }, "In your projects: ", dataset.yours.flatMap((name, index) => [index ? ", " : null, h("a", { href: `${base}projects/${path(name)}` }, name)]))
        : null,
    ),
    add,
  );
}

async function find(after = null) {
  const query = new URLSearchParams({ limit: String(SHOWN), search: sought, ...(after ? { after } : {}) });
  const answer = await get(`published-datasets?${query}`);
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(publishedRow));
  byId("none-published").hidden = rows.children.length > 0;
  byId("none-published").textContent = sought ? "No published dataset has this in its name or description." : "No dataset is published here. A Data Owner publishes one on the page of its project.";
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => find(answer.next)).catch((error) => showProblem(box, error));
  return answer.items.length;
}

onSubmit(byId("find-datasets"), "Searching…", async ({ search }) => {
  sought = search.trim();
  const found = await find();
  byId("hops-status").textContent = `${found} found.`;
});

onSubmit(dialog.querySelector("form"), "Adding…", async ({ project, mode }) => {
  const { body } = await call("POST", `projects/${path(project)}/shares`, { body: { project: chosen.project, dataset: chosen.dataset, mode } });
  dialog.close();
  announce(body.state === "accepted" ? `It is at ${body.path} in ${project} now.` : `A Data Owner of ${chosen.project} is asked.`);
  await find();
});

byId("dataset-search").value = sought;
loaded(box, find);
