import {
  ConnectionLost,
  IConnectionLost,
  JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { confirm } from '../commands/confirm';
import { DOMAIN } from '../identity';

/**
 * Says that the server is gone, and leads to where it stands why.
 *
 * In place of JupyterLab's own dialog for a Hub (`@jupyterlab/hub-extension:connectionlost`), which starts the server
 * again and leaves that unsaid. Lab can't ask itself: with its server its rights are gone.
 */
export const serverGonePlugin: JupyterFrontEndPlugin<IConnectionLost> = {
  id: 'jupyterlab-hops:server-gone',
  description:
    'Says that the server is gone, and leads to the page that says why.',
  autoStart: true,
  requires: [JupyterFrontEnd.IPaths],
  provides: IConnectionLost,
  activate: (_app: JupyterFrontEnd, paths: JupyterFrontEnd.IPaths) =>
    onServerGone(paths.urls, url => {
      window.location.assign(url);
    })
};

/** What is done when the server does not answer; `go` opens an address. */
export function onServerGone(
  urls: JupyterFrontEnd.IPaths['urls'],
  go: (url: string) => void
): IConnectionLost {
  if (urls.hubPrefix === undefined || urls.hubPrefix === '') {
    return ConnectionLost; // Nobody else could say anything of it.
  }
  let shown = false;
  return async (_manager, _error, translator) => {
    if (shown) {
      return;
    }
    shown = true;
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    try {
      const sure = await confirm(
        trans.__('Your server is gone'),
        trans.__(
          'It has ended, or can not be reached. What was saved is kept. The next page says why it ended, and starts it again.'
        ),
        trans.__('See why'),
        trans
      );
      if (sure) {
        go(urls.base);
      }
    } finally {
      shown = false;
    }
  };
}
