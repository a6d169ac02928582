import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { pathInLab } from './path';

/**
 * Opens links of outputs to files of this Lab in a tab of it: followed by the
 * browser, they would open a second Lab. With Ctrl or another button they
 * still do.
 */
export const linksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:links',
  description: 'Opens links to files, in outputs, as tabs.',
  autoStart: true,
  activate: (app: JupyterFrontEnd): void => {
    const { baseUrl } = app.serviceManager.serverSettings;
    document.addEventListener('click', event => {
      const plain = !(
        event.ctrlKey ||
        event.metaKey ||
        event.shiftKey ||
        event.altKey
      );
      const anchor =
        event.target instanceof Element
          ? event.target.closest<HTMLAnchorElement>('.jp-OutputArea a[href]')
          : null;
      if (event.defaultPrevented || !plain || anchor === null) {
        return;
      }
      const path = pathInLab(anchor.href, baseUrl);
      if (path !== null) {
        event.preventDefault();
        void app.commands.execute('docmanager:open', { path });
      }
    });
  }
};
