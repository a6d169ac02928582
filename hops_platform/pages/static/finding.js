// Projects that one is not in: those that everybody may find, and deleted ones that can be restored.

import { call, get, page, path } from "./api.js";
import { confirmed } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem, when } from "./dom.js";

const base = document.querySelector('meta[name="hops-base"]').content;
const LISTED = 12;

// Finding
const finding = byId("finding");
const rows = byId("listed-projects");
const more = byId("more-listed");
let sought = "";

function action(project) {
  const title = project.title || project.name;
  const url = `listed-projects/${path(project.name)}/join-request`;
  // What `work` answers takes the row's place.
  const button = (words, label, doing, work) => {
    const made = h("button", { type: "button", class: "hops-button", "aria-label": label }, words);
    made.addEventListener("click", async () => {
      clearProblem(finding);
      try {
        const row = listedRow(await busy(made, doing, work));
        made.closest("li").replaceWith(row);
        row.querySelector("button, a")?.focus();
      } catch (error) {
        showProblem(finding, error);
      }
    });
    return made;
  };
  switch (project.standing) {
    case "member":
      return h("a", { class: "hops-button hops-plain", href: `${base}projects/${path(project.name)}` }, "You are a member");
    case "declined":
      return h("span", { class: "hops-muted hops-small" }, "Your request was declined");
    case "asked":
      return button("Take request back", `Take back the request to join ${title}`, "Taking back…", async () => {
        await call("DELETE", url);
        announce("Your request is taken back.");
        return { ...project, standing: "none" };
      });
    default:
      return button("Ask to join", `Ask to join ${title}`, "Asking…", async () => {
        const { body } = await call("POST", url, { body: {} });
        announce(`You asked to join ${title}. Its Data Owners will answer.`);
        return body;
      });
  }
}

function listedRow(project) {
  const owners = project.owners.join(", ");
  return h(
    "li",
    { class: "hops-between" },
    h(
      "div",
      { class: "hops-stack-tight" },
      h("strong", {}, project.title || project.name),
      h("span", { class: "hops-muted hops-small" }, h("span", { class: "hops-mono" }, project.name), owners ? ` · Data Owner: ${owners}` : ""),
      project.description ? h("span", { class: "hops-small hops-clamp" }, project.description) : null,
    ),
    action(project),
  );
}

async function find(after = null) {
  const query = new URLSearchParams({ limit: String(LISTED), search: sought, ...(after ? { after } : {}) });
  const answer = await get(`listed-projects?${query}`);
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(listedRow));
  const none = rows.children.length === 0;
  byId("none-listed").hidden = !none;
  byId("none-listed").textContent = sought
    ? "No project that is listed has this in its name, title or description."
    : "No project is listed here. A Data Owner lists one under Edit on its page; others add you by your user name.";
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => find(answer.next)).catch((error) => showProblem(finding, error));
  return answer.items.length;
}

onSubmit(byId("find-projects"), "Searching…", async ({ search }) => {
  sought = search.trim();
  const found = await find();
  byId("hops-status").textContent = `${found} found.`;
});

// Deleted
const deleted = byId("deleted");

async function loadDeleted() {
  const { items } = await page("deleted-projects", { limit: 100 });
  deleted.hidden = items.length === 0;
  byId("deleted-projects").replaceChildren(...items.map(deletedRow));
}

function deletedRow(project) {
  const title = project.title || project.name;
  const url = `deleted-projects/${path(project.name)}`;
  const restore = h("button", { type: "button", class: "hops-button", "aria-label": `Restore ${title}` }, "Restore");
  restore.addEventListener("click", async () => {
    try {
      clearProblem(deleted);
      await busy(restore, "Restoring…", () => call("POST", `${url}:restore`));
      window.location.assign(`${base}projects/${path(project.name)}`);
    } catch (error) {
      showProblem(deleted, error);
    }
  });
  const purge = h("button", { type: "button", class: "hops-button hops-plain hops-danger", "aria-haspopup": "dialog", "aria-label": `Delete for good: ${title}` }, "Delete for good…");
  purge.addEventListener("click", async () => {
    const done = await confirmed(
      {
        title: `Delete ${title} for good?`,
        text: "Nobody here can restore it then. Its name becomes free, and its files go to the platform's trash, which administrators look after.",
        action: "Delete for good",
        doing: "Deleting…",
        danger: true,
        typed: project.name,
      },
      () => call("DELETE", url, { body: { name: project.name } }),
    );
    if (!done) return;
    announce(`${title} is deleted for good.`);
    await loadDeleted();
  });
  return h(
    "li",
    { class: "hops-between" },
    h(
      "div",
      { class: "hops-stack-tight" },
      h("strong", {}, title),
      h("span", { class: "hops-muted hops-small" }, h("span", { class: "hops-mono" }, project.name), " · can be restored until ", when(project.kept_until)),
    ),
    h("div", { class: "hops-row" }, restore, purge),
  );
}

loaded(finding, find);
loaded(deleted, loadDeleted, () => (deleted.hidden = false));
