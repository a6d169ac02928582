// The options form of a notebook server: presets, the live sum, and only the fields that apply. The form works without it.

const form = document.querySelector("form:has([data-spawn-form])");
const root = form?.querySelector("[data-spawn-form]");
const MIB = { MiB: 1, GiB: 1024 };

const number = (name) => Number(form.elements[name]?.value.trim() || NaN);
const memory = (name) => Math.ceil(number(name) * (MIB[form.elements[`${name}_unit`]?.value] ?? 1));
const inWords = (mib) => (mib < 1024 ? `${mib} MiB` : `${(mib / 1024).toFixed(1).replace(/\.0$/, "")} GiB`);

function relevantOnly() {
  const allocation = form.elements.allocation.value;
  for (const part of root.querySelectorAll("[data-when]")) {
    part.hidden = part.dataset.when !== allocation;
  }
  const label = root.querySelector("[data-when-gpus]");
  if (label) {
    label.hidden = number("gpus_per_executor") === 0 && !label.querySelector("[aria-invalid]");
    // Hidden, it must not ask for anything: a label without GPUs is refused.
    form.elements.gpu_label.disabled = label.hidden;
  }
}

function sum() {
  const executors = number(form.elements.allocation.value === "dynamic" ? "max_executors" : "executors");
  const gpus = executors * number("gpus_per_executor");
  const parts = [
    [memory("driver_memory_mib") + executors * memory("executor_memory_mib"), Number(root.dataset.memoryMib), inWords, ""],
    // More cores than there are is slower, not refused.
    [executors * number("executor_cores"), Number(root.dataset.cores), String, " cores", "they take turns"],
  ];
  if (gpus || Number(root.dataset.gpus)) {
    parts.push([gpus, Number(root.dataset.gpus), String, " GPUs"]);
  }
  if (parts.some(([asked]) => !Number.isFinite(asked))) {
    root.querySelector("[data-sum]").textContent = "The sum shows when all fields hold numbers.";
    return;
  }
  const nodes = parts.flatMap(([asked, most, words, unit, mild], index) => {
    const part = document.createElement("span");
    part.dataset.over = String(asked > most && !mild);
    part.textContent = `${words(asked)} of ${words(most)}${unit}${asked > most ? `, ${mild ?? "too much"}` : ""}`;
    return index ? [" · ", part] : [part];
  });
  root.querySelector("[data-sum]").replaceChildren(...nodes);
}

function pressed() {
  for (const button of root.querySelectorAll("[data-preset]")) {
    const wanted = Object.entries(JSON.parse(button.dataset.preset));
    const same = wanted.every(([name, value]) => (form.elements[name]?.value ?? "") === value);
    button.setAttribute("aria-pressed", String(same));
  }
}

function refresh() {
  relevantOnly();
  sum();
  pressed();
}

// Text fields keep whatever is typed, so that a refusal can show it again; the arrow keys count as in a number field.
function count(event) {
  const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const field = event.target;
  if (!step || field.dataset?.least === undefined || !/^-?\d+$/.test(field.value)) return;
  event.preventDefault();
  field.value = String(Math.max(Number(field.dataset.least), Number(field.value) + step));
  refresh();
}

if (root) {
  form.addEventListener("keydown", count);
  // A second click must not start twice; the page that follows shows the progress.
  form.addEventListener("submit", () => {
    const button = form.querySelector("[type=submit]");
    const spinner = document.createElement("span");
    spinner.className = "hops-spinner";
    button.disabled = true;
    button.replaceChildren(spinner, "Starting…");
    button.setAttribute("role", "status");
  });
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  form.addEventListener("input", refresh);
  for (const hint of root.querySelectorAll("[data-when] .hops-hint")) {
    hint.textContent = hint.textContent.replace(/ ?Counts when (fixed|dynamic)\./, "");
  }
  const presets = root.querySelector("[data-presets]");
  if (presets) {
    presets.hidden = false;
    presets.addEventListener("click", (event) => {
      const button = event.target.closest("[data-preset]");
      if (!button) return;
      for (const [name, value] of Object.entries(JSON.parse(button.dataset.preset))) {
        if (form.elements[name]) form.elements[name].value = value;
      }
      refresh();
    });
  }
  refresh();
  (root.querySelector("[aria-invalid]") ?? root.querySelector("[data-problem]"))?.focus();
}
