import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IThemeManager } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { DOMAIN } from '../identity';
import { TABLE_MIME_TYPE, TableRenderer } from './renderer';

/** Shows the results of queries in notebooks as tables and charts. */
export const tableOutputPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:table-output',
  description: 'Shows the result of a query as a table or as a chart.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator, IThemeManager],
  activate: (
    _app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    themes: IThemeManager | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [TABLE_MIME_TYPE],
        createRenderer: () =>
          new TableRenderer(rendermime, trans, themes?.themeChanged ?? null)
      },
      0
    );
  }
};
