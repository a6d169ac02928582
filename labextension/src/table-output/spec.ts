/**
 * The Vega-Lite specification of a chart.
 *
 * Nothing that comes from the table is read as anything but a value: fields are
 * called c0, c1 … after their places, and names are only titles.
 */
import type { JSONObject, PartialJSONObject } from '@lumino/coreutils';
import type { ChartKind, IChoice } from './choice';
import { toMoment, toNumber, toWords } from './table';
import type { ITable, Value } from './table';

/** Values of x that a bar chart shows, and of a number or time at which each still gets a bar as wide. */
export const MAX_BARS = 200;
export const MAX_WIDE_BARS = 60;
/** Values of colour beyond which they can't be told apart. */
export const MAX_COLOURS = 20;
export const MAX_SLICES = 30;

const MAX_NUMBERS_AS_NAMES = 10;
const HEIGHT_PX = 300;

/** Colours (CSS) and font of the page around the chart. */
export interface IChartTheme {
  readonly text: string;
  readonly line: string;
  readonly accent: string;
  readonly font: string;
}

/** What the chart can't tell by itself. */
export interface IChartOptions {
  readonly theme: IChartTheme;
  /** In pixels. */
  readonly width: number;
  /** What the y axis is called for an aggregate of a column, or for the count of rows. */
  readonly titleOf: (aggregate: IChoice['aggregate'], name: string) => string;
}

/** Some values of a column have no place in the chart. */
export interface ICut {
  readonly column: string;
  readonly shown: number;
  readonly of: number;
}

/** A chart, or why there is none. */
export type Chart =
  | { readonly spec: JSONObject; readonly cuts: readonly ICut[] }
  | {
      readonly problem: 'no-rows' | 'no-values' | 'slices' | 'negative';
      /** How many slices there would be. */
      readonly count?: number;
    };

/** The chart of `table` as chosen. */
export function chartOf(
  table: ITable,
  chart: ChartKind,
  choice: IChoice,
  options: IChartOptions
): Chart {
  if (table.rows.length === 0) {
    return { problem: 'no-rows' };
  }
  const { y, aggregate } = choice;
  const counts = aggregate === 'count' || y === null;
  let rows = table.rows;
  if (!counts) {
    rows = rows.filter(row => toNumber(row[y] ?? null) !== null);
    if (rows.length === 0) {
      return { problem: 'no-values' };
    }
  }
  const cuts: ICut[] = [];
  const keep = (column: number, most: number): void => {
    const values = distinct(rows, column);
    if (values.length > most) {
      const kept = new Set(values.slice(0, most));
      rows = rows.filter(row => kept.has(row[column] ?? null));
      cuts.push({
        column: table.columns[column]?.name ?? '',
        shown: most,
        of: values.length
      });
    }
  };
  if (chart === 'pie') {
    const slices = distinct(rows, choice.x).length;
    if (slices > MAX_SLICES) {
      return { problem: 'slices', count: slices };
    }
    if (!counts && rows.some(row => (toNumber(row[y] ?? null) ?? 0) < 0)) {
      return { problem: 'negative' };
    }
  }
  const x = placing(table, rows, choice.x, chart === 'pie' ? 'named' : chart);
  if (x.named && chart !== 'pie') {
    keep(choice.x, MAX_BARS);
  }
  const colour = chart === 'pie' ? null : choice.colour;
  const hue = colour === null ? null : colouring(table, rows, colour, chart);
  if (colour !== null && hue?.named === true) {
    keep(colour, MAX_COLOURS);
  }
  const height = quantity(table, chart, choice, options);
  const encoding: Record<string, PartialJSONObject> =
    chart === 'pie'
      ? {
          theta: { ...height.field, stack: true },
          color: {
            ...x.field,
            ...scheme(distinct(rows, choice.x).length),
            legend: { title: x.title }
          }
        }
      : {
          x: { ...x.field, axis: { title: x.title } },
          y: { ...height.field, axis: { title: height.title } },
          ...(colour === null || hue === null
            ? {}
            : {
                color: {
                  ...hue.field,
                  ...(hue.named ? scheme(distinct(rows, colour).length) : {}),
                  legend: { title: hue.title }
                }
              })
        };
  const told = [x.told, height.field, ...(hue === null ? [] : [hue.told])];
  encoding['tooltip'] = told as unknown as PartialJSONObject;
  const places = new Set([
    choice.x,
    ...(counts ? [] : [y]),
    ...(colour === null ? [] : [colour])
  ]);
  return {
    cuts,
    spec: {
      $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
      width: options.width,
      height: HEIGHT_PX,
      autosize: { type: 'fit', contains: 'padding' },
      background: 'transparent',
      data: { values: rows.map(row => datum(table, row, places)) },
      mark: mark(chart, rows.length),
      encoding,
      config: config(options.theme)
    } as JSONObject
  };
}

/** How a column takes its place in the chart. */
interface IPlacing {
  readonly field: PartialJSONObject;
  /** The same in the tooltip. */
  readonly told: PartialJSONObject;
  readonly title: string;
  /** Whether each value stands for itself, without distances between them. */
  readonly named: boolean;
}

