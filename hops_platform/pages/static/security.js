// Security: the second factor, keys and certificates. Secrets stand in the page only while their dialog is open.

import { call, get, page, path, ProblemError } from "./api.js";
import { confirmed, open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem, when } from "./dom.js";
import { askKey, knowsKeys, makeKey, whyNot } from "./hub/security-key.js";
import { fill } from "./more.js";

const MOST_KEYS = 20;
const SECOND_FACTOR_NEEDED = "urn:hopslab:problem:second-factor-needed";
const DAY = { dateStyle: "medium" };

/** A dialog that shows a secret until it is closed. */
function showOnce(dialog, place, text) {
  place.textContent = text;
  dialog.showModal();
}
for (const [dialog, ...places] of [["secret-dialog", "secret"], ["codes-dialog", "codes"], ["confirm-dialog", "setup-secret", "qr"]]) {
  byId(dialog).addEventListener("close", () => places.forEach((place) => byId(place).replaceChildren()));
}

// Second factor

async function showFactor() {
  const state = await get("me/second-factor");
  const left = `${state.recovery_codes_left} recovery ${state.recovery_codes_left === 1 ? "code is" : "codes are"} left.`;
  byId("factor-state").replaceChildren(
    ...(state.on
      ? [h("span", { class: "hops-badge", "data-tone": "good" }, "On"), " since ", when(state.since, DAY), `. ${left}`]
      : [h("span", { class: "hops-badge" }, "Off")]),
  );
  byId("begin").hidden = state.on;
  byId("renew").hidden = !state.on;
  byId("turn-off").hidden = !state.on;
  byId("factor").setAttribute("aria-busy", "false");
}
const refreshFactor = () => loaded(byId("factor"), showFactor);

function showCodes({ recovery_codes: codes }) {
  showOnce(byId("codes-dialog"), byId("codes"), codes.join("\n"));
}
byId("codes-dialog").addEventListener("close", () => byId("factor-state").focus());
byId("print-codes").addEventListener("click", () => window.print());
byId("download-codes").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob([`${byId("codes").textContent}\n`], { type: "text/plain" }));
  h("a", { href: address, download: "hopslab-recovery-codes.txt" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
});

byId("begin").addEventListener("click", () => open(byId("begin-dialog")));
async function begin(proof) {
  const { body } = await call("POST", "me/second-factor", { body: proof });
  for (const dialog of ["begin-dialog", "prove-dialog"]) byId(dialog).close();
  open(byId("confirm-dialog"));
  byId("setup-secret").textContent = body.secret.replace(/.{4}(?=.)/g, "$& ");
  const picture = document.importNode(new DOMParser().parseFromString(body.qr_code, "image/svg+xml").documentElement, true);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "QR code for the authenticator app; the text below says the same.");
  byId("qr").replaceChildren(picture);
}
onSubmit(byId("begin-dialog").querySelector("form"), "Beginning…", async ({ password }) => {
  try {
    await begin({ password });
  } catch (error) {
    if (error.problem?.type !== SECOND_FACTOR_NEEDED) throw error;
    // Who has a security key shows it before an app is taken in its place.
    byId("begin-dialog").close();
    prove({ title: "Set up an authenticator app", text: "You have a security key. Show that it is you with it, or with a recovery code.", action: "Go on" }, begin);
  }
});

onSubmit(byId("confirm-dialog").querySelector("form"), "Turning on…", async ({ code }) => {
  const { body } = await call("POST", "me/second-factor:confirm", { body: { code } });
  byId("confirm-dialog").close();
  byId("must-set-up")?.remove();
  await refreshFactor();
  showCodes(body);
  announce("A code is asked for at each log-in from now on.");
});

let proven = null;
function prove({ title, text, action }, work) {
  byId("prove-title").textContent = title;
  byId("prove-text").textContent = text;
  byId("prove").textContent = action;
  proven = work;
  open(byId("prove-dialog"));
}
const asked = async (work) => {
  try {
    return await work();
  } catch (error) {
    throw new ProblemError({ status: 422, detail: whyNot(error) });
  }
};
onSubmit(byId("prove-dialog").querySelector("form"), "Checking…", async ({ password, code }) => {
  try {
    await proven(code.trim() ? { password, code } : { password });
  } catch (error) {
    const { type, challenge, security_key: options } = error.problem ?? {};
    if (type !== SECOND_FACTOR_NEEDED) throw error;
    if (!options) throw new ProblemError({ ...error.problem, detail: "A code is needed.", remedy: null, violations: [{ field: "code", message: "Type one, or a recovery code." }] });
    await proven({ challenge, assertion: await asked(() => askKey(options)) });
  }
});

