/** A HopsLab project in JupyterLab. */
import type {
  IConnectionLost,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { cellOutputsPlugin } from './cell-outputs';
import { commandsPlugin } from './commands';
import { datasetsPlugin } from './datasets';
import { idleWarningPlugin } from './idle-warning';
import { kernelEndsPlugin } from './kernel-ends';
import { launcherPlugin } from './launcher';
import { linksPlugin } from './links';
import { modelPlugin } from './model';
import { progressPlugin } from './progress';
import { projectPlugin } from './project';
import { renamedNotebooksPlugin } from './renamed-notebooks';
import { serverGonePlugin } from './server-gone';
import { sessionStatusPlugin } from './session-status';
import { sessionsPlugin } from './sessions';
import { sparkPagesPlugin } from './spark-pages';
import { tableOutputPlugin } from './table-output';
import { tensorboardPlugin } from './tensorboard';
import { themeChoicePlugin } from './theme-choice';
import { unknownTimesPlugin } from './unknown-times';
import type { IProjectModel } from './tokens';

export * from './tokens';
export { CommandIDs } from './commands/ids';

const plugins: readonly (
  | JupyterFrontEndPlugin<void>
  | JupyterFrontEndPlugin<IProjectModel>
  | JupyterFrontEndPlugin<IConnectionLost>
)[] = [
  modelPlugin,
  commandsPlugin,
  projectPlugin,
  sessionStatusPlugin,
  sessionsPlugin,
  datasetsPlugin,
  idleWarningPlugin,
  kernelEndsPlugin,
  serverGonePlugin,
  cellOutputsPlugin,
  renamedNotebooksPlugin,
  sparkPagesPlugin,
  launcherPlugin,
  tensorboardPlugin,
  progressPlugin,
  tableOutputPlugin,
  linksPlugin,
  themeChoicePlugin,
  unknownTimesPlugin
];

export default plugins;
