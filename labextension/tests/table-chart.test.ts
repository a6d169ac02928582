import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultChoice, sensible } from '../src/table-output/choice';
import type { ChartKind, IChoice } from '../src/table-output/choice';
import { chartOf, inExpression } from '../src/table-output/spec';
import {
  readTable,
  sortedRows,
  toMoment,
  toNumber,
  toWords
} from '../src/table-output/table';
import type { ITable, Value } from '../src/table-output/table';

function table(
  columns: Record<string, string>,
  ...rows: readonly (readonly Value[])[]
): ITable {
  return readTable({
    columns: Object.entries(columns).map(([name, kind]) => ({ name, kind })),
    rows,
    total_rows: rows.length,
    total_columns: Object.keys(columns).length,
    row_limit: null
  });
}

const OPTIONS = {
  theme: { text: '#111', line: '#ccc', accent: '#00f', font: 'sans' },
  width: 600,
  titleOf: (aggregate: string, name: string) => `${aggregate} of ${name}`
};
const CHOICE: IChoice = { x: 0, y: 1, colour: null, aggregate: 'sum' };

function spec(
  of: ITable,
  chart: ChartKind,
  choice: Partial<IChoice> = {}
): ISpec {
  const drawn = chartOf(of, chart, { ...CHOICE, ...choice }, OPTIONS);
  if ('problem' in drawn) {
    throw new Error(drawn.problem);
  }
  return { ...(drawn.spec as unknown as ISpec), cuts: drawn.cuts };
}

type Part = Record<string, unknown>;
interface ISpec {
  readonly mark: Part;
  readonly encoding: Record<string, Part>;
  readonly data: { readonly values: readonly Part[] };
  readonly cuts: unknown;
}

const RAIN = table(
  { city: 'text', mm: 'number', day: 'time' },
  ['Oslo', 2, '2026-01-02'],
  ['Bergen', 9, '2026-01-01'],
  ['Oslo', 1, '2026-01-03']
);

describe('what a chart shows before anyone chooses', () => {
  it.each([
    ['bar', { x: 2, y: 1, aggregate: 'none' }],
    ['line', { x: 2, y: 1, aggregate: 'none' }],
    ['pie', { x: 0, y: 1, aggregate: 'sum' }],
    ['scatter', { x: 2, y: 1, aggregate: 'none' }]
  ] as const)('%s', (chart, choice) => {
    expect(defaultChoice(RAIN, chart)).toEqual({ ...choice, colour: null });
  });

  it('is numbers over numbers where there is nothing else', () => {
    const numbers = table({ a: 'number', b: 'number' }, [1, 2], [1, 3]);
    expect(defaultChoice(numbers, 'bar')).toMatchObject({ x: 0, y: 1 });
    expect(defaultChoice(numbers, 'bar')?.aggregate).toBe('sum');
    expect(defaultChoice(numbers, 'scatter')).toMatchObject({ x: 0, y: 1 });
  });

  it('is how many rows there are where there are no numbers', () => {
    const words = table({ a: 'text' }, ['x'], ['y']);
    const choice = { x: 0, y: null, colour: null, aggregate: 'count' };
    expect(defaultChoice(words, 'bar')).toEqual(choice);
    expect(sensible({ ...CHOICE, y: null }).aggregate).toBe('count');
    expect(sensible(CHOICE)).toBe(CHOICE);
    const one = table({ a: 'number' }, [1]);
    expect(defaultChoice(one, 'scatter')).toEqual(choice);
  });

  it('is nothing where there are no columns', () => {
    expect(defaultChoice(table({}), 'bar')).toBeNull();
  });
});

