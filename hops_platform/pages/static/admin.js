// Administration: users, and the deliveries that wait.

import { call, idempotencyKey, page, path } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem, when } from "./dom.js";

const me = document.querySelector('meta[name="hops-user"]').content;
const users = byId("users");
const outbox = byId("outbox");

const ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"; // none that look alike
/** A password of 100 bits and more, in groups that can be read out. */
function oneTimePassword() {
  const letters = [];
  while (letters.length < 20) {
    // Bytes beyond the last whole multiple are left out, so that every letter is as likely as any other.
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < 256 - (256 % ALPHABET.length) && letters.length < 20) letters.push(ALPHABET[byte % ALPHABET.length]);
    }
  }
  return letters.join("").replace(/.{5}(?=.)/g, "$&-");
}

const ABOUT_A_PASSWORD = byId("secret-hint").textContent;
const ABOUT_A_LINK = "It is shown only now, and good once, for a day. Whoever has it chooses the password: hand it over by a way that you trust. A second factor is asked for as always.";
function showSecret(user, secret, { title = "One-time password", hint = ABOUT_A_PASSWORD } = {}) {
  byId("secret-title").textContent = title;
  byId("secret-hint").textContent = hint;
  byId("secret-text").textContent = `For ${user}:`;
  byId("secret").textContent = secret;
  byId("secret-dialog").showModal();
}
byId("secret-dialog").addEventListener("close", () => (byId("secret").textContent = ""));
byId("copy-secret").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("secret").textContent);
    byId("copy-secret").textContent = "Copied";
  } catch {
    byId("copy-secret").textContent = "Select it by hand";
  }
  setTimeout(() => (byId("copy-secret").textContent = "Copy"), 3000);
});

async function change(user, body, row, done) {
  const { body: changed } = await call("PATCH", `users/${path(user.name)}`, { body });
  row.replaceWith(userRow(changed));
  announce(done);
}

function states(user) {
  const locked = user.locked_until && new Date(user.locked_until) > new Date();
  return [
    user.active ? h("span", { class: "hops-badge", "data-tone": "good" }, "Active") : h("span", { class: "hops-badge" }, "Inactive"),
    user.admin ? h("span", { class: "hops-badge", "data-tone": "busy" }, "Administrator") : null,
    user.auditor ? h("span", { class: "hops-badge", "data-tone": "busy" }, "Auditor") : null,
    locked ? h("span", { class: "hops-badge", "data-tone": "bad" }, "Locked until ", when(user.locked_until)) : null,
    user.must_change_password ? h("span", { class: "hops-badge", "data-tone": "warn" }, "Must change password") : null,
    user.realm ? h("span", { class: "hops-badge" }, "Realm ", user.realm) : null,
    user.second_factor ? h("span", { class: "hops-badge" }, "Second factor") : null,
  ];
}

