import { nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { IOverviewItem } from '../src/api/overview';
import { readOverview } from '../src/api/overview';
import { ProblemError } from '../src/api/problem';
import type { Ask } from '../src/api/requests';
import { SessionItem } from '../src/sessions/item';
import { SessionsModel } from '../src/sessions/model';
import { countText } from '../src/sessions/panel';
import type { ISessionOwner } from '../src/tokens';
import { OVERVIEW_ITEM_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');
const NOTEBOOK = { name: 'Welcome.ipynb', path: 'Jupyter/Welcome.ipynb' };
const CONSOLE = { name: 'Console 1', path: 'Jupyter/console-1' };
const DOWN = {
  title: 'No answer',
  detail: 'The session service does not answer.',
  remedy: null,
  status: 503
};
/** How long a machine that is busy elsewhere may take. */
const PATIENCE_MS = 30_000;
const onOpen = vi.fn();
const onStop = vi.fn();
const onSparkPages = vi.fn();
const onForget = vi.fn();

function overview(...changes: readonly Record<string, unknown>[]): unknown {
  return {
    scope: 'project',
    total: changes.length,
    version: `v${changes.length}`,
    items: changes.map(change => ({ ...OVERVIEW_ITEM_ANSWER, ...change }))
  };
}

/** A moment as people read it. */
function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short'
  });
}

function itemOf(changes: Record<string, unknown>): IOverviewItem {
  const [item] = readOverview(overview(changes)).items;
  if (item === undefined) {
    throw new Error('nothing was read');
  }
  return item;
}

describe('the answer about sessions', () => {
  it('is read whole', () => {
    expect(itemOf({})).toEqual({
      id: 3,
      kind: 'pyspark',
      name: null,
      kernel: null,
      notebook: null,
      user: 'ada',
      isOwn: true,
      state: 'idle',
      reason: null,
      appId: 'local-1',
      created: 1_800_000_000,
      idleSince: 1_800_000_060,
      ends: 1_800_007_260,
      statements: 4,
      waiting: 0,
      queue: null,
      lastStatement: {
        state: 'available',
        failed: false,
        started: 1_800_000_050,
        completed: 1_800_000_060,
        line: 'days.count()'
      },
      resources: {
        bounds: null,
        executors: 2,
        executor_cores: 1,
        executor_memory_mib: 2048,
        driver_memory_mib: 1024,
        gpus_per_executor: 1,
        gpu_label: null
      },
      gpus: [0, 1],
      sparkUi: '/user/ada/weather/hops/session/3/ui/'
    });
  });

  it('of an unknown scope is of my own sessions', () => {
    const answer = { ...(overview({}) as object), scope: 'all' };
    expect(readOverview(answer).scope).toBe('own');
  });

  it('that lacks something is not taken', () => {
    expect(() => readOverview({ items: [{ id: 3 }] })).toThrow();
  });
});

