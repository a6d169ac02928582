// Who has a dataset of this project; sharing and publishing it.

import { act, ask } from "./acts.js";
import { call, get, idempotencyKey, path } from "./api.js";
import { confirmed } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem, when } from "./dom.js";
import { MODES, STATES } from "./modes.js";
import { fill } from "./more.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const name = meta("project");
const url = `projects/${path(name)}`;
const PAUSE_MS = 200;
const form = byId("share-form");
const target = byId("share-project");
let owner = false;
let chosen = null;
let published = false;
let key = idempotencyKey();

function userRow(share) {
  const place = `${url}/datasets/${path(chosen)}/shares/${path(share.project)}`;
  const members = share.members === null ? "" : `${share.members} member${share.members === 1 ? "" : "s"}`;
  const words = { accepted: "End", asked: "Refuse", offered: "Take back" }[share.state];
  const again = () => loaded(form, loadUsers);
  const accept = () => act(form, "Accept", `Share with ${share.project}`, "Sharing…", async () => {
    await call("POST", `${url}/datasets/${path(chosen)}/shares`, { body: { project: share.project, mode: share.mode } });
    announce(`${chosen} is shared with ${share.project}.`);
    await again();
  });
  const end = () => ask("End", `End: ${share.project}`, { title: `End the share with ${share.project}?`, text: `Its notebook servers and sessions lose ${chosen} within seconds; code there that is reading it is ended. Nothing of ${chosen} is deleted.`, action: "End the share", doing: "Ending…", danger: true }, () => call("DELETE", place), async () => {
    announce(`${share.project} has ${chosen} no longer.`);
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
    owner ? h("div", { class: "hops-row" }, share.state === "asked" && !share.resting ? accept() : null, share.state === "declined" ? null : share.state === "accepted" ? end() : act(form, words, `${words}: ${share.project}`, "One moment…", async () => {
      await call("DELETE", place);
      announce(`${share.project} has ${chosen} no longer.`);
      await again();
    }, "hops-plain")) : null,
  );
}

async function loadUsers() {
  await fill(form, byId("share-users"), `${url}/datasets/${path(chosen)}/shares`, byId("more-users"), userRow, "No other project has it.");
  const found = await get(`published-datasets?${new URLSearchParams({ search: `${name}/${chosen}`, limit: "100" })}`);
  published = found.items.some(({ project, dataset }) => project === name && dataset === chosen);
  byId("published-state").textContent = published ? "Published: everybody here finds it, and adds it to their own project to read." : "Not published.";
  byId("publish").hidden = !owner || published;
  byId("withdraw").hidden = !owner || !published;
}

/** Fills the form; who owns the project can share there. */
export async function showWhoHas(dataset, mayShare) {
  chosen = dataset;
  owner = mayShare;
  byId("share-title").textContent = `Who has ${chosen}`;
  byId("share-offer").hidden = !owner;
  byId("share-submit").hidden = !owner;
  key = idempotencyKey();
  saySeen();
  await loaded(form, loadUsers);
}

// What the other side will see
function saySeen() {
  const other = target.value.trim() || "the other project";
  const writes = byId("share-mode").value === "write";
  const takes = form.elements.download.checked;
  byId("share-seen").textContent = [
    `When a Data Owner there has accepted, all members of ${other} see the files of ${chosen} at Shared/${name}/${chosen}, and its description; nothing else of ${name}.`,
    writes ? "They can change and delete its files." : "They can read it, and change nothing.",
    takes ? "Their Data Owners can download it." : "Nobody of them can download it.",
  ].join(" ");
}
for (const event of ["change", "input"]) form.addEventListener(event, saySeen);

form.addEventListener("change", () => (key = idempotencyKey()));
onSubmit(form, "Sharing…", async (values) => {
  const body = { project: values.project.trim(), mode: values.mode, download: values.download === "on" };
  const { body: share } = await call("POST", `${url}/datasets/${path(chosen)}/shares`, { body, key });
  key = idempotencyKey();
  announce(share.state === "accepted" ? `${chosen} is shared with ${share.project}.` : `${chosen} is offered to ${share.project}. A Data Owner there has to accept.`);
  target.value = "";
  saySeen();
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

const withdraw = (users) => call("DELETE", `${url}/datasets/${path(chosen)}/publication`, { body: { users } });
async function withdrawn() {
  announce(`${chosen} is no longer published.`);
  await loadUsers();
}
byId("withdraw-stay").addEventListener("click", async (event) => {
  clearProblem(form);
  try {
    await busy(event.currentTarget, "Withdrawing…", () => withdraw("stay"));
    await withdrawn();
  } catch (error) {
    showProblem(form, error);
  }
});
byId("withdraw-go").addEventListener("click", async () => {
  clearProblem(form);
  const done = await confirmed(
    { title: `Withdraw ${chosen} from everybody?`, text: `All projects that have added it by themselves lose ${chosen} within seconds; code there that is reading it is ended. Nothing of ${chosen} is deleted.`, action: "Withdraw", doing: "Withdrawing…", danger: true },
    () => withdraw("go"),
  );
  if (done) await withdrawn().catch((error) => showProblem(form, error));
});

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