function placing(
  table: ITable,
  rows: ITable['rows'],
  column: number,
  chart: ChartKind | 'named'
): IPlacing {
  const { name, kind } = table.columns[column] ?? { name: '', kind: 'text' };
  const title = inExpression(name);
  const words = { field: `t${column}`, type: 'nominal', title };
  const few = chart === 'bar' && distinct(rows, column).length <= MAX_WIDE_BARS;
  const named =
    kind === 'text' || kind === 'boolean' || chart === 'named' || few;
  if (named) {
    // As the query gave them, which may have ordered them; numbers and times in their own order.
    const ordered = kind === 'number' || kind === 'time';
    const sort = ordered ? { field: `c${column}`, op: 'min' } : null;
    return { field: { ...words, sort }, told: words, title: name, named };
  }
  if (kind === 'time') {
    const scale = { type: 'utc' };
    const field = { field: `c${column}`, type: 'temporal', title, scale };
    return { field, told: words, title: name, named };
  }
  const field = { field: `c${column}`, type: 'quantitative', title };
  const scale = { zero: false };
  return { field: { ...field, scale }, told: field, title: name, named };
}

function colouring(
  table: ITable,
  rows: ITable['rows'],
  column: number,
  chart: ChartKind
): IPlacing {
  const continuous =
    chart === 'scatter' &&
    table.columns[column]?.kind === 'number' &&
    distinct(rows, column).length > MAX_NUMBERS_AS_NAMES;
  if (!continuous) {
    return placing(table, rows, column, 'named');
  }
  const { name } = table.columns[column] ?? { name: '' };
  const field = {
    field: `c${column}`,
    type: 'quantitative',
    title: inExpression(name)
  };
  return { field, told: field, title: name, named: false };
}

function quantity(
  table: ITable,
  chart: ChartKind,
  { y, aggregate }: IChoice,
  { titleOf }: IChartOptions
): { readonly field: PartialJSONObject; readonly title: string } {
  const name = y === null ? '' : (table.columns[y]?.name ?? '');
  const type = 'quantitative';
  if (y === null || aggregate === 'count') {
    const title = titleOf('count', name);
    const counted = { aggregate: 'count', type, title: inExpression(title) };
    return { field: counted, title };
  }
  const title = aggregate === 'none' ? name : titleOf(aggregate, name);
  const field = {
    ...(aggregate === 'none' ? {} : { aggregate }),
    field: `c${y}`,
    type,
    title: inExpression(title),
    ...(chart === 'line' || chart === 'scatter'
      ? { scale: { zero: false } }
      : {})
  };
  return { field, title };
}

/** A row with those of its values that the chart shows: c for the value, t for its words. */
function datum(
  table: ITable,
  row: readonly Value[],
  places: ReadonlySet<number>
): JSONObject {
  const shown: JSONObject = {};
  for (const place of places) {
    const value = row[place] ?? null;
    const kind = table.columns[place]?.kind ?? 'text';
    shown[`c${place}`] =
      kind === 'number'
        ? toNumber(value)
        : kind === 'time'
          ? toMoment(value)
          : value;
    shown[`t${place}`] = value === null ? null : toWords(value, kind);
  }
  return shown;
}

function mark(chart: ChartKind, rows: number): PartialJSONObject {
  switch (chart) {
    case 'bar':
      return { type: 'bar' };
    case 'line':
      return { type: 'line', point: rows <= MAX_BARS ? { size: 24 } : false };
    case 'area':
      return { type: 'area', line: true, fillOpacity: 0.5 };
    case 'scatter':
      return { type: 'point', filled: true, size: 40, opacity: 0.75 };
    case 'pie':
      return { type: 'arc', stroke: null };
  }
}

function scheme(values: number): PartialJSONObject {
  return { scale: { scheme: values > 10 ? 'tableau20' : 'tableau10' } };
}

function config(theme: IChartTheme): JSONObject {
  const words = {
    labelColor: theme.text,
    titleColor: theme.text,
    labelFont: theme.font,
    titleFont: theme.font,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 600
  };
  return {
    // The renderer around the chart describes it: here titles would be pasted into expressions.
    aria: false,
    axis: {
      ...words,
      domainColor: theme.line,
      gridColor: theme.line,
      tickColor: theme.line,
      labelLimit: 140,
      titleLimit: 400,
      labelOverlap: true
    },
    legend: {
      ...words,
      labelLimit: 140,
      titleLimit: 160,
      symbolLimit: MAX_SLICES
    },
    mark: { color: theme.accent },
    view: { stroke: null }
  };
}

function distinct(rows: ITable['rows'], column: number): readonly Value[] {
  return [...new Set(rows.map(row => row[column] ?? null))];
}

/**
 * `title` as it may stand where Vega-Lite pastes it, between double quotes and
 * without escaping, into the expression that makes a tooltip. What would end
 * the quotes is replaced by what looks like it. The tooltip takes the names
 * "image" and "title" for orders; a blank makes them names.
 */
export function inExpression(title: string): string {
  const safe = title
    .replaceAll('\\', '\u2216')
    .replaceAll('"', '\u201d')
    .replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, ' ');
  return safe === 'image' || safe === 'title' || safe === ''
    ? `${safe} `
    : safe;
}
