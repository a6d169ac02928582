// A folder of a dataset: what lies there, page by page, and what can be done with it.

import { ago, size } from "./amounts.js";
import { call, download, get, page, path as joined } from "./api.js";
import { open } from "./dialogs.js";
import { announce, busy, byId, clearProblem, h, loaded, onSubmit, showProblem } from "./dom.js";
import { openPreview } from "./previews.js";

const PAGE = 100;
const box = byId("files");
const rows = byId("file-rows");
const more = byId("more-files");

const parent = (path) => path.split("/").slice(0, -1).join("/");
const inside = (folder, name) => (folder ? `${folder}/${name}` : name);
const LOOK_MS = 3000;
export const addressOf = (folder) => `#/${joined(...folder.split("/"))}`;

/** The folder that the address names. */
export function folderOf(hash) {
  try {
    return hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent).filter(Boolean).join("/");
  } catch {
    return "";
  }
}

// 1970 stands for a time that nobody knows, as that of a folder in a bucket.
const moment = (text) => (Date.parse(text) === 0 ? null : h("time", { datetime: text, title: new Date(text).toLocaleString() }, ago(text)));
const NOT_OPENED = { link: "A link. It can be moved and deleted; it is not followed.", other: "Not a file. It can be moved and deleted." };

/**
 * Shows folders of a dataset.
 * @param {{project: string, dataset: string, title: string, may: {own: boolean, write: boolean, takeOut: boolean, copyOut: boolean, unpack: boolean},
 *   datasets: () => Promise<{address: string, name: string}[]>}} place The dataset as addresses name it, and as people do.
 */
