import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ask } from '../src/api/requests';
import { onKernelEnds } from '../src/kernel-ends/ends';
import { sayWhy } from '../src/kernel-ends/why';

const trans = nullTranslator.load('jupyterlab_hops');

describe('a kernel that has ended by itself', () => {
  let statusChanged: Signal<unknown, string>;
  let answer: unknown;
  let sessionContext: {
    name: string;
    statusChanged: Signal<unknown, string>;
    session: { kernel: { id: string } } | null;
  };
  const asked = vi.fn();

  async function becomes(status: string): Promise<readonly string[]> {
    statusChanged.emit(status);
    await new Promise(resolve => setTimeout(resolve));
    return Notification.manager.notifications.map(one => one.message);
  }

  beforeEach(() => {
    statusChanged = new Signal<unknown, string>({});
    sessionContext = {
      name: 'days.ipynb',
      statusChanged,
      session: { kernel: { id: 'k 1' } }
    };
    const app = {
      serviceManager: {
        sessions: { runningChanged: new Signal<unknown, unknown>({}) }
      },
      shell: {
        widgets: () => [{}, { sessionContext }]
      }
    } as unknown as JupyterFrontEnd;
    const ask: Ask = (path, read) => {
      asked(path);
      return Promise.resolve(answer).then(read);
    };
    onKernelEnds(app, (name, kernel) => {
      void sayWhy(name, kernel, ask, trans);
    });
  });

  afterEach(() => {
    Notification.dismiss();
    vi.clearAllMocks();
  });

  it('is told why, where a limit was the reason', async () => {
    answer = { reason: 'It may hold 4 GiB. Load less at a time.' };
    expect(await becomes('autorestarting')).toEqual([
      'Kernel ended: days.ipynb was ended by a limit, and its variables are lost.'
    ]);
    const [shown] = Notification.manager.notifications;
    shown?.options.actions?.[0]?.callback(new MouseEvent('click'));
    await vi.waitFor(() => {
      expect(document.querySelector('.jp-Dialog')?.textContent).toContain(
        'It may hold 4 GiB. Load less at a time.'
      );
    });
  });

  it('is left to what Lab says of it, where it was not', async () => {
    answer = { reason: null };
    expect(await becomes('dead')).toEqual([]);
    expect(asked).toHaveBeenCalledWith('limited?kernel=k%201');
  });

  it('is asked for by its id, also where Lab no longer knows it', async () => {
    answer = { reason: null };
    await becomes('busy');
    sessionContext.session = null;
    await becomes('dead');
    expect(asked).toHaveBeenCalledWith('limited?kernel=k%201');
  });

  it('of which nothing is known is not asked for', async () => {
    answer = { reason: 'It may hold 4 GiB.' };
    sessionContext.session = null;
    expect(await becomes('dead')).toEqual([]);
    expect(asked).not.toHaveBeenCalled();
  });

  it('is none while it works or is restarted by hand', async () => {
    answer = { reason: 'It may hold 4 GiB.' };
    for (const status of ['busy', 'restarting', 'terminating']) {
      await becomes(status);
    }
    expect(asked).not.toHaveBeenCalled();
  });
});
