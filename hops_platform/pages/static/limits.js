// The limits of a project's servers: in words, and as fields beside what the machine has.

import { h } from "./dom.js";

export const mib = (amount) => (amount < 1024 ? `${amount} MiB` : `${(amount / 1024).toFixed(1).replace(/\.0$/, "")} GiB`);

/** The words of a limit that may be absent. */
const unlimited = (words) => (limit) => (limit === null ? "no limit" : words(limit));

const LIMITS = {
  max_executors: ["Executors", String],
  max_executor_cores: ["Cores per executor", String],
  max_executor_memory_mib: ["Memory per executor", mib],
  max_driver_memory_mib: ["Memory of the driver", mib],
  max_total_memory_mib: ["Memory in all", mib],
  max_gpus: ["GPUs", String],
  max_project_sessions: ["Sessions of the project together", unlimited(String)],
  max_project_memory_mib: ["Memory of the project together", unlimited(mib)],
  max_project_executors: ["Executors of the project together", unlimited(String)],
  max_project_gpus: ["GPUs of the project together", unlimited(String)],
  max_project_servers: ["Servers of the project together", unlimited(String)],
  max_project_storage_mib: ["Storage of the project", unlimited(mib)],
  max_project_topics: ["Topics of the project", unlimited(String)],
  max_idle_timeout_minutes: ["Longest idle time", (minutes) => (minutes % 60 ? `${minutes} min` : `${minutes / 60} h`)],
};

const unit = (key) => (key.endsWith("_mib") ? " (MiB)" : key.endsWith("_minutes") ? " (minutes)" : "");

/** What the machine has of what a limit is about; null where it has no such number. */
function present(key, capacity) {
  if (key === "max_executor_cores") return `${capacity.cores} cores`;
  if (key === "max_gpus" || key === "max_project_gpus") return `${capacity.gpus} GPUs`;
  if (key === "max_project_storage_mib") return null;
  return key.endsWith("_mib") ? `${capacity.memory_mib} MiB` : null;
}

/** Pairs of names and values, for a `<dl>`. */
export const limitPairs = (limits) =>
  Object.entries(LIMITS)
    .filter(([key]) => key in limits)
    .flatMap(([key, [text, words]]) => [h("dt", {}, text), h("dd", {}, words(limits[key]))]);

/** A field for each limit; with `capacity` each says what the machine has. */
export const limitFields = (limits, capacity = null) =>
  Object.keys(limits).map((key) => {
    const has = capacity ? present(key, capacity) : null;
    const hint = has ? h("span", { class: "hops-hint", id: `limit-${key}-hint` }, `This machine has ${has}.`) : null;
    return h("div", { class: "hops-field" },
      h("label", { for: `limit-${key}` }, `${LIMITS[key]?.[0] ?? key}${unit(key)}`),
      h("input", { id: `limit-${key}`, name: key, type: "number", step: 1, value: limits[key], "aria-describedby": has ? `limit-${key}-hint` : null }),
      hint);
  });

/** What stands in the fields; an empty one is null: no limit, or refused by the platform with its reason. */
export const limitsTyped = (values) =>
  Object.fromEntries(Object.entries(values).map(([key, text]) => [key, text === "" ? null : Number(text)]));
