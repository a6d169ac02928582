// A document that came as a tree: only elements that are listed here are made, and text goes in as text.

import { h } from "./dom.js";

// The page has headings of its own above those of a document.
const TAGS = {
  h1: "h3", h2: "h4", h3: "h5", h4: "h6", h5: "h6", h6: "h6",
  ...Object.fromEntries(["p", "blockquote", "ul", "ol", "li", "hr", "pre", "code", "em", "strong", "s", "br", "table", "thead", "tbody", "tr", "th", "td"].map((tag) => [tag, tag])),
};

function made({ tag, text, href, children = [] }) {
  if (tag === "text") return document.createTextNode(text ?? "");
  const inside = children.map(made);
  if (tag === "a") {
    return /^(https?:|mailto:)/.test(href ?? "") ? h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, inside) : h("span", {}, inside);
  }
  if (tag === "table") return h("div", { class: "hops-scroll", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", {}, inside));
  return Object.hasOwn(TAGS, tag) ? h(TAGS[tag], {}, inside) : h("span", {}, inside);
}

/** The elements of a document. */
export const documentOf = (tree) => h("div", { class: "hops-document" }, tree.map(made));
