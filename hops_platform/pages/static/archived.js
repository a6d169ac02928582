// My archived projects: to be read, and taken out of the archive on their pages.

import { page, path } from "./api.js";
import { busy, byId, h, ROLES, showProblem, when } from "./dom.js";

const base = document.querySelector('meta[name="hops-base"]').content;
const scope = byId("archived");
const rows = byId("archived-projects");
const more = byId("more-archived");

const row = (project) =>
  h("li", {},
    h("a", { href: `${base}projects/${path(project.name)}` }, h("strong", {}, project.title || project.name)),
    h("div", { class: "hops-muted hops-small" }, h("span", { class: "hops-mono" }, project.name), ` · ${ROLES[project.role] ?? project.role} · archived since `, when(project.archived_at, { dateStyle: "medium" })));

async function load(after = null) {
  const { items, next } = await page("projects", { archived: "true", after, limit: 24 });
  if (after === null) scope.hidden = items.length === 0;
  rows.append(...items.map(row));
  more.hidden = !next;
  more.onclick = () => busy(more, "Loading…", () => load(next)).catch((error) => showProblem(scope, error));
}

// The list of the other projects asks the same of the same service, and says why it does not answer.
load().catch((error) => console.error(error));
