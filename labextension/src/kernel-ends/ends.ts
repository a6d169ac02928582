import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { readFields, readOptionalText } from '../api/reading';
import type { Ask } from '../api/requests';
import { onEachTab } from '../cell-outputs/notebook';
import { isKernelTab } from '../model/kernels';

/** Says why, each time that a kernel in a tab has ended by itself and a limit of the server was the reason. */
export function sayWhyKernelsEnd(
  app: Pick<JupyterFrontEnd, 'serviceManager' | 'shell'>,
  ask: Ask,
  trans: TranslationBundle
): void {
  const say = async (name: string): Promise<void> => {
    // Asked at once: after some seconds nobody is told any more.
    const reason = await ask('limited', readReason);
    if (reason !== null) {
      Notification.error(
        trans.__(
          'The kernel of %1 was ended, and its variables are lost. %2',
          name,
          reason
        ),
        { autoClose: false }
      );
    }
  };
  onEachTab(app, isKernelTab, ({ sessionContext }) => {
    sessionContext.statusChanged.connect((_, status) => {
      if (status === 'autorestarting' || status === 'dead') {
        // That the kernel has ended is said by Lab; a server that does not answer is told by panel and status bar.
        void say(sessionContext.name).catch(() => undefined);
      }
    });
  });
}

function readReason(answer: unknown): string | null {
  return readOptionalText(readFields(answer, 'limited'), 'reason');
}
