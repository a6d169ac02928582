import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { jsonBody, makeAsk } from '../api/requests';
import { DOMAIN } from '../identity';
import { onRenames } from './renames';

/** Lets notebooks keep their Spark session and its outputs when they are renamed or moved. */
export const renamedNotebooksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:renamed-notebooks',
  description:
    'Tells the Spark session of a notebook that was renamed or moved its new path.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const ask = makeAsk(app.serviceManager.serverSettings, trans);
    onRenames(app, ({ before, after }) => {
      const body = jsonBody('POST', { old: before, new: after });
      // The rename itself is done; a service that is away is told by panel and status bar.
      void ask('notebook:renamed', () => null, body).catch(() => undefined);
    });
  }
};
