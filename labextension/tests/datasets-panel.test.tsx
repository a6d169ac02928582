import { nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readDatasetDetail, readDatasetList } from '../src/api/datasets';
import type { ProjectRole } from '../src/api/wire';
import { Description, UserList } from '../src/datasets/dialogs';
import { PanelContent } from '../src/datasets/panel';
import { DATASETS_ANSWER, DATASET_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');
const run = vi.fn();
const onMenu = vi.fn();
const EMPTY = { ...DATASETS_ANSWER, items: [], waiting: [] };

let widget: Widget | undefined;

async function shown(element: React.JSX.Element): Promise<HTMLElement> {
  const panel = ReactWidget.create(element);
  widget = panel;
  Widget.attach(panel, document.body);
  await panel.renderPromise;
  return panel.node;
}

function panel(
  answer: unknown,
  role: ProjectRole | null = 'data_owner'
): Promise<HTMLElement> {
  return shown(
    <PanelContent
      list={{ value: readDatasetList(answer), problem: null }}
      role={role}
      trans={trans}
      run={run}
      onMenu={onMenu}
    />
  );
}

function list(node: HTMLElement, label: string): HTMLElement | null {
  return node.querySelector(`ul[aria-label="${label}"]`);
}

afterEach(() => {
  widget?.dispose();
  vi.clearAllMocks();
});

describe('the panel of datasets', () => {
  it('tells own ones, shared ones with their mode, and offers apart', async () => {
    const node = await panel(DATASETS_ANSWER);
    expect(list(node, 'Datasets of this project')?.textContent).toBe(
      'rawAs it came.'
    );
    expect(list(node, 'Datasets of other projects')?.textContent).toBe(
      'tides/levelsread only'
    );
    expect(
      list(node, 'Datasets that are offered or asked for')?.textContent
    ).toBe('moon/rocksread and write · offered to this project');
    expect(node.querySelector('[role=status]')?.textContent).toBe(
      '1 of this project, 1 shared by others'
    );
  });

  it('opens a dataset, and its menu', async () => {
    const node = await panel(DATASETS_ANSWER);
    const [open, menu] = [
      ...(list(node, 'Datasets of other projects')?.querySelectorAll(
        'button'
      ) ?? [])
    ];
    open?.click();
    menu?.click();
    expect(run.mock.calls).toEqual([
      ['hops:open-dataset', { dataset: 'Shared/tides/levels' }]
    ]);
    expect(onMenu.mock.calls[0]?.[0]).toMatchObject({
      name: 'Shared/tides/levels'
    });
    expect(menu?.getAttribute('aria-haspopup')).toBe('menu');
    expect(menu?.getAttribute('aria-label')).toBe(
      'Actions for Shared/tides/levels'
    );
  });

  it('lets a Data Owner answer, and tells a Data Scientist who does', async () => {
    const owners = await panel(DATASETS_ANSWER);
    const answer = [...owners.querySelectorAll('button')].find(
      button => button.textContent === 'Answer…'
    );
    answer?.click();
    expect(run.mock.calls).toEqual([['hops:answer-offers']]);
    widget?.dispose();
    const others = await panel(DATASETS_ANSWER, 'data_scientist');
    expect(others.textContent).not.toContain('Answer…');
    expect(others.textContent).toContain(
      'A Data Owner of this project answers.'
    );
  });

  it('says what to do where there is nothing', async () => {
    const node = await panel(EMPTY);
    expect(node.textContent).toContain('A Data Owner creates one');
    expect(node.textContent).toContain('find a published one below');
    expect(list(node, 'Datasets that are offered or asked for')).toBeNull();
  });

  it('looks for published ones with the words that were typed', async () => {
    const node = await panel(EMPTY);
    node
      .querySelector('form')
      ?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
    expect(run.mock.calls).toEqual([['hops:find-datasets', { search: '' }]]);
  });

  it('shows what was read last beside why it can not be read now', async () => {
    const node = await shown(
      <PanelContent
        list={{
          value: readDatasetList(DATASETS_ANSWER),
          problem: {
            title: 'No answer',
            detail: 'The control plane does not answer.',
            remedy: 'Try again.',
            status: 503
          }
        }}
        role={null}
        trans={trans}
        run={run}
        onMenu={onMenu}
      />
    );
    const alert = node.querySelector('[role=alert]');
    expect(alert?.textContent).toContain('The control plane does not answer.');
    expect(alert?.textContent).toContain('Try again.');
    expect(list(node, 'Datasets of this project')).not.toBeNull();
    alert?.querySelector('button')?.click();
    expect(run.mock.calls).toEqual([['hops:refresh-datasets']]);
  });
});

describe('the dialogs', () => {
  it('tell members and projects that have it', async () => {
    const node = await shown(
      <UserList
        detail={readDatasetDetail(DATASET_ANSWER)}
        members={[{ user: 'ada', title: 'Ada Lovelace', role: 'data_owner' }]}
        trans={trans}
      />
    );
    const [members, projects] = [...node.querySelectorAll('ul')];
    expect(members?.textContent).toBe('Ada Lovelace Data Owner');
    expect(projects?.textContent).toBe('tides read only · 2 members');
  });

  it('tell what it is and how large', async () => {
    const node = await shown(
      <Description detail={readDatasetDetail(DATASET_ANSWER)} trans={trans} />
    );
    expect(node.textContent).toBe('As it came.Size1.5 KiB in 2 files');
    widget?.dispose();
    const shared = { project: 'tides', dataset: 'raw', mode: 'write' };
    const other = await shown(
      <Description
        detail={readDatasetDetail({
          ...DATASET_ANSWER,
          description: null,
          size: { bytes: 12, files: 1, whole: false },
          shared
        })}
        trans={trans}
      />
    );
    expect(other.textContent).toContain('more than 12 bytes in 1 file');
    expect(other.textContent).toContain('Owned bytidesHereread and write');
  });
});
