import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ISession } from '../api/wire';
import { ageText, eachText, executorsText, gpusText } from './amounts';
import { IconButton } from './icon-button';
import { isFinal, moodOf, stateWords } from './states';
import type { IReading, ISessionOwner } from '../tokens';

const MS_PER_S = 1000;

interface IActions {
  readonly trans: TranslationBundle;
  /** Whose kernel works in a session. */
  readonly ownerOf: (session: ISession) => ISessionOwner | null;
  readonly onRestart: (id: number) => void;
  readonly onEnd: (id: number) => void;
}

/** My Spark sessions with state, reason and resources; what to do when there is none. */
export function SessionList(
  props: IActions & { readonly sessions: IReading<readonly ISession[]> }
): React.JSX.Element | null {
  const { sessions, ...actions } = props;
  const { trans } = actions;
  const { value, problem } = sessions;
  if (value === null) {
    return null;
  }
  if (value.length === 0) {
    // That there was none when they could last be read is no news beside the problem.
    return problem !== null ? null : (
      <p className="jp-Hops-empty">
        {trans.__(
          'No Spark session. Run a cell in a PySpark notebook, and one starts.'
        )}
      </p>
    );
  }
  return (
    <ul className="jp-Hops-list" aria-label={trans.__('My Spark sessions')}>
      {value.map(session => (
        <SessionItem key={session.id} session={session} {...actions} />
      ))}
    </ul>
  );
}

function SessionItem(
  props: IActions & { readonly session: ISession }
): React.JSX.Element {
  const { session, trans, ownerOf, onRestart, onEnd } = props;
  const { resources } = session;
  const owner = ownerOf(session);
  // The name that a kernel gives its session is for machines.
  const name = owner?.name ?? (session.kernel === null ? session.name : null);
  return (
    <li className="jp-Hops-item">
      <StateDot state={session.state} />
      <div className="jp-Hops-itemBody">
        <div className="jp-Hops-itemHead">
          <div className="jp-Hops-itemTitle" title={owner?.path}>
            {name ?? trans.__('Session %1', session.id)}
            <span className="jp-Hops-muted">{stateWords(session, trans)}</span>
          </div>
          {/* A later session of the same kernel would end with a restart. */}
          {!isFinal(session.state) && (
            <div className="jp-Hops-itemActions">
              <IconButton
                label={trans.__('Restart Spark session %1', session.id)}
                onClick={() => {
                  onRestart(session.id);
                }}
              >
                <refreshIcon.react tag="span" />
              </IconButton>
              <IconButton
                label={trans.__('Stop Spark session %1', session.id)}
                onClick={() => {
                  onEnd(session.id);
                }}
              >
                <stopIcon.react tag="span" />
              </IconButton>
            </div>
          )}
        </div>
        <div className="jp-Hops-muted">
          {name === null
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
            {eachText(resources, trans)}
            {resources.gpus_per_executor > 0 && (
              <>
                {' · '}
                {gpusText(resources, trans)}
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
