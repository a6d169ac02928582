// One project: what it is, who is in it, what it may use, and my server.

import { call, get, idempotencyKey, path } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, ROLES, showProblem, when } from "./dom.js";
import { limitFields, limitPairs, limitsTyped, mib } from "./limits.js";
import { archive, showActivity, showArchived, showServices, showUse } from "./life.js";
import { watchInvitations } from "./inviting.js";
import { suggestUsers, watchRequests } from "./joining.js";
import { fill } from "./more.js";
import { watchServer } from "./server.js";
import { showTopics } from "./topics.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const me = meta("user");
const isAdmin = meta("admin") !== "";
const name = meta("project");
const url = `projects/${path(name)}`;
const networkRule = meta("network");
const keptDays = Number(meta("kept-days"));
const scope = byId("project");
let project = null;
let etag = null;
let server = null;

const many = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;

/** What code reaches from the next start on: what the site says for all, or the project's own setting. */
const network = () => (networkRule === "project" ? project.network : networkRule);

// What it is
function showProject() {
  const title = project.title || project.name;
  document.title = `${title} · HopsLab`;
  byId("title").textContent = title;
  byId("description").textContent = project.description;
  byId("created").replaceChildren("since ", when(project.created_at, { dateStyle: "medium" }), project.listed ? " · listed for everybody here" : "", network() === "open" ? " · open network" : "");
  byId("role").textContent = ROLES[project.role] ?? "Administrator, not a member";
  byId("role").hidden = false;
  const owner = project.role === "data_owner";
  byId("project-actions").replaceChildren(
    ...(owner ? [
      h("a", { class: "hops-button", href: `${meta("base")}projects/${path(name)}/audit` }, "Audit"),
      ...(project.archived_at ? [] : [
        h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", onclick: editProject }, "Edit"),
        h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", onclick: () => archive(url, project, changedWhole) }, "Archive…"),
      ]),
      h("button", { type: "button", class: "hops-button hops-danger", "aria-haspopup": "dialog", onclick: deleteProject }, "Delete…"),
    ] : []),
  );
  const mayEdit = owner && !project.archived_at;
  byId("add-member").hidden = !mayEdit;
  byId("create-dataset").hidden = !mayEdit;
  showArchived({ url, project, mayEdit: owner, changed: changedWhole });
  showServices({ url, project, mayEdit, tag: () => etag, changed: changedWhole });
  byId("edit-limits").hidden = !isAdmin;
}

// So much of the page follows from it that all is shown anew.
function changedWhole(answer) {
  ({ body: project, etag } = answer);
  showProject();
  showServer();
  loadMembers();
  loadTopics();
  if (project.role) showActivity(url);
}

function editProject() {
  const dialog = byId("edit-dialog");
  open(dialog);
  byId("edit-project-title").value = project.title;
  byId("edit-description").value = project.description;
  byId("edit-listed").checked = project.listed;
  byId("edit-network").checked = project.network === "open";
  byId("edit-network-choice").hidden = networkRule !== "project";
  byId("edit-network-site").hidden = networkRule === "project";
  byId("edit-network-site").textContent = networkRule === "open"
    ? "On this site the code of all projects reaches the whole network."
    : "On this site the code of all projects reaches the platform's services only.";
}

onSubmit(byId("edit-dialog").querySelector("form"), "Saving…", async (values) => {
  try {
    const { network: opened, ...rest } = values;
    const body = { ...rest, listed: values.listed === "on" };
    // What did not change is not named: the site may not leave it to projects.
    const wanted = opened === "on" ? "open" : "platform";
    if (networkRule === "project" && wanted !== (project.network ?? "platform")) body.network = wanted;
    const answer = await call("PATCH", url, { body, etag });
    ({ body: project, etag } = answer);
  } catch (error) {
    // The next attempt then is one with open eyes: the present text is behind the dialog, what was typed stays in it.
    if (error.status === 412) await loadProject();
    throw error;
  }
  showProject();
  byId("edit-dialog").close();
  announce("Saved.");
});

async function deleteProject() {
  const title = project.title || project.name;
  const done = await confirmed(
    {
      title: `Delete ${title}?`,
      text: `Servers of all members stop, and the project is gone for everybody. ${keptDays ? `For ${many(keptDays, "day")} its Data Owners can restore it, from the page of projects.` : "It can't be restored."}`,
      action: "Delete project",
      doing: "Deleting…",
      danger: true,
      typed: project.name,
    },
    () => call("DELETE", url, { body: { name: project.name } }),
  );
  if (done) window.location.assign(meta("base"));
}

