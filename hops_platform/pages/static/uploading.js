// What is seen of uploads: how far each file is and all are, and what can be done about it.

import { duration, many, size } from "./amounts.js";
import { announce, byId, h } from "./dom.js";
import { ENDED, Uploads } from "./uploads.js";

const ROWS = 40;
const REDRAW_MS = 200;
const STATES = { waiting: "Waiting", sending: "", asking: "Waiting for your answer", resuming: "Waiting for the platform", finishing: "Checking…", failed: "Failed" };

/** A bar, and what moves it. */
function barOf(label) {
  const inner = h("div", {});
  const bar = h("div", { class: "hops-progress", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, inner);
  const move = (value, most) => {
    const percent = most ? Math.min(100, Math.floor((100 * value) / most)) : 0;
    inner.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", percent);
  };
  move(0, 0);
  return { bar, move };
}

/** Asks whether a file is replaced; one question after the other, and none once one answer is for all. */
function questions() {
  let last = Promise.resolve();
  let forAll = null;
  const ask = (item) =>
    new Promise((resolve) => {
      if (item.control.signal.aborted) return resolve(false);
      if (forAll !== null) return resolve(forAll);
      const all = h("input", { type: "checkbox", id: "replace-all" });
      const skip = h("button", { type: "button", class: "hops-button" }, "Skip");
      const replace = h("button", { type: "button", class: "hops-button hops-primary hops-danger" }, "Replace");
      const dialog = h("dialog", { class: "hops-dialog", "aria-labelledby": "replace-title" },
        h("div", { class: "hops-stack" },
          h("h2", { id: "replace-title" }, "Replace what is there?"),
          h("p", { class: "hops-break" }, "There is something called ", h("strong", {}, item.path), " already. Replacing can't be undone."),
          h("label", { class: "hops-choice", for: "replace-all" }, all, h("span", {}, "The same for all others of these files")),
          h("div", { class: "hops-row hops-end" }, skip, replace)));
      let answer = false;
      replace.addEventListener("click", () => {
        answer = true;
        dialog.close();
      });
      skip.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => {
        if (all.checked) forAll = answer;
        dialog.remove();
        resolve(answer);
      });
      document.body.append(dialog);
      dialog.showModal();
    });
  return {
    ask(item) {
      const asked = last.then(() => ask(item));
      last = asked;
      return asked;
    },
    reset: () => (forAll = null),
  };
}

/**
 * The box that shows uploads.
 * @param {{project: string, dataset: string, arrived: (path: string) => void}} place
 * @returns {{add: (files: {path: string, file: File, top: string|null}[]) => void}}
 */
export function uploadBox({ project, dataset, arrived }) {
  const box = byId("uploads");
  const list = byId("upload-rows");
  const asking = questions();
  let timer = 0;
  let began = 0;
  let sentBefore = 0;

  const uploads = new Uploads({
    project,
    dataset,
    asked: asking.ask,
    changed(item) {
      if (item.state === "done") arrived(item.path);
      timer ||= setTimeout(draw, REDRAW_MS);
    },
  });

  // A row stays the same elements while it is there: what is under a pointer or has the focus does not go away.
  const shown = new Map();
  const whole = barOf("All files");
  byId("upload-bar").append(whole.bar);

  function rowOf(item) {
    const { bar, move } = barOf(item.path);
    const far = h("span", { class: "hops-muted hops-small" });
    const reason = h("span", { class: "hops-small" });
    const again = h("button", { type: "button", class: "hops-button", "aria-label": `Try ${item.path} again`, onclick: () => uploads.retry(item) }, "Try again");
    const cancel = h("button", { type: "button", class: "hops-button hops-plain", "aria-label": `Cancel ${item.path}`, onclick: () => uploads.cancel(item) }, "Cancel");
    const row = h("li", { class: "hops-upload" },
      h("div", { class: "hops-stack-tight" }, h("div", { class: "hops-between" }, h("span", { class: "hops-break" }, item.path), far), reason, bar),
      h("div", { class: "hops-row" }, again, cancel));
    const show = () => {
      const failed = item.state === "failed";
      far.textContent = item.state === "sending" ? `${size(item.sent)} of ${size(item.size)}` : STATES[item.state];
      reason.hidden = !item.reason;
      reason.className = `hops-small ${failed ? "hops-field-error" : "hops-muted"}`;
      reason.textContent = item.reason;
      again.hidden = !failed;
      bar.hidden = failed;
      move(item.sent, item.size);
    };
    return { row, show };
  }

  function drawRows(items) {
    const held = list.contains(document.activeElement);
    for (const [item, { row }] of shown) {
      if (items.includes(item)) continue;
      row.remove();
      shown.delete(item);
    }
    for (const item of items) {
      if (!shown.has(item)) {
        shown.set(item, rowOf(item));
        list.append(shown.get(item).row);
      }
      shown.get(item).show();
    }
    if (held && !list.contains(document.activeElement)) (list.querySelector("button:not([hidden])") ?? byId("upload-files")).focus();
  }

  function draw() {
    timer = 0;
    const { items } = uploads;
    const of = (...states) => items.filter(({ state }) => states.includes(state));
    const failed = of("failed");
    const going = of("sending", "asking", "resuming", "finishing");
    const waiting = of("waiting");
    const done = of("done");
    const left = of("skipped", "cancelled").length;
    const counted = items.filter(({ state }) => !["skipped", "cancelled"].includes(state));
    const all = counted.reduce((sum, item) => sum + item.size, 0);
    const sent = counted.reduce((sum, item) => sum + (item.state === "done" ? item.size : item.sent), 0);
    box.hidden = items.length === 0;
    drawRows([...going, ...failed].slice(0, ROWS));
    const speed = (sent - sentBefore) / ((performance.now() - began) / 1000);
    const rest = uploads.active && speed > 0 && performance.now() - began > 3000 ? `, ${duration((all - sent) / speed)} left` : "";
    const words = [`${done.length.toLocaleString()} of ${many(counted.length, "file")}`, `${size(sent)} of ${size(all)}${rest}`];
    if (waiting.length) words.push(`${waiting.length.toLocaleString()} waiting`);
    if (failed.length) words.push(`${failed.length.toLocaleString()} failed`);
    if (left) words.push(`${left.toLocaleString()} left out`);
    byId("upload-sum").textContent = `${words.join(" · ")}.`;
    whole.move(sent, all);
    byId("cancel-uploads").hidden = !uploads.active;
    byId("clear-uploads").hidden = uploads.active;
    if (!uploads.active && began) {
      began = 0;
      asking.reset();
      const told = done.length || failed.length ? `${many(done.length, "file")} uploaded${failed.length ? `, ${failed.length} failed` : ""}.` : "Nothing was uploaded.";
      announce(told, failed.length ? "warn" : "good");
    }
  }

  byId("cancel-uploads").addEventListener("click", () => {
    for (const item of uploads.items) if (!ENDED.has(item.state)) uploads.cancel(item);
  });
  byId("clear-uploads").addEventListener("click", () => {
    uploads.clear();
    draw();
    byId("upload-files").focus();
  });
  window.addEventListener("beforeunload", (event) => {
    // A download begins like a way out, and is none.
    if (uploads.active && !document.querySelector("form[action$='/downloads']")) event.preventDefault();
  });

  return {
    add(files) {
      if (!uploads.active) {
        uploads.clear({ failed: false });
        began = performance.now();
        sentBefore = 0;
      }
      for (const { path, file, top } of files) uploads.add(path, file, top);
      draw();
    },
  };
}