describe('the specification of a chart', () => {
  it('is whole', () => {
    const drawn = chartOf(RAIN, 'bar', CHOICE, OPTIONS);
    const city = { field: 't0', type: 'nominal', title: 'city' };
    const mm = {
      aggregate: 'sum',
      field: 'c1',
      type: 'quantitative',
      title: 'sum of mm'
    };
    expect(drawn).toMatchObject({
      cuts: [],
      spec: {
        width: 600,
        mark: { type: 'bar' },
        encoding: {
          x: { ...city, sort: null, axis: { title: 'city' } },
          y: { ...mm, axis: { title: 'sum of mm' } },
          tooltip: [city, mm]
        },
        data: {
          values: [
            { c0: 'Oslo', t0: 'Oslo', c1: 2, t1: '2' },
            { c0: 'Bergen', t0: 'Bergen', c1: 9, t1: '9' },
            { c0: 'Oslo', t0: 'Oslo', c1: 1, t1: '1' }
          ]
        },
        config: { aria: false, mark: { color: '#00f' } }
      }
    });
  });

  it.each(['a.b', 'a[0]', "it's", 'say "x"', 'back\\slash', '{datum}', ''])(
    'reads the name %j as no path and no expression',
    name => {
      const odd = table({ [name]: 'text', y: 'number' }, ['k', 1]);
      const { encoding, data } = spec(odd, 'bar');
      expect(encoding['x']?.['field']).toBe('t0');
      expect(encoding['x']?.['axis']).toEqual({ title: name });
      expect(encoding['x']?.['title']).toBe(inExpression(name));
      expect(Object.keys(data.values[0] ?? {})).toEqual([
        'c0',
        't0',
        'c1',
        't1'
      ]);
    }
  );

  it('lets no title end the quotes or order a picture', () => {
    for (const title of [
      '"',
      '\\',
      '\\"+alert()+"',
      'a\nb\u2028',
      'image',
      'title',
      ''
    ]) {
      const safe = inExpression(title);
      expect(safe).not.toMatch(/["\\\n\u2028]/);
      expect(['image', 'title', '']).not.toContain(safe);
    }
    expect(inExpression('rain (mm)')).toBe('rain (mm)');
  });

  it('tells columns of one name apart', () => {
    const twice = readTable({
      columns: [
        { name: 'a', kind: 'text' },
        { name: 'a', kind: 'number' }
      ],
      rows: [['x', 1]],
      total_rows: 1,
      total_columns: 2,
      row_limit: null
    });
    expect(spec(twice, 'bar').data.values).toEqual([
      { c0: 'x', t0: 'x', c1: 1, t1: '1' }
    ]);
  });

  it('has times on a scale that shows them as they were written', () => {
    const { encoding, data } = spec(RAIN, 'line', { x: 2 });
    expect(encoding['x']).toMatchObject({
      field: 'c2',
      type: 'temporal',
      scale: { type: 'utc' }
    });
    expect(data.values[0]?.['c2']).toBe(Date.UTC(2026, 0, 2));
    expect(data.values[0]?.['t2']).toBe('2026-01-02');
  });

  it('has a bar for each of few numbers or times, in their order', () => {
    const { encoding } = spec(RAIN, 'bar', { x: 2 });
    expect(encoding['x']).toMatchObject({
      field: 't2',
      type: 'nominal',
      sort: { field: 'c2', op: 'min' }
    });
    const many = table(
      { n: 'number', y: 'number' },
      ...Array.from({ length: 100 }, (_, n) => [n, 1])
    );
    expect(spec(many, 'bar').encoding['x']).toMatchObject({
      field: 'c0',
      type: 'quantitative'
    });
  });

  it('draws colours apart, or as a scale where a scatter has many numbers', () => {
    const { encoding } = spec(RAIN, 'bar', { x: 2, colour: 0 });
    expect(encoding['color']).toMatchObject({
      field: 't0',
      legend: { title: 'city' }
    });
    const many = table(
      { x: 'number', y: 'number', z: 'number' },
      ...Array.from({ length: 11 }, (_, n) => [n, 1, n / 2])
    );
    expect(
      spec(many, 'scatter', { colour: 2 }).encoding['color']
    ).toMatchObject({ field: 'c2', type: 'quantitative' });
  });

  it('counts rows without looking at y', () => {
    const { encoding, data } = spec(RAIN, 'bar', { y: null });
    expect(encoding['y']).toMatchObject({ aggregate: 'count' });
    expect(Object.keys(data.values[0] ?? {})).toEqual(['c0', 't0']);
  });

  it('has slices instead of axes in a pie', () => {
    const { encoding } = spec(RAIN, 'pie', { colour: 2 });
    expect(encoding['theta']).toMatchObject({ field: 'c1', aggregate: 'sum' });
    expect(encoding['color']?.['field']).toBe('t0');
    expect(encoding['x']).toBeUndefined();
  });

  it('says what a pie can’t show', () => {
    const many = table(
      { n: 'text', y: 'number' },
      ...Array.from({ length: 31 }, (_, n) => [`n${n}`, 1])
    );
    expect(chartOf(many, 'pie', CHOICE, OPTIONS)).toEqual({
      problem: 'slices',
      count: 31
    });
    const below = table({ n: 'text', y: 'number' }, ['a', -1]);
    expect(chartOf(below, 'pie', CHOICE, OPTIONS)).toEqual({
      problem: 'negative'
    });
  });

  it('says that there is nothing', () => {
    const columns = { n: 'text', y: 'number' };
    expect(chartOf(table(columns), 'bar', CHOICE, OPTIONS)).toEqual({
      problem: 'no-rows'
    });
    expect(
      chartOf(table(columns, ['a', null]), 'bar', CHOICE, OPTIONS)
    ).toEqual({ problem: 'no-values' });
  });

  it('tells of values that have no place', () => {
    const many = table(
      { n: 'text', y: 'number' },
      ...Array.from({ length: 201 }, (_, n) => [`n${n}`, 1])
    );
    expect(spec(many, 'bar').cuts).toEqual([
      { column: 'n', shown: 200, of: 201 }
    ]);
    expect(spec(many, 'bar', { colour: 0 }).cuts).toEqual([
      { column: 'n', shown: 200, of: 201 },
      { column: 'n', shown: 20, of: 200 }
    ]);
  });
});

describe('a table', () => {
  it('is read as the kernels write it', () => {
    const { content } = JSON.parse(
      readFileSync('../tests/contract/kernels/table.json', 'utf8')
    ) as { content: { columns: unknown; rows: unknown } };
    const read = readTable(content);
    expect(read.columns).toEqual(content.columns);
    expect(read.rows).toEqual(content.rows);
    expect([read.totalRows, read.totalColumns, read.rowLimit]).toEqual([
      3,
      6,
      null
    ]);
  });
});

describe('values', () => {
  it('are numbers, also those that came as text', () => {
    expect(toNumber('9007199254740993')).toBe(2 ** 53);
    expect(toNumber('1.10')).toBe(1.1);
    expect([toNumber(null), toNumber(''), toNumber('x')]).toEqual([
      null,
      null,
      null
    ]);
  });

  it('are moments', () => {
    const noon = Date.UTC(2026, 0, 31, 12);
    expect(toMoment('2026-01-31T12:00:00')).toBe(noon);
    expect(toMoment('2026-01-31T12:00:00Z')).toBe(noon);
    expect(toMoment('2026-01-31T14:00:00+02:00')).toBe(noon);
    expect(toMoment('2026-01-31')).toBe(noon - 12 * 3_600_000);
    expect([toMoment('soon'), toMoment(null), toMoment(1)]).toEqual([
      null,
      null,
      null
    ]);
  });

  it('are read without the digits of binary fractions', () => {
    expect(toWords(0.1 + 0.2, 'number')).toBe('0.3');
    expect(toWords('1.10', 'number')).toBe('1.10');
    expect(toWords('2026-01-31T12:00:00', 'time')).toBe('2026-01-31 12:00:00');
    expect(toWords(false, 'boolean')).toBe('false');
  });

  it('are sorted by their kind, what is missing last', () => {
    const mixed = table(
      { n: 'number', t: 'text' },
      ['10', 'b'],
      [null, 'a10'],
      [9, null],
      [9, 'a9']
    );
    const order = (column: number, descending: boolean): unknown[] =>
      sortedRows(mixed, { column, descending }).map(row => row[column]);
    expect(order(0, false)).toEqual([9, 9, '10', null]);
    expect(order(0, true)).toEqual(['10', 9, 9, null]);
    expect(order(1, false)).toEqual(['a9', 'a10', 'b', null]);
    expect(sortedRows(mixed, null)).toBe(mixed.rows);
  });

  it('of a kind that is not known yet are text', () => {
    expect(table({ a: 'shape' }).columns).toEqual([
      { name: 'a', kind: 'text' }
    ]);
  });
});
