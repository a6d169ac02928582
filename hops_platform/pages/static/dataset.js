// One dataset: what it is, its files, and what its README says.

import { call, get, page, path } from "./api.js";
import { chosenFiles, droppedFiles } from "./chosen.js";
import { confirmed } from "./dialogs.js";
import { documentOf } from "./documents.js";
import { announce, byId, clearProblem, h, loaded, onSubmit, showProblem, when } from "./dom.js";
import { fileList, folderOf } from "./files.js";
import { previewOf } from "./previews.js";
import { uploadBox } from "./uploading.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const project = meta("project");
const name = meta("dataset");
const url = `${path("projects", project)}/datasets/${path(name)}`;
const scope = byId("dataset");
let dataset = null;
let etag = null;
let owner = false;
let may = {};

// What the reader may do here: as in their own project, and for a shared dataset only what its owners allow.
function rights() {
  const { shared } = dataset;
  return { own: !shared, write: !shared || shared.mode === "write", takeOut: owner && (!shared || shared.download), copyOut: !shared || shared.download, unpack: owner };
}

// What it is
const shownDescription = byId("shown-description");
const form = byId("description-form");

function showDataset() {
  byId("description").textContent = dataset.description || (owner && may.own ? "No description yet." : "");
  byId("description").classList.toggle("hops-muted", !dataset.description);
  byId("created").replaceChildren("since ", when(dataset.created_at, { dateStyle: "medium" }), dataset.standard ? " · every project has it" : "");
  byId("edit-description").hidden = !owner || !may.own;
  byId("who-has").hidden = !may.own;
  byId("delete-dataset").hidden = !owner || !may.own || dataset.standard;
}

function editing(on) {
  shownDescription.hidden = on;
  form.hidden = !on;
  clearProblem(form);
  if (on) {
    byId("description-text").value = dataset.description;
    byId("description-text").focus();
  } else byId("edit-description").focus();
}
byId("edit-description").addEventListener("click", () => editing(true));
byId("cancel-description").addEventListener("click", () => editing(false));
form.addEventListener("keydown", (event) => event.key === "Escape" && editing(false));
onSubmit(form, "Saving…", async ({ description }) => {
  try {
    const answer = await call("PATCH", url, { body: { description }, etag });
    dataset = { ...dataset, ...answer.body };
    ({ etag } = answer);
  } catch (error) {
    // The next attempt then is one with open eyes; what was typed stays.
    if (error.status === 412) await loadDataset();
    throw error;
  }
  showDataset();
  editing(false);
  announce("The description is saved.");
});

byId("delete-dataset").addEventListener("click", async () => {
  const done = await confirmed(
    {
      title: `Delete the dataset ${name}?`,
      text: "It is gone for all members, with all its files. A Data Owner can bring it back from the project's trash until that is emptied.",
      action: "Delete dataset",
      doing: "Deleting…",
      danger: true,
      typed: name,
    },
    () => call("DELETE", url, { body: { name } }),
  );
  if (done) window.location.assign(`${meta("base")}projects/${path(project)}`);
});

async function loadDataset() {
  ({ body: dataset, etag } = await call("GET", url));
  may = rights();
  showDataset();
}

// README
async function readReadme() {
  const text = byId("readme-text");
  try {
    const shown = await previewOf(url, "README.md");
    if (shown.kind === "document") text.replaceChildren(documentOf(shown.document), ...(shown.cut ? [h("p", { class: "hops-muted hops-small" }, "It goes on; this is its beginning.")] : []));
    else text.replaceChildren(h("p", { class: "hops-muted" }, shown.note ?? "README.md holds nothing that can be shown."));
  } catch (error) {
    if (error.status !== 404) throw error;
    text.replaceChildren(h("p", { class: "hops-muted" }, `There is no README.md in the top folder.${may.own ? " Upload one to say here what this dataset holds." : ""}`));
  }
}

function loadReadme() {
  const place = byId("readme");
  clearProblem(place);
  return loaded(place, readReadme);
}

