// The topics of a project: listed for its members, created and deleted by its Data Owners.

import { call, idempotencyKey, path } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, byId, h, loaded, onSubmit, when } from "./dom.js";
import { fill } from "./more.js";

const AGAIN_MS = 2000;
const scope = byId("topics");
const dialog = byId("topic-dialog");
let key = idempotencyKey();
let timer = null;

const many = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
const BADGES = { creating: ["Being made", ""], failed: ["Not made", "bad"], ready: ["", ""] };

/**
 * Shows the topics, and keeps looking while one is being made.
 * @param {{url: string, project: {name: string, role: string | null, services: string[], archived_at: string | null}, changed: () => void}} given
 */
export async function showTopics({ url, project, changed }) {
  clearTimeout(timer);
  scope.hidden = !project.role;
  if (!project.role) return;
  const here = document.querySelector('meta[name="hops-kafka"]').content !== "";
  const on = project.services.includes("kafka");
  const owner = project.role === "data_owner" && !project.archived_at;
  const create = byId("create-topic");
  create.hidden = !(here && on && owner);
  const note = byId("topics-note");
  note.hidden = here && on;
  note.textContent = here
    ? "Topics are switched off in this project: nobody reads from them or writes to them. A Data Owner switches them on under Services."
    : "This site has no Kafka, so that there are no topics. An administrator names the brokers of the site's cluster with HOPS_KAFKA.";
  if (!here) return;
  const again = () => showTopics({ url, project, changed });
  const row = (topic) => topicRow({ url, topic, owner, again: () => again().then(changed) });
  const empty = on && owner
    ? "There are none yet. Create one; notebooks and jobs of all members then write to it and read from it."
    : "There are none yet. A Data Owner creates them.";
  await loaded(scope, async () => {
    await fill(scope, byId("topic-rows"), `${url}/topics`, byId("more-topics"), row, empty);
    if (scope.querySelector('[data-state="creating"]')) lookAgain(again);
  });
  create.onclick = () => open(dialog);
  save = async (values) => {
    const body = { name: values.name.trim(), partitions: Number(values.partitions), replicas: Number(values.replicas) };
    await call("POST", `${url}/topics`, { body, key });
    key = idempotencyKey();
    dialog.close();
    announce(`The topic ${body.name} is being made.`);
    await again();
    changed();
  };
}

/** Later, and not while somebody is in the list: it is made anew. */
function lookAgain(again) {
  clearTimeout(timer);
  timer = setTimeout(() => (byId("topic-rows").contains(document.activeElement) ? lookAgain(again) : again()), AGAIN_MS);
}

let save = async () => {};
dialog.addEventListener("change", () => (key = idempotencyKey()));
onSubmit(dialog.querySelector("form"), "Creating…", (values) => save(values));

function topicRow({ url, topic, owner, again }) {
  const remove = h("button", { type: "button", class: "hops-button hops-plain hops-danger", "aria-label": `Delete the topic ${topic.name}`, "aria-haspopup": "dialog" }, "Delete…");
  remove.addEventListener("click", async () => {
    const done = await confirmed(
      {
        title: `Delete the topic ${topic.name}?`,
        text: "It is gone for all members, with all records in it. Nothing brings it back.",
        action: "Delete topic",
        doing: "Deleting…",
        danger: true,
        typed: topic.name,
      },
      () => call("DELETE", `${url}/topics/${path(topic.name)}`, { body: { name: topic.name } }),
    );
    if (!done) return;
    announce(`The topic ${topic.name} is deleted.`);
    await again();
    byId("topics-title").focus();
  });
  const [words, tone] = BADGES[topic.state] ?? [topic.state, ""];
  return h("li", { class: "hops-between", "data-state": topic.state },
    h("div", {},
      h("div", { class: "hops-row" }, h("strong", {}, topic.name), words ? h("span", { class: "hops-badge", "data-tone": tone }, words) : null),
      h("div", { class: "hops-muted hops-small hops-break" }, h("span", { class: "hops-mono" }, topic.on_cluster), ` · ${many(topic.partitions, "partition")} · ${many(topic.replicas, "replica")} · `,
        topic.made_by ? `${topic.made_by}, ` : "", when(topic.created_at, { dateStyle: "medium" })),
      topic.error ? h("div", { class: "hops-small" }, topic.error) : null),
    owner ? remove : null);
}
