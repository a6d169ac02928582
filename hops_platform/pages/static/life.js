// The life of a project: what it uses, which of its services are on, what happened in it, and its archive.

import { size } from "./amounts.js";
import { call, get, page } from "./api.js";
import { confirmed } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, showProblem, when } from "./dom.js";
import { mib } from "./limits.js";

const USES = {
  storage_bytes: ["Storage", size],
  homes_bytes: ["Of these in homes", size],
  servers: ["Notebook servers", String],
  sessions: ["Spark sessions", String],
  executors: ["Executors", String],
  memory_mib: ["Memory", mib],
  gpus: ["GPUs", String],
  topics: ["Topics", String],
};
const SERVICES = {
  jupyter: ["Notebook servers", "Running ones are stopped, and none starts."],
  kafka: ["Topics", "No topic is created, and nobody reads from one or writes to one. What is in them stays."],
  sharing: ["Sharing", "No dataset is offered, asked for, accepted or published. What is shared stays until it is taken back."],
  spark: ["Spark sessions", "Running ones are ended, and none starts."],
};

/** What is used of what there may be, for a `<dl>`. */
export function usePairs(items) {
  const found = Object.fromEntries(items.map((one) => [one.what, one]));
  return Object.entries(USES)
    .filter(([what]) => what in found)
    .flatMap(([what, [title, words]]) => {
      const { used, limit } = found[what];
      const text = used === null ? "not known now" : limit === null ? words(used) : `${words(used)} of ${words(limit)}`;
      const meter = used !== null && limit ? h("meter", { "aria-label": `${title}: ${text}`, min: 0, max: limit, high: 0.9 * limit, value: used }) : null;
      return [h("dt", {}, title), h("dd", {}, text, meter)];
    });
}

/** Shows what a project uses, and says so where nothing more can come in. */
export async function showUse(url) {
  const scope = byId("use");
  await loaded(scope, async () => {
    const { items, storage_counted_at: counted } = await get(`${url}/use`);
    byId("use-pairs").replaceChildren(...usePairs(items));
    byId("use-counted").replaceChildren(...(counted ? ["All files were counted ", when(counted), "."] : ["The files have not been counted yet."]));
    const storage = items.find((one) => one.what === "storage_bytes");
    byId("use-full").hidden = !storage || storage.limit === null || storage.used < storage.limit;
  });
}

/** Shows which services are on; who may switches them. */
export function showServices({ url, project, mayEdit, tag, changed }) {
  const scope = byId("services");
  // What the site does not have is not offered; whether a project has it on stays as it is.
  const offered = Object.entries(SERVICES).filter(([service]) => service !== "kafka" || document.querySelector('meta[name="hops-kafka"]').content !== "");
  const rows = offered.map(([service, [title, off]]) => {
    const on = project.services.includes(service);
    const button = h("button", { type: "button", class: "hops-button", "aria-label": `Switch ${on ? "off" : "on"}: ${title}` }, on ? "Switch off…" : "Switch on");
    const work = async () => {
      const services = on ? project.services.filter((one) => one !== service) : [...project.services, service];
      changed(await call("PUT", `${url}/services`, { body: { services }, etag: tag() }));
      announce(`${title}: switched ${on ? "off" : "on"}.`);
    };
    button.addEventListener("click", async () => {
      clearProblem(scope);
      const question = { title: `Switch ${title.toLowerCase()} off?`, text: off, action: "Switch off", doing: "Switching…", danger: true };
      await (on ? confirmed(question, work) : busy(button, "Switching…", work).catch((error) => showProblem(scope, error)));
    });
    return h("li", { class: "hops-between" },
      h("span", { class: "hops-row" }, h("strong", {}, title), h("span", { class: "hops-badge", "data-tone": on ? "good" : "" }, on ? "On" : "Off")),
      mayEdit ? button : null);
  });
  byId("service-rows").replaceChildren(...rows);
}

/** Shows what happened, the latest first. */
export async function showActivity(url, after = null) {
  const scope = byId("activity");
  const more = byId("more-activity");
  await loaded(scope, async () => {
    const { items, next } = await page(`${url}/activity`, { after, limit: 10 });
    const rows = byId("activity-rows");
    if (after === null) rows.replaceChildren();
    rows.append(...items.map((one) => h("li", {}, h("div", { class: "hops-break" }, one.text), h("div", { class: "hops-muted hops-small" }, when(one.moment)))));
    if (!rows.children.length) rows.append(h("li", { class: "hops-muted" }, "Nothing has happened lately."));
    more.hidden = !next;
    more.onclick = () => busy(more, "Loading…", () => showActivity(url, next));
  });
}

/** Archives a project after its name was typed; whether that was done. */
export const archive = (url, project, changed) =>
  confirmed(
    {
      title: `Archive ${project.title || project.name}?`,
      text: "Servers of all members stop and Spark sessions end. The project can be read and downloaded from, and nothing in it is changed, until you take it out of the archive. What it shares with others stays readable.",
      action: "Archive project",
      doing: "Archiving…",
      danger: true,
      typed: project.name,
    },
    async () => changed(await call("POST", `${url}:archive`, { body: { name: project.name } })),
  );

/** Says that a project is archived; its Data Owners can take that back. */
export function showArchived({ url, project, mayEdit, changed }) {
  const place = byId("archived");
  place.hidden = !project.archived_at;
  if (!project.archived_at) return;
  const back = h("button", { type: "button", class: "hops-button" }, "Take out of the archive");
  back.addEventListener("click", async () => {
    try {
      await busy(back, "Taking it out…", async () => changed(await call("POST", `${url}:unarchive`)));
      announce("The project can be worked in again.");
    } catch (error) {
      showProblem(byId("project"), error);
    }
  });
  place.replaceChildren(
    h("strong", {}, "This project is archived since ", when(project.archived_at, { dateStyle: "medium" }), "."),
    h("span", {}, "It can be read, and nothing in it is begun or changed."),
    mayEdit ? h("div", {}, back) : null,
  );
}
