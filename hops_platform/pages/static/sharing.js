// Datasets of other projects here, and who has those of this project.

import { call, get, idempotencyKey, page, path } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, onSubmit, showProblem, when } from "./dom.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const name = meta("project");
const url = `projects/${path(name)}`;
const PAUSE_MS = 200;
const MODES = { read: "to read", write: "to read and write" };
const STATES = { offered: "offered, not accepted yet", asked: "asked for, not answered yet", declined: "declined", accepted: "" };

const box = byId("shares");
const rows = byId("received-shares");
const own = byId("own-datasets");
const dialog = byId("share-dialog");
const form = byId("share-form");
const target = byId("share-project");
let owner = false;
let chosen = null;
let published = false;
let key = idempotencyKey();

/** A button that does something with the list it stands in, and shows what went wrong there. */
function act(scope, words, label, doing, work, style = "") {
  const button = h("button", { type: "button", class: `hops-button ${style}`, "aria-label": label }, words);
  button.addEventListener("click", async () => {
    clearProblem(scope);
    try {
      await busy(button, doing, work);
    } catch (error) {
      showProblem(scope, error);
    }
  });
  return button;
}

/** A button that asks first. */
function ask(words, label, question, work, after) {
  const button = h("button", { type: "button", class: "hops-button hops-plain", "aria-haspopup": "dialog", "aria-label": label }, words);
  button.addEventListener("click", async () => {
    if (await confirmed(question, work)) await after();
  });
  return button;
}

// Of others
function receivedRow(share) {
  const what = `${share.project}/${share.dataset}`;
  const place = `${url}/shares/${path(share.project, share.dataset)}`;
  const answer = (verb, words, doing, told, style) =>
    act(box, words, `${words} ${what}`, doing, async () => {
      await call("POST", `${place}:${verb}`);
      announce(told);
      await loadReceived();
    }, style);
  const leave = (words, text) =>
    ask(words, `${words} ${what}`, { title: `${words} ${what}?`, text, action: words, doing: "One moment…", danger: true }, () => call("DELETE", place), async () => {
      announce(`${what} is given back.`);
      await loadReceived();
    });
  const actions = {
    offered: () => [
      answer("accept", "Accept", "Accepting…", `${what} is at ${share.path} now.`),
      answer("decline", "Decline", "Declining…", `${share.project} is told that you declined.`, "hops-plain"),
    ],
    asked: () => [leave("Take back", "The project is no longer asked.")],
    accepted: () => [leave("Give back", "It is gone from all notebook servers and sessions of this project within seconds.")],
  };
  return h(
    "li",
    { class: "hops-between" },
    h(
      "div",
      { class: "hops-stack-tight" },
      h("strong", { class: "hops-break" }, share.state === "accepted" ? h("a", { href: `${meta("base")}projects/${path(name)}/datasets/${path(share.path.replaceAll("/", ":"))}` }, share.path) : what),
      h("span", { class: "hops-muted hops-small" }, [share.title, MODES[share.mode], STATES[share.state]].filter(Boolean).join(" · ")),
      share.description ? h("span", { class: "hops-small hops-clamp" }, share.description) : null,
    ),
    owner ? h("div", { class: "hops-row" }, actions[share.state]()) : null,
  );
}

async function fill(list, listPath, button, make, empty, after = null) {
  const answer = await page(listPath, { after });
  if (after === null) list.replaceChildren();
  list.append(...answer.items.map(make));
  if (!list.children.length) list.append(h("li", { class: "hops-muted" }, empty));
  button.hidden = !answer.next;
  button.onclick = () => busy(button, "Loading…", () => fill(list, listPath, button, make, empty, answer.next)).catch((error) => showProblem(box, error));
}

const loadReceived = () => fill(rows, `${url}/shares`, byId("more-received"), receivedRow, "No other project shares a dataset with this one.");

// Of this project
async function loadOwn() {
  const found = [];
  let after = null;
  do {
    const answer = await page(`${url}/datasets`, { after, limit: 100 });
    found.push(...answer.items.filter(({ shared }) => !shared));
    after = answer.items.some(({ shared }) => shared) ? null : answer.next;
  } while (after);
  own.replaceChildren(...found.map((dataset) => h("option", { value: dataset.name }, dataset.name)));
  byId("own-shares").hidden = found.length === 0;
}

