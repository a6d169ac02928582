import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ILog, IOverviewItem } from '../api/overview';
import {
  askedGpusText,
  executorsText,
  memoryText,
  minutesText
} from '../parts/amounts';
import { isFinal } from '../parts/states';
import { SessionLog } from './log';

const MS_PER_S = 1000;
const SECONDS_PER_MINUTE = 60;

/** All that is known of a session, and its log. */
export function SessionDetails(props: {
  readonly item: IOverviewItem;
  /** The notebook's path, if it runs here. */
  readonly path: string | null;
  readonly now: number;
  readonly trans: TranslationBundle;
  readonly isWatched: boolean;
  readonly readLog: () => Promise<ILog>;
}): React.JSX.Element {
  const { item, path, now, trans, isWatched, readLog } = props;
  return (
    <div className="jp-Hops-sessionDetails">
      <dl className="jp-Hops-resources">
        {factsOf(item, path, now, trans).map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
      <SessionLog
        id={item.id}
        isOver={isFinal(item.state)}
        isWatched={isWatched}
        trans={trans}
        readLog={readLog}
      />
    </div>
  );
}

function factsOf(
  item: IOverviewItem,
  path: string | null,
  now: number,
  trans: TranslationBundle
): readonly (readonly [string, string])[] {
  const { resources } = item;
  return [
    [
      trans.__('Owner'),
      item.isOwn ? trans.__('%1 (you)', item.user) : item.user
    ],
    ...(path === null ? [] : [[trans.__('Notebook'), path] as const]),
    [trans.__('Kind'), item.kind],
    [trans.__('Started'), timeText(item.created)],
    ...(item.appId === null
      ? []
      : [[trans.__('Application'), item.appId] as const]),
    [trans.__('Statements'), statementsText(item, trans)],
    ...(resources === null
      ? []
      : [
          [trans.__('Executors'), executorsText(resources, trans)] as const,
          [
            trans.__('Each executor'),
            trans._n(
              '%1 core, %2',
              '%1 cores, %2',
              resources.executor_cores,
              memoryText(resources.executor_memory_mib, trans)
            )
          ] as const,
          [
            trans.__('Driver'),
            memoryText(resources.driver_memory_mib, trans)
          ] as const
        ]),
    ...gpuFacts(item, trans),
    ...(item.idleSince === null
      ? []
      : [
          [
            trans.__('Idle for'),
            minutesText((now - item.idleSince) / SECONDS_PER_MINUTE, trans)
          ] as const,
          [
            trans.__('Ends, if left idle'),
            item.ends === null ? trans.__('never') : timeText(item.ends)
          ] as const
        ])
  ];
}

/** Those that it holds of this machine by their numbers; else how many it asked for, which a cluster has or it waits for. */
function gpuFacts(
  { gpus, resources }: IOverviewItem,
  trans: TranslationBundle
): readonly (readonly [string, string])[] {
  if (gpus.length > 0) {
    return [[trans.__('GPUs'), gpus.join(', ')]];
  }
  return resources !== null && resources.gpus_per_executor > 0
    ? [[trans.__('GPUs asked for'), askedGpusText(resources, trans)]]
    : [];
}

function statementsText(item: IOverviewItem, trans: TranslationBundle): string {
  return item.waiting === 0
    ? String(item.statements)
    : trans.__('%1, of which %2 wait', item.statements, item.waiting);
}

function timeText(seconds: number): string {
  return new Date(seconds * MS_PER_S).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short'
  });
}
