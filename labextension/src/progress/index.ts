import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { DOMAIN } from '../identity';
import { PROGRESS_MIME_TYPE, ProgressRenderer } from './renderer';

/** Shows the progress of experiments in notebooks. */
export const progressPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:progress',
  description: 'Shows the progress of a running experiment in its notebook.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [PROGRESS_MIME_TYPE],
        createRenderer: () => new ProgressRenderer(trans)
      },
      0
    );
  }
};
