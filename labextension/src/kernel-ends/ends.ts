import type { JupyterFrontEnd } from '@jupyterlab/application';
import { onEachTab } from '../cell-outputs/notebook';
import { isKernelTab } from '../model/kernels';

/** Calls `ended` with the name of a notebook or a console, and the id of its kernel, each time that that has ended by itself. */
export function onKernelEnds(
  app: Pick<JupyterFrontEnd, 'serviceManager' | 'shell'>,
  ended: (name: string, kernel: string) => void
): void {
  onEachTab(app, isKernelTab, ({ sessionContext }) => {
    // Of one that is dead Lab may not tell it any more.
    let known = '';
    sessionContext.statusChanged.connect((_, status) => {
      const kernel = sessionContext.session?.kernel?.id ?? known;
      known = kernel;
      if (status === 'autorestarting' || status === 'dead') {
        ended(sessionContext.name, kernel);
      }
    });
  });
}
