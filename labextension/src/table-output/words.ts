/** What charts and aggregates are called, and why there is no chart. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Aggregate, ChartKind, IChoice } from './choice';
import type { Chart, ICut } from './spec';
import type { ITable } from './table';

/** What the button of a chart says. */
export function chartName(chart: ChartKind, trans: TranslationBundle): string {
  switch (chart) {
    case 'bar':
      return trans.__('Bar');
    case 'line':
      return trans.__('Line');
    case 'area':
      return trans.__('Area');
    case 'scatter':
      return trans.__('Scatter');
    case 'pie':
      return trans.__('Pie');
  }
}

/** What an aggregate is called where it is chosen. */
export function aggregateName(
  aggregate: Aggregate,
  trans: TranslationBundle
): string {
  switch (aggregate) {
    case 'sum':
      return trans.__('Sum');
    case 'mean':
      return trans.__('Mean');
    case 'count':
      return trans.__('Count of rows');
    case 'min':
      return trans.__('Minimum');
    case 'max':
      return trans.__('Maximum');
    case 'none':
      return trans.__('None');
  }
}

/** What an axis is called that shows an aggregate of the column `name`. */
export function aggregateTitle(
  aggregate: Aggregate,
  name: string,
  trans: TranslationBundle
): string {
  switch (aggregate) {
    case 'sum':
      return trans.__('Sum of %1', name);
    case 'mean':
      return trans.__('Mean of %1', name);
    case 'count':
      return trans.__('Count of rows');
    case 'min':
      return trans.__('Minimum of %1', name);
    case 'max':
      return trans.__('Maximum of %1', name);
    case 'none':
      return name;
  }
}

/** The chart in a sentence, for those who do not see it. */
export function chartWords(
  table: ITable,
  chart: ChartKind,
  { x, y, aggregate }: IChoice,
  trans: TranslationBundle
): string {
  const name = (place: number | null): string =>
    place === null ? '' : (table.columns[place]?.name ?? '');
  return trans.__(
    '%1 chart: %2 by %3. The table has its values.',
    chartName(chart, trans),
    aggregateTitle(aggregate, name(y), trans),
    name(x)
  );
}

/** Why there is no chart, and what to do. */
export function problemWords(
  problem: Extract<Chart, { problem: string }>,
  trans: TranslationBundle
): string {
  switch (problem.problem) {
    case 'no-rows':
      return trans.__(
        'The result has no rows to draw. Change the query and run the cell again.'
      );
    case 'no-values':
      return trans.__(
        'The column of Y has no numbers. Choose another one, or count the rows.'
      );
    case 'slices':
      return trans.__(
        'A pie of %1 slices could not be read; choose a bar chart, or a column with fewer values.',
        problem.count ?? 0
      );
    case 'negative':
      return trans.__(
        'A pie has no room for negative numbers. Choose other sizes, or a bar chart.'
      );
  }
}

/** What the chart leaves out. */
export function cutWords(cut: ICut, trans: TranslationBundle): string {
  return trans.__(
    'Only the first %1 of %2 values of %3 are drawn.',
    cut.shown,
    cut.of,
    cut.column
  );
}
