import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ServerOptions } from '../api/wire';
import { memoryText, minutesText } from '../parts/amounts';

/** One row of the list of resources. */
export interface IResourceRow {
  readonly label: string;
  readonly text: string;
}

/** What `options` grant, as label and text. */
export function resourceRows(
  options: ServerOptions,
  trans: TranslationBundle
): readonly IResourceRow[] {
  const rows: IResourceRow[] = [
    {
      label: trans.__('Executors'),
      text:
        options.allocation === 'dynamic'
          ? trans.__(
              '%1 to %2, as needed',
              options.min_executors,
              options.max_executors
            )
          : String(options.executors)
    },
    {
      label: trans.__('Each executor'),
      text: trans._n(
        '%1 core, %2',
        '%1 cores, %2',
        options.executor_cores,
        memoryText(options.executor_memory_mib, trans)
      )
    },
    {
      label: trans.__('Driver'),
      text: memoryText(options.driver_memory_mib, trans)
    }
  ];
  if (options.gpus_per_executor > 0) {
    const gpus = String(options.gpus_per_executor);
    rows.push({
      label: trans.__('GPUs each'),
      text:
        (options.gpu_label ?? null) === null
          ? gpus
          : trans.__('%1 (%2)', gpus, options.gpu_label)
    });
  }
  if (options.on_no_room === 'fail') {
    rows.push({
      label: trans.__('Without room'),
      text: trans.__('refused at once')
    });
  }
  rows.push({
    label: trans.__('Stops when idle'),
    text:
      options.idle_timeout_minutes === 0
        ? trans.__('never')
        : trans.__('after %1', minutesText(options.idle_timeout_minutes, trans))
  });
  return rows;
}

/** The list of resources of my server. */
export function ResourceList(props: {
  readonly options: ServerOptions;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  return (
    <dl className="jp-Hops-resources">
      {resourceRows(props.options, props.trans).map(({ label, text }) => (
        <React.Fragment key={label}>
          <dt>{label}</dt>
          <dd>{text}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}
