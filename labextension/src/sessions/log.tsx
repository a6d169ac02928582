import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ILog } from '../api/overview';
import type { IProblem } from '../api/problem';
import { problemOf } from '../api/problem';
import { IconButton } from '../parts/icon-button';
import { ProblemView } from '../parts/problem';

const INTERVAL_MS = 2_000;
/** So near to its end one still reads the end. */
const END_PX = 24;

/** The log of a session: it follows while it is looked at, until it is paused or scrolled back. */
export function SessionLog(props: {
  readonly id: number;
  /** Whether the session has ended, so that nothing more comes. */
  readonly isOver: boolean;
  /** Whether somebody looks; else nothing is read. */
  readonly isWatched: boolean;
  readonly trans: TranslationBundle;
  readonly readLog: () => Promise<ILog>;
}): React.JSX.Element {
  const { id, isOver, isWatched, trans, readLog } = props;
  const [log, setLog] = React.useState<ILog | null>(null);
  const [problem, setProblem] = React.useState<IProblem | null>(null);
  const [follows, setFollows] = React.useState(true);
  const box = React.useRef<HTMLPreElement>(null);
  const read = React.useRef(readLog);
  read.current = readLog;

  const readOnce = React.useCallback(async (): Promise<void> => {
    try {
      setLog(await read.current());
      setProblem(null);
    } catch (reason) {
      setProblem(problemOf(reason, trans));
    }
  }, [trans]);

  React.useEffect(() => {
    let timer = 0;
    let isLeft = false;
    const turn = async (): Promise<void> => {
      if (document.visibilityState !== 'hidden') {
        await readOnce();
      }
      if (!isLeft && !isOver) {
        timer = window.setTimeout(() => void turn(), INTERVAL_MS);
      }
    };
    if (follows && isWatched) {
      void turn();
    }
    return () => {
      isLeft = true;
      window.clearTimeout(timer);
    };
  }, [isOver, isWatched, follows, readOnce]);

  React.useLayoutEffect(() => {
    const { current } = box;
    if (follows && current !== null) {
      current.scrollTop = current.scrollHeight;
    }
  }, [log, follows]);

  const text = log?.lines.join('\n') ?? '';
  return (
    <div className="jp-Hops-log">
      <div className="jp-Hops-logHead">
        <span className="jp-Hops-logTitle">{trans.__('Log')}</span>
        <span className="jp-Hops-muted jp-Hops-logNote">
          {log !== null && log.total > log.lines.length
            ? trans.__('last %1 lines', log.lines.length)
            : ''}
        </span>
        {!isOver && (
          <button
            type="button"
            className="jp-Hops-button jp-mod-styled jp-mod-small"
            aria-pressed={follows}
            onClick={() => {
              setFollows(!follows);
            }}
          >
            {follows ? trans.__('Pause') : trans.__('Follow')}
          </button>
        )}
        <IconButton
          label={trans.__('Copy log of session %1', id)}
          onClick={() => {
            Clipboard.copyToSystem(text);
          }}
        >
          <copyIcon.react tag="span" />
        </IconButton>
      </div>
      {problem !== null && (
        <ProblemView
          problem={problem}
          trans={trans}
          onRetry={() => {
            void readOnce();
          }}
        />
      )}
      {log?.lines.length === 0 && (
        <p className="jp-Hops-muted">{trans.__('Nothing was logged yet.')}</p>
      )}
      {text !== '' && (
        <pre
          ref={box}
          className="jp-Hops-logText"
          role="region"
          aria-label={trans.__('Log of session %1', id)}
          tabIndex={0}
          onScroll={event => {
            const { scrollTop, scrollHeight, clientHeight } =
              event.currentTarget;
            if (!isOver && scrollHeight - scrollTop - clientHeight > END_PX) {
              setFollows(false);
            }
          }}
        >
          {text}
        </pre>
      )}
    </div>
  );
}
