// What stands behind the # of a link: taken out of the address at once, so that neither the history nor a look over
// somebody's shoulder has it, and kept in the page alone.

/** What stands there, unless it is the name of a part of the page, as of the way past the bar. */
const tokenInAddress = () => {
  const text = window.location.hash.slice(1);
  return document.getElementById(text) ? "" : text;
};

/** The token of the link by which this page was opened; empty without one. */
export function takeToken() {
  const token = tokenInAddress();
  if (token) window.history.replaceState(null, "", window.location.pathname);
  return token;
}

// A link that is opened where its page is shown already changes nothing but that.
window.addEventListener("hashchange", () => {
  if (tokenInAddress()) window.location.reload();
});