describe('the model of the sessions', () => {
  const asked: string[] = [];
  const answers = new Map<string, unknown>();
  let scope: 'own' | 'project' = 'project';
  let model: SessionsModel;

  const ask: Ask = (path, read, init = {}) => {
    const key = `${init.method ?? 'GET'} ${path}`;
    asked.push(typeof init.body === 'string' ? `${key} ${init.body}` : key);
    const answer = answers.get(key.split('?')[0] ?? '');
    return answer === undefined
      ? Promise.reject(new ProblemError(DOWN))
      : Promise.resolve(read(answer));
  };

  beforeEach(() => {
    asked.length = 0;
    answers.clear();
    answers.set('GET overview', overview({}, { id: 2, own: false }));
    scope = 'project';
    model = new SessionsModel(ask, () => scope, trans);
  });

  afterEach(() => {
    model.dispose();
  });

  it('asks nothing before somebody looks', () => {
    expect(asked).toEqual([]);
    expect(model.overview).toEqual({ value: null, problem: null });
  });

  it('asks for what the role allows', async () => {
    await model.refresh();
    scope = 'own';
    await model.refresh();
    expect(asked).toEqual([
      'GET overview?scope=project',
      'GET overview?scope=own'
    ]);
  });

  it('asks anew when the role has become another one', async () => {
    vi.useFakeTimers();
    model.watch(true);
    await vi.advanceTimersByTimeAsync(10);
    asked.length = 0;
    model.followRole();
    expect(asked).toEqual([]);
    scope = 'own';
    model.followRole();
    expect(asked).toEqual(['GET overview?scope=own']);
    vi.useRealTimers();
  });

  it('waits for something else than what it has read, once that was read', async () => {
    vi.useFakeTimers();
    model.watch(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked[0]).toBe('GET overview?scope=project');
    expect(asked.at(-1)).toBe('GET overview?scope=project&seen=v2');
    model.watch(false);
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBe(before);
    vi.useRealTimers();
  });

  it('keeps what was read beside the problem, and asks more and more seldom', async () => {
    vi.useFakeTimers();
    model.watch(true);
    await vi.advanceTimersByTimeAsync(10);
    answers.clear();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(model.overview.value?.items).toHaveLength(2);
    expect(model.overview.problem).toEqual(DOWN);
    await vi.advanceTimersByTimeAsync(600_000);
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(120_000);
    // Without the growing pauses it would be sixty; how fast they grow is left to chance.
    expect(asked.length - before).toBeLessThan(30);
    vi.useRealTimers();
  });

  it('does not let an old answer that was held replace a newer one', async () => {
    let release: (() => void) | undefined;
    const late: Ask = async (path, read) => {
      if (path.includes('seen')) {
        await new Promise<void>(resolve => {
          release = resolve;
        });
        return read(overview({ state: 'busy' }));
      }
      return read(overview({ state: 'killed' }));
    };
    vi.useFakeTimers();
    const slow = new SessionsModel(late, () => 'project', trans);
    slow.watch(true);
    await vi.advanceTimersByTimeAsync(3_000);
    await slow.refresh();
    release?.();
    await vi.advanceTimersByTimeAsync(10);
    expect(slow.find(3)?.state).toBe('killed');
    slow.dispose();
    vi.useRealTimers();
  });

  it('ends those idle ones that it showed, and no others', async () => {
    answers.set('POST overview:stop-idle', { ended: [3] });
    await model.refresh();
    expect(model.idle(true).map(item => item.id)).toEqual([3]);
    expect(model.idle(false).map(item => item.id)).toEqual([2]);
    expect(await model.stopIdle('own', [3])).toEqual([3]);
    expect(asked).toContain(
      'POST overview:stop-idle {"scope":"own","sessions":[3]}'
    );
  });

  it('ends one, and takes one that has ended out of the list', async () => {
    answers.set('DELETE overview/3', {});
    answers.set('DELETE session/3', null);
    await model.stop(3);
    await model.forget(3);
    expect(asked.filter(key => key.startsWith('DELETE'))).toEqual([
      'DELETE overview/3',
      'DELETE session/3'
    ]);
  });
});

describe('the head of the panel', () => {
  const queue = { position: 1, length: 2 };

  it.each([
    [[{ state: 'busy' }, {}, {}], '1 working, 2 idle'],
    [
      [{ state: 'busy' }, { state: 'starting', queue }, {}],
      '1 working, 1 waiting, 1 idle'
    ]
  ])('of %j says %s', (changes, text) => {
    expect(countText(readOverview(overview(...changes)), trans)).toBe(text);
  });
});

