/** Shares and sizes in words. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDatasetSize, IDatasetUser, ShareMode } from '../api/datasets';

const UNIT = 1024;

/** What may be done with a dataset. */
export function modeText(
  mode: ShareMode,
  download: boolean,
  trans: TranslationBundle
): string {
  const text =
    mode === 'write' ? trans.__('read and write') : trans.__('read only');
  return download ? trans.__('%1, with download', text) : text;
}

/** How a project has a dataset: `read only · 4 members`. */
export function userText(user: IDatasetUser, trans: TranslationBundle): string {
  const mode = modeText(user.mode, user.download, trans);
  switch (user.state) {
    case 'accepted':
      return user.members === null
        ? mode
        : trans.__(
            '%1 · %2',
            mode,
            trans._n('%1 member', '%1 members', user.members)
          );
    case 'offered':
      return trans.__('%1 · offered, not accepted yet', mode);
    case 'asked':
      return trans.__('%1 · asked for, not answered yet', mode);
    case 'declined':
      return trans.__('declined');
  }
}

/** A size: `12 bytes`, `1.5 MiB`. */
export function bytesText(bytes: number, trans: TranslationBundle): string {
  if (bytes < UNIT) {
    return trans._n('%1 byte', '%1 bytes', bytes);
  }
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(UNIT)), 4);
  const amount = Math.round((bytes / UNIT ** power) * 10) / 10;
  return `${amount} ${['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][power] ?? ''}`;
}

/** How much lies in a dataset: `1.5 MiB in 12 files`. */
export function sizeText(size: IDatasetSize, trans: TranslationBundle): string {
  const text = trans._n(
    '%2 in %1 file',
    '%2 in %1 files',
    size.files,
    bytesText(size.bytes, trans)
  );
  return size.whole ? text : trans.__('more than %1', text);
}
