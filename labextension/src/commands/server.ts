import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IServerChange } from '../api/wire';
import type { IProjectModel } from '../tokens';
import { confirm } from './confirm';
import { tellFailure } from './failure';

/** Asks, saves what is open, stops this notebook server and goes where the Hub says. */
export async function stopServer(
  app: JupyterFrontEnd,
  model: IProjectModel,
  trans: TranslationBundle
): Promise<void> {
  const sure = await confirm(
    trans.__('Stop your server?'),
    trans.__(
      'Open files are saved first. Running kernels and Spark sessions end, and their variables are lost.'
    ),
    trans.__('Stop'),
    trans
  );
  if (sure) {
    await leave(app, () => model.stopServer(), trans);
  }
}

/** As {@link stopServer}, and the server is started again. */
export async function restartServer(
  app: JupyterFrontEnd,
  model: IProjectModel,
  trans: TranslationBundle
): Promise<void> {
  const sure = await confirm(
    trans.__('Restart your server?'),
    trans.__(
      'Open files are saved first. Kernels end; your Spark sessions stay, and each notebook asks whether to attach its own again. The server comes back with the same options.'
    ),
    trans.__('Restart'),
    trans
  );
  if (sure) {
    await leave(app, () => model.restartServer(), trans);
  }
}

async function leave(
  app: JupyterFrontEnd,
  change: () => Promise<IServerChange>,
  trans: TranslationBundle
): Promise<void> {
  try {
    await app.commands.execute('docmanager:save-all');
    const { url } = await change();
    window.location.assign(url);
  } catch (reason) {
    tellFailure(reason, trans);
  }
}