// Datasets to move and copy to: as addresses name them, and as people do
let targets = null;
async function datasetTargets() {
  if (targets) return targets;
  const found = [];
  for (let after = null; ; ) {
    const answer = await page(`${path("projects", project)}/datasets`, { after, limit: 100 });
    found.push(...answer.items.filter(({ shared }) => !shared || shared.mode === "write").map((one) => ({ address: one.name.replaceAll("/", ":"), name: one.name })));
    after = answer.next;
    if (!after) break;
  }
  targets = found;
  return targets;
}

// Uploads
function takeUploads(files) {
  const uploads = uploadBox({
    project,
    dataset: name,
    arrived(arrived) {
      files.arrived(arrived);
      if (arrived === "README.md") loadReadme();
    },
  });
  const box = byId("files");

  async function add(found) {
    const into = files.folder;
    const below = (way) => (into ? `${into}/${way}` : way);
    clearProblem(box);
    try {
      const chosen = await found();
      const filled = new Set(chosen.files.map((file) => file.path.split("/").slice(0, -1).join("/")));
      const bare = chosen.folders.filter((folder) => ![...filled].some((way) => way === folder || way.startsWith(`${folder}/`)));
      uploads.add(chosen.files.map(({ path: way, file }) => ({ path: below(way), file, top: way.includes("/") ? below(way.split("/")[0]) : null })));
      for (const folder of bare) {
        // Folders in which there is nothing; one that is there already is what is wanted.
        await files.makeFolder(below(folder)).catch((error) => {
          if (error.status !== 409) throw error;
        });
        files.arrived(below(folder));
      }
    } catch (error) {
      showProblem(box, error);
    }
  }

  for (const kind of ["files", "folder"]) {
    const input = byId(`choose-${kind}`);
    byId(`upload-${kind}`).addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      const list = [...input.files];
      input.value = "";
      await add(async () => chosenFiles(list));
    });
  }

  // A counter, since each element within tells of entering and leaving.
  let within = 0;
  const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (on) => box.classList.toggle("hops-dropping", on);
  box.addEventListener("dragenter", (event) => {
    if (!holds(event)) return;
    within += 1;
    over(true);
  });
  box.addEventListener("dragleave", (event) => {
    if (!holds(event)) return;
    within -= 1;
    if (within <= 0) over(false);
  });
  for (const place of [box, window]) {
    // A file that misses the box would take the place of the page.
    place.addEventListener("dragover", (event) => holds(event) && event.preventDefault());
    place.addEventListener("drop", (event) => holds(event) && event.preventDefault());
  }
  box.addEventListener("drop", (event) => {
    if (!holds(event)) return;
    within = 0;
    over(false);
    const dropped = droppedFiles(event.dataTransfer);
    add(() => dropped);
  });
}

async function start() {
  const { role } = await get(path("projects", project));
  owner = role === "data_owner";
  await loadDataset();
  if (!may.own) {
    const { shared } = dataset;
    byId("role-note").textContent =
      `The project ${shared.project} shares this dataset, ${may.write ? "for reading and writing" : "for reading only"}.` +
      (shared.download ? "" : " Its Data Owners don't allow that it is downloaded or copied out.") +
      " Files are uploaded there.";
    byId("how-files-come").textContent = "Its owners have put nothing here.";
  }
  byId("role-note").hidden = owner && may.own;
  scope.setAttribute("aria-busy", "false");
  byId("dataset-content").hidden = false;
  const files = fileList({ project, dataset: name, title: dataset.name, may, datasets: datasetTargets });
  if (may.own) takeUploads(files);
  for (const id of ["upload-files", "upload-folder"]) byId(id).hidden = !may.own;
  byId("new-folder").hidden = !may.write;
  for (const id of ["upload-files", "upload-folder", "new-folder"]) byId(id).disabled = false;
  await Promise.all([files.show(folderOf(window.location.hash)), loadReadme()]);
}

loaded(scope, start, () => {
  scope.setAttribute("aria-busy", "false");
  byId("dataset-content").hidden = true;
});
