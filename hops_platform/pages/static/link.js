// What stands behind the # of a link: taken out of the address at once, so that neither the history nor a look over
// somebody's shoulder has it, and kept in the page alone.

/** The token of the link by which this page was opened; empty without one. */
export function takeToken() {
  const token = window.location.hash.slice(1);
  if (token) window.history.replaceState(null, "", window.location.pathname);
  return token;
}
