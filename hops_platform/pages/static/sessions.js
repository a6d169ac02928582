// Spark sessions that I may look after: mine, those of a project that I own, or everybody's; live while the page is seen.

import { call, get, page, path } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem } from "./dom.js";
import { mib } from "./limits.js";

const HELD_S = 12;
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const TICK_MS = 15_000;
const LIMIT = 200;
// The kernel names its session so; that name is for machines.
const KERNEL = /^(?:py)?spark-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{6}$/;
// Any other address would lead away from this site.
const SITE_PATH = /^\/(?![/\\])/;
const WORDS = {
  not_started: "waiting", shutting_down: "ending", error: "failed", dead: "died", killed: "ended", success: "done",
};
const ENDED = ["error", "dead", "killed", "success"];
const TONES = { idle: "good", success: "good", error: "bad", dead: "bad", killed: "", shutting_down: "" };

const scope = byId("sessions");
const rows = byId("session-rows");
const whose = byId("session-scope");
const state = byId("session-state");
const search = byId("session-search");
const stopIdle = byId("stop-idle");
let answer = null; // what was read last
let turn = 0; // each choice of "whose" begins another
let looked = null; // whose log is shown

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const many = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
const isEnded = (session) => ENDED.includes(session.state);
const kindOf = (session) => (isEnded(session) ? "ended" : session.queue ? "waiting" : session.state === "idle" ? "idle" : "working");
/** As in Lab: one's own by its notebook, which others are not told, else by a name that is no kernel's, else by its number. */
const titleOf = ({ id, name, notebook }) =>
  notebook ? notebook.split("/").at(-1) : name && !KERNEL.test(name) ? name : `Session ${id}`;
const ownedBy = (session) => (session.own ? "you" : session.user);

function span(seconds) {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 1) return `${Math.floor(Math.max(0, seconds))} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h${minutes % 60 ? ` ${minutes % 60} min` : ""}` : `${Math.floor(hours / 24)} days`;
}

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
const SUFFIXES = { one: "st", two: "nd", few: "rd", other: "th" };
const ordinal = (place) => `${place}${SUFFIXES[ORDINALS.select(place)]}`;

// What a row says
function stateOf({ state: told, queue }) {
  if (queue) return `waiting (${ordinal(queue.position)} of ${queue.length})`;
  return WORDS[told] ?? told.replaceAll("_", " ");
}

/** This machine's GPUs by their numbers; else how many were asked for, which a cluster has or which are waited for. */
function gpusOf({ gpus, gpus_per_executor: per, gpu_label: label, executors, max_executors: most }) {
  if (gpus.length) return `, ${many(gpus.length, "GPU")} (${gpus.join(", ")})`;
  return per ? `, ${most === null ? "" : "up to "}${many(per * (most ?? executors), "GPU")}${label ? ` (${label})` : ""}` : "";
}

function resourcesOf({ resources }) {
  const { executors, min_executors: least, max_executors: most } = resources;
  const number = most === null ? many(executors, "executor") : `${least} to ${many(most, "executor")}`;
  const each = (most ?? executors) === 1 ? "" : " each";
  return [
    h("div", {}, number, gpusOf(resources)),
    h("div", { class: "hops-muted hops-small" }, `${many(resources.executor_cores, "core")} and ${mib(resources.executor_memory_mib)}${each}; driver ${mib(resources.driver_memory_mib)}`),
  ];
}

function activityOf(session, now) {
  const last = session.last_statement;
  const parts = [];
  if (last === null) parts.push(h("div", { class: "hops-muted" }, session.kind === "batch" ? "a batch" : "nothing was run yet"));
  else {
    if (last.line) parts.push(h("div", { class: "hops-mono hops-small hops-clip", title: last.line }, last.line));
    parts.push(
      h("div", { class: last.status === "error" ? "hops-reason" : "" },
        last.completed ? `${last.status === "error" ? "failed" : "done"} ${span(now - last.completed)} ago` : last.started ? `runs for ${span(now - last.started)}` : "waits"),
    );
  }
  if (session.waiting) parts.push(h("div", { class: "hops-muted hops-small" }, `${session.waiting} more wait`));
  if (session.ends) parts.push(h("div", { class: "hops-muted hops-small" }, `ends in ${span(session.ends - now)} if nothing is run`));
  return parts;
}

