// The beginning of a file, in a dialog.

import { download, get } from "./api.js";
import { size } from "./amounts.js";
import { documentOf } from "./documents.js";
import { announce, busy, clearProblem, h, loaded, showProblem, when } from "./dom.js";

function table({ columns, rows }) {
  const head = h("tr", {}, columns.map(({ name, type }) => h("th", { scope: "col" }, name, type ? h("div", { class: "hops-muted hops-type" }, type) : null)));
  const body = rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell === null ? h("span", { class: "hops-muted" }, "empty") : cell))));
  return h("div", { class: "hops-scroll hops-preview-table", tabindex: "0", role: "region", "aria-label": "Rows" }, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

const plain = (text, label) => h("pre", { tabindex: "0", role: "region", "aria-label": label }, text);

function notebook({ cells }) {
  const number = new Intl.NumberFormat();
  return h("ol", { class: "hops-cells" }, cells.map(({ kind, text, outputs }, index) =>
    h("li", {},
      kind === "code" ? plain(text, `Code of cell ${number.format(index + 1)}`) : h("div", { class: "hops-break hops-prewrap" }, text),
      outputs.map((output) => h("pre", { class: "hops-output", tabindex: "0", role: "region", "aria-label": `Output of cell ${number.format(index + 1)}` }, output)))));
}

/** An image from bytes that the platform has written anew; the address of it ends with the dialog. */
function image({ image: { data, media_type: type, width, height } }, name, ends) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  ends.push(() => URL.revokeObjectURL(address));
  return h("figure", { class: "hops-figure" }, h("img", { src: address, alt: name }), h("figcaption", { class: "hops-muted hops-small" }, `${width} × ${height} points`));
}

const TRIES = 15;
const PAUSE_MS = 1000;

/** The beginning of a file; few are read at the same moment, so that one may have to wait for one's turn. */
export async function previewOf(url, path) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await get(`${url}/preview?${new URLSearchParams({ path })}`);
    } catch (error) {
      if (error.status !== 429 || left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

const EMPTY = "The file is empty.";

/** What an answer shows. */
function shown(preview, name, ends) {
  switch (preview.kind) {
    case "document":
      return preview.document.length ? documentOf(preview.document) : h("p", { class: "hops-muted" }, EMPTY);
    case "image":
      return image(preview, name, ends);
    case "notebook":
      return preview.cells.length ? notebook(preview) : h("p", { class: "hops-muted" }, "The notebook has no cells.");
    case "table":
      return table(preview);
    case "text":
      return preview.text ? plain(preview.text, "Text") : h("p", { class: "hops-muted" }, EMPTY);
    default:
      return null;
  }
}

/**
 * Opens the preview of a file.
 * @param {{url: string, path: string, entry: object, owner: boolean, back: Element}} file
 */
export function openPreview({ url, path, entry, owner, back }) {
  const ends = [];
  const content = h("div", { class: "hops-stack", "aria-busy": "true" }, h("p", { class: "hops-muted", role: "status" }, "Reading the file…"));
  const close = h("button", { type: "button", class: "hops-button" }, "Close");
  const save = h("button", { type: "button", class: "hops-button hops-primary" }, "Download");
  const inside = h("div", { class: "hops-stack" },
    h("div", { class: "hops-stack-tight" },
      h("h2", { id: "preview-title" }, entry.name),
      h("p", { class: "hops-muted hops-small" }, size(entry.size), " · changed ", when(entry.modified))),
    h("div", { dataset: { problemBox: "" }, tabindex: "-1" }),
    content,
    h("div", { class: "hops-row hops-end" }, close, owner ? save : null));
  const dialog = h("dialog", { class: "hops-dialog hops-wide", "aria-labelledby": "preview-title" }, inside);
  close.addEventListener("click", () => dialog.close());
  save.addEventListener("click", async () => {
    clearProblem(inside);
    try {
      await busy(save, "Downloading…", () => download(`${url}/content:ticket`, { path }));
      announce(`The download of ${entry.name} begins.`);
    } catch (error) {
      showProblem(inside, error);
    }
  });
  dialog.addEventListener("close", () => {
    for (const end of ends) end();
    dialog.remove();
    back?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  loaded(inside, async () => {
    const preview = await previewOf(url, path);
    const part = preview.cut ? (owner ? "This is the beginning of the file." : "This is the beginning of the file: who may not download it is shown 100 rows or 64 KiB at most.") : "";
    const note = [preview.note, part].filter(Boolean).join(" ");
    content.replaceChildren(...[note ? h("p", { class: "hops-muted hops-small" }, note) : null, shown(preview, entry.name, ends)].filter(Boolean));
  }, () => content.replaceChildren()).finally(() => content.setAttribute("aria-busy", "false"));
}
