// The projects that I am invited into, by my name or my mail address.

import { call, page, path } from "./api.js";
import { announce, busy, byId, clearProblem, h, loaded, ROLES, showProblem, when } from "./dom.js";

const base = document.querySelector('meta[name="hops-base"]').content;
const box = byId("invitations");
const rows = byId("my-invitations");
const more = byId("more-invitations");

function row(invitation) {
  const act = (words, doing, verb, done) => {
    const button = h("button", { type: "button", class: `hops-button ${verb === "accept" ? "hops-primary" : "hops-plain"}`, "aria-label": `${words} ${invitation.title}` }, words);
    button.addEventListener("click", async () => {
      clearProblem(box);
      try {
        await busy(button, doing, () => call("POST", `me/invitations/${path(invitation.id)}:${verb}`));
        done();
      } catch (error) {
        showProblem(box, error);
      }
    });
    return button;
  };
  const declined = () => {
    item.remove();
    box.hidden = rows.children.length === 0;
    announce(`You declined the invitation into ${invitation.title}.`);
  };
  const item = h(
    "li",
    { class: "hops-between" },
    h("div", {}, h("strong", {}, invitation.title), h("div", { class: "hops-muted hops-small" }, `${invitation.inviter} invites you as ${ROLES[invitation.role] ?? invitation.role}, until `, when(invitation.expires_at, { dateStyle: "medium" }))),
    h("div", { class: "hops-row" },
      act("Accept", "Accepting…", "accept", () => window.location.assign(`${base}projects/${path(invitation.project)}`)),
      act("Decline", "Declining…", "decline", declined)),
  );
  return item;
}

async function load(after = null) {
  const answer = await page("me/invitations", { after });
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(row));
  box.hidden = rows.children.length === 0;
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(box, error));
}

loaded(box, load, () => (box.hidden = false));
