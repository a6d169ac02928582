import { nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IProblem } from '../src/api/problem';
import type { IDataset } from '../src/api/wire';
import { DatasetsSection } from '../src/project/datasets';

const trans = nullTranslator.load('jupyterlab_hops');
const onOpen = vi.fn();
const onRetry = vi.fn();
const JUPYTER: IDataset = { name: 'Jupyter', description: 'Notebooks.' };
const LOGS: IDataset = { name: 'Logs', description: null };
const DOWN: IProblem = {
  title: 'No answer',
  detail: 'The control plane does not answer.',
  remedy: 'Try again.',
  status: 503
};

let widget: Widget | undefined;

async function shown(
  datasets: readonly IDataset[] | null,
  datasetsProblem: IProblem | null = null
): Promise<HTMLElement> {
  const panel = ReactWidget.create(
    <DatasetsSection
      project={{ datasets, datasetsProblem, startFolder: 'Jupyter' }}
      trans={trans}
      onOpen={onOpen}
      onRetry={onRetry}
    />
  );
  widget = panel;
  Widget.attach(panel, document.body);
  await panel.renderPromise;
  return panel.node;
}

afterEach(() => {
  widget?.dispose();
  vi.clearAllMocks();
});

describe("the panel's datasets", () => {
  it('are buttons that open their folder', async () => {
    const node = await shown([JUPYTER, LOGS]);
    const buttons = [...node.querySelectorAll('button')];
    expect(buttons.map(button => button.getAttribute('aria-label'))).toEqual([
      'Open dataset Jupyter',
      'Open dataset Logs'
    ]);
    buttons[1]?.click();
    expect(onOpen.mock.calls).toEqual([['Logs']]);
  });

  it('say where notebooks start and what each is for', async () => {
    const node = await shown([JUPYTER, LOGS]);
    const [start, other] = [...node.querySelectorAll('button')];
    const remarks = start?.getAttribute('aria-describedby') ?? '';
    expect(document.getElementById(remarks)?.textContent).toBe(
      'Notebooks start hereNotebooks.'
    );
    expect(other?.hasAttribute('aria-describedby')).toBe(false);
  });

  it('begin with the one where notebooks start', async () => {
    const node = await shown([LOGS, JUPYTER]);
    expect(
      [...node.querySelectorAll('button')].map(button => button.textContent)
    ).toEqual(['Jupyter', 'Logs']);
  });

  it('say that there are none', async () => {
    expect((await shown([])).textContent).toContain('No datasets.');
  });

  it('say why they could not be read, and retry', async () => {
    const node = await shown([], DOWN);
    expect(node.querySelector('[role=alert]')?.textContent).toContain(
      DOWN.detail
    );
    expect(node.textContent).not.toContain('No datasets.');
    node.querySelector('button')?.click();
    expect(onRetry).toHaveBeenCalledOnce();
  });

  it('are left out for a server that does not tell them', async () => {
    expect((await shown(null)).textContent).toBe('');
  });
});
