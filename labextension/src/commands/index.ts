import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { notebookIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { DOMAIN, PANEL_ID } from '../identity';
import { projectIcon } from '../parts/icons';
import { IProjectModel } from '../tokens';
import { NO_ARGUMENTS, SESSION_ARGUMENTS } from './arguments';
import { CommandIDs } from './ids';
import { openPage } from './pages';

const WELCOME = 'Welcome.ipynb';
/** Used until the project has been read. */
const START_FOLDER = 'Jupyter';

/** Commands on project, server and Spark sessions; the menu is declared in schema/commands.json. */
export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:commands',
  description: 'Adds the commands on project, server and Spark sessions.',
  autoStart: true,
  requires: [IProjectModel],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: IProjectModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load(DOMAIN);

    commands.addCommand(CommandIDs.showProject, {
      label: trans.__('Show Project'),
      caption: trans.__(
        'Show people, server and Spark sessions of this project'
      ),
      describedBy: { args: NO_ARGUMENTS },
      execute: () => {
        app.shell.activateById(PANEL_ID);
      }
    });
    commands.addCommand(CommandIDs.refresh, {
      label: trans.__('Refresh Project'),
      caption: trans.__('Read project and Spark sessions again'),
      icon: refreshIcon,
      describedBy: { args: NO_ARGUMENTS },
      execute: () => model.refresh()
    });
    commands.addCommand(CommandIDs.openProjectPage, {
      label: trans.__('Project Page'),
      caption: trans.__('Members, datasets and limits of this project'),
      icon: projectIcon,
      describedBy: { args: NO_ARGUMENTS },
      isEnabled: () => model.project.value !== null,
      execute: () => {
        openPage(model.project.value?.projectLink);
      }
    });
    commands.addCommand(CommandIDs.openProjects, {
      label: trans.__('My Projects'),
      caption: trans.__('The list of my projects and their servers'),
      describedBy: { args: NO_ARGUMENTS },
      isEnabled: () => model.project.value !== null,
      execute: () => {
        openPage(model.project.value?.projectsLink);
      }
    });
    commands.addCommand(CommandIDs.openWelcome, {
      label: trans.__('Welcome Notebook'),
      caption: trans.__(
        'A first tour: Spark, SQL, experiments and TensorBoard'
      ),
      icon: notebookIcon,
      describedBy: { args: NO_ARGUMENTS },
      execute: () =>
        commands.execute('docmanager:open', {
          path: `${model.project.value?.startFolder ?? START_FOLDER}/${WELCOME}`
        })
    });
    commands.addCommand(CommandIDs.stopServer, {
      label: trans.__('Stop My Server…'),
      caption: trans.__('Stop this notebook server and its Spark sessions'),
      icon: stopIcon,
      describedBy: { args: NO_ARGUMENTS },
      execute: async () => {
        const { stopServer } = await import('./server');
        await stopServer(app, model, trans);
      }
    });
    commands.addCommand(CommandIDs.restartServer, {
      label: trans.__('Restart My Server…'),
      caption: trans.__(
        'Stop this notebook server and start it with the same options'
      ),
      icon: refreshIcon,
      describedBy: { args: NO_ARGUMENTS },
      execute: async () => {
        const { restartServer } = await import('./server');
        await restartServer(app, model, trans);
      }
    });
    const sessionId = (args: ReadonlyPartialJSONObject): number | null =>
      typeof args['id'] === 'number'
        ? args['id']
        : (model.currentSession?.id ?? null);
    commands.addCommand(CommandIDs.restartSession, {
      label: trans.__('Restart Spark Session…'),
      caption: trans.__(
        'Stop a Spark session and restart its kernel; the next cell starts a new session'
      ),
      icon: refreshIcon,
      describedBy: { args: SESSION_ARGUMENTS },
      isEnabled: args => sessionId(args) !== null,
      execute: async args => {
        const id = sessionId(args);
        if (id !== null) {
          const { restartSession } = await import('./session');
          await restartSession(id, model, trans);
        }
      }
    });
    commands.addCommand(CommandIDs.endSession, {
      label: trans.__('Stop Spark Session…'),
      caption: trans.__('Stop a Spark session and free what it uses'),
      icon: stopIcon,
      describedBy: { args: SESSION_ARGUMENTS },
      isEnabled: args => sessionId(args) !== null,
      execute: async args => {
        const id = sessionId(args);
        if (id !== null) {
          const { endSession } = await import('./session');
          await endSession(id, model, trans);
        }
      }
    });

    if (palette !== null) {
      for (const command of [
        CommandIDs.showProject,
        CommandIDs.refresh,
        CommandIDs.openProjectPage,
        CommandIDs.openProjects,
        CommandIDs.openWelcome,
        CommandIDs.restartSession,
        CommandIDs.endSession,
        CommandIDs.stopServer,
        CommandIDs.restartServer
      ]) {
        palette.addItem({ command, category: trans.__('Project') });
      }
    }
    const sessionMayDiffer = (): void => {
      commands.notifyCommandChanged(CommandIDs.restartSession);
      commands.notifyCommandChanged(CommandIDs.endSession);
    };
    app.shell.currentChanged?.connect(sessionMayDiffer);
    model.changed.connect(() => {
      commands.notifyCommandChanged(CommandIDs.openProjectPage);
      commands.notifyCommandChanged(CommandIDs.openProjects);
      sessionMayDiffer();
    });
  }
};
