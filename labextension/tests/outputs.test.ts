import { readFileSync } from 'node:fs';
import { MimeModel } from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  PROGRESS_MIME_TYPE,
  ProgressRenderer,
  readProgress
} from '../src/progress/renderer';
import {
  OpenedDisplays,
  TENSORBOARD_MIME_TYPE,
  TensorBoardRenderer
} from '../src/tensorboard/renderer';

const trans = nullTranslator.load('jupyterlab_hops');
const NOW_S = 1_800_000_000;

/** The displays that the library's tests compare with what a run tells. */
const PROGRESS = JSON.parse(
  readFileSync('../tests/contract/user_library/progress.json', 'utf8')
) as {
  situation: string;
  display: Record<'total' | 'done' | 'failed' | 'running', number> & {
    label: string;
  };
  words: string;
  segments: string[];
}[];

describe('the progress of an experiment', () => {
  async function shown(data: Record<string, unknown>): Promise<HTMLElement> {
    const renderer = new ProgressRenderer(trans);
    await renderer.renderModel(
      new MimeModel({ data: { [PROGRESS_MIME_TYPE]: data as never } })
    );
    return renderer.node;
  }

  it.each(PROGRESS)(
    'is a bar with its counts in words: $situation',
    async ({ display, words, segments }) => {
      const node = await shown(display);
      const bar = node.querySelector('[role=progressbar]');
      expect(bar?.getAttribute('aria-valuenow')).toBe(String(display.done));
      expect(bar?.getAttribute('aria-valuemax')).toBe(String(display.total));
      expect(bar?.getAttribute('aria-label')).toBe(display.label);
      expect(node.querySelector('span')?.textContent).toBe(words);
      expect(
        [...node.querySelectorAll('rect')].map(rect =>
          rect.getAttribute('width')
        )
      ).toEqual(segments);
    }
  );

  it('never fills more than the whole', () => {
    expect(readProgress({ total: 4, done: 9, failed: 9, running: 9 })).toEqual({
      label: '',
      total: 4,
      done: 4,
      failed: 4,
      running: 0
    });
    expect(readProgress({ total: 4, done: 3, failed: 4, running: -1 })).toEqual(
      { label: '', total: 4, done: 3, failed: 3, running: 0 }
    );
  });

  it('names the field that is missing, and keeps markup for text', async () => {
    const node = await shown({ total: 4 });
    expect(node.textContent).toContain("'done'");
    const other = await shown({
      label: '<img src=x>',
      total: 1,
      done: 0,
      failed: 0,
      running: 0
    });
    expect(other.querySelector('img')).toBeNull();
    expect(other.textContent).toContain('<img src=x>');
  });

  it('is replaced, not appended, when it is updated', async () => {
    const renderer = new ProgressRenderer(trans);
    for (const done of [1, 2]) {
      await renderer.renderModel(
        new MimeModel({
          data: {
            [PROGRESS_MIME_TYPE]: { total: 2, done, failed: 0, running: 0 }
          }
        })
      );
    }
    expect(renderer.node.querySelectorAll('[role=progressbar]')).toHaveLength(
      1
    );
    expect(renderer.node.textContent).toContain('2 of 2 done');
  });
});

describe('the display of a TensorBoard', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW_S * 1000 });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function render(
    open: (logdir: string, beside: boolean) => void,
    created: number,
    { trusted = true, opened = new OpenedDisplays() } = {}
  ): Promise<HTMLElement> {
    const renderer = new TensorBoardRenderer(opened, open, trans);
    await renderer.renderModel(
      new MimeModel({
        trusted,
        data: {
          [TENSORBOARD_MIME_TYPE]: {
            logdir: 'Experiments/run',
            title: 'digits',
            created
          }
        }
      })
    );
    return renderer.node;
  }

  it('opens its tab beside the notebook when it is fresh', async () => {
    const open = vi.fn();
    await render(open, NOW_S - 14);
    expect(open.mock.calls).toEqual([['Experiments/run', true]]);
  });

  it('does so once, however often it is drawn', async () => {
    const open = vi.fn();
    const opened = new OpenedDisplays();
    await render(open, NOW_S, { opened });
    await render(open, NOW_S, { opened });
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('waits for a click when it is old', async () => {
    const open = vi.fn();
    const node = await render(open, NOW_S - 15);
    expect(open).not.toHaveBeenCalled();
    node.querySelector('button')?.click();
    expect(open.mock.calls).toEqual([['Experiments/run', false]]);
  });

  it('waits for a click when the notebook is not trusted', async () => {
    const open = vi.fn();
    await render(open, NOW_S, { trusted: false });
    expect(open).not.toHaveBeenCalled();
  });
});
