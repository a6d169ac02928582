import type { TranslationBundle } from '@jupyterlab/translation';
import type { IProblem } from '../api/problem';

/**
 * What to do when Lab (`lab`) and its server extension (`server`) are of
 * different versions; null when major and minor are the same.
 */
export function versionProblem(
  lab: string,
  server: string,
  trans: TranslationBundle
): IProblem | null {
  if (release(lab) === release(server)) {
    return null;
  }
  return {
    title: trans.__('Versions differ'),
    detail: trans.__(
      'The HopsLab extension of Lab is %1, the one of the server is %2.',
      lab,
      server
    ),
    remedy: trans.__(
      'Reload this page; if this stays, restart your server so that both come from the same installation.'
    ),
    status: 0
  };
}

function release(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
