import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  ICommandPalette,
  IToolbarWidgetRegistry,
  WidgetTracker,
  createToolbarFactory
} from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands/ids';
import { DOMAIN } from '../identity';
import { IProjectModel } from '../tokens';
import { addTensorBoardCommands } from './commands';
import {
  OpenedDisplays,
  TENSORBOARD_MIME_TYPE,
  TensorBoardRenderer
} from './renderer';
import type { TensorBoardTab } from './tab';

const PLUGIN_ID = 'jupyterlab-hops:tensorboard';
/** Names the toolbar in schema/tensorboard.json. */
const FACTORY = 'TensorBoard';

/** TensorBoards as tabs, from notebooks, launcher, palette and file browser. */
export const tensorboardPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Opens TensorBoards over the runs of experiments as tabs.',
  autoStart: true,
  requires: [IProjectModel, IRenderMimeRegistry],
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    IFileBrowserFactory,
    IToolbarWidgetRegistry,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IProjectModel,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    fileBrowsers: IFileBrowserFactory | null,
    toolbars: IToolbarWidgetRegistry | null,
    settings: ISettingRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<TensorBoardTab>({
      namespace: 'hops-tensorboard'
    });
    const toolbar =
      toolbars === null || settings === null
        ? null
        : createToolbarFactory(
            toolbars,
            settings,
            FACTORY,
            PLUGIN_ID,
            translator ?? nullTranslator
          );
    addTensorBoardCommands({
      app,
      model,
      trans,
      tracker,
      toolbar,
      fileBrowsers
    });
    const opened = new OpenedDisplays();
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [TENSORBOARD_MIME_TYPE],
        createRenderer: () =>
          new TensorBoardRenderer(
            opened,
            (logdir, beside) => {
              void app.commands.execute(CommandIDs.openTensorBoard, {
                logdir,
                beside
              });
            },
            trans
          )
      },
      0
    );
    palette?.addItem({
      command: CommandIDs.openTensorBoard,
      category: trans.__('Project')
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openTensorBoard,
      args: tab => ({ logdir: tab.content.logdir }),
      name: tab => tab.content.logdir
    });
  }
};
