import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IProblem } from '../api/problem';

/** A problem with its cause, what to do about it and, where that makes sense, a way to try again or to a page that helps. */
export function ProblemView(props: {
  readonly problem: IProblem;
  readonly trans: TranslationBundle;
  readonly onRetry?: (() => void) | undefined;
  readonly link?: { readonly href: string; readonly text: string } | undefined;
}): React.JSX.Element {
  const { problem, trans, onRetry, link } = props;
  return (
    <div className="jp-Hops-problem" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.detail}</p>
      {problem.remedy !== null && <p>{problem.remedy}</p>}
      <div className="jp-Hops-problemActions">
        {onRetry !== undefined && (
          <button
            type="button"
            className="jp-Hops-button jp-mod-styled"
            onClick={onRetry}
          >
            <refreshIcon.react tag="span" className="jp-Hops-buttonIcon" />
            {trans.__('Retry')}
          </button>
        )}
        {link !== undefined && (
          <a href={link.href} target="_blank" rel="noopener noreferrer">
            {link.text}
          </a>
        )}
      </div>
    </div>
  );
}
