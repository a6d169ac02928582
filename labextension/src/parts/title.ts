import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISession } from '../api/wire';
import type { ISessionOwner } from '../tokens';

/** What people call a session: the notebook whose kernel works in it, else its name, else its number. */
export function titleOf(
  item: Pick<ISession, 'id' | 'kind' | 'name' | 'kernel' | 'notebook'>,
  owner: ISessionOwner | null,
  trans: TranslationBundle
): string {
  // The name that a kernel gives its session is for machines.
  const name =
    owner?.name ??
    (item.notebook === null
      ? item.kernel === null
        ? item.name
        : null
      : PathExt.basename(item.notebook));
  return (
    name ??
    (item.kind === 'batch'
      ? trans.__('Batch %1', item.id)
      : trans.__('Session %1', item.id))
  );
}
