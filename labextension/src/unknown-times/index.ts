import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { DirListing } from '@jupyterlab/filebrowser';
import { shown } from './shown';

/** Leaves out times that nobody knows, as those of folders in a bucket, where Lab would show "56y ago". */
export const unknownTimesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:unknown-times',
  description: 'Leaves times that are not known out of the file browser.',
  autoStart: true,
  activate: (): void => {
    shown(DirListing.defaultRenderer);
  }
};
