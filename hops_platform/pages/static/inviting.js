// Invitations into a project, for its Data Owners.

import { call, page, path } from "./api.js";
import { open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, ROLES, showProblem, when } from "./dom.js";

const box = byId("invitations");
const rows = byId("invitation-rows");
const more = byId("more-invitations");
const dialog = byId("invite-dialog");
const form = dialog.querySelector("form");

byId("link-dialog").addEventListener("close", () => byId("invitation-link").replaceChildren());
byId("copy-link").addEventListener("click", async () => {
  const button = byId("copy-link");
  try {
    await navigator.clipboard.writeText(byId("invitation-link").textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it by hand";
  }
  setTimeout(() => (button.textContent = "Copy"), 3000);
});

function showFields() {
  const kind = new FormData(form).get("kind");
  for (const field of form.querySelectorAll("[data-of]")) field.hidden = field.dataset.of !== kind;
}
form.addEventListener("change", showFields);

/** Shows the invitations into `url`'s project, and lets its Data Owner make and revoke some. */
export async function watchInvitations(url) {
  function row(invitation) {
    const whom = invitation.user ?? invitation.address ?? `A link for ${invitation.uses_left === 1 ? "one person" : `${invitation.uses_left} people`}`;
    const revoke = h("button", { type: "button", class: "hops-button hops-plain", "aria-label": `Revoke the invitation: ${whom}` }, "Revoke");
    revoke.addEventListener("click", async () => {
      clearProblem(box);
      try {
        await busy(revoke, "Revoking…", () => call("DELETE", `${url}/invitations/${path(invitation.id)}`));
        item.remove();
        byId("invitations-title").focus();
        announce("The invitation is revoked.");
      } catch (error) {
        showProblem(box, error);
      }
    });
    const item = h(
      "li",
      { class: "hops-between" },
      h("span", { class: "hops-break" }, h("strong", {}, whom), h("span", { class: "hops-muted hops-small" }, ` ${ROLES[invitation.role] ?? invitation.role}, by ${invitation.inviter}, until `, when(invitation.expires_at, { dateStyle: "medium" }))),
      revoke,
    );
    return item;
  }

  async function load(after = null) {
    const answer = await page(`${url}/invitations`, { after });
    if (after === null) rows.replaceChildren();
    rows.append(...answer.items.map(row));
    more.hidden = !answer.next;
    more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(box, error));
  }

  byId("invite").addEventListener("click", () => {
    open(dialog);
    showFields();
  });
  onSubmit(form, "Inviting…", async ({ kind, address, user, uses, role, days }) => {
    const whom = { address: { address }, user: { user: user.trim() }, link: { uses: Number(uses) } }[kind];
    const { body } = await call("POST", `${url}/invitations`, { body: { ...whom, role, days: Number(days) } });
    dialog.close();
    rows.append(row(body));
    if (body.link) {
      byId("invitation-link").textContent = body.link;
      byId("link-dialog").showModal();
    } else {
      announce(`${body.user ?? body.address} is invited.`);
    }
  });
  box.hidden = false;
  await loaded(box, load);
}
