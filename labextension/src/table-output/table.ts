/** The result of a query as its output holds it; `hops_kernels.table_output` describes the format. */
import {
  UnexpectedAnswerError,
  readFields,
  readList,
  readNumber,
  readOptionalNumber,
  readText
} from '../api/reading';

/** A query's result, beside the same as HTML. */
export const TABLE_MIME_TYPE = 'application/vnd.hops.table.v1+json';

const KINDS = ['number', 'text', 'time', 'boolean'] as const;

/** What a column's values are, beside null. */
export type ColumnKind = (typeof KINDS)[number];

/**
 * A value: of a number column a number, or its digits as text where a number
 * would lose some; of a time column ISO 8601 text.
 */
export type Value = string | number | boolean | null;

/** A column; several may have the same name. */
export interface IColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** The rows of a result that its output holds, and how many there are. */
export interface ITable {
  readonly columns: readonly IColumn[];
  /** Each as long as `columns`. */
  readonly rows: readonly (readonly Value[])[];
  readonly totalRows: number;
  readonly totalColumns: number;
  /** At how many rows the query itself was cut; null where it was not. */
  readonly rowLimit: number | null;
}

/**
 * Reads a table; a column of a kind that is not known yet is text.
 *
 * @throws UnexpectedAnswerError when a field is missing or a row has not a value for each column.
 */
export function readTable(value: unknown): ITable {
  const fields = readFields(value, TABLE_MIME_TYPE);
  const columns = readList(fields, 'columns', item => ({
    name: readText(item, 'name'),
    kind: KINDS.find(kind => kind === item['kind']) ?? 'text'
  }));
  const rows = fields['rows'];
  if (!Array.isArray(rows) || !rows.every(row => isRow(row, columns.length))) {
    throw new UnexpectedAnswerError('rows', 'a list of rows');
  }
  return {
    columns,
    rows: rows as Value[][],
    totalRows: readNumber(fields, 'total_rows'),
    totalColumns: readNumber(fields, 'total_columns'),
    rowLimit: readOptionalNumber(fields, 'row_limit')
  };
}

function isRow(row: unknown, length: number): boolean {
  return (
    Array.isArray(row) &&
    row.length === length &&
    row.every(
      value =>
        value === null ||
        typeof value === 'string' ||
        typeof value === 'boolean' ||
        typeof value === 'number'
    )
  );
}

/** `value` of a number column as a number, as near as one can be; null where it is none. */
export function toNumber(value: Value): number | null {
  const number = value === null || value === '' ? NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}

/**
 * `value` of a time column in milliseconds since the epoch, null where it is no
 * time. What names no zone is taken as if it stood in UTC: shown in UTC again,
 * it reads as it was written.
 */
export function toMoment(value: Value): number | null {
  if (typeof value !== 'string') {
    return null;
  }
  const zoned = !value.includes('T') || /(?:Z|[+-]\d\d:?\d\d)$/.test(value);
  const moment = Date.parse(zoned ? value : `${value}Z`);
  return Number.isNaN(moment) ? null : moment;
}

/** How people read `value`; empty where there is none. */
export function toWords(value: Value, kind: ColumnKind): string {
  if (value === null) {
    return '';
  }
  if (typeof value === 'number') {
    // Without the digits that binary fractions add: 0.1 + 0.2 reads 0.3.
    return String(Number(value.toPrecision(15)));
  }
  return kind === 'time' ? String(value).replace('T', ' ') : String(value);
}

/** In which order rows are shown: by a column's values, or as the query gave them. */
export interface IOrder {
  readonly column: number;
  readonly descending: boolean;
}

/** The rows in an order; what is missing comes last, equal ones stay as they were. */
export function sortedRows(
  table: ITable,
  order: IOrder | null
): readonly (readonly Value[])[] {
  const kind = order === null ? undefined : table.columns[order.column]?.kind;
  if (order === null || kind === undefined) {
    return table.rows;
  }
  const sign = order.descending ? -1 : 1;
  const keyed = table.rows.map(row => ({
    row,
    key: sortKey(row[order.column] ?? null, kind)
  }));
  keyed.sort((one, other) =>
    one.key === null || other.key === null
      ? Number(one.key === null) - Number(other.key === null)
      : sign * compare(one.key, other.key)
  );
  return keyed.map(({ row }) => row);
}

const collator = new Intl.Collator(undefined, { numeric: true });

function sortKey(value: Value, kind: ColumnKind): string | number | null {
  if (kind === 'number') {
    return toNumber(value);
  }
  if (kind === 'time') {
    return toMoment(value);
  }
  return value === null ? null : String(value);
}

function compare(one: string | number, other: string | number): number {
  return typeof one === 'number' && typeof other === 'number'
    ? one - other
    : collator.compare(String(one), String(other));
}
