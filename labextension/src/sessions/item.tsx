import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  caretDownIcon,
  caretRightIcon,
  closeIcon,
  launchIcon,
  linkIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ILastStatement, ILog, IOverviewItem } from '../api/overview';
import {
  ageText,
  askedGpusText,
  eachText,
  executorsText,
  spanText
} from '../parts/amounts';
import { IconButton } from '../parts/icon-button';
import { StateIcon } from '../parts/state-icon';
import { isFinal, moodOf, stateWords } from '../parts/states';
import { titleOf } from '../parts/title';
import type { ISessionOwner } from '../tokens';
import { SessionDetails } from './details';

interface IItemProps {
  readonly item: IOverviewItem;
  /** The notebook or console whose kernel works in it, if that runs here. */
  readonly owner: ISessionOwner | null;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly trans: TranslationBundle;
  /** Whether somebody looks; else nothing is read. */
  readonly isWatched: boolean;
  readonly readLog: () => Promise<ILog>;
  readonly onOpen: (path: string) => void;
  /** Attaches it to the current notebook; null where that can't be done. */
  readonly onAttach: (() => void) | null;
  readonly onStop: () => void;
  /** Opens Spark's own pages of it; null where there are none for me. */
  readonly onSparkPages: (() => void) | null;
  /** Takes it out of the list; null where that can't be done. */
  readonly onForget: (() => void) | null;
}

/** One session: what it is, how it is, what can be done; more behind the arrow. */
export function SessionItem(props: IItemProps): React.JSX.Element {
  const {
    item,
    owner,
    now,
    trans,
    onOpen,
    onAttach,
    onStop,
    onSparkPages,
    onForget
  } = props;
  const [isOpen, setOpen] = React.useState(false);
  const detailsId = React.useId();
  const row = useFocusKept();
  const title = titleOf(item, owner, trans);
  const path =
    owner !== null && PathExt.extname(owner.path) === '.ipynb'
      ? owner.path
      : null;
  const isOver = isFinal(item.state);
  return (
    <li className="jp-Hops-item jp-Hops-session" {...row}>
      <div className="jp-Hops-itemHead">
        <IconButton
          label={
            isOpen
              ? trans.__('Hide details of session %1', item.id)
              : trans.__('Show details of session %1', item.id)
          }
          expanded={isOpen}
          controls={detailsId}
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          {isOpen ? (
            <caretDownIcon.react tag="span" />
          ) : (
            <caretRightIcon.react tag="span" />
          )}
        </IconButton>
        <div className="jp-Hops-itemTitle">
          {path === null ? (
            <span className="jp-Hops-sessionName">{title}</span>
          ) : (
            <button
              type="button"
              className="jp-Hops-datasetButton jp-Hops-sessionName"
              title={trans.__('Open %1', path)}
              onClick={() => {
                onOpen(path);
              }}
            >
              {title}
            </button>
          )}
          <span className="jp-Hops-sessionState">
            <StateIcon state={item.state} />
            {stateWords(item, trans)}
          </span>
        </div>
        <div className="jp-Hops-itemActions">
          {onAttach !== null && (
            <IconButton
              label={trans.__(
                'Attach session %1 to the current notebook',
                item.id
              )}
              onClick={onAttach}
            >
              <linkIcon.react tag="span" />
            </IconButton>
          )}
          {onSparkPages !== null && (
            <IconButton
              label={trans.__('Open the Spark UI of session %1', item.id)}
              onClick={onSparkPages}
            >
              <launchIcon.react tag="span" />
            </IconButton>
          )}
          {!isOver && item.state !== 'shutting_down' && (
            <IconButton
              label={trans.__('Stop session %1', item.id)}
              onClick={onStop}
            >
              <stopIcon.react tag="span" />
            </IconButton>
          )}
          {isOver && onForget !== null && (
            <IconButton
              label={trans.__('Remove session %1 from the list', item.id)}
              onClick={onForget}
            >
              <closeIcon.react tag="span" />
            </IconButton>
          )}
        </div>
      </div>
      <div className="jp-Hops-sessionBody">
        <div className="jp-Hops-muted">
          {factsOf(item, title, now, trans).map((fact, index) => (
            <React.Fragment key={index}>
              {index > 0 && ' · '}
              <span className="jp-Hops-fact">{fact}</span>
            </React.Fragment>
          ))}
        </div>
        {item.lastStatement !== null && (
          <LastStatement last={item.lastStatement} now={now} trans={trans} />
        )}
        {item.reason !== null && (
          <div
            className={
              moodOf(item.state) === 'broken'
                ? 'jp-Hops-reason jp-mod-broken'
                : 'jp-Hops-reason'
            }
          >
            {item.reason}
          </div>
        )}
        <div id={detailsId}>
          {isOpen && (
            <SessionDetails
              item={item}
              path={owner?.path ?? null}
              now={now}
              trans={trans}
              isWatched={props.isWatched}
              readLog={props.readLog}
            />
          )}
        </div>
      </div>
    </li>
  );
}

/** Properties of a row in which the focus goes to its first button when the button that had it is gone. */
function useFocusKept(): Pick<
  React.HTMLAttributes<HTMLLIElement> & React.RefAttributes<HTMLLIElement>,
  'ref' | 'onFocus' | 'onBlur'
> {
  const ref = React.useRef<HTMLLIElement>(null);
  const focused = React.useRef<HTMLElement | null>(null);
  React.useLayoutEffect(() => {
    if (focused.current?.isConnected === false) {
      ref.current?.querySelector('button')?.focus();
    }
  });
  return {
    ref,
    onFocus: event => {
      focused.current = event.target;
    },
    onBlur: event => {
      // A button that is taken away loses the focus too, to nothing.
      if (event.target.isConnected) {
        focused.current = null;
      }
    }
  };
}

function factsOf(
  item: IOverviewItem,
  title: string,
  now: number,
  trans: TranslationBundle
): readonly string[] {
  const number = trans.__('Session %1', item.id);
  const { resources } = item;
  return [
    ...(item.isOwn ? [] : [item.user]),
    ...(title === number ? [] : [number]),
    ageText(item.created, now, trans),
    ...(resources === null
      ? []
      : [executorsText(resources, trans), eachText(resources, trans)]),
    ...gpuFacts(item, trans)
  ];
}

/** How many GPUs it holds here or, where they are a cluster's or waited for, how many it asked for. */
function gpuFacts(
  { gpus, resources }: IOverviewItem,
  trans: TranslationBundle
): readonly string[] {
  if (gpus.length > 0) {
    return [trans._n('%1 GPU', '%1 GPUs', gpus.length)];
  }
  return resources !== null && resources.gpus_per_executor > 0
    ? [askedGpusText(resources, trans)]
    : [];
}

function LastStatement(props: {
  readonly last: ILastStatement;
  readonly now: number;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { last, now, trans } = props;
  return (
    <div className="jp-Hops-statement">
      {last.line !== null && (
        <code className="jp-Hops-code" title={last.line}>
          {last.line}
        </code>
      )}
      <span className="jp-Hops-muted">{whenText(last, now, trans)}</span>
    </div>
  );
}

/** What the last statement does, and since when. */
function whenText(
  last: ILastStatement,
  now: number,
  trans: TranslationBundle
): string {
  if (last.completed !== null) {
    const ago = spanText(now - last.completed, trans);
    return last.failed
      ? trans.__('last cell failed %1 ago', ago)
      : trans.__('last cell done %1 ago', ago);
  }
  return last.started === null
    ? trans.__('a cell waits')
    : trans.__('cell runs for %1', spanText(now - last.started, trans));
}
