// What other projects share with one, in a window that Lab has opened.

import { get, path } from "./api.js";
import { byId, loaded } from "./dom.js";
import { loadReceived } from "./received.js";
import "./window.js";

const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;

await loaded(byId("shares"), async () => {
  const { role } = await get(`projects/${path(meta("project"))}`);
  await loadReceived(role === "data_owner");
});
