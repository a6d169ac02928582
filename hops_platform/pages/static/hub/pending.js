// A server that starts: the Hub's progress events as a bar and sentences; when it fails, the reason, the log and the way on.

const page = document.getElementById("pending");
const bar = document.getElementById("progress");
const message = document.getElementById("progress-message");
const history = document.getElementById("progress-log");
const cancel = document.getElementById("cancel-start");
let last = "";

/** Events may carry HTML of the Hub: only its text is used, and what stands in a <pre> is the log. */
function plain(event) {
  if (!event.html_message) return { text: event.message ?? "", log: event.log ?? "" };
  const parsed = new DOMParser().parseFromString(event.html_message, "text/html");
  const logs = [...parsed.querySelectorAll("pre")].map((part) => part.textContent);
  for (const part of parsed.querySelectorAll("details, pre, script, style")) part.remove();
  const blocks = [...parsed.body.children].filter((part) => part.matches("p, strong, span, div, li"));
  const text = blocks.length ? blocks.map((part) => part.textContent.trim()).join("\n") : parsed.body.textContent.trim();
  return { text: text || event.message || "", log: event.log ?? logs.join("\n") };
}

function remember(text) {
  if (!text || text === last) return;
  last = text;
  const item = document.createElement("li");
  const when = document.createElement("time");
  const now = new Date();
  when.dateTime = now.toISOString();
  when.textContent = now.toLocaleTimeString();
  const what = document.createElement("span");
  what.textContent = text;
  item.append(when, what);
  history.append(item);
}

function showLog(log) {
  if (!log) return;
  const details = document.getElementById("failure-log");
  details.hidden = false;
  details.querySelector("pre").textContent = log;
}

function fail(text, remedy) {
  bar.dataset.state = "failed";
  cancel.hidden = true;
  message.textContent = "";
  const [reason, ...more] = text.split("\n").filter(Boolean);
  const heading = document.createElement("strong");
  heading.textContent = reason || "The server could not start.";
  const rest = [...more, remedy].filter(Boolean).map((line) => {
    const span = document.createElement("span");
    span.textContent = line;
    return span;
  });
  const box = document.getElementById("failure");
  box.replaceChildren(heading, ...rest);
  box.hidden = false;
  document.getElementById("pending-title").textContent = "The server could not start";
  document.title = "Start failed · HopsLab";
  const options = document.getElementById("change-options");
  options.hidden = false;
  options.focus();
}

function show(event) {
  const { text, log } = plain(event);
  if (Number.isFinite(event.progress)) {
    const percent = Math.max(0, Math.min(100, event.progress));
    bar.setAttribute("aria-valuenow", String(percent));
    bar.firstElementChild.style.width = `${percent}%`;
  }
  showLog(log);
  if (event.failed) {
    remember("The start failed.");
    fail(text.replace(/^Spawn failed: /, ""));
  } else if (event.ready) {
    message.textContent = "Ready. Opening…";
    window.location.reload(); // the Hub leads on to the server, or to where the person came from
  } else if (text) {
    message.textContent = text;
    remember(text);
  }
}

const source = new EventSource(page.dataset.progressUrl);
source.addEventListener("message", (raw) => {
  let event;
  try {
    event = JSON.parse(raw.data);
  } catch {
    return; // keep-alive
  }
  if (event.failed || event.ready) source.close();
  show(event);
});
source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED) {
    // The Hub has no news to give: the start is over one way or the other, and a fresh page knows which.
    message.textContent = "The connection ended. Looking again…";
    setTimeout(() => window.location.reload(), 3000);
  } else {
    message.textContent = "The connection was lost. Trying again…";
  }
});

cancel.hidden = false;
cancel.addEventListener("click", async () => {
  cancel.disabled = true;
  cancel.textContent = "Stopping…";
  source.close();
  try {
    const answer = await fetch(page.dataset.stopUrl, {
      method: "DELETE",
      headers: { "X-XSRFToken": page.dataset.xsrf },
    });
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
    window.location.assign(page.dataset.home);
  } catch {
    cancel.disabled = false;
    cancel.textContent = "Stop starting";
    message.textContent = "It could not be stopped just now. Try again in a moment.";
  }
});
