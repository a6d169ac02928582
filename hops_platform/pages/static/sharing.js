// Datasets of other projects here, and who has those of this project.

import { get, page, path } from "./api.js";
import { open } from "./dialogs.js";
import { byId, h, loaded } from "./dom.js";
import { loadReceived } from "./received.js";
import { showWhoHas } from "./who-has.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
const url = `projects/${path(meta("project"))}`;
const box = byId("shares");
const own = byId("own-datasets");
let owner = false;

async function loadOwn() {
  const found = [];
  let after = null;
  do {
    const answer = await page(`${url}/datasets`, { after, limit: 100 });
    found.push(...answer.items.filter(({ shared }) => !shared));
    after = answer.items.some(({ shared }) => shared) ? null : answer.next;
  } while (after);
  own.replaceChildren(...found.map((dataset) => h("option", { value: dataset.name }, dataset.name)));
  byId("own-shares").hidden = found.length === 0;
}

async function show(dataset) {
  open(byId("share-dialog"));
  await showWhoHas(dataset, owner);
}
byId("own-shares").addEventListener("submit", (event) => {
  event.preventDefault();
  show(own.value);
});

await loaded(box, async () => {
  const project = await get(url);
  owner = project.role === "data_owner";
  if (owner) byId("show-own").textContent = "Show and share…";
  box.hidden = !project.role;
  if (project.role) await Promise.all([loadReceived(owner), loadOwn()]);
  // The page of a dataset leads here.
  const wanted = [...own.options].find(({ value }) => location.hash === `#who-has-${value}`);
  if (wanted) {
    own.value = wanted.value;
    await show(own.value);
  }
  // That there is no such project, the page itself says.
}, ({ status }) => (box.hidden = status === 404));
