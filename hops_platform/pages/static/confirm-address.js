// The proof of a mail address, by a link.

import { call } from "./api.js";
import { byId, h, onSubmit } from "./dom.js";
import { takeToken } from "./link.js";

const token = takeToken();
const form = byId("confirm-form");
form.hidden = !token;
byId("no-link").hidden = Boolean(token);
onSubmit(form, "Confirming…", async () => {
  const { body } = await call("POST", "addresses:confirm", { body: { token } });
  const note = h("div", { class: "hops-notice hops-good", role: "status", tabindex: "-1" }, h("strong", {}, `${body.address} is the address of ${body.user} from now on.`));
  form.replaceWith(note);
  note.focus();
});
