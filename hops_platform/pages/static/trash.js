// The trash of a project: what was deleted, and the ways back.

import { ago } from "./amounts.js";
import { call, get, page, path } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem } from "./dom.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const project = meta("project");
const url = `${path("projects", project)}/trash`;
const box = byId("trash");
const rows = byId("trash-rows");
const more = byId("more-trash");
const dialog = byId("restore-dialog");
let owner = false;
let asked = null;

async function restore(item, row, body) {
  const { body: there } = await call("POST", `${url}/${path(item.id)}:restore`, { body });
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  empty();
  (next?.querySelector("button") ?? byId("trash-title")).focus();
  announce(`${item.path || item.dataset} is back in ${there.path ? `${there.dataset}/${there.path}` : there.dataset}.`);
}

function rowOf(item) {
  const whole = item.path === "";
  const name = whole ? item.dataset : item.path.split("/").at(-1);
  const button = h("button", { type: "button", class: "hops-button", "aria-label": `Restore ${name}` }, "Restore");
  const row = h("tr", {},
    h("td", {}, h("div", { class: "hops-name-cell" }, h("span", { class: "hops-icon", dataset: { kind: whole ? "folder" : item.kind }, "aria-hidden": "true" }), h("strong", {}, name)),
      h("div", { class: "hops-muted hops-small hops-break" }, whole ? "a whole dataset" : `from ${item.dataset}/${item.path}`)),
    h("td", {}, item.deleted_by),
    h("td", { class: "hops-muted" }, h("time", { datetime: item.deleted_at, title: new Date(item.deleted_at).toLocaleString() }, ago(item.deleted_at))),
    h("td", { class: "hops-actions-cell" }, whole && !owner ? h("span", { class: "hops-muted hops-small" }, "for a Data Owner to restore") : button),
  );
  button.addEventListener("click", async () => {
    clearProblem(box);
    try {
      await busy(button, "Restoring…", () => restore(item, row, {}));
    } catch (error) {
      if (error.status !== 409) return showProblem(box, error);
      // Something is in its place, or its dataset is gone: another place is asked for.
      asked = { item, row };
      open(dialog);
      byId("restore-dataset").value = item.dataset;
      byId("restore-path").value = item.path;
      byId("restore-path-field").hidden = whole;
      showProblem(dialog.querySelector("form"), error);
      byId(whole ? "restore-dataset" : "restore-path").focus();
    }
  });
  return row;
}

onSubmit(dialog.querySelector("form"), "Restoring…", async ({ to, to_dataset: dataset }) => {
  const { item, row } = asked;
  await restore(item, row, { to_dataset: dataset.trim(), ...(item.path ? { to: to.trim() } : {}) });
  dialog.close();
});

byId("empty-trash").addEventListener("click", async () => {
  const done = await confirmed(
    { title: "Empty the trash?", text: "Everything in it is removed for good.", action: "Empty the trash", doing: "Emptying…", danger: true, typed: project },
    () => call("POST", `${url}:empty`, { body: { project } }),
  );
  if (!done) return;
  await load();
  announce("The trash is empty.");
});

function empty() {
  const none = rows.children.length === 0;
  byId("trash-table").hidden = none;
  byId("no-trash").hidden = !none || !more.hidden;
  byId("empty-trash").hidden = !owner || none;
}

async function load(after = null) {
  const answer = await page(url, { after });
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(rowOf));
  rows.setAttribute("aria-busy", "false");
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(box, error));
  empty();
}

await loaded(box, async () => {
  owner = (await get(path("projects", project))).role === "data_owner";
  byId("role-note").hidden = owner;
  await load();
}, () => rows.setAttribute("aria-busy", "false"));
