import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { DOMAIN } from '../identity';
import { IProjectModel } from '../tokens';
import { SessionStatus } from './item';

const ITEM_ID = 'jupyterlab-hops:session-status';
const RANK = 4;

/** Adds the state of my Spark sessions to the status bar. */
export const sessionStatusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:session-status',
  description: 'Shows the state of my Spark sessions in the status bar.',
  autoStart: true,
  requires: [IProjectModel, IStatusBar],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IProjectModel,
    statusBar: IStatusBar,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    statusBar.registerStatusItem(ITEM_ID, {
      item: new SessionStatus(model, app.commands, trans),
      align: 'left',
      rank: RANK
    });
  }
};
