import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Contents } from '@jupyterlab/services';
import { onEachNotebook } from '../cell-outputs/notebook';

/** A notebook or a folder that has another path now. */
export interface IRename {
  readonly before: string;
  readonly after: string;
}

/**
 * Calls `renamed` once for each notebook or folder that is renamed or moved in
 * this Lab, open or not, and for each open notebook that is saved under
 * another name. What lies below a renamed folder is not named again.
 */
export function onRenames(
  app: Pick<JupyterFrontEnd, 'serviceManager' | 'shell'>,
  renamed: (rename: IRename) => void
): void {
  const noted = new Map<string, string>();
  const tell = (): void => {
    const befores = [...noted.keys()];
    for (const [before, after] of noted) {
      if (!befores.some(folder => before.startsWith(`${folder}/`))) {
        renamed({ before, after });
      }
    }
    noted.clear();
  };
  const note = (before: string, after: string): void => {
    // Lab says of all whose path begins like the renamed one that theirs has changed.
    if (before === after) {
      return;
    }
    if (noted.size === 0) {
      // File and open notebooks tell of the same rename at the same moment.
      void Promise.resolve().then(tell);
    }
    noted.set(before, after);
  };

  app.serviceManager.contents.fileChanged.connect((_, change) => {
    const { oldValue, newValue } = change;
    if (change.type === 'rename' && mayHaveSessions(newValue)) {
      note(oldValue?.path ?? '', newValue?.path ?? '');
    }
  });
  onEachNotebook(app, ({ context }) => {
    let { path } = context;
    context.pathChanged.connect((_, after) => {
      note(path, after);
      path = after;
    });
  });
}

function mayHaveSessions(file: Partial<Contents.IModel> | null): boolean {
  return file?.type === 'notebook' || file?.type === 'directory';
}
