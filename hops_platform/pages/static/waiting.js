// Administration: people of realms who have come and are nobody here yet.

import { call, page, path } from "./api.js";
import { confirmed } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, showProblem, when } from "./dom.js";

const box = byId("waiting");
const rows = byId("waiting-rows");
const more = byId("more-waiting");

function remove(row) {
  row.remove();
  if (rows.children.length === 0 && !more.hidden) more.click();
  else box.hidden = rows.children.length === 0;
}

/** Law 1 of realms: a name that somebody has is given to nobody else, unless an administrator says that it is they. */
function waitingRow(account) {
  const shown = account.title || account.username;
  const name = h("input", { type: "text", maxlength: 30, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-label": `User name for ${shown}` });
  name.value = account.username.split("@")[0].toLowerCase();
  const existing = h("input", { type: "checkbox" });
  const admit = h("button", { type: "button", class: "hops-button", "aria-label": `Let in ${shown}` }, "Let in");
  const letIn = async () => {
    const { body } = await call("POST", `realm-accounts/${path(account.id)}:admit`, { body: { user: name.value.trim(), existing: existing.checked } });
    announce(`${shown} can log in as ${body.user}.`);
    remove(row);
  };
  admit.addEventListener("click", async () => {
    clearProblem(box);
    if (existing.checked) {
      await confirmed(
        { title: `Is ${shown} the user ${name.value.trim()}?`, text: "Whoever this is gets that user's projects and files. The user's password and all log-ins end.", action: "Let in", doing: "Letting in…", danger: true },
        letIn,
      );
    } else await busy(admit, "Letting in…", letIn).catch((error) => showProblem(box, error));
  });
  const forget = h("button", { type: "button", class: "hops-button hops-plain", "aria-label": `Take ${shown} off the list` }, "Take off the list");
  forget.addEventListener("click", async () => {
    clearProblem(box);
    try {
      await busy(forget, "Taking off…", () => call("DELETE", `realm-accounts/${path(account.id)}`));
      announce(`${shown} is off the list.`);
      remove(row);
    } catch (error) {
      showProblem(box, error);
    }
  });
  const row = h(
    "li",
    { class: "hops-stack-tight" },
    h("span", {}, h("strong", {}, shown), h("span", { class: "hops-muted" }, ` ${account.username} of ${account.realm}`), h("span", { class: "hops-muted hops-small" }, account.email ? ` · ${account.email}` : "", " · first came ", when(account.created_at, { dateStyle: "medium" }))),
    h("div", { class: "hops-row" }, h("span", { class: "hops-small", "aria-hidden": "true" }, "User name here"), name, admit, forget),
    h("label", { class: "hops-row hops-small" }, existing, "This is a user who is there already."),
  );
  return row;
}

async function load(after = null) {
  const answer = await page("realm-accounts", { after, waiting: "true" });
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(waitingRow));
  more.hidden = !answer.next;
  more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(box, error));
  box.hidden = rows.children.length === 0;
}

loaded(box, load, () => (box.hidden = false));
