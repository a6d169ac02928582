// The parts of the platform, for administrators: which work, since when, why not, and what waits for them.

import { get } from "./api.js";
import { busy, byId, clearProblem, h, loaded, when } from "./dom.js";

const scope = byId("engines");

function waits({ waiting, stuck }) {
  if (!waiting) return h("span", { class: "hops-muted" }, "none");
  const link = h("a", { href: "#outbox" }, `${waiting} waiting`);
  return stuck ? [link, " ", h("span", { class: "hops-badge", "data-tone": "bad" }, `${stuck} stuck`)] : link;
}

const row = (engine) =>
  h("tr", {},
    h("td", {}, h("strong", {}, engine.title), engine.about ? h("div", { class: "hops-muted hops-small hops-break" }, engine.about) : null),
    h("td", {}, h("span", { class: "hops-badge", "data-tone": engine.state === "up" ? "good" : "bad" }, engine.state === "up" ? "Works" : "Does not work"),
      h("div", { class: "hops-muted hops-small" }, "since ", when(engine.since))),
    h("td", {}, engine.error ? h("div", { class: "hops-break" }, engine.error) : h("span", { class: "hops-muted" }, "none"),
      engine.remedy ? h("div", { class: "hops-small" }, engine.remedy) : null),
    h("td", {}, waits(engine)));

async function load() {
  clearProblem(scope);
  await loaded(scope, async () => {
    const engines = await get("engines");
    byId("engine-rows").replaceChildren(...engines.map(row));
    byId("engine-rows").setAttribute("aria-busy", "false");
  });
}

byId("refresh-engines").addEventListener("click", (event) => busy(event.currentTarget, "Looking…", load));
load();
