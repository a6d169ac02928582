import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { DOMAIN, PANEL_ID } from '../identity';
import { IProjectModel } from '../tokens';
import { ProjectPanel } from './panel';

const RANK = 501;

/** Adds the sidebar *Project*. */
export const projectPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:project',
  description:
    'Adds a sidebar with people, server and Spark sessions of the project.',
  autoStart: true,
  requires: [IProjectModel],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    model: IProjectModel,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const panel = new ProjectPanel(model, app.commands, trans);
    restorer?.add(panel, PANEL_ID);
    app.shell.add(panel, 'left', { rank: RANK, type: 'HopsLab Project' });
  }
};
