import { ConnectionLost } from '@jupyterlab/application';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { onServerGone } from '../src/server-gone';

const urls = { base: '/user/ada/weather/', hubPrefix: '/hub/' } as never;
const manager = {} as never;
const error = {} as never;

function dialogs(): readonly Element[] {
  return [...document.querySelectorAll('.jp-Dialog')];
}

async function press(button: string): Promise<void> {
  await vi.waitFor(() => {
    expect(dialogs()).toHaveLength(1);
  });
  dialogs()[0]?.querySelector<HTMLElement>(button)?.click();
}

describe('a server that does not answer', () => {
  const go = vi.fn();

  afterEach(() => {
    vi.clearAllMocks();
  });

  it('leads to the page that says why', async () => {
    const told = onServerGone(urls, go)(manager, error);
    await press('.jp-mod-accept');
    await told;
    expect(go).toHaveBeenCalledWith('/user/ada/weather/');
    expect(dialogs()).toEqual([]);
  });

  it('is told of once, however often it does not answer, and again later', async () => {
    const lost = onServerGone(urls, go);
    for (let times = 0; times < 2; times++) {
      const told = [lost(manager, error), lost(manager, error)];
      await press('.jp-mod-reject');
      await Promise.all(told);
    }
    expect(go).not.toHaveBeenCalled();
  });

  it('is left to Lab where there is no Hub', () => {
    expect(onServerGone({ base: '/' } as never, go)).toBe(ConnectionLost);
  });
});
