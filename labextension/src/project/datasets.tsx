import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IDataset, IProject } from '../api/wire';
import { DatasetRow } from '../parts/dataset-row';
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
            <DatasetRow
              key={dataset.name}
              name={dataset.name}
              text={dataset.name}
              remarks={[
                isStart(dataset) ? trans.__('Notebooks start here') : null,
                dataset.description
              ]}
              trans={trans}
              onOpen={() => {
                onOpen(dataset.name);
              }}
            />
          ))}
        </ul>
      )}
    </Section>
  );
}
