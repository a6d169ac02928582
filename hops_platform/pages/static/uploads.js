// Sends files in pieces. A piece that is lost is sent again from where the platform says that it is.
//
// A file of at most 32 MiB is sent with its SHA-256, which the platform compares before the file is put in its place. The
// browser computes one of a whole buffer only, so of a larger file it would have to be in memory; there its size, the
// offset of each piece and the connection's own checks have to do.

import { call, get, idempotencyKey, path as joined, ProblemError, sendBytes } from "./api.js";

const PIECE = 8 * 1024 * 1024;
const MOST_HASHED = 32 * 1024 * 1024;
const AT_ONCE = 3;
const LONGEST_PAUSE_MS = 30_000;
const KEPT = "hops-uploads";
const UNANSWERED = new Set([0, 408, 429, 502, 503, 504]);

export const ENDED = new Set(["done", "failed", "skipped", "cancelled"]);
const CANCELLED = new DOMException("cancelled", "AbortError");

async function checksum(file) {
  if (file.size > MOST_HASHED || !crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => end(reject, signal.reason);
    const go = () => end(resolve);
    const timer = setTimeout(go, milliseconds);
    const end = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      window.removeEventListener("online", go);
      settle(value);
    };
    signal.addEventListener("abort", stop);
    window.addEventListener("online", go);
  });
}

// Of this tab alone: what lies in a browser's other store, any notebook's script can read.
const kept = {
  all() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    } catch {
      return {};
    }
  },
  set(key, id) {
    const entries = Object.entries(this.all()).filter(([name]) => name !== key);
    if (id) entries.push([key, id]);
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(entries.slice(-200))));
    } catch {
      // without it a file begins anew after a reload
    }
  },
};

/**
 * A queue of files to one dataset.
 * @param {{project: string, dataset: string, asked: (item: object) => Promise<boolean>, changed: (item: object) => void}} place
 *   `asked` says whether a file that is there is replaced.
 */
export class Uploads {
  constructor({ project, dataset, asked, changed }) {
    this.items = [];
    this._project = joined("projects", project);
    this._dataset = `${this._project}/datasets/${joined(dataset)}`;
    this._name = dataset;
    this._asked = asked;
    this._changed = changed;
    this._running = 0;
    this._fresh = new Map(); // top folders that were not there before
  }

  /** Adds a file; `top` is the chosen folder that it lies in, if it came in one. */
  add(path, file, top = null) {
    const item = { path, file, top, size: file.size, sent: 0, state: "waiting", reason: "", id: null, key: idempotencyKey(), control: new AbortController(), replace: false };
    this.items.push(item);
    this._next();
  }

  /** Begins one that failed once more, from where it was. */
  retry(item) {
    Object.assign(item, { state: "waiting", reason: "", control: new AbortController() });
    this._changed(item);
    this._next();
  }

  cancel(item) {
    if (ENDED.has(item.state) && item.state !== "failed") return;
    item.state = "cancelled";
    item.control.abort(CANCELLED);
    this._forget(item);
    this._changed(item);
    this._next();
  }

  /** Takes out what has ended; what has failed only when somebody has seen it. */
  clear({ failed = true } = {}) {
    const gone = (item) => ENDED.has(item.state) && (failed || item.state !== "failed");
    for (const item of this.items) if (gone(item) && item.state === "failed") this._forget(item);
    this.items = this.items.filter((item) => !gone(item));
  }

  get active() {
    return this.items.some(({ state }) => !ENDED.has(state));
  }

  _next() {
    while (this._running < AT_ONCE) {
      const item = this.items.find(({ state }) => state === "waiting");
      if (!item) return;
      this._running += 1;
      this._set(item, "sending");
      this._send(item).finally(() => {
        this._running -= 1;
        this._next();
      });
    }
  }

  _set(item, state, reason = "") {
    Object.assign(item, { state, reason });
    this._changed(item);
  }

  async _send(item) {
    const { signal } = item.control;
    try {
      if (!(await this._mayBegin(item, signal))) return this._set(item, "skipped");
      await this._begin(item, signal);
      await this._pieces(item, signal);
      await this._finish(item, signal);
      kept.set(this._mark(item), null);
      this._set(item, "done");
    } catch (error) {
      if (signal.aborted) return;
      const problem = error.problem ?? { detail: "The browser can't read this file (any more).", remedy: "Choose it again." };
      if (!error.problem) console.warn(error);
      // What came is not what was announced, or is gone: another attempt begins anew.
      if ([404, 409, 422].includes(error.status)) this._forget(item);
      this._set(item, "failed", [problem.detail, problem.remedy].filter(Boolean).join(" "));
    }
  }

