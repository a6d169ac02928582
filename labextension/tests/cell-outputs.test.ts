import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Signal } from '@lumino/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Output } from '../src/api/outputs';
import type { Ask } from '../src/api/requests';
import type { ICode, INotebookTab } from '../src/cell-outputs/notebook';
import { onEachNotebook } from '../src/cell-outputs/notebook';
import { isMissing, restoreOutputs } from '../src/cell-outputs/restore';

const SAVED_S = 1_800_000_000;
const OLD: Output = { output_type: 'stream', name: 'stdout', text: 'old' };
const NEW: Output = { output_type: 'stream', name: 'stdout', text: 'new' };
const RUN = {
  statement: 7,
  cell_id: 'a',
  count: 4,
  code: 'days.count()',
  running: false,
  completed: SAVED_S + 5
};

class ScriptedCell implements ICode {
  readonly type = 'code';
  executionCount: number | null = null;
  executionState: 'idle' | 'running' = 'idle';
  shown: Output[] = [OLD];
  readonly sharedModel = { getSource: () => 'days.count()\n' };
  readonly outputs = {
    toJSON: () => this.shown,
    fromJSON: (outputs: Output[]) => {
      this.shown = outputs;
    }
  };

  constructor(readonly id: string) {}
}

describe('the outputs of a notebook that was not open', () => {
  let cell: ScriptedCell;
  let answers: Map<string, unknown[]>;
  let asked: string[];

  const ask: Ask = (path, read) => {
    asked.push(path);
    const left = answers.get(path) ?? [];
    const answer = left.length > 1 ? left.shift() : left[0];
    return answer === undefined
      ? Promise.reject(new Error(`no answer to ${path}`))
      : Promise.resolve(read(answer));
  };

  function restored(
    pause?: () => void,
    contentsModel: unknown = {
      last_modified: new Date(SAVED_S * 1000).toISOString()
    }
  ): Promise<void> {
    const tab = {
      isDisposed: false,
      context: {
        path: 'Jupyter/days & nights.ipynb',
        contentsModel,
        model: { cells: [cell] }
      }
    };
    return restoreOutputs(tab as unknown as INotebookTab, ask, () => {
      pause?.();
      return Promise.resolve();
    });
  }

  beforeEach(() => {
    cell = new ScriptedCell('a');
    asked = [];
    answers = new Map<string, unknown[]>([
      [
        'outputs?notebook=Jupyter%2Fdays%20%26%20nights.ipynb',
        [{ session: 3, cells: [RUN, { ...RUN, cell_id: 'gone' }] }]
      ],
      ['outputs/3/7', [{ ...RUN, outputs: [NEW] }]]
    ]);
  });

  it('come back into their cell, with its number', async () => {
    await restored();
    expect(cell.shown).toEqual([NEW]);
    expect([cell.executionCount, cell.executionState]).toEqual([4, 'idle']);
  });

  it('follow the cell that still runs to its end', async () => {
    answers.set('outputs/3/7', [
      { ...RUN, running: true, completed: null, outputs: [OLD] },
      { ...RUN, outputs: [OLD, NEW] }
    ]);
    const states: string[] = [];
    await restored(() => states.push(cell.executionState));
    expect(states).toEqual(['running']);
    expect(cell.shown).toEqual([OLD, NEW]);
  });

  it('leave the cell to who runs it again meanwhile', async () => {
    answers.set('outputs/3/7', [
      { ...RUN, running: true, completed: null, outputs: [NEW] }
    ]);
    await restored(() => {
      cell.shown = [];
    });
    expect(cell.shown).toEqual([]);
    expect(asked).toHaveLength(3);
  });

  it('are not asked for where no session works for the notebook', async () => {
    answers.set('outputs?notebook=Jupyter%2Fdays%20%26%20nights.ipynb', [
      { session: null, cells: [] }
    ]);
    await restored();
    expect(cell.shown).toEqual([OLD]);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['was edited since', { code: 'other()' }, false],
    ['ended before the notebook was saved', { completed: SAVED_S - 1 }, false],
    ['ended after it was saved', {}, true],
    ['still runs', { isRunning: true, completed: null }, true]
  ])('are missing or not in a cell that %s', (_situation, changes, missing) => {
    const run = {
      statement: 7,
      cellId: 'a',
      count: 4,
      code: 'days.count()',
      isRunning: false,
      completed: SAVED_S + 5,
      ...changes
    };
    expect(isMissing(run, cell, SAVED_S)).toBe(missing);
  });

  it('that have ended are left away where it is not known when the notebook was saved', async () => {
    await restored(undefined, null);
    expect(cell.shown).toEqual([OLD]);
  });
});

describe('the notebooks whose outputs are looked for', () => {
  const notebook = (path: string): INotebookTab =>
    ({ sessionContext: {}, context: { path } }) as unknown as INotebookTab;

  it('are all that are open and each that is opened, with a new kernel or with one that runs', () => {
    const currentChanged = new Signal<unknown, unknown>({});
    const runningChanged = new Signal<unknown, unknown>({});
    const tabs: unknown[] = [notebook('there.ipynb'), { title: 'a terminal' }];
    const app = {
      serviceManager: { sessions: { runningChanged } },
      shell: { widgets: () => tabs, currentChanged }
    } as unknown as JupyterFrontEnd;
    const opened: string[] = [];

    onEachNotebook(app, tab => opened.push(tab.context.path));
    tabs.push(notebook('its kernel runs.ipynb'));
    currentChanged.emit({});
    tabs.push(notebook('its kernel is new.ipynb'));
    runningChanged.emit({});
    currentChanged.emit({});

    expect(opened).toEqual([
      'there.ipynb',
      'its kernel runs.ipynb',
      'its kernel is new.ipynb'
    ]);
  });
});
