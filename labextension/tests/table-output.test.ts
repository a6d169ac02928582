import { MimeModel, RenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VEGA_LITE } from '../src/table-output/chart-view';
import { ROWS_AT_ONCE } from '../src/table-output/grid';
import { TABLE_MIME_TYPE, TableRenderer } from '../src/table-output/renderer';

const trans = nullTranslator.load('jupyterlab_hops');
const WEATHER = {
  columns: [
    { name: 'city', kind: 'text' },
    { name: 'rain.mm["x"]', kind: 'number' },
    { name: 'day', kind: 'time' },
    { name: 'wet', kind: 'boolean' }
  ],
  rows: [
    ['Oslo', 10, '2026-01-02', true],
    ['<img src=x>', 9, '2026-01-01', false],
    ['Bergen', null, null, null]
  ],
  total_rows: 3,
  total_columns: 4,
  row_limit: null
};

/** Stands for Lab's Vega renderer and keeps what it is to draw. */
class Picture extends Widget implements IRenderMime.IRenderer {
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    drawn.push(model.data[VEGA_LITE] as Record<string, unknown>);
    return failure === null ? Promise.resolve() : Promise.reject(failure);
  }
}

let drawn: Record<string, unknown>[] = [];
let failure: Error | null = null;
const opened: TableRenderer[] = [];
const themeChanged = new Signal<object, void>({});

async function shown(data: object, { vega = true } = {}): Promise<HTMLElement> {
  const rendermime = new RenderMimeRegistry();
  if (vega) {
    rendermime.addFactory({
      safe: true,
      mimeTypes: [VEGA_LITE],
      createRenderer: () => new Picture()
    });
  }
  const renderer = new TableRenderer(rendermime, trans, themeChanged);
  opened.push(renderer);
  await renderer.renderModel(
    new MimeModel({ data: { [TABLE_MIME_TYPE]: data as never } })
  );
  Widget.attach(renderer, document.body);
  return renderer.node;
}

function button(node: HTMLElement, name: string): HTMLButtonElement {
  const found = [...node.querySelectorAll('button')].find(
    ({ textContent }) => textContent === name
  );
  if (found === undefined) {
    throw new Error(`no button ${name}`);
  }
  return found;
}

function select(node: HTMLElement, name: string): HTMLSelectElement {
  const label = [...node.querySelectorAll('label')].find(
    ({ firstElementChild }) => firstElementChild?.textContent === name
  );
  const found = label?.querySelector('select');
  if (!found) {
    throw new Error(`no select ${name}`);
  }
  return found;
}

function choose(element: HTMLSelectElement, value: string): void {
  element.value = value;
  element.dispatchEvent(new Event('change'));
}

function column(node: HTMLElement, place: number): (string | null)[] {
  return [...node.querySelectorAll('tbody tr')].map(
    row => row.children[place]?.textContent ?? null
  );
}

const settled = (): Promise<void> =>
  new Promise(resolve => setTimeout(resolve));

afterEach(() => {
  for (const renderer of opened.splice(0)) {
    renderer.dispose();
  }
  drawn = [];
  failure = null;
});

