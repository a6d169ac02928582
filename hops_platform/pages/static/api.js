// Calls of the REST API with the page's cookie and its CSRF token. Every failure is a ProblemError (RFC 9457).

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`)?.content ?? "";
const API = meta("api");
const TIMEOUT_MS = 30_000;
const ABOUT_WHAT_WAS_TYPED = new Set(["urn:hopslab:problem:wrong-credentials", "urn:hopslab:problem:wrong-code"]);
const LONGEST_MS = 600_000;
const SILENCE_MS = 60_000;

export class ProblemError extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    this.name = "ProblemError";
    this.problem = problem;
  }

  get status() {
    return this.problem.status ?? 0;
  }
}

const unreachable = (reason) =>
  new ProblemError({
    type: "urn:hopslab:problem:unreachable",
    status: 0,
    title: "No answer",
    detail: reason === "TimeoutError" ? "The platform did not answer within 30 seconds." : "The platform can't be reached.",
    remedy: "Nothing was lost. Check the connection, then try again.",
  });

async function problemOf(answer) {
  if (answer.headers.get("Content-Type")?.includes("json")) {
    try {
      return await answer.json();
    } catch {
      // an interrupted body is told like an unknown one
    }
  }
  return {
    status: answer.status,
    title: answer.statusText,
    detail: `The platform answered with status ${answer.status}.`,
    remedy: answer.status >= 500 ? "Try again in a moment; a part of it may be starting." : null,
  };
}

/** A random key by which a repeated creation is recognised. */
export function idempotencyKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(method, path, { body, etag, key, signal, timeout = TIMEOUT_MS } = {}) {
  const headers = { Accept: "application/json", "X-Hops-CSRF": meta("csrf") };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  if (key) headers["Idempotency-Key"] = key;
  let answer;
  try {
    answer = await fetch(API + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(timeout)]) : AbortSignal.timeout(timeout),
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(error.name);
  }
  if (!answer.ok) {
    const problem = await problemOf(answer);
    if (answer.status === 401 && !ABOUT_WHAT_WAS_TYPED.has(problem.type)) {
      problem.remedy = "You were logged out. Reload this page to log in again.";
    }
    throw new ProblemError(problem);
  }
  return answer;
}

/**
 * One call.
 * @returns {Promise<{body: any, etag: string|null}>}
 * @throws {ProblemError}
 */
export async function call(method, path, content = {}) {
  const answer = await ask(method, path, content);
  const text = answer.status === 204 ? "" : await answer.text();
  return { body: text ? JSON.parse(text) : null, etag: answer.headers.get("ETag") };
}

export const get = async (path) => (await call("GET", path)).body;

/** Saves an answer as a file; a plain link would not carry the page's token. */
export async function save(path, name) {
  const answer = await ask("GET", path, { timeout: LONGEST_MS });
  let content;
  try {
    content = await answer.blob();
  } catch (error) {
    throw unreachable(error.name);
  }
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Sends bytes, and tells how many are on their way; `fetch` does not tell that.
 * @param {(sent: number) => void} progress
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 * @throws {ProblemError}
 */
export function sendBytes(path, bytes, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let silence = 0;
    // A connection that broke without a word is noticed by its silence.
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => request.abort(), SILENCE_MS);
    };
    const stop = () => request.abort();
    const end = (settle, value) => {
      clearTimeout(silence);
      signal.removeEventListener("abort", stop);
      settle(value);
    };
    request.open("PUT", API + path);
    request.responseType = "text";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Hops-CSRF", meta("csrf"));
    request.upload.onprogress = ({ loaded }) => {
      listen();
      progress(loaded);
    };
    request.onload = async () => {
      const answer = new Response(request.responseText, {
        status: Math.max(200, request.status),
        headers: { "Content-Type": request.getResponseHeader("Content-Type") ?? "" },
      });
      if (answer.ok) end(resolve, await answer.json());
      else end(reject, new ProblemError(await problemOf(answer)));
    };
    request.onerror = () => end(reject, unreachable());
    request.onabort = () => end(reject, signal.aborted ? signal.reason : unreachable());
    signal.addEventListener("abort", stop);
    listen();
    request.send(bytes);
  });
}

/**
 * Lets the browser itself download a file, of any size: it asks for it by a form, which holds a ticket for this once.
 * @param {string} path of the REST call that gives the ticket
 */
export async function download(path, body) {
  const { body: given } = await call("POST", path, { body });
  const form = document.createElement("form");
  form.method = "post";
  form.action = `${meta("base")}downloads`;
  form.hidden = true;
  const field = document.createElement("input");
  field.name = "ticket";
  field.value = given.ticket;
  form.append(field);
  document.body.append(form);
  form.submit();
  // While it is there, what keeps people from leaving by mistake knows that this is no way out.
  setTimeout(() => form.remove(), 1000);
}

/** One page of a list. */
export function page(path, { after = null, limit = 50, ...more } = {}) {
  const query = new URLSearchParams({ ...more, limit: String(limit), ...(after ? { after } : {}) });
  return get(`${path}?${query}`);
}

/** A path made of names; every name is encoded. */
export const path = (...parts) => parts.map((part) => encodeURIComponent(part)).join("/");
