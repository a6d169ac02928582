// My notebook server of one project: its state in words, and what can be done with it.

import { call, get, path } from "./api.js";
import { confirmed } from "./dialogs.js";
import { announce, busy, clearProblem, h, showProblem } from "./dom.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const QUICK_MS = 1500;
const SLOW_MS = 20_000;

export const STATES = {
  stopped: { text: "Stopped", tone: "" },
  starting: { text: "Starting…", tone: "busy" },
  ready: { text: "Running", tone: "good" },
  stopping: { text: "Stopping…", tone: "busy" },
  failed: { text: "Start failed", tone: "bad" },
};

const stateOf = (server) => STATES[server.state] ?? { text: server.state, tone: "" };
const moving = (server) => server?.state === "starting" || server?.state === "stopping";

const user = meta("user");
const labUrl = (project) => `${meta("hub").replace(/hub\/$/, "")}user/${path(user, project)}/`;
const pendingUrl = (project) => `${meta("hub")}spawn-pending/${path(user, project)}`;
// Lab comes here with it when somebody has asked there for a restart.
const restarting = () => window.location.hash === "#restarting";
const formUrl = (project) => `${meta("hub")}spawn/${path(user, project)}`;

/**
 * Shows one server and keeps it up to date.
 * @param {{project: string, title: string, state: Element, actions: Element, scope: Element}} place
 */
export function watchServer({ project, title, state, actions, scope }) {
  const url = `projects/${path(project)}/server`;
  const reason = h("p", { class: "hops-reason", hidden: true });
  actions.before(reason);
  let server = null;
  let startedBefore;
  let timer = 0;
  let shown = "";

  async function look() {
    clearTimeout(timer);
    if (!scope.isConnected) return;
    if (!document.hidden) {
      try {
        server = await get(url);
        draw();
        if (restarting()) goOn();
      } catch (error) {
        if (server === null) {
          showProblem(scope, error);
          draw();
        }
      }
    }
    timer = setTimeout(look, moving(server) || restarting() ? QUICK_MS : SLOW_MS);
  }

  // What runs at first may be the old server; the new one starts, or has started later than it.
  function goOn() {
    startedBefore ??= server.started_at ?? "";
    if (server.state === "starting") window.location.replace(pendingUrl(project));
    else if (server.state === "failed") window.location.hash = "";
    else if (server.state === "ready" && server.started_at !== startedBefore) window.location.replace(labUrl(project));
  }

  async function open(button) {
    clearProblem(scope);
    try {
      await busy(button, "Opening…", async () => {
        server = await get(url);
        if (server.state === "ready") return window.location.assign(labUrl(project));
        if (server.state !== "starting") await call("PUT", url, { body: {} });
        return window.location.assign(pendingUrl(project));
      });
    } catch (error) {
      showProblem(scope, error);
    }
  }

  async function stop() {
    const starting = server?.state === "starting";
    const done = await confirmed(
      {
        title: starting ? `Stop starting ${title}?` : `Stop the server of ${title}?`,
        text: "Running cells and Spark sessions end, and variables in memory are gone. Files that are saved stay.",
        action: "Stop server",
        doing: "Stopping…",
        danger: true,
      },
      () => call("DELETE", url),
    );
    if (done) {
      announce(`The server of ${title} stops.`);
      look();
    }
  }

  function draw() {
    const current = server?.state ?? "unknown";
    if (server) {
      const { text, tone } = stateOf(server);
      state.replaceChildren(
        h("span", { class: "hops-badge hops-state", "data-tone": tone }, text),
      );
      reason.hidden = !(["failed", "stopped"].includes(server.state) && server.reason);
      reason.textContent = server.reason ?? "";
    }
    if (current === shown) return;
    shown = current;
    const held = actions.contains(document.activeElement);
    const running = current === "ready" || current === "starting";
    const openButton = h(
      "button",
      {
        type: "button",
        class: "hops-button hops-primary",
        "aria-label": `${current === "starting" ? "Show progress of" : "Open"} ${title}`,
        disabled: current === "stopping",
        onclick: (event) => open(event.currentTarget),
      },
      current === "starting" ? "Show progress" : "Open",
    );
    actions.replaceChildren(
      openButton,
      running
        ? h(
            "button",
            { type: "button", class: "hops-button hops-danger", "aria-label": `Stop the server of ${title}`, onclick: stop },
            "Stop",
          )
        : h("a", { class: "hops-button", href: formUrl(project), "aria-label": `Start with other options… ${title}` }, "Start with other options…"),
    );
    if (held) openButton.focus();
  }

  document.addEventListener("visibilitychange", () => !document.hidden && look());
  draw();
  look();
  return { look };
}
