import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ISession } from '../src/api/wire';
import { readSessions } from '../src/api/wire';
import { IdleWarning, warnedIn } from '../src/idle-warning/warning';
import type { IProjectModel } from '../src/tokens';
import { SESSION_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');
const NOW_S = 1_800_000_000;

function session(changes: Record<string, unknown>): ISession {
  const [read] = readSessions({ items: [{ ...SESSION_ANSWER, ...changes }] });
  if (read === undefined) {
    throw new Error('nothing was read');
  }
  return read;
}

describe('when an idle session is spoken of', () => {
  it.each([
    { idle: 7200, ends: NOW_S + 7200, wait: 6900 },
    { idle: 7200, ends: NOW_S + 200, wait: 0 },
    { idle: 600, ends: NOW_S + 100, wait: 40 },
    { idle: 7200, ends: null, wait: null }
  ])('$wait s before it is said: $idle s idle time', ({ idle, ends, wait }) => {
    const one = session({ idle_timeout_s: idle, ends });
    expect(warnedIn(one, NOW_S)).toBe(wait);
  });
});

describe('the warning', () => {
  const changed = new Signal<unknown, void>({});
  const keepSession = vi.fn(() => Promise.resolve());
  let warning: IdleWarning | undefined;
  const model = {
    changed,
    keepSession,
    ownerOf: () => null,
    sessions: { value: [] as readonly ISession[], problem: null }
  };

  function show(...sessions: ISession[]): void {
    model.sessions = { value: sessions, problem: null };
    changed.emit();
  }

  function texts(): readonly string[] {
    return Notification.manager.notifications.map(one => one.message);
  }

  beforeEach(() => {
    vi.useFakeTimers({ now: NOW_S * 1000 });
    model.sessions = { value: [], problem: null };
    warning = new IdleWarning(model as unknown as IProjectModel, trans);
  });

  afterEach(() => {
    warning?.dispose();
    Notification.dismiss();
    vi.useRealTimers();
    vi.clearAllMocks();
  });

  it('comes by itself in time, once, and names the notebook', () => {
    const notebook = 'Jupyter/days.ipynb';
    show(session({ idle_timeout_s: 7200, ends: NOW_S + 600, notebook }));
    expect(texts()).toEqual([]);
    vi.advanceTimersByTime(301_000);
    vi.advanceTimersByTime(10_000);
    expect(texts()).toHaveLength(1);
    expect(texts()[0]).toContain(
      'The Spark session of Jupyter/days.ipynb is idle and ends at '
    );
  });

  it('keeps the session when that is wanted, and goes away', () => {
    show(session({ idle_timeout_s: 7200, ends: NOW_S + 60 }));
    const [shown] = Notification.manager.notifications;
    expect(shown?.message).toContain('Spark session 3 is idle and ends at ');
    shown?.options.actions?.[0]?.callback(new MouseEvent('click'));
    expect(keepSession).toHaveBeenCalledWith(3);
    show(session({ idle_timeout_s: 7200, ends: NOW_S + 7200 }));
    expect(texts()).toEqual([]);
  });

  it('goes away when the session works again or has ended', () => {
    const late = { idle_timeout_s: 7200, ends: NOW_S + 60 };
    show(session(late), session({ ...late, id: 4 }));
    expect(texts()).toHaveLength(2);
    show(session({ state: 'busy', idle_timeout_s: 7200, ends: null }));
    expect(texts()).toEqual([]);
  });
});
