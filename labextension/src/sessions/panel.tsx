import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import * as React from 'react';
import type { IOverview, IOverviewItem } from '../api/overview';
import { CommandIDs } from '../commands/ids';
import { SESSIONS_PANEL_ID } from '../identity';
import { sessionsIcon } from '../parts/icons';
import { PanelHead } from '../parts/panel-head';
import { Section } from '../parts/section';
import { Sidebar } from '../parts/sidebar';
import type { IProjectModel } from '../tokens';
import { SessionItem } from './item';
import type { SessionsModel } from './model';

/** How often ages are written anew. */
const TICK_MS = 10_000;

/** The sidebar *Spark sessions*: my own and, for a Data Owner, those of the project's other members. */
export class SessionsPanel extends Sidebar {
  constructor(
    private readonly sessions: SessionsModel,
    private readonly project: IProjectModel,
    commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super({
      id: SESSIONS_PANEL_ID,
      label: trans.__('Spark sessions'),
      icon: sessionsIcon,
      commands,
      models: [project, sessions],
      watched: sessions
    });
  }

  protected override render(): React.JSX.Element {
    const { sessions, project, trans, run } = this;
    return (
      <PanelContent
        sessions={sessions}
        project={project}
        trans={trans}
        run={run}
      />
    );
  }
}

interface IContentProps {
  readonly sessions: SessionsModel;
  readonly project: IProjectModel;
  readonly trans: TranslationBundle;
  readonly run: (command: string, args?: ReadonlyPartialJSONObject) => void;
}

/** What the panel shows of the models at this moment. */
export function PanelContent(props: IContentProps): React.JSX.Element {
  const { sessions, trans } = props;
  const { value, problem } = sessions.overview;
  const now = useNow();
  const refresh = (): void => {
    void sessions.refresh();
  };
  return (
    <>
      <PanelHead
        title={trans.__('Spark sessions')}
        count={value === null ? null : countText(value, trans)}
        problem={problem}
        reading={trans.__('Reading the sessions…')}
        trans={trans}
        onRefresh={refresh}
      />
      {value !== null && (
        <Group {...props} overview={value} isOwn={true} now={now} />
      )}
      {value?.scope === 'project' && (
        <Group {...props} overview={value} isOwn={false} now={now} />
      )}
      {value !== null && value.total > value.items.length && (
        <p className="jp-Hops-empty">
          {trans.__(
            'The newest %1 of %2 are shown.',
            value.items.length,
            value.total
          )}
        </p>
      )}
    </>
  );
}

function Group(
  props: IContentProps & {
    readonly overview: IOverview;
    readonly isOwn: boolean;
    readonly now: number;
  }
): React.JSX.Element {
  const { sessions, project, overview, isOwn, trans, run, now } = props;
  const items = overview.items.filter(item => item.isOwn === isOwn);
  const idle = sessions.idle(isOwn).length;
  const title = isOwn ? trans.__('Mine') : trans.__('Others in the project');
  return (
    <Section title={title} count={items.length}>
      {items.length === 0 && sessions.overview.problem === null && (
        <p className="jp-Hops-empty">
          {isOwn
            ? trans.__(
                'No Spark session. Run a cell in a PySpark notebook, and one starts.'
              )
            : trans.__('No other member of the project has a session.')}
        </p>
      )}
      {items.length > 0 && (
        <ul
          className="jp-Hops-list jp-Hops-sessions"
          aria-label={
            isOwn
              ? trans.__('My Spark sessions')
              : trans.__('Spark sessions of other members')
          }
        >
          {items.map(item => (
            <SessionItem
              key={item.id}
              item={item}
              owner={project.ownerOf(item)}
              now={now}
              trans={trans}
              isWatched={sessions.isWatched}
              readLog={() => sessions.readLog(item.id)}
              onOpen={path => {
                run('docmanager:open', { path });
              }}
              onAttach={
                canBeAttached(item) && item.id !== project.currentSession?.id
                  ? () => {
                      run(CommandIDs.attachSession, { id: item.id });
                    }
                  : null
              }
              onStop={() => {
                run(CommandIDs.stopSession, { id: item.id });
              }}
              onSparkPages={
                item.sparkUi !== null
                  ? () => {
                      run(CommandIDs.openSparkPages, { id: item.id });
                    }
                  : null
              }
              onForget={
                canBeForgotten(item)
                  ? () => {
                      void sessions
                        .forget(item.id)
                        .catch(() => sessions.refresh());
                    }
                  : null
              }
            />
          ))}
        </ul>
      )}
      {idle > 0 && (
        <div className="jp-Hops-actions">
          <button
            type="button"
            className="jp-Hops-button jp-mod-styled"
            onClick={() => {
              run(CommandIDs.stopIdleSessions, {
                whose: isOwn ? 'own' : 'others'
              });
            }}
          >
            {trans.__('Stop all idle (%1)…', idle)}
          </button>
        </div>
      )}
    </Section>
  );
}

/** Only what is my own and lives has anything for a notebook. */
function canBeAttached(item: IOverviewItem): boolean {
  return (
    item.isOwn && item.kind !== 'batch' && ['idle', 'busy'].includes(item.state)
  );
}

/** Batches are forgotten by the service alone. */
function canBeForgotten(item: IOverviewItem): boolean {
  return item.isOwn && item.kind !== 'batch';
}

/** How many do what: `1 working, 2 waiting, 1 idle`. */
export function countText(
  overview: Pick<IOverview, 'items'>,
  trans: TranslationBundle
): string {
  const { items } = overview;
  const waiting = items.filter(({ queue }) => queue !== null).length;
  const working = items.filter(
    ({ state, queue }) =>
      queue === null && ['busy', 'running', 'starting'].includes(state)
  ).length;
  const idle = items.filter(({ state }) => state === 'idle').length;
  return waiting === 0
    ? trans.__('%1 working, %2 idle', working, idle)
    : trans.__('%1 working, %2 waiting, %3 idle', working, waiting, idle);
}

/** The seconds since the epoch, now and then. */
function useNow(): number {
  const [, setTick] = React.useState(0);
  React.useEffect(() => {
    const timer = window.setInterval(() => {
      setTick(tick => tick + 1);
    }, TICK_MS);
    return () => {
      window.clearInterval(timer);
    };
  }, []);
  return Date.now() / 1000;
}
