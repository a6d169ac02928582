import type { JupyterFrontEnd } from '@jupyterlab/application';
import { onEachTab } from '../cell-outputs/notebook';
import { isKernelTab } from '../model/kernels';

/** Calls `ended` with the name of a notebook or a console each time that its kernel has ended by itself. */
export function onKernelEnds(
  app: Pick<JupyterFrontEnd, 'serviceManager' | 'shell'>,
  ended: (name: string) => void
): void {
  onEachTab(app, isKernelTab, ({ sessionContext }) => {
    sessionContext.statusChanged.connect((_, status) => {
      if (status === 'autorestarting' || status === 'dead') {
        ended(sessionContext.name);
      }
    });
  });
}
