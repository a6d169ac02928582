import type { TranslationBundle } from '@jupyterlab/translation';
import type { IOrder, ITable } from './table';
import { sortedRows, toWords } from './table';

/** Rows that are drawn at first, and with each press of the button below them. */
export const ROWS_AT_ONCE = 250;

/** A table whose rows are sorted by a click on a column's name. */
export class Grid {
  readonly node = document.createElement('div');

  constructor(
    private readonly table: ITable,
    private readonly trans: TranslationBundle
  ) {
    this.node.className = 'jp-Hops-tableGrid';
    this.rows = sortedRows(table, null);
    this.more.type = 'button';
    this.more.className = 'jp-Hops-button jp-mod-styled';
    this.more.addEventListener('click', () => {
      this.addRows();
    });
    const region = document.createElement('div');
    region.className = 'jp-Hops-tableScroll';
    // Without a place in the tab order it could be scrolled by mouse alone.
    region.tabIndex = 0;
    region.setAttribute('role', 'region');
    region.setAttribute('aria-label', trans.__('Rows of the result'));
    const element = document.createElement('table');
    element.append(this.head(), this.body);
    region.append(element);
    this.counted.className = 'jp-Hops-tableCount';
    this.counted.setAttribute('role', 'status');
    const foot = document.createElement('div');
    foot.className = 'jp-Hops-tableFoot';
    foot.append(this.counted, this.more);
    this.node.append(region, foot);
    this.addRows();
  }

  private head(): HTMLTableSectionElement {
    const head = document.createElement('thead');
    const line = head.insertRow();
    this.table.columns.forEach(({ name, kind }, column) => {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.className = `jp-mod-${kind}`;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'jp-Hops-tableSort';
      button.title = this.trans.__('Sort by %1', name);
      const label = document.createElement('span');
      label.textContent = name;
      const arrow = document.createElement('span');
      arrow.className = 'jp-Hops-tableArrow';
      arrow.setAttribute('aria-hidden', 'true');
      button.append(label, arrow);
      button.addEventListener('click', () => {
        this.sortBy(column);
      });
      cell.append(button);
      line.append(cell);
      this.heads.push(cell);
    });
    return head;
  }

  /** Ascending, then descending, then as the query gave them. */
  private sortBy(column: number): void {
    this.order =
      this.order?.column !== column
        ? { column, descending: false }
        : this.order.descending
          ? null
          : { column, descending: true };
    this.heads.forEach((cell, place) => {
      if (this.order?.column === place) {
        const { descending } = this.order;
        cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      } else {
        cell.removeAttribute('aria-sort');
      }
    });
    this.rows = sortedRows(this.table, this.order);
    this.body.replaceChildren();
    this.addRows();
  }

  private addRows(): void {
    const { columns } = this.table;
    const begin = this.body.rows.length;
    for (const row of this.rows.slice(begin, begin + ROWS_AT_ONCE)) {
      const line = this.body.insertRow();
      columns.forEach(({ kind }, column) => {
        const value = row[column] ?? null;
        const cell = line.insertCell();
        cell.className = `jp-mod-${kind}`;
        if (value === null) {
          cell.classList.add('jp-mod-missing');
          cell.textContent = this.trans.__('null');
        } else {
          cell.textContent = toWords(value, kind);
        }
      });
    }
    this.count();
  }

  private count(): void {
    const { trans, table } = this;
    const shown = this.body.rows.length;
    const left = this.rows.length - shown;
    this.more.hidden = left === 0;
    this.more.textContent = trans.__(
      'Show %1 more',
      Math.min(left, ROWS_AT_ONCE)
    );
    const sentences = [
      table.totalRows === 0
        ? trans.__('The query gave no rows. Change it and run the cell again.')
        : shown < table.totalRows
          ? trans.__('Showing %1 of %2 rows.', shown, table.totalRows)
          : trans._n('%1 row.', '%1 rows.', shown)
    ];
    if (table.columns.length < table.totalColumns) {
      sentences.push(
        trans.__(
          'The first %1 of %2 columns are here.',
          table.columns.length,
          table.totalColumns
        )
      );
    }
    if (table.rows.length < table.totalRows) {
      sentences.push(
        trans.__('The notebook keeps the first %1 rows.', table.rows.length)
      );
    }
    if (table.rowLimit !== null) {
      sentences.push(
        trans.__(
          'The query was cut at %1 rows; its option -n asks for another number.',
          table.rowLimit
        )
      );
    }
    this.counted.textContent = sentences.join(' ');
  }

  private order: IOrder | null = null;
  private rows: ITable['rows'];
  private readonly heads: HTMLTableCellElement[] = [];
  private readonly body = document.createElement('tbody');
  private readonly counted = document.createElement('span');
  private readonly more = document.createElement('button');
}
