// Datasets that other projects share with this one, offer it, or are asked for.

import { call, path } from "./api.js";
import { act, ask } from "./acts.js";
import { announce, byId, h } from "./dom.js";
import { MODES, STATES } from "./modes.js";
import { fill } from "./more.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const name = meta("project");
const url = `projects/${path(name)}`;
const box = byId("shares");
let owner = false;

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

/** Shows them; who may decide gets the buttons for it. */
export async function loadReceived(mayDecide = owner) {
  owner = mayDecide;
  await fill(box, byId("received-shares"), `${url}/shares`, byId("more-received"), receivedRow, "No other project shares a dataset with this one.");
}
