// An invitation, by a link: who is logged in accepts it, others log in or make an account.

import { call, path, ProblemError } from "./api.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, ROLES, showProblem, when } from "./dom.js";
import { takeToken } from "./link.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const KEPT = "hops-invitation";
const box = byId("invitation");
const form = byId("register-form");
const accept = byId("accept");

// The way to the log-in and back leads over other pages; the link waits in this tab alone, and is taken out at once.
const token = takeToken() || window.sessionStorage.getItem(KEPT) || "";
window.sessionStorage.removeItem(KEPT);

byId("log-in").addEventListener("click", () => {
  window.sessionStorage.setItem(KEPT, token);
  window.location.assign(`${meta("base")}login?next=${encodeURIComponent(`${meta("base")}invitation`)}`);
});
accept.addEventListener("click", async () => {
  clearProblem(box);
  try {
    const { body } = await busy(accept, "Accepting…", () => call("POST", "invitations:accept", { body: { token } }));
    announce(`You are a ${ROLES[body.role] ?? body.role} now.`);
    window.location.assign(`${meta("base")}projects/${path(accept.dataset.project)}`);
  } catch (error) {
    showProblem(box, error);
  }
});
onSubmit(form, "Making…", async ({ again, ...body }) => {
  if (again !== body.password) {
    throw new ProblemError({ status: 422, detail: "The password was not typed the same both times.", violations: [{ field: "again", message: "This differs from the password." }] });
  }
  const { body: made } = await call("POST", "invitations:register", { body: { ...body, name: body.name.trim(), title: body.title.trim(), token } });
  const onward = h("a", { href: meta("base") }, "Log in");
  byId("ways").replaceWith(
    made.waiting
      ? h("div", { class: "hops-notice hops-good", role: "status" }, h("strong", {}, "Your account waits for an administrator."), h("span", {}, "With it you come into the project. If you were invited by mail, you are told there."))
      : h("div", { class: "hops-notice hops-good", role: "status" }, h("strong", {}, `Your account ${made.user} is there, and you are a member.`), onward),
  );
  onward.focus();
});

async function show() {
  const { body: found } = await call("POST", "invitations:open", { body: { token } });
  byId("invitation-title").textContent = `You are invited into ${found.title || found.project}`;
  byId("invitation-text").replaceChildren(`${found.inviter} invites you as ${ROLES[found.role] ?? found.role}. The invitation is good until `, when(found.expires_at), ".");
  accept.dataset.project = found.project;
  const known = meta("user") !== "";
  accept.hidden = !known;
  byId("ways").hidden = known;
  byId("with-account").hidden = !found.registers;
  byId("without-account").hidden = found.registers;
  byId("approval").hidden = !found.approval;
}

if (token) loaded(box, show);
else byId("no-link").hidden = false;
box.setAttribute("aria-busy", "false");
