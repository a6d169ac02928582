import type { TranslationBundle } from '@jupyterlab/translation';
import { folderIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IDataset, IProject } from '../api/wire';
import { ProblemView } from '../parts/problem';
import { Section } from '../parts/section';

/** The project's datasets, the one where notebooks start first; each leads to its folder in the file browser. */
export function DatasetsSection(props: {
  readonly project: Pick<
    IProject,
    'datasets' | 'datasetsProblem' | 'startFolder'
  >;
  readonly trans: TranslationBundle;
  /** Shows a folder, given relative to the project's, in the file browser. */
  readonly onOpen: (path: string) => void;
  readonly onRetry: () => void;
}): React.JSX.Element | null {
  const { project, trans, onOpen, onRetry } = props;
  const { datasets, datasetsProblem, startFolder } = project;
  if (datasets === null) {
    return null;
  }
  const isStart = ({ name }: IDataset): boolean => name === startFolder;
  const inOrder = [
    ...datasets.filter(isStart),
    ...datasets.filter(dataset => !isStart(dataset))
  ];
  return (
    <Section title={trans.__('Datasets')} count={datasets.length}>
      {datasetsProblem !== null && (
        <ProblemView
          problem={datasetsProblem}
          trans={trans}
          onRetry={onRetry}
        />
      )}
      {datasets.length === 0 && datasetsProblem === null && (
        <p className="jp-Hops-empty">{trans.__('No datasets.')}</p>
      )}
      {datasets.length > 0 && (
        <ul
          className="jp-Hops-list"
          aria-label={trans.__('Datasets of the project')}
        >
          {inOrder.map(dataset => (
            <Dataset
              key={dataset.name}
              dataset={dataset}
              isStart={isStart(dataset)}
              trans={trans}
              onOpen={onOpen}
            />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Dataset(props: {
  readonly dataset: IDataset;
  readonly isStart: boolean;
  readonly trans: TranslationBundle;
  readonly onOpen: (path: string) => void;
}): React.JSX.Element {
  const id = React.useId();
  const { dataset, isStart, trans, onOpen } = props;
  const { name, description } = dataset;
  const remarks = [
    ...(isStart ? [trans.__('Notebooks start here')] : []),
    ...(description === null ? [] : [description])
  ];
  return (
    <li className="jp-Hops-item jp-Hops-dataset">
      <button
        type="button"
        className="jp-Hops-datasetButton"
        title={trans.__('Show %1 in the file browser', name)}
        aria-label={trans.__('Open dataset %1', name)}
        aria-describedby={remarks.length > 0 ? id : undefined}
        onClick={() => {
          onOpen(name);
        }}
      >
        <folderIcon.react tag="span" className="jp-Hops-buttonIcon" />
        {name}
      </button>
      {remarks.length > 0 && (
        <div id={id} className="jp-Hops-muted">
          {remarks.map(remark => (
            <p key={remark}>{remark}</p>
          ))}
        </div>
      )}
    </li>
  );
}