// Environment
const RETRY_MS = 3000;
function showEnvironment({ state, error }) {
  const place = byId("environment");
  place.hidden = state === "ready";
  if (state === "creating") {
    place.replaceChildren(
      h("div", { class: "hops-notice" }, h("strong", { class: "hops-row" }, h("span", { class: "hops-spinner", "aria-hidden": "true" }), "The Python environment is being made."),
        h("span", {}, "A server can start as soon as it is ready; this takes up to a minute.")),
    );
    setTimeout(() => loaded(scope, loadProject), RETRY_MS);
  }
  if (state === "failed") {
    const again = h("button", { type: "button", class: "hops-button" }, "Try again");
    again.addEventListener("click", async () => {
      try {
        await busy(again, "Trying…", () => call("POST", `${url}/environment:retry`));
        await loadProject();
      } catch (failure) {
        showProblem(scope, failure);
      }
    });
    place.replaceChildren(
      h("div", { class: "hops-problem" }, h("strong", {}, "The Python environment could not be made."), h("span", {}, error ?? "The reason is not known."),
        project.role ? h("div", {}, again) : null),
    );
  }
}

// My server
function inWords(options) {
  const executors = options.allocation === "dynamic"
    ? `${options.min_executors} to ${many(options.max_executors, "executor")}`
    : many(options.executors, "executor");
  const gpus = options.gpus_per_executor ? `, ${many(options.gpus_per_executor, "GPU")}` : "";
  return `${executors} of ${many(options.executor_cores, "core")}, ${mib(options.executor_memory_mib)}${gpus}; driver ${mib(options.driver_memory_mib)}.`;
}

function showServer() {
  const place = byId("server-actions").closest("section");
  if (!project.role) {
    byId("server-options").textContent = "Only members have a server here.";
    return;
  }
  const closed = project.archived_at ? "The project is archived: no server starts." : project.services.includes("jupyter") ? "" : "Notebook servers are switched off in this project.";
  byId("server-actions").hidden = byId("server-state").hidden = closed !== "";
  byId("server-options").textContent = closed;
  if (closed) return;
  server ??= watchServer({ project: name, title: project.title || name, state: byId("server-state"), actions: byId("server-actions"), scope: place });
  loaded(place, async () => {
    const { options } = await get(`${url}/server-options`);
    byId("server-options").textContent = `Opens with ${inWords(options)}`;
  });
}

// Members
const members = byId("members");

function memberRow(member) {
  const owner = project.role === "data_owner";
  const own = member.user === me;
  const role = h("select", { "aria-label": `Role of ${member.user}` }, Object.entries(ROLES).map(([value, text]) => h("option", { value, selected: value === member.role }, text)));
  role.addEventListener("change", async () => {
    clearProblem(members);
    // An arrow key changes a list at once: what gives or takes rights is asked for first.
    const sure = await confirmed(
      {
        title: `Make ${own ? "yourself" : member.user} a ${ROLES[role.value]}?`,
        text: role.value === "data_owner" ? "A Data Owner manages members, data and limits, and can delete the project." : "A Data Scientist writes and runs code, and manages neither members nor limits.",
        action: "Change role",
        doing: "Changing…",
      },
      async () => {},
    );
    if (!sure) {
      role.value = member.role;
      role.focus();
      return;
    }
    role.disabled = true;
    try {
      const edit = { body: { role: role.value }, etag: `"${member.version}"` };
      ({ body: member } = await call("PATCH", `${url}/members/${path(member.user)}`, edit));
      announce(`${member.user} is a ${ROLES[role.value]} now.`);
      if (own) await loadProject().then(loadMembers);
    } catch (error) {
      role.value = member.role;
      if (error.status === 412) await loadMembers(); // so that the next attempt is one with open eyes
      showProblem(members, error);
    } finally {
      role.disabled = false;
      role.focus();
    }
  });
  const go = h("button", { type: "button", class: "hops-button hops-plain hops-danger", "aria-label": own ? "Leave this project" : `Remove ${member.user}` }, own ? "Leave" : "Remove");
  go.addEventListener("click", async () => {
    const done = await confirmed(
      own
        ? { title: "Leave this project?", text: "Your server here stops. Only a Data Owner can bring you back.", action: "Leave project", doing: "Leaving…", danger: true }
        : { title: `Remove ${member.user}?`, text: "Their server here stops and their sessions end. What they saved in the project stays.", action: "Remove member", doing: "Removing…", danger: true },
      () => call("DELETE", `${url}/members/${path(member.user)}`),
    );
    if (!done) return;
    if (own) window.location.assign(meta("base"));
    else {
      row.remove();
      announce(`${member.user} is no longer a member.`);
    }
  });
  const row = h(
    "tr",
    {},
    h("td", {}, h("strong", {}, member.user), own ? h("span", { class: "hops-muted" }, " (you)") : null, member.title ? h("div", { class: "hops-muted hops-small" }, member.title) : null),
    h("td", {}, owner && !project.archived_at ? role : (ROLES[member.role] ?? member.role)),
    h("td", { class: "hops-actions-cell" }, owner || own ? go : null),
  );
  return row;
}

