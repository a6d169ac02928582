import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ToolbarRegistry, WidgetTracker } from '@jupyterlab/apputils';
import { setToolbar } from '@jupyterlab/apputils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { IObservableList } from '@jupyterlab/observables';
import type { TranslationBundle } from '@jupyterlab/translation';
import { launchIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import { LOGDIR_ARGUMENTS, NO_ARGUMENTS } from '../commands/arguments';
import { CommandIDs } from '../commands/ids';
import { openPage } from '../commands/pages';
import { tensorboardIcon } from '../parts/icons';
import type { IProjectModel } from '../tokens';
import { normalLogdir } from './logdir';
import type { TensorBoardTab } from './tab';

/** Where the `hops` library writes its experiments. */
const DEFAULT_LOGDIR = 'Experiments';

/** What the commands work on. */
export interface ITensorBoardCommandsOptions {
  readonly app: JupyterFrontEnd;
  readonly model: IProjectModel;
  readonly trans: TranslationBundle;
  readonly tracker: WidgetTracker<TensorBoardTab>;
  readonly toolbar:
    ((widget: Widget) => IObservableList<ToolbarRegistry.IToolbarItem>) | null;
  readonly fileBrowsers: IFileBrowserFactory | null;
}

/** Adds the commands that open TensorBoards, and those of their toolbar. */
export function addTensorBoardCommands(
  options: ITensorBoardCommandsOptions
): void {
  const { app, trans, tracker, fileBrowsers } = options;
  const { commands } = app;

  commands.addCommand(CommandIDs.openTensorBoard, {
    label: trans.__('TensorBoard'),
    caption: trans.__('Compare the runs of an experiment'),
    icon: tensorboardIcon,
    describedBy: { args: LOGDIR_ARGUMENTS },
    execute: async args => {
      const asked = args['logdir'];
      const logdir = await chosenLogdir(
        typeof asked === 'string' ? asked : null,
        trans
      );
      return logdir === null
        ? null
        : openTab(options, logdir, args['beside'] === true);
    }
  });

  commands.addCommand(CommandIDs.openFolderInTensorBoard, {
    label: trans.__('Open in TensorBoard'),
    caption: trans.__('Compare the runs that lie in this folder'),
    icon: tensorboardIcon,
    describedBy: { args: NO_ARGUMENTS },
    isVisible: () => selectedFolder(fileBrowsers) !== null,
    execute: () => {
      const path = selectedFolder(fileBrowsers);
      return path === null
        ? null
        : commands.execute(CommandIDs.openTensorBoard, {
            logdir: app.serviceManager.contents.localPath(path)
          });
    }
  });

  const current = (): TensorBoardTab | null => tracker.currentWidget;
  const isEnabled = (): boolean => current() !== null;

  commands.addCommand(CommandIDs.reloadTensorBoard, {
    label: trans.__('Reload TensorBoard'),
    caption: trans.__(
      'Show this TensorBoard anew; start it again if it has ended'
    ),
    icon: refreshIcon,
    describedBy: { args: NO_ARGUMENTS },
    isEnabled,
    execute: () => current()?.content.reload()
  });
  commands.addCommand(CommandIDs.detachTensorBoard, {
    label: trans.__('Open TensorBoard in Browser Tab'),
    caption: trans.__('Open this TensorBoard in a browser tab of its own'),
    icon: launchIcon,
    describedBy: { args: NO_ARGUMENTS },
    isEnabled,
    execute: () => {
      openPage(current()?.content.tensorboard?.url);
    }
  });
  commands.addCommand(CommandIDs.stopTensorBoard, {
    label: trans.__('Stop TensorBoard'),
    caption: trans.__('End this TensorBoard and close its tab; the runs stay'),
    icon: stopIcon,
    describedBy: { args: NO_ARGUMENTS },
    isEnabled,
    execute: async () => {
      const tab = current();
      if (tab === null) {
        return;
      }
      try {
        const { tensorboard } = tab.content;
        if (tensorboard !== null) {
          await options.model.stopTensorBoard(tensorboard.id);
        }
        tab.dispose();
      } catch (reason) {
        const { tellFailure } = await import('../commands/failure');
        tellFailure(reason, trans);
      }
    }
  });
}

async function openTab(
  options: ITensorBoardCommandsOptions,
  logdir: string,
  beside: boolean
): Promise<TensorBoardTab> {
  const { app, model, trans, tracker, toolbar } = options;
  const { makeTab } = await import('./tab');
  let tab = tracker.find(({ content }) => content.logdir === logdir);
  if (tab === undefined) {
    tab = makeTab(logdir, model, trans);
    if (toolbar !== null) {
      setToolbar(tab, toolbar);
    }
    app.shell.add(tab, 'main', {
      mode: beside ? 'split-right' : 'tab-after',
      activate: !beside,
      type: 'TensorBoard'
    });
    await tracker.add(tab);
  }
  if (!beside) {
    app.shell.activateById(tab.id);
  }
  return tab;
}

/** The log directory asked for, or else the one that the user types; null when there is none. */
async function chosenLogdir(
  asked: string | null,
  trans: TranslationBundle
): Promise<string | null> {
  let typed = asked;
  if (typed === null) {
    const { InputDialog } = await import('@jupyterlab/apputils');
    const result = await InputDialog.getText({
      title: trans.__('Open TensorBoard'),
      label: trans.__("Folder with the runs, from the project's folder on"),
      text: DEFAULT_LOGDIR,
      okLabel: trans.__('Open'),
      required: true
    });
    typed = result.button.accept ? result.value : null;
  }
  if (typed === null) {
    return null;
  }
  const logdir = normalLogdir(typed);
  if (logdir === null) {
    const { Notification } = await import('@jupyterlab/apputils');
    Notification.error(
      trans.__(
        "'%1' leads out of the project. Choose a folder inside of it.",
        typed
      )
    );
  }
  return logdir;
}

function selectedFolder(
  fileBrowsers: IFileBrowserFactory | null
): string | null {
  const browser = fileBrowsers?.tracker.currentWidget;
  if (!browser) {
    return null;
  }
  const [item, ...others] = [...browser.selectedItems()];
  return item?.type === 'directory' && others.length === 0 ? item.path : null;
}
