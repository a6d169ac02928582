import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IProblem } from '../api/problem';
import { IconButton } from './icon-button';
import { ProblemView } from './problem';

/** The beginning of a panel: its title, how much there is, and what goes on or went wrong with reading it. */
export function PanelHead(props: {
  readonly title: string;
  /** How much there is; null before it was read. */
  readonly count: string | null;
  /** Why it could not be read, or not anew. */
  readonly problem: IProblem | null;
  /** What is said while it is read for the first time. */
  readonly reading: string;
  readonly trans: TranslationBundle;
  readonly onRefresh: () => void;
}): React.JSX.Element {
  const { title, count, problem, reading, trans, onRefresh } = props;
  return (
    <>
      <div className="jp-Hops-heading">
        <div className="jp-Hops-headingRow">
          <h2 className="jp-Hops-title">{title}</h2>
          <IconButton label={trans.__('Refresh')} onClick={onRefresh}>
            <refreshIcon.react tag="span" />
          </IconButton>
        </div>
        <p className="jp-Hops-muted" role="status">
          {count ?? ''}
        </p>
      </div>
      {problem !== null && (
        <ProblemView problem={problem} trans={trans} onRetry={onRefresh} />
      )}
      {count === null && problem === null && (
        <p className="jp-Hops-empty">{reading}</p>
      )}
    </>
  );
}
