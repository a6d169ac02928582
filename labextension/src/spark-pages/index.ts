import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  ICommandPalette,
  IToolbarWidgetRegistry,
  WidgetTracker,
  createToolbarFactory,
  setToolbar
} from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { launchIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { NO_ARGUMENTS, SESSION_ARGUMENTS } from '../commands/arguments';
import { CommandIDs } from '../commands/ids';
import { openPage } from '../commands/pages';
import { DOMAIN } from '../identity';
import { sessionsIcon } from '../parts/icons';
import { IProjectModel } from '../tokens';
import type { SparkPagesTab } from './tab';

const PLUGIN_ID = 'jupyterlab-hops:spark-pages';
/** Names the toolbar in schema/spark-pages.json. */
const FACTORY = 'Spark UI';

/** Spark's own pages of my sessions, as tabs. */
export const sparkPagesPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Opens the Spark UI of my sessions as tabs.',
  autoStart: true,
  requires: [IProjectModel],
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    IToolbarWidgetRegistry,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IProjectModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    toolbars: IToolbarWidgetRegistry | null,
    settings: ISettingRegistry | null
  ): void => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<SparkPagesTab>({
      namespace: 'hops-spark-pages'
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
    const sessionId = (args: ReadonlyPartialJSONObject): number | null =>
      typeof args['id'] === 'number'
        ? args['id']
        : (model.currentSession?.id ?? null);
    const current = (): SparkPagesTab | null => tracker.currentWidget;
    const isEnabled = (): boolean => current() !== null;

    commands.addCommand(CommandIDs.openSparkPages, {
      label: trans.__('Spark UI'),
      caption: trans.__(
        'Jobs, stages and queries of a Spark session, as Spark shows them'
      ),
      icon: sessionsIcon,
      describedBy: { args: SESSION_ARGUMENTS },
      isEnabled: args => sessionId(args) !== null,
      execute: async args => {
        const id = sessionId(args);
        if (id === null) {
          return null;
        }
        let tab = tracker.find(({ content }) => content.session === id);
        if (tab === undefined) {
          const { makeTab } = await import('./tab');
          tab = makeTab(id, model, trans);
          if (toolbar !== null) {
            setToolbar(tab, toolbar);
          }
          shell.add(tab, 'main', { mode: 'tab-after', type: FACTORY });
          await tracker.add(tab);
        }
        shell.activateById(tab.id);
        return tab;
      }
    });
    commands.addCommand(CommandIDs.reloadSparkPages, {
      label: trans.__('Reload Spark UI'),
      caption: trans.__('Show the first page of this Spark UI anew'),
      icon: refreshIcon,
      describedBy: { args: NO_ARGUMENTS },
      isEnabled,
      execute: () => current()?.content.reload()
    });
    commands.addCommand(CommandIDs.detachSparkPages, {
      label: trans.__('Open Spark UI in Browser Tab'),
      caption: trans.__('Open this Spark UI in a browser tab of its own'),
      icon: launchIcon,
      describedBy: { args: NO_ARGUMENTS },
      isEnabled,
      execute: () => {
        openPage(current()?.content.url ?? undefined);
      }
    });
    palette?.addItem({
      command: CommandIDs.openSparkPages,
      category: trans.__('Project')
    });
    const sessionMayDiffer = (): void => {
      commands.notifyCommandChanged(CommandIDs.openSparkPages);
    };
    shell.currentChanged?.connect(sessionMayDiffer);
    model.changed.connect(sessionMayDiffer);
    void restorer?.restore(tracker, {
      command: CommandIDs.openSparkPages,
      args: tab => ({ id: tab.content.session }),
      name: tab => String(tab.content.session)
    });
  }
};