function userRow(user) {
  const own = user.name === me;
  const action = (label, body, done, question) => {
    const button = h("button", { type: "button", class: "hops-button", "aria-label": `${label}: ${user.name}` }, label);
    button.addEventListener("click", async () => {
      clearProblem(users);
      const work = () => change(user, body, row, done);
      if (question) await confirmed({ action: label, doing: "Changing…", ...question }, work);
      else await busy(button, "Changing…", work).catch((error) => showProblem(users, error));
    });
    return button;
  };
  const locked = user.locked_until && new Date(user.locked_until) > new Date();
  const reset = h("button", { type: "button", class: "hops-button", "aria-label": `Reset password of ${user.name}` }, "Reset password");
  reset.addEventListener("click", async () => {
    const password = oneTimePassword();
    const done = await confirmed(
      { title: `Reset the password of ${user.name}?`, text: "The present password and all tokens stop working at once.", action: "Reset password", doing: "Resetting…", danger: true },
      async () => {
        const { body } = await call("PATCH", `users/${path(user.name)}`, { body: { password } });
        row.replaceWith(userRow(body));
      },
    );
    if (done) showSecret(user.name, password);
  });
  const link = h("button", { type: "button", class: "hops-button", "aria-label": `Make a link by which ${user.name} chooses a password` }, "Make a link");
  link.addEventListener("click", async () => {
    clearProblem(users);
    try {
      const { body } = await busy(link, "Making…", () => call("POST", `users/${path(user.name)}/password-reset-link`));
      showSecret(user.name, body.link, { title: "Link for a new password", hint: ABOUT_A_LINK });
    } catch (error) {
      showProblem(users, error);
    }
  });
  const forget = h("button", { type: "button", class: "hops-button", "aria-label": `Reset second factor of ${user.name}` }, "Reset second factor");
  forget.addEventListener("click", async () => {
    const done = await confirmed(
      { title: `Reset the second factor of ${user.name}?`, text: "Until they set up another one, their password alone lets them in. Make sure that it is they who ask.", action: "Reset second factor", doing: "Resetting…", danger: true },
      async () => {
        await call("DELETE", `users/${path(user.name)}/second-factor`);
        row.replaceWith(userRow({ ...user, second_factor: false }));
      },
    );
    if (done) announce(`${user.name} logs in without a code.`);
  });
  const row = h(
    "tr",
    {},
    h("td", {}, h("strong", {}, user.name), user.title ? h("div", { class: "hops-muted hops-small" }, user.title) : null),
    h("td", {}, h("div", { class: "hops-row" }, states(user))),
    h(
      "td",
      { class: "hops-actions-cell" },
      h(
        "div",
        { class: "hops-row" },
        locked ? action("Unlock", { unlock: true }, `${user.name} can log in again.`) : null,
        own || user.realm ? null : reset,
        own || user.realm || !user.active ? null : link,
        own || !user.second_factor ? null : forget,
        own
          ? null
          : user.admin
            ? action("Remove as admin", { admin: false }, `${user.name} is no administrator any more.`, {
                title: `Take administration from ${user.name}?`, text: "Users, limits and deliveries can then no longer be managed with this account.", danger: true })
            : action("Make admin", { admin: true }, `${user.name} is an administrator.`, {
                title: `Make ${user.name} an administrator?`, text: "An administrator manages users, limits and deliveries of the whole site." }),
        user.auditor
          ? action("Remove as auditor", { auditor: false }, `${user.name} is no auditor any more.`)
          : action("Make auditor", { auditor: true }, `${user.name} is an auditor.`, {
              title: `Make ${user.name} an auditor?`, text: "An auditor reads who did what in all projects of the site, and gets no other right." }),
        own
          ? null
          : user.active
            ? action("Deactivate", { active: false }, `${user.name} can't log in any more.`, {
                title: `Deactivate ${user.name}?`, text: "Logging in and all tokens stop working at once; servers are stopped. Files and memberships stay.", danger: true })
            : action("Activate", { active: true }, `${user.name} can log in again.`),
      ),
    ),
  );
  return row;
}

async function list(url, { rows, button, make, scope, after = null, limit = 50 }) {
  const answer = await page(url, { after, limit });
  if (after === null) rows.replaceChildren();
  rows.append(...answer.items.map(make));
  rows.setAttribute("aria-busy", "false");
  button.hidden = !answer.next;
  button.onclick = () =>
    busy(button, "Loading…", () => list(url, { rows, button, make, scope, after: answer.next, limit })).catch((error) => showProblem(scope, error));
}

const loadUsers = () =>
  loaded(users, () => list("users", { rows: byId("user-rows"), button: byId("more-users"), make: userRow, scope: users }));

// Creating a user
const dialog = byId("user-dialog");
let key = "";
let password = "";
byId("create-user").addEventListener("click", () => {
  key = idempotencyKey();
  password = oneTimePassword();
  open(dialog);
});
dialog.addEventListener("change", () => (key = idempotencyKey()));
onSubmit(dialog.querySelector("form"), "Creating…", async (values) => {
  const body = { name: values.name.trim(), title: values.title.trim(), admin: values.admin === "on", password };
  const { body: created } = await call("POST", "users", { body, key });
  dialog.close();
  byId("user-rows").prepend(userRow(created));
  showSecret(created.name, password);
  password = "";
});

// Registrations
const registrations = byId("registrations");
let declined = null; // the registration in the dialog, and its row

