import type { TranslationBundle } from '@jupyterlab/translation';
import type { ProjectRole } from '../api/wire';

/** What a role is called. */
export function roleText(role: ProjectRole, trans: TranslationBundle): string {
  return role === 'data_owner'
    ? trans.__('Data Owner')
    : trans.__('Data Scientist');
}