byId("add-member").addEventListener("change", () => (memberKey = idempotencyKey()));
let memberKey = idempotencyKey();
onSubmit(byId("add-member"), "Adding…", async (values) => {
  const { body } = await call("POST", `${url}/members`, { body: { ...values, user: values.user.trim() }, key: memberKey });
  byId("member-rows").append(memberRow(body));
  byId("add-member").reset();
  memberKey = idempotencyKey();
  announce(`${body.user} is a member now.`);
});

suggestUsers(url, byId("member-user"), byId("member-candidates"));

const loadRequests = () => (project.role === "data_owner" ? watchRequests(url, (member) => byId("member-rows").append(memberRow(member))) : null);

const loadInvitations = () => (project.role === "data_owner" ? watchInvitations(url) : null);

// Lists
const loadMembers = () => loaded(members, () => fill(members, byId("member-rows"), `${url}/members`, byId("more-members"), memberRow));

const datasetRow = (dataset) =>
  h("li", {}, h("a", { href: `${meta("base")}projects/${path(name)}/datasets/${path(dataset.name.replaceAll("/", ":"))}` }, h("strong", {}, dataset.name)), dataset.description ? h("div", { class: "hops-muted hops-small" }, dataset.description) : null);
const loadDatasets = () =>
  loaded(byId("datasets"), () => fill(byId("datasets"), byId("dataset-rows"), `${url}/datasets`, byId("more-datasets"), datasetRow, "There are none yet; they are being made."));

const loadTopics = () => showTopics({ url, project, changed: () => showUse(url) });

const datasetDialog = byId("dataset-dialog");
let datasetKey = idempotencyKey();
byId("create-dataset").addEventListener("click", () => open(datasetDialog));
datasetDialog.addEventListener("change", () => (datasetKey = idempotencyKey()));
onSubmit(datasetDialog.querySelector("form"), "Creating…", async (values) => {
  const { body } = await call("POST", `${url}/datasets`, { body: { ...values, name: values.name.trim() }, key: datasetKey });
  window.location.assign(`${meta("base")}projects/${path(name)}/datasets/${path(body.name)}`);
});

// Limits
let limits = null;
let limitsTag = null;

function showLimits() {
  byId("limit-pairs").replaceChildren(...limitPairs(limits));
}

async function loadLimits() {
  await loaded(byId("limits"), async () => {
    ({ body: limits, etag: limitsTag } = await call("GET", `${url}/limits`));
    showLimits();
  });
}

byId("edit-limits").addEventListener("click", () => {
  if (!limits) return;
  byId("limit-fields").replaceChildren(...limitFields(limits));
  open(byId("limits-dialog"));
});
onSubmit(byId("limits-dialog").querySelector("form"), "Saving…", async (values) => {
  try {
    ({ body: limits, etag: limitsTag } = await call("PUT", `${url}/limits`, { body: limitsTyped(values), etag: limitsTag }));
  } catch (error) {
    // As above: the present limits are behind the dialog, what was typed stays in it.
    if (error.status === 412) await loadLimits();
    throw error;
  }
  showLimits();
  byId("limits-dialog").close();
  announce("The limits are saved. They hold from the next start on.");
});

async function loadProject() {
  ({ body: project, etag } = await call("GET", url));
  showProject();
  showEnvironment(project.environment);
}

const whole = (shown) => {
  scope.setAttribute("aria-busy", "false");
  scope.querySelector(".hops-columns").hidden = !shown;
  byId("title").hidden = !shown;
};

await loaded(scope, async () => {
  await loadProject();
  whole(true);
  showServer();
  byId("activity").hidden = !project.role;
  await Promise.all([loadMembers(), loadRequests(), loadInvitations(), loadDatasets(), loadTopics(), loadLimits(), showUse(url), project.role ? showActivity(url) : null]);
}, () => whole(false));