function decided(row, words) {
  row.remove();
  const more = byId("more-registrations");
  if (byId("registration-rows").children.length === 0 && !more.hidden) more.click();
  else registrations.hidden = byId("registration-rows").children.length === 0;
  if (!registrations.hidden) byId("registrations-title").focus();
  announce(words);
}

function registrationRow(registration) {
  const url = `registrations/${path(registration.id)}`;
  const approve = h("button", { type: "button", class: "hops-button hops-primary", "aria-label": `Approve ${registration.name}` }, "Approve");
  approve.addEventListener("click", async () => {
    clearProblem(registrations);
    try {
      const { body } = await busy(approve, "Approving…", () => call("POST", `${url}:approve`));
      decided(row, body.project ? `${body.user} has an account, and is a member of ${body.project}.` : `${body.user} has an account.`);
      loadUsers();
    } catch (error) {
      showProblem(registrations, error);
    }
  });
  const decline = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Decline ${registration.name}` }, "Decline…");
  decline.addEventListener("click", () => {
    declined = { url, row, name: registration.name };
    open(byId("decline-dialog"));
  });
  const row = h(
    "tr",
    {},
    h("td", {}, h("strong", {}, registration.name), registration.title ? h("div", { class: "hops-muted hops-small" }, registration.title) : null, h("div", { class: "hops-muted hops-small" }, "since ", when(registration.created_at))),
    h("td", { class: "hops-break hops-address" }, registration.address ?? h("span", { class: "hops-muted" }, "none"), registration.project ? h("div", { class: "hops-muted hops-small" }, `invited into ${registration.project}`) : null),
    h("td", { class: "hops-break" }, registration.message),
    h("td", { class: "hops-actions-cell" }, h("div", { class: "hops-row" }, approve, decline)),
  );
  return row;
}
onSubmit(byId("decline-dialog").querySelector("form"), "Declining…", async ({ reason }) => {
  const { url, row, name } = declined;
  await call("POST", `${url}:decline`, { body: { reason } });
  byId("decline-dialog").close();
  decided(row, `The registration of ${name} is declined.`);
});

const loadRegistrations = () =>
  loaded(
    registrations,
    async () => {
      await list("registrations", { rows: byId("registration-rows"), button: byId("more-registrations"), make: registrationRow, scope: registrations });
      registrations.hidden = byId("registration-rows").children.length === 0;
    },
    () => (registrations.hidden = false),
  );

// Deliveries
function deliveryRow(delivery) {
  const button = h("button", { type: "button", class: "hops-button", "aria-label": `Retry now: ${delivery.topic} of ${delivery.entity}` }, "Retry now");
  button.addEventListener("click", async () => {
    clearProblem(outbox);
    try {
      await busy(button, "Trying…", () => call("POST", `outbox/${path(delivery.id)}:retry`));
      announce("It is tried again now.");
      setTimeout(loadOutbox, 1500);
    } catch (error) {
      showProblem(outbox, error);
    }
  });
  return h(
    "tr",
    {},
    h("td", {}, h("strong", {}, delivery.topic), h("div", { class: "hops-muted hops-small hops-mono" }, delivery.entity), h("div", { class: "hops-muted hops-small" }, "since ", when(delivery.created_at))),
    h("td", {}, delivery.last_error ?? h("span", { class: "hops-muted" }, "none so far")),
    h("td", {}, h("div", { class: "hops-row" }, String(delivery.attempts), delivery.stuck ? h("span", { class: "hops-badge", "data-tone": "bad" }, "Stuck") : null)),
    h("td", { class: "hops-actions-cell" }, button),
  );
}

async function loadOutbox() {
  clearProblem(outbox);
  await loaded(outbox, async () => {
    await list("outbox", { rows: byId("outbox-rows"), button: byId("more-outbox"), make: deliveryRow, scope: outbox });
    const none = byId("outbox-rows").children.length === 0;
    byId("outbox-empty").hidden = !none;
    byId("outbox-table").hidden = none;
  });
}

byId("refresh-outbox").addEventListener("click", (event) => busy(event.currentTarget, "Looking…", loadOutbox));
loadUsers();
loadRegistrations();
loadOutbox();