describe('a session in the panel', () => {
  let widget: Widget | undefined;

  async function shown(
    changes: Record<string, unknown>,
    owner: ISessionOwner | null = null,
    onAttach: (() => void) | null = null
  ): Promise<HTMLElement> {
    const item = ReactWidget.create(
      <SessionItem
        item={itemOf(changes)}
        owner={owner}
        now={1_800_000_120}
        trans={trans}
        isWatched={true}
        readLog={() => Promise.resolve({ lines: ['one', 'two'], total: 2 })}
        onOpen={onOpen}
        onStop={onStop}
        onAttach={onAttach}
        onSparkPages={changes['state'] === 'killed' ? null : onSparkPages}
        onForget={onForget}
      />
    );
    widget = item;
    Widget.attach(item, document.body);
    await item.renderPromise;
    // React may come to it only then, where the machine is busy elsewhere.
    await vi.waitFor(
      () => {
        expect(item.node.childElementCount).toBe(1);
      },
      { timeout: PATIENCE_MS }
    );
    return item.node;
  }

  async function openDetails(node: HTMLElement): Promise<void> {
    node.querySelector('button')?.click();
    await vi.waitFor(
      () => {
        expect(node.querySelector('pre')?.textContent).toBe('one\ntwo');
      },
      { timeout: PATIENCE_MS }
    );
  }

  const labels = (node: HTMLElement): readonly (string | null)[] =>
    [...node.querySelectorAll('button')].map(
      button => button.getAttribute('aria-label') ?? button.textContent
    );

  afterEach(() => {
    widget?.dispose();
    vi.clearAllMocks();
  });

  it('says what it is, how long it is there, what it has and what ran last', async () => {
    const node = await shown({});
    expect(node.textContent).toContain('Session 3idle');
    expect(node.textContent).toContain('2 min · 2 executors');
    expect(node.textContent).toContain('2 GPUs');
    expect(node.textContent).toContain('days.count()last cell done 1 min ago');
  });

  it('of another names the owner and shows no code', async () => {
    const last = { ...OVERVIEW_ITEM_ANSWER.last_statement, line: null };
    const node = await shown({
      own: false,
      user: 'bob',
      last_statement: { ...last, completed: null }
    });
    expect(node.textContent).toContain('bob · 2 min');
    expect(node.textContent).toContain('cell runs for 1 min');
    expect(node.querySelector('code')).toBeNull();
  });

  it('that waits for resources tells its place and for what', async () => {
    const node = await shown({
      state: 'starting',
      reason: 'Waits for 2 GPUs: 2nd of 5 in the queue.',
      queue: { position: 2, length: 5, waitsFor: '2 GPUs', heldBy: [] },
      last_statement: null
    });
    expect(node.textContent).toContain('waiting (2nd of 5)');
    expect(node.textContent).toContain('Waits for 2 GPUs: 2nd of 5');
    expect(labels(node)).toContain('Stop session 3');
  });

  it.each([
    ['fixed', {}, '4 GPUs (a100)'],
    ['as needed', { min_executors: 1, max_executors: 4 }, 'up to 8 GPUs (a100)']
  ])(
    'that has no GPUs of this machine tells how many it asked for, %s',
    async (_number, bounds, text) => {
      const resources = {
        ...OVERVIEW_ITEM_ANSWER.resources,
        gpus_per_executor: 2,
        gpu_label: 'a100',
        ...bounds
      };
      const node = await shown({ resources, gpus: [] });
      expect(node.textContent).toContain(` · ${text}`);
      await openDetails(node);
      expect(node.textContent).toContain(`GPUs asked for${text}`);
    },
    PATIENCE_MS
  );

  it.each([
    ['the moment that the service tells', 1_800_000_420, clock(1_800_000_420)],
    ['never, where it stays', null, 'never']
  ])(
    'ends, if left idle, at %s',
    async (_moment, ends, text) => {
      const node = await shown({ ends });
      await openDetails(node);
      expect(node.textContent).toContain(`Ends, if left idle${text}`);
    },
    PATIENCE_MS
  );

  it('leads to its notebook, and to no console', async () => {
    const node = await shown({ kernel: 'k1', name: 'pyspark-k1' }, NOTEBOOK);
    const [, link] = node.querySelectorAll('button');
    expect(link?.textContent).toBe('Welcome.ipynb');
    link?.click();
    expect(onOpen).toHaveBeenCalledWith('Jupyter/Welcome.ipynb');
    widget?.dispose();
    expect(labels(await shown({ kernel: 'k1' }, CONSOLE))).toEqual([
      'Show details of session 3',
      'Open the Spark UI of session 3',
      'Stop session 3'
    ]);
  });

  it('can be attached to the current notebook, and has the name of its own', async () => {
    const attach = vi.fn();
    const notebook = 'Jupyter/days.ipynb';
    const node = await shown({ kernel: 'gone', notebook }, null, attach);
    expect(node.textContent).toContain('days.ipynbidle');
    node
      .querySelector<HTMLButtonElement>(
        "[aria-label='Attach session 3 to the current notebook']"
      )
      ?.click();
    expect(attach).toHaveBeenCalledOnce();
  });

  it('leads to the pages of its Spark', async () => {
    const node = await shown({});
    node
      .querySelector<HTMLElement>('[aria-label^="Open the Spark UI"]')
      ?.click();
    expect(onSparkPages).toHaveBeenCalledTimes(1);
  });

  it('that has ended can be removed and not stopped, and tells why', async () => {
    const node = await shown({
      state: 'killed',
      reason: 'It was stopped by Data Owner olga.'
    });
    expect(labels(node)).toEqual([
      'Show details of session 3',
      'Remove session 3 from the list'
    ]);
    expect(node.textContent).toContain('It was stopped by Data Owner olga.');
  });

  it(
    'shows its details and its log behind the arrow',
    async () => {
      const node = await shown({});
      const [arrow] = node.querySelectorAll('button');
      expect(arrow?.getAttribute('aria-expanded')).toBe('false');
      await openDetails(node);
      expect(arrow?.getAttribute('aria-expanded')).toBe('true');
      expect(node.textContent).toContain('Applicationlocal-1');
      expect(node.textContent).toContain('GPUs0, 1');
      expect(node.textContent).toContain('Statements4');
      expect(node.textContent).toContain('Ends, if left idle');
    },
    PATIENCE_MS
  );
});
