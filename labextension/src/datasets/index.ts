import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { makeAsk } from '../api/requests';
import { CommandIDs } from '../commands/ids';
import { DATASETS_PANEL_ID, DOMAIN } from '../identity';
import { IProjectModel } from '../tokens';
import { addDatasetCommands } from './commands';
import { DatasetsModel } from './model';
import { DatasetsPanel } from './panel';

const RANK = 503;

/** Adds the sidebar *Datasets*, and the commands on datasets that the file browser's menu has too (schema/datasets.json). */
export const datasetsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:datasets',
  description:
    'Adds a sidebar with the datasets of the project, and sharing by a right click.',
  autoStart: true,
  requires: [IProjectModel],
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    IFileBrowserFactory,
    IRenderMimeRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    project: IProjectModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    fileBrowsers: IFileBrowserFactory | null,
    rendermime: IRenderMimeRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const datasets = new DatasetsModel(
      makeAsk(app.serviceManager.serverSettings, trans),
      trans
    );
    void app.restored.then(() => {
      datasets.start();
    });
    // Who comes back from a window may have changed something there, as often as they come back.
    let isComingBackHeeded = false;
    addDatasetCommands({
      app,
      datasets,
      project,
      trans,
      fileBrowsers,
      rendermime,
      onWindow: () => {
        if (!isComingBackHeeded) {
          isComingBackHeeded = true;
          window.addEventListener('focus', () => void datasets.refresh());
        }
      }
    });
    for (const command of [
      CommandIDs.showDatasets,
      CommandIDs.answerOffers,
      CommandIDs.findDatasets
    ]) {
      palette?.addItem({ command, category: trans.__('Project') });
    }
    const panel = new DatasetsPanel(datasets, project, app.commands, trans);
    restorer?.add(panel, DATASETS_PANEL_ID);
    app.shell.add(panel, 'left', { rank: RANK, type: 'HopsLab Datasets' });
  }
};
