import type { TranslationBundle } from '@jupyterlab/translation';
import { stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ISession } from '../api/wire';
import { ageText, executorsText, memoryText } from './amounts';
import { moodOf, stateText } from './states';

const MS_PER_S = 1000;

/** My Spark sessions with state, reason and resources; what to do when there is none. */
export function SessionList(props: {
  readonly sessions: readonly ISession[];
  readonly trans: TranslationBundle;
  readonly onEnd: (id: number) => void;
}): React.JSX.Element {
  const { sessions, trans, onEnd } = props;
  if (sessions.length === 0) {
    return (
      <p className="jp-Hops-empty">
        {trans.__(
          'No Spark session. Run a cell in a PySpark notebook, and one starts.'
        )}
      </p>
    );
  }
  return (
    <ul className="jp-Hops-list" aria-label={trans.__('My Spark sessions')}>
      {sessions.map(session => (
        <SessionItem
          key={session.id}
          session={session}
          trans={trans}
          onEnd={onEnd}
        />
      ))}
    </ul>
  );
}

function SessionItem(props: {
  readonly session: ISession;
  readonly trans: TranslationBundle;
  readonly onEnd: (id: number) => void;
}): React.JSX.Element {
  const { session, trans, onEnd } = props;
  const { resources } = session;
  const endLabel = trans.__('End Spark session %1', session.id);
  return (
    <li className="jp-Hops-item">
      <StateDot state={session.state} />
      <div className="jp-Hops-itemBody">
        <div className="jp-Hops-itemTitle">
          {session.name ?? trans.__('Session %1', session.id)}
          <span className="jp-Hops-muted">
            {stateText(session.state, trans)}
          </span>
        </div>
        <div className="jp-Hops-muted">
          {session.name === null
            ? session.kind
            : trans.__('%1, session %2', session.kind, session.id)}
          {session.created !== null && (
            <>
              {' · '}
              {ageText(session.created, Date.now() / MS_PER_S, trans)}
            </>
          )}
        </div>
        {resources !== null && (
          <div className="jp-Hops-muted">
            {executorsText(resources, trans)}
            {', '}
            {trans._n(
              '%1 core and %2 each',
              '%1 cores and %2 each',
              resources.executor_cores,
              memoryText(resources.executor_memory_mib, trans)
            )}
            {resources.gpus_per_executor > 0 && (
              <>
                {' · '}
                {trans._n(
                  '%1 GPU each',
                  '%1 GPUs each',
                  resources.gpus_per_executor
                )}
              </>
            )}
          </div>
        )}
        {session.reason !== null && (
          <div
            className={
              moodOf(session.state) === 'broken'
                ? 'jp-Hops-reason jp-mod-broken'
                : 'jp-Hops-reason'
            }
          >
            {session.reason}
          </div>
        )}
      </div>
      <button
        type="button"
        className="jp-Hops-iconButton"
        title={endLabel}
        aria-label={endLabel}
        onClick={() => {
          onEnd(session.id);
        }}
      >
        <stopIcon.react tag="span" />
      </button>
    </li>
  );
}

/** A state's colour; the state stands in words beside it. */
export function StateDot(props: { readonly state: string }): React.JSX.Element {
  return (
    <span
      className={`jp-Hops-dot jp-mod-${moodOf(props.state)}`}
      aria-hidden="true"
    />
  );
}