export function fileList({ project, dataset, title, may, datasets }) {
  const url = `${joined("projects", project)}/datasets/${joined(dataset)}`;
  let folder = "";
  let latest = 0;
  let acted = null; // what a dialog is about

  function crumbs() {
    const parts = folder ? folder.split("/") : [];
    const items = [title, ...parts].map((name, index) => {
      const here = index === parts.length;
      return h("li", {}, here ? h("span", { "aria-current": "page" }, name) : h("a", { href: addressOf(parts.slice(0, index).join("/")) }, name));
    });
    byId("folder-crumbs").replaceChildren(...items);
  }

  // A menu of a row
  function menu(entry, path, row) {
    const list = h("div", { class: "hops-popup", popover: "auto" });
    const button = h("button", { type: "button", class: "hops-button hops-plain hops-more", "aria-label": `Actions for ${entry.name}`, "aria-haspopup": "true", "aria-expanded": "false" }, h("span", { "aria-hidden": "true" }, "⋯"));
    const item = (words, work, tone = "") =>
      h("button", { type: "button", class: `hops-popup-item ${tone}`, onclick: () => {
        list.hidePopover();
        work();
      } }, words);
    const file = entry.kind === "file";
    const copied = may.write || may.copyOut;
    list.append(
      ...(file ? [item("Preview", () => preview(entry, path, button))] : []),
      ...(file && may.takeOut ? [item("Download", () => save(entry, path))] : []),
      ...(may.write ? [item("Rename…", () => ask("rename", entry, path, row))] : []),
      ...(may.write ? [item("Move…", () => ask("move", entry, path, row))] : []),
      ...(copied && (file || entry.kind === "folder") ? [item("Copy…", () => ask("copy", entry, path, row))] : []),
      ...(copied && (file || entry.kind === "folder") ? [item("Zip…", () => ask("pack", entry, path, row))] : []),
      ...(copied && may.unpack && file && /\.zip$/i.test(entry.name) ? [item("Unzip…", () => ask("unpack", entry, path, row))] : []),
      ...(may.write ? [item("Delete", () => trash(entry, path, row), "hops-danger")] : []),
    );
    if (!list.children.length) return [];
    button.addEventListener("click", () => list.togglePopover());
    list.addEventListener("toggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState !== "open") return;
      const at = button.getBoundingClientRect();
      list.style.left = `${Math.max(8, at.right - list.offsetWidth)}px`;
      list.style.top = `${at.bottom + list.offsetHeight > innerHeight ? Math.max(8, at.top - list.offsetHeight) : at.bottom}px`;
      list.querySelector("button").focus();
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const all = [...list.querySelectorAll("button")];
      all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
    });
    return [button, list];
  }

  function rowOf(entry) {
    const path = inside(folder, entry.name);
    const row = h("tr", { dataset: { name: entry.name } });
    const icon = h("span", { class: "hops-icon", dataset: { kind: entry.kind }, "aria-hidden": "true" });
    const name = entry.kind === "folder"
      ? h("a", { href: addressOf(path) }, entry.name)
      : entry.kind === "file"
        ? h("button", { type: "button", class: "hops-link", "aria-haspopup": "dialog", onclick: (event) => preview(entry, path, event.currentTarget) }, entry.name)
        : h("span", { title: NOT_OPENED[entry.kind] }, entry.name, h("span", { class: "hops-muted hops-small" }, entry.kind === "link" ? " (a link)" : " (not a file)"));
    row.append(
      h("td", {}, h("div", { class: "hops-name-cell" }, icon, name)),
      h("td", { class: "hops-number" }, size(entry.size)),
      h("td", { class: "hops-muted" }, moment(entry.modified)),
      h("td", { class: "hops-actions-cell" }, menu(entry, path, row)),
    );
    return row;
  }

  function preview(entry, path, back) {
    openPreview({ url, path, entry, owner: may.takeOut, back });
  }

  async function save(entry, path) {
    clearProblem(box);
    try {
      await download(`${url}/content:ticket`, { path });
      announce(`The download of ${entry.name} begins.`);
    } catch (error) {
      showProblem(box, error);
    }
  }

  function leave(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector(".hops-more") ?? byId("upload-files")).focus();
    empty();
  }

  async function trash(entry, path, row) {
    clearProblem(box);
    try {
      const { body: item } = await call("POST", `${url}/files:trash`, { body: { path } });
      leave(row);
      if (!may.own) {
        announce(`${entry.name} is in the trash of the project that shares it.`);
        return;
      }
      announce(`${entry.name} is in the trash.`, "good", {
        words: "Undo",
        doing: "Bringing it back…",
        work: async () => {
          await call("POST", `${joined("projects", project, "trash", item.id)}:restore`, { body: {} });
          await load();
          announce(`${entry.name} is back.`);
        },
      });
    } catch (error) {
      showProblem(box, error);
    }
  }

  // Rename, move, copy
  const VERBS = {
    rename: { title: "Rename", action: "Rename", doing: "Renaming…", call: "move", done: "is renamed" },
    move: { title: "Move", action: "Move", doing: "Moving…", done: "is moved" },
    copy: { title: "Copy", action: "Copy", doing: "Copying…", done: "is copied" },
    pack: { title: "Zip", action: "Zip", doing: "Packing…", done: "is packed" },
    unpack: { title: "Unzip", action: "Unzip", doing: "Unpacking…", done: "is unpacked" },
  };
  const dialog = byId("move-dialog");
  const form = dialog.querySelector("form");

  async function ask(verb, entry, path, row) {
    acted = { verb, entry, path, row };
    open(dialog);
    const { title, action } = VERBS[verb];
    byId("move-title").textContent = `${title} ${entry.name}`;
    byId("move-submit").textContent = action;
    byId("move-where").hidden = verb === "rename";
    byId("move-name").value = { pack: `${entry.name}.zip`, unpack: entry.name.replace(/\.zip$/i, "") }[verb] ?? entry.name;
    byId("move-folder").value = folder;
    const select = byId("move-dataset");
    const stay = { address: dataset, name: title };
    const offered = (found) => select.replaceChildren(...found.map(({ address, name }) => h("option", { value: address, selected: address === dataset }, name)));
    offered(may.write ? [stay] : []);
    byId(verb === "rename" ? "move-name" : "move-folder").focus();
    if (verb === "rename") {
      const dot = entry.kind === "file" ? entry.name.lastIndexOf(".") : -1;
      byId("move-name").setSelectionRange(0, dot > 0 ? dot : entry.name.length);
      return;
    }
    suggest();
    const found = await datasets().catch(() => [stay]); // without the others it can be moved within this one
    const within = verb === "move" && !may.own; // nothing is moved from one project to another
    if (acted?.path === path) offered(within ? [stay] : may.own || may.copyOut ? found : [stay]);
  }

  async function suggest() {
    const typed = byId("move-folder").value;
    const above = parent(typed);
    try {
      const query = { path: above, limit: 100 };
      const { items } = await page(`${joined("projects", project)}/datasets/${joined(byId("move-dataset").value)}/files`, query);
      byId("move-folders").replaceChildren(...items.filter(({ kind }) => kind === "folder").map(({ name }) => h("option", { value: inside(above, name) })));
    } catch {
      // A folder can be typed without suggestions; what is wrong with it, the call tells.
    }
  }
  let pause = 0;
  byId("move-folder").addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(suggest, 250);
  });
  byId("move-dataset").addEventListener("change", suggest);

  // Of a project few are copied, packed and slowly moved at once, and the rest waits in line.
  async function withPlace(work) {
    const look = setInterval(async () => {
      try {
        const { before, at_once: most } = await get(`${joined("projects", project)}/copies`);
        const words = before === null ? "Working…" : before === 0 ? "Waiting: next in line…" : `Waiting: ${before} before this, ${most} of the project at once…`;
        form.querySelector("[type=submit][aria-disabled=true]")?.lastChild.replaceWith(words);
      } catch {
        // It is done, or told, by the call itself.
      }
    }, LOOK_MS);
    try {
      return await work;
    } finally {
      clearInterval(look);
    }
  }

  onSubmit(form, "Working…", async (values) => {
    const { verb, entry, path } = acted;
    const name = values.name.trim();
    const target = verb === "rename" ? inside(folder, name) : inside(values.folder.trim().replace(/^\/+|\/+$/g, ""), name);
    const body = { path, to: target, ...(verb === "rename" || values.dataset === dataset ? {} : { to_dataset: values.dataset }) };
    const { body: answer } = await withPlace(call("POST", `${url}/files:${VERBS[verb].call ?? verb}`, { body, timeout: 600_000 }));
    dialog.close();
    const left = answer.left_out ? ` ${answer.left_out} links and the like were left out.` : "";
    announce(`${entry.name} ${VERBS[verb].done}.${left}`);
    await load();
    (find(["move", "copy"].includes(verb) ? entry.name : name) ?? find(entry.name))?.querySelector(".hops-more").focus();
  });

  // New folder
  const folderDialog = byId("folder-dialog");
  byId("new-folder").addEventListener("click", () => open(folderDialog));
  onSubmit(folderDialog.querySelector("form"), "Making…", async ({ path }) => {
    const name = path.trim();
    await call("POST", `${url}/folders`, { body: { path: inside(folder, name) } });
    folderDialog.close();
    announce(`The folder ${name} is made.`);
    await load();
    find(name)?.querySelector("a")?.focus();
  });

  const find = (name) => rows.querySelector(`tr[data-name="${CSS.escape(name)}"]`);

  function empty() {
    const none = rows.children.length === 0;
    byId("file-table").hidden = none;
    byId("no-files").hidden = !none || !more.hidden;
  }

  async function load(after = null) {
    const asked = ++latest;
    const wanted = folder;
    const answer = await page(`${url}/files`, { path: wanted, limit: PAGE, after });
    if (asked !== latest) return; // somebody went on to another folder
    if (after === null) rows.replaceChildren();
    const made = answer.items.map(rowOf);
    rows.append(...made);
    rows.setAttribute("aria-busy", "false");
    more.hidden = !answer.next;
    more.onclick = () => busy(more, "Loading…", () => load(answer.next)).catch((error) => showProblem(box, error));
    if (after !== null) made[0]?.querySelector("a, button")?.focus();
    empty();
  }

  async function show(next) {
    folder = next;
    clearProblem(box);
    crumbs();
    rows.setAttribute("aria-busy", "true");
    await loaded(box, load, () => {
      rows.replaceChildren();
      more.hidden = true;
      byId("file-table").hidden = true;
      byId("no-files").hidden = true;
    });
  }

  window.addEventListener("hashchange", () => show(folderOf(window.location.hash)));

  let again = 0;
  return {
    show,
    get folder() {
      return folder;
    },
    makeFolder: (path) => call("POST", `${url}/folders`, { body: { path } }),
    /** Something came to `path`: if that is below what is shown, it is read again, not more often than once a second. */
    arrived(path) {
      if (folder !== "" && !path.startsWith(`${folder}/`)) return;
      const look = () => {
        // Nobody's menu is closed, nor their focus lost, because a file has come.
        if (rows.contains(document.activeElement) && document.hasFocus()) {
          again = setTimeout(look, 1000);
          return;
        }
        again = 0;
        // Whoever has gone on to later pages is not thrown back to the first.
        if (rows.children.length <= PAGE) loaded(box, load);
      };
      again ||= setTimeout(look, 1000);
    },
  };
}
