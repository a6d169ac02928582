// All projects of the site, for administrators: who owns them, what runs, and their limits.

import { size } from "./amounts.js";
import { call, get, path } from "./api.js";
import { open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem } from "./dom.js";
import { limitFields, limitPairs, limitsTyped } from "./limits.js";

const scope = byId("site");
const rows = byId("site-rows");
const more = byId("more-site");
const dialog = byId("limits-dialog");
let capacity = null;
let edited = null; // where the limits in the dialog belong, their ETag and the pairs of their row
let latest = 0;
let reading = 0;

function names(users, none) {
  return users.length ? users.join(", ") : h("span", { class: "hops-muted" }, none);
}

function row(project) {
  const edit = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Edit limits of ${project.name}` }, "Edit limits");
  const pairs = h("dl", { class: "hops-pairs hops-small" }, limitPairs(project.limits));
  edit.addEventListener("click", async () => {
    clearProblem(scope);
    try {
      await busy(edit, "Reading…", () => openDialog(project, pairs));
    } catch (error) {
      showProblem(scope, error);
    }
  });
  return h(
    "tr",
    {},
    h("td", {}, h("strong", {}, project.title || project.name), h("div", { class: "hops-muted hops-small hops-mono" }, project.name),
      project.archived_at ? h("span", { class: "hops-badge" }, "Archived") : null),
    h("td", {}, names(project.owners, "nobody")),
    h("td", {}, project.running === null ? h("span", { class: "hops-muted" }, "not known: the Hub does not answer") : names(project.running, "none")),
    h("td", {}, storage(project)),
    h("td", {}, topics(project)),
    h("td", {}, h("details", {}, h("summary", {}, `${project.limits.max_executors} executors at most`), pairs)),
    h("td", { class: "hops-actions-cell" }, edit),
  );
}

function storage({ storage_bytes: used, limits }) {
  const most = limits.max_project_storage_mib;
  return most === null ? size(used) : `${size(used)} of ${size(most * 2 ** 20)}`;
}

function topics({ topics: used, limits }) {
  const most = limits.max_project_topics;
  return most === null ? String(used) : `${used} of ${most}`;
}

async function openDialog(project, pairs) {
  const url = project ? `projects/${path(project.name)}/limits` : "site/limits";
  const { body, etag } = await call("GET", url);
  edited = { url, etag, pairs };
  byId("limits-dialog-title").textContent = project ? `Limits of a server in ${project.title || project.name}` : "Limits of projects that have none of their own";
  byId("limit-fields").replaceChildren(...limitFields(body, capacity));
  open(dialog);
}

onSubmit(dialog.querySelector("form"), "Saving…", async (values) => {
  const { url } = edited;
  try {
    const { body } = await call("PUT", url, { body: limitsTyped(values), etag: edited.etag });
    if (edited.pairs) edited.pairs.previousElementSibling.textContent = `${body.max_executors} executors at most`;
    edited.pairs?.replaceChildren(...limitPairs(body));
  } catch (error) {
    // What was typed stays; the row behind the dialog shows the limits of now, and saving again means these.
    if (error.status === 412) {
      const now = await call("GET", url);
      edited.etag = now.etag;
      edited.pairs?.replaceChildren(...limitPairs(now.body));
    }
    throw error;
  }
  dialog.close();
  // Rows of projects without limits of their own show the new ones; and a row that was asked for before the limits were
  // saved, as by a search meanwhile, shows the old ones.
  if (reading > 0 || !edited.pairs?.isConnected) await load();
  announce("The limits are saved. They hold from the next start on.");
});

async function load(after = null) {
  const asked = ++latest;
  const search = byId("site-search").value.trim();
  const query = new URLSearchParams({ limit: "25", ...(search ? { search } : {}), ...(after ? { after } : {}) });
  reading += 1;
  const answer = await get(`site/projects?${query}`).finally(() => (reading -= 1));
  if (asked !== latest) return; // something else was searched for meanwhile
  ({ capacity } = answer);
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(row));
  rows.setAttribute("aria-busy", "false");
  const none = rows.children.length === 0;
  byId("site-table").hidden = none;
  byId("site-empty").hidden = !none;
  byId("site-empty").textContent = search ? `No project has “${search}” in its name or title.` : "There is no project yet.";
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(scope, error));
}

function reload() {
  clearProblem(scope);
  return loaded(scope, load);
}

byId("edit-defaults").addEventListener("click", (event) => {
  clearProblem(scope);
  busy(event.currentTarget, "Reading…", () => openDialog(null, null)).catch((error) => showProblem(scope, error));
});
byId("search-site").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, "Searching…", reload);
});
reload();