byId("turn-off").addEventListener("click", () =>
  prove({ title: "Turn the second factor off?", text: "From then on your password alone lets you in, and your recovery codes end.", action: "Turn off" }, async (body) => {
    await call("POST", "me/second-factor:turn-off", { body });
    byId("prove-dialog").close();
    await refreshFactor();
    byId("factor-state").focus();
    announce("The second factor is off.");
  }),
);
byId("renew").addEventListener("click", () =>
  prove({ title: "New recovery codes", text: "All earlier ones end.", action: "Make new codes" }, async (proof) => {
    const { body } = await call("POST", "me/second-factor:renew-recovery-codes", { body: proof });
    byId("prove-dialog").close();
    await refreshFactor();
    showCodes(body);
  }),
);

// Security keys

function securityKeyRow(key) {
  const remove = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Remove ${key.name}` }, "Remove");
  remove.addEventListener("click", () =>
    prove({ title: `Remove the key ${key.name}?`, text: "It is asked for no more. Without any other second factor your password alone lets you in.", action: "Remove" }, async (body) => {
      await call("POST", `me/security-keys/${path(key.id)}:remove`, { body });
      byId("prove-dialog").close();
      await Promise.all([showSecurityKeys(), refreshFactor()]);
      byId("security-keys-title").focus();
      announce(`The key ${key.name} is removed.`);
    }),
  );
  return h(
    "li",
    { class: "hops-between" },
    h("div", {}, h("strong", {}, key.name), h("div", { class: "hops-muted hops-small" }, "since ", when(key.created_at, DAY), key.last_used_at ? h("span", {}, ", last used ", when(key.last_used_at)) : ", not used yet")),
    remove,
  );
}

async function showSecurityKeys() {
  const { items, origin } = await get("me/security-keys");
  const here = origin === window.location.origin && knowsKeys();
  byId("add-key").hidden = !here;
  byId("security-key-rows").replaceChildren(...items.map(securityKeyRow));
  byId("no-security-keys").textContent = !origin
    ? "At this site's address security keys don't work: they need a name, and TLS."
    : !here
      ? `Security keys work at ${origin}; open the site there to add one.`
      : items.length
        ? ""
        : "You have none.";
}

byId("add-key").addEventListener("click", () =>
  prove({ title: "Add a security key", text: "First show that it is you. Leave the code empty if you have no second factor yet.", action: "Go on" }, async (body) => {
    const { body: begun } = await call("POST", "me/security-keys:begin", { body });
    byId("prove-dialog").close();
    open(byId("add-key-dialog"));
    options = begun.options;
  }),
);
let options = null;
onSubmit(byId("add-key-dialog").querySelector("form"), "Touch the key…", async ({ name }) => {
  const credential = await asked(() => makeKey(options));
  const { body } = await call("POST", "me/security-keys", { body: { name, credential } });
  byId("add-key-dialog").close();
  byId("must-set-up")?.remove();
  await Promise.all([showSecurityKeys(), refreshFactor()]);
  if (body.recovery_codes.length) showCodes(body);
  announce(`The key ${body.name} can be used at each log-in from now on.`);
});

// API keys

function keyRow(key) {
  const revoke = h("button", { type: "button", class: "hops-button", "aria-label": `Revoke ${key.name}` }, "Revoke");
  revoke.addEventListener("click", async () => {
    const done = await confirmed(
      { title: `Revoke the key ${key.name}?`, text: "Programs that use it are refused at once. It can't be taken back.", action: "Revoke", doing: "Revoking…", danger: true },
      () => call("DELETE", `me/api-keys/${path(key.name)}`),
    );
    if (!done) return;
    row.remove();
    showWhetherAny();
    byId("keys-title").focus();
    announce(`The key ${key.name} is revoked.`);
  });
  const ended = key.state === "ended" ? h("div", {}, h("span", { class: "hops-badge", "data-tone": "warn" }, "Ended"), " ", h("span", { class: "hops-small" }, key.reason)) : null;
  const row = h(
    "tr",
    {},
    h("td", {}, h("strong", {}, key.name), h("div", { class: "hops-muted hops-small" }, h("code", {}, `${key.shown}…`)), ended),
    h("td", {}, key.scopes.join(", "), key.project ? h("div", { class: "hops-muted hops-small" }, `only in ${key.project}`) : null),
    h("td", {}, when(key.expires_at, DAY)),
    h("td", {}, key.last_used_at ? when(key.last_used_at) : "not yet"),
    h("td", { class: "hops-actions-cell" }, revoke),
  );
  return row;
}

function showWhetherAny() {
  const any = byId("key-rows").children.length > 0;
  byId("key-table").hidden = !any;
  byId("keys-empty").hidden = any;
}

async function showKeys() {
  const { items } = await page("me/api-keys", { limit: MOST_KEYS });
  byId("key-rows").replaceChildren(...items.map(keyRow));
  showWhetherAny();
}

byId("make-key").addEventListener("click", () => open(byId("key-dialog")));
onSubmit(byId("key-dialog").querySelector("form"), "Making…", async ({ name, project, days }) => {
  const scopes = [...byId("key-dialog").querySelectorAll("[name=scopes]:checked")].map((box) => box.value);
  const body = { name: name.trim(), scopes, days: Number(days), project: project.trim() || null };
  const { body: made } = await call("POST", "me/api-keys", { body });
  byId("key-dialog").close();
  showOnce(byId("secret-dialog"), byId("secret"), made.key);
  byId("key-rows").prepend(keyRow(made));
  showWhetherAny();
});
byId("copy-secret").addEventListener("click", async () => {
  const button = byId("copy-secret");
  try {
    await navigator.clipboard.writeText(byId("secret").textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it by hand";
  }
  setTimeout(() => (button.textContent = "Copy"), 3000);
});

// Certificates

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** The files by the names that they have in servers and sessions. */
function filesOf(answer) {
  return [
    ["certificate.pem", answer.certificate, "the certificate, and the authority that signed it"],
    ["key.pem", answer.key, "its private key"],
    ["authorities.pem", answer.authorities, "whom to believe"],
    ["keystore.p12", bytes(answer.key_store), "certificate and key for Java"],
    ["truststore.p12", bytes(answer.trust_store), "whom to believe, for Java"],
    ["password", answer.password, "of both stores"],
  ];
}

function fileRow([name, content, what]) {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  return h("li", {}, h("a", { href: address, download: name }, name), h("span", { class: "hops-muted hops-small" }, ` ${what}`));
}
byId("files-dialog").addEventListener("close", () => {
  for (const link of byId("files").querySelectorAll("a")) URL.revokeObjectURL(link.href);
  byId("files").replaceChildren();
  byId("certificates-title").focus();
});

function certificateRow(certificate) {
  const { project } = certificate;
  const place = `projects/${path(project)}`;
  const files = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Files of the certificate in ${project}` }, "Files…");
  files.addEventListener("click", async () => {
    clearProblem(byId("certificates"));
    try {
      const { body } = await busy(files, "Fetching…", () => call("POST", `${place}/certificate:export`));
      byId("files").replaceChildren(...filesOf(body).map(fileRow));
      byId("files-dialog").showModal();
    } catch (error) {
      showProblem(byId("certificates"), error);
    }
  });
  const replace = h("button", { type: "button", class: "hops-button", "aria-haspopup": "dialog", "aria-label": `Replace the certificate in ${project}` }, "Replace…");
  replace.addEventListener("click", async () => {
    const done = await confirmed(
      {
        title: `Replace your certificate in ${project}?`,
        text: "Do it when somebody else may have the key. The old one is refused at once, your Spark sessions and tokens in the project end, and so do your API keys of this project alone. Start your notebook server again after it.",
        action: "Replace",
        doing: "Replacing…",
        danger: true,
      },
      () => call("POST", `${place}/certificate:replace`),
    );
    if (!done) return;
    await loaded(byId("certificates"), showCertificates);
    byId("certificates-title").focus();
    announce(`You have a new certificate in ${project}.`);
  });
  return h(
    "li",
    { class: "hops-between" },
    h("div", {}, h("strong", {}, project), h("div", { class: "hops-muted hops-small" }, h("code", { class: "hops-break" }, certificate.serial), ", good until ", when(certificate.not_after, DAY))),
    h("div", { class: "hops-row" }, files, replace),
  );
}

const showCertificates = () =>
  fill(byId("certificates"), byId("certificate-rows"), "me/certificates", byId("more-certificates"), certificateRow, "You are in no project yet, or your certificates are still being made.");

refreshFactor();
loaded(byId("security-keys"), showSecurityKeys);
// While a second factor has to be set up first, everything else is refused.
if (!byId("must-set-up")) {
  loaded(byId("keys"), showKeys);
  loaded(byId("certificates"), showCertificates);
}
