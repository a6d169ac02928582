/** What a chart shows: which columns, and what becomes of rows that share a place. */
import type { ITable } from './table';

export const CHARTS = ['bar', 'line', 'area', 'scatter', 'pie'] as const;
export type ChartKind = (typeof CHARTS)[number];

export const AGGREGATES = [
  'sum',
  'mean',
  'count',
  'min',
  'max',
  'none'
] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** Columns are named by their places in the table: names may repeat. */
export interface IChoice {
  readonly x: number;
  /** A number column; null where rows are counted because there is none. */
  readonly y: number | null;
  readonly colour: number | null;
  /** What becomes of the rows with the same x and colour. */
  readonly aggregate: Aggregate;
}

/** The places of the columns that can be y. */
export function numberColumns(table: ITable): readonly number[] {
  return table.columns.flatMap(({ kind }, place) =>
    kind === 'number' ? [place] : []
  );
}

/**
 * What a chart shows before anyone chooses: numbers over time, else by the
 * first text, else over the first numbers; null where there are no columns.
 */
export function defaultChoice(table: ITable, chart: ChartKind): IChoice | null {
  const numbers = numberColumns(table);
  const first = (...kinds: string[]): number | undefined => {
    const place = table.columns.findIndex(({ kind }) => kinds.includes(kind));
    return place < 0 ? undefined : place;
  };
  const named =
    chart === 'pie'
      ? (first('text', 'boolean') ?? first('time'))
      : (first('time') ?? first('text', 'boolean'));
  const x =
    chart === 'scatter' && numbers.length > 1
      ? numbers[0]
      : (named ?? first('number'));
  if (x === undefined) {
    return null;
  }
  const y = numbers.find(place => place !== x) ?? null;
  return {
    x,
    y,
    colour: null,
    aggregate: defaultAggregate(table, chart, x, y)
  };
}

/** `choice` where it makes sense: without a y, rows are counted. */
export function sensible(choice: IChoice): IChoice {
  return choice.y === null ? { ...choice, aggregate: 'count' } : choice;
}

function defaultAggregate(
  table: ITable,
  chart: ChartKind,
  x: number,
  y: number | null
): Aggregate {
  if (y === null) {
    return 'count';
  }
  if (chart === 'scatter') {
    return 'none';
  }
  const distinct = new Set(table.rows.map(row => row[x]));
  return distinct.size === table.rows.length ? 'none' : 'sum';
}
