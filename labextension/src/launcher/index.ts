import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands/ids';
import { DOMAIN } from '../identity';

const COMMANDS = [
  CommandIDs.openWelcome,
  CommandIDs.openTensorBoard,
  CommandIDs.openProjectPage
];

/** Behind the categories of the kernels, before *Other*. */
const CATEGORY_RANK = 3;

/** Adds cards to the launcher; the card of a PySpark notebook comes from its kernel. */
export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:launcher',
  description:
    'Adds cards for the welcome notebook, TensorBoard and the project page.',
  autoStart: true,
  requires: [ILauncher],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    launcher: ILauncher,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    COMMANDS.forEach((command, rank) => {
      launcher.add({
        command,
        category: trans.__('Project'),
        categoryRank: CATEGORY_RANK,
        rank
      });
    });
  }
};
