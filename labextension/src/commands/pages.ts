/** Opens a page of this site in a browser tab that can't reach back into Lab. */
export function openPage(path: string | undefined): void {
  if (path !== undefined) {
    window.open(path, '_blank', 'noopener');
  }
}