describe('the result of a query', () => {
  it('is a table at first, with markup kept for text', async () => {
    const node = await shown(WEATHER);
    expect(column(node, 0)).toEqual(['Oslo', '<img src=x>', 'Bergen']);
    expect(node.querySelector('img')).toBeNull();
    expect(column(node, 1)).toEqual(['10', '9', 'null']);
    expect(node.querySelector('td:nth-child(2)')?.className).toBe(
      'jp-mod-number'
    );
    expect(button(node, 'Table').getAttribute('aria-pressed')).toBe('true');
    expect(node.querySelector('[role=status]')?.textContent).toBe('3 rows.');
    expect(drawn).toEqual([]);
  });

  it('is sorted by a click: up, down, as it came', async () => {
    const node = await shown(WEATHER);
    const head = node.querySelectorAll('th')[1];
    const press = (): void => head?.querySelector('button')?.click();
    press();
    expect(column(node, 1)).toEqual(['9', '10', 'null']);
    expect(head?.getAttribute('aria-sort')).toBe('ascending');
    press();
    expect(column(node, 1)).toEqual(['10', '9', 'null']);
    expect(head?.getAttribute('aria-sort')).toBe('descending');
    press();
    expect(column(node, 0)).toEqual(['Oslo', '<img src=x>', 'Bergen']);
    expect(head?.hasAttribute('aria-sort')).toBe(false);
  });

  it('draws a long table in parts and says how much there is', async () => {
    const node = await shown({
      columns: [{ name: 'n', kind: 'number' }],
      rows: Array.from({ length: ROWS_AT_ONCE + 20 }, (_, n) => [n]),
      total_rows: 5000,
      total_columns: 300,
      row_limit: 5000
    });
    const words = (): string =>
      node.querySelector('[role=status]')?.textContent ?? '';
    expect(words()).toContain('Showing 250 of 5000 rows.');
    expect(words()).toContain('The first 1 of 300 columns are here.');
    expect(words()).toContain('The notebook keeps the first 270 rows.');
    expect(words()).toContain('The query was cut at 5000 rows');
    button(node, 'Show 20 more').click();
    expect(node.querySelectorAll('tbody tr')).toHaveLength(270);
    expect(button(node, 'Show 0 more').hidden).toBe(true);
  });

  it('is drawn by Lab’s renderer, as chosen', async () => {
    const node = await shown(WEATHER);
    button(node, 'Bar').click();
    await settled();
    expect(button(node, 'Bar').getAttribute('aria-pressed')).toBe('true');
    expect(node.querySelector('.jp-Hops-tableGrid')?.classList).toContain(
      'lm-mod-hidden'
    );
    expect(select(node, 'X').selectedOptions[0]?.text).toBe('day');
    expect(select(node, 'Y').selectedOptions[0]?.text).toBe('rain.mm["x"]');
    expect(
      node.querySelector('[role=figure]')?.getAttribute('aria-label')
    ).toBe('Bar chart: rain.mm["x"] by day. The table has its values.');
    choose(select(node, 'X'), '0');
    choose(select(node, 'Colour'), '3');
    choose(select(node, 'Aggregation'), 'count');
    await settled();
    expect(select(node, 'Y').disabled).toBe(true);
    expect(drawn.at(-1)?.['encoding']).toMatchObject({
      x: { field: 't0' },
      y: { aggregate: 'count' },
      color: { field: 't3' }
    });
    button(node, 'Line').click();
    await settled();
    expect(select(node, 'X').value).toBe('0');
  });

  it('draws only the last of several wishes', async () => {
    const node = await shown(WEATHER);
    for (const name of ['Bar', 'Line', 'Area']) {
      button(node, name).click();
    }
    await settled();
    expect(drawn.map(({ mark }) => (mark as { type: string }).type)).toEqual([
      'area'
    ]);
  });

  it('is drawn again when the theme changes, while it is a chart', async () => {
    const node = await shown(WEATHER);
    themeChanged.emit();
    button(node, 'Bar').click();
    await settled();
    themeChanged.emit();
    await settled();
    expect(drawn).toHaveLength(2);
    button(node, 'Table').click();
    themeChanged.emit();
    await settled();
    expect(drawn).toHaveLength(2);
    expect(node.querySelector('[role=figure]')).toBeNull();
  });

  it('says what to do where there is nothing to draw', async () => {
    const empty = await shown({ ...WEATHER, rows: [], total_rows: 0 });
    button(empty, 'Bar').click();
    expect(empty.textContent).toContain('Change the query');
    const none = await shown({
      columns: [],
      rows: [],
      total_rows: 0,
      total_columns: 0,
      row_limit: null
    });
    expect(none.textContent).toContain('no rows and no columns');
    expect(none.querySelector('button')).toBeNull();
  });

  it('says what is missing where Lab has no Vega renderer', async () => {
    const node = await shown(WEATHER, { vega: false });
    button(node, 'Bar').click();
    expect(node.textContent).toContain('vega5-extension');
  });

  it('tells that a chart could not be drawn, and tries the next', async () => {
    const node = await shown(WEATHER);
    failure = new Error('no canvas');
    button(node, 'Bar').click();
    await settled();
    expect(node.textContent).toContain('could not be drawn (no canvas)');
    failure = null;
    button(node, 'Line').click();
    await settled();
    expect(node.textContent).not.toContain('could not be drawn');
  });

  it('names the field that is wrong', async () => {
    for (const rows of [undefined, [[1]], [[{}, 1, 1, 1]]]) {
      const node = await shown({ ...WEATHER, rows });
      expect(node.textContent).toContain("'rows' is missing or wrong");
    }
  });

  it('keeps keys for itself and is replaced when it is updated', async () => {
    const spy = vi.fn();
    const node = await shown(WEATHER);
    expect(node.dataset['lmSuppressShortcuts']).toBe('true');
    const renderer = opened[0];
    renderer?.disposed.connect(spy);
    await renderer?.renderModel(
      new MimeModel({ data: { [TABLE_MIME_TYPE]: WEATHER } })
    );
    expect(node.querySelectorAll('table')).toHaveLength(1);
    expect(spy).not.toHaveBeenCalled();
  });
});
