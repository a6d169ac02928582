/** Log directories: relative to the project's folder, `/` between their parts. */

/**
 * The one form of `logdir`, so that each directory has one tab: no slash at
 * the ends, no empty and no `.` parts. Null when it leaves the project.
 */
export function normalLogdir(logdir: string): string | null {
  const parts = logdir
    .trim()
    .split('/')
    .filter(part => part !== '' && part !== '.');
  return parts.includes('..') ? null : parts.join('/');
}

/** Title of the tab over `logdir`: the last part says most. */
export function tabTitle(logdir: string): string {
  return logdir.split('/').at(-1) ?? logdir;
}
