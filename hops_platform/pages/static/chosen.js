// Files and folders that somebody chose or dropped: each file with its path.

const MOST = 20_000;
const tooMany = () => Object.assign(new Error("too many"), { problem: { detail: `These are more than ${MOST.toLocaleString()} files.`, remedy: "Upload some of the folders, one after the other, or copy them with a notebook." } });

/** What an input of files holds; a chosen folder's files have their paths in it. */
export function chosenFiles(list) {
  const files = [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  if (files.length > MOST) throw tooMany();
  return { files, folders: [] };
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));
const someOf = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

async function walk(entry, path, found) {
  if (found.files.length + found.folders.length >= MOST) throw tooMany();
  if (entry.isFile) {
    found.files.push({ path, file: await fileOf(entry) });
    return;
  }
  found.folders.push(path);
  const reader = entry.createReader();
  // A browser tells of a folder in parts, until there is nothing more.
  for (let some = await someOf(reader); some.length; some = await someOf(reader)) {
    for (const inner of some) await walk(inner, `${path}/${inner.name}`, found);
  }
}

/**
 * What was dropped; to be called while the event is handled, as what it holds is gone after that.
 * @returns {Promise<{files: {path: string, file: File}[], folders: string[]}>}
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.includes(null)) return chosenFiles(transfer.files);
  const found = { files: [], folders: [] };
  for (const entry of entries) await walk(entry, entry.name, found);
  return found;
}
