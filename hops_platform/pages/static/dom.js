// Elements and messages. Text always goes in as text, never as HTML.

/** An element: `h("a", {href, class, dataset: {…}, onclick}, "text", child)`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/**
 * Says a sentence to a screen reader, and shows it for a while; with something to do about it for a longer while, and
 * for as long as somebody is at it.
 * @param {{words: string, doing: string, work: () => Promise<void>}} [action]
 */
export function announce(text, tone = "good", action = null) {
  const region = byId("hops-news");
  const note = h("div", { class: `hops-notice hops-${tone} hops-toast` }, h("span", {}, text), h("div", { dataset: { problemBox: "" }, tabindex: "-1" }));
  const leave = () => (note.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : note.remove());
  if (action) {
    const button = h("button", { type: "button", class: "hops-button" }, action.words);
    button.addEventListener("click", async () => {
      clearProblem(note);
      try {
        await busy(button, action.doing, action.work);
        note.remove();
      } catch (error) {
        showProblem(note, error);
      }
    });
    note.append(h("div", {}, button));
  }
  region.append(note);
  setTimeout(leave, action ? 20_000 : 6000);
}

/** The detail without the sentences that stand beside their fields; programs read them there, people below the field. */
function headline(problem, placed) {
  const said = placed.reduce((text, { field, message }) => text.replace(`${field}: ${message}`, "").replace(message, ""), problem.detail ?? problem.title ?? "");
  return said.replace(/\s+/g, " ").trim() || "Some fields have to be corrected.";
}

/** What somebody may not see, or must log in for, is not there at the next look either. */
const STAYS = [401, 403, 404];

function retryButton(again) {
  const button = h("button", { type: "button", class: "hops-button" }, "Retry");
  button.addEventListener("click", () => busy(button, "Loading…", again));
  return button;
}

const leaf = (field) => field.split(".").at(-1);

/** Takes a problem's marks off a form or box. */
export function clearProblem(scope) {
  for (const box of scope.querySelectorAll("[data-problem-box]")) box.replaceChildren();
  for (const note of scope.querySelectorAll("[data-violation]")) note.remove();
  for (const field of scope.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.setAttribute("aria-describedby", field.dataset.describedBy ?? "");
  }
}

/**
 * Shows a problem: detail and remedy in the scope's box, each violation beside its field.
 * @param {() => Promise<any>} [again] tries again what failed, where that may help: a button then does it
 */
export function showProblem(scope, error, again = null) {
  // What is loaded beside it, further in, keeps its own problem and button.
  if (!again) clearProblem(scope);
  const problem = error.problem ?? {
    detail: "This page met an error of its own.",
    remedy: "Reload it; if that does not help, tell an administrator what you did.",
  };
  if (!error.problem) console.error(error);
  const elsewhere = [];
  const placed = [];
  let first = null;
  for (const { field, message } of problem.violations ?? []) {
    const input = scope.querySelector(`[name="${CSS.escape(leaf(field))}"]`);
    const place = input?.closest(".hops-field");
    if (!place) {
      elsewhere.push(message);
      continue;
    }
    first ??= input;
    placed.push({ field, message });
    input.dataset.describedBy ??= input.getAttribute("aria-describedby") ?? "";
    const id = `${input.id || leaf(field)}-violation`;
    place.append(h("span", { class: "hops-field-error", id, dataset: { violation: "" } }, message));
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", `${input.dataset.describedBy} ${id}`.trim());
  }
  const box = scope.querySelector("[data-problem-box]");
  box.replaceChildren(
    h(
      "div",
      { class: "hops-problem", role: "alert" },
      h("strong", {}, headline(problem, placed)),
      problem.remedy ? h("span", {}, problem.remedy) : null,
      elsewhere.length ? h("ul", {}, elsewhere.map((message) => h("li", {}, message))) : null,
      again && !STAYS.includes(error.status) ? h("div", {}, retryButton(again)) : null,
    ),
  );
  (first ?? box).focus?.();
  if (!first) box.scrollIntoView({ block: "nearest" });
}

/** Runs `work` with the button busy: no second click, and a sign after a moment. */
export async function busy(button, words, work) {
  if (button.getAttribute("aria-disabled") === "true") return undefined;
  const content = [...button.childNodes];
  button.setAttribute("aria-disabled", "true");
  const sign = setTimeout(() => {
    button.replaceChildren(h("span", { class: "hops-spinner", "aria-hidden": "true" }), words);
    byId("hops-status").textContent = words;
  }, 300);
  try {
    return await work();
  } finally {
    clearTimeout(sign);
    byId("hops-status").textContent = "";
    button.replaceChildren(...content);
    button.removeAttribute("aria-disabled");
  }
}

/**
 * Loads what a scope shows. Where that fails it says why, with a button that tries again.
 * @param {() => Promise<any>} load
 * @param {(error: Error) => void} [failed] puts away what says nothing without it
 */
export async function loaded(scope, load, failed = null) {
  async function attempt(again) {
    try {
      const found = await load();
      if (again) {
        scope.querySelector("[data-problem-box]").replaceChildren();
        // The button is gone: who was at it goes on at the beginning of what it brought.
        const title = scope.querySelector("h1, h2") ?? byId("main");
        title.tabIndex = -1;
        title.focus();
      }
      return found;
    } catch (error) {
      failed?.(error);
      showProblem(scope, error, () => attempt(true));
      return undefined;
    }
  }
  return attempt(false);
}

/** Makes a form call `work(values)` on submit; problems are shown in the form. */
export function onSubmit(form, words, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("[type=submit]");
    clearProblem(form);
    try {
      await busy(button, words, () => work(Object.fromEntries(new FormData(form))));
    } catch (error) {
      showProblem(form, error);
    }
  });
}

export const when = (text, style = { dateStyle: "medium", timeStyle: "short" }) => {
  if (!text) return "";
  const date = new Date(text);
  return h("time", { datetime: text, title: date.toISOString() }, date.toLocaleString(undefined, style));
};

export const words = (text) => String(text ?? "").replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

export const ROLES = { data_owner: "Data Owner", data_scientist: "Data Scientist" };