  /** Asks before a file is replaced: once for what is there, and not at all below a folder that is new. */
  async _mayBegin(item, signal) {
    if (item.id || item.replace) return true;
    if (item.top !== null) {
      if (!this._fresh.has(item.top)) this._fresh.set(item.top, this._absent(item.top, signal));
      if (await this._fresh.get(item.top)) return true;
    }
    if (await this._absent(item.path, signal)) return true;
    this._set(item, "asking");
    item.replace = await this._asked(item);
    if (signal.aborted) throw signal.reason;
    if (item.replace) this._set(item, "sending");
    return item.replace;
  }

  async _absent(path, signal) {
    return this._insist(signal, null, async () => {
      try {
        await call("GET", `${this._dataset}/entry?${new URLSearchParams({ path })}`, { signal });
        return false;
      } catch (error) {
        if (error.status === 404) return true;
        throw error;
      }
    });
  }

  async _begin(item, signal) {
    item.id ??= await this._left(item, signal);
    if (item.id) return;
    const sha256 = await checksum(item.file);
    const body = { path: item.path, size: item.size, replace: item.replace, ...(sha256 ? { sha256 } : {}) };
    const answer = await this._insist(signal, item, () => call("POST", `${this._dataset}/uploads`, { body, key: item.key, signal }));
    item.id = answer.body.id;
    if (signal.aborted) {
      this._forget(item);
      throw signal.reason;
    }
    if (item.size > PIECE) kept.set(this._mark(item), item.id);
  }

  /** What a tab that was reloaded had begun, if the platform says that it is the same. */
  async _left(item, signal) {
    const id = kept.all()[this._mark(item)];
    if (typeof id !== "string" || item.replace) return null;
    try {
      const { body } = await call("GET", this._url(id), { signal });
      if (body.path === item.path && body.dataset === this._name && body.size === item.size) return id;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
    }
    kept.set(this._mark(item), null);
    return null;
  }

  async _pieces(item, signal) {
    let offset = await this._received(item, signal);
    item.sent = offset;
    while (offset < item.size) {
      const begin = offset;
      const piece = item.file.slice(begin, begin + PIECE);
      const progress = (sent) => {
        item.sent = begin + sent;
        this._changed(item);
      };
      try {
        const url = `${this._url(item.id)}/content?offset=${begin}`;
        ({ received: offset } = await sendBytes(url, piece, { progress, signal }));
      } catch (error) {
        if (error.status !== 409 && !UNANSWERED.has(error.status)) throw error;
        this._set(item, "resuming", error.status === 0 ? "The connection broke; it goes on as soon as there is one." : "");
        await pause(1000, signal);
        offset = await this._received(item, signal);
        this._set(item, "sending");
      }
      item.sent = offset;
      this._changed(item);
    }
  }

  async _received(item, signal) {
    return (await this._insist(signal, item, () => call("GET", this._url(item.id), { signal }))).body.received;
  }

  async _finish(item, signal) {
    this._set(item, "finishing");
    let lost = false;
    await this._insist(signal, item, async () => {
      try {
        await call("POST", `${this._url(item.id)}:finish`, { signal, timeout: 600_000 });
      } catch (error) {
        // The answer to an earlier call may have been lost: then the file is there.
        if (error.status === 404 && lost && !(await this._absent(item.path, signal))) return;
        lost ||= UNANSWERED.has(error.status);
        throw error;
      }
    });
  }

  /** Repeats a call for as long as nobody answers. */
  async _insist(signal, item, work) {
    for (let wait = 1000; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      try {
        return await work();
      } catch (error) {
        if (!UNANSWERED.has(error.status) || signal.aborted) throw error;
        const before = item?.state;
        if (item) this._set(item, "resuming", error.problem.detail);
        await pause(wait, signal);
        if (item) this._set(item, before === "resuming" ? "sending" : before);
      }
    }
  }

  _forget(item) {
    kept.set(this._mark(item), null);
    // Nobody waits for it; what is left behind, the platform removes after a day.
    if (item.id) call("DELETE", this._url(item.id)).catch(() => {});
    Object.assign(item, { id: null, key: idempotencyKey() });
  }

  _mark(item) {
    return [this._dataset, item.path, item.size, item.file.lastModified].join("\n");
  }

  _url(id) {
    return `${this._project}/${joined("uploads", id)}`;
  }
}
