import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { linkIcon, stopIcon } from '@jupyterlab/ui-components';
import { makeAsk } from '../api/requests';
import {
  NAMED_SESSION_ARGUMENTS,
  NO_ARGUMENTS,
  WHOSE_ARGUMENTS
} from '../commands/arguments';
import { CommandIDs } from '../commands/ids';
import { DOMAIN, SESSIONS_PANEL_ID } from '../identity';
import { IProjectModel } from '../tokens';
import { SessionsModel } from './model';
import { SessionsPanel } from './panel';

const RANK = 502;

/** Adds the sidebar *Spark sessions*, and the commands on sessions that one may look after. */
export const sessionsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:sessions',
  description:
    'Adds a sidebar with my Spark sessions and, for a Data Owner, those of the project.',
  autoStart: true,
  requires: [IProjectModel],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    project: IProjectModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const sessions = new SessionsModel(
      makeAsk(app.serviceManager.serverSettings, trans),
      () => (project.project.value?.role === 'data_owner' ? 'project' : 'own'),
      trans
    );
    project.changed.connect(() => {
      sessions.followRole();
    });
    const stopping = { sessions, project, trans };

    commands.addCommand(CommandIDs.showSessions, {
      label: trans.__('Show Spark Sessions'),
      caption: trans.__(
        'Show Spark sessions with their state, resources and log'
      ),
      describedBy: { args: NO_ARGUMENTS },
      execute: () => {
        app.shell.activateById(SESSIONS_PANEL_ID);
      }
    });
    commands.addCommand(CommandIDs.stopSession, {
      label: trans.__('Stop Spark Session…'),
      caption: trans.__(
        "Stop a Spark session, one's own or another member's, and free what it uses"
      ),
      icon: stopIcon,
      describedBy: { args: NAMED_SESSION_ARGUMENTS },
      execute: async args => {
        const item = sessions.find(Number(args['id']));
        if (item !== null) {
          const { stopSession } = await import('./stop');
          await stopSession(item, stopping);
        }
      }
    });
    commands.addCommand(CommandIDs.attachSession, {
      label: trans.__('Attach Spark Session to Current Notebook'),
      caption: trans.__(
        'Run a cell in the current notebook that attaches a Spark session, with its variables'
      ),
      icon: linkIcon,
      describedBy: { args: NAMED_SESSION_ARGUMENTS },
      execute: async args => {
        const item = sessions.find(Number(args['id']));
        if (item !== null) {
          const { attachSession } = await import('./attach');
          await attachSession(item, app.shell.currentWidget, commands, trans);
        }
      }
    });
    commands.addCommand(CommandIDs.stopIdleSessions, {
      label: args =>
        args['whose'] === 'others'
          ? trans.__('Stop Idle Spark Sessions of Others…')
          : trans.__('Stop My Idle Spark Sessions…'),
      caption: trans.__('Stop the Spark sessions that do nothing now'),
      icon: stopIcon,
      describedBy: { args: WHOSE_ARGUMENTS },
      execute: async args => {
        if (!sessions.isWatched) {
          await sessions.refresh();
        }
        const { stopIdleSessions } = await import('./stop');
        await stopIdleSessions(
          sessions.idle(args['whose'] !== 'others'),
          stopping
        );
      }
    });
    for (const command of [
      CommandIDs.showSessions,
      CommandIDs.stopIdleSessions
    ]) {
      palette?.addItem({ command, category: trans.__('Project') });
    }

    const panel = new SessionsPanel(sessions, project, commands, trans);
    restorer?.add(panel, SESSIONS_PANEL_ID);
    // Another tab may have another session than the one that is offered for it.
    app.shell.currentChanged?.connect(() => {
      panel.update();
    });
    app.shell.add(panel, 'left', { rank: RANK, type: 'HopsLab Sessions' });
  }
};