function userRow(share) {
  const place = `${url}/datasets/${path(chosen)}/shares/${path(share.project)}`;
  const members = share.members === null ? "" : `${share.members} member${share.members === 1 ? "" : "s"}`;
  const words = { accepted: "End", asked: "Refuse", offered: "Take back" }[share.state];
  const again = () => loadUsers().catch((error) => showProblem(form, error));
  const accept = () => act(form, "Accept", `Share with ${share.project}`, "Sharing…", async () => {
    await call("POST", `${url}/datasets/${path(chosen)}/shares`, { body: { project: share.project, mode: share.mode } });
    announce(`${chosen} is shared with ${share.project}.`);
    await again();
  });
  return h(
    "li",
    { class: "hops-between" },
    h(
      "div",
      { class: "hops-stack-tight" },
      h("span", {}, h("strong", {}, share.project), share.title ? h("span", { class: "hops-muted" }, ` ${share.title}`) : null),
      h("span", { class: "hops-muted hops-small" }, [MODES[share.mode], share.download ? "with download" : "", members, STATES[share.state], share.resting ? "rests: the project is deleted, and has it again if it is restored" : "", share.self_service ? "added by themselves" : ""].filter(Boolean).join(" · "), share.since ? [" · since ", when(share.since, { dateStyle: "medium" })] : null),
    ),
    owner ? h("div", { class: "hops-row" }, share.state === "asked" && !share.resting ? accept() : null, share.state === "declined" ? null : act(form, words, `${words}: ${share.project}`, "One moment…", async () => {
      await call("DELETE", place);
      announce(`${share.project} has ${chosen} no longer.`);
      await again();
    }, "hops-plain")) : null,
  );
}

async function loadUsers() {
  await fill(byId("share-users"), `${url}/datasets/${path(chosen)}/shares`, byId("more-users"), userRow, "No other project has it.");
  const found = await get(`published-datasets?${new URLSearchParams({ search: `${name}/${chosen}`, limit: "100" })}`);
  published = found.items.some(({ project, dataset }) => project === name && dataset === chosen);
  byId("published-state").textContent = published ? "Published: everybody here finds it, and adds it to their own project to read." : "Not published.";
  byId("publish").hidden = !owner || published;
  byId("withdraw").hidden = !owner || !published;
}

async function showUsersOf(dataset) {
  chosen = dataset;
  open(dialog);
  byId("share-title").textContent = `Who has ${chosen}`;
  byId("share-offer").hidden = !owner;
  byId("share-submit").hidden = !owner;
  key = idempotencyKey();
  try {
    await loadUsers();
  } catch (error) {
    showProblem(form, error);
  }
}
byId("own-shares").addEventListener("submit", (event) => {
  event.preventDefault();
  showUsersOf(own.value);
});

form.addEventListener("change", () => (key = idempotencyKey()));
onSubmit(form, "Sharing…", async (values) => {
  const body = { project: values.project.trim(), mode: values.mode, download: values.download === "on" };
  const { body: share } = await call("POST", `${url}/datasets/${path(chosen)}/shares`, { body, key });
  key = idempotencyKey();
  announce(share.state === "accepted" ? `${chosen} is shared with ${share.project}.` : `${chosen} is offered to ${share.project}. A Data Owner there has to accept.`);
  target.value = "";
  await loadUsers();
});

byId("publish").addEventListener("click", async () => {
  clearProblem(form);
  try {
    await busy(byId("publish"), "Publishing…", () => call("POST", `${url}/datasets/${path(chosen)}/publication`));
    announce(`${chosen} is published.`);
    await loadUsers();
  } catch (error) {
    showProblem(form, error);
  }
});

const withdraw = (users) => async (event) => {
  clearProblem(form);
  try {
    await busy(event.currentTarget, "Withdrawing…", () => call("DELETE", `${url}/datasets/${path(chosen)}/publication`, { body: { users } }));
    announce(`${chosen} is no longer published.`);
    await loadUsers();
  } catch (error) {
    showProblem(form, error);
  }
};
byId("withdraw-stay").addEventListener("click", withdraw("stay"));
byId("withdraw-go").addEventListener("click", withdraw("go"));

// Suggestions
let timer = null;
let last = null;
async function suggest() {
  last = target.value.trim();
  const sought = last;
  try {
    const found = await get(`${url}/share-targets?${new URLSearchParams({ search: sought })}`);
    if (last === sought) byId("share-targets").replaceChildren(...found.map((one) => h("option", { value: one.name }, one.title)));
  } catch {
    // A name can be typed without suggestions; what is wrong with the call, sharing tells.
  }
}
target.addEventListener("input", () => {
  clearTimeout(timer);
  if (target.value.trim() !== last) timer = setTimeout(suggest, PAUSE_MS);
});
target.addEventListener("focus", () => last ?? suggest());

try {
  const project = await get(url);
  owner = project.role === "data_owner";
  box.hidden = !project.role;
  if (project.role) await Promise.all([loadReceived(), loadOwn()]);
  // The page of a dataset leads here.
  const wanted = [...own.options].find(({ value }) => location.hash === `#who-has-${value}`);
  if (wanted) {
    own.value = wanted.value;
    await showUsersOf(own.value);
  }
} catch (error) {
  // That there is no such project, the page itself says.
  if (!box.hidden) showProblem(box, error);
}
