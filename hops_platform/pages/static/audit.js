// The audit of a project or of the site: who did what to which thing; filtered, and as a file.

import { get, path, save } from "./api.js";
import { announce, busy, byId, clearProblem, h, loaded, showProblem, when, words } from "./dom.js";

const project = document.querySelector('meta[name="hops-project"]').content;
const url = project ? `projects/${path(project)}/audit-events` : "audit-events";
const scope = byId("audit");
const rows = byId("audit-rows");
const more = byId("more-audit");
const form = byId("audit-filters");
const KINDS = { project_user: "code in a project", service: "the platform", machine: "command line", anyone: "not known" };
const TONES = { done: "good", refused: "warn", failed: "bad" };
let shown = new URLSearchParams(); // the filters of the rows that are shown
let latest = 0;

function filters() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value === "") continue;
    // What is typed is the reader's own time.
    query.set(name, name === "from" || name === "to" ? new Date(value).toISOString() : value);
  }
  return query;
}

function details(found) {
  const told = Object.entries(found).map(([name, value]) => `${words(name)}: ${Array.isArray(value) ? value.join(", ") : value}`);
  return told.length ? h("div", { class: "hops-muted hops-small hops-break" }, told.join("; ")) : null;
}

function row(one) {
  const kind = KINDS[one.actor_kind];
  return h(
    "tr",
    { dataset: { number: one.number } },
    h("td", {}, when(one.moment, { dateStyle: "medium", timeStyle: "medium" }), h("div", { class: "hops-muted hops-small" }, `Row ${one.number}`)),
    h("td", {}, one.actor ? h("strong", { class: "hops-name" }, one.actor) : null, kind ? h("div", { class: "hops-muted hops-small" }, kind) : null),
    h("td", {}, h("span", { class: "hops-mono" }, one.action), h("div", { class: "hops-break" }, one.thing),
      one.project && !project ? h("div", { class: "hops-muted hops-small" }, `in ${one.project}`) : null, details(one.details)),
    h("td", {}, h("span", { class: "hops-badge", "data-tone": TONES[one.outcome] }, words(one.outcome)), one.reason ? h("div", { class: "hops-small hops-break" }, one.reason) : null),
    h("td", { class: "hops-mono" }, one.source),
  );
}

async function load(after = null) {
  const asked = ++latest;
  if (after === null) shown = filters();
  const answer = await get(`${url}?${new URLSearchParams([...shown, ["limit", "50"], ...(after ? [["after", after]] : [])])}`);
  if (asked !== latest) return; // other filters were chosen meanwhile
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(row));
  rows.setAttribute("aria-busy", "false");
  const none = rows.children.length === 0;
  byId("audit-table").hidden = none;
  byId("audit-empty").hidden = !none;
  byId("audit-empty").textContent = "There is no such row.";
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(scope, error));
}

function reload() {
  clearProblem(scope);
  return loaded(scope, load, () => (byId("audit-empty").hidden = true));
}

for (const as of ["csv", "jsonl"]) {
  const button = byId(`export-${as}`);
  button.addEventListener("click", () => {
    clearProblem(scope);
    const name = `${project ? `audit-${project}` : "audit"}.${as}`;
    busy(button, "Exporting…", () => save(`${url}:export?${new URLSearchParams([...shown, ["as", as]])}`, name)).catch((error) => showProblem(scope, error));
  });
}

byId("verify")?.addEventListener("click", (event) => {
  clearProblem(scope);
  busy(event.currentTarget, "Verifying…", async () => {
    const found = await get("audit-events:verify");
    announce(found.whole ? `All ${found.rows} rows are good.` : `${found.problem} The ${found.rows} rows before are good.`, found.whole ? "good" : "bad");
  }).catch((error) => showProblem(scope, error));
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, "Reading…", reload);
});
reload();
