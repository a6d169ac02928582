// Lists that come page by page.

import { page } from "./api.js";
import { busy, h, showProblem } from "./dom.js";

/**
 * Fills a list with its first page, or adds the next one.
 * @param {Element} box that shows what went wrong
 * @param {(item: any) => Element} make
 * @param {string} [empty] what a list without items says
 */
export async function fill(box, list, listPath, button, make, empty = "", after = null) {
  const answer = await page(listPath, { after });
  if (after === null) list.replaceChildren();
  list.append(...answer.items.map(make));
  if (empty && !list.children.length) list.append(h("li", { class: "hops-muted" }, empty));
  button.hidden = !answer.next;
  button.onclick = () => busy(button, "Loading…", () => fill(box, list, listPath, button, make, empty, answer.next)).catch((error) => showProblem(box, error));
}
