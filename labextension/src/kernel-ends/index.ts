import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { makeAsk } from '../api/requests';
import { DOMAIN } from '../identity';
import { onKernelEnds } from './ends';

/** Says why a kernel was ended, where that was a limit of its server or of its project. */
export const kernelEndsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:kernel-ends',
  description:
    'Says why a kernel was ended, where that was a limit of its server or project.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const ask = makeAsk(app.serviceManager.serverSettings, trans);
    onKernelEnds(app, (name, kernel) => {
      // A server that does not answer is told by panel and status bar.
      void import('./why')
        .then(({ sayWhy }) => sayWhy(name, kernel, ask, trans))
        .catch(() => undefined);
    });
  }
};
