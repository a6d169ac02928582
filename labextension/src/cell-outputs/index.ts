import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { makeAsk } from '../api/requests';
import { DOMAIN } from '../identity';
import type { INotebookTab } from './notebook';
import { onEachNotebook } from './notebook';

const KERNELS: readonly string[] = ['pyspark', 'spark'];

/** Brings what cells wrote while their notebook was not open back into it. */
export const cellOutputsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:cell-outputs',
  description:
    'Restores what cells wrote while their notebook was not open, also of the cell that still runs.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const ask = makeAsk(app.serviceManager.serverSettings, trans);

    const restore = async (tab: INotebookTab): Promise<void> => {
      await Promise.all([tab.context.ready, tab.sessionContext.ready]);
      const kernel = tab.sessionContext.session?.kernel?.name ?? '';
      if (KERNELS.includes(kernel)) {
        const { restoreOutputs } = await import('./restore');
        await restoreOutputs(tab, ask);
      }
    };
    void app.restored.then(() => {
      onEachNotebook(app, tab => {
        // A service that is away is told by panel and status bar; the outputs come with the next opening.
        void restore(tab).catch(() => undefined);
      });
    });
  }
};
