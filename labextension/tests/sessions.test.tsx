import { nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ISession } from '../src/api/wire';
import { readSessions } from '../src/api/wire';
import { SessionList } from '../src/parts/sessions';
import type { IReading } from '../src/tokens';
import { SESSION_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');
const onEnd = vi.fn();
const onRestart = vi.fn();
const KERNEL = '3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11';

let widget: Widget | undefined;

async function shown(
  changes: Partial<typeof SESSION_ANSWER> | Record<string, unknown>
): Promise<HTMLElement> {
  return listOf({
    value: readSessions({ items: [{ ...SESSION_ANSWER, ...changes }] }),
    problem: null
  });
}

async function listOf(
  sessions: IReading<readonly ISession[]>
): Promise<HTMLElement> {
  const list = ReactWidget.create(
    <SessionList
      sessions={sessions}
      trans={trans}
      ownerOf={(session: ISession) =>
        session.kernel === KERNEL
          ? { name: 'Welcome.ipynb', path: 'Jupyter/Welcome.ipynb' }
          : null
      }
      onRestart={onRestart}
      onEnd={onEnd}
    />
  );
  widget = list;
  Widget.attach(list, document.body);
  await list.renderPromise;
  return list.node;
}

function title(node: HTMLElement): string | null | undefined {
  return node.querySelector('.jp-Hops-itemTitle')?.textContent;
}

afterEach(() => {
  widget?.dispose();
  vi.clearAllMocks();
});

describe('a Spark session in the list', () => {
  it('has the name of the notebook whose kernel works in it', async () => {
    const node = await shown({
      name: `pyspark-${KERNEL}-0a1b2c`,
      kernel: KERNEL
    });
    expect(title(node)).toBe('Welcome.ipynbidle');
    expect(node.textContent).toContain('pyspark, session 3');
  });

  it('has its number while its notebook is not known, instead of a name for machines', async () => {
    const node = await shown({ name: 'pyspark-other-0a1b2c', kernel: 'other' });
    expect(title(node)).toBe('Session 3idle');
    expect(node.textContent).not.toContain('other');
  });

  it('has the name that another client gave it', async () => {
    expect(title(await shown({ name: 'nightly' }))).toBe('nightlyidle');
  });

  it('can be restarted and ended', async () => {
    const buttons = [...(await shown({})).querySelectorAll('button')];
    expect(buttons.map(button => button.getAttribute('aria-label'))).toEqual([
      'Restart Spark session 3',
      'Stop Spark session 3'
    ]);
    for (const button of buttons) {
      button.click();
    }
    expect([onRestart.mock.calls, onEnd.mock.calls]).toEqual([[[3]], [[3]]]);
  });

  it('cannot be restarted once it has ended, since its kernel may have another one', async () => {
    const node = await shown({ state: 'dead', kernel: KERNEL });
    expect(node.textContent).toContain('Welcome.ipynbdied');
    expect(node.querySelectorAll('button')).toHaveLength(0);
  });
});

describe('the list of Spark sessions', () => {
  it('says how one starts when there is none', async () => {
    const node = await listOf({ value: [], problem: null });
    expect(node.textContent).toContain('Run a cell in a PySpark notebook');
  });

  it('says nothing of the kind while they cannot be read', async () => {
    const problem = {
      title: 'No answer',
      detail: 'The session service does not answer.',
      remedy: null,
      status: 503
    };
    expect((await listOf({ value: [], problem })).textContent).toBe('');
  });
});
