// People who could become members: those who ask, and those whom a Data Owner looks for by name.

import { call, get, page, path } from "./api.js";
import { announce, busy, byId, clearProblem, h, loaded, ROLES, showProblem, when } from "./dom.js";

const PAUSE_MS = 200;
const SHORTEST = 2;

/** Shows who asks to join `url`'s project; `joined(member)` is called for each who is accepted. */
export async function watchRequests(url, joined) {
  const box = byId("requests");
  const rows = byId("request-rows");
  const more = byId("more-requests");
  const remove = (row) => {
    row.remove();
    if (rows.children.length === 0 && !more.hidden) more.click();
    else box.hidden = rows.children.length === 0;
  };

  function requestRow(request) {
    const url_ = `${url}/join-requests/${path(request.user)}`;
    const role = h("select", { "aria-label": `Role for ${request.user}` }, Object.entries(ROLES).reverse().map(([value, text]) => h("option", { value }, text)));
    role.value = "data_scientist";
    const act = (words, doing, work, told) => {
      const button = h("button", { type: "button", class: `hops-button ${words === "Accept" ? "" : "hops-plain"}`, "aria-label": `${words} ${request.user}` }, words);
      button.addEventListener("click", async () => {
        clearProblem(box);
        try {
          const answer = await busy(button, doing, work);
          if (answer.body) joined(answer.body);
          announce(told);
          remove(row);
        } catch (error) {
          showProblem(box, error);
        }
      });
      return button;
    };
    const row = h(
      "li",
      { class: "hops-stack-tight" },
      h("span", {}, h("strong", {}, request.user), request.title ? h("span", { class: "hops-muted" }, ` ${request.title}`) : null, h("span", { class: "hops-muted hops-small" }, " asks since ", when(request.created_at, { dateStyle: "medium" }))),
      request.message ? h("q", { class: "hops-small hops-break" }, request.message) : null,
      h(
        "div",
        { class: "hops-row" },
        role,
        act("Accept", "Accepting…", () => call("POST", `${url_}:accept`, { body: { role: role.value } }), `${request.user} is a member now.`),
        act("Decline", "Declining…", () => call("POST", `${url_}:decline`), `${request.user} is told that the request was declined.`),
      ),
    );
    return row;
  }

  async function load(after = null) {
    const answer = await page(`${url}/join-requests`, { after });
    if (after === null) rows.replaceChildren();
    rows.append(...answer.items.map(requestRow));
    more.hidden = !answer.next;
    more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(box, error));
    box.hidden = rows.children.length === 0;
  }

  await loaded(box, load, () => (box.hidden = false));
}

/** Suggests users while a name is typed into `input`, whose list is `list`. */
export function suggestUsers(url, input, list) {
  let timer = null;
  let last = "";
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const sought = input.value.trim();
    if (sought.length < SHORTEST || sought === last) return;
    timer = setTimeout(async () => {
      last = sought;
      try {
        const found = await get(`${url}/candidates?${new URLSearchParams({ search: sought })}`);
        if (last === sought) list.replaceChildren(...found.map(({ name, title }) => h("option", { value: name }, title)));
      } catch {
        // A name can be typed without suggestions; what is wrong with the call, adding tells.
      }
    }, PAUSE_MS);
  });
}
