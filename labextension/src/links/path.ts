const TREE = 'lab/tree/';

/**
 * The path of the file that `href` opens in this Lab, or `null` for any other
 * address.
 *
 * @param href An absolute address.
 * @param baseUrl The server's base address, absolute and with a slash at its end.
 */
export function pathInLab(href: string, baseUrl: string): string | null {
  const prefix = baseUrl + TREE;
  if (!href.startsWith(prefix)) {
    return null;
  }
  const [encoded = ''] = href.slice(prefix.length).split(/[?#]/);
  try {
    return decodeURIComponent(encoded) || null;
  } catch {
    return null;
  }
}
