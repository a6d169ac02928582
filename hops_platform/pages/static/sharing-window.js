// Who has one dataset, in a window that Lab has opened.

import { get, path } from "./api.js";
import { byId, loaded } from "./dom.js";
import { showWhoHas } from "./who-has.js";
import "./window.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;

await loaded(byId("share-form"), async () => {
  const { role } = await get(`projects/${path(meta("project"))}`);
  await showWhoHas(meta("dataset"), role === "data_owner");
  if (location.hash === "#publish") document.querySelector("#publish:not([hidden]), #withdraw:not([hidden]) button")?.focus();
});