/** The way to Spark's own pages, which only the owner is told; they are at the notebook server. */
function sparkPages({ id, spark_ui: address }) {
  if (!address || !SITE_PATH.test(address)) return null;
  const link = h("a", { href: address, target: "_blank", rel: "noopener", "aria-label": `Spark UI of session ${id}` }, "Spark UI");
  return h("div", { class: "hops-small" }, link);
}

function row(session, now) {
  const title = titleOf(session);
  const ended = isEnded(session);
  const log = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Log of session ${session.id}`, onclick: () => showLog(session) }, "Log");
  const stop = h("button", { type: "button", class: "hops-button hops-danger", "aria-haspopup": "dialog", "aria-label": `Stop session ${session.id}`, onclick: () => stopOne(session) }, "Stop…");
  return h(
    "tr",
    { dataset: { session: session.id } },
    h("td", {}, h("strong", {}, title), h("div", { class: "hops-small" }, session.own ? "mine" : session.user, h("span", { class: "hops-muted" }, ` in ${session.project}`)),
      h("div", { class: "hops-muted hops-small" }, title === `Session ${session.id}` ? session.kind : `Session ${session.id}, ${session.kind}`),
      sparkPages(session)),
    h("td", {}, h("span", { class: "hops-badge hops-state", "data-tone": TONES[session.state] ?? "busy" }, stateOf(session)),
      h("div", { class: "hops-muted hops-small" }, `${session.queue ? "asked for" : "began"} ${span(now - session.created)} ago`),
      session.reason ? h("div", { class: TONES[session.state] === "bad" ? "hops-reason" : "hops-small" }, session.reason) : null),
    h("td", {}, resourcesOf(session)),
    h("td", {}, activityOf(session, now)),
    h("td", { class: "hops-actions-cell" }, h("div", { class: "hops-row" }, log, ended || session.state === "shutting_down" ? null : stop)),
  );
}

// What is shown of what was read
function fits(session) {
  const text = search.value.trim().toLowerCase();
  const said = [session.user, session.project, titleOf(session), `session ${session.id}`, session.kind, session.reason ?? ""];
  return (!state.value || state.value === kindOf(session)) && (!text || said.some((part) => part.toLowerCase().includes(text)));
}

const idleOnes = () => (answer?.items ?? []).filter((session) => session.state === "idle" && fits(session));

/** Writes anew only what is another text: it is read aloud. */
function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

/** Puts the rows in place of the old ones; who was at a button of one stays there. */
function show() {
  if (!answer) return;
  const { activeElement } = document;
  const at = rows.contains(activeElement) ? activeElement.getAttribute("aria-label") : null;
  const now = Date.now() / 1000;
  const shown = answer.items.filter(fits);
  rows.replaceChildren(...shown.map((session) => row(session, now)));
  rows.setAttribute("aria-busy", "false");
  if (at) rows.querySelector(`[aria-label="${CSS.escape(at)}"]`)?.focus();
  const are = (kind) => answer.items.filter((session) => kindOf(session) === kind).length;
  const waiting = are("waiting");
  say("session-count", `${are("working")} working, ${waiting ? `${waiting} waiting, ` : ""}${answer.idle} idle`);
  const { sessions: ready = 0, memory_mib: held = 0 } = answer.kept_ready ?? {};
  byId("session-ready").hidden = ready === 0;
  say("session-ready", `${many(ready, "session")} ${ready === 1 ? "is" : "are"} kept ready (${mib(held)})`);
  byId("session-table").hidden = shown.length === 0;
  byId("session-empty").hidden = shown.length > 0;
  byId("session-empty").textContent = answer.items.length
    ? "No session is like that. Clear the search, or choose another state."
    : whose.value === "own"
      ? "You have no Spark session. Run a cell in a PySpark notebook, and one starts."
      : "Nobody has a Spark session now.";
  byId("session-more").hidden = answer.total <= answer.items.length;
  byId("session-more").textContent = `The newest ${answer.items.length} of ${answer.total} are shown; choose a project for its own.`;
  const idle = idleOnes().length;
  stopIdle.disabled = idle === 0;
  stopIdle.textContent = idle ? `Stop all idle (${idle})…` : "Stop all idle…";
}

// Reading
const chosen = () => (whose.value.startsWith("project:") ? { scope: "project", project: whose.value.slice(8) } : { scope: whose.value });

async function read(mine, seen) {
  const query = new URLSearchParams({ ...chosen(), limit: String(LIMIT), ...(seen ? { seen, wait_s: String(HELD_S) } : {}) });
  const told = await get(`sessions?${query}`);
  if (mine !== turn) return;
  answer = told;
  clearProblem(scope);
  show();
}

async function follow() {
  turn += 1;
  const mine = turn;
  let pause = PAUSE_MS;
  let seen = null;
  answer = null;
  rows.replaceChildren();
  byId("session-table").hidden = true;
  byId("session-empty").hidden = false;
  byId("session-empty").textContent = "Reading the sessions…";
  while (mine === turn) {
    try {
      // Nothing is asked while nobody looks.
      if (document.visibilityState !== "hidden") await read(mine, seen);
      if (mine !== turn) return;
      seen = answer?.version ?? null;
      pause = PAUSE_MS;
    } catch (error) {
      if (mine !== turn) return;
      // What was read stays; the dialog that may be open keeps the focus.
      if (!document.querySelector("dialog[open]")) showProblem(scope, error, refresh);
      byId("session-empty").hidden = true;
      if (error.status === 401) return;
      seen = null;
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    await wait(pause);
  }
}

const refresh = () => loaded(scope, () => read(turn, null));

// Ending
async function stopOne(session) {
  const working = ["busy", "running"].includes(session.state);
  const done = await confirmed(
    {
      title: session.own ? `Stop ${session.notebook ? "the session of " : ""}${titleOf(session)}?` : `Stop ${titleOf(session)} of ${session.user}?`,
      text: [
        working ? `${session.own ? "It is working now" : `${session.user} is working in it now`}; that work is broken off.` : "",
        session.own
          ? "Its variables are lost; the notebook, its outputs and all files stay."
          : `Its variables are lost to ${session.user}, whose notebook says that you stopped it; the notebook, its outputs and all files stay.`,
      ].join(" ").trim(),
      action: "Stop session",
      doing: "Stopping…",
      danger: true,
    },
    () => call("DELETE", `sessions/${path(session.id)}`),
  );
  if (done) {
    announce(`Session ${session.id} has ended.`);
    await refresh();
  }
}

stopIdle.addEventListener("click", async () => {
  const meant = idleOnes();
  if (meant.length === 0) return;
  const named = meant.slice(0, 20).map((session) => `${titleOf(session)} (${ownedBy(session)})`);
  const more = meant.length > named.length ? ` and ${meant.length - named.length} more` : "";
  let ended = 0;
  const done = await confirmed(
    {
      title: `Stop ${many(meant.length, "idle session")}?`,
      text: `These do nothing now: ${named.join(", ")}${more}. Their variables are lost; notebooks, outputs and files stay. One that begins to work meanwhile goes on.`,
      action: `Stop ${many(meant.length, "session")}`,
      doing: "Stopping…",
      danger: true,
    },
    async () => {
      const { body } = await call("POST", "sessions:stop-idle", { body: { ...chosen(), sessions: meant.map((session) => session.id) } });
      ended = body.ended.length;
    },
  );
  if (done) {
    announce(`${many(ended, "session")} ended.`);
    await refresh();
  }
});

// The log
const dialog = byId("log-dialog");

async function readLog() {
  const { log, total } = await get(`sessions/${path(looked.id)}/log?size=200`);
  const text = byId("log-text");
  text.textContent = log.length ? log.join("\n") : "Nothing was logged yet.";
  byId("log-title").textContent = total > log.length ? `Log of session ${looked.id}, last ${log.length} lines` : `Log of session ${looked.id}`;
  text.scrollTop = text.scrollHeight;
}

async function showLog(session) {
  looked = session;
  byId("log-title").textContent = `Log of session ${session.id}`;
  byId("log-text").textContent = "Reading the log…";
  open(dialog);
  await readLog().catch((error) => {
    byId("log-text").textContent = "";
    showProblem(dialog, error);
  });
}
onSubmit(dialog.querySelector("form"), "Reading…", readLog);

// Whose can be chosen: the projects that I own come with the first page of my projects.
async function offerProjects() {
  const owned = [];
  let after = null;
  do {
    const listed = await page("projects", { after, limit: 100 });
    owned.push(...listed.items.filter(({ role }) => role === "data_owner"));
    after = listed.next;
  } while (after);
  whose.append(...owned.map((project) => h("option", { value: `project:${project.name}` }, `Project ${project.title || project.name}`)));
}

whose.addEventListener("change", follow);
state.addEventListener("change", show);
search.addEventListener("input", show);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
setInterval(() => document.visibilityState === "visible" && !document.querySelector("dialog[open]") && show(), TICK_MS);
loaded(scope, offerProjects);
follow();
