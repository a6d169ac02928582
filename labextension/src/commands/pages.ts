/** Opens a page of this site in a browser tab that can't reach back into Lab. */
export function openPage(path: string | undefined): void {
  if (path !== undefined) {
    window.open(path, '_blank', 'noopener');
  }
}

/** Size of a window that is for one decision. */
const WINDOW = 'popup,width=600,height=780';

/**
 * Opens a page of this site in a small window of its own, which can't reach
 * back into Lab, nor Lab into it: what a person decides there no code decides.
 */
export function openWindow(path: string): void {
  window.open(path, '_blank', `noopener,${WINDOW}`);
}
